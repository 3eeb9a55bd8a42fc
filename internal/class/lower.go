package class

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// lowering takes an expression that was checked to pieces: what it understands it says in nodes that mean exactly what
// the language means, and the rest becomes opaque.
type lowering struct {
	registry *option.Registry
	language *language
	checked  *ast.AST
}

func (l *lowering) node(e ast.Expr) *node {
	if n := l.known(e); n != nil {
		return n
	}
	if n := l.fold(e); n != nil {
		return n
	}
	return &node{op: opaque}
}

// known returns the node of an expression that is understood, else nil.
func (l *lowering) known(e ast.Expr) *node {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return &node{op: constant, value: bool(b)}
		}
	case ast.IdentKind:
		switch e.AsIdent() {
		case "known":
			return atomNode(atom{subject: subject{kind: knownClient}})
		case "relayed":
			return atomNode(atom{subject: subject{kind: relayedClient}})
		}
	case ast.SelectKind:
		return l.presence(e)
	case ast.CallKind:
		return l.call(e.AsCall())
	}
	return nil
}

func (l *lowering) call(c ast.CallExpr) *node {
	switch c.FunctionName() {
	case operators.LogicalAnd:
		return l.join(and, c.Args())
	case operators.LogicalOr:
		return l.join(or, c.Args())
	case operators.LogicalNot:
		return l.join(not, c.Args())
	case operators.Equals:
		return l.equal(c.Args())
	case operators.NotEquals:
		if n := l.equal(c.Args()); n != nil {
			return &node{op: not, kids: []*node{n}}
		}
	case operators.In:
		return l.in(c.Args()[0], c.Args()[1])
	case "startsWith":
		return l.method(c, startsWith)
	case "endsWith":
		return l.method(c, endsWith)
	case "contains":
		return l.method(c, infix)
	}
	return nil
}

func (l *lowering) join(op operator, args []ast.Expr) *node {
	n := &node{op: op}
	for _, a := range args {
		n.kids = append(n.kids, l.node(a))
	}
	return n
}

func atomNode(a atom) *node { return &node{op: test, atom: a} }

// equal understands the comparison of a subject with a literal, on either side.
func (l *lowering) equal(args []ast.Expr) *node {
	a, b := args[0], args[1]
	if a.Kind() == ast.LiteralKind {
		a, b = b, a
	}
	s, def, ok := l.subject(a)
	if !ok || b.Kind() != ast.LiteralKind {
		return nil
	}
	return equalAtom(s, def, []ast.Expr{b})
}

// equalAtom compares a subject with literals, of which one must be equal; nil where they are not all of its own type.
func equalAtom(s subject, def option.Def, literals []ast.Expr) *node {
	var texts [][]byte
	var numbers []int64
	for _, e := range literals {
		if e.Kind() != ast.LiteralKind {
			return nil
		}
		switch v := e.AsLiteral().(type) {
		case types.String:
			texts = append(texts, []byte(v))
		case types.Int:
			numbers = append(numbers, int64(v))
		default:
			return nil
		}
	}
	var a atom
	if s.isNumber() {
		if len(texts) > 0 {
			return nil
		}
		a = atom{subject: s, relation: equals, numbers: numbers}
	} else {
		if len(numbers) > 0 {
			return nil
		}
		a = newTexts(s, equals, texts...)
	}
	a.def = def
	return atomNode(a)
}

func (s subject) isNumber() bool { return s.kind == optionNumber || s.kind == hardwareType }

// in understands what is looked for in a list of literals, in the user classes, in a map of options, or in a list of
// numbers that an option is.
func (l *lowering) in(value, container ast.Expr) *node {
	if container.Kind() == ast.ListKind {
		if s, def, ok := l.subject(value); ok {
			return equalAtom(s, def, container.AsList().Elements())
		}
		return nil
	}
	if value.Kind() != ast.LiteralKind {
		return nil
	}
	if container.Kind() == ast.IdentKind {
		return l.inVariable(value, container.AsIdent())
	}
	s, def, ok := l.subject(container)
	n, isInt := value.AsLiteral().(types.Int)
	if !ok || !isInt || s.kind != optionNumber || !def.Type.List {
		return nil
	}
	return atomNode(atom{subject: s, relation: holds, numbers: []int64{int64(n)}, def: def})
}

func (l *lowering) inVariable(value ast.Expr, name string) *node {
	switch name {
	case "user_classes":
		if v, ok := value.AsLiteral().(types.String); ok {
			return atomNode(newTexts(subject{kind: userClasses}, equals, []byte(v)))
		}
	case "option":
		if def, ok := l.named(value, option.DHCPv4); ok {
			return atomNode(atom{subject: subject{kind: optionPresent, code: uint8(def.Code)}})
		}
	case "relay":
		if def, ok := l.named(value, option.RelayAgent); ok {
			return atomNode(atom{subject: subject{kind: relayPresent, code: uint8(def.Code)}})
		}
	}
	return nil
}

