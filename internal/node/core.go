package node

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/pool"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// Core is the deciding half of a server: deterministic, without clock, socket, disk, lock, goroutine, log and
// randomness. One goroutine at a time uses it. Whoever drives it (Run, the simulator) carries out the Effects.
type Core struct {
	self   binding.Member
	policy *policy.Policy
	// agreed is the last version that both members adopted, where safety stands on something else there; nil: nowhere.
	agreed    *policy.Policy
	unsettled unsettled
	hurry     hurry
	table     *binding.Table
	pools     *pool.Pools
	terms     responder.Terms
	guard     time.Duration
	// relation is the relationship with the other server of the group; nil: this one is alone.
	relation  *relation
	dismissal dismissal
	forget    time.Time // when the responder's earlier policies are of no use any more

	// commit is the number of the last commit decided; durable of the last that is known to be on disk.
	commit, durable uint64
	failed          bool // a commit failed: nothing is decided until Rebuild
	// headless says that the group has no configuration yet: nobody is answered, and nothing changes, until Adopt.
	headless bool

	links  map[int]*Link
	own    map[netip.Addr]bool
	isOwn  func(netip.Addr) bool
	probes probeQueue

	responder responder.Responder
	request   responder.Request
	answer    responder.Answer
	offered   netip.Addr      // to the last client that was offered one; invalid before the first
	ahead     binding.Binding // see lookAhead

	counts    Counts
	states    [binding.Abandoned + 1]int // how many bindings are in each state; 0 is not used
	observe   Observe
	short     map[string]*shortage // networks on which clients found no address
	full      fullPlaces           // where clients have all that they may of a pool
	failing   map[string]*failing  // classes whose expression failed, by name
	elsewhere elsewhere            // what clients say of other servers
	ledger    staleness            // which clients have something else than they would get
	past      leasePast            // what became of leases
	now       time.Time            // of what is being decided
	teller    binding.Member       // who decided what is being taken over, if not this server
	lineage   *ledger.Lineage      // of the configuration's versions; nil: not known
}

// Observe says which Events somebody wants to hear of; the others are not made.
type Observe uint8

const (
	// ObserveLeases is every lease that is granted, renewed, released or ends.
	ObserveLeases Observe = 1 << iota
	// ObserveTroubles is what an operator should look at: addresses in use by somebody else.
	ObserveTroubles
	// ObservePackets is every packet.
	ObservePackets
)

// Link is an interface on which clients are heard.
type Link struct {
	Index int
	Name  string
	Addrs []netip.Prefix
	Up    bool
}

// Counts is what a Core counted since it began.
type Counts struct {
	Received, Sent [19]uint64 // by dhcpv4.MessageType; 0 is BOOTP
	Drops          []uint64   // by responder.Reason
	Malformed      map[string]uint64
	OptionsLeftOut uint64 // replies without room for all their options
	ProbesSkipped  uint64 // offers made without a probe because too many were under way
	Refused        uint64 // DHCPNAKs
}

// NewCore returns a core that serves by p, with the bindings in table, whose last commit was number commit. It answers
// nobody until it knows its links (LinksChanged).
func NewCore(self binding.Member, p *policy.Policy, table *binding.Table, commit uint64) *Core {
	c := &Core{
		self: self, table: table, commit: commit, durable: commit,
		terms: responder.Terms{Known: true, New: true, Commit: true},
		links: map[int]*Link{}, own: map[netip.Addr]bool{}, short: map[string]*shortage{}, failing: map[string]*failing{},
		probes: newProbeQueue(),
		counts: Counts{Drops: make([]uint64, len(responder.Reasons())+1), Malformed: map[string]uint64{}},
	}
	c.count()
	c.isOwn = func(a netip.Addr) bool { return c.own[a] }
	c.adopt(time.Time{}, Adopt{Policy: p})
	return c
}

// adopt makes a policy the one that every message from now on is answered by. What is on offer by a policy before it is
// granted by that one. It may be the one that is in force, with another agreed.
func (c *Core) adopt(now time.Time, in Adopt) {
	p, agreed := in.Policy, in.Agreed
	earlier, again := c.responder.Earlier, c.policy != nil && c.policy.Version == p.Version
	if !again {
		earlier = earlierOf(c.policy, earlier)
		c.forget = now.Add(responder.OfferLifetime + time.Second) // offers end at whole seconds
	}
	c.unsettle(in.Unsettled)
	c.policy, c.agreed = p, agreed
	c.guard = max(c.guard, guardOf(p)) // what was granted before keeps its guard
	c.responder = responder.Responder{Self: c.self, Policy: p, Agreed: agreed, Withheld: c.unsettled.addrs, Earlier: earlier, Guard: c.guard}
	c.layPools()
	if !again {
		c.pools.NewVersion()
	}
	c.keepFailing()
	c.ledger.begin(c.self, p, agreed, now, c.table)
}

