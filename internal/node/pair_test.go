package node

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/peerwire"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// pair is two servers that share their addresses, and the connection between them, in octets. What is committed is durable
// at once.
type pair struct {
	t     *testing.T
	now   time.Time
	sides [2]*member
	xid   uint32
}

type member struct {
	name   binding.Member
	role   failover.Role
	first  failover.Role // when the relationship was formed
	core   *Core         // nil: it is down
	table  *binding.Table
	record failover.Record
	commit uint64
	wire   *peerwire.Translator // nil: there is no connection
	inbox  [][]byte
	out    Effects
	heard  []*dhcpv4.Message // what clients were told, since they asked last
	file   string            // the document, where it is another than pairDocument
}

const pairDocument = `
enterprise: {lease: {default: 4h}, conflict-probe: 0s, options: {domain-name: corp.example}}
servers: {west: {options: {log-servers: [10.0.0.1]}}, east: {options: {log-servers: [10.0.0.2]}}}
networks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.50-10.0.0.149}]}}}}
hosts: {printer: {hardware: 02:00:00:00:00:ff, address: 10.0.0.9}}
`

func newPair(t *testing.T) *pair {
	p := &pair{t: t, now: epoch}
	for i, name := range []binding.Member{"west", "east"} {
		p.sides[i] = &member{
			name: name, role: failover.Primary + failover.Role(i), first: failover.Primary + failover.Role(i), table: binding.NewTable(),
			record: failover.NewRecord(p.now, time.Hour, false),
		}
		p.start(p.sides[i])
	}
	return p
}

func (p *pair) other(m *member) *member {
	if m == p.sides[0] {
		return p.sides[1]
	}
	return p.sides[0]
}

// start begins a process with what is on the member's disk.
func (p *pair) start(m *member) {
	doc, problems := config.Parse("pair.yaml", []byte("server: {name: "+string(m.name)+"}\n"+cmp.Or(m.file, pairDocument)))
	if doc == nil {
		p.t.Fatal(problems)
	}
	m.core = NewCore(m.name, policy.Compile(doc), m.table, m.commit)
	m.core.Join(p.now, failover.Config{
		Self: m.name, Partner: p.other(m).nameOr(m.name), Role: m.role, Protocol: failover.Lessor, Relationship: "campus",
		Store: [16]byte{byte(m.first)}, MCLT: time.Hour, Guard: time.Minute, Longest: 24 * time.Hour, Split: 128,
		LoadBalanceSecs: 3 * time.Second, ReceiveTimer: 10 * time.Second, Startup: 5 * time.Second, MaxUnacked: 100, MaxSkew: 30 * time.Second,
		Parts: partsOf(doc),
	}, m.record, &m.out)
	address := []string{"10.0.0.1/24", "10.0.0.2/24"}[m.first-failover.Primary]
	p.handle(m, LinksChanged{Links: []Link{{Index: 1, Name: "eth0", Up: true, Addrs: []netip.Prefix{netip.MustParsePrefix(address)}}}})
}

// nameOr returns the member's name, which the first of two needs before the second is made.
func (m *member) nameOr(self binding.Member) binding.Member {
	if m != nil {
		return m.name
	}
	return map[binding.Member]binding.Member{"west": "east", "east": "west"}[self]
}

// handle lets a member decide, and carries out what it says.
func (p *pair) handle(m *member, in Input) {
	m.core.Handle(p.now, in, &m.out)
	if m.core.Untold() {
		m.core.Handle(p.now, Tick{}, &m.out)
	}
	p.carry(m)
}

func (p *pair) carry(m *member) {
	if m.out.Record != nil {
		m.record = *m.out.Record
	}
	m.commit = m.core.commit
	for i := range m.out.Replies {
		r := new(dhcpv4.Message)
		if err := r.Parse(append([]byte(nil), m.out.Octets(&m.out.Replies[i])...)); err != nil {
			p.t.Fatal(err)
		}
		m.heard = append(m.heard, r)
	}
	for i := range m.out.ToPartner {
		if m.wire == nil {
			continue
		}
		b, err := m.wire.Append(nil, p.now, &m.out.ToPartner[i].Envelope, 0)
		if err != nil {
			p.t.Fatalf("%s: %v", m.name, err)
		}
		p.send(m, m.wire.Pending(b, p.now))
	}
	closed := m.out.ClosePartner
	for _, n := range m.out.Notes {
		if n.Kind == failover.ConflictFound || n.Kind == failover.UpdateRefused {
			p.t.Errorf("%s: %+v", m.name, n)
		}
	}
	m.out.Reset()
	if closed != "" {
		p.cut(closed)
	}
}

