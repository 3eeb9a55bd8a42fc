package node

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// drained returns what is in a channel of events now.
func drained(ch <-chan Event) (es []Event) {
	for {
		select {
		case e := <-ch:
			es = append(es, e)
		default:
			return es
		}
	}
}

func leaseEvent(n int) Event {
	return Event{Kind: LeaseGranted, Level: slog.LevelInfo, Hostname: fmt.Sprint(n)}
}

func troubleEvent(n int) Event {
	return Event{Kind: FailoverState, Level: slog.LevelWarn, Hostname: fmt.Sprint(n)}
}

// Whoever listens, goes away and comes back hears each event once, or hears that so many are missing.
func TestAListenerThatComesBackMissesNothingUnsaid(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	h := &hub{epoch: 7}
	var happened []Event
	untold := 0
	for range 300 {
		var es []Event
		for range r.IntN(8) {
			e := leaseEvent(len(happened))
			if r.IntN(4) == 0 {
				e = troubleEvent(len(happened))
			}
			happened = append(happened, e)
			es = append(es, e)
		}
		silent := 0
		if r.IntN(5) == 0 {
			silent = r.IntN(50)
			untold += silent
		}
		h.publish(es, silent)
		if r.IntN(10) == 0 {
			h.breathe()
		}
	}
	for range 20 {
		after := EventID{7, uint64(r.IntN(len(happened)))}
		ctx, cancel := context.WithCancel(context.Background())
		ch, err := h.listenAfter(ctx, EventFilter{}, false, &after)
		if err != nil {
			t.Fatal(err)
		}
		next, lost := after.Number+1, uint64(0)
		missing := uint64(0)
		for _, e := range drained(ch) {
			if e.Kind == EventsLost {
				lost += e.Lost
				continue
			}
			if e.ID.Epoch != 7 || e.ID.Number < next || e.Hostname != fmt.Sprint(e.ID.Number-1) {
				t.Fatalf("seed %d: after %v came %v %q, expected %d or later", seed, after, e.ID, e.Hostname, next)
			}
			missing += e.ID.Number - next
			next = e.ID.Number + 1
		}
		missing += uint64(len(happened)) + 1 - next
		if lost < missing || lost > missing+uint64(untold)+uint64(KeptLeasesASecond*9) {
			t.Fatalf("seed %d: after %v %d are missing, and %d are said to be", seed, after, missing, lost)
		}
		cancel()
	}
}

func TestTroublesOutliveAnyNumberOfLeases(t *testing.T) {
	h := &hub{epoch: 7}
	h.publish([]Event{troubleEvent(0)}, 0)
	for range 2 * KeptLeases / KeptLeasesASecond {
		for range 2 * KeptLeasesASecond {
			h.publish([]Event{leaseEvent(1)}, 0)
		}
		h.breathe()
	}
	h.publish([]Event{troubleEvent(2)}, 0)
	ch, _ := h.listenAfter(t.Context(), EventFilter{}, false, &EventID{})
	es := drained(ch)
	seen := map[EventKind]int{}
	for _, e := range es {
		seen[e.Kind]++
	}
	if es[0].Kind != EventsLost || es[0].Lost != KeptLeases || seen[FailoverState] != 2 || seen[LeaseGranted] != KeptLeases {
		t.Errorf("first %+v, all %v", es[0], seen)
	}
	only, _ := h.listenAfter(t.Context(), EventFilter{Level: slog.LevelWarn}, false, &EventID{})
	if es := drained(only); len(es) != 2 {
		t.Errorf("who wants troubles alone hears %d, of which the first is %+v", len(es), es[0])
	}
}

func TestWhatIsKeptOfEventsIsBounded(t *testing.T) {
	var k keptEvents
	long := strings.Repeat("a", 100_000)
	for i := range 2 * KeptLeases {
		e := troubleEvent(i)
		e.Detail = long
		k.add(&e)
		e = leaseEvent(i)
		k.add(&e)
		k.second = 0
		p := Event{Kind: PacketIn, Level: slog.LevelDebug}
		k.add(&p)
	}
	size := (len(k.troubles.events) + len(k.leases.events)) * int(unsafe.Sizeof(keptEvent{}))
	for i := range k.troubles.events {
		size += len(k.troubles.events[i].Detail)
	}
	if len(k.troubles.events) != KeptTroubles || len(k.leases.events) != KeptLeases || size > 9<<20 {
		t.Errorf("%d and %d events of %d octets", len(k.troubles.events), len(k.leases.events), size)
	}
}

func TestAnotherRunOfTheServerIsSaidToBeOne(t *testing.T) {
	h := &hub{epoch: 7}
	h.publish([]Event{troubleEvent(0)}, 0)
	ch, _ := h.listenAfter(t.Context(), EventFilter{}, false, &EventID{6, 999})
	if es := drained(ch); len(es) != 2 || es[0].Kind != EventsLost || es[1].ID != (EventID{7, 1}) {
		t.Errorf("%+v", es)
	}
	ch, _ = h.listenAfter(t.Context(), EventFilter{}, false, &EventID{7, 1})
	if es := drained(ch); len(es) != 0 {
		t.Errorf("%+v", es)
	}
}

func TestAnEventsNameIsReadAsItIsWritten(t *testing.T) {
	for _, id := range []EventID{{}, {1764000000000, 17}, {1, 1<<64 - 1}} {
		if got, err := ParseEventID(id.String()); err != nil || got != id {
			t.Errorf("%v became %v, %v", id, got, err)
		}
	}
	for _, s := range []string{"1", "-1", "1-", "a-1", "-1-1", "1-1-1", "1-18446744073709551616"} {
		if id, err := ParseEventID(s); err == nil {
			t.Errorf("%q was read as %v", s, id)
		}
	}
}

// What happens before anybody listens is heard by who comes later.
func TestAServersEventsAreKeptWhetherOrNotSomebodyListens(t *testing.T) {
	n := run(t, memfs.New(0))
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Error(err)
		}
	})
	relay := newRelay(t, n.port)
	a, err := relay.lease(1)
	if err != nil {
		t.Fatal(err)
	}
	ch, err := n.node.EventsAfter(t.Context(), EventFilter{Kinds: []EventKind{LeaseGranted}}, EventID{})
	if err != nil {
		t.Fatal(err)
	}
	if e := <-ch; e.Address != a || e.ID.IsZero() {
		t.Errorf("%+v", e)
	}
}

// Who listens for states alone has no events of single leases made, which as many are kept of as is wanted.
func TestLeasesAreMadeKnownOnlyToThoseWhoWantThem(t *testing.T) {
	for _, c := range []struct {
		f     EventFilter
		wants bool
	}{
		{EventFilter{}, true}, {EventFilter{Kinds: []EventKind{FailoverState, LeaseRenewed}}, true}, {EventFilter{Level: slog.LevelDebug}, true},
		{EventFilter{Kinds: []EventKind{FailoverState, AlarmRaised}}, false}, {EventFilter{Level: slog.LevelWarn}, false},
	} {
		h := &hub{}
		h.plenty.Store(true)
		if _, err := h.listen(t.Context(), c.f, false); err != nil {
			t.Fatal(err)
		}
		if got := h.wanted()&ObserveLeases != 0; got != c.wants {
			t.Errorf("%+v: leases are made known: %v", c.f, got)
		}
	}
}
