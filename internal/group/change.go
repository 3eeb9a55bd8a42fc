package group

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// ErrNoHistory is that of a change before there is a first version.
var ErrNoHistory = errors.New("the group has no configuration yet: the members must meet first, or `lessor group init` must found it")

// ErrNoParent is that of a file of which nobody knows what it was written against.
var ErrNoParent = errors.New("this file is not a version of the group's configuration, so what it changes cannot be told: edit what `lessor config show` prints")

// StaleError is that of a change that was written against an earlier version, and does not fit what was changed since.
type StaleError struct {
	Parent, Tip version.ID
	// Conflicts are those of Tip, which is A, and the change, which is B.
	Conflicts []version.Conflict
}

// against returns the conflicts of two versions so that A is the tip's.
func against(tip version.ID, j *version.Joined, conflicts []version.Conflict) []version.Conflict {
	conflicts = slices.Clone(conflicts)
	if j.A == tip {
		return conflicts
	}
	for i := range conflicts {
		c := &conflicts[i]
		c.A, c.B, c.ALine, c.BLine = c.B, c.A, c.BLine, c.ALine
	}
	return conflicts
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("the change was written against version %s, and version %s has changed the same since: %d conflicts", e.Parent.Short(), e.Tip.Short(), len(e.Conflicts))
}

// Found founds a group with what this member's file says: `group init`, or a group of one. Where the partner is gone since the
// two met, before this member served, it is founded with what they had in common then.
func (m *Machine) Found() (out Output, err error) {
	switch {
	case !m.State.Tip.IsZero() && m.State.Head.IsZero():
		m.State.Agreed, m.State.Settled = m.State.Tip, m.State.Tip // the partner may have it, too
	case m.first() == nil:
		return out, errors.New("the file has not been read")
	default:
		if err := m.found(&out, m.first()); err != nil {
			return out, err
		}
	}
	m.adopt(&out) // nobody else can have a say yet
	m.settle(&out)
	return out, nil
}

// Take resolves that neither member has a history and their files differ: the named member's file is the group's
// configuration.
func (m *Machine) Take(member binding.Member) (out Output, err error) {
	switch {
	case m.trouble != FilesDiffer:
		return out, errors.New("there are no two files to choose from")
	case member == m.Self:
		return m.Found()
	case member != m.told.Member:
		return out, fmt.Errorf("%s is neither %s nor %s", member, m.Self, m.told.Member)
	}
	if _, err := m.told.File.Open(); err != nil {
		return out, err
	}
	if err := m.found(&out, m.told.File); err != nil {
		return out, err
	}
	m.settle(&out)
	return out, nil
}

// Apply makes a version of a document, written against a parent; zero: against the tip. Where something else was changed
// since, the two are merged, or a *StaleError says why not and nothing has changed. Where the document says what the tip
// does, there is no new version.
func (m *Machine) Apply(d *config.Document, parent version.ID, by version.By) (out Output, err error) {
	_, err = m.change(&out, d, parent, by)
	m.settle(&out)
	return out, err
}

// change returns the version that says what d does.
func (m *Machine) change(out *Output, d *config.Document, parent version.ID, by version.By) (version.ID, error) {
	tip := m.State.Tip
	if parent.IsZero() {
		parent = tip
	}
	switch {
	case tip.IsZero():
		return tip, ErrNoHistory
	case m.History.Get(parent) == nil:
		return tip, fmt.Errorf("the change was written against version %s, which is not in this group's history", parent.Short())
	case m.History.Get(tip).Meaning == d.Digest:
		return tip, nil
	}
	by.Member = m.Self
	v, err := version.Child(d, by, parent)
	if err != nil {
		return tip, err
	}
	id, err := m.History.Add(v)
	if err != nil {
		return tip, err
	}
	j, err := m.History.Join(tip, id, m.open)
	if err == nil && j.Head.IsZero() {
		err = &StaleError{Parent: parent, Tip: tip, Conflicts: against(tip, &j, j.Conflicts)}
	}
	if err != nil {
		m.History.Drop(id)
		delete(m.documents, id)
		return tip, err
	}
	out.Store = append(out.Store, v)
	if j.Merge != nil {
		if err := m.store(out, j.Merge); err != nil {
			return tip, err
		}
	}
	m.State.Tip = j.Head
	return id, m.rejoin(out)
}

