package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// Member is one server: a machine with a disk and clocks, and the process that runs on it. It does around the core what
// node.Run does.
type Member struct {
	w    *World
	i    int // 0 is the primary
	name binding.Member
	addr netip.Addr // towards clients
	rng  *rand.Rand // of its disk
	clk  *clock
	cfg  int // which configuration its file has (configText)

	serving int // which one the process serves by

	fs     *memfs.FS
	past   []image // of the disk, now and then
	stores byte    // how many stores it has begun
	faults diskFaults

	run      int           // which process this is
	up       bool          // there is a process
	frozen   bool          // it does not run
	frozenAt time.Duration // since when
	asleep   []func()

	core     *node.Core
	relation failover.Config
	store    *store.Store
	snapshot *store.Snapshot
	full     bool // no room on the disk
	wire     *node.Wire
	conn     *conn
	wanted   bool // it wants a connection
	saying   failover.Envelope
	cur      *load
	busy     *load // is being made durable
	spare    *load
	kicking  bool
	opening  bool            // the store is opened anew
	waiting  *store.Recovery // what was read of it, if it becomes one of two only when there is room; nil: it has
	armed    time.Duration   // when it looks next whether something is due; 0: not
	msg      dhcpv4.Message
	packet   node.Packet
	leaving  bool // it is to end in good order

	keep      *keeper // nil: there are no versions
	ends      *conn   // its connection to the other one's keeper; nil: none
	recovered *store.Recovery
	sweeps    bool          // it is going to look at bindings that the ledger is not sure of
	auditAt   time.Duration // when the ledger is looked at next

	powerless bool // the machine is off
	rotten    bool // something on its disk may be unreadable
	// tailRotten says that a sector of its disk rotted, which may have been the one that was written last.
	tailRotten bool
}

func newMember(w *World, i int) *Member {
	m := &Member{
		w: w, i: i, name: [...]binding.Member{"west", "east"}[i], addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)}),
		rng: w.chances(chancesOfDisk, i), clk: newClock(w, i), wanted: true,
	}
	if w.set.Versions {
		m.keep = newKeeper(m)
	}
	m.newDisk()
	return m
}

func (m *Member) other() *Member { return m.w.members[1-m.i] }

// serves reports whether there is a process that runs.
func (m *Member) serves() bool { return m.up && !m.frozen && m.core != nil }

// The ranges of the two links begin here.
const (
	firstAddress    = 50
	firstFarAddress = 20
	variants        = 7 // of all histories; hasty ones have one more
)

var (
	relayAddress = netip.AddrFrom4([4]byte{10, 9, 0, 1})
	everybody    = netip.AddrFrom4([4]byte{255, 255, 255, 255})
)

// configText returns configuration n of the group, as the file of one of its members.
func (w *World) configText(n int, self binding.Member) string {
	s := w.set
	pool, mclt, lease, domain := s.Pool, s.MCLT, s.Lease, "corp.example"
	switch n {
	case 1:
		pool -= min(4, pool/3)
	case 2:
		pool += 4
	case 3:
		domain = "new.example"
	case 4:
		mclt = max(mclt/2, time.Minute)
	case 5:
		lease = max(lease/2, 10*time.Minute)
	case 6:
		mclt *= 2
	case 7:
		lease = max(lease/8, 5*time.Minute)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "server: {name: %s}\n", self)
	fmt.Fprintf(&b, "group: {name: campus, members: {west: {peer: 192.0.2.1}, east: {peer: 192.0.2.2}}, failover: {mclt: %v, split: %d, "+
		"load-balance-secs: %d, receive-timer: %v, startup: %v, max-unacked: %d}}\n",
		mclt, s.Split, s.BalanceSecs, s.ReceiveTimer, s.Startup, s.MaxUnacked)
	fmt.Fprintf(&b, "enterprise: {lease: {default: %v, max: %v}, rapid-commit: %v, conflict-probe: 0s, options: {domain-name: %s, domain-name-servers: [10.0.0.53]}}\n",
		lease, max(s.Longest, lease), s.Rapid, domain)
	fmt.Fprintf(&b, "networks:\n  lan: {subnets: {10.0.0.0/24: {options: {routers: [10.0.0.254]}, pools: [{range: 10.0.0.%d-10.0.0.%d}]}}}\n", firstAddress, firstAddress+pool-1)
	fmt.Fprintf(&b, "  far: {subnets: {10.9.0.0/24: {options: {routers: [10.9.0.1]}, pools: [{range: 10.9.0.%d-10.9.0.%d}]}}}\n", firstFarAddress, firstFarAddress+s.FarPool-1)
	return b.String()
}

