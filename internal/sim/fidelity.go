package sim

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Fidelity (I8): what a client with a known binding is told. It is found here without policy: from the document, and from what the
// answering server knew of the client when it answered.

// saidOptions are the options that documents of the simulation set.
var saidOptions = [...]byte{3, 4, 6, 15, 42, 43, 66}

// knownLease is what a server knew of a client's address when it was asked.
type knownLease struct {
	home     binding.Member
	version  binding.Digest
	told     map[byte][]byte // nil: it is not known what the client was told
	lifetime time.Duration
	asked    []byte // what the client asked for then; nil: everything
	held     bool   // the client may go on with it
}

// fidelity is what is kept for one question.
type fidelity struct {
	known map[netip.Addr]*knownLease
	heard dhcpv4.Message
}

// before notes what a server knows of a client whose question has come.
func (f *fidelity) before(m *Member, d *datagram) {
	f.known = map[netip.Addr]*knownLease{}
	e := m.core.Endpoint()
	if e == nil {
		return
	}
	t := m.core.Table()
	cur := t.ByClient(&d.client.self)
	for b, ok := t.Next(&cur); ok; b, ok = t.Next(&cur) {
		l := &knownLease{home: b.Home, version: b.Version, held: e.Known(&b), asked: slices.Clone(policy.RequestList(&b.Facts))}
		if b.Result != nil {
			h, options, _ := binding.CutResult(b.Result.Bytes)
			l.lifetime, l.told = h.Lifetime, map[byte][]byte{}
			for code, v, rest, ok := binding.CutTLV(options); ok; code, v, rest, ok = binding.CutTLV(rest) {
				l.told[byte(code)] = bytes.Clone(v)
			}
		}
		f.known[b.Addr()] = l
	}
}

// answered looks at the answer to a question.
func (f *fidelity) answered(m *Member, d *datagram, octets []byte) {
	r := &f.heard
	if r.Parse(octets) != nil || r.Type() != dhcpv4.Ack && r.Type() != dhcpv4.Offer {
		return
	}
	a := r.YIAddr
	if d.asked.kind == askInform {
		a = d.client.lease.addr
	}
	if !a.IsValid() || a.IsUnspecified() {
		return
	}
	h := &m.keep.heads
	doc := m.w.chain.documents[h.head]
	if doc == nil {
		m.w.fail("I8: %s answers client %d and serves by nothing", m.name, d.client.id)
		return
	}
	if d.asked.kind == askSelecting && m.w.now < h.since+62*time.Second {
		return // as it was offered, maybe by the version before
	}
	q := answer{w: m.w, m: m, c: d.client, doc: doc, reply: r, asks: d.list, prior: f.known[a], addr: a}
	if q.prior != nil && !q.prior.held {
		q.prior = nil
	}
	q.look()
	if r.Type() == dhcpv4.Ack && d.asked.kind != askInform && m.w.failed == "" {
		q.granted()
	}
}

// answer is one that is looked at.
type answer struct {
	w     *World
	m     *Member
	c     *Client
	doc   *config.Document
	reply *dhcpv4.Message
	asks  []byte
	addr  netip.Addr
	prior *knownLease // nil: the client is not known to have the address

	home, own map[byte]config.Setting
	again     bool // it is to be told what it was told
}

// look sees that each option is as it should be.
func (q *answer) look() {
	home := q.m.name
	if q.prior != nil {
		home = q.prior.home
		q.again = !q.w.chain.follows(q.m.keep.heads.head, q.prior.version) && !slices.Contains(q.m.keep.heads.gone, q.prior.version) && q.prior.told != nil
	}
	q.home, q.own = settingsOf(q.doc, home, q.c, q.addr), settingsOf(q.doc, q.m.name, q.c, q.addr)
	switch {
	case q.prior == nil:
	case q.again:
		q.w.marks.hit(MarkToldAgain)
	case home != q.m.name:
		q.w.marks.hit(MarkToldHomes)
	}
	for _, code := range saidOptions {
		want, forced := q.expected(code)
		if !forced && !bytes.Contains(q.asks, []byte{code}) {
			want = nil
		}
		got, has := q.reply.Option(uint16(code))
		if has != (want != nil) || !bytes.Equal(got, want) {
			q.w.fail("I8: %s, which serves by %s, tells client %d, at home with %s, option %d %x of %v: %x is right (%s)", q.m.name,
				q.w.chain.name(q.m.keep.heads.head), q.c.id, home, code, got, q.addr, want, q.about(code))
			return
		}
	}
}

func (q *answer) about(code byte) string {
	if q.prior == nil {
		return "it is new"
	}
	s := "it was told by " + q.w.chain.name(version.ID(q.prior.version))
	if q.again {
		s += ", from which this does not come"
	}
	return s
}

// local reports whether a setting is one member's own.
func (q *answer) local(s config.Setting) bool {
	return s.OnTakeover == config.TakeoverLocal || s.OnTakeover == 0 && q.doc.Group.OnTakeover == config.TakeoverLocal
}

// expected returns what the client is to be told in an option, nil for nothing, and whether it is whether it asks or not.
func (q *answer) expected(code byte) (v []byte, forced bool) {
	h, hasHome := q.home[code]
	o, hasOwn := q.own[code]
	own := func() ([]byte, bool) {
		if !hasOwn {
			return nil, false
		}
		return o.Value, o.Form == config.Force
	}
	if hasHome && q.local(h) || hasOwn && q.local(o) && (q.again || !hasHome) {
		return own()
	}
	if q.again {
		if !hasHome && !hasOwn && q.doc.Group.OnTakeover == config.TakeoverLocal {
			return nil, false
		}
		if was, told := q.prior.told[code]; told {
			return was, hasHome && h.Form == config.Force || q.prior.asked != nil && !bytes.Contains(q.prior.asked, []byte{code}) || q.wasForced(code, was)
		}
		if q.prior.asked == nil || bytes.Contains(q.prior.asked, []byte{code}) {
			return nil, false
		}
		if hasHome && bytes.Contains(q.asks, []byte{code}) {
			q.w.marks.hit(MarkAskedMore)
		}
	}
	if !hasHome {
		return nil, false
	}
	return h.Value, h.Form == config.Force
}

