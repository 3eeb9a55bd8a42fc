package group

import (
	"errors"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// LinkChanged says what became of the connection to the partner. A connection that begins anew goes away first.
func (m *Machine) LinkChanged(to Link) (out Output) {
	if to != m.link {
		if m.State.Tip.IsZero() {
			m.History = &version.History{}
		}
		m.link, m.told, m.said, m.wanted, m.trouble = to, Told{}, Told{}, version.ID{}, 0
	}
	m.settle(&out)
	return out
}

// Heard takes what the partner said. An error of it is in Output.Close.
func (m *Machine) Heard(msg Message) (out Output) {
	if m.link == Up {
		if err := m.heard(&out, msg); err != nil {
			out.Close = fmt.Errorf("the configuration of %s: %w", m.Partner, err)
		}
	}
	m.settle(&out)
	return out
}

func (m *Machine) heard(out *Output, msg Message) error {
	switch msg := msg.(type) {
	case Told:
		if msg.Member != m.Partner {
			return fmt.Errorf("it comes from %q", msg.Member)
		}
		m.told = msg
		return m.compare(out)
	case Want:
		all := m.History.Missing(msg.Have, msg.Version)
		if len(all) == 0 {
			return errors.New("it asks for a version that it was not told of")
		}
		// One a message: each may have a long document, and is one commit there.
		for _, id := range all {
			out.Send = append(out.Send, Versions{[]*version.Version{m.History.Get(id)}})
		}
	case Versions:
		for _, v := range msg.All { // what could be the tip is read before it is kept
			if v.ID() != m.told.Tip {
				continue
			}
			if _, err := v.Open(); err != nil && !errors.Is(err, version.ErrNewer) {
				return err
			}
		}
		if err := m.store(out, msg.All...); err != nil {
			return err
		}
		return m.compare(out)
	}
	return nil
}

// compare does what follows from what both have. It is also what happens at the first contact of two members.
func (m *Machine) compare(out *Output) error {
	own, theirs := m.root(), m.told.Root
	switch {
	case own.IsZero() && theirs.IsZero():
		return m.compareFiles(out)
	case theirs.IsZero(): // it will ask
		m.trouble = 0
		return nil
	case !own.IsZero() && own != theirs:
		m.trouble = Unrelated
		return nil
	case m.History.Get(m.told.Tip) == nil:
		if m.wanted != m.told.Tip {
			m.wanted = m.told.Tip
			out.Send = append(out.Send, Want{Version: m.told.Tip, Have: m.State.Tip})
		}
		return nil
	}
	return m.meet(out)
}

// compareFiles is what happens where neither has a history: equal files are one root, and others need a person.
func (m *Machine) compareFiles(out *Output) error {
	switch own, theirs := m.first(), m.told.File; {
	case own == nil || theirs == nil:
		return nil
	case theirs.ID() != own.ID():
		if !theirs.IsRoot() {
			return errors.New("its file is told as a version that has a parent")
		}
		m.trouble = FilesDiffer
		return nil
	}
	return m.found(out, m.first())
}

// meet does what follows from the two tips, both of which are here.
func (m *Machine) meet(out *Output) error {
	tip, theirs := m.State.Tip, m.told.Tip
	m.trouble = 0
	if tip.IsZero() {
		return m.follow(theirs)
	}
	switch m.History.Relate(tip, theirs) {
	case version.Same, version.Ahead:
		m.agree()
		return nil
	case version.Behind:
		return m.follow(theirs)
	}
	if m.State.Rival == theirs && m.joined == [...]version.ID{tip, theirs} {
		return nil
	}
	j, err := m.History.Join(tip, theirs, m.open)
	switch {
	case errors.Is(err, version.ErrNewer):
		m.trouble = CannotRead
		return nil
	case err != nil:
		return err
	case j.Merge == nil:
		m.State.Rival, m.conflicts, m.joined = theirs, j.Conflicts, [...]version.ID{tip, theirs}
		return nil
	}
	m.agree()
	m.State.Tip = j.Head
	return m.store(out, j.Merge)
}

// follow makes the partner's tip this member's, if it can read it.
func (m *Machine) follow(tip version.ID) error {
	switch _, err := m.open(tip); {
	case errors.Is(err, version.ErrNewer):
		m.trouble = CannotRead
		return nil
	case err != nil:
		return err
	}
	first := m.State.Tip.IsZero()
	m.State.Tip = tip
	m.agree()
	if first {
		m.placeFile()
	}
	return nil
}

// agree notes that there is no conflict, or none any more.
func (m *Machine) agree() {
	m.loseRival()
	m.State.Rival, m.conflicts = version.ID{}, nil
}
