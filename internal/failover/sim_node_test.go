package failover

import (
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// simNode is a server as the simulation has it: a disk that forgets nothing that was synced, a view in memory, and what
// waits for a sync. It does with an Output what node does with it.
type simNode struct {
	w      *simWorld
	cfg    Config
	offset time.Duration // its clock less the true one
	up     bool
	epoch  int // of the process: what was queued for an earlier one is nothing to this one
	ep     *Endpoint
	recs   []*binding.Binding // by address
	due    []time.Time
	offers []simOffer
	disk   simDisk
	queue  []simCommit // commits that are not durable, the oldest first
	out    Output
	wake   time.Time
	armed  time.Time     // when it looks next whether something is due
	acked  []simAcked    // by address: the last change that a client was told of
	leap   time.Duration // of its clock, while it is down
	ended  time.Time
	lost   bool // its disk was lost at some time
	terms  Terms
}

type simOffer struct {
	client int
	until  time.Time
}

type simAcked struct {
	client int
	ours   binding.Sequence
	at     time.Time
}

// simDisk is what survives a crash.
type simDisk struct {
	rec   *Record
	recs  []*binding.Binding
	store byte
	at    time.Time // when it was copied
}

// simCommit is what one step made durable, and what leaves when it is.
type simCommit struct {
	rec     *Record
	changes []Change
	after   []func() // what leaves
	at      time.Time
}

func (n *simNode) now() time.Time { return n.w.now.Add(n.offset) }

// Get, Scan and the others make simNode the View of its endpoint.
func (n *simNode) Get(p netip.Prefix) (b binding.Binding, ok bool) {
	if i, in := n.w.index(p.Addr()); in && n.recs[i] != nil {
		return *n.recs[i], true
	}
	return b, false
}

func (n *simNode) Scan(from uint64, count int, each func(*binding.Binding) bool) (uint64, bool) {
	for ; count > 0 && from < uint64(len(n.recs)); count-- {
		b := n.recs[from]
		from++
		if b != nil && !each(b) {
			break
		}
	}
	return from, from >= uint64(len(n.recs))
}

func (n *simNode) Covers(a netip.Addr) bool { _, in := n.w.index(a); return in }

func (n *simNode) Ranges() int { return 1 }

func (n *simNode) offered(i int) bool {
	return n.offers[i].client >= 0 && n.w.now.Before(n.offers[i].until)
}

func (n *simNode) FreeOf(_ int, owner binding.Member) (count uint64) {
	n.EachFree(0, owner, func(*binding.Binding) bool { count++; return true })
	return count
}

func (n *simNode) EachFree(_ int, owner binding.Member, each func(*binding.Binding) bool) {
	var free []*binding.Binding
	for i, b := range n.recs {
		if b != nil && b.State == binding.Free && b.Owner == owner && (!n.offered(i) || !n.ep.keeps(ruleOffered)) {
			free = append(free, b)
		}
	}
	slices.SortStableFunc(free, func(a, b *binding.Binding) int { return a.Changed.Compare(b.Changed) })
	for _, b := range free {
		if !each(b) {
			return
		}
	}
}

func (n *simNode) EachUnused(_ int, each func(first, last netip.Addr) bool) {
	for i := 0; i < len(n.recs); i++ {
		if n.recs[i] != nil || n.offered(i) && n.ep.keeps(ruleOffered) {
			continue
		}
		first := i
		for i+1 < len(n.recs) && n.recs[i+1] == nil && (!n.offered(i+1) || !n.ep.keeps(ruleOffered)) {
			i++
		}
		if !each(n.w.addr(first), n.w.addr(i)) {
			return
		}
	}
}

// start begins a process on what the disk has.
func (n *simNode) start() {
	n.epoch++
	n.up, n.queue, n.armed = true, nil, time.Time{}
	n.recs = slices.Clone(n.disk.recs)
	n.due = make([]time.Time, len(n.recs))
	for i := range n.offers {
		n.offers[i] = simOffer{client: -1}
	}
	if n.disk.rec == nil {
		r := NewRecord(n.now(), n.cfg.MCLT, false)
		n.disk.rec = &r
	}
	n.cfg.Store = [16]byte{n.disk.store, byte(n.cfg.Role)}
	n.ep = New(n.cfg, *n.disk.rec, n, n.now())
	n.ep.without = n.w.without
	for i, b := range n.recs {
		if b != nil {
			n.due[i] = n.ep.Due(b)
		}
	}
	n.checkKept()
	n.step(Tick{})
}

// checkKept sees to I2: what a client was told is on the disk, or something later.
func (n *simNode) checkKept() {
	for i, a := range n.acked {
		if !n.w.outside && a.ours != 0 && (n.recs[i] == nil || n.recs[i].Sync.Ours < a.ours) {
			n.w.fail("I2: %s forgot what it told client %d of %v", n.cfg.Self, a.client, n.w.addr(i))
		}
	}
}

// crash ends the process; what was not synced is forgotten. wiped takes the disk away, too.
func (n *simNode) crash(wiped bool) {
	n.up, n.queue, n.ended = false, nil, n.w.now
	n.epoch++
	n.ep = nil
	n.w.resetLink("the other process ended")
	if wiped {
		n.disk = simDisk{recs: make([]*binding.Binding, len(n.recs)), store: n.disk.store + 1}
		n.lost = true
		n.acked = make([]simAcked, len(n.recs))
	}
}

// step lets the endpoint decide about an event, and does what it says.
func (n *simNode) step(ev Event) {
	n.out.Reset()
	n.ep.Step(n.now(), ev, n, &n.out)
	n.carryOut(&n.out, nil)
}

// carryOut puts the changes into the view, queues the commit, and lets the messages leave behind it.
func (n *simNode) carryOut(o *Output, after []func()) {
	c := simCommit{rec: o.Persist}
	for _, ch := range o.Changes {
		n.apply(ch)
		if !ch.Quiet {
			ch.Binding = *cloneBinding(&ch.Binding)
			c.changes = append(c.changes, ch)
		}
	}
	for _, note := range o.Notes {
		n.w.noted(n, &note)
	}
	link := n.w.link
	sent := n.now()
	for _, env := range o.Send {
		env := cloneEnvelope(env)
		c.after = append(c.after, func() { n.w.transmit(n, link, env, sent) })
	}
	if o.Close != "" {
		c.after = append(c.after, func() { n.w.closed(link) })
	}
	c.after = append(c.after, after...)
	n.terms, n.w.touched = o.Terms, true
	n.wake = o.Wake
	n.w.arm(n)
	if n.w.careless { // nothing waits for the disk
		for _, f := range c.after {
			f()
		}
		c.after = nil
	}
	n.commit(c)
}

// commit makes c durable after a while, in order.
func (n *simNode) commit(c simCommit) {
	if c.rec == nil && len(c.changes) == 0 && len(n.queue) == 0 {
		for _, f := range c.after {
			f()
		}
		return
	}
	n.queue = append(n.queue, c)
	epoch := n.epoch
	n.w.after(n.w.syncTime(), func() {
		if n.epoch == epoch && n.up {
			n.durable()
		}
	})
}

func (n *simNode) durable() {
	if len(n.queue) == 0 {
		return
	}
	c := n.queue[0]
	n.queue = n.queue[1:]
	if c.rec != nil {
		r := *c.rec
		n.disk.rec = &r
	}
	for _, ch := range c.changes {
		i, _ := n.w.index(ch.Binding.Prefix.Addr())
		n.disk.recs[i] = &ch.Binding
	}
	for _, f := range c.after {
		f()
	}
}

func (n *simNode) apply(ch Change) {
	i, in := n.w.index(ch.Binding.Prefix.Addr())
	if !in {
		n.w.fail("%s changed %v, which is in no range", n.cfg.Self, ch.Binding.Prefix)
		return
	}
	b := cloneBinding(&ch.Binding)
	if old := n.recs[i]; old != nil && !ch.Quiet {
		n.checkMonotone(old, b)
	}
	n.recs[i], n.due[i] = b, ch.Due
	if !ch.Due.IsZero() && ch.Due.Before(n.now()) && ch.Quiet {
		n.due[i] = n.now()
	}
}

// checkMonotone sees to what never goes back.
func (n *simNode) checkMonotone(old, b *binding.Binding) {
	if b.Sync.Ours < old.Sync.Ours || b.Sync.Theirs < old.Sync.Theirs {
		n.w.fail("I13: %s: %v went back in its numbers", n.cfg.Self, b.Prefix)
	}
	if !n.w.outside && old.State == binding.Active && b.State == binding.Active && old.Client.Is(&b.Client) && b.Expires.Before(old.Expires) {
		n.w.fail("I7: %s: the lease of %v was shortened from %v to %v", n.cfg.Self, b.Prefix, old.Expires, b.Expires)
	}
}

// tick lets what is due happen.
func (n *simNode) tick() {
	now := n.now()
	for i, b := range n.recs {
		if b == nil || n.due[i].IsZero() || n.due[i].After(now) {
			continue
		}
		ch := n.ep.Lapse(now, b)
		n.w.settle(n, []Change{ch}, nil)
	}
	n.step(Tick{})
}

// nextWake returns when something is due here, by the true clock.
func (n *simNode) nextWake() time.Time {
	at := n.wake
	for i, b := range n.recs {
		if b != nil && !n.due[i].IsZero() && (at.IsZero() || n.due[i].Before(at)) {
			at = n.due[i]
		}
	}
	return at.Add(-n.offset)
}

func cloneBinding(b *binding.Binding) *binding.Binding {
	n := *b
	n.Client.ID, n.Past = slices.Clone(b.Client.ID), slices.Clone(b.Past)
	return &n
}

func cloneEnvelope(e Envelope) Envelope {
	if u, ok := e.Message.(BindingUpdate); ok {
		u.Updates = slices.Clone(u.Updates)
		for i := range u.Updates {
			u.Updates[i].Binding = *cloneBinding(&u.Updates[i].Binding)
		}
		e.Message = u
	}
	return e
}
