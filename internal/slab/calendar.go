package slab

// Links are an item's neighbours among those of the same second.
type Links struct{ Prev, Next uint32 }

// Calendar keeps numbered items in the order of a second that each was added with; those of one second in the order
// in which they were added. An item is in it at most once.
type Calendar struct {
	heads Ordered[uint32] // second → first of a ring
	links func(i uint32) *Links
	n     int
}

// NewCalendar returns an empty calendar of items that have room for their neighbours at links.
func NewCalendar(links func(i uint32) *Links) Calendar { return Calendar{links: links} }

// Len returns how many items there are.
func (c *Calendar) Len() int { return c.n }

// Add puts in item i at that second; it must not be in yet.
func (c *Calendar) Add(second uint64, i uint32) {
	c.n++
	at := c.links(i)
	head := c.heads.Get(Key{Lo: second})
	if head == nil {
		*at = Links{i, i}
		c.heads.Set(Key{Lo: second}, i)
		return
	}
	first := c.links(*head)
	*at = Links{Prev: first.Prev, Next: *head}
	c.links(first.Prev).Next = i
	first.Prev = i
}

// Remove takes out item i, which was added with that second.
func (c *Calendar) Remove(second uint64, i uint32) {
	c.n--
	at := c.links(i)
	if at.Next == i {
		c.heads.Delete(Key{Lo: second})
		*at = Links{}
		return
	}
	c.links(at.Prev).Next = at.Next
	c.links(at.Next).Prev = at.Prev
	if head := c.heads.Get(Key{Lo: second}); *head == i {
		*head = at.Next
	}
	*at = Links{}
}

// First returns the first item of the earliest second; i is 0 if there is none.
func (c *Calendar) First() (second uint64, i uint32) {
	k, head := c.heads.First()
	if head == nil {
		return 0, 0
	}
	return k.Lo, *head
}

// Memory returns the octets held, without the items.
func (c *Calendar) Memory() int64 { return c.heads.Memory() }

// Each calls each for all items in their order; each must not change the calendar.
func (c *Calendar) Each(each func(i uint32)) {
	c.While(func(i uint32) bool { each(i); return true })
}

// While is Each until each says false.
func (c *Calendar) While(each func(i uint32) bool) {
	for k, head := c.heads.First(); head != nil; k, head = c.heads.Above(k) {
		first := *head
		if !each(first) {
			return
		}
		for i := c.links(first).Next; i != first; i = c.links(i).Next {
			if !each(i) {
				return
			}
		}
	}
}
