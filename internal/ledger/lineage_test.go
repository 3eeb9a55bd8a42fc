package ledger

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func TestLineageKnowsWhichVersionComesFromWhich(t *testing.T) {
	id := func(s string) binding.Digest { return binding.DigestOf([]byte(s)) }
	l := NewLineage()
	//       ┌ west1 ┐
	// root ─┤       ├ merge ─ tip
	//       └ east1 ─ east2 ┘
	for _, v := range [][]string{{"root"}, {"west1", "root"}, {"east1", "root"}, {"east2", "east1"}, {"merge", "east2", "west1"}, {"tip", "merge"}} {
		var parents []binding.Digest
		for _, p := range v[1:] {
			parents = append(parents, id(p))
		}
		l.Add(id(v[0]), id("document of "+v[0]), parents...)
	}
	for _, c := range []struct {
		v, of string
		want  bool
	}{
		{"tip", "root", true}, {"tip", "tip", true}, {"tip", "east1", true}, {"merge", "west1", true},
		{"east2", "west1", false}, {"west1", "east2", false}, {"east2", "east1", true}, {"east1", "east2", false},
		{"root", "tip", false}, {"west1", "merge", false},
		{"nobody", "tip", true}, {"tip", "nobody", false}, {"nobody", "nobody", true},
		{"tip", "document of root", true}, {"document of root", "tip", false}, {"root", "document of root", true},
	} {
		if got := l.Follows(id(c.v), id(c.of)); got != c.want {
			t.Errorf("%s follows %s: %v", c.v, c.of, got)
		}
	}
}
