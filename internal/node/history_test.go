package node

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

var (
	seeds     = flag.Int("seeds", seedsWanted(), "how many histories are played; LESSOR_SEEDS says it too")
	firstSeed = flag.Uint64("seed", 1, "the first history's seed")
)

func seedsWanted() int {
	if n, err := strconv.Atoi(os.Getenv("LESSOR_SEEDS")); err == nil && n > 0 {
		return n
	}
	return 300
}

// TestRandomHistories plays histories of clients, a network that loses, doubles and delays, crashes that keep or tear what
// was not synced, and reloads, in virtual time, and checks after every step that no address is held by two clients by
// their own count, that nothing a client was told is forgotten, and that the pools' counts are what a recount gives.
func TestRandomHistories(t *testing.T) {
	done := sometimes{}
	for i := range *seeds {
		h := newHistory(t, *firstSeed+uint64(i), done)
		h.play(400)
		if t.Failed() {
			t.Fatalf("seed %d; again with -run RandomHistories -seed %d -seeds 1", h.seed, h.seed)
		}
	}
	if *seeds >= 100 {
		for _, what := range rare {
			if done[what] == 0 {
				t.Errorf("in %d histories it never came to: %s", *seeds, what)
			}
		}
	}
	t.Log(*seeds, "histories:", done)
}

// rare is what must happen sometimes, or the histories test less than they seem to.
var rare = []string{"ack", "nak", "renewed", "released", "declined", "crash", "crash lost something", "snapshot", "reload",
	"exhausted", "expired", "guard passed", "reassigned", "duplicate delivered", "probe answered", "rapid commit", "init-reboot acked",
	"reproduced", "granted as offered by the version before", "class phones", "class relayed", "class kiosk", "class friends", "stale"}

type sometimes map[string]int

var historyDocuments = []string{`
enterprise: {options: {domain-name: corp.example, ntp-servers: [10.0.0.123], domain-name-servers: [10.0.0.53]}}
servers: {west: {options: {log-servers: [10.0.0.5]}}}
classes:
  phones: {kind: vendor, match: 'vendor_class.startsWith("Phone")', next-server: 10.0.0.3, options: {tftp-server-name: a.example, ntp-servers: {append: [10.0.0.124]}}}
  relayed: {kind: user, match: 'relayed && circuit_id.matches("^port[0-9]$")', options: {root-path: {force: /circuit}}}
  kiosk: {kind: user, match: {user-class: kiosk}, lease: {default: 15m}, options: {domain-name-servers: {unset: true}}}
domains: {lab.example: {options: {domain-name: lab.example}}}
networks:
  lan:
    lease: {default: 30m}
    subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.17}]}, 10.0.1.0/24: {pools: [{range: 10.0.1.10-10.0.1.15, deny: [unknown]}]}}
  far: {lease: {default: 10m}, subnets: {10.9.0.0/24: {pools: [{range: 10.9.0.10-10.9.0.14}]}}}
hosts:
  one: {hardware: 02:00:00:00:00:01, address: 10.0.0.12}
  two: {hardware: 02:00:00:00:00:02}
`, `
precedence: kea
accept: {host-name: true, lease-time: {max: 2h}}
classes:
  phones: {kind: hardware, match: 'option[60] == "Phone 1" || hardware.endsWith("3")', options: {tftp-server-name: b.example}}
  friends: {kind: user, match: 'known', lease: {max: 40m}, options: {root-path: /known}}
enterprise: {options: {time-servers: [10.0.0.9], tftp-server-name: c.example}}
networks:
  lan:
    lease: {default: 20m}
    conflict-probe: 0s
    subnets: {10.0.0.0/24: {authoritative: true, pools: [{range: 10.0.0.10-10.0.0.14}]}, 10.0.1.0/24: {pools: [{range: 10.0.1.10-10.0.1.15}]}}
  far: {lease: {default: 10m}, subnets: {10.9.0.0/24: {pools: [{range: 10.9.0.10-10.9.0.14}]}}}
hosts:
  three: {hardware: 02:00:00:00:00:03, address: 10.0.0.11}
  four: {hardware: 02:00:00:00:00:04, address: 10.0.0.200}
`}

