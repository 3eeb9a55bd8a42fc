package version

import (
	"slices"
	"strings"
	"unicode"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// path is where an element stands, from the outside in.
type path []string

// under returns the path of an entry, in an array of its own.
func (p path) under(key string) path { return append(p[:len(p):len(p)], key) }

// String returns the path as an operator's key: networks.floor1.subnets.198.51.100.0/24.options.routers. A name that has
// blanks or quotes in it stands in quotes.
func (p path) String() string {
	var b strings.Builder
	for i, key := range p {
		if i > 0 {
			b.WriteByte('.')
		}
		if strings.ContainsFunc(key, func(r rune) bool { return unicode.IsSpace(r) || r == '"' }) {
			key = `"` + strings.ReplaceAll(key, `"`, `\"`) + `"`
		}
		b.WriteString(key)
	}
	return b.String()
}

// isHost reports whether the path is that of an entry of hosts.
func (p path) isHost() bool { return len(p) == 2 && p[0] == "hosts" }

// identity are the keys of a host that say who it is, and which address is kept for it. They say it together.
func identity(key string) bool {
	switch key {
	case "hardware", "client-id", "circuit-id", "remote-id", "subscriber-id", "match-options", "address":
		return true
	}
	return false
}

// reservation returns what identity says of a host on one line: "" if it says nothing.
func reservation(host *config.Element) string {
	if host == nil {
		return ""
	}
	only := config.Element{Kind: config.Object}
	for i := range host.Children {
		if identity(host.Children[i].Key) {
			only.Children = append(only.Children, host.Children[i])
		}
	}
	if len(only.Children) == 0 {
		return ""
	}
	return only.Flow()
}

// isSafety reports whether safety stands on what a path says, so that both members must have it before it holds for
// either. Which address is kept for whom is not told by the path alone: see reservations.
func (p path) isSafety() bool {
	if len(p) < 2 || p[0] != "group" {
		return false
	}
	switch p[1] {
	case "name":
		return true
	case "members":
		return len(p) < 4 || p[3] != "class"
	case "failover":
		return len(p) < 3 || p[2] == "primary" || p[2] == "mclt" || p[2] == "relationship"
	}
	return false
}

// same reports whether two elements say the same, wherever they stand; nil says nothing.
func same(a, b *config.Element) bool {
	if a == nil || b == nil || a == b {
		return a == b
	}
	if a.Kind != b.Kind || a.Text != b.Text || len(a.Children) != len(b.Children) {
		return false
	}
	for i := range a.Children {
		if a.Children[i].Key != b.Children[i].Key || !same(&a.Children[i], &b.Children[i]) {
			return false
		}
	}
	return true
}

// entries finds the entries of an element by key. Two documents have most of them in the same order, so it looks where
// the last one was found before it looks everywhere.
type entries struct {
	all  []config.Element
	next int
	at   map[string]int
}

func entriesOf(e *config.Element) entries {
	if e == nil {
		return entries{}
	}
	return entries{all: e.Children}
}

// find returns the entry of that key; nil if there is none.
func (x *entries) find(key string) *config.Element {
	if i := x.index(key); i >= 0 {
		return &x.all[i]
	}
	return nil
}

// index returns where the entry of that key stands; negative if there is none.
func (x *entries) index(key string) int {
	if x.next < len(x.all) && x.all[x.next].Key == key {
		x.next++
		return x.next - 1
	}
	const few = 16
	if x.at == nil && len(x.all) > few {
		x.at = make(map[string]int, len(x.all))
		for i := range x.all {
			x.at[x.all[i].Key] = i
		}
	}
	if x.at == nil {
		i := slices.IndexFunc(x.all, func(e config.Element) bool { return e.Key == key })
		x.next = max(i+1, x.next)
		return i
	}
	i, ok := x.at[key]
	if !ok {
		return -1
	}
	x.next = i + 1
	return i
}

// both calls each with every key that a or b has, and what stands there: the keys of a in their order, and before each
// what only b has and stands before it in b.
func both(a, b *config.Element, each func(key string, a, b *config.Element)) {
	inA, inB := entriesOf(a), entriesOf(b)
	told := 0 // of b
	alone := func(until int) {
		for ; told < until; told++ {
			if e := &inB.all[told]; inA.index(e.Key) < 0 {
				each(e.Key, nil, e)
			}
		}
	}
	for i := range inA.all {
		e := &inA.all[i]
		j := inB.index(e.Key)
		if j < 0 {
			each(e.Key, e, nil)
			continue
		}
		alone(j)
		told = max(told, j+1)
		each(e.Key, e, &inB.all[j])
	}
	alone(len(inB.all))
}
