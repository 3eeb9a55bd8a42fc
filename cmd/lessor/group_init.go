package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

type groupInitCommand struct {
	whichMember `embed:""`
	KeysOnly    bool `name:"keys-only" help:"Make the keys anew and leave the leases and the relationship as they are; on any member, also beside its server."`
}

func (groupInitCommand) Help() string {
	return `Run it once, on the group's primary (the first of group: members, unless failover: primary names another), while its server is stopped. It makes the group's authority and this member's keys (keys/ in the data directory), the founding record, and a token for each other Lessor, with which that machine gets its keys (lessor group join).

The founding record lets this server serve its own share before it has met another, since nobody can have promised an address yet. So do not run this on a machine that takes the place of one that has served: it must first hear from the other what was promised. Such a machine joins, or, where the authority is lost, gets --keys-only.

After a crash, run it again. With an ISC dhcpd as the only other member there are no keys to make.

Examples:

  lessor group init --config /etc/lessor/lessor.yaml
  lessor group init --config /etc/lessor/lessor.yaml --json | jq -r .tokens[].token
  lessor group init --config /etc/lessor/lessor.yaml --keys-only`
}

// founding is what group init did.
type founding struct {
	Group  string         `json:"group"`
	Member binding.Member `json:"member"`
	// Founded says that the founding record is in the store now; Already, that it was before, or another record.
	Founded bool         `json:"founded"`
	Already bool         `json:"already,omitempty"`
	Keys    *keyReport   `json:"keys"` // null: none are needed, or they are the operator's own
	Tokens  []invitation `json:"tokens"`

	own bool // the keys are the operator's
	m   *member
}

// Run founds the group.
func (x groupInitCommand) Run(ctx context.Context, c *console) error {
	m, err := x.member(c)
	if err != nil {
		return err
	}
	if err := x.mayFound(m); err != nil {
		return err
	}
	if err := m.asOwner(c); err != nil {
		return err
	}
	f := founding{Group: m.doc.Group.Name, Member: m.self.Name, Tokens: []invitation{}, own: m.ownAuthority(), m: m}
	if x.KeysOnly {
		err = f.makeKeys(c.now())
	} else {
		err = f.found(ctx, c.now())
	}
	if err != nil {
		return err
	}
	if x.JSON {
		return c.json(&f)
	}
	return c.buffered(func(w *bufio.Writer) error { f.write(c, w); return nil })
}

// mayFound refuses where there is nothing to found.
func (x groupInitCommand) mayFound(m *member) error {
	g := &m.doc.Group
	switch {
	case x.KeysOnly && m.ownAuthority():
		return errors.New("the keys are those that server: tls names: there are none to make")
	case x.KeysOnly && len(m.lessors()) == 0:
		return errors.New("the other member is an ISC dhcpd, which knows no keys: there are none to make")
	case !x.KeysOnly && g.Primary != m.self.Name:
		return fmt.Errorf("the primary of group %s is %s, and this is %s: run this on %s; or, if %s is to be the primary, write failover: {primary: %s} under group in the files of both",
			g.Name, g.Primary, m.self.Name, g.Primary, m.self.Name, m.self.Name)
	}
	return nil
}

// found makes the keys and then the founding record, so that whoever finds the record finds all of it; tokens last.
func (f *founding) found(ctx context.Context, now time.Time) error {
	st, rec, err := f.m.openStopped()
	if err != nil {
		return err
	}
	defer st.Close()
	switch {
	case rec == nil:
		err = f.m.nobodyServes(ctx)
	case rec.Founder && !rec.Met: // by this command, which may have been interrupted: the other has not been met since
		f.Founded, f.Already = true, true
	case f.own || len(f.m.lessors()) == 0 || f.m.dir.Founded() || f.m.dir.Present():
		err = f.m.alreadyRelated(rec)
	default: // the keys were moved away, to be made anew
		f.Already = true
	}
	if err == nil {
		err = f.makeKeys(now)
	}
	if err != nil || rec != nil {
		return err
	}
	if err := node.FoundConfiguration(st, f.m.self.Name, f.m.doc); err != nil {
		return err
	}
	r := failover.NewRecord(now, f.m.doc.Group.Failover.MCLT, true)
	if err := st.SetRelationship(r.Append(nil)); err != nil {
		return err
	}
	f.Founded = true
	return st.Close()
}

// openStopped opens the store of a server that is stopped, and returns the relationship's record, nil if there is none.
func (m *member) openStopped() (*store.Store, *failover.Record, error) {
	st, err := store.Open(store.Config{Dir: m.doc.Server.Data, Member: m.self.Name})
	if busy, ok := errors.AsType[*disk.InUse](err); ok {
		return nil, nil, fmt.Errorf("the server runs (process %d), and its group is founded while it is stopped: stop it (systemctl stop lessor), and run this again. "+
			"Beside a running server, lessor group invite makes a new token, and lessor group renew a new certificate", busy.PID)
	}
	if err != nil {
		return nil, nil, err
	}
	rec, err := relationshipOf(st)
	if err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return st, rec, nil
}

