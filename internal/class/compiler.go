package class

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// MaxExpression is how many octets the text of an expression may have.
const MaxExpression = 4096

// maxNodes is of how many parts an expression may be made.
const maxNodes = 2048

// Compiler compiles the expressions of one document. It is not for concurrent use; the matches that it makes are.
type Compiler struct {
	registry *option.Registry
	env      *cel.Env // made with the first expression
}

// NewCompiler returns a compiler of expressions that name the options in r.
func NewCompiler(r *option.Registry) *Compiler { return &Compiler{registry: r} }

// environment returns what expressions may use: the variables, the language's own functions, and those of texts.
func (c *Compiler) environment() *cel.Env {
	if c.env != nil {
		return c.env
	}
	opts := []cel.EnvOption{ext.Strings(), cel.ParserExpressionSizeLimit(MaxExpression), cel.ExpressionNodeLimit(maxNodes)}
	for name, t := range variables {
		opts = append(opts, cel.Variable(name, t))
	}
	env, err := cel.NewEnv(append(opts, ownFunctions()...)...)
	if err != nil {
		panic("class: the environment of expressions: " + err.Error())
	}
	c.env = env
	return env
}

// Expression compiles a condition in CEL, or says all that is wrong with it: what is no expression, no condition, names
// nothing that there is, looks at what belongs to one packet, or may cost more than MaxCost.
func (c *Compiler) Expression(text string) (*Match, []Problem) {
	switch {
	case len(text) > MaxExpression:
		return nil, []Problem{{MaxExpression, fmt.Sprintf("the expression has %d octets, and may have %d", len(text), MaxExpression), "make several classes of it"}}
	case strings.TrimSpace(text) == "":
		return nil, []Problem{{0, "the expression is empty", "write a condition, as in " + exampleExpression}}
	}
	env := c.environment()
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, problemsOf(text, issues, env)
	}
	i := inspection{registry: c.registry, checked: checked.NativeRep(), text: text}
	if t := checked.OutputType(); t != types.BoolType {
		i.report(i.checked.Expr(), "compare it with something, as in "+exampleExpression, "the expression is %v, and not true or false", t)
	}
	i.expr(i.checked.Expr())
	if len(i.problems) == 0 {
		i.checkCost(env, checked)
	}
	if len(i.problems) > 0 {
		return nil, ordered(i.problems)
	}
	return c.match(env, checked, &i)
}

// match makes a match of an expression that nothing is wrong with.
func (c *Compiler) match(env *cel.Env, checked *cel.Ast, i *inspection) (*Match, []Problem) {
	l := lowering{registry: c.registry, env: env, checked: i.checked}
	m := newMatch(l.node(i.checked.Expr()), i.reads)
	m.registry = c.registry
	if m.tree.complete() && !m.tree.canFail() {
		return m, nil
	}
	rewrite(i.checked)
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, []Problem{{0, "the expression cannot be compiled: " + err.Error(), ""}}
	}
	m.program = program
	return m, nil
}
