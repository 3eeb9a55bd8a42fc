package sim

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// oracle is what must hold, looked at from outside: from what the disks have, what was said on the wires, what clients heard.
// I1 is the ledger's.
type oracle struct {
	w    *World
	disk [2]diskView
	view [2]diskView // as each server has decided last
	told [2][addresses]promise
	wire [2][addresses]talk

	latest     [2]time.Time       // of what each disk has, by its server's clock
	record     [2]failover.Record // as it was decided last
	downSince  [2]time.Duration   // when a server went to PARTNER-DOWN last
	lostAt     [2]time.Duration   // when a server last lost something of its store, 0: it did not
	lost_      [2]bool            // and has not been in NORMAL since
	ever       [2]bool            // it has lost something at some time
	mclt       [2]time.Duration   // the least that it went by since it lost something
	met        bool               // both have been in NORMAL
	wipedAt    [2]time.Duration   // when a server that had served last lost all of its store
	mustHear   [2]bool            // its store went back, and it does not know that yet
	falseSince time.Duration      // since an operator was wrong
	lastServed [2]time.Duration   // when a server last granted something
	touched    bool               // something changed that I4 is about
	full       bool               // and of that everything
	lastFull   time.Duration
	dirty      []int // places whose binding changed since I4 was looked at
	options    map[answerKey]uint32
	pending    pendingAnswer
	read       dhcpv4.Message // the answer that is looked at
}

// addresses is how many addresses there are on both links.
const addresses = 512

// place returns the number of an address; false if it is on none of the links.
func place(a netip.Addr) (int, bool) {
	if !a.Is4() {
		return 0, false
	}
	b := a.As4()
	switch [3]byte(b[:3]) {
	case [3]byte{10, 0, 0}:
		return int(b[3]), true
	case [3]byte{10, 9, 0}:
		return 256 + int(b[3]), true
	}
	return 0, false
}

func addressOf(i int) netip.Addr {
	if i < 256 {
		return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
	}
	return netip.AddrFrom4([4]byte{10, 9, 0, byte(i - 256)})
}

// single returns the prefix that holds a alone.
func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// brief is what is kept of a binding.
type brief struct {
	state                     binding.State
	client                    *Client // any one of those that say the same of themselves; nil: none
	expires, potential, acked time.Time
	ours, theirs              binding.Sequence
	owner                     binding.Member
}

// unheld reports whether the address is free, or was never used.
func (b *brief) unheld() bool { return b.state == 0 || b.state == binding.Free }

// diskView is what a server's disk has.
type diskView [addresses]brief

// promise is what a server last told a client of an address.
type promise struct {
	client  *Client
	ours    binding.Sequence
	expires time.Time // by the server's clock
	until   time.Duration
	at      time.Duration
	over    bool // by the client's own word, or another one's
	// ended is the change with which a lease of the address was over last in that way, which may be decided before an answer leaves.
	ended binding.Sequence
}

func (o *oracle) init(w *World) { o.w, o.options = w, map[answerKey]uint32{} }

func (o *oracle) briefOf(b *binding.Binding) brief {
	return brief{
		state: b.State, client: o.w.clientBy(&b.Client), expires: b.Expires, potential: b.Sync.Potential, acked: b.Sync.Acked,
		ours: b.Sync.Ours, theirs: b.Sync.Theirs, owner: b.Owner,
	}
}

// clientBy returns the client that says this of itself.
func (w *World) clientBy(c *binding.Client) *Client {
	h := c.Hardware.Bytes()
	if len(h) != 6 {
		return nil
	}
	if i := int(h[5]); i < len(w.clients) {
		return w.clients[i]
	}
	return nil
}

