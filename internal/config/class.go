package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/class"
	"github.com/lessor-dhcp/lessor/internal/spelling"
)

func classKeys() *object[Class] {
	scope := func(c *Class) *Scope { return &c.Scope }
	return &object[Class]{
		name: "class", what: "a class", where: "classes: NAME", example: `phones: {kind: vendor, match: {vendor-class: "Phone*"}}`, scope: scope,
		required: []string{"kind", "match"},
		keys: join([]key[Class]{
			{name: "kind", doc: "Which layer it belongs to: user, vendor or hardware.", shape: shape{"enum": []string{"user", "vendor", "hardware"}},
				read: (*parser).readKind},
			{name: "match", noted: true, doc: "Who belongs to it: an expression (CEL), or a map of conditions that must all hold.",
				shape: shape{"oneOf": []any{shape{"type": []string{"string", "boolean"}}, ref("match")}}, read: (*parser).readMatch},
			{name: "priority", doc: "Of two classes of one place in the order, the one with the higher priority is stronger. Default: 0.",
				shape: shape{"type": "integer", "minimum": -MaxPriority, "maximum": MaxPriority},
				read: func(p *parser, c *Class, _, v *yaml.Node) {
					c.Priority, _ = p.number(v, "priority", -MaxPriority, MaxPriority)
				}},
		}, scopeKeys(scope)),
	}
}

// noteClasses remembers the names of the classes, which pools may use before they are read.
func (p *parser) noteClasses(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	p.isClass, p.pooled = make(map[string]bool, len(n.Content)/2), map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; isKey(k) {
			p.classNames = append(p.classNames, k.Value)
			p.isClass[k.Value] = true
		}
	}
}

func (p *parser) readClasses(d *Document, _, v *yaml.Node) {
	p.compiler = class.NewCompiler(p.registry)
	if v.Kind == yaml.MappingNode {
		d.Classes = make([]Class, 0, min(len(v.Content)/2, MaxClasses))
	}
	if len(v.Content)/2 > MaxClasses {
		p.fail(v, fmt.Sprintf("the document has %d classes: at most %d are read", len(v.Content)/2, MaxClasses), "match several kinds of clients by one class")
		return
	}
	p.entries(v, "classes", `classes: {phones: {kind: vendor, match: {vendor-class: "Phone*"}}}`, func(k, v *yaml.Node) {
		c := Class{Name: p.name(k, "a class"), Scope: Scope{Position: position(k)}}
		if c.Name == ClassKnown || c.Name == ClassUnknown {
			p.fail(k, "class "+c.Name+" is built in, and cannot be declared", "take another name; a client is known if an entry of hosts matches it")
		}
		before := p.problems.count(Error)
		fields(p, p.tables.class, v, &c)
		c.flawed = p.problems.count(Error) > before
		if isNull(v) {
			p.fail(k, "class "+clip(c.Name)+" is empty", "write "+p.tables.class.example)
		}
		d.Classes = append(d.Classes, c)
	})
}

func (p *parser) readKind(c *Class, _, v *yaml.Node) {
	s, ok := p.scalar(v, "kind", "user, vendor or hardware")
	if !ok {
		return
	}
	switch s {
	case "user":
		c.Kind = UserClass
	case "vendor":
		c.Kind = VendorClass
	case "hardware":
		c.Kind = HardwareClass
	default:
		remedy := "write user, vendor or hardware"
		if near := spelling.Nearest(strings.ToLower(s), []string{"user", "vendor", "hardware"}); near != "" {
			remedy = "did you mean " + near + "?"
		}
		p.fail(v, "there is no kind of class "+clip(s), remedy)
	}
}

func (p *parser) readMatch(c *Class, _, v *yaml.Node) {
	switch {
	case v.Kind == yaml.MappingNode:
		c.Match, c.Text = p.simpleMatch(v)
		c.simple = true
		return
	case v.Kind == yaml.SequenceNode:
		p.fail(v, "match must be an expression or a map of conditions, not a list", `write {vendor-class: "Phone*"}, or 'vendor_class.startsWith("Phone")'`)
		return
	}
	s, ok := p.scalar(v, "match", `{vendor-class: "Phone*"}`)
	if !ok {
		return
	}
	c.Text = strings.TrimSpace(s)
	m, problems := p.compiler.Expression(s)
	for _, x := range problems {
		p.add(Error, p.source.within(v, x.Offset), "match: "+x.Message, cmp.Or(x.Remedy, `write it as in 'vendor_class.startsWith("Phone")'`))
	}
	if len(problems) == 0 {
		c.Match = m
	}
}

// checkClasses says which classes are of no use.
func (p *parser) checkClasses() {
	for i := range p.doc.Classes {
		c := &p.doc.Classes[i]
		switch {
		case c.Match == nil || c.flawed:
		case c.Match.Never():
			p.add(Warning, c.at("match"), "class "+clip(c.Name)+" can never match: no client is in it", "correct the conditions, which contradict each other, or take the class out")
		case c.isEmpty() && !p.pooled[c.Name]:
			p.add(Warning, c.Position, "class "+clip(c.Name)+" sets nothing, and no pool allows or denies it", "write options in it, or take it out")
		}
	}
	p.checkPoolClasses()
}

// checkPoolClasses says which pools are for nobody, since of the classes no client can be in, or all must be.
func (p *parser) checkPoolClasses() {
	stranger := len(p.doc.Hosts) == 0 && !p.problems.Errors() // else hosts may have been refused
	never, always := map[string]bool{ClassKnown: stranger}, map[string]bool{ClassUnknown: stranger}
	for i := range p.doc.Classes {
		if c := &p.doc.Classes[i]; c.Match != nil {
			never[c.Name], always[c.Name] = c.Match.Never(), c.Match.Always()
		}
	}
	for _, x := range p.pools {
		if x.forNobody() {
			continue
		}
		if i := slices.IndexFunc(x.Deny, func(c string) bool { return always[c] }); i >= 0 {
			p.add(Warning, x.at("deny"), fmt.Sprintf("no client may use this pool: everybody is in class %s, which it denies", clip(x.Deny[i])), "change deny, or the class")
			continue
		}
		remedy := "change allow, or the classes"
		if stranger && slices.Contains(x.Allow, ClassKnown) {
			remedy = "declare hosts, since those are known, or change allow"
		}
		left := slices.DeleteFunc(slices.Clone(x.Allow), func(c string) bool { return never[c] || slices.Contains(x.Deny, c) })
		if len(x.Allow) > 0 && len(left) == 0 {
			p.add(Warning, x.at("allow"), "no client may use this pool: nobody can be in the classes that it allows", remedy)
		}
	}
}

// forNobody reports whether every client that allow lets in is kept out by deny, whatever the classes are.
func (x *Pool) forNobody() bool {
	if slices.Contains(x.Deny, ClassKnown) && slices.Contains(x.Deny, ClassUnknown) {
		return true
	}
	return len(x.Allow) > 0 && !slices.ContainsFunc(x.Allow, func(c string) bool { return !slices.Contains(x.Deny, c) })
}
