package node

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/pool"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// relation is the relationship with the other server of the group. A core that serves alone has none.
type relation struct {
	config   failover.Config
	endpoint *failover.Endpoint
	terms    failover.Terms
	wake     time.Time
	overdue  time.Time // when wake was, of one that stood still and has had no room since to begin anew; else zero
	// untold is since when there are changes that the endpoint has not heard of; zero: there are none. They are told together, at the
	// next Tick, which is due at once: what one read of the sockets brought goes to the other server in one message.
	untold time.Time
	// connection counts the connections to the other server (NewWire), so that what was decided on one is not said on the next.
	connection uint64
	record     failover.Record // as it was persisted last
	lack       failover.Lack   // what was found to be lacking, while the store is opened anew
	shares     []pool.Range    // of the secondary: addresses without a binding that are its own
	unreadable []failover.Note // of the message that is heard next
}

// Partner is something that happened between this server and the other one of its group.
type Partner struct{ Event failover.Event }

func (*Partner) input() {}

// ToPartner is a message for the other server.
type ToPartner struct {
	// After is the number of the last commit whose state the message was decided on.
	After      uint64
	Connection uint64 // the one that it is for
	Envelope   failover.Envelope
}

// Join makes the core one of two servers that share their addresses: cfg is the relationship, and rec what of it was kept. It
// answers nobody until the endpoint's terms let it.
func (c *Core) Join(now time.Time, cfg failover.Config, rec failover.Record, out *Effects) {
	r := &relation{config: cfg}
	if c.relation != nil {
		rec = rec.Lacking(c.relation.lack, now)  // which need not say so, since that was not durable
		r.connection = c.relation.connection + 1 // what was decided before is said to nobody
	}
	r.record, c.relation = rec, r
	c.relation.endpoint = failover.New(cfg, rec, shared{c}, now)
	c.share(&rec)
	c.relate(now, failover.Tick{}, out)
}

// joined reports whether this server is one of two, and knows how it stands with the other.
func (c *Core) joined() bool { return c.relation != nil && c.relation.endpoint != nil }

// share tells the pools who owns what.
func (c *Core) share(rec *failover.Record) {
	r := c.relation
	r.shares = r.shares[:0]
	for _, run := range rec.Shares {
		r.shares = append(r.shares, pool.Range{First: run.First, Last: run.Last})
	}
	c.layShares()
}

func (c *Core) layShares() {
	if r := c.relation; r != nil {
		c.pools.Share(c.self, r.config.Partner, r.config.Role == failover.Primary, r.shares)
	}
}

// relate lets the endpoint decide about an event, and takes over what it says in its order.
func (c *Core) relate(now time.Time, ev failover.Event, out *Effects) {
	r, o := c.relation, &out.partner
	changes, sends, notes := len(o.Changes), len(o.Send), len(o.Notes)
	o.Persist, o.Close = nil, ""
	if to, ok := ev.(failover.Reconfigured); ok {
		to.Config.Guard = max(to.Config.Guard, c.guard) // what was granted before keeps its guard
		ev, r.config = to, to.Config
	}
	c.warm(ev)
	r.endpoint.Step(now, ev, shared{c}, o)
	begun := false
	begin := func() {
		if !begun {
			c.commit, begun = c.commit+1, true
		}
	}
	if o.Persist != nil {
		begin()
		out.Record, out.RecordCommit = o.Persist, c.commit
		r.record = *o.Persist
		c.share(o.Persist)
	}
	for i := changes; i < len(o.Changes); i++ {
		ch := responder.Change{Binding: o.Changes[i].Binding, Due: o.Changes[i].Due}
		if o.Changes[i].Quiet {
			c.table.Put(ch.Binding, ch.Due)
			continue
		}
		begin()
		if o.Changes[i].Sync {
			c.take(&ch, out)
			continue
		}
		c.toldOlder(ev, &ch.Binding)
		if _, heard := ev.(failover.Received); heard {
			c.teller = r.config.Partner
		}
		c.apply(&ch, out)
		c.teller = ""
		if c.catchingUp(ev) {
			c.ledger.putOff(now)
		} else {
			c.rejudge(now, &ch.Binding)
		}
	}
	for i := sends; i < len(o.Send); i++ {
		out.ToPartner = append(out.ToPartner, ToPartner{After: c.commit, Connection: r.connection, Envelope: o.Send[i]})
	}
	if o.Close != "" {
		out.ClosePartner, out.CloseAfter, out.CloseConnection = o.Close, c.commit, r.connection
	}
	out.Connect, out.Related = o.Connect, true
	out.Notes = append(out.Notes, r.unreadable...)
	r.unreadable = r.unreadable[:0]
	for i := notes; i < len(o.Notes); i++ {
		out.Notes = append(out.Notes, o.Notes[i])
	}
	r.terms, r.wake, r.untold = o.Terms, r.nextLook(now, o.Wake), time.Time{}
}

// catchingUp reports whether ev is of the many that a server is told which has lost what it knew. It answers nobody meanwhile.
func (c *Core) catchingUp(ev failover.Event) bool {
	in, heard := ev.(failover.Received)
	if !heard {
		return false
	}
	_, told := in.Message.(failover.BindingUpdate)
	return told && c.relation.endpoint.State() == failover.Recover
}

