package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

type groupInviteCommand struct {
	whichMember `embed:""`
	Member      string `arg:"" help:"The member that may join."`
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

type groupExportCommand struct {
	whichMember `embed:""`
	Member      string `arg:"" help:"The member that the keys are for."`
	Dir         string `arg:"" type:"path" help:"A directory, made if it is missing, without keys in it."`
}

func (groupExportCommand) Help() string {
	return `Makes a key and a certificate for another member and writes them into a directory, where no network leads from that member to the founder yet. Carry the directory to that machine as keys/ in its data directory, with its modes (0700, files 0600) and owned by the server's user, and remove it here: whoever has these files is that member.

Example:

  lessor group export east /root/east-keys --config /etc/lessor/lessor.yaml`
}

// Run writes the keys.
func (x groupExportCommand) Run(c *console) error {
	m, err := x.member(c)
	if err != nil {
		return err
	}
	e, err := m.other(x.Member)
	if err == nil {
		err = m.mayIssue()
	}
	if err != nil {
		return err
	}
	a, err := m.dir.Authority()
	if err != nil {
		return err
	}
	if err := a.Export(keys.Dir(x.Dir), e.Name, c.now()); err != nil {
		return err
	}
	r, err := reportOf(keys.Dir(x.Dir).Files(), m.doc.Group.Name, e.Name, c.now())
	if err != nil {
		return err
	}
	r.Directory = x.Dir
	if x.JSON {
		return c.json(r)
	}
	return c.buffered(func(w *bufio.Writer) error {
		fmt.Fprintf(w, "The keys of member %s are in %s.\n", printable(x.Member), printable(x.Dir))
		r.write(c, w)
		fmt.Fprintf(w, "\nCarry the directory to %s as keys/ in its data directory, owned by the server's user, and remove it here.\n", printable(x.Member))
		return nil
	})
}

type groupRenewCommand struct {
	whichMember `embed:""`
}

func (groupRenewCommand) Help() string {
	return `Gives this member, which has the group's authority, a certificate for a year from now. A server that runs takes it without a restart. Another member renews its certificate by a token of lessor group invite and lessor group join.

Example:

  lessor group renew --config /etc/lessor/lessor.yaml`
}

// Run renews the certificate.
func (x groupRenewCommand) Run(c *console) error {
	m, err := x.member(c)
	if err == nil {
		err = m.mayIssue()
	}
	if err == nil {
		err = m.asOwner(c)
	}
	if err == nil {
		err = m.dir.Renew(m.self.Name, c.now())
	}
	if err != nil {
		return err
	}
	r, err := m.keyReport(c.now())
	if err != nil {
		return err
	}
	if x.JSON {
		return c.json(r)
	}
	return c.buffered(func(w *bufio.Writer) error {
		fmt.Fprintf(w, "%s has a fresh certificate.\n", printable(string(m.self.Name)))
		r.write(c, w)
		return nil
	})
}

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

// keyReport is what is to be said of a member's keys.
type keyReport struct {
	Member      binding.Member   `json:"member"`
	Certificate string           `json:"certificate"` // the file
	Directory   string           `json:"directory,omitempty"`
	Begins      node.Instant     `json:"begins"`
	Ends        node.Instant     `json:"ends"`
	Ended       bool             `json:"ended,omitempty"`
	Warning     string           `json:"warning,omitempty"`
	Authorities []shownAuthority `json:"authorities"`
}

type shownAuthority struct {
	Fingerprint string       `json:"fingerprint"` // SHA-256 of its certificate
	Ends        node.Instant `json:"ends"`
}

// keyReport reads this member's keys.
func (m *member) keyReport(now time.Time) (*keyReport, error) {
	files := m.dir.Files()
	if m.ownAuthority() {
		t, file := m.doc.Server.TLS, m.doc.File
		files = keys.Files{Certificate: beside(file, t.Certificate), Key: beside(file, t.Key), Authority: beside(file, t.Authority)}
	}
	r, err := reportOf(files, m.doc.Group.Name, m.self.Name, now)
	if r != nil {
		r.Certificate = m.whole(r.Certificate)
	}
	return r, err
}

func reportOf(files keys.Files, group string, member binding.Member, now time.Time) (*keyReport, error) {
	ring, err := keys.Open(files, group, member)
	if err != nil {
		return nil, err
	}
	p := ring.Report(now)
	r := &keyReport{Member: member, Certificate: files.Certificate, Begins: node.At(p.Begins), Ends: node.At(p.Ends), Ended: p.Ended, Warning: p.Warning}
	for _, a := range ring.Current(now).Authorities() {
		r.Authorities = append(r.Authorities, shownAuthority{a.Fingerprint.String(), node.At(a.Ends)})
	}
	if len(r.Authorities) == 0 {
		return nil, errors.New("certificate of the group's authority: there is none")
	}
	return r, nil
}

func (r *keyReport) write(c *console, w *bufio.Writer) {
	for _, a := range r.Authorities {
		fmt.Fprintf(w, "  authority    %s\n               until %s\n", a.Fingerprint, absolute(a.Ends))
	}
	fmt.Fprintf(w, "  certificate  of %s, until %s\n               in %s\n", printable(string(r.Member)), when(r.Ends, c.now()), printable(r.Certificate))
	if r.Warning != "" {
		writeLines(w, "               "+c.paint(yellow, "warning: "), r.Warning)
	}
}
