package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/pool"
	"github.com/lessor-dhcp/lessor/internal/spelling"
)

// precedenceKeys are those of precedence where it is a map.
func precedenceKeys() *object[Precedence] {
	return &object[Precedence]{
		name: "precedence", what: "precedence", where: "precedence", example: "precedence: {options: kea, parameters: [host, subnet, enterprise]}",
		keys: []key[Precedence]{
			{name: "options", doc: "The order for options: a profile, or a list of layers.", shape: orderShape(),
				read: func(p *parser, x *Precedence, _, v *yaml.Node) {
					if profile, o, ok := p.order(v); ok {
						x.Options, x.Habits = o, profiles[profile].Habits
						if profile != "" {
							x.Options = profiles[profile].Options
						}
					}
				}},
			{name: "parameters", doc: "The order for lifetimes, boot fields and the keys beside them: a profile, or a list of layers.", shape: orderShape(),
				read: func(p *parser, x *Precedence, _, v *yaml.Node) {
					if profile, o, ok := p.order(v); ok {
						x.Parameters = o
						if profile != "" {
							x.Parameters = profiles[profile].Parameters
						}
					}
				}},
		},
	}
}

func (p *parser) readPrecedence(d *Document, k, v *yaml.Node) {
	p.precedence = position(k)
	if v.Kind == yaml.MappingNode {
		x := d.Precedence
		x.Profile = ""
		fields(p, p.tables.precedence, v, &x)
		d.Precedence = x
		return
	}
	if isNull(v) || v.Kind == yaml.AliasNode {
		return
	}
	profile, o, ok := p.order(v)
	switch {
	case !ok:
	case profile != "":
		d.Precedence = profiles[profile]
	default:
		d.Precedence = Precedence{Options: o, Parameters: o}
	}
}

func (x *Precedence) equal(y Precedence) bool {
	return x.Habits == y.Habits && x.Options.equal(y.Options) && x.Parameters.equal(y.Parameters)
}

func (o Order) equal(other Order) bool {
	return slices.EqualFunc(o, other, func(a, b []Layer) bool { return slices.Equal(a, b) })
}

// order returns the profile or else the order of all layers that v spells; false after it has said what is wrong.
func (p *parser) order(v *yaml.Node) (profile string, o Order, ok bool) {
	switch {
	case v.Kind == yaml.SequenceNode:
		o, ok = p.layers(v)
		return "", o, ok
	case v.Kind == yaml.MappingNode:
		p.fail(v, "an order is a profile or a list of layers, not a map", "write native, or [host, subnet, enterprise]")
		return "", nil, false
	}
	s, ok := p.scalar(v, "precedence", "native")
	if !ok {
		return "", nil, false
	}
	if _, ok := profiles[s]; ok {
		return s, nil, true
	}
	if l := layerOf(s); l != 0 {
		p.fail(v, clip(s)+" is a layer, and an order is a list of them", "write ["+s+", …], the strongest first")
		return "", nil, false
	}
	p.fail(v, "there is no profile "+clip(s), meantOf(strings.ToLower(s), slices.Sorted(maps.Keys(profiles))))
	return "", nil, false
}

// layerOf returns the layer that a document calls name, with hyphens or blanks; 0 if there is none.
func layerOf(name string) Layer {
	name = strings.ReplaceAll(name, "-", " ")
	for l := HostRequirements; int(l) <= Layers; l++ {
		if l.String() == name {
			return l
		}
	}
	return 0
}

// layerWords are the names of the layers as a list of them is best written.
func layerWords() []string {
	words := make([]string, 0, Layers)
	for l := ClientLayer; l >= HostRequirements; l-- {
		words = append(words, strings.ReplaceAll(l.String(), " ", "-"))
	}
	return words
}

// layers returns the order that the list v spells, completed by the layers that it does not name; false after it has
// said what is wrong.
func (p *parser) layers(v *yaml.Node) (o Order, ok bool) {
	var seen [Layers + 1]*yaml.Node
	ok = true
	if len(v.Content) == 0 {
		p.fail(v, "the list of layers is empty", "name the strongest layer first, as in [host, subnet, enterprise], or write a profile")
		return nil, false
	}
	for _, e := range v.Content {
		place := p.place(e, &seen)
		ok = ok && place != nil
		o = append(o, place)
	}
	if !ok {
		return nil, false
	}
	if o[0][0] == HostRequirements && len(o) > 1 {
		p.fail(v.Content[0], "the list begins with the weakest layer: host requirements are what holds where nothing else is said", "turn it around: the strongest layer stands first")
		return nil, false
	}
	for l := ClientLayer; l >= HostRequirements; l-- {
		if seen[l] == nil {
			o = append(o, []Layer{l})
			p.unplaced = append(p.unplaced, l)
		}
	}
	return o, true
}

