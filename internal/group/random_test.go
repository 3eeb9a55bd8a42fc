package group

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func TestRandomHistoriesOfAPair(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	merged, conflicting := 0, 0
	for range 40 {
		a, b := together(t)
		for range 60 {
			m := []*member{a, b}[r.IntN(2)]
			switch r.IntN(12) {
			case 0:
				link(Away, a, b)
			case 1:
				link(Lost, m) // one side may know it before the other
			case 2, 3:
				if a.link == Up && b.link == Up {
					break
				}
				link(Away, a, b)
				link(Up, a, b)
			case 4: // a crash: what is on its way is lost, and its partner sees the connection end
				m.start()
				link(Away, m.partner)
			case 5, 6:
				key := []string{"root-path", "merit-dump"}[r.IntN(2)]
				tip := string(m.stored(m.state.Tip).Document)
				at := strings.Index(tip, key+": v") + len(key) + 3
				_ = m.apply(tip[:at] + fmt.Sprint(r.IntN(4)) + tip[at+1:])
			case 7:
				if !m.state.Rival.IsZero() && r.IntN(3) == 0 {
					out, err := m.Resolve([]binding.Member{"west", "east"}[r.IntN(2)], by("ann"))
					if m.do(out); err != nil {
						t.Fatal(err)
					}
				}
			default:
				m.deliver()
			}
			knowsWhatIsServedBy(t, a)
			knowsWhatIsServedBy(t, b)
		}
		link(Away, a, b)
		link(Up, a, b)
		settled(t, a, b)
		x, y := a.Status(), b.Status()
		switch {
		case a.closed != nil || b.closed != nil:
			t.Fatalf("closed: %v, %v", a.closed, b.closed)
		case len(x.Conflicts) > 0 || len(y.Conflicts) > 0:
			conflicting++
			if fmt.Sprint(x.Conflicts) != fmt.Sprint(y.Conflicts) || x.Rival != y.Tip || y.Rival != x.Tip || x.Head != x.Tip || y.Head != y.Tip {
				t.Fatalf("west %+v\neast %+v", x, y)
			}
		case x.Head != y.Head || x.Head != x.Tip || y.Head != y.Tip || x.Agreed != x.Head || y.Agreed != y.Head:
			t.Fatalf("west %+v\neast %+v", x, y)
		}
		for _, id := range a.History.Log(x.Head, 1000) {
			if a.History.Get(id).IsMerge() {
				merged++
			}
		}
	}
	t.Logf("%d merges, %d pairs ended in conflict", merged, conflicting)
	if merged == 0 || conflicting == 0 {
		t.Error("merges or conflicts are not tried")
	}
}

// knowsWhatIsServedBy: once it has met the other one a member has every version by which that serves, so that no binding update that
// arrives names a version that is not here.
func knowsWhatIsServedBy(t *testing.T, m *member) {
	t.Helper()
	p := m.partner
	if m.link != Up || p.link != Up || !m.HasMet() || p.State.Head.IsZero() {
		return
	}
	if m.History.Get(p.State.Head) == nil {
		t.Fatalf("%s has met %s, and does not have version %s, by which that serves", m.name, p.name, p.State.Head.Short())
	}
}
