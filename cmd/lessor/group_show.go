package main

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type groupShowCommand struct {
	whichMember `embed:""`
}

func (groupShowCommand) Help() string {
	return `Shows what this server's file and its keys say; how the servers do is in lessor status. The exit code is 1 where keys are needed and are not there or not good.

Example:

  lessor group show --config /etc/lessor/lessor.yaml`
}

// shownGroup is a group as this member knows it.
type shownGroup struct {
	Group   string         `json:"group"`
	Member  binding.Member `json:"member"`
	Primary binding.Member `json:"primary"`
	Members []shownMember  `json:"members"`
	// Founder says that the group's authority is here.
	Founder bool        `json:"founder"`
	Keys    *keyReport  `json:"keys"`              // null: there are none, or they cannot be used
	Trouble string      `json:"trouble,omitempty"` // why not, where they are needed
	Tokens  []shownGood `json:"tokens"`            // that are good now
}

type shownMember struct {
	Name     binding.Member `json:"name"`
	Role     string         `json:"role"`
	Peer     string         `json:"peer"`
	Protocol string         `json:"protocol"`
}

type shownGood struct {
	Member  binding.Member `json:"member"`
	Expires node.Instant   `json:"expires"`
	Spent   bool           `json:"spent"` // the machine that used it may ask once more
}

// Run shows the group.
func (x groupShowCommand) Run(_ context.Context, c *console) error {
	m, err := x.member(c)
	if err != nil {
		return err
	}
	g, err := m.show(c.now())
	if err != nil {
		return err
	}
	if x.JSON {
		err = c.json(g)
	} else {
		err = c.buffered(func(w *bufio.Writer) error { g.write(c, w); return nil })
	}
	if err == nil && (g.Trouble != "" || g.Keys != nil && g.Keys.Ended) {
		err = errNo
	}
	return err
}

func (m *member) show(now time.Time) (*shownGroup, error) {
	g := &shownGroup{Group: m.doc.Group.Name, Member: m.self.Name, Primary: m.doc.Group.Primary, Founder: m.dir.Founded(), Tokens: []shownGood{}}
	for _, e := range m.doc.Group.Members {
		role := failoverRole(e.Name == g.Primary)
		s := shownMember{Name: e.Name, Role: role, Protocol: e.Protocol}
		if e.Peer.IsValid() {
			s.Peer = e.Peer.String()
		}
		g.Members = append(g.Members, s)
	}
	if len(m.lessors()) == 0 {
		return g, nil
	}
	r, err := m.keyReport(now)
	switch {
	case err == nil:
		g.Keys = r
	case !m.ownAuthority() && !m.dir.Present():
		g.Trouble = "there are no keys in " + string(m.dir) + ": run lessor group init on " + string(g.Primary) + ", and lessor group join on the other"
	default:
		g.Trouble = err.Error()
	}
	good, err := m.dir.Invitations(now)
	for _, i := range good {
		g.Tokens = append(g.Tokens, shownGood{i.Member, node.At(i.Expires), i.Spent})
	}
	return g, err
}

func failoverRole(primary bool) string {
	if primary {
		return "primary"
	}
	return "secondary"
}

func (g *shownGroup) write(c *console, w *bufio.Writer) {
	fmt.Fprintf(w, "%s  of group %s\n", c.paint(bold, printable(string(g.Member))), c.paint(bold, printable(g.Group)))
	switch {
	case g.Keys != nil:
		g.Keys.write(c, w)
	case g.Trouble != "":
		fmt.Fprintf(w, "  %s %s\n", c.paint(red, "no keys:"), shown(g.Trouble))
	default:
		fmt.Fprintln(w, "  no keys are needed: an ISC dhcpd knows none")
	}
	if g.Founder {
		fmt.Fprintln(w, "  this member has the group's authority")
	}
	heading(c, w, "Members")
	t := table{head: []string{"MEMBER", "ROLE", "PEER", "PROTOCOL", ""}}
	for _, e := range g.Members {
		here := ""
		if e.Name == g.Member {
			here = "this server"
		}
		t.addText(printable(string(e.Name)), e.Role, orDash(e.Peer), e.Protocol, here)
	}
	t.write(c, w, "  ")
	if len(g.Tokens) == 0 {
		return
	}
	heading(c, w, "Tokens that are good")
	t = table{head: []string{"MEMBER", "UNTIL", "USED"}}
	for _, i := range g.Tokens {
		used := "no"
		if i.Spent {
			used = "yes"
		}
		t.addText(printable(string(i.Member)), when(i.Expires, c.now()), used)
	}
	t.write(c, w, "  ")
}
