package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

type groupJoinCommand struct {
	whichMember `embed:""`
	Token       string `arg:"" optional:"" help:"The token; - or nothing: it is read from standard input, so that it does not stand in the list of processes."`
	TokenFile   string `name:"token-file" type:"path" placeholder:"FILE" help:"Read the token from this file; - for standard input."`
	TokenText   string `name:"token" placeholder:"TOKEN" help:"The token, as an option instead of an argument."`
}

func (groupJoinCommand) Help() string {
	return `Makes a key, which never leaves this machine, and gets the certificate for it from the founder of the group, whose server must run. The token comes from lessor group init or lessor group invite there; it is good for 15 minutes, once, and only from this member's own address.

A member that belongs to the group already gets a new certificate for the key that it has; its server takes it without a restart.

Examples:

  lessor group join --config /etc/lessor/lessor.yaml
  lessor group join --config /etc/lessor/lessor.yaml --token-file /run/token`
}

// joining is what group join did.
type joining struct {
	Group   string         `json:"group"`
	Member  binding.Member `json:"member"`
	Founder netip.AddrPort `json:"founder"`
	Keys    *keyReport     `json:"keys"`
}

// Run joins the group.
func (x groupJoinCommand) Run(ctx context.Context, c *console) error {
	m, err := x.member(c)
	if err != nil {
		return err
	}
	if err := m.mayJoin(); err != nil {
		return err
	}
	text, err := x.token(c)
	if err != nil {
		return err
	}
	t, err := keys.ParseToken(text)
	if err != nil {
		return err
	}
	if err := m.meant(t); err != nil {
		return err
	}
	if err := m.asOwner(c); err != nil {
		return err
	}
	if err := disk.Dir(m.doc.Server.Data).Make(); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := m.dir.Join(ctx, t, m.self.Peer.Addr(), c.now()); err != nil {
		return m.explainJoin(err)
	}
	report, err := m.keyReport(c.now())
	if err != nil {
		return err
	}
	j := joining{m.doc.Group.Name, m.self.Name, t.Founder, report}
	if x.JSON {
		return c.json(&j)
	}
	return c.buffered(func(w *bufio.Writer) error {
		fmt.Fprintf(w, "%s belongs to group %s.\n", c.paint(bold, printable(string(j.Member))), c.paint(bold, printable(j.Group)))
		report.write(c, w)
		fmt.Fprintf(w, "\nNext, start this server, if it does not run: lessor serve --config %s\n", printable(m.doc.File))
		return nil
	})
}

func (m *member) mayJoin() error {
	switch {
	case m.ownAuthority():
		return errors.New("the keys are those that server: tls names: there is nothing to join; take server: tls out to use keys of lessor group init")
	case len(m.lessors()) == 0:
		return errors.New("the other member is an ISC dhcpd, which knows no keys: there is nothing to join, only to start")
	}
	return nil
}

// meant refuses a token for somebody else, before it is spent.
func (m *member) meant(t *keys.Token) error {
	switch {
	case t.Group != m.doc.Group.Name:
		return fmt.Errorf("the token is for group %q, and %s says group: name: %q: write the same name on both members", t.Group, m.doc.File, m.doc.Group.Name)
	case t.Member != m.self.Name:
		return fmt.Errorf("the token is for member %s, and this is %s: on the founder, lessor group invite %s", t.Member, m.self.Name, m.self.Name)
	}
	for _, e := range m.lessors() {
		if e.Peer == t.Founder {
			return nil
		}
	}
	return fmt.Errorf("the token was made at %v, which is no other member's peer in %s: write the same addresses under group: members in the files of both, and make a new token",
		t.Founder, m.doc.File)
}

// explainJoin returns err with what this machine can do about it.
func (m *member) explainJoin(err error) error {
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("%w. This machine has not the address %v, which is its peer in %s: give it that address, or write its own one in the files of both", err, m.self.Peer.Addr(), m.doc.File)
	}
	return err
}

// maxToken is more than any token has octets.
const maxToken = 4 << 10

// token returns what was given as the token.
func (x groupJoinCommand) token(c *console) (string, error) {
	given := 0
	for _, s := range []string{x.Token, x.TokenFile, x.TokenText} {
		if s != "" {
			given++
		}
	}
	if given > 1 {
		return "", usageError{errors.New("the token is given more than once"), "lessor group join --help"}
	}
	from := c.in
	switch {
	case x.TokenText != "":
		return x.TokenText, nil
	case x.Token != "" && x.Token != "-":
		return x.Token, nil
	case x.TokenFile != "" && x.TokenFile != "-":
		f, err := os.Open(x.TokenFile)
		if err != nil {
			return "", fmt.Errorf("the token cannot be read: %w", err)
		}
		defer f.Close()
		from = f
	case c.interactive:
		c.note("The token, as lessor group init or invite printed it:")
	}
	b, err := bufio.NewReader(io.LimitReader(from, maxToken)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("the token cannot be read: %w", err)
	}
	if b = strings.TrimSpace(b); b == "" {
		return "", usageError{errors.New("there is no token: lessor group init or lessor group invite on the founder prints one"), "lessor group join --help"}
	}
	return b, nil
}