// presence understands has(option.NAME).
func (l *lowering) presence(e ast.Expr) *node {
	s := e.AsSelect()
	if !s.IsTestOnly() || s.Operand().Kind() != ast.IdentKind {
		return nil
	}
	return l.inVariable(ast.NewExprFactory().NewLiteral(e.ID(), types.String(s.FieldName())), s.Operand().AsIdent())
}

// method understands TEXT.startsWith("…") and its likes.
func (l *lowering) method(c ast.CallExpr, r relation) *node {
	if !c.IsMemberFunction() || len(c.Args()) != 1 || c.Args()[0].Kind() != ast.LiteralKind {
		return nil
	}
	s, def, ok := l.subject(c.Target())
	text, isText := c.Args()[0].AsLiteral().(types.String)
	if !ok || !isText || s.isNumber() {
		return nil
	}
	a := newTexts(s, r, []byte(text))
	a.def = def
	return atomNode(a)
}

// subject returns what an expression names, if that can be compared without the language's own machinery.
func (l *lowering) subject(e ast.Expr) (s subject, def option.Def, ok bool) {
	switch e.Kind() {
	case ast.IdentKind:
		if e.AsIdent() == "hardware_type" {
			return subject{kind: hardwareType}, def, true
		}
		t, ok := textualOf(e.AsIdent())
		return subject{kind: textVariable, text: t}, def, ok
	case ast.SelectKind:
		if sel := e.AsSelect(); !sel.IsTestOnly() && sel.Operand().Kind() == ast.IdentKind {
			return l.element(sel.Operand().AsIdent(), ast.NewExprFactory().NewLiteral(e.ID(), types.String(sel.FieldName())))
		}
	case ast.CallKind:
		c := e.AsCall()
		switch {
		case c.FunctionName() == operators.Index && c.Args()[0].Kind() == ast.IdentKind:
			return l.element(c.Args()[0].AsIdent(), c.Args()[1])
		case c.IsMemberFunction() && (c.FunctionName() == "lowerAscii" || c.FunctionName() == "upperAscii"):
			return l.folded(c)
		}
	}
	return s, def, false
}

func (l *lowering) folded(c ast.CallExpr) (subject, option.Def, bool) {
	s, def, ok := l.subject(c.Target())
	if !ok || s.kind != textVariable || s.fold != asWritten {
		return s, def, false
	}
	s.fold = lowered
	if c.FunctionName() == "upperAscii" {
		s.fold = uppered
	}
	return s, def, true
}

// element returns what option[KEY] and relay[KEY] name, where KEY is a literal and the type a simple one.
func (l *lowering) element(variable string, key ast.Expr) (s subject, def option.Def, ok bool) {
	switch variable {
	case "relay":
		def, ok = l.named(key, option.RelayAgent)
		return subject{kind: relayText, code: uint8(def.Code)}, def, ok
	case "option":
		if def, ok = l.named(key, option.DHCPv4); !ok {
			return s, def, false
		}
		if def.Type.Kind == option.Text && !def.Type.List {
			return subject{kind: optionText, code: uint8(def.Code)}, def, true
		}
		return subject{kind: optionNumber, code: uint8(def.Code)}, def, numberSize(def.Type.Kind) > 0
	}
	return s, def, false
}

// named returns the option that a literal names.
func (l *lowering) named(key ast.Expr, space option.Space) (option.Def, bool) {
	if key.Kind() != ast.LiteralKind {
		return option.Def{}, false
	}
	code, err := keyOf(key.AsLiteral(), space, l.registry)
	if err != nil {
		return option.Def{}, false
	}
	return l.registry.ByCode(space, code), true
}

// fold returns the constant that an expression is which looks at nothing of the client, else nil.
func (l *lowering) fold(e ast.Expr) *node {
	if !isClosed(e) {
		return nil
	}
	program, err := l.language.plan(part(e, l.checked))
	if err != nil {
		return nil
	}
	out, _, err := program.Eval(cel.NoVars())
	if b, ok := out.(types.Bool); ok && err == nil {
		return &node{op: constant, value: bool(b)}
	}
	return nil
}

// isClosed reports whether an expression names nothing and repeats nothing.
func isClosed(e ast.Expr) bool {
	closed := true
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind || e.Kind() == ast.ComprehensionKind {
			closed = false
		}
	}))
	return closed
}
