package class

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// Match says of a client whether it belongs. It is immutable, and safe for concurrent use.
type Match struct {
	simple   condition
	program  cel.Program
	registry *option.Registry
	constant verdict // yes or no: whatever the client
}

// verdict is what a condition says of a client. The zero verdict is none.
type verdict uint8

const (
	_ verdict = iota
	no
	yes
	failed // reading what the client sent is an error
)

// condition is a match that is compiled to a closure: it cannot fail, and allocates nothing.
type condition func(*view) bool

// Never reports whether no client can belong, as far as can be told without one.
func (m *Match) Never() bool { return m.constant == no }

// Always reports whether every client belongs, as far as can be told without one.
func (m *Match) Always() bool { return m.constant == yes }

// evaluate says whether the client in v belongs, and why that cannot be told.
func (m *Match) evaluate(v *view) (verdict, string) {
	if m.simple != nil {
		if m.simple(v) {
			return yes, ""
		}
		return no, ""
	}
	v.registry = m.registry
	out, _, err := m.program.Eval(v)
	if err != nil {
		return failed, err.Error()
	}
	if out == types.True {
		return yes, ""
	}
	return no, ""
}
