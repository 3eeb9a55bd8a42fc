package version

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// model is a random document, kept as what it says key by key: the oracle of merges knows nothing of the outline.
type model struct {
	objects map[string]bool   // net/n1, host/h2, class/c3, pool/n1/3
	facts   map[string]string // object + "/" + field → value; "" + "/" + field of the enterprise and the group
	order   []string          // of classes
}

func (m model) clone() model {
	return model{maps.Clone(m.objects), maps.Clone(m.facts), slices.Clone(m.order)}
}

func newModel(r *rand.Rand) model {
	m := model{map[string]bool{"net/n0": true}, map[string]string{}, nil}
	for range 12 + r.IntN(30) {
		m.edit(r)
	}
	return m
}

var optionNames = []string{"root-path", "merit-dump", "extensions-path"}

// edit makes one random change.
func (m *model) edit(r *rand.Rand) {
	object := []string{"", "net/n", "host/h", "class/c", "pool/n"}[r.IntN(5)]
	switch object {
	case "":
		m.fact(r, "", append(optionNames, "split", "mclt", "accept"))
		return
	case "pool/n":
		object = fmt.Sprintf("pool/n%d/%d", r.IntN(4), r.IntN(5))
	default:
		object += fmt.Sprint(r.IntN(4))
	}
	switch n := r.IntN(6); {
	case n == 0 && m.objects[object]:
		m.remove(object)
	case n == 1 && strings.HasPrefix(object, "class/") && m.objects[object]:
		m.order = slices.DeleteFunc(m.order, func(c string) bool { return c == object })
		m.order = slices.Insert(m.order, r.IntN(len(m.order)+1), object)
	case !m.objects[object]:
		m.add(r, object)
	case strings.HasPrefix(object, "host/"):
		m.fact(r, object, append(optionNames, "hardware", "address"))
	default:
		m.fact(r, object, optionNames)
	}
}

func (m *model) add(r *rand.Rand, object string) {
	if net, isPool := strings.CutPrefix(object, "pool/"); isPool && !m.objects["net/"+net[:2]] {
		return
	}
	m.objects[object] = true
	switch object[:4] {
	case "host":
		m.facts[object+"/hardware"] = hardware(r)
	case "clas":
		m.facts[object+"/root-path"] = "x"
		m.order = slices.Insert(m.order, r.IntN(len(m.order)+1), object)
	}
}

func hardware(r *rand.Rand) string { return fmt.Sprintf("02:00:00:00:00:%02x", r.IntN(200)) }

func (m *model) remove(object string) {
	delete(m.objects, object)
	m.order = slices.DeleteFunc(m.order, func(c string) bool { return c == object })
	maps.DeleteFunc(m.facts, func(k, _ string) bool { return strings.HasPrefix(k, object+"/") })
	if net, isNet := strings.CutPrefix(object, "net/"); isNet {
		for k := range m.objects {
			if strings.HasPrefix(k, "pool/"+net+"/") {
				m.remove(k)
			}
		}
	}
}

func (m *model) fact(r *rand.Rand, object string, fields []string) {
	field := fields[r.IntN(len(fields))]
	key := object + "/" + field
	switch {
	case field == "hardware":
		m.facts[key] = hardware(r)
	case r.IntN(4) == 0:
		delete(m.facts, key)
	case field == "address":
		m.facts[key] = fmt.Sprintf("10.0.0.%d", 150+r.IntN(20))
	case field == "split":
		m.facts[key] = fmt.Sprint(r.IntN(100))
	case field == "mclt":
		m.facts[key] = fmt.Sprintf("%dh", 2+r.IntN(5))
	case field == "accept":
		m.facts[key] = "true"
	default:
		m.facts[key] = fmt.Sprintf("v%d", r.IntN(6))
	}
}