// started: a server read its disk.
func (o *oracle) started(m *Member, rec *store.Recovery) {
	table := m.core.Table()
	was := o.disk[m.i]
	o.disk[m.i] = diskView{}
	if r, err := m.record(rec); err == nil {
		o.record[m.i] = r
		if r.State == failover.Recover && r.Lost && !o.lost_[m.i] && was != (diskView{}) {
			o.lost(m) // it says so itself
		}
	}
	for from, done := uint64(0), false; !done; {
		from, done = table.Scan(from, 1<<10, func(b *binding.Binding) bool {
			if i, ok := place(b.Addr()); ok {
				o.disk[m.i][i] = o.briefOf(b)
			}
			return true
		})
	}
	for _, d := range rec.Damaged {
		if d.Kind != store.CopyLost && !m.rotten { // of two copies one may be torn by a crash
			o.w.fail("I14: %s: %v", m.name, d)
		}
	}
	if len(rec.Damaged) > 0 {
		o.w.marks.hit(MarkRotFound)
	}
	if m.tailRotten && o.forgot(m, &was) {
		r := o.record[m.i]
		o.lost(m)
		o.record[m.i] = r
	}
	m.tailRotten = false
	if !o.lost_[m.i] {
		for i := range was {
			if now := &o.disk[m.i][i]; now.ours < was[i].ours || now.theirs < was[i].theirs {
				o.w.fail("I2: %s forgot what was durable of %v", m.name, addressOf(i))
			}
		}
		o.kept(m)
		if now := m.clk.now(); now.Before(o.latest[m.i]) && !m.rotten {
			o.w.fail("I12: %s begins at %v, and what its disk has was decided %v later", m.name, now.Sub(epoch), o.latest[m.i].Sub(now))
		}
	}
	o.view[m.i] = o.disk[m.i]
	o.touched, o.full = true, true
}

// waitsBy: a server has begun to go by an MCLT, by which it waits if it has lost something.
func (o *oracle) waitsBy(m *Member) { o.mclt[m.i] = min(o.mclt[m.i], m.relation.MCLT) }

// forgot reports whether the disk of a server lacks something that it had.
func (o *oracle) forgot(m *Member, was *diskView) bool {
	for i := range was {
		if now := &o.disk[m.i][i]; now.ours < was[i].ours || now.theirs < was[i].theirs {
			return true
		}
	}
	return o.latest[m.i].After(m.clk.now())
}

// kept sees to I2: what a client or the other server was told is on the disk.
func (o *oracle) kept(m *Member) {
	for i := range o.told[m.i] {
		p, now := &o.told[m.i][i], &o.disk[m.i][i]
		if p.client != nil && now.ours < p.ours {
			o.w.fail("I2: %s forgot what it told client %d of %v", m.name, p.client.id, addressOf(i))
		}
		if t := &o.wire[m.i][i]; now.theirs < t.acknowledged {
			o.w.fail("I2: %s forgot what it acknowledged of %v", m.name, addressOf(i))
		}
	}
}

// crashed: a process ended.
func (o *oracle) crashed(m *Member) {
	for i := range o.wire[m.i] {
		o.wire[m.i][i].sent = 0
	}
}

// lost: something that a server's disk had is gone.
func (o *oracle) lost(m *Member) {
	o.lostAt[m.i], o.lost_[m.i], o.ever[m.i] = o.w.now, true, true
	o.told[m.i] = [addresses]promise{}
	o.mclt[m.i] = o.w.set.MCLT
	if m.relation.MCLT > 0 {
		o.mclt[m.i] = min(o.mclt[m.i], m.relation.MCLT)
	}
	for i := range o.wire[m.i] {
		o.wire[m.i][i] = talk{runs: o.wire[m.i][i].runs} // which may be on its way
	}
	o.record[m.i], o.latest[m.i] = failover.Record{}, time.Time{}
}

// changed: a server decided that a binding is another one.
func (o *oracle) changed(m *Member, b *binding.Binding) {
	o.touched = true
	i, ok := place(b.Addr())
	if !ok {
		o.w.fail("%s changed %v, which is on no link", m.name, b.Prefix)
		return
	}
	o.dirty = append(o.dirty, i)
	o.reused(m, i, b)
}

// durable: what was decided in a load is on the disk.
func (o *oracle) durable(m *Member, l *load) {
	if l.at.After(o.latest[m.i]) {
		o.latest[m.i] = l.at
	}
	for i := range l.effects.Changes {
		b := &l.effects.Changes[i].Binding
		if k, ok := place(b.Addr()); ok {
			o.disk[m.i][k] = o.briefOf(b)
		}
	}
}

// decidedRecord: the relationship's record is another one.
func (o *oracle) decidedRecord(m *Member, r *failover.Record) {
	if r.State == failover.PartnerDown && o.record[m.i].State != r.State {
		o.downSince[m.i] = o.w.now
	}
	o.record[m.i] = *r
	o.full, o.touched = true, true
}

// stepped: a server has decided something.
func (o *oracle) stepped(m *Member) {}

// afterEvent is everything that is looked at after each event.
func (o *oracle) afterEvent() {
	if o.w.failed != "" {
		return
	}
	if o.touched || o.w.now-o.lastFull > 10*time.Minute {
		o.authority()
	}
}

