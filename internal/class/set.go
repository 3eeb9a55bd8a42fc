package class

// Set is the classes of a document in the order of their strength. It is immutable, and safe for concurrent use.
type Set struct {
	matches []*Match
}

// NewSet returns the set of these matches; a class is named by its index.
func NewSet(ms []*Match) *Set { return &Set{matches: ms} }

// Len returns how many classes there are.
func (s *Set) Len() int { return len(s.matches) }

// Memory remembers which clients belong to which classes. The zero value is ready for use, by one goroutine. It is of
// one Set: used with another, it starts empty.
type Memory struct {
	set    *Set
	view   view
	failed []Failure
}

// Failure says that the expression of a class could not be evaluated for a client, which therefore does not belong.
type Failure struct {
	Index int    // of the class in its set
	Err   string // why, in the operator's words
}

// Members appends to dst the indexes of the classes that c belongs to, ascending. The failures are valid until the next
// call.
func (s *Set) Members(c *Client, m *Memory, dst []uint32) ([]uint32, []Failure) {
	if m.set != s {
		m.set = s
	}
	m.failed = m.failed[:0]
	m.view.look(c)
	for i, match := range s.matches {
		v, why := match.evaluate(&m.view)
		switch v {
		case yes:
			dst = append(dst, uint32(i))
		case failed:
			m.failed = append(m.failed, Failure{i, why})
		}
	}
	return dst, m.failed
}
