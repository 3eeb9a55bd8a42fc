package failover

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// What was the partner's is this server's when nobody can hold it any more by what the partner promised, and not before; also where the
// relationship that keeps that is gone.
func TestWhatADismissedPartnerPromisedIsHeld(t *testing.T) {
	for _, role := range []Role{Primary, Secondary} {
		x := normalWithLessor(t, role, nil)
		x.step(LinkDown{Reason: "a test"})
		if _, ok := x.n.ep.DismissFrom(); ok {
			t.Error("the partner is not declared down")
		}
		x.step(DeclareDown{Forced: true, Reason: "a test"})
		down := x.now
		from, ok := x.n.ep.DismissFrom()
		wait := x.n.ep.rec.Largest + x.n.cfg.Guard
		if !ok || from.Before(down.Add(wait)) {
			t.Errorf("%v: dismissed from %v on (%v), declared at %v", role, from, ok, down)
		}
		x.after(from.Sub(x.now))
		mclt, guard := x.n.ep.rec.Largest, x.n.cfg.Guard
		potential := x.now.Add(3 * time.Hour)
		told := binding.Sync{Potential: potential, Acked: down.Add(-time.Minute), Ours: 7, Theirs: 9}
		for _, c := range []struct {
			what  string
			b     binding.Binding
			state binding.State
			free  time.Time // the earliest that a server alone may give it to another client; zero: now
		}{
			{"free, the partner's", binding.Binding{State: binding.Free, Owner: "east"}, binding.Free, time.Time{}},
			{"free, ours", binding.Binding{State: binding.Free, Owner: "west"}, binding.Free, time.Time{}},
			{"renewed with us since", binding.Binding{State: binding.Active, Expires: x.now.Add(time.Hour), CLTT: down.Add(time.Minute), Sync: told}, binding.Active, x.now.Add(time.Hour + guard)},
			{"not heard of since", binding.Binding{State: binding.Active, Expires: x.now.Add(time.Hour), CLTT: down.Add(-time.Minute), Sync: told}, binding.Active, potential.Add(mclt + guard)},
			{"ended", binding.Binding{State: binding.Expired, Expires: x.now.Add(-time.Minute), Sync: told}, binding.Expired, potential.Add(mclt + guard)},
			{"given back", binding.Binding{State: binding.Released, Expires: x.now.Add(time.Minute), Changed: x.now, Sync: told}, binding.Expired, potential.Add(mclt + guard)},
			{"abandoned", binding.Binding{State: binding.Abandoned, Expires: x.now.Add(time.Minute), Sync: told}, binding.Abandoned, potential.Add(mclt + guard)},
		} {
			c.b.Prefix, c.b.Client = single(x.n.w.addr(3)), client(3)
			n, _, until := x.n.ep.Inherit(x.now, &c.b)
			free := n.Due(guard)
			if n.State == binding.Active {
				free = n.Expires.Add(guard)
			}
			switch {
			case x.now.Before(until):
				t.Errorf("%v, %s: it waits until %v", role, c.what, until)
			case n.State != c.state || n.State == binding.Free && n.Owner != x.n.cfg.Self:
				t.Errorf("%v, %s: it is %v, of %q", role, c.what, n.State, n.Owner)
			case free.Before(c.free):
				t.Errorf("%v, %s: it is free at %v, and may be held until %v", role, c.what, free, c.free)
			case n.Sync != (binding.Sync{}):
				t.Errorf("%v, %s: something of the relationship is left: %+v", role, c.what, n.Sync)
			}
			if again, changed, _ := x.n.ep.Inherit(x.now, &n); changed && n.State != binding.Expired && n.State != binding.Active && n.State != binding.Abandoned {
				t.Errorf("%v, %s: done twice it changes again: %+v", role, c.what, again)
			}
		}
		// One that the partner made free late may have been given by it meanwhile.
		late := binding.Binding{Prefix: single(x.n.w.addr(4)), State: binding.Free, Owner: x.n.cfg.Partner, Expires: x.now}
		if _, _, until := x.n.ep.Inherit(x.now, &late); !x.now.Before(until) {
			t.Errorf("%v: an address that the partner may have given is this server's at once", role)
		}
	}
}

// The record that is left begins with a partner that nobody has met: it need not wait, and cannot be told to be down.
func TestARelationshipBeginsAnewAfterADismissal(t *testing.T) {
	for _, role := range []Role{Primary, Secondary} {
		x := normalWithLessor(t, role, nil)
		x.step(LinkDown{Reason: "a test"})
		x.step(DeclareDown{Forced: true, Reason: "a test"})
		from, _ := x.n.ep.DismissFrom()
		x.after(from.Sub(x.now))
		x.step(Dismissed{})
		rec := x.n.ep.rec
		if rec.State != PartnerDown || !rec.NeverServed || rec.Met || rec.PartnerStore != ([16]byte{}) {
			t.Fatalf("%v: %+v", role, rec)
		}
		if b := x.n.w.addr(5); !x.n.ep.MayGive(x.now, b, nil) {
			t.Errorf("%v: %v, which nobody ever used, is not this server's", role, b)
		}
		x.shut = ""
		x.step(LinkUp{})
		if x.shut == "" {
			t.Errorf("%v: the member that was taken out is heard", role)
		}
		if _, err := DecodeRecord(rec.Append(nil)); err != nil {
			t.Errorf("%v: %v", role, err)
		}
	}
}
