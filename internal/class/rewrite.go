package class

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// The functions that stand for ==, != and in where an option may be on one side (same, contains). Nobody can write them.
const (
	sameFunction    = "@same"
	differsFunction = "@differs"
	amongFunction   = "@among"
)

// The language has one error that all expressions share, and notes in it, once, where it came up. It is told a place
// here, before there are several goroutines.
var _ = types.LabelErrNode(-1, types.NoSuchOverloadErr())

func ownFunctions() []cel.EnvOption {
	pair := []*cel.Type{cel.DynType, cel.DynType}
	bind := func(name string, f func(a, b ref.Val) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.Overload(overloadOf(name), pair, cel.BoolType, cel.BinaryBinding(f)))
	}
	return []cel.EnvOption{
		bind(sameFunction, func(a, b ref.Val) ref.Val { return types.Bool(same(a, b)) }),
		bind(differsFunction, func(a, b ref.Val) ref.Val { return types.Bool(!same(a, b)) }),
		bind(amongFunction, contains),
	}
}

func overloadOf(function string) string { return "class_" + function[1:] }

// rewrite has an expression that was checked compare options as same and contains do, and test for their presence as
// "in" does.
func rewrite(checked *ast.AST) {
	fac := ast.NewExprFactory()
	ast.PostOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind:
			if s := e.AsSelect(); s.IsTestOnly() {
				if _, ok := optionVariable(s.Operand()); ok {
					name := fac.NewLiteral(ast.MaxID(checked), types.String(s.FieldName()))
					replace(checked, e, fac.NewCall(e.ID(), amongFunction, name, s.Operand()))
				}
			}
		case ast.CallKind:
			c := e.AsCall()
			if name, ok := ownName(checked, c); ok {
				replace(checked, e, fac.NewCall(e.ID(), name, c.Args()...))
			}
		}
	}))
}

func replace(checked *ast.AST, e, call ast.Expr) {
	name := call.AsCall().FunctionName()
	e.SetKindCase(call)
	checked.SetReference(e.ID(), ast.NewFunctionReference(overloadOf(name)))
}

// ownName returns the function that stands for an operator, false if the language's own will do.
func ownName(checked *ast.AST, c ast.CallExpr) (string, bool) {
	kind := func(i int) types.Kind { return checked.GetType(c.Args()[i].ID()).Kind() }
	switch c.FunctionName() {
	case operators.Equals:
		return sameFunction, !isPlain(kind(0)) || !isPlain(kind(1))
	case operators.NotEquals:
		return differsFunction, !isPlain(kind(0)) || !isPlain(kind(1))
	case operators.In:
		return amongFunction, !isPlain(kind(0)) || kind(1) != types.ListKind
	}
	return "", false
}

// isPlain reports whether a value of the kind is never an option's list, nor octets, which the language's own sets
// cannot hold.
func isPlain(k types.Kind) bool {
	switch k {
	case types.BoolKind, types.IntKind, types.UintKind, types.DoubleKind, types.StringKind:
		return true
	}
	return false
}