func (p *pair) send(m *member, b []byte) {
	for len(b) > 0 {
		msg, rest, err := peerwire.Cut(b, peerwire.Lessor.MaxSize())
		if err != nil || msg == nil {
			p.t.Fatalf("%s wrote what is no message: %v", m.name, err)
		}
		o := p.other(m)
		o.inbox, b = append(o.inbox, msg), rest
	}
}

// link connects the two, and has them say what they have to say.
func (p *pair) link() {
	p.connect()
	p.talk()
}

func (p *pair) connect() {
	for _, m := range p.sides {
		m.inbox = nil
		m.wire = peerwire.NewTranslator(peerwire.Setup{Dialect: peerwire.Lessor, Role: m.role, Self: m.name, Partner: p.other(m).name, Software: "lessor"})
	}
	for _, m := range p.sides {
		p.handle(m, &Partner{failover.LinkUp{}})
	}
}

func (p *pair) cut(why string) {
	for _, m := range p.sides {
		if m.wire != nil {
			m.wire, m.inbox = nil, nil
			if m.core != nil {
				p.handle(m, &Partner{failover.LinkDown{Reason: why}})
			}
		}
	}
}

// talk delivers what is on its way until nothing is.
func (p *pair) talk() { p.talkUntil(func() bool { return false }) }

// talkUntil is talk, but for what is said after stop says so.
func (p *pair) talkUntil(stop func() bool) {
	for range 100000 {
		quiet := true
		for _, m := range p.sides {
			if m.core == nil || m.wire == nil || len(m.inbox) == 0 {
				continue
			}
			quiet = false
			msg := m.inbox[0]
			m.inbox = m.inbox[1:]
			var in failover.Received
			if err := m.wire.Parse(msg, m.table, &in); err != nil {
				p.t.Fatalf("%s cannot read what it is told: %v", m.name, err)
			}
			p.send(m, m.wire.Pending(nil, p.now))
			if p.handle(m, &Partner{in}); stop() {
				return
			}
		}
		if quiet {
			return
		}
	}
	p.t.Fatal("the two never stop talking")
}

// pass lets time pass, at whose end nothing is on its way.
func (p *pair) pass(d time.Duration) {
	for end := p.now.Add(d); p.now.Before(end); {
		next := end
		for _, m := range p.sides {
			if m.core == nil {
				continue
			}
			if at, ok := m.core.Wake(); ok && at.Before(next) {
				next = at
			}
		}
		if next.Before(p.now.Add(time.Second)) {
			next = p.now.Add(time.Second)
		}
		p.now = next
		for _, m := range p.sides {
			if m.core != nil {
				p.handle(m, Tick{})
			}
		}
		p.talk()
	}
}

func (p *pair) states() string {
	var s []string
	for _, m := range p.sides {
		if m.core == nil {
			s = append(s, "down")
		} else {
			s = append(s, m.core.relation.endpoint.State().String())
		}
	}
	return strings.Join(s, " ")
}

// ask sends a client's broadcast to every server that is up, and returns what they answer.
func (p *pair) ask(client byte, typ dhcpv4.MessageType, ci netip.Addr, options map[uint8][]byte) (answers []*dhcpv4.Message) {
	p.xid++
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: p.xid, CHAddr: [16]byte{2, 0, 0, 0, 0, client}, CIAddr: ci}
	var b dhcpv4.Builder
	b.Begin(nil, &h, 1400)
	b.Add(option.CodeMessageType, []byte{byte(typ)})
	for code, v := range options {
		b.Add(code, v)
	}
	packet, _ := b.Finish(nil)
	from := netip.MustParseAddrPort("0.0.0.0:68")
	if ci.IsValid() {
		from = netip.AddrPortFrom(ci, 68)
	}
	for _, m := range p.sides {
		if m.core == nil {
			continue
		}
		var msg dhcpv4.Message
		if err := msg.Parse(append([]byte(nil), packet...)); err != nil {
			p.t.Fatal(err)
		}
		m.heard = nil
		p.handle(m, &Packet{Msg: &msg, From: from, To: netip.MustParseAddr("255.255.255.255"), Interface: 1})
		answers = append(answers, m.heard...)
	}
	p.talk()
	return answers
}