// history is one server, its clients, and what lies between them.
type history struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	done  sometimes
	now   time.Time
	fs    *memfs.FS
	store *store.Store
	core  *Core
	doc   int
	// policies are those that were adopted, by version.
	policies map[binding.Digest]*policy.Policy

	batch   *store.Batch
	out     Effects
	encoded int
	snap    *store.Snapshot
	wire    []delivery // on their way
	clients []*actor
	xid     uint32
	checks  int
}

// delivery is a message that arrives at a time.
type delivery struct {
	at     time.Time
	octets []byte
	client int // to whom; -1: to the server
}

// actor is a client: what it believes.
type actor struct {
	n        uint32
	far      bool // behind the relay
	addr     netip.Addr
	until    time.Time
	offer    netip.Addr
	xid      uint32
	asked    time.Time
	kind     string
	wasGiven netip.Addr // remembered over reboots
	// quiet is until when it says nothing: a RELEASE or DECLINE that arrives behind a later question of the same client
	// takes away what that one got, by the protocol's own fault (RFC 2131 has nothing that tells their order).
	quiet time.Time
}

func newHistory(t *testing.T, seed uint64, done sometimes) *history {
	h := &history{
		t: t, seed: seed, policies: map[binding.Digest]*policy.Policy{},
		rng: rand.New(rand.NewPCG(seed, 99)), done: done, now: epoch, fs: memfs.New(0),
	}
	for n := range 22 {
		h.clients = append(h.clients, &actor{n: uint32(n), far: n%4 == 3})
	}
	h.start()
	return h
}

func (h *history) policy() *policy.Policy {
	doc, problems := config.Parse("history.yaml", []byte("server: {name: west}\n"+historyDocuments[h.doc]))
	if doc == nil {
		h.t.Fatal(problems)
	}
	p := policy.Compile(doc)
	h.policies[p.Version] = p
	return p
}

// start opens the store and makes a core of what it has.
func (h *history) start() {
	s, err := store.Open(store.Config{FS: h.fs, Member: "west", NewID: store.ID{1}, SegmentSize: 16 << 10, SnapshotAfter: 32 << 10})
	if err != nil {
		h.t.Fatalf("seed %d: refused to start: %v", h.seed, err)
	}
	p, table := h.policy(), binding.NewTable()
	guard := binding.Guard(p.LongestLifetime())
	rec, err := s.Load(table, func(b *binding.Binding) time.Time { return b.Due(guard) })
	if err != nil || len(rec.Damaged) > 0 {
		h.t.Fatalf("seed %d: load: %v, damaged %v", h.seed, err, rec.Damaged)
	}
	h.store, h.snap = s, nil
	for h.store.Work() {
	}
	h.core = NewCore("west", p, table, rec.Commit)
	h.out.Reset()
	h.batch, h.encoded = s.Begin(), 0
	h.handle(LinksChanged{Links: []Link{{Index: 1, Name: "eth0", Up: true,
		Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("10.0.1.1/24")}}}})
	h.remembered()
}

// remembered checks, after a start, that the server knows of every lease that a client believes to have.
func (h *history) remembered() {
	for _, c := range h.clients {
		if !c.addr.IsValid() || !c.until.After(h.now) {
			continue
		}
		b, ok := h.core.table.Get(host(c.addr))
		if !ok || b.State != binding.Active || !h.is(&b, c) || b.Expires.Before(c.until) {
			h.t.Errorf("seed %d at %v: client %d holds %v until %v; the server knows %v %v until %v", h.seed, h.now.Sub(epoch), c.n, c.addr, c.until, b.State, b.Client, b.Expires)
		}
	}
}