// forgetEarlier lets go of the policies before this one once nothing can be on offer by them.
func (c *Core) forgetEarlier(now time.Time) {
	if c.responder.Earlier != nil && !now.Before(c.forget) {
		c.responder.Earlier = nil
	}
}

func (c *Core) nextForget() (time.Time, bool) { return c.forget, c.responder.Earlier != nil }

// layPools makes the pools anew where ranges or reserved addresses changed. Our own addresses and those of the relays
// are never given away.
func (c *Core) layPools() {
	ranges, reserved := c.policy.Ranges(), append(c.policy.Reserved(), c.policy.Relays()...)
	if c.agreed != nil {
		reserved = append(reserved, c.agreed.Reserved()...)
	}
	for a := range c.unsettled.addrs {
		reserved = append(reserved, a)
	}
	for _, m := range c.policy.Document.Group.Members {
		if m.Peer.IsValid() {
			reserved = append(reserved, m.Peer.Addr())
		}
	}
	for a := range c.own {
		reserved = append(reserved, a)
	}
	if c.pools != nil && c.pools.Same(ranges, reserved) {
		return
	}
	old := c.pools
	c.full = fullPlaces{} // they are known by the pools that were
	c.pools = pool.New(ranges, reserved, c.table)
	if old != nil {
		c.pools.Carry(old)
	}
	c.layShares()
}

// Input is something that happened: one of Packet, Tick, Durable, CommitFailed, ProbeAnswered, LinksChanged, Adopt,
// StoreRoom, Changing, Dismiss, Sweep, Descent, Partner.
type Input interface{ input() }

// Packet is a datagram that was received.
type Packet struct {
	Msg       *dhcpv4.Message  // valid during Handle
	Malformed string           // why the datagram is none; Msg is then not looked at
	Shed      responder.Reason // why it is not to be answered, whatever it says; 0: it is
	From      netip.AddrPort
	To        netip.Addr
	Unicast   bool // To is one of our addresses
	Interface int
	// At is when it came, in nanoseconds of the machine's clock since 1970; 0: not known. Nothing is decided by it.
	At int64
}

// Tick says that time has passed. It is due at Wake.
type Tick struct{}

// Durable says that the commit with this number, and all before it, are on disk.
type Durable struct{ Commit uint64 }

// CommitFailed says that the commit with this number is not on disk. Everything decided on it was discarded unseen;
// until Rebuild nothing more is decided.
type CommitFailed struct{ Commit uint64 }

// ProbeAnswered says that somebody uses the address.
type ProbeAnswered struct {
	Addr      netip.Addr
	Interface int
}

// LinksChanged says which links there are now.
type LinksChanged struct{ Links []Link }

// Adopt makes Policy the one that every message from now on is answered by.
type Adopt struct {
	Policy *policy.Policy
	// Agreed is the last version that both members of the group adopted; nil where nothing that safety stands on differs
	// between it and Policy.
	Agreed *policy.Policy
	// Unsettled are the addresses that are given to nobody new; the zero value: none.
	Unsettled Unsettled
}

// Changing says whether a change of the configuration is pending: clients that are answered meanwhile come back early.
type Changing struct{ On bool }

// StoreRoom says whether a commit would find room on the disk.
type StoreRoom struct{ Full bool }

func (*Packet) input()        {}
func (Tick) input()           {}
func (Durable) input()        {}
func (CommitFailed) input()   {}
func (*ProbeAnswered) input() {}
func (LinksChanged) input()   {}
func (Adopt) input()          {}
func (Changing) input()       {}
func (StoreRoom) input()      {}

// Handle decides what in means at the time now, and appends to out what is to be done. It never waits. now never goes
// back.
func (c *Core) Handle(now time.Time, in Input, out *Effects) {
	if c.failed {
		return
	}
	c.now = now
	if c.joined() {
		c.stoodStill(now, out)
	}
	switch in := in.(type) {
	case *Packet:
		c.packet(now, in, out)
	case Tick:
		c.tick(now, out)
	case Durable:
		c.durable = max(c.durable, in.Commit)
	case CommitFailed:
		c.failed = true
		out.Rebuild = true
	case *ProbeAnswered:
		c.probeAnswered(now, in, out)
	case Sweep:
		c.sweep(in.Most)
	case LinksChanged:
		c.setLinks(now, in.Links, out)
	case Adopt:
		c.headless = false
		c.adopt(now, in)
	case Descent:
		c.descend(in.Versions)
	case Changing:
		c.hurry.on = in.On
	case Dismiss:
		c.setDismiss(in.On)
	case StoreRoom:
		c.terms.Commit = !in.Full
		if c.joined() && !in.Full && !c.stoodStill(now, out) {
			c.relation.wake = now // nothing was asked of it meanwhile
		}
	case *Partner:
		if c.joined() {
			c.relate(now, in.Event, out)
		}
	}
}