// take gets a client an address: DISCOVER, and a REQUEST of the first offer.
func (p *pair) take(client byte) (*dhcpv4.Message, bool) {
	offers := p.ask(client, dhcpv4.Discover, netip.Addr{}, nil)
	if len(offers) == 0 {
		return nil, false
	}
	sid, _ := offers[0].Option(option.CodeServerIdentifier)
	a := offers[0].YIAddr.As4()
	acks := p.ask(client, dhcpv4.Request, netip.Addr{}, map[uint8][]byte{option.CodeServerIdentifier: append([]byte(nil), sid...), option.CodeRequestedAddress: a[:]})
	if len(acks) != 1 || acks[0].Type() != dhcpv4.Ack {
		p.t.Fatalf("client %d: %d answers to a REQUEST", client, len(acks))
	}
	return acks[0], true
}

func lifetimeOf(m *dhcpv4.Message) time.Duration {
	v, _ := m.Option(option.CodeLeaseTime)
	return time.Duration(uint32(v[0])<<24|uint32(v[1])<<16|uint32(v[2])<<8|uint32(v[3])) * time.Second
}

// same checks that both know the same leases, with the same results.
func (p *pair) same() {
	p.t.Helper()
	list := func(m *member) string {
		var rows []string
		for a := netip.MustParseAddr("10.0.0.1"); a != netip.MustParseAddr("10.0.0.255"); a = a.Next() {
			if b, ok := m.table.Get(host(a)); ok && b.State == binding.Active {
				rows = append(rows, fmt.Sprintf("%v %v %v home %s result %v", a, b.Client.Hardware, b.Expires.Sub(epoch), b.Home, b.Result.Digest()))
			}
		}
		return strings.Join(rows, "\n")
	}
	if west, east := list(p.sides[0]), list(p.sides[1]); west != east || west == "" {
		p.t.Errorf("west knows\n%s\neast knows\n%s", west, east)
	}
}