// policyOf returns configuration n, compiled for a member.
func (m *Member) policyOf(n int) *policy.Policy {
	if m.keep != nil {
		return m.keep.policyOrFile()
	}
	key := fmt.Sprint(n, m.name)
	p := m.w.policies[key]
	if p == nil {
		doc, problems := config.Parse("sim.yaml", []byte(m.w.configText(n, m.name)))
		if doc == nil {
			panic(fmt.Sprint("a configuration of the simulation is wrong: ", problems))
		}
		p = policy.Compile(doc)
		m.w.policies[key] = p
	}
	return p
}

// start begins a process on what the disk has.
func (m *Member) start() {
	m.run++
	m.up, m.frozen, m.leaving, m.asleep = true, false, false, nil
	m.core, m.wire, m.conn, m.busy, m.snapshot, m.waiting = nil, nil, nil, nil, nil, nil
	m.full, m.opening, m.armed, m.wanted, m.sweeps = false, false, 0, true, false
	m.cur, m.spare = &load{}, &load{}
	m.w.logf("%s starts", m.name)
	m.begin()
}

// begin opens the store and makes a core of it; where that fails, it is tried again.
func (m *Member) begin() {
	m.serving = m.cfg
	table, rec, err := m.openFirst()
	if err != nil {
		m.w.marks.hit(MarkOpenFailed)
		m.w.logf("%s: %v", m.name, err)
		m.later(time.Second, m.begin)
		return
	}
	if m.w.without.WallClock {
		rec.Latest = time.Time{}
	}
	m.clk.begin(rec.Latest)
	commit, ok := m.withhold(table, &rec, m.policyOf(m.serving))
	m.recovered = &rec
	if !ok || !m.beginVersions() {
		return
	}
	m.core = node.NewCore(m.name, m.policyOf(m.serving), table, commit)
	m.fresh(m.cur)
	m.w.oracle.started(m, &rec)
	if m.beginHead() {
		m.join(&rec)
	}
	link := node.Link{Index: 1, Name: "eth0", Up: true, Addrs: []netip.Prefix{netip.PrefixFrom(m.addr, 24)}}
	m.handle(node.LinksChanged{Links: []node.Link{link}})
	m.w.link.attempt()
}

// join makes the core one of two.
func (m *Member) join(rec *store.Recovery) {
	m.waiting = nil
	p := m.policyOf(m.serving)
	id, _ := m.store.ID()
	cfg, ok := node.RelationshipOf(p.Document, p, id, m.w.set.Seed)
	if !ok {
		panic("the configuration of the simulation has no group")
	}
	m.relation = m.w.without.relationship(cfg)
	if m.keep != nil {
		m.relation = m.relationship()
	}
	m.w.oracle.waitsBy(m)
	kept, err := m.record(rec)
	if err != nil {
		m.w.fail("I14: %s: %v", m.name, err)
		return
	}
	m.core.Join(m.clk.now(), m.relation, kept, &m.cur.effects)
	m.encode()
}

// record returns what the disk has of the relationship (node.Node.relationshipRecord).
func (m *Member) record(found *store.Recovery) (failover.Record, error) {
	b, ok := m.store.Relationship()
	if !ok {
		founder := m.i == 0 && m.stores == 1 && m.w.set.Founder && !m.rotten
		return failover.NewRecord(m.clk.now(), m.policyOf(m.serving).Document.Group.Failover.MCLT, founder), nil
	}
	rec, err := failover.DecodeRecord(b)
	if err == nil && len(found.Quarantine()) > 0 && !m.w.without.TrustRot {
		rec = rec.Damaged(m.clk.now())
	}
	return rec, err
}