// Rebuild makes the core go on after a failed commit, with the bindings that are on disk. One of two servers answers
// nobody until it is Joined anew.
func (c *Core) Rebuild(table *binding.Table, commit uint64) {
	c.table, c.commit, c.durable, c.failed = table, commit, commit, false
	c.past.discard(commit)
	c.terms.Commit = true // whether there is room is asked anew
	c.probes = newProbeQueue()
	c.count()
	c.pools = nil
	c.layPools()
	c.dismissal = dismissal{on: c.dismissal.on}
	c.ledger.beginAnew(table)
	if r := c.relation; r != nil { // until Join says what is on disk of it
		if r.endpoint != nil {
			r.lack = max(r.lack, r.endpoint.Lack())
		}
		r.endpoint, r.terms = nil, failover.Terms{}
	}
}

// Wake returns when Tick is due next; false if nothing is waited for.
func (c *Core) Wake() (time.Time, bool) {
	var at time.Time
	if c.headless {
		return at, false
	}
	for i, next := range [...]func() (time.Time, bool){c.pools.NextOfferExpiry, c.probes.next, c.nextForget, c.nextQuiet, c.table.NextDue, c.nextRelated, c.nextDismissal} {
		if i > 3 && !c.terms.Commit { // nothing comes of these until there is room
			break
		}
		if t, ok := next(); ok && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at, !at.IsZero()
}

// put commits a change of ours of one binding under the current commit number.
func (c *Core) put(now time.Time, ch *responder.Change, out *Effects) {
	c.stamp(now, ch)
	c.apply(ch, out)
	c.answered(now, &ch.Binding)
}

// apply is take of a change that an operator may want to hear of later.
func (c *Core) apply(ch *responder.Change, out *Effects) {
	from := c.take(ch, out)
	c.past.note(c.now, &ch.Binding, from, c.commit, cmp.Or(c.teller, c.self))
}

// take takes a change of one binding into the view, and commits it under the current commit number. It returns the state before.
func (c *Core) take(ch *responder.Change, out *Effects) (from binding.State) {
	old, known := c.table.Get(ch.Binding.Prefix)
	if known {
		from = old.State
		c.states[from]--
	}
	c.pools.Moved(&old, &ch.Binding)
	c.states[ch.Binding.State]++
	// What the binding refers to may lie in the table, which Put moves, or in the packet.
	ch.Binding.Client.ID = out.keep(ch.Binding.Client.ID)
	ch.Binding.Facts.Own = out.keep(ch.Binding.Facts.Own)
	ch.Binding.Past = out.keep(ch.Binding.Past)
	c.table.Put(ch.Binding, ch.Due)
	c.pools.Changed(ch.Binding.Addr(), from, ch.Binding.State)
	out.Changes = append(out.Changes, Committed{Commit: c.commit, Binding: ch.Binding})
	return from
}

const (
	// lapses is how many bindings change by themselves in one step, at most: a million that end at once hold up nobody.
	lapses = 1024
	// mostChanges is how many changes one commit is for before no more bindings change by themselves: those that are due while a disk stands
	// still change when it goes on.
	mostChanges = 4096
)

// tick lets what is due happen: offers and leases end, probes stay unanswered.
func (c *Core) tick(now time.Time, out *Effects) {
	if c.headless {
		return
	}
	c.pools.ExpireOffers(now)
	c.forgetEarlier(now)
	c.probesUnanswered(now, out)
	c.quiet(now)
	if !c.terms.Commit {
		return
	}
	begun := false
	for range min(lapses, mostChanges-len(out.Changes)) {
		b, ok := c.table.Due(now)
		if !ok {
			break
		}
		if !begun {
			c.commit, begun = c.commit+1, true
		}
		ch, changes := c.lapse(now, &b)
		if !changes {
			c.table.Put(ch.Binding, ch.Due)
			continue
		}
		c.apply(&ch, out)
		c.rejudge(now, &ch.Binding)
		c.lapsed(now, &ch.Binding, out)
	}
	c.recovered(now, out)
	c.dismissOn(now, out)
	if c.joined() && (begun || c.Untold() || !now.Before(c.relation.wake)) {
		c.relate(now, failover.Tick{}, out)
	}
}
