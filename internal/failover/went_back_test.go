package failover

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// keptView is a view of one binding that is shared, and may change.
type keptView struct {
	View
	b *binding.Binding
}

func (v keptView) Get(p netip.Prefix) (binding.Binding, bool) { return *v.b, p == v.b.Prefix }
func (v keptView) Covers(netip.Addr) bool                     { return true }

// A store that went back has a change that it believes its partner not to know. The partner knows it, and what came after
// it: a release, and another client's lease. That is what is right, and the old change must not look newer.
func TestAStoreThatWentBackDoesNotUndoWhatItForgot(t *testing.T) {
	old := binding.Binding{
		Prefix: netip.MustParsePrefix("10.0.0.10/32"), State: binding.Active, Client: client(1), Starts: noon.Add(-2 * time.Hour),
		Expires: noon.Add(time.Hour), CLTT: noon.Add(-2 * time.Hour),
		Sync: binding.Sync{Marks: binding.Pending | binding.Sent, Ours: binding.SequenceOf(1, 7)},
	}
	back := func(b *binding.Binding, told bool) *step {
		s := stepOf(Primary, Lessor)
		s.rec.State, s.rec.Lost, s.rec.Met = Recover, true, true
		s.last, s.renumber, s.forked, s.told = binding.SequenceOf(3, 0), true, 2, told
		s.view = keptView{b: b}
		s.sweepOne(b)
		got, _ := s.get(b.Prefix)
		*b = got
		return s
	}
	mine := old
	s := back(&mine, false)
	if mine.Sync.Ours != old.Sync.Ours {
		t.Fatalf("the change has the number %v before the partner has told everything", mine.Sync.Ours)
	}
	others := old
	others.Client, others.Starts, others.CLTT = client(2), noon.Add(-time.Hour), noon.Add(-time.Hour)
	others.Sync = binding.Sync{Theirs: binding.SequenceOf(2, 9)} // all of it was this server's own doing
	v := s.judge(&mine, true, &others)
	if c := client(2); !v.change || !v.binding.Client.Is(&c) {
		t.Fatalf("the partner's record became %+v", v)
	}
	// The other way round: what the partner hears of the old change changes nothing.
	at := others
	at.Sync = binding.Sync{Theirs: binding.SequenceOf(2, 9)}
	if v := stepOf(Secondary, Lessor).judge(&at, true, &mine); v.change {
		t.Fatalf("the old change became %+v at the partner", v)
	}
	// What was changed under a number that the partner may know for another change gets a new one at once; all that the
	// partner has not told of does in the end.
	forked := old
	forked.Sync.Ours = binding.SequenceOf(2, 5)
	if back(&forked, false); forked.Sync.Ours != binding.SequenceOf(3, 1) {
		t.Fatalf("a change of a number that there may be twice has the number %v", forked.Sync.Ours)
	}
	mine = old
	if back(&mine, true); mine.Sync.Ours != binding.SequenceOf(3, 1) {
		t.Fatalf("a change that the partner has not told of has the number %v", mine.Sync.Ours)
	}
}