// authority sees to I4: nobody's free address is both servers' to give, nor one's that has a lease by what the other knows. Of addresses whose bindings did not change it can only
// be otherwise after a record did, or as time goes by.
func (o *oracle) authority() {
	dirty, all := o.dirty, o.full || o.w.now-o.lastFull > 10*time.Minute
	o.touched, o.dirty = false, o.dirty[:0]
	a, b := o.w.members[0], o.w.members[1]
	if o.w.set.Outside || !a.gives() && !b.gives() || !a.renews() || !b.renews() {
		o.full = o.full || all // what was not looked at is looked at later
		if len(dirty) > 0 {
			o.full = true
		}
		return
	}
	if !all {
		for _, i := range dirty {
			o.mine(i, a, b)
		}
		return
	}
	o.full, o.lastFull = false, o.w.now
	s := o.w.set
	for n := range s.Pool + 4 + s.FarPool {
		i := firstAddress + n
		if n >= s.Pool+4 {
			i = 256 + firstFarAddress + n - s.Pool - 4
		}
		o.mine(i, a, b)
	}
}

// mine sees to it that the address of a place is not both servers' to give.
func (o *oracle) mine(i int, a, b *Member) {
	if o.w.failed != "" || !a.pools(i) || !b.pools(i) || a.keeps(i) || b.keeps(i) {
		return
	}
	if !o.gives(a, i) || !o.gives(b, i) || !o.view[0][i].unheld() && !o.view[1][i].unheld() {
		return
	}
	addr := addressOf(i)
	p, q := a.bindingOf(addr), b.bindingOf(addr)
	if (leases(a, p) || a.mayGive(addr, p)) && (leases(b, q) || b.mayGive(addr, q)) {
		o.w.fail("I4: both may give %v: %v %+v, %v %+v", addr, a.core.Endpoint().State(), p, b.core.Endpoint().State(), q)
	}
}

// gives reports whether a server may do something about an address: it is free there, or leased.
func (o *oracle) gives(m *Member, i int) bool {
	b := &o.view[m.i][i]
	return b.unheld() || b.state == binding.Active
}

// leases reports whether a client has an address, by what a server knows.
func leases(m *Member, b *binding.Binding) bool {
	return b != nil && b.State == binding.Active && b.Expires.After(m.clk.now())
}

// renews reports whether a server answers clients that it knows.
func (m *Member) renews() bool {
	return m.serves() && !m.full && m.core.Endpoint() != nil && m.core.Endpoint().Terms().Known
}

// mayGive reports whether a server may give an address, whose binding is b, to a new client now.
func (m *Member) mayGive(a netip.Addr, b *binding.Binding) bool {
	return m.gives() && !m.core.Withholds(a) && m.core.Endpoint().MayGive(m.clk.now(), a, b)
}

// gives reports whether a server answers new clients.
func (m *Member) gives() bool {
	return m.serves() && !m.full && m.core.Endpoint() != nil && m.core.Endpoint().Terms().New
}

// bindingOf returns what a server knows of an address; nil: nothing.
func (m *Member) bindingOf(a netip.Addr) *binding.Binding {
	b, ok := m.core.Table().Get(single(a))
	if !ok {
		return nil
	}
	return &b
}

// noted: a server has something to say to its operator.
func (w *World) noted(m *Member, n *failover.Note) {
	w.trace('n', m.i, []byte{byte(n.Kind), byte(n.From), byte(n.To)})
	switch n.Kind {
	case failover.StateChanged:
		w.logf("%s: %v -> %v: %s", m.name, n.From, n.To, n.Cause)
		w.marks.transition(n.From, n.To)
		if n.To == failover.Normal {
			w.oracle.met = true
			w.oracle.lost_[m.i] = false
		}
		w.strike(MomentState, m, what{state: n.To})
	case failover.LinkOpened:
		w.link.vain = 0
		w.oracle.mustHear[m.i] = false
	case failover.ConflictFound:
		w.logf("%s: conflict about %v: %v keeps it, %v may have it too: %s", m.name, n.Prefix, &n.Kept, &n.Lost, n.Cause)
		w.ledger.name(n.Prefix.Addr(), n.Kept, n.Lost)
		w.marks.hit(MarkConflict)
	case failover.UpdateRefused:
		w.logf("%s: refused %v: %s", m.name, n.Prefix, n.Cause)
		w.marks.hit(MarkUpdateRefused)
	case failover.StoreWentBack:
		w.logf("%s: %s", m.name, n.Cause)
		w.marks.hit(MarkStoreWentBack)
	default:
		w.logf("%s: note %d %s", m.name, n.Kind, n.Cause)
		w.marks.note(n.Kind)
	}
}

var _ = node.At
