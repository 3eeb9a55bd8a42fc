package group

import (
	"errors"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// Gone reports whether the head has the partner in it no more, which holds once the partner is dismissed.
func (m *Machine) Gone() bool {
	s := &m.State
	if m.Partner == "" || s.Head.IsZero() || s.Agreed.IsZero() || s.Agreed == s.Head {
		return false
	}
	d, err := m.open(s.Head)
	return err == nil && !hasMember(d, m.Partner)
}

// Dismiss says that nobody can hold any more what the partner promised: what safety stands on is this member's alone to say from now on. It
// takes that the partner is Gone, and that the link to it is declared lost.
func (m *Machine) Dismiss() (out Output, err error) {
	switch {
	case !m.Gone():
		return out, errors.New("the partner is a member by the latest version")
	case m.link != Lost:
		return out, fmt.Errorf("the link to %s is not declared lost", m.Partner)
	}
	m.agree() // a conflict with it is one with nobody
	m.Partner, m.told, m.trouble = "", Told{}, 0
	m.settle(&out)
	return out, nil
}

// Removes reports whether a document that was written against parent, zero: the tip, takes the partner out of the group.
func (m *Machine) Removes(d *config.Document, parent version.ID) bool {
	if parent.IsZero() {
		parent = m.State.Tip
	}
	if m.Partner == "" || parent.IsZero() || hasMember(d, m.Partner) {
		return false
	}
	was, err := m.open(parent)
	return err != nil || hasMember(was, m.Partner)
}

func hasMember(d *config.Document, name binding.Member) bool {
	for i := range d.Group.Members {
		if d.Group.Members[i].Name == name {
			return true
		}
	}
	return false
}
