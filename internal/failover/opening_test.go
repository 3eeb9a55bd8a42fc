package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// A store that lacks something recovers, also where numbers were given out again since; one that lacks nothing does not.
func TestAStoreThatWentBackIsFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Hello, *Endpoint)
		lost   bool
	}{
		{"nothing is lacking", func(*Hello, *Endpoint) {}, false},
		{"the partner knows the opening before", func(h *Hello, e *Endpoint) { h.PartnerOpening = e.rec.Openings[0].Opening }, false},
		{"the partner went back", func(h *Hello, e *Endpoint) { e.rec.Openings, h.PartnerOpening = e.rec.Openings[1:], Opening{1, 99} }, false},
		{"the partner has met nobody", func(h *Hello, _ *Endpoint) { h.PartnerOpening = Opening{} }, false},
		{"a later opening", func(h *Hello, e *Endpoint) { h.PartnerOpening.Number += 2 }, true},
		{"another one with the number of the last", func(h *Hello, e *Endpoint) { h.PartnerOpening.Nonce++ }, true},
		{"a change in an opening that had less", func(h *Hello, e *Endpoint) {
			h.PartnerOpening = e.rec.Openings[0].Opening
			h.Seen = binding.SequenceOf(h.PartnerOpening.Number, 900)
		}, true},
		{"a change that was made", func(h *Hello, e *Endpoint) {
			h.PartnerOpening = e.rec.Openings[0].Opening
			h.Seen = binding.SequenceOf(h.PartnerOpening.Number, e.rec.Openings[0].end)
		}, false},
		{"another store, of before what the partner once acknowledged: it went back", func(h *Hello, e *Endpoint) {
			h.PartnerStore, h.PartnerOpening, h.Seen = [16]byte{9}, Opening{e.acked.Epoch() - 1, 99}, binding.SequenceOf(e.acked.Epoch()-1, 40)
		}, false},
		{"another store, of behind that", func(h *Hello, e *Endpoint) {
			h.PartnerStore, h.PartnerOpening, h.Seen = [16]byte{9}, Opening{e.acked.Epoch() + 1, 99}, e.acked
		}, true},
		{"another store, of which nothing was heard", func(h *Hello, e *Endpoint) {
			h.PartnerStore, h.PartnerOpening, h.Seen = [16]byte{9}, Opening{e.acked.Epoch() + 1, 99}, 0
		}, true},
		{"what it has acknowledged", func(h *Hello, e *Endpoint) { h.Acknowledged = e.seen + 1 }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := normalWithLessor(t, Primary, nil)
			x.leases()
			x.acks()
			for range 2 { // two starts later, in which it made changes, too
				x.n.ep = New(x.n.cfg, x.n.ep.rec, x.n, x.now)
				h := lessorHello(x.n)
				h.PartnerOpening = x.n.ep.rec.Openings[len(x.n.ep.rec.Openings)-1].Opening
				x.meet(h)
				x.leases()
				x.acks()
			}
			x.step(LinkDown{"cut"})
			x.note = nil
			h := lessorHello(x.n)
			h.PartnerOpening = x.n.ep.rec.Opening
			c.change(&h, x.n.ep)
			x.step(LinkUp{})
			x.answers(0, ConnectAck{Hello: h})
			found := false
			for _, n := range x.note {
				found = found || n.Kind == StoreWentBack && !strings.Contains(n.Cause, "the partner's store")
			}
			if found != c.lost || (x.n.ep.State() == Recover) != c.lost {
				t.Fatalf("found %v, in %v", found, x.n.ep.State())
			}
			if !c.lost {
				return
			}
			// It recovers once; the next greeting finds nothing more.
			x.hears(Report{State: PartnerDown})
			x.acks()
			x.hears(UpdateDone{})
			x.mustBe(RecoverWait)
			x.step(LinkDown{"cut"})
			since := x.n.ep.rec.WaitUntil
			h.PartnerStore, h.PartnerOpening, h.Acknowledged = [16]byte{}, x.n.ep.rec.Openings[len(x.n.ep.rec.Openings)-1].Opening, 0
			x.step(LinkUp{})
			x.answers(0, ConnectAck{Hello: h})
			if x.mustBe(RecoverWait); !x.n.ep.rec.WaitUntil.Equal(since) {
				t.Error("the wait begins anew")
			}
		})
	}
}

// What is not acknowledged gets numbers that the partner cannot know for others.
func TestAfterAStoreWentBackItNumbersAnew(t *testing.T) {
	x := normalWithLessor(t, Primary, nil)
	x.step(LinkDown{"cut"})
	x.leases()
	before := x.n.recs[0].Sync.Ours
	h := lessorHello(x.n)
	h.PartnerOpening = Opening{x.n.ep.rec.Opening.Number + 1, 7}
	h.Seen = binding.SequenceOf(x.n.ep.rec.Opening.Number+1, 40)
	x.said = nil
	x.step(LinkUp{})
	x.answers(0, ConnectAck{Hello: h})
	x.hears(Report{State: PartnerDown})
	for _, e := range x.said {
		if m, ok := e.Message.(BindingUpdate); ok {
			t.Fatalf("before the partner has told what it knows, it is told %+v", m.Updates)
		}
		if _, ok := e.Message.(UpdateRequest); ok {
			x.answers(e.ID, UpdateDone{})
			break
		}
	}
	var told *binding.Binding
	for _, e := range x.said {
		if m, ok := e.Message.(BindingUpdate); ok {
			told = &m.Updates[0].Binding
		}
	}
	if told == nil || told.Sync.Ours <= h.Seen || told.Sync.Ours <= before || told.State != binding.Active {
		t.Errorf("it tells %+v; the partner has seen %x", told, uint64(h.Seen))
	}
}

// Numbers ascend through starts in which nothing was changed, and no two openings are alike.
func TestOpeningsAscend(t *testing.T) {
	x := normalWithLessor(t, Primary, nil)
	was := x.n.ep.rec.Opening
	for range 20 {
		rec, err := DecodeRecord(x.n.ep.rec.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		x.now = x.now.Add(time.Second)
		x.n.ep = New(x.n.cfg, rec, x.n, x.now)
		is := x.n.ep.rec.Opening
		if is.Number <= was.Number || is.Nonce == was.Nonce || x.n.ep.last.Epoch() != is.Number {
			t.Fatalf("%v after %v", is, was)
		}
		was = is
		x.meet(lessorHello(x.n))
		if n := len(x.n.ep.rec.Openings); n > maxOpenings {
			t.Fatalf("%d openings are remembered", n)
		}
	}
}