// rejoin looks whether a change has resolved a conflict.
func (m *Machine) rejoin(out *Output) error {
	if m.State.Rival.IsZero() {
		return nil
	}
	j, err := m.History.Join(m.State.Tip, m.State.Rival, m.open)
	switch {
	case err != nil:
		return err
	case j.Head.IsZero():
		m.conflicts = j.Conflicts
		return nil
	case j.Merge != nil:
		if err := m.store(out, j.Merge); err != nil {
			return err
		}
	}
	m.State.Tip = j.Head
	m.agree()
	return nil
}

// Resolve ends a conflict: where both changed the same, what one side says is taken. What does not fit together even so is
// returned as a *StaleError: then a document of the operator's own, applied, is what resolves it.
func (m *Machine) Resolve(take binding.Member, by version.By) (out Output, err error) {
	d, err := m.Taken(take)
	if err != nil {
		return out, err
	}
	by.Member = m.Self
	v, err := version.Child(d, by, m.State.Tip, m.State.Rival)
	if err != nil {
		return out, err
	}
	if err := m.store(&out, v); err != nil {
		return out, err
	}
	m.State.Tip = v.ID()
	m.agree()
	m.settle(&out)
	return out, nil
}

// Taken returns what Resolve would make the configuration, and changes nothing.
func (m *Machine) Taken(take binding.Member) (*config.Document, error) {
	tip, rival := m.State.Tip, m.State.Rival
	if rival.IsZero() {
		return nil, errors.New("there is no conflict to resolve")
	}
	j, err := m.History.Join(tip, rival, m.open)
	if err != nil {
		return nil, err
	}
	side := version.TakeA
	switch own := j.A == tip; {
	case take != m.Self && take != m.Partner:
		return nil, fmt.Errorf("%s is neither %s nor %s", take, m.Self, m.Partner)
	case own != (take == m.Self):
		side = version.TakeB
	}
	d, conflicts, err := m.History.Resolve(j.A, j.B, side, m.open)
	if err == nil && d == nil {
		err = &StaleError{Parent: rival, Tip: tip, Conflicts: against(tip, &j, conflicts)}
	}
	return d, err
}

// File takes what this member's file says, at the start and when it is read again, and the version that it says it was
// written against, if any. What has changed in it since it was last read is a new version; where there is no history it
// is what a root would be, and alone decides nothing.
func (m *Machine) File(d *config.Document, parent version.ID, by version.By) (out Output, err error) {
	v, err := version.Root(d)
	if err != nil {
		return out, err
	}
	m.file = v
	s := &m.State
	switch {
	case s.Tip.IsZero():
		s.FileSaid = d.Digest
		if m.link == Up && m.told.Member != "" {
			err = m.compare(&out)
		}
	case d.Digest == s.FileSaid:
	case m.History.Get(s.Tip).Meaning == d.Digest:
		s.FileSaid, s.FileVersion = d.Digest, s.Tip
	default:
		if parent.IsZero() {
			parent = s.FileVersion
		}
		if parent.IsZero() {
			err = ErrNoParent
			break
		}
		var id version.ID
		if id, err = m.change(&out, d, parent, by); err == nil {
			s.FileSaid, s.FileVersion = d.Digest, id
		}
	}
	m.settle(&out)
	return out, err
}

// seenFrom returns the conflicts of two versions with what tip, one of them, says as A.
func seenFrom(tip version.ID, j *version.Joined, all []version.Conflict) []version.Conflict {
	if j.A == tip {
		return all
	}
	seen := make([]version.Conflict, len(all))
	for i, c := range all {
		c.A, c.B, c.ALine, c.BLine = c.B, c.A, c.BLine, c.ALine
		seen[i] = c
	}
	return seen
}