// wasForced reports whether the version that the client was told by, forced that on it.
func (q *answer) wasForced(code byte, told []byte) bool {
	d := q.w.chain.documents[version.ID(q.prior.version)]
	if d == nil {
		return false
	}
	for _, as := range [...]binding.Member{q.prior.home, q.m.name, q.m.other().name} {
		if s, ok := settingsOf(d, as, q.c, q.addr)[code]; ok && s.Form == config.Force && bytes.Equal(s.Value, told) {
			return true
		}
	}
	return false
}

// granted looks at what is kept of an answer that grants time: it is never older than what the server knew, and nobody gets what is
// kept for another by what both members have.
func (q *answer) granted() {
	b := q.m.bindingOf(q.addr)
	if b == nil || b.State != binding.Active {
		return // it was somebody else's at once
	}
	head := binding.Digest(q.m.keep.heads.head)
	want, home, lifetime := head, q.m.name, lifetimeOf(q.doc)
	if q.prior != nil {
		home = q.prior.home
		if q.again {
			want = q.prior.version
			if q.doc.Group.OnTakeover != config.TakeoverLocal {
				lifetime = q.prior.lifetime
			}
		}
	}
	if q.again && q.doc.Group.OnTakeover == config.TakeoverLocal { // where all is local, nobody's home counts
		if b.Version == head {
			want = head
		}
	}
	h, _, _ := binding.CutResult(b.Result.Bytes)
	switch {
	case b.Version != want:
		q.w.fail("I8: %s tells client %d of %v by %s: %s is right (%s)", q.m.name, q.c.id, q.addr, q.w.chain.name(version.ID(b.Version)), q.w.chain.name(version.ID(want)), q.about(0))
	case b.Home != home:
		q.w.fail("I8: %s makes %s the home of client %d with %v, which was %s", q.m.name, b.Home, q.c.id, q.addr, home)
	case h.Lifetime != lifetime:
		q.w.fail("I8: %s wants client %d to have %v for %v: %v is right (%s)", q.m.name, q.c.id, q.addr, h.Lifetime, lifetime, q.about(0))
	}
	if now := version.ID(b.Version); now != q.c.version && q.w.chain.history.Descends(q.c.version, now) {
		q.w.marks.hit(MarkToldOlder) // nobody could know: what the server knew of the client was looked at above
	}
	q.c.version = version.ID(b.Version)
	q.kept()
}

// kept sees that an address goes to whom it is kept for by what both members have.
func (q *answer) kept() {
	h := &q.m.keep.heads
	agreed := q.doc
	if d := q.w.chain.documents[h.agreed]; d != nil && h.agreed != h.head {
		agreed = d
	}
	for _, d := range [...]*config.Document{agreed, q.doc} {
		whose := keptFor(d, q.addr)
		if whose.IsZero() || whose == q.c.self.Hardware || d != agreed && (q.prior != nil || keptFor(agreed, q.addr) == q.c.self.Hardware) {
			continue
		}
		q.w.fail("I8: %s gives client %d %v, which is kept for %v by %s", q.m.name, q.c.id, q.addr, whose, map[bool]string{true: "what both have", false: "its head"}[d == agreed])
	}
	if !keptFor(q.doc, q.addr).IsZero() && keptFor(agreed, q.addr).IsZero() {
		q.w.marks.hit(MarkReservationWaits)
	}
}

// settingsOf returns what a document sets for a client at a member, the strongest layer of each option.
func settingsOf(d *config.Document, as binding.Member, c *Client, a netip.Addr) map[byte]config.Setting {
	all := map[byte]config.Setting{}
	lay := func(s *config.Scope) {
		for _, x := range s.Options {
			all[byte(x.Def.Code)] = x
		}
	}
	lay(&d.Enterprise)
	for i := range d.Servers {
		if d.Servers[i].Name == string(as) {
			lay(&d.Servers[i].Scope)
		}
	}
	for i := range d.Networks {
		if n := &d.Networks[i]; (n.Name == "far") == isFar(a) {
			lay(&n.Scope)
			for j := range n.Subnets {
				lay(&n.Subnets[j].Scope)
			}
		}
	}
	for i := range d.Hosts {
		if d.Hosts[i].Hardware == c.self.Hardware {
			lay(&d.Hosts[i].Scope)
		}
	}
	return all
}

// lifetimeOf returns for how long a document wants its clients to have their addresses.
func lifetimeOf(d *config.Document) time.Duration { return d.Enterprise.Lease.Default }

// list returns what a client asks for. Who boots anew may ask for more than before, or less.
func (c *Client) list() []byte {
	l := requested[c.identity%len(requested)]
	if !c.w.set.Versions {
		return l
	}
	l = slices.Clone(l)
	for i, code := range []byte{42, 43, 66, 4} {
		if (c.identity+c.boots/2)>>i&1 == 0 {
			l = append(l, code)
		}
	}
	return l
}

// isFar reports whether an address is on the link behind the relay.
func isFar(a netip.Addr) bool {
	i, ok := place(a)
	return ok && i >= 256
}
