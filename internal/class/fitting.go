package class

import (
	"fmt"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// shape is what a value an option has in an expression.
type shape uint8

const (
	someShape shape = iota // no kind that is told apart here
	truthShape
	numberShape
	textShape
	octetsShape
	listShape
)

var shapeNames = [...]string{someShape: "a value", truthShape: "true or false", numberShape: "a number", textShape: "a text", octetsShape: "octets", listShape: "a list"}

// shapeOf returns the shape of an option's value, and that of its elements if it is a list.
func shapeOf(t option.Type) (whole, element shape) {
	element = someShape
	switch t.Kind {
	case option.Bool, option.Empty:
		element = truthShape
	case option.Uint8, option.Uint16, option.Uint32, option.Int32:
		element = numberShape
	case option.Address, option.Address6, option.Text, option.Name:
		element = textShape
	case option.Binary:
		element = octetsShape
	case option.Record, option.AddressLists, option.Resolvers, option.Routes:
		return listShape, someShape
	case option.SearchList:
		return listShape, textShape
	}
	if t.List {
		return listShape, element
	}
	return element, element
}

// shapeOfLiteral returns the shape of what is written; null is of none.
func shapeOfLiteral(v ref.Val) shape {
	switch v.(type) {
	case types.Bool:
		return truthShape
	case types.Int, types.Uint, types.Double:
		return numberShape
	case types.String:
		return textShape
	case types.Bytes:
		return octetsShape
	}
	return someShape
}

// comparable reports an option that is compared with a literal which it never equals, whatever a client sends.
func (i *inspection) comparable(e, literal ast.Expr) {
	def, ok := i.defOf(e)
	if !ok || literal.Kind() != ast.LiteralKind {
		return
	}
	i.fits(def, literal)
}

func (i *inspection) fits(def option.Def, literal ast.Expr) {
	_, element := shapeOf(def.Type)
	written := shapeOfLiteral(literal.AsLiteral())
	if element == someShape || written == someShape || element == written {
		return
	}
	remedy := "compare it with " + shapeNames[element]
	if element == octetsShape {
		remedy = `write octets, as in b"\x00\x01", or define the option in the document with a type`
	}
	i.report(literal, remedy, "option %s (%d) is %s, and never equals %s", def.Name, def.Code, def.Type, shapeNames[written])
}

// member reports what is never in a list of literals, or never in an option.
func (i *inspection) member(value, container ast.Expr) {
	if def, ok := i.defOf(value); ok && container.Kind() == ast.ListKind {
		for _, e := range container.AsList().Elements() {
			if e.Kind() == ast.LiteralKind {
				i.fits(def, e)
			}
		}
	}
	def, ok := i.defOf(container)
	if !ok {
		return
	}
	if whole, _ := shapeOf(def.Type); whole != listShape && whole != someShape {
		i.report(container, fmt.Sprintf("write option[%d] == …", def.Code), "option %s (%d) is %s, and not a list", def.Name, def.Code, def.Type)
	} else if value.Kind() == ast.LiteralKind {
		i.fits(def, value)
	}
}

// ordered reports an option that has no order.
func (i *inspection) ordered(e ast.Expr) {
	def, ok := i.defOf(e)
	if !ok {
		return
	}
	if whole, _ := shapeOf(def.Type); whole == listShape {
		remedy := fmt.Sprintf("write %d in option && option[%d][0] < …", def.Code, def.Code)
		i.report(e, remedy, "option %s (%d) is a list (%s), of which none is less than another", def.Name, def.Code, def.Type)
	}
}

// textMethods are the functions of texts that an operator may try on an option of another type.
var textMethods = map[string]bool{
	"startsWith": true, "endsWith": true, "contains": true, "matches": true, "lowerAscii": true, "upperAscii": true,
	"trim": true, "substring": true, "indexOf": true, "split": true, "replace": true, "charAt": true,
}

// textMethod reports a function of texts that is used on an option which is none.
func (i *inspection) textMethod(c ast.CallExpr) {
	def, ok := i.defOf(c.Target())
	if !ok || !textMethods[c.FunctionName()] {
		return
	}
	whole, element := shapeOf(def.Type)
	if whole == textShape || whole == someShape {
		return
	}
	remedy := "define the option in the document with the type string"
	switch {
	case whole == listShape && element == textShape:
		remedy = fmt.Sprintf("write option[%d].exists(x, x.%s(…))", def.Code, c.FunctionName())
	case whole != octetsShape:
		remedy = fmt.Sprintf("write option[%d] == …", def.Code)
	case !def.Vague:
		remedy = fmt.Sprintf("write string(option[%d]).%s(…), or compare with octets: b\"…\"", def.Code, c.FunctionName())
	}
	i.report(c.Target(), remedy, "%s is of texts, and option %s (%d) is %s", c.FunctionName(), def.Name, def.Code, def.Type)
}
