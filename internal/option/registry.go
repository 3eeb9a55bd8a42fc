package option

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Registry knows options by name and by code. It is immutable and may be shared.
type Registry struct {
	byCode map[key]Def
	byName map[nameKey]Code
}

type key struct {
	space Space
	code  Code
}

type nameKey struct {
	space Space
	name  string
}

var standard = newRegistry()

// Standard returns the registry of the options that everybody knows: IANA's, and a few that vendors use so widely
// that IANA could not give their codes away.
func Standard() *Registry { return standard }

func newRegistry() *Registry {
	r := &Registry{byCode: map[key]Def{}, byName: map[nameKey]Code{}}
	for _, d := range slices.Concat(standardDefs, relayAgentDefs) {
		r.put(d)
	}
	for name, d := range aliases {
		r.byName[nameKey{d.space, name}] = d.code
	}
	return r
}

func (r *Registry) put(d Def) {
	r.byCode[key{d.Space, d.Code}] = d
	r.byName[nameKey{d.Space, d.Name}] = d.Code
}

// ByCode returns what is known of a code. An unknown one is called "option-N" and takes octets.
func (r *Registry) ByCode(s Space, c Code) Def {
	if d, ok := r.byCode[key{s, c}]; ok {
		return d
	}
	return Def{Code: c, Name: "option-" + strconv.Itoa(int(c)), Space: s, Type: Type{Kind: Binary, Least: -1}, Vague: true}
}

// Known reports whether a code has a definition of its own.
func (r *Registry) Known(s Space, c Code) bool {
	_, ok := r.byCode[key{s, c}]
	return ok
}

// ByName returns the option that a person calls name: its name, another spelling of it, or "option-N".
func (r *Registry) ByName(s Space, name string) (Def, bool) {
	if c, ok := r.byName[nameKey{s, name}]; ok {
		return r.ByCode(s, c), true
	}
	if c, ok := numbered(s, name); ok {
		return r.ByCode(s, c), true
	}
	return Def{}, false
}

// numbered returns N of "option-N".
func numbered(s Space, name string) (Code, bool) {
	digits, ok := strings.CutPrefix(name, "option-")
	if !ok || len(digits) == 0 || len(digits) > 3 || digits[0] == '0' && len(digits) > 1 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || !validCode(s, Code(n)) {
		return 0, false
	}
	return Code(n), true
}

// validCode leaves out 0 (pad) and 255 (end) of DHCPv4, which are not options (RFC 2132 §3.1, §3.2).
func validCode(s Space, c Code) bool {
	if s == DHCPv4 {
		return c >= 1 && c <= 254
	}
	return c <= 255
}

// Names returns every name of the space, other spellings included, in ascending order.
func (r *Registry) Names(s Space) []string {
	var names []string
	for k := range r.byName {
		if k.space == s {
			names = append(names, k.name)
		}
	}
	slices.Sort(names)
	return names
}

// Defs returns every option of the space that has a definition, in ascending order of code.
func (r *Registry) Defs(s Space) []Def {
	var defs []Def
	for k, d := range r.byCode {
		if k.space == s {
			defs = append(defs, d)
		}
	}
	slices.SortFunc(defs, func(a, b Def) int { return int(a.Code) - int(b.Code) })
	return defs
}

// With returns a registry that knows defs too. It refuses a name or code that has a meaning already; r is unchanged.
func (r *Registry) With(defs ...Def) (*Registry, error) {
	n := &Registry{byCode: maps.Clone(r.byCode), byName: maps.Clone(r.byName)}
	for _, d := range defs {
		if err := n.admit(d); err != nil {
			return nil, err
		}
		d.Vague, d.RFC = false, 0
		if old, ok := n.byCode[key{d.Space, d.Code}]; ok {
			delete(n.byName, nameKey{d.Space, old.Name})
		}
		n.put(d)
	}
	return n, nil
}

func (r *Registry) admit(d Def) error {
	if !validCode(d.Space, d.Code) {
		return fmt.Errorf("option %q: %d is not the code of an option: use one of 1 to 254, best 224 to 254, which are kept for sites", d.Name, d.Code)
	}
	if !validName(d.Name) {
		return fmt.Errorf("option %q: a name is made of small letters, digits and dashes, and begins with a letter", d.Name)
	}
	if d.Type.Kind == 0 || d.Type.Kind.String() == "invalid" {
		return fmt.Errorf("option %q: it has no type: %s", d.Name, typeRemedy)
	}
	if strings.HasPrefix(d.Name, "option-") && d.Name != fmt.Sprintf("option-%d", d.Code) {
		return fmt.Errorf("option %q: names of this form stand for codes: use another name", d.Name)
	}
	if old, ok := r.byCode[key{d.Space, d.Code}]; ok && !old.Vague {
		return fmt.Errorf("option %q: code %d is %q already: use that name, without a definition", d.Name, d.Code, old.Name)
	}
	if c, ok := r.byName[nameKey{d.Space, d.Name}]; ok && c != d.Code {
		return fmt.Errorf("option %q: the name is taken by option %d: use another name", d.Name, c)
	}
	return nil
}

func validName(s string) bool {
	if len(s) == 0 || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