// later does something after a while, if this process is then running; one that is frozen does it when it wakes.
func (m *Member) later(d time.Duration, do func()) {
	run := m.run
	m.w.after(d, func() { m.awake(run, do) })
}

// awake does something in process run as soon as that runs.
func (m *Member) awake(run int, do func()) {
	switch {
	case m.run != run || !m.up:
	case m.frozen:
		m.asleep = append(m.asleep, func() { m.awake(run, do) })
	default:
		do()
	}
}

// handle lets the core decide, and sees to what it says.
func (m *Member) handle(in node.Input) {
	if m.core == nil || m.opening {
		return
	}
	m.core.Handle(m.clk.now(), in, &m.cur.effects)
	m.encode()
	m.w.oracle.stepped(m)
	m.kick()
	m.arm()
	m.noteDeclared()
}

// receive takes a packet of a client.
func (m *Member) receive(p *datagram) {
	if m.core == nil || m.opening {
		return
	}
	m.checkRoom()
	if err := m.msg.Parse(p.octets); err != nil {
		m.w.fail("a client said what is no message: %v", err)
		return
	}
	m.packet = node.Packet{Msg: &m.msg, From: p.from, To: p.to, Unicast: p.to != everybody, Interface: 1}
	if !p.to.IsValid() {
		m.packet.To = m.addr
	}
	before := len(m.cur.effects.Replies)
	m.w.oracle.asked(m, p)
	if m.keep != nil {
		m.keep.faith.before(m, p)
	}
	run := m.run
	m.core.Handle(m.clk.now(), &m.packet, &m.cur.effects)
	m.encode()
	m.w.oracle.answered(m, p, m.cur, before)
	if m.keep != nil && m.run == run {
		for i := before; i < len(m.cur.effects.Replies); i++ {
			m.keep.faith.answered(m, p, m.cur.effects.Octets(&m.cur.effects.Replies[i]))
		}
	}
	if m.run == run {
		m.w.oracle.stepped(m)
		m.kick()
		m.arm()
		m.noteDeclared()
	}
}

// arm has the core wake when it wants to.
func (m *Member) arm() {
	if m.core == nil || m.opening {
		return
	}
	at, ok := m.core.Wake()
	if !ok {
		return
	}
	t := max(m.clk.trueTime(at), m.w.now+time.Millisecond)
	if m.armed != 0 && m.armed <= t {
		return
	}
	m.armed = t
	run := m.run
	m.w.at(t, func() {
		if m.run == run && m.armed == t {
			m.awake(run, m.due)
		}
	})
}

// due is a time that was waited for.
func (m *Member) due() {
	m.armed = 0
	if m.core == nil || m.opening {
		return
	}
	if at, ok := m.core.Wake(); ok && at.After(m.clk.now()) {
		m.arm()
		return
	}
	m.checkRoom()
	m.handle(node.Tick{})
}

// freeze stops the process.
func (m *Member) freeze() { m.frozen, m.frozenAt = true, m.w.now }

// thaw lets it go on: what came meanwhile is taken in whatever order.
func (m *Member) thaw() {
	m.frozen = false
	waiting := m.asleep
	m.asleep = nil
	m.rng.Shuffle(len(waiting), func(i, k int) {
		if m.rng.IntN(4) == 0 {
			waiting[i], waiting[k] = waiting[k], waiting[i]
		}
	})
	for _, do := range waiting {
		do()
	}
	m.w.link.pump()
}

// end is the end of the process, whatever it was doing.
func (m *Member) end() {
	m.up, m.frozen, m.core, m.wire, m.ends = false, false, nil, nil, nil
	m.asleep, m.busy, m.cur = nil, nil, nil
	m.run++
}
