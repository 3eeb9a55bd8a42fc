package class

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Set is the classes of a document in the order of their strength. It is immutable, and safe for concurrent use.
type Set struct {
	matches []*Match
	plain   []int // those that are evaluated each time: they allocate nothing
	groups  []group
}

// group is classes that look at the same things, and whose members are remembered together.
type group struct {
	reads   reads
	indexes []int
	number  byte // of the first octets of its keys
	high    byte
	// treesFirst says that asking the trees costs less than recalling, and often tells all.
	treesFirst bool
}

// manySimple is from how many classes on that look at the same things recalling is worth it, though all are simple.
const manySimple = 24

// fewTrees is up to how many trees are asked before recalling.
const fewTrees = 8

// NewSet returns the set of these matches; a class is named by its index.
func NewSet(ms []*Match) *Set {
	s := &Set{matches: slices.Clone(ms)}
	alike := map[reads][]int{}
	var order []reads
	for i, m := range s.matches {
		if _, ok := alike[m.reads]; !ok {
			order = append(order, m.reads)
		}
		alike[m.reads] = append(alike[m.reads], i)
	}
	for _, r := range order {
		s.add(r, alike[r])
	}
	slices.Sort(s.plain)
	return s
}

// add places classes that all read r.
func (s *Set) add(r reads, indexes []int) {
	var heavy, light []int
	for _, i := range indexes {
		if t := s.matches[i].tree; t.complete() && !t.canFail() {
			light = append(light, i)
		} else {
			heavy = append(heavy, i)
		}
	}
	if len(light) < manySimple {
		s.plain = append(s.plain, light...)
		indexes = heavy
	}
	if len(indexes) == 0 || len(s.groups) == maxGroups {
		s.plain = append(s.plain, indexes...)
		return
	}
	nests := slices.ContainsFunc(indexes, func(i int) bool { return s.matches[i].tree.nests() })
	n := len(s.groups)
	s.groups = append(s.groups, group{reads: r, indexes: indexes, number: byte(n), high: byte(n >> 8), treesFirst: len(indexes) <= fewTrees && !nests})
}

// maxGroups is how many groups there may be; the classes of further ones are evaluated each time.
const maxGroups = 1 << 16

// Len returns how many classes there are.
func (s *Set) Len() int { return len(s.matches) }

// Failure says that the expression of a class could not be evaluated for a client, which therefore does not belong.
type Failure struct {
	Index int    // of the class in its set
	Err   string // why, in the operator's words
}

// Members appends to dst the indexes of the classes that c belongs to, ascending, and returns the classes that could not
// be evaluated, ascending too. What it returns is the same whether it was remembered or not, but for the words of rare
// failures. The failures are valid until m is used again.
func (s *Set) Members(c *Client, m *Memory, dst []uint32) ([]uint32, []Failure) {
	m.bind(s)
	m.failed = m.failed[:0]
	if len(s.matches) == 0 {
		return dst, nil
	}
	clear(m.is)
	m.view.look(c)
	for _, i := range s.plain {
		m.evaluate(i)
	}
	for i := range s.groups {
		m.group(&s.groups[i])
	}
	if len(m.failed) > 1 {
		slices.SortFunc(m.failed, func(a, b Failure) int { return a.Index - b.Index })
	}
	for w, word := range m.is {
		for ; word != 0; word &= word - 1 {
			dst = append(dst, uint32(w<<6|bits.TrailingZeros64(word)))
		}
	}
	return dst, m.failed
}

// evaluate asks one class, and notes what it says.
func (m *Memory) evaluate(i int) {
	switch v, why := m.set.matches[i].evaluate(&m.view); v {
	case yes:
		m.is[i>>6] |= 1 << (i & 63)
	case failed:
		m.failed = append(m.failed, Failure{i, why})
	}
}

// group notes which classes of a group the client belongs to.
func (m *Memory) group(g *group) {
	if g.treesFirst && m.trees(g) {
		return
	}
	var ok bool
	if m.key, ok = g.reads.appendKey(append(m.key[:0], g.number, g.high), m.view.client); !ok {
		for _, i := range g.indexes {
			m.evaluate(i)
		}
		return
	}
	hash := m.seed.Octets(m.key)
	if value, ok := m.recall(hash); ok {
		m.read(g, value)
		return
	}
	first := len(m.failed)
	for _, i := range g.indexes {
		m.evaluate(i)
	}
	m.write(g, m.failed[first:])
	m.remember(hash)
}

// trees notes what the trees of a group tell, if they tell all of it.
func (m *Memory) trees(g *group) bool {
	var belongs uint64
	for n, i := range g.indexes {
		switch m.set.matches[i].tree.eval(&m.view) {
		case yes:
			belongs |= 1 << n
		case no:
		default:
			return false
		}
	}
	for n, i := range g.indexes {
		if belongs&(1<<n) != 0 {
			m.is[i>>6] |= 1 << (i & 63)
		}
	}
	return true
}

// write puts into m.value what was found out about a group: a bit for each class, then each failure by its place among
// the classes and its reason.
func (m *Memory) write(g *group, failures []Failure) {
	m.value = append(m.value[:0], make([]byte, (len(g.indexes)+7)/8)...)
	for n, i := range g.indexes {
		if m.is[i>>6]&(1<<(i&63)) != 0 {
			m.value[n/8] |= 1 << (n % 8)
		}
	}
	for k := range failures {
		f := &failures[k]
		n, _ := slices.BinarySearch(g.indexes, f.Index)
		r := m.reason(f.Err)
		f.Err = m.reasons[r]
		m.value = append(binary.LittleEndian.AppendUint16(m.value, uint16(n)), r)
	}
}

// read notes what write wrote.
func (m *Memory) read(g *group, value []byte) {
	size := (len(g.indexes) + 7) / 8
	for b, octet := range value[:size] {
		for ; octet != 0; octet &= octet - 1 {
			i := g.indexes[b*8+bits.TrailingZeros8(octet)]
			m.is[i>>6] |= 1 << (i & 63)
		}
	}
	for f := value[size:]; len(f) > 0; f = f[3:] {
		m.failed = append(m.failed, Failure{g.indexes[binary.LittleEndian.Uint16(f)], m.reasons[f[2]]})
	}
}