// text writes the model as a document.
func (m model) text() string {
	options := func(object string) string {
		var all []string
		for _, o := range optionNames {
			if v, ok := m.facts[object+"/"+o]; ok {
				all = append(all, o+": "+v)
			}
		}
		if len(all) == 0 {
			return ""
		}
		return "options: {" + strings.Join(all, ", ") + "}"
	}
	var b strings.Builder
	b.WriteString("group:\n  members: {west: {peer: 10.9.0.1}, east: {peer: 10.9.0.2}}\n  failover: {primary: west")
	for _, f := range []string{"split", "mclt"} {
		if v, ok := m.facts["/"+f]; ok {
			fmt.Fprintf(&b, ", %s: %s", f, v)
		}
	}
	fmt.Fprintf(&b, "}\nenterprise: {%s}\n", options(""))
	if m.facts["/accept"] != "" {
		b.WriteString("accept: {host-name: true}\n")
	}
	b.WriteString("networks:\n")
	for i := range 4 {
		net := fmt.Sprintf("net/n%d", i)
		if !m.objects[net] {
			continue
		}
		fmt.Fprintf(&b, "  n%d:\n    subnets:\n      10.%d.0.0/24:\n        pools:\n", i, i)
		for j := range 5 {
			if pool := fmt.Sprintf("pool/n%d/%d", i, j); m.objects[pool] {
				fmt.Fprintf(&b, "          - {range: 10.%d.0.%d-10.%d.0.%d%s}\n", i, 10+20*j, i, 19+20*j, prefixed(", ", options(pool)))
			}
		}
		if o := options(net); o != "" {
			b.WriteString("    " + o + "\n")
		}
	}
	b.WriteString("classes:\n")
	for _, c := range m.order {
		fmt.Fprintf(&b, "  %s: {kind: user, match: {user-class: %[1]s}%s}\n", c[6:], prefixed(", ", options(c)))
	}
	b.WriteString("hosts:\n")
	for i := range 4 {
		h := fmt.Sprintf("host/h%d", i)
		if !m.objects[h] {
			continue
		}
		fmt.Fprintf(&b, "  h%d: {hardware: %s%s%s}\n", i, m.facts[h+"/hardware"], prefixed(", address: ", m.facts[h+"/address"]), prefixed(", ", options(h)))
	}
	return b.String()
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func parsed(t testing.TB, src string) *config.Document {
	t.Helper()
	d, problems := config.Parse("lessor.yaml", []byte(src))
	if d == nil {
		t.Fatalf("%s\n%v", src, problems)
	}
	return d
}

// merged returns what the merge of three models should be, and the keys on which both sides differ.
func merged(base, a, b model) (m model, conflicts []string) {
	m = model{map[string]bool{}, map[string]string{}, nil}
	three := func(base, a, b string, hasBase, hasA, hasB bool) (v string, has, ok bool) {
		switch {
		case a == b && hasA == hasB, base == b && hasBase == hasB:
			return a, hasA, true
		case base == a && hasBase == hasA:
			return b, hasB, true
		}
		return "", false, false
	}
	gone := map[string]bool{}
	objects := map[string]bool{"": true}
	for _, x := range []model{base, a, b} {
		maps.Copy(objects, x.objects)
	}
	for _, o := range slices.Sorted(maps.Keys(objects)) {
		was, isA, isB := base.objects[o] || o == "", a.objects[o] || o == "", b.objects[o] || o == ""
		switch {
		case isA && isB, !was && (isA || isB):
			m.objects[o] = true
		case was && isA && !base.equal(a, o), was && isB && !base.equal(b, o):
			if net, isPool := strings.CutPrefix(o, "pool/"); !isPool || a.objects["net/"+net[:2]] && b.objects["net/"+net[:2]] {
				conflicts = append(conflicts, o) // else it is the network's
			}
		default:
			gone[o] = true
		}
	}
	keys := map[string]bool{}
	for _, x := range []model{base, a, b} {
		for k := range x.facts {
			keys[k] = true
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		o, field := k[:strings.LastIndexByte(k, '/')], k[strings.LastIndexByte(k, '/')+1:]
		if !m.objects[o] {
			continue
		}
		of := func(x model) (string, bool) {
			if strings.HasPrefix(o, "host/") && (field == "hardware" || field == "address") { // one value
				return x.facts[o+"/hardware"] + " " + x.facts[o+"/address"], x.objects[o]
			}
			v, ok := x.facts[k]
			return v, ok
		}
		vBase, hasBase := of(base)
		vA, hasA := of(a)
		vB, hasB := of(b)
		v, has, ok := three(vBase, vA, vB, hasBase, hasA, hasB)
		switch {
		case !ok && (field == "hardware" || field == "address"):
			conflicts = append(conflicts, o)
		case !ok:
			conflicts = append(conflicts, k)
		case has && field == "hardware":
			m.facts[k], _, _ = strings.Cut(v, " ")
		case has && field == "address":
			if _, address, _ := strings.Cut(v, " "); address != "" {
				m.facts[k] = address
			}
		case has:
			m.facts[k] = v
		}
	}
	slices.Sort(conflicts)
	return m, slices.Compact(conflicts)
}

// equal reports whether two models say the same of an object and what is in it.
func (m model) equal(other model, object string) bool {
	of := func(m model) map[string]string {
		all := map[string]string{}
		for k, v := range m.facts {
			if strings.HasPrefix(k, object+"/") {
				all[k] = v
			}
		}
		if net, isNet := strings.CutPrefix(object, "net/"); isNet {
			for k := range m.objects {
				if strings.HasPrefix(k, "pool/"+net+"/") {
					all[k] = "there"
					for f, v := range m.facts {
						if strings.HasPrefix(f, k+"/") {
							all[f] = v
						}
					}
				}
			}
		}
		return all
	}
	return maps.Equal(of(m), of(other))
}