// relationshipOf reads the store as far as the relationship's record.
func relationshipOf(st *store.Store) (*failover.Record, error) {
	if _, err := st.Load(binding.NewTable(), func(*binding.Binding) time.Time { return time.Time{} }); err != nil {
		return nil, err
	}
	b, ok := st.Relationship()
	if !ok {
		return nil, nil
	}
	rec, err := failover.DecodeRecord(b)
	if err != nil {
		return nil, fmt.Errorf("%w: was it written by a later release? The data directory is left as it is", err)
	}
	return &rec, nil
}

func (m *member) alreadyRelated(rec *failover.Record) error {
	return fmt.Errorf("group %s was founded before, and this server has its part in it: it is in %v since %s (%s). There is nothing to found; "+
		"lessor group invite makes a new token, lessor group renew a new certificate, lessor group show tells what is there",
		m.doc.Group.Name, rec.State, absolute(node.At(rec.Since)), rec.Cause)
}

// knock is how long another member's server is waited for.
const knock = time.Second

// nobodyServes refuses to found a group whose other member serves already: it may have promised what this one does not
// know. An ISC server is not knocked at; docs/isc-partner.md says when to found a group with one.
func (m *member) nobodyServes(ctx context.Context) error {
	for _, e := range m.lessors() {
		d := net.Dialer{Timeout: knock}
		conn, err := d.DialContext(ctx, "tcp", e.Peer.String())
		if err != nil {
			continue
		}
		conn.Close()
		return fmt.Errorf("a server answers at %v, where member %s is: if that serves the group, this server has to hear from it first what was promised, and must not be its founder. "+
			"Get this one keys by lessor group join (on %s: lessor group invite %s), or make them anew by lessor group init --keys-only; then start it. If it is no such server, stop it first",
			e.Peer, e.Name, e.Name, m.self.Name)
	}
	return nil
}

// makeKeys makes what keys are needed, and a token for each member that needs one.
func (f *founding) makeKeys(now time.Time) error {
	m := f.m
	if f.own || len(m.lessors()) == 0 {
		return nil
	}
	if err := disk.Dir(m.doc.Server.Data).Make(); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if _, err := m.dir.Init(f.Group, m.self.Name, now); err != nil {
		return err
	}
	report, err := m.keyReport(now)
	if err != nil {
		return err
	}
	f.Keys = report
	for _, e := range m.lessors() {
		i, err := m.invite(e, now)
		if err != nil {
			return err
		}
		f.Tokens = append(f.Tokens, i)
	}
	return nil
}

// invitation is a token as it is printed.
type invitation struct {
	Member  binding.Member `json:"member"`
	Token   string         `json:"token"` // a secret
	Expires node.Instant   `json:"expires"`
}

// invite makes a token for another member.
func (m *member) invite(e *config.Member, now time.Time) (invitation, error) {
	t, err := m.dir.Invite(e.Name, m.self.Peer, now)
	if err != nil {
		return invitation{}, err
	}
	return invitation{e.Name, t.Text(), node.At(now.Add(keys.TokenLife))}, nil
}

// write tells a person what was done and what is next.
func (f *founding) write(c *console, w *bufio.Writer) {
	group, self := printable(f.Group), printable(string(f.Member))
	switch {
	case f.Founded && f.Already:
		fmt.Fprintf(w, "Group %s was founded here before. What is there is kept.\n", c.paint(bold, group))
	case f.Founded:
		fmt.Fprintf(w, "Group %s is founded. %s may serve its own share of the addresses at once.\n", c.paint(bold, group), self)
	default:
		fmt.Fprintf(w, "Group %s has keys. Leases, and how the servers stand to each other, are as they were.\n", c.paint(bold, group))
	}
	switch {
	case f.Keys != nil:
		f.Keys.write(c, w)
	case f.own:
		fmt.Fprintln(w, "  No keys were made: those that server: tls names are used.")
	default:
		fmt.Fprintln(w, "  No keys were made: an ISC dhcpd knows none, and only its address tells who it is (docs/isc-partner.md).")
	}
	if f.Keys != nil {
		fmt.Fprintf(w, "\nKeep a copy of %s/authority.key offline: whoever has it can be any member.\n", printable(f.m.whole(string(f.m.dir))))
	}
	fmt.Fprintf(w, "\nNext, start this server: lessor serve --config %s\n", printable(f.m.doc.File))
	for _, i := range f.Tokens {
		i.write(c, w, f.m)
	}
}

// write says how a token is used.
func (i *invitation) write(c *console, w *bufio.Writer, m *member) {
	fmt.Fprintf(w, "\nThen, on %s, before %s, run\n\n  lessor group join --config FILE\n\nand give it this token. It is a secret, good once, and only from %s's address:\n\n  %s\n",
		c.paint(bold, printable(string(i.Member))), when(i.Expires, c.now()), printable(string(i.Member)), i.Token)
	if !m.self.Peer.IsValid() {
		c.note("lessor: member %s has no peer, so %s cannot find it", m.self.Name, i.Member)
	}
}
