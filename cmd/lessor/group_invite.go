package main

import (
	"bufio"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/config"
)

type groupInviteCommand struct {
	whichMember `embed:""`
	Member      string `arg:"" complete:"member-of-file" help:"The member that may join."`
}

func (groupInviteCommand) Help() string {
	return `Makes a token with which one machine may become the member, or get that member a new certificate: within 15 minutes, once, and only from the member's own address. The server may run meanwhile; for the other one to join, it must.

Examples:

  lessor group invite east --config /etc/lessor/lessor.yaml
  lessor group invite east --config /etc/lessor/lessor.yaml --json | jq -r .token`
}

// Run makes the token.
func (x groupInviteCommand) Run(c *console) error {
	m, err := x.member(c)
	if err != nil {
		return err
	}
	e, err := m.other(x.Member)
	if err == nil {
		err = m.mayIssue()
	}
	if err == nil {
		err = m.asOwner(c)
	}
	if err != nil {
		return err
	}
	i, err := m.invite(e, c.now())
	if err != nil {
		return err
	}
	if x.JSON {
		return c.json(&i)
	}
	return c.buffered(func(w *bufio.Writer) error {
		fmt.Fprintf(w, "%s may join group %s.\n", printable(x.Member), printable(m.doc.Group.Name))
		i.write(c, w, m)
		return nil
	})
}

// other returns the other Lessor of that name.
func (m *member) other(name string) (*config.Member, error) {
	e := m.named(name)
	switch {
	case e == nil:
		return nil, fmt.Errorf("group %s has no member %q: it has %s", m.doc.Group.Name, name, m.names())
	case e == m.self:
		return nil, fmt.Errorf("%s is this member: lessor group renew gives it a fresh certificate", name)
	case e.Protocol == config.ProtocolISC:
		return nil, fmt.Errorf("member %s is an ISC dhcpd, which knows no keys", name)
	}
	return e, nil
}

func (m *member) names() (s string) {
	for i, e := range m.doc.Group.Members {
		if i > 0 {
			s += ", "
		}
		s += string(e.Name)
	}
	return s
}