func (h *history) is(b *binding.Binding, c *actor) bool {
	return binary.BigEndian.Uint32(b.Client.Hardware.Addr[2:]) == c.n
}

func (h *history) handle(in Input) {
	h.core.Handle(h.now, in, &h.out)
	for ; h.encoded < len(h.out.Changes); h.encoded++ {
		ch := &h.out.Changes[h.encoded]
		h.batch.Put(ch.Commit, &ch.Binding)
		h.note(&ch.Binding)
		h.reproduced(&ch.Binding)
	}
}

// reproduced checks that what a client is told can be computed again from what is stored: its facts, as its home, by the
// version that it was told by (DESIGN §1).
func (h *history) reproduced(b *binding.Binding) {
	if b.State != binding.Active || b.Result == nil {
		return
	}
	p := h.policies[b.Version]
	if p == nil {
		h.t.Errorf("seed %d: %v was told by a version %v that there never was", h.seed, b.Addr(), b.Version)
		return
	}
	e, ok := p.ExplainBinding(b.Home, b)
	if !ok || e.Result != b.Result.Digest().String() {
		told, _ := binding.DecodeResult(b.Result.Bytes)
		h.t.Errorf("seed %d: %v was told %+v, and by its facts it is told %+v", h.seed, b.Addr(), told, e)
	}
	h.done["reproduced"]++
	if p.Version != h.core.policy.Version {
		h.done["granted as offered by the version before"]++
	}
	for _, name := range e.Classes {
		h.done["class "+name]++
	}
}

func (h *history) note(b *binding.Binding) {
	switch b.Cause {
	case binding.LeaseExpired:
		h.done["expired"]++
	case binding.GuardPassed:
		h.done["guard passed"]++
	case binding.ClientReleased:
		h.done["released"]++
	case binding.ClientDeclined:
		h.done["declined"]++
	case binding.ConflictFound:
		h.done["probe answered"]++
	}
}

// play takes n steps.
func (h *history) play(n int) {
	for range n {
		if h.t.Failed() {
			return
		}
		switch k := h.rng.IntN(100); {
		case k < 40:
			h.clientActs(h.clients[h.rng.IntN(len(h.clients))])
		case k < 70:
			h.commit()
		case k < 93:
			h.pass(time.Duration(h.rng.Int64N(int64(4 * time.Second))))
		case k < 96:
			h.pass(time.Duration(h.rng.Int64N(int64(30 * time.Minute))))
		case k < 98:
			h.crash()
		case k < 99:
			h.reload()
		default:
			h.snapshot()
		}
		h.check()
	}
}

// commit makes what was decided durable and lets its replies leave.
func (h *history) commit() {
	if h.core.failed {
		return
	}
	if err := h.store.Commit(h.batch); err != nil {
		h.t.Fatalf("seed %d: commit: %v", h.seed, err)
	}
	for i := range h.out.Replies {
		r := &h.out.Replies[i]
		var m dhcpv4.Message
		if m.Parse(h.out.Octets(r)) != nil {
			h.t.Fatalf("seed %d: unreadable reply", h.seed)
		}
		a := m.CHAddr()
		h.send(append([]byte(nil), h.out.Octets(r)...), int(binary.BigEndian.Uint32(a[2:])))
	}
	for _, p := range h.out.Probes {
		if h.rng.IntN(12) == 0 {
			h.out.Reset()
			h.encoded = 0
			h.batch = h.store.Begin()
			h.handle(&ProbeAnswered{Addr: p.Addr, Interface: 1})
			return
		}
	}
	h.out.Reset()
	h.batch, h.encoded = h.store.Begin(), 0
	for h.store.Work() {
	}
	if h.store.Room() != nil {
		h.store.Reserve()
	}
}

