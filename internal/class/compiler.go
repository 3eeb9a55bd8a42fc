package class

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// MaxExpression is how many octets the text of an expression may have.
const MaxExpression = 4096

// Compiler compiles the expressions of one document. It is not for concurrent use; the matches that it makes are.
type Compiler struct {
	registry *option.Registry
	env      *cel.Env // made with the first expression
}

// NewCompiler returns a compiler of expressions that name the options in r.
func NewCompiler(r *option.Registry) *Compiler { return &Compiler{registry: r} }

// environment returns what expressions may use.
func (c *Compiler) environment() *cel.Env {
	if c.env != nil {
		return c.env
	}
	var opts []cel.EnvOption
	for name, t := range variables {
		opts = append(opts, cel.Variable(name, t))
	}
	env, err := cel.NewEnv(append(opts, ext.Strings())...)
	if err != nil {
		panic("class: the environment of expressions: " + err.Error())
	}
	c.env = env
	return env
}

// Expression compiles an expression, or says all that is wrong with it.
func (c *Compiler) Expression(text string) (*Match, []Problem) {
	if len(text) > MaxExpression {
		return nil, []Problem{{MaxExpression, "the expression is too long", "split the class"}}
	}
	env := c.environment()
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		var all []Problem
		for _, e := range issues.Errors() {
			all = append(all, Problem{offsetOf(text, e.Location.Line(), e.Location.Column()), e.Message, ""})
		}
		return nil, all
	}
	if checked.OutputType() != types.BoolType {
		return nil, []Problem{{0, "the expression is not true or false", "compare it with something"}}
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, []Problem{{0, err.Error(), ""}}
	}
	return &Match{program: program, registry: c.registry}, nil
}
