package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Conversations with a real dhcpd that once ended wrongly.

// Where an ISC server that starts hears the state that it remembers, it goes on in the state that it had and looks no
// further: it would stay in COMMUNICATIONS-INTERRUPTED for ever. Its next word has ours said once more.
func TestAnISCServerThatStartsHearsOurStateAgain(t *testing.T) {
	for _, role := range []Role{Primary, Secondary} {
		x := newTalk(t, role, ISC, func(_ *Config, r *Record) { r.State, r.Lost, r.Met, r.Partner = Normal, false, true, Normal })
		x.greet()
		x.hears(Report{State: CommunicationsInterrupted, Starting: true})
		if got := x.says(); !strings.HasPrefix(got, "STATE NORMAL") {
			t.Fatalf("%v: it says %q", role, got)
		}
		x.hears(Report{State: CommunicationsInterrupted})
		x.mustSay("STATE NORMAL")
		x.hears(Report{State: Normal})
		x.mustBe(Normal)
		if got := x.says(); strings.Contains(got, "STATE") {
			t.Errorf("%v: to one in NORMAL it says %q", role, got)
		}
	}
}

// Nobody's address goes to nobody by hash: an empty identity is in the primary's bucket 0, and a secondary gave away what it had
// just been given, each minute anew.
func TestAnAddressThatNobodyHadIsNotGivenForItsHash(t *testing.T) {
	x := normalWithISC(t, Secondary)
	for i := range 4 {
		x.hears(BindingUpdate{[]Update{{Binding: binding.Binding{Prefix: single(x.n.w.addr(i)), State: binding.Free, Owner: "east"}}}})
	}
	x.says()
	for range 100 {
		x.after(20 * time.Second)
		x.hears(Contact{})
		if got := x.says(); strings.Contains(got, "BNDUPD") {
			t.Fatalf("with 4 of 8 each it gives %q", got)
		}
	}
}

// Of what an ISC server tells of each address that nobody ever used, half is given: the tenth by which shares may differ is for
// clients that come again.
func TestWhatNobodyEverHadIsHalved(t *testing.T) {
	x := newTalk(t, Primary, ISC, func(_ *Config, r *Record) { r.State, r.Lost, r.Met, r.Partner = Normal, false, true, Normal })
	for i := range 8 {
		b := binding.Binding{Prefix: single(x.n.w.addr(i)), State: binding.Free, Owner: "west", Changed: x.now}
		x.n.recs[i] = &b
	}
	x.greet()
	x.hears(Report{State: Normal})
	if got := strings.Count(x.says(), "free of east"); got != 4 {
		t.Errorf("of 8 it gives %d", got)
	}
}

// When both begin anew nothing was forgotten: what is leased in the same second is free when it is given back.
func TestOfAFirstStartNothingIsForgotten(t *testing.T) {
	x := newTalk(t, Primary, ISC, nil)
	x.greet()
	x.hears(Report{State: Recover, Starting: true})
	x.hears(UpdateRequest{All: true})
	x.hears(Report{State: RecoverDone})
	x.hears(UpdateDone{})
	x.mustBe(RecoverDone)
	x.hears(Report{State: Normal})
	x.mustBe(Normal)
	if got := x.n.ep.rec.Forgotten; !got.IsZero() {
		t.Errorf("something was forgotten at %v", got)
	}
}

// The end of a lease and the word that it goes on cross: each takes the other's, and the primary says once more that it ended.
func TestAnEndThatCrossesItsLeaseIsToldAgain(t *testing.T) {
	x := normalWithISC(t, Primary)
	lease := binding.Binding{Prefix: single(x.n.w.addr(6)), State: binding.Active, Client: client(1), Expires: x.now.Add(time.Minute), Sync: binding.Sync{Potential: x.now.Add(time.Hour)}}
	x.hears(BindingUpdate{[]Update{{Binding: lease}}})
	x.step(LinkDown{"killed"})
	x.now = x.now.Add(2 * time.Minute)
	x.n.apply(x.n.ep.Lapse(x.now, x.n.recs[6]))
	x.step(Changed{})
	x.said, x.next = nil, 0
	x.greet()
	x.hears(Report{State: Normal, Starting: true})
	var ended uint32
	for _, e := range x.said {
		if strings.HasPrefix(brief(e), "BNDUPD 10.0.0.16 expired") {
			ended = e.ID
		}
	}
	if ended == 0 {
		t.Fatalf("it says %q, and not that the lease ended", x.says())
	}
	x.says()
	x.hears(BindingUpdate{[]Update{{Binding: lease}}})
	if got := x.says(); !strings.HasPrefix(got, "BNDACK 0") {
		t.Fatalf("it says %q", got)
	}
	x.answers(ended, BindingAck{[]Ack{{Prefix: lease.Prefix}}})
	if b := x.n.recs[6]; b.State == binding.Active {
		x.n.apply(x.n.ep.Lapse(x.now, b))
		x.step(Changed{})
	}
	if got := x.says(); !strings.Contains(got, "BNDUPD 10.0.0.16 expired") && !strings.Contains(got, "BNDUPD 10.0.0.16 free") {
		t.Errorf("it says %q; the binding is %v", got, x.n.recs[6])
	}
}