// send puts a message on the wire, which may lose, double or delay it.
func (h *history) send(b []byte, to int) {
	copies := 1
	switch k := h.rng.IntN(20); {
	case k < 2:
		copies = 0
	case k < 4:
		copies = 2
	}
	for i := range copies {
		delay := time.Duration(h.rng.Int64N(int64(300 * time.Millisecond)))
		if h.rng.IntN(15) == 0 {
			delay = time.Duration(h.rng.Int64N(int64(maxDelay)))
		}
		if i > 0 {
			h.done["duplicate delivered"]++
		}
		h.wire = append(h.wire, delivery{h.now.Add(delay), b, to})
	}
}

// pass lets time pass: messages arrive in the order of their times, and the core is woken when it wants to be.
func (h *history) pass(d time.Duration) {
	end := h.now.Add(d)
	for {
		next, at := -1, end
		for i := range h.wire {
			if h.wire[i].at.Before(at) {
				next, at = i, h.wire[i].at
			}
		}
		if w, ok := h.core.Wake(); ok && w.Before(at) {
			h.now = later(h.now, w)
			h.handle(Tick{})
			if h.rng.IntN(3) == 0 {
				h.commit()
			}
			continue
		}
		h.now = later(h.now, at)
		if next < 0 {
			return
		}
		w := h.wire[next]
		h.wire = append(h.wire[:next], h.wire[next+1:]...)
		h.deliver(w)
		h.check()
		if h.t.Failed() {
			return
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (h *history) deliver(w delivery) {
	var m dhcpv4.Message
	if err := m.Parse(w.octets); err != nil {
		h.t.Fatalf("seed %d: %v", h.seed, err)
	}
	if w.client >= 0 {
		h.hear(h.clients[w.client], &m)
		return
	}
	p := Packet{Msg: &m, From: netip.MustParseAddrPort("0.0.0.0:68"), To: netip.MustParseAddr("255.255.255.255"), Interface: 1}
	if !m.GIAddr.IsUnspecified() {
		p.From, p.To, p.Unicast = netip.AddrPortFrom(m.GIAddr, 67), netip.MustParseAddr("10.0.0.1"), true
	} else if !m.CIAddr.IsUnspecified() && m.Type() != dhcpv4.Request || m.Secs == 1 {
		p.From, p.To, p.Unicast = netip.AddrPortFrom(m.CIAddr, 68), netip.MustParseAddr("10.0.0.1"), true
	}
	h.handle(&p)
	if len(h.core.short) > 0 {
		h.done["exhausted"]++
	}
}

// clientActs has a client do what one in its situation might.
func (h *history) clientActs(c *actor) {
	if h.now.Before(c.quiet) {
		return
	}
	if c.addr.IsValid() && !c.until.After(h.now) {
		c.wasGiven, c.addr = c.addr, netip.Addr{}
	}
	if !c.addr.IsValid() {
		switch k := h.rng.IntN(10); {
		case k < 4 && c.offer.IsValid():
			h.ask(c, dhcpv4.Request, "selecting")
		case k < 5 && c.wasGiven.IsValid():
			h.ask(c, dhcpv4.Request, "reboot")
		default:
			h.ask(c, dhcpv4.Discover, "discover")
		}
		return
	}
	switch h.rng.IntN(12) {
	case 0:
		h.ask(c, dhcpv4.Release, "release")
		c.wasGiven, c.addr = c.addr, netip.Addr{}
	case 1:
		h.ask(c, dhcpv4.Decline, "decline")
		c.addr, c.wasGiven = netip.Addr{}, netip.Addr{}
	case 2: // it forgets, but keeps using the address until its time is over, as after a reboot without a disk
		h.ask(c, dhcpv4.Discover, "discover")
	case 3:
		c.wasGiven = c.addr
		h.ask(c, dhcpv4.Request, "reboot")
	default:
		h.ask(c, dhcpv4.Request, "renew")
	}
}

// ask sends a message of the given kind.
func (h *history) ask(c *actor, typ dhcpv4.MessageType, kind string) {
	h.xid++
	c.xid, c.asked, c.kind = h.xid, h.now, kind
	head := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: c.xid, CHAddr: [16]byte{2}}
	binary.BigEndian.PutUint32(head.CHAddr[2:], c.n)
	if c.n < 10 { // so that the documents' host entries match
		head.CHAddr = [16]byte{2, 0, 0, 0, 0, byte(c.n)}
	}
	if c.far {
		head.GIAddr = netip.MustParseAddr("10.9.0.1")
	}
	var b dhcpv4.Builder
	var about netip.Addr
	switch kind {
	case "selecting":
		about = c.offer
	case "reboot":
		about = c.wasGiven
	case "renew", "release":
		head.CIAddr, head.Secs = c.addr, uint16(h.rng.IntN(2))
	case "decline":
		about = c.addr
	}
	b.Begin(nil, &head, 1400)
	b.Add(option.CodeMessageType, []byte{byte(typ)})
	if about.IsValid() {
		a := about.As4()
		b.Add(option.CodeRequestedAddress, a[:])
	}
	if kind == "selecting" || kind == "release" || kind == "decline" {
		b.Add(option.CodeServerIdentifier, []byte{10, 0, 0, 1})
	}
	if kind == "discover" && h.rng.IntN(6) == 0 {
		b.Add(option.CodeRapidCommit, nil)
	}
	packet, _ := b.Finish(h.says(c, &b))
	if kind == "release" || kind == "decline" {
		c.quiet = h.now.Add(maxDelay)
	}
	h.send(packet, -1)
}

// says adds what a client says of itself, which changes now and then, and returns what its relay says.
func (h *history) says(c *actor, b *dhcpv4.Builder) (relay []byte) {
	some := func(n int) bool { return h.rng.IntN(n) == 0 }
	if c.n%3 == 0 {
		b.Add(option.CodeVendorClass, []byte{'P', 'h', 'o', 'n', 'e', ' ', '0' + byte(c.n%2)})
	}
	if c.n%4 == 1 {
		b.Add(option.CodeUserClass, []byte("\x05kiosk"))
	}
	if some(4) {
		b.Add(option.CodeHostName, []byte("pc.lab.example"))
	}
	if !some(3) {
		b.Add(option.CodeParameterRequestList, [][]byte{{1, 3, 6, 15, 42, 66}, {12, 66, 17, 7}, {4, 23, 6}}[h.rng.IntN(3)])
	}
	if some(5) {
		b.Add(option.CodeLeaseTime, []byte{0, 0, 4, byte(h.rng.IntN(256))})
	}
	if c.far && !some(4) {
		return []byte("\x01\x05port7")
	}
	return nil
}

// maxDelay is how long a message is on its way at most.
const maxDelay = 40 * time.Second

// hear has a client take notice of a reply to its last question.
func (h *history) hear(c *actor, m *dhcpv4.Message) {
	if m.XID != c.xid {
		return
	}
	switch m.Type() {
	case dhcpv4.Offer:
		c.offer = m.YIAddr
	case dhcpv4.Ack:
		h.done["ack"]++
		switch {
		case c.kind == "discover":
			h.done["rapid commit"]++
		case c.kind == "reboot":
			h.done["init-reboot acked"]++
		case c.kind == "renew":
			h.done["renewed"]++
		case c.kind == "release" || c.kind == "decline":
			return
		}
		v, _ := m.Option(option.CodeLeaseTime)
		if c.wasGiven.IsValid() && c.wasGiven != m.YIAddr {
			h.done["reassigned"]++
		}
		c.addr, c.until = m.YIAddr, c.asked.Add(time.Duration(binary.BigEndian.Uint32(v))*time.Second)
		c.offer, c.wasGiven = netip.Addr{}, m.YIAddr
	case dhcpv4.Nak:
		h.done["nak"]++
		if c.kind != "discover" {
			c.addr, c.offer, c.wasGiven = netip.Addr{}, netip.Addr{}, netip.Addr{}
		}
	}
}

// crash cuts the power, with a commit under way or not, and starts the server again.
func (h *history) crash() {
	h.done["crash"]++
	if len(h.out.Changes) > 0 {
		h.done["crash lost something"]++
	}
	if h.rng.IntN(3) == 0 { // the sync was done, but nobody heard of it
		if err := h.store.Commit(h.batch); err != nil {
			h.t.Fatalf("seed %d: commit: %v", h.seed, err)
		}
	}
	h.fs = h.fs.Crash(h.rng, h.rng.Float64())
	h.now = h.now.Add(time.Duration(h.rng.Int64N(int64(2 * time.Minute))))
	h.start()
}

func (h *history) reload() {
	h.done["reload"]++
	h.doc = (h.doc + 1) % len(historyDocuments)
	h.handle(Adopt{Policy: h.policy()})
}

// snapshot takes one while the rest goes on.
func (h *history) snapshot() {
	sn, err := h.store.BeginSnapshot(h.core.table)
	if err != nil {
		return
	}
	for range 1000 {
		done, err := sn.Step(3)
		if err != nil {
			h.t.Fatalf("seed %d: snapshot: %v", h.seed, err)
		}
		if done {
			h.done["snapshot"]++
			return
		}
		h.commit()
		h.clientActs(h.clients[h.rng.IntN(len(h.clients))])
		h.pass(50 * time.Millisecond)
		for h.store.Work() {
		}
	}
	h.t.Fatalf("seed %d: the snapshot never ends", h.seed)
}

// check looks at what must always hold.
func (h *history) check() {
	holder := map[netip.Addr]*actor{}
	for _, c := range h.clients {
		if !c.addr.IsValid() || !c.until.After(h.now) {
			continue
		}
		if o := holder[c.addr]; o != nil {
			h.t.Errorf("seed %d at %v: clients %d and %d both hold %v", h.seed, h.now.Sub(epoch), o.n, c.n, c.addr)
		}
		holder[c.addr] = c
	}
	if states, kept := h.core.states, h.core.states; h.rng.IntN(20) == 0 {
		if h.core.count(); h.core.states != kept {
			h.t.Errorf("seed %d: states %v, counted %v", h.seed, states, h.core.states)
		}
	}
	h.checkLedger()
	for _, q := range h.core.policy.Pools() {
		k := h.core.pools.Counts(q.ID)
		if k.Free+k.Offered+k.Active+k.Grace+k.Abandoned+k.Reserved != k.Size {
			h.t.Errorf("seed %d: pool %s: %+v do not add up", h.seed, q.Name(), k)
		}
		if active := h.recount(q); active != k.Active {
			h.t.Errorf("seed %d: pool %s: %d active, counted %d", h.seed, q.Name(), active, k.Active)
		}
	}
}

// checkLedger holds the ledger to a judgement of every binding, whenever no sweep is under way. A sweep goes on by few bindings at a
// time, while the clients go on, too.
func (h *history) checkLedger() {
	if h.core.Sweeping() && !h.core.failed {
		if h.checks++; h.checks%4 == 0 {
			h.core.Handle(h.now, Sweep{Most: 2}, &h.out)
		}
		return
	}
	if err := h.core.ledger.audit(h.core.table); err != nil {
		h.t.Errorf("seed %d at %v: %v", h.seed, h.now.Sub(epoch), err)
	}
	if h.core.ledger.book.Stale() > 0 {
		h.done["stale"]++
	}
}

func (h *history) recount(q *policy.Pool) (active uint64) {
	for a := q.First; q.Has(a); a = a.Next() {
		if b, ok := h.core.table.Get(host(a)); ok && b.State == binding.Active {
			active++
		}
	}
	return active
}

func (d sometimes) String() string {
	s := ""
	for _, w := range rare {
		s += fmt.Sprintf("%s %d, ", w, d[w])
	}
	return s
}
