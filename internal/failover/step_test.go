package failover

import (
	"net/netip"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// oneView is a view with one binding.
type oneView struct {
	View
	b binding.Binding
}

func (v oneView) Get(p netip.Prefix) (binding.Binding, bool) { return v.b, p == v.b.Prefix }

// Between two steps that write to one Output a lease may have ended, or a client may have been answered. The second step
// knows the binding as it is then, not as the first one left it.
func TestAStepSeesWhatCameAfterTheOneBefore(t *testing.T) {
	before := binding.Binding{Prefix: netip.MustParsePrefix("10.0.0.10/32"), State: binding.Released}
	between, now := before, before
	between.State, now.State = binding.Free, binding.Active
	s := stepOf(Primary, Lessor)
	s.view = oneView{b: between}
	s.out.Changes = append(s.out.Changes, Change{Binding: before})
	s.first = len(s.out.Changes)
	if b, ok := s.get(before.Prefix); !ok || b.State != binding.Free {
		t.Errorf("the binding is %v, which it was before", b.State)
	}
	s.put(&between.Sync, &now)
	if b, ok := s.get(before.Prefix); !ok || b.State != binding.Active {
		t.Errorf("the binding is %v, and this step made it active", b.State)
	}
}

// Two servers heard a client apart from each other, and each saw its lease end in another way. Whichever record is taken,
// both know when the client was heard last.
func TestAMergeKeepsWhenTheClientWasHeardLast(t *testing.T) {
	r := newRandom(t)
	for range 5000 {
		a, b := randomLease(r), randomLease(r)
		b.Client = a.Client
		west, east := stepOf(Primary, Lessor), stepOf(Secondary, Lessor)
		atWest := west.merge(&a, &b).binding
		atEast := east.merge(&b, &a).binding
		last := later(a.CLTT, b.CLTT)
		if !atWest.CLTT.Equal(last) || !atEast.CLTT.Equal(last) {
			t.Fatalf("%+v and %+v: heard %v at the primary, %v at the secondary", a, b, atWest.CLTT, atEast.CLTT)
		}
	}
}
