package class

import "github.com/lessor-dhcp/lessor/internal/slab"

// Memory remembers which clients belong to which classes: for each group of classes that look at the same things, what
// of these a client showed, and which of the classes were its. It takes less than four MiB, whatever clients send. The
// zero value is ready for use, by one goroutine at a time. It is of one Set: used with another, it starts empty.
type Memory struct {
	set    *Set
	view   view
	is     []uint64 // the classes that the client belongs to
	failed []Failure

	seed slab.Seed
	// New entries go to recent; those that were used often move to frequent, so that strangers who send something new
	// each time push out only each other.
	recent, frequent ring
	key, value       []byte
	reasons          []string // why expressions failed; entries name them by index
}

const (
	recentOctets   = 1 << 20
	frequentOctets = 2 << 20
	frequentUses   = 8 // a client that gets an address and renews it makes fewer
	maxEntry       = 4 << 10
	maxReasons     = 64
)

// someReason stands for a reason that there is no room for.
const someReason = "the expression cannot be evaluated for what this client sent"

// bind makes m a memory of s that remembers nothing.
func (m *Memory) bind(s *Set) {
	if m.set == s {
		return
	}
	if m.set == nil {
		m.seed = slab.NewSeed()
	}
	m.set = s
	m.is = make([]uint64, (len(s.matches)+63)/64)
	m.recent, m.frequent = ring{most: recentOctets}, ring{most: frequentOctets}
	m.reasons = append(m.reasons[:0], someReason)
	m.view = view{}
}

// recall finds what is remembered under m.key, and says where that was kept.
func (m *Memory) recall(hash uint64) (value []byte, ok bool) {
	e, old, ok := m.frequent.find(hash, m.key)
	if ok {
		if old {
			e = m.frequent.put(hash, m.key, m.copyOf(e))
		}
		return e.value(), true
	}
	e, _, ok = m.recent.find(hash, m.key)
	if !ok {
		return nil, false
	}
	if e.used() >= frequentUses {
		e = m.frequent.put(hash, m.key, e.value())
	}
	return e.value(), true
}

// copyOf returns the value of an entry where writing to its ring does not change it.
func (m *Memory) copyOf(e entry) []byte {
	m.value = append(m.value[:0], e.value()...)
	return m.value
}

// remember keeps m.value under m.key.
func (m *Memory) remember(hash uint64) {
	if entryHead+len(m.key)+len(m.value) <= maxEntry {
		m.recent.put(hash, m.key, m.value)
	}
}

// reason returns the number of a text that says why an expression failed.
func (m *Memory) reason(text string) byte {
	for i, r := range m.reasons {
		if r == text {
			return byte(i)
		}
	}
	if len(m.reasons) == maxReasons {
		return 0
	}
	m.reasons = append(m.reasons, text)
	return byte(len(m.reasons) - 1)
}
