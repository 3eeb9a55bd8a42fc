package class

import (
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// inspection goes over an expression that was checked: it notes what the expression reads, and what is wrong with it
// that types do not show.
type inspection struct {
	registry *option.Registry
	checked  *ast.AST
	text     string
	reads    reads
	problems []Problem
}

func (i *inspection) report(e ast.Expr, remedy, format string, args ...any) {
	at := i.checked.SourceInfo().GetStartLocation(leftmost(e).ID())
	i.problems = append(i.problems, Problem{offsetOf(i.text, at.Line(), at.Column()), fmt.Sprintf(format, args...), remedy})
}

// leftmost returns the part of an expression that stands first: the language takes an operator for where it is.
func leftmost(e ast.Expr) ast.Expr {
	for {
		switch e.Kind() {
		case ast.SelectKind:
			e = e.AsSelect().Operand()
		case ast.ComprehensionKind:
			e = e.AsComprehension().IterRange()
		case ast.CallKind:
			c := e.AsCall()
			switch {
			case c.IsMemberFunction():
				e = c.Target()
			case len(c.Args()) > 1 && strings.Contains(c.FunctionName(), "_") || c.FunctionName() == operators.In:
				e = c.Args()[0]
			default:
				return e
			}
		default:
			return e
		}
	}
}

// expr goes over e and all that it is made of.
func (i *inspection) expr(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		i.variable(e.AsIdent())
	case ast.SelectKind:
		s := e.AsSelect()
		if name, ok := optionVariable(s.Operand()); ok {
			i.key(e, name, types.String(s.FieldName()))
			return
		}
		i.expr(s.Operand())
	case ast.CallKind:
		i.call(e)
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			i.expr(x)
		}
	case ast.MapKind:
		for _, x := range e.AsMap().Entries() {
			i.expr(x.AsMapEntry().Key())
			i.expr(x.AsMapEntry().Value())
		}
	case ast.StructKind:
		i.report(e, "write a condition, as in "+exampleExpression, "a class makes no messages")
	case ast.ComprehensionKind:
		i.comprehension(e)
	}
}

const exampleExpression = `vendor_class.startsWith("PXEClient")`

func (i *inspection) comprehension(e ast.Expr) {
	c := e.AsComprehension()
	for _, name := range []string{c.IterVar(), c.IterVar2()} {
		if _, taken := variables[name]; taken {
			i.report(e, "call it something else", "%s is the name of a variable already", name)
		}
	}
	i.expr(c.IterRange())
	i.expr(c.AccuInit())
	i.expr(c.LoopCondition())
	i.expr(c.LoopStep())
	i.expr(c.Result())
}

// variable notes that all of a variable is read.
func (i *inspection) variable(name string) {
	if t, ok := textualOf(name); ok {
		i.reads = i.reads.union(textReads(t))
		return
	}
	switch name {
	case "hardware_type":
		i.reads.facets |= hardwareFacet
	case "user_classes":
		i.reads.options.add(option.CodeUserClass)
	case "relayed":
		i.reads.facets |= giaddrFacet
	case "known":
		i.reads.facets |= knownFacet
	case "option":
		i.reads.facets |= everyOption
	case "relay":
		i.reads.facets |= everySubOption
	}
}

func (i *inspection) call(e ast.Expr) {
	c := e.AsCall()
	args := c.Args()
	switch c.FunctionName() {
	case operators.Index:
		if name, ok := optionVariable(args[0]); ok && args[1].Kind() == ast.LiteralKind {
			i.key(args[1], name, args[1].AsLiteral())
			return
		}
	case operators.In:
		if name, ok := optionVariable(args[1]); ok && args[0].Kind() == ast.LiteralKind {
			i.key(args[0], name, args[0].AsLiteral())
			return
		}
		i.member(args[0], args[1])
	case operators.Equals, operators.NotEquals:
		i.comparable(args[0], args[1])
		i.comparable(args[1], args[0])
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		i.ordered(args[0])
		i.ordered(args[1])
	case "matches":
		i.pattern(e, args[len(args)-1])
	}
	if c.IsMemberFunction() {
		i.textMethod(c)
		i.expr(c.Target())
	}
	for _, a := range args {
		i.expr(a)
	}
}

// optionVariable returns the name of the variable that an expression is, if its elements are options.
func optionVariable(e ast.Expr) (string, bool) {
	if e.Kind() != ast.IdentKind {
		return "", false
	}
	name := e.AsIdent()
	return name, name == "option" || name == "relay"
}

// key notes that one option is read, whose number or name is written.
func (i *inspection) key(e ast.Expr, variable string, key any) {
	space, what, of := option.DHCPv4, "option", ""
	if variable == "relay" {
		space, what, of = option.RelayAgent, "sub-option", " of option 82"
	}
	var code option.Code
	switch k := key.(type) {
	case types.Int:
		if !validCode(space, int64(k)) {
			i.report(e, numberRemedy(space), "there is no %s %d%s", what, int64(k), of)
			return
		}
		code = option.Code(k)
	case types.String:
		def, ok := i.registry.ByName(space, string(k))
		if !ok {
			i.report(e, didYouMean(string(k), i.registry.Names(space), "write its number, as in "+variable+"[93]"), "no %s%s is called %q", what, of, clip(string(k)))
			return
		}
		code = def.Code
	default:
		i.report(e, "write "+variable+`[93] or `+variable+`["NAME"]`, "an option is named by its number or its name")
		return
	}
	if space == option.RelayAgent {
		i.reads.relay.add(uint8(code))
		return
	}
	if packetOnly(code) {
		def := i.registry.ByCode(space, code)
		i.report(e, "look at another option", "option %s (%d) belongs to one packet, and what a client gets must not depend on that", def.Name, code)
		return
	}
	i.reads.options.add(uint8(code))
}

func numberRemedy(space option.Space) string {
	if space == option.RelayAgent {
		return "write a number from 0 to 255"
	}
	return "write a number from 1 to 254"
}

// pattern checks the regular expression of matches, which must be written out so that its cost is known.
func (i *inspection) pattern(call, arg ast.Expr) {
	var text types.String
	if arg.Kind() == ast.LiteralKind {
		text, _ = arg.AsLiteral().(types.String)
	} else {
		i.report(arg, `write the pattern out, as in vendor_class.matches("^Phone-[0-9]+$")`, "the pattern of matches must be a text")
		return
	}
	if _, err := regexp.Compile(string(text)); err != nil {
		i.report(arg, "see https://github.com/google/re2/wiki/Syntax", "this is no regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
}

// defOf returns the option that an expression like option[93] is.
func (i *inspection) defOf(e ast.Expr) (option.Def, bool) {
	l := lowering{registry: i.registry}
	switch e.Kind() {
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() && s.Operand().Kind() == ast.IdentKind && s.Operand().AsIdent() == "option" {
			d, ok := i.registry.ByName(option.DHCPv4, s.FieldName())
			return d, ok
		}
	case ast.CallKind:
		if c := e.AsCall(); c.FunctionName() == operators.Index && c.Args()[0].Kind() == ast.IdentKind && c.Args()[0].AsIdent() == "option" {
			return l.named(c.Args()[1], option.DHCPv4)
		}
	}
	return option.Def{}, false
}
