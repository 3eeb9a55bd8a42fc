package sim

import (
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// chain is every version that was ever made, whoever has it still: what a bystander knows of the configuration.
type chain struct {
	w         *World
	history   version.History
	documents map[version.ID]*config.Document
	number    map[version.ID]int
	before    map[binding.Digest]struct{} // all of them, and their documents

	stored [2]map[version.ID]bool // what each member has had on its disk at some time
	served [2]map[version.ID]bool // what it has served by at some time
	heads  [2]version.ID          // what it served by last
}

func (c *chain) init(w *World) {
	*c = chain{w: w, documents: map[version.ID]*config.Document{}, number: map[version.ID]int{}, before: map[binding.Digest]struct{}{}}
	for i := range c.stored {
		c.stored[i], c.served[i] = map[version.ID]bool{}, map[version.ID]bool{}
	}
}

// name returns how a log calls a version.
func (c *chain) name(id version.ID) string {
	if id.IsZero() {
		return "none"
	}
	return fmt.Sprintf("v%d", c.number[id])
}

// made: a member has made, merged or heard of versions.
func (c *chain) made(m *Member, all []*version.Version) {
	for _, v := range all {
		id := v.ID()
		if c.documents[id] != nil {
			continue
		}
		d, err := v.Open()
		if err != nil {
			c.w.fail("I6: %s made a version that cannot be read: %v", m.name, err)
			return
		}
		if _, err := c.history.Add(v); err != nil && !v.IsRoot() {
			c.w.fail("I6: %s made a version that does not fit the history: %v", m.name, err)
			return
		} else if err != nil {
			c.w.fail("I6: %s began another group, while one was there", m.name)
			return
		}
		c.documents[id], c.number[id] = d, len(c.number)
		c.before[binding.Digest(id)], c.before[v.Meaning] = struct{}{}, struct{}{}
		if v.IsMerge() {
			c.w.marks.hit(MarkMerged)
		}
		var parents string
		for _, p := range v.Parents {
			parents += " " + c.name(p)
		}
		c.w.logf("%s has %s, which comes from%s", m.name, c.name(id), parents)
		if len(v.Parents) == 1 {
			for _, ch := range version.Diff(c.documents[v.Parents[0]], d) {
				c.w.logf("    %v", ch)
			}
		}
	}
}

// read: a member has read its store. It may have versions of which the disk said that they could not be kept; a store that was lost has
// no head, and what comes next comes from nothing.
func (c *chain) read(m *Member, h *version.History, s *group.State) {
	if s.Head.IsZero() {
		c.heads[m.i] = version.ID{}
	}
	for id := range c.number {
		if h.Get(id) != nil {
			c.stored[m.i][id] = true
		}
	}
}

// adopted: a member serves by a version from now on.
func (c *chain) adopted(m *Member, id version.ID) {
	c.served[m.i][id] = true
	c.w.logf("%s serves by %s", m.name, c.name(id))
}

// decided sees to I6: what a member is to serve by, the other one has, unless the link is declared lost; and who made it serves by it
// after the other one.
func (c *chain) decided(m *Member, id version.ID, conflict bool) {
	o, was := m.other(), c.heads[m.i]
	again := c.served[m.i][id]
	c.heads[m.i] = id
	v := c.history.Get(id)
	if v == nil {
		c.w.fail("I6: %s serves by a version that nobody made", m.name)
		return
	}
	if !was.IsZero() && was != id && !c.history.Descends(id, was) && !c.w.oracle.ever[m.i] && !m.rotten {
		c.w.fail("I6: %s serves by %s, which does not come from %s, by which it served before", m.name, c.name(id), c.name(was))
	}
	if again {
		return // it begins anew, or its store went back
	}
	if m.keep.knows { // the link was declared lost
		if !c.heads[o.i].IsZero() && !c.stored[o.i][id] {
			c.w.marks.hit(MarkBranched)
		}
		return
	}
	if v.IsRoot() {
		return // by founding the group, or since the other has the same file
	}
	switch {
	case !c.stored[o.i][id]:
		c.w.fail("I6: %s serves by %s, which %s does not have, and the link is not declared lost", m.name, c.name(id), o.name)
	case v.Member == m.name && !v.IsMerge() && !c.served[o.i][id] && !conflict:
		c.w.fail("I6: %s serves by %s, which it made, before %s does", m.name, c.name(id), o.name)
	}
}

// lost: a member takes versions for lost. Neither serves by one, or by what comes from it, or has a later version that does.
func (c *chain) lost(m *Member, all []binding.Digest) {
	for _, v := range all {
		c.w.marks.hit(MarkVersionGone)
		for _, x := range c.w.members {
			for _, id := range [...]version.ID{x.keep.stored.Head, x.keep.stored.Tip} {
				if !id.IsZero() && c.history.Descends(id, version.ID(v)) {
					c.w.fail("I8: %s takes %s for lost, and %s has %s, which comes from it", m.name, c.name(version.ID(v)), x.name, c.name(id))
				}
			}
		}
	}
}

// follows reports whether what is told by version id takes the place of what was told by the version that a binding names.
func (c *chain) follows(id version.ID, told binding.Digest) bool {
	return told == binding.Digest{} || c.history.Descends(id, version.ID(told))
}
