package failover

import (
	"net/netip"
	"testing"
	"time"

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

// Two servers gave an address to two clients. What was promised to the one that loses it says nothing of what the other may be granted:
// its server would promise it more than its partner knows of. But it is waited for before the address goes to anybody else.
func TestAMergeGrantsNothingByWhatAnotherClientWasPromised(t *testing.T) {
	r := newRandom(t)
	for range 5000 {
		mine, u := randomLease(r), randomLease(r)
		mine.Client, u.Client = client(1), client(2)
		mine.Sync.Acked = noon.Add(time.Duration(r.IntN(600)) * time.Minute)
		theirs := u.Sync.Potential
		if leased(&u) {
			theirs = later(theirs, u.Expires)
		}
		if u.State == binding.Free {
			theirs = time.Time{}
		}
		for role := Primary; role <= Secondary; role++ {
			s := stepOf(role, Lessor)
			n := s.merge(&mine, &u).binding
			known := theirs
			if n.Client.Is(&mine.Client) {
				known = mine.Sync.Acked
			}
			if n.Sync.Acked.After(known) {
				t.Fatalf("%v: of %+v and %+v came %+v: of this client both know %v", role, mine, u, n, known)
			}
			for _, promised := range []time.Time{mine.Sync.Potential, mine.Sync.Acked, theirs} {
				if FreeAt(&n, time.Time{}, 0, 0).Before(promised) {
					t.Fatalf("%v: of %+v and %+v came %+v, which is free before what was promised until %v", role, mine, u, n, promised)
				}
			}
		}
	}
}
