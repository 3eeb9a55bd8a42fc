package class

import (
	"fmt"
	"sync"
	"testing"
)

// Several goroutines, each with a memory of its own, share a set.
func TestASetIsShared(t *testing.T) {
	set := setOf(t, append(classes(12, "cel"), `option[66].startsWith("x")`, `option[66].matches("x")`, `option[93] == 7`, `relay[7].contains("x")`))
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			var m Memory
			c := phone()
			for i := range uint64(200) {
				stranger(c, i*4+uint64(g))
				members, failed := set.Members(c, &m, nil)
				var fresh Memory
				want, broken := set.Members(c, &fresh, nil)
				if fmt.Sprint(members, failed) != fmt.Sprint(want, broken) {
					t.Errorf("%v %v, and not %v %v", members, failed, want, broken)
					return
				}
			}
		})
	}
	all.Wait()
}
