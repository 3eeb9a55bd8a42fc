package class

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// MaxExpression is how many octets the text of an expression may have.
const MaxExpression = 4096

// Compiler compiles the expressions of one document. It is not for concurrent use; the matches that it makes are.
type Compiler struct {
	registry *option.Registry
	language *language // made with the first expression
}

// NewCompiler returns a compiler of expressions that name the options in r.
func NewCompiler(r *option.Registry) *Compiler { return &Compiler{registry: r} }

// Expression compiles a condition in CEL, or says all that is wrong with it: what is no expression, no condition, names
// nothing that there is, looks at what belongs to one packet, or may cost more than MaxCost.
func (c *Compiler) Expression(text string) (*Match, []Problem) {
	switch {
	case len(text) > MaxExpression:
		return nil, []Problem{{MaxExpression, fmt.Sprintf("the expression has %d octets, and may have %d", len(text), MaxExpression), "make several classes of it"}}
	case strings.TrimSpace(text) == "":
		return nil, []Problem{{0, "the expression is empty", "write a condition, as in " + exampleExpression}}
	case !utf8.ValidString(text):
		return nil, []Problem{{0, "the expression is not in UTF-8", `write such octets as in b"\xff"`}}
	}
	if c.language == nil {
		c.language = newLanguage()
	}
	checked, errs := c.language.check(text)
	if len(errs) > 0 {
		return nil, wording{text, c.language}.problems(errs)
	}
	i := inspection{registry: c.registry, checked: checked, text: text}
	if t := checked.GetType(checked.Expr().ID()); t == types.DynType {
		i.report(checked.Expr(), "compare it with something, as in option[19] == true", "the expression is whatever a client sends, and not true or false")
	} else if t != types.BoolType {
		i.report(checked.Expr(), "compare it with something, as in "+exampleExpression, "the expression is of type %v, and not true or false", t)
	}
	i.expr(checked.Expr())
	if len(i.problems) == 0 {
		i.checkCost()
	}
	if len(i.problems) > 0 {
		return nil, ordered(i.problems)
	}
	return c.match(&i)
}

// match makes a match of an expression that nothing is wrong with.
func (c *Compiler) match(i *inspection) (*Match, []Problem) {
	l := lowering{c.registry, c.language, i.checked}
	m := newMatch(l.node(i.checked.Expr()), i.reads)
	m.registry = c.registry
	if m.tree.complete() && !m.tree.canFail() {
		return m, nil
	}
	rewrite(i.checked)
	program, err := c.language.plan(i.checked)
	if err != nil {
		return nil, []Problem{{0, "the expression cannot be compiled: " + err.Error(), ""}}
	}
	m.program = program
	return m, nil
}
