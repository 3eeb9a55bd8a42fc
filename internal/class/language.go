package class

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/containers"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/parser"
)

// language is CEL with the variables of a class: what the parts of the library are put together to. The library's own
// way from text to program takes twice as long, most of it in its older parser.
type language struct {
	parser  *parser.Parser
	checker *checker.Env
	env     *cel.Env // plans programs
}

// maxNodes is of how many parts an expression may be made.
const maxNodes = 2048

// newLanguage returns the language: the variables, its own functions and macros, and those of texts.
func newLanguage() *language {
	env, err := cel.NewEnv(append(ownFunctions(), ext.Strings())...)
	must(err)
	p, err := parser.NewParser(parser.EnablePrattParser(true), parser.Macros(env.Macros()...),
		parser.ExpressionSizeCodePointLimit(MaxExpression), parser.MaxExpressionNodeCount(maxNodes), parser.ErrorReportingLimit(maxProblems))
	must(err)
	types, err := checker.NewEnv(containers.DefaultContainer, env.CELTypeProvider())
	must(err)
	for name, t := range variables {
		must(types.AddIdents(decls.NewVariable(name, t)))
	}
	for _, f := range env.Functions() {
		if !f.IsDeclarationDisabled() {
			must(types.AddFunctions(f))
		}
	}
	return &language{p, types, env}
}

func must(err error) {
	if err != nil {
		panic("class: the language of expressions: " + err.Error())
	}
}

// check parses an expression and finds its types.
func (l *language) check(text string) (*ast.AST, []*common.Error) {
	source := common.NewTextSource(text)
	parsed, errs := l.parser.Parse(source)
	if all := errs.GetErrors(); len(all) > 0 {
		return nil, all
	}
	checked, errs := checker.Check(parsed, source, l.checker)
	return checked, errs.GetErrors()
}

// plan makes a program of an expression that was checked.
func (l *language) plan(checked *ast.AST) (cel.Program, error) {
	return l.env.PlanProgram(checked, cel.EvalOptions(cel.OptOptimize))
}

// part returns a part of an expression as an expression of its own.
func part(e ast.Expr, of *ast.AST) *ast.AST {
	return ast.NewCheckedAST(ast.NewAST(e, of.SourceInfo()), of.TypeMap(), of.ReferenceMap())
}