// A lease that had ended before the partner told of it ends here at once, and the partner hears that.
func TestALeaseThatIsToldAfterItsEndEnds(t *testing.T) {
	x := normalWithISC(t, Primary)
	lease := binding.Binding{Prefix: single(x.n.w.addr(6)), State: binding.Active, Client: client(1), Expires: x.now.Add(-2 * time.Second), Sync: binding.Sync{Potential: x.now.Add(time.Hour)}}
	x.hears(BindingUpdate{[]Update{{Binding: lease}}})
	x.mustSay("BNDACK 0")
	for range 3 {
		if due := x.n.due[6]; due.IsZero() || due.After(x.now) {
			t.Fatalf("%v is due at %v", x.n.recs[6], due)
		}
		x.n.apply(x.n.ep.Lapse(x.now, x.n.recs[6]))
		x.step(Changed{})
		if got := x.says(); strings.Contains(got, "BNDUPD 10.0.0.16 expired") {
			return
		}
	}
	t.Errorf("the binding is %+v", x.n.recs[6])
}

// An ISC server that is a primary as well greets, and answers our greeting: as two primaries both would give away what is free.
func TestAnISCServerThatIsThePrimaryTooIsRefused(t *testing.T) {
	for _, open := range []bool{false, true} {
		x := newTalk(t, Primary, ISC, nil)
		if open {
			x.greet()
		} else {
			x.step(LinkUp{})
			x.mustSay("CONNECT")
		}
		x.hears(Connect{iscHello()})
		x.mustSay("DISCONNECT 8")
		if !strings.Contains(x.shut, "takes itself for the primary") || x.n.ep.Status(x.now).Connected {
			t.Errorf("open %v: closed: %q", open, x.shut)
		}
	}
}

// A client gave its address back here while the two were apart, and was answered there: each takes the other's word. What we
// take is said again, so that both know the same.
func TestAWordThatCrossesALeaseIsNotSwapped(t *testing.T) {
	for _, role := range []Role{Primary, Secondary} {
		x := normalWithISC(t, role)
		lease := binding.Binding{Prefix: single(x.n.w.addr(2)), State: binding.Active, Client: client(1), Expires: x.now.Add(time.Hour), CLTT: x.now, Sync: binding.Sync{Potential: x.now.Add(2 * time.Hour)}}
		x.hears(BindingUpdate{[]Update{{Binding: lease}}})
		x.step(LinkDown{"cut"})
		x.now = x.now.Add(time.Minute)
		old := *x.n.recs[2]
		given := old
		given.State, given.Cause, given.Changed = binding.Free, binding.ClientReleased, x.now
		x.n.ep.Stamp(x.now, &old, &given)
		x.n.apply(Change{Binding: given, Due: x.n.ep.Due(&given)})
		x.step(Changed{})
		x.said, x.next = nil, 0
		x.greet()
		x.hears(Report{State: Normal})
		if got := x.says(); !strings.Contains(got, "BNDUPD 10.0.0.12 released") {
			t.Fatalf("%v: it says %q", role, got)
		}
		lease.Expires = x.now.Add(time.Hour)
		x.hears(BindingUpdate{[]Update{{Binding: lease}}})
		if got := x.says(); !strings.Contains(got, "BNDACK 0") || !strings.Contains(got, "BNDUPD 10.0.0.12 active") {
			t.Errorf("%v: it says %q", role, got)
		}
		if b := x.n.recs[2]; b.State != binding.Active || !b.Expires.Equal(lease.Expires) {
			t.Errorf("%v: %+v", role, b)
		}
	}
}

// Both renewed one lease while the two were apart, one for longer: each takes the other's word, so that the later end is said again.
func TestTheLaterOfTwoLeasesThatCrossIsSaidAgain(t *testing.T) {
	for _, role := range []Role{Primary, Secondary} {
		x := normalWithISC(t, role)
		lease := binding.Binding{Prefix: single(x.n.w.addr(2)), State: binding.Active, Client: client(1), Expires: x.now.Add(time.Minute), CLTT: x.now, Sync: binding.Sync{Potential: x.now.Add(2 * time.Hour)}}
		x.hears(BindingUpdate{[]Update{{Binding: lease}}})
		x.step(LinkDown{"cut"})
		x.now = x.now.Add(10 * time.Second)
		old := *x.n.recs[2]
		renewed := old
		renewed.Expires, renewed.CLTT, renewed.Changed = x.now.Add(time.Minute), x.now, x.now
		x.n.ep.Stamp(x.now, &old, &renewed)
		x.n.apply(Change{Binding: renewed, Due: x.n.ep.Due(&renewed)})
		x.step(Changed{})
		x.said, x.next = nil, 0
		x.greet()
		x.hears(Report{State: Normal})
		if got := x.says(); !strings.Contains(got, "BNDUPD 10.0.0.12 active") {
			t.Fatalf("%v: it says %q", role, got)
		}
		lease.Expires, lease.CLTT = x.now.Add(time.Hour), x.now
		x.hears(BindingUpdate{[]Update{{Binding: lease}}})
		if got := x.says(); !strings.Contains(got, "BNDACK 0") || !strings.Contains(got, "BNDUPD 10.0.0.12 active") {
			t.Errorf("%v: it says %q", role, got)
		}
		if b := x.n.recs[2]; !b.Expires.Equal(lease.Expires) {
			t.Errorf("%v: until %v", role, b.Expires)
		}
	}
}