// Two servers meet, share their clients, one dies and comes back: no client loses its address, and none is held by two.
func TestTwoServersActAsOne(t *testing.T) {
	p := newPair(t)
	if offers := p.ask(1, dhcpv4.Discover, netip.Addr{}, nil); len(offers) > 0 {
		t.Fatal("a server that may have forgotten promises answers a new client")
	}
	p.link()
	p.pass(30 * time.Second)
	if got := p.states(); got != "NORMAL NORMAL" {
		t.Fatal(got)
	}

	// Each client is one server's, and gets no more than the MCLT at first.
	holder := map[netip.Addr]byte{}
	has := map[byte]netip.Addr{}
	by := map[string]int{}
	hold := func(client byte, a netip.Addr) {
		t.Helper()
		if other, taken := holder[a]; taken && other != client {
			t.Fatalf("%v is given to client %d, and client %d has it", a, client, other)
		}
		holder[a], has[client] = client, a
	}
	for c := byte(1); c <= 40; c++ {
		ack, ok := p.take(c)
		if !ok {
			t.Fatalf("client %d hears nothing", c)
		}
		if got := lifetimeOf(ack); got != time.Hour {
			t.Errorf("client %d is promised %v at first", c, got)
		}
		sid, _ := ack.Option(option.CodeServerIdentifier)
		by[string(sid)]++
		hold(c, ack.YIAddr)
	}
	if len(by) != 2 || by["\x0a\x00\x00\x01"] < 10 || by["\x0a\x00\x00\x02"] < 10 {
		t.Errorf("the clients are shared out as %v", by)
	}
	p.pass(10 * time.Second)
	p.same()

	// A renewal, at whichever server, is for all that was wanted.
	p.pass(20 * time.Minute)
	for c := byte(1); c <= 40; c++ {
		for _, ack := range p.ask(c, dhcpv4.Request, has[c], nil) {
			if ack.Type() != dhcpv4.Ack || ack.YIAddr != has[c] || lifetimeOf(ack) != 4*time.Hour {
				t.Fatalf("client %d renews: %s", c, ack.String())
			}
		}
	}
	p.pass(10 * time.Second)
	p.same()

	// West dies. East answers everybody, and gives new clients addresses of its own share.
	west := p.sides[0]
	west.core = nil
	p.cut("the other process ended")
	p.pass(time.Minute)
	if got := p.states(); got != "down COMMUNICATIONS-INTERRUPTED" {
		t.Fatal(got)
	}
	for c := byte(1); c <= 40; c++ {
		acks := p.ask(c, dhcpv4.Request, has[c], nil)
		if len(acks) != 1 || acks[0].Type() != dhcpv4.Ack || acks[0].YIAddr != has[c] {
			t.Fatalf("client %d does not keep %v", c, has[c])
		}
	}
	for c := byte(41); c <= 60; c++ {
		ack, ok := p.take(c)
		if !ok {
			t.Fatalf("new client %d hears nothing", c)
		}
		if lifetimeOf(ack) != time.Hour {
			t.Errorf("new client %d is promised %v while the other server cannot be heard", c, lifetimeOf(ack))
		}
		hold(c, ack.YIAddr)
	}

	// It comes back, and both know all again.
	p.start(west)
	p.link()
	p.pass(30 * time.Second)
	if got := p.states(); got != "NORMAL NORMAL" {
		t.Fatal(got)
	}
	p.same()
	for c := byte(61); c <= 80; c++ {
		if ack, ok := p.take(c); ok {
			hold(c, ack.YIAddr)
		} else {
			t.Errorf("client %d hears nothing after all", c)
		}
	}
	// A reservation may be given by either.
	if ack, ok := p.take(0xff); !ok || ack.YIAddr != netip.MustParseAddr("10.0.0.9") {
		t.Error("the printer has not its address")
	}
	p.pass(10 * time.Second)
	p.same()
}

// The partner is gone for good, and the operator says so: once nobody can hold them any more, its addresses are given, too.
func TestTheShareOfAPartnerThatIsDown(t *testing.T) {
	p := newPair(t)
	p.link()
	p.pass(30 * time.Second)
	holder := map[netip.Addr]byte{}
	for c := byte(1); c <= 20; c++ {
		ack, ok := p.take(c)
		if !ok {
			t.Fatalf("client %d hears nothing", c)
		}
		holder[ack.YIAddr] = c
	}
	p.pass(10 * time.Second)
	p.sides[0].core = nil
	p.cut("the other machine is gone")
	p.pass(10 * time.Second)
	served := func(from, to byte) (n int) {
		for c := from; c <= to; c++ {
			ack, ok := p.take(c)
			if !ok {
				continue
			}
			if other, taken := holder[ack.YIAddr]; taken && other != c {
				t.Fatalf("%v is given to client %d, and client %d has it", ack.YIAddr, c, other)
			}
			holder[ack.YIAddr] = c
			n++
		}
		return n
	}
	own := served(21, 120)
	if own < 20 || own > 60 {
		t.Fatalf("%d new clients got an address of the own share", own)
	}
	east := p.sides[1]
	p.handle(east, &Partner{failover.DeclareDown{}})
	if got := p.states(); got != "down PARTNER-DOWN" {
		t.Fatal(got)
	}
	if n := served(121, 125); n > 0 {
		t.Fatalf("%d clients got addresses that the other server may have promised just now", n)
	}
	// Everybody renews until then, so that nothing else becomes free.
	for range 4 {
		p.pass(20 * time.Minute)
		for a, c := range holder {
			p.ask(c, dhcpv4.Request, a, nil)
		}
	}
	if n := served(126, 140); n != 15 {
		t.Errorf("%d of 15 clients got an address of the other server's share", n)
	}
}