// warm brings what the endpoint will look at for a message from the partner nearer to the processor.
func (c *Core) warm(ev failover.Event) {
	in, heard := ev.(failover.Received)
	if !heard {
		return
	}
	switch m := in.Message.(type) {
	case failover.BindingUpdate:
		c.table.Warm(len(m.Updates), func(i int) *binding.Binding { return &m.Updates[i].Binding })
	case failover.BindingAck:
		var b binding.Binding
		c.table.Warm(len(m.Acks), func(i int) *binding.Binding {
			b.Prefix = m.Acks[i].Prefix
			return &b
		})
	}
}

// nextLook returns when the endpoint is asked next: also where it waits for nothing, so that in every state a server notices
// that it stood still.
func (r *relation) nextLook(now, wake time.Time) time.Time {
	if most := now.Add(r.config.ReceiveTimer); wake.IsZero() || wake.After(most) {
		return most
	}
	return wake
}

// changed notes that changes were put of which the other server must hear.
func (c *Core) changed(now time.Time) {
	if c.joined() && c.relation.untold.IsZero() {
		c.relation.untold = now
	}
}

// Untold reports whether Tick is due at once because the other server must hear of changes.
func (c *Core) Untold() bool { return c.joined() && !c.relation.untold.IsZero() }

// unread notes the bindings of a message that could not be read: they were refused, and the endpoint does not hear of them.
func (r *relation) unread(refused []failover.Ack) {
	for i := range refused {
		a := &refused[i]
		r.unreadable = append(r.unreadable, failover.Note{Kind: failover.UpdateRefused, Prefix: a.Prefix, Reason: a.Reason, Cause: "we: " + a.Text})
	}
}

// answeringTerms are those on which clients are answered now.
func (c *Core) answeringTerms(now time.Time) responder.Terms {
	t := c.terms
	t.Hurry = c.hurry.ready(now)
	if r := c.relation; r != nil {
		t.Known, t.New = t.Known && r.terms.Known, t.New && r.terms.New
		t.Balanced, t.Group = r.terms.Balanced, r.endpoint
		t.Partner = r.config.Partner
	}
	return t
}

// stamp makes a change of ours one that the other server will be told of.
func (c *Core) stamp(now time.Time, ch *responder.Change) {
	r := c.relation
	if !c.joined() {
		return
	}
	if !(shared{c}).Covers(ch.Binding.Addr()) {
		c.takenOut(ch)
		return
	}
	if old, had := c.table.Get(ch.Binding.Prefix); had {
		r.endpoint.Stamp(now, &old, &ch.Binding)
	} else {
		r.endpoint.Stamp(now, nil, &ch.Binding)
	}
	ch.Due = r.endpoint.Due(&ch.Binding)
}

// lapse returns what becomes of a binding that is due; false if it only is due at another time.
func (c *Core) lapse(now time.Time, b *binding.Binding) (responder.Change, bool) {
	if c.joined() && (shared{c}).Covers(b.Addr()) {
		ch := c.relation.endpoint.Lapse(now, b)
		return responder.Change{Binding: ch.Binding, Due: ch.Due}, !ch.Quiet
	}
	if c.joined() && wasShared(b) {
		n := *b
		if b.State == binding.Active {
			n = b.Lapse(now, c.self)
		}
		return responder.Change{Binding: n}, b.State == binding.Active
	}
	n := b.Lapse(now, c.self)
	return responder.Change{Binding: n, Due: n.Due(c.guard)}, true
}

// takenOut is stamp for an address that was shared, and is in no pool any more. Who owns it when it is free the two could not
// settle now; so what ended is not free before it is in a pool again, where its past goes on (DESIGN §2).
func (c *Core) takenOut(ch *responder.Change) {
	if b := &ch.Binding; wasShared(b) && b.State == binding.Free {
		b.State, b.Owner, ch.Due = binding.Expired, "", time.Time{}
	}
}

// wasShared reports whether either server ever told the other one of b.
func wasShared(b *binding.Binding) bool { return b.Sync.Ours != 0 || b.Sync.Theirs != 0 }

// nextRelated returns when the endpoint wants to be asked next.
func (c *Core) nextRelated() (time.Time, bool) {
	if !c.joined() {
		return time.Time{}, false
	}
	r := c.relation
	if !r.untold.IsZero() && (r.wake.IsZero() || r.untold.Before(r.wake)) {
		return r.untold, true
	}
	return r.wake, !r.wake.IsZero()
}

// shared is what the endpoint may look at.
type shared struct{ *Core }

// Get implements failover.View, as the others do.
func (s shared) Get(p netip.Prefix) (binding.Binding, bool) { return s.table.Get(p) }

func (s shared) Scan(from uint64, n int, each func(*binding.Binding) bool) (uint64, bool) {
	return s.table.Scan(from, n, each)
}

// Covers reports whether a is shared: an address of a pool or, between Lessors, one that is reserved for a host, or was until it is
// known who got it. An ISC server knows no others than those of pools.
func (s shared) Covers(a netip.Addr) bool {
	if s.pools.Covers(a) {
		return true
	}
	if s.relation.config.Protocol != failover.Lessor {
		return false
	}
	return s.policy.ReservedFor(a) != nil || s.agreed != nil && s.agreed.ReservedFor(a) != nil || s.Withholds(a)
}

func (s shared) Ranges() int { return s.pools.Ranges() }

func (s shared) FreeOf(i int, owner binding.Member) uint64 { return s.pools.FreeOf(i, owner) }

func (s shared) EachFree(i int, owner binding.Member, each func(*binding.Binding) bool) {
	s.pools.EachFree(i, owner, each)
}

func (s shared) EachUnused(i int, each func(first, last netip.Addr) bool) {
	s.pools.EachUnused(i, each)
}