// place returns the layers that share the place e of a list of layers; nil after it has said what is wrong.
func (p *parser) place(e *yaml.Node, seen *[Layers + 1]*yaml.Node) []Layer {
	if e.Kind != yaml.SequenceNode {
		if l := p.layer(e, seen); l != 0 {
			return []Layer{l}
		}
		return nil
	}
	var shared []Layer
	if len(e.Content) == 0 {
		p.fail(e, "a place without layers", "name the layers that share it, as in [user-class, vendor-class]")
		return nil
	}
	ok := true
	for _, x := range e.Content {
		l := p.layer(x, seen)
		if l == 0 {
			ok = false
			continue
		}
		if len(e.Content) > 1 && !slices.Contains(classKinds, l) {
			p.fail(x, fmt.Sprintf("the layer %v cannot share a place", l), "only user-class, vendor-class and hardware-class can: their classes are then ranked among themselves")
			ok = false
		}
		shared = append(shared, l)
	}
	if !ok {
		return nil
	}
	slices.SortFunc(shared, func(a, b Layer) int { return int(b) - int(a) }) // they share it: in which order they are written says nothing
	return shared
}

func (p *parser) layer(e *yaml.Node, seen *[Layers + 1]*yaml.Node) Layer {
	s, ok := p.scalar(e, "a layer", "subnet")
	if !ok {
		return 0
	}
	l := layerOf(s)
	switch {
	case l == 0:
		p.fail(e, "there is no layer "+clip(s), meantLayer(s))
		return 0
	case seen[l] != nil:
		p.fail(e, fmt.Sprintf("the layer %v stands twice in this list: first on line %d", l, seen[l].Line), "leave one of them")
		return 0
	}
	seen[l] = e
	return l
}

// meantLayer returns which layer is probably meant by s.
func meantLayer(s string) string {
	if l, ok := foreignLayers[strings.ToLower(s)]; ok {
		return "did you mean " + l + "?"
	}
	if _, ok := profiles[s]; ok {
		return "a profile stands alone: precedence: " + s
	}
	if near := spelling.Nearest(strings.ToLower(s), layerWords()); near != "" {
		return "did you mean " + near + "?"
	}
	return "the layers are " + strings.Join(layerWords(), ", ")
}

// foreignLayers says what other words for layers are in this document.
var foreignLayers = map[string]string{
	"global": "enterprise", "network": "shared-network", "networks": "shared-network", "reservation": "host", "hosts": "host",
	"scope": "subnet", "built-in": "host-requirements", "defaults": "host-requirements", "class": "[user-class, vendor-class, hardware-class]",
	"classes": "[user-class, vendor-class, hardware-class]", "group": "intranet",
}

// checkPrecedence warns of layers that the document uses and its own order does not name.
func (p *parser) checkPrecedence() {
	slices.Sort(p.unplaced)
	for _, l := range slices.Compact(p.unplaced) {
		if p.doc.uses(l) {
			p.add(Warning, p.precedence, fmt.Sprintf("the order does not name the layer %v, which the document uses: it stands behind those that it names", l), "add "+strings.ReplaceAll(l.String(), " ", "-")+" where it belongs")
		}
	}
}

// uses reports whether the document says something in the layer l.
func (d *Document) uses(l Layer) bool {
	found := false
	d.eachScope(func(of Layer, s *Scope) { found = found || of == l && !s.isEmpty() })
	return found || l == ClientLayer && (d.Accept.HostName || d.Accept.LeaseMin != 0 || d.Accept.LeaseMax != 0)
}

// isEmpty reports whether the scope sets nothing.
func (s *Scope) isEmpty() bool {
	return len(s.Options) == 0 && s.Lease.Default == 0 && s.Lease.Min == 0 && s.Lease.Max == 0 && !s.NextServer.IsValid() && s.BootFileName == "" &&
		s.ServerHostname == "" && s.Authoritative == nil && s.ConflictProbe == nil && s.RapidCommit == nil && s.OnTakeover == 0 && s.Quota == (pool.Quota{})
}

func orderShape() shape {
	layer := shape{"enum": append(layerWords(), spaced()...)}
	return shape{"oneOf": []any{
		shape{"enum": slices.Sorted(maps.Keys(profiles))},
		shape{"type": "array", "minItems": 1, "items": shape{"oneOf": []any{
			layer,
			shape{"type": "array", "minItems": 1, "items": shape{"enum": []string{"user-class", "vendor-class", "hardware-class"}}},
		}}},
	}}
}

// spaced are the names of layers that have a blank in them.
func spaced() (names []string) {
	for l := HostRequirements; int(l) <= Layers; l++ {
		if s := l.String(); strings.Contains(s, " ") {
			names = append(names, s)
		}
	}
	return names
}

func precedenceShape() shape {
	return shape{"oneOf": []any{orderShape(), ref("precedence")}}
}
