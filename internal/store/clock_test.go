package store_test

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// A server's clock does not go back behind what it said last, whatever times another server has said of bindings; and where it said
// none, as before format 3, not behind those of the bindings.
func TestTheClockIsTheServersOwn(t *testing.T) {
	said := time.Unix(1_795_305_600, 0).UTC()
	absurd := said.AddDate(80, 0, 0)
	for _, c := range []struct {
		name          string
		first, second time.Time // when the two bindings are Put; zero: not said
		snapshot      bool
		want          time.Time
	}{
		{"said", said, said.Add(time.Hour), false, said.Add(time.Hour)},
		{"said, and said to be earlier", said, said.Add(-time.Hour), false, said},
		{"never said", time.Time{}, time.Time{}, false, absurd},
		{"kept by a snapshot", said, said.Add(time.Hour), true, said.Add(time.Hour)},
		{"beyond what there is room for", said, time.Unix(1<<40, 0), false, time.Unix(1<<32-1, 0).UTC()},
		{"before all times", time.Unix(-5, 0), said, false, absurd},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := memfs.New(0)
			s, table, _ := mustOpen(t, goldenConfig(fs))
			for i, at := range []time.Time{c.first, c.second} {
				x := binding.Binding{Prefix: goldenBindings(table, true)[i].Prefix, State: binding.Released, CLTT: absurd, Changed: absurd}
				b := s.Begin()
				if !at.IsZero() {
					b.At(at)
				}
				b.Put(uint64(i+1), &x)
				table.Put(x, time.Time{})
				must(t, s.Commit(b))
			}
			for range 2 {
				if c.snapshot {
					sn, err := s.BeginSnapshot(table)
					for done := false; err == nil && !done; done, err = sn.Step(10) {
						s.Work()
					}
					must(t, err)
				}
				must(t, s.Close())
				next, loaded, recovery := mustOpen(t, goldenConfig(fs))
				if !recovery.Latest.Equal(c.want) {
					t.Errorf("the clock is %v, want %v", recovery.Latest, c.want)
				}
				s, table = next, loaded
			}
			must(t, s.Close())
		})
	}
}
