package class

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// Match says of a client whether it belongs. It is immutable, and safe for concurrent use.
type Match struct {
	tree     *node       // what can be told without the program
	program  cel.Program // nil: tree tells all
	registry *option.Registry
	reads    reads
	constant verdict // yes or no: whatever the client, as far as can be told; else none
}

func newMatch(tree *node, r reads) *Match {
	return &Match{tree: tree, reads: r, constant: tree.whatever()}
}

// Never reports whether no client can belong, as far as can be told without one.
func (m *Match) Never() bool { return m.constant == no }

// Always reports whether every client belongs, as far as can be told without one.
func (m *Match) Always() bool { return m.constant == yes }

// evaluate says whether the client in v belongs: yes, no, or failed and why.
func (m *Match) evaluate(v *view) (verdict, string) {
	switch verdict := m.tree.eval(v); {
	case verdict == yes || verdict == no:
		return verdict, ""
	case m.program == nil:
		return failed, m.tree.cause(v)
	}
	return m.run(v)
}

// run is evaluate by the language's own machinery.
func (m *Match) run(v *view) (verdict, string) {
	v.use(m.registry)
	out, _, err := m.program.Eval(v)
	if err != nil {
		return failed, m.why(err, v)
	}
	return verdictOf(out == types.True), ""
}
