package node

import (
	"context"
	"log/slog"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/socket"
	"github.com/lessor-dhcp/lessor/internal/store"
)

const (
	// fullLoad is how many replies, or messages for the partner, one commit waits for at most; while the committer is busy, no
	// more is decided then.
	fullLoad = 2048
	// fullBatch is how many octets one commit takes at most before no more is decided; what is in hand by then may
	// double it, and the journal always has room for 1 MiB (store.Room).
	fullBatch = 512 << 10
	// fullHeard is how many octets of the other server's messages one commit answers at most, and fullNotes of how many things that
	// happened between the two it tells: what is refused, or was heard before, adds nothing to the batch. The rest waits on the
	// connection, and then at the other server.
	fullHeard = fullBatch
	fullNotes = 2048
	// roomAfter is how often a full disk is looked at again.
	roomAfter = time.Second
	// snapshotPause is how long an idle server waits between two steps of a snapshot.
	snapshotPause = 2 * time.Millisecond
	// fullPause is how long the decider sleeps at least while there is so much to commit that no more is decided. A commit wakes it.
	fullPause = 50 * time.Millisecond
)

// load is what was decided since the committer was last free: one commit's worth.
type load struct {
	batch    *store.Batch
	effects  Effects
	begun    time.Time        // when something was decided first
	noted    int              // of effects.Notes
	heard    int              // octets of the other server's messages that were decided
	record   *failover.Record // of effects.Record, encoded last
	encoded  int              // of effects.Changes
	commit   uint64
	outgoing []socket.Outgoing
	targets  []socket.Target
	waiting  []chan<- error // operators whose commands are in it
	err      error
}

func (l *load) empty() bool { return l.effects.Empty() && len(l.waiting) == 0 }

// tell answers the operators: nil if what they wanted is durable.
func (l *load) tell(err error) {
	for _, w := range l.waiting {
		w <- err // each has room for its one answer
	}
	l.waiting = l.waiting[:0]
}
func (l *load) full() bool {
	return len(l.effects.Replies) >= fullLoad || len(l.effects.ToPartner) >= fullLoad || l.batch.Bytes() >= fullBatch || len(l.effects.Changes) >= mostChanges ||
		l.heard >= fullHeard || len(l.effects.Notes) >= fullNotes
}

// answered is somebody who uses an address.
type answered = socket.Target

// decide is the loop of the goroutine that decides whatever is no packet (answer does those), in its turn: it is called
// with n.deciding held, and holds it but while it waits. What came of it is the committer's.
func (n *Node) decide(ctx context.Context, ready func(waiting string), st *storeRunner) error {
	defer n.deciding.Unlock()
	n.current = n.fresh(&load{})
	n.wake = time.NewTimer(0)
	defer n.wake.Stop()
	defer func() { n.over = true; n.free.Broadcast() }()
	n.joinGroup()
	n.handle(LinksChanged{Links: linksOf(n.sockets.Links())})
	n.ready.Store(true)
	ready(n.waiting())
	n.books.serve()
	var stopping stopping
	for {
		n.stepSnapshot()
		n.stepSweep()
		n.noteDeclared()
		n.setWake()
		partner := n.partner.arriving()
		n.watched = n.current.full() || stopping.begun
		if n.current.full() {
			partner = nil
		}
		if stopping.done(n) {
			return n.finish()
		}
		n.carryOn()
		n.deciding.Unlock()
		select {
		case <-n.settled:
			n.deciding.Lock()
			if n.broken != nil {
				if err := n.reopen(ctx, n.broken, st); err != nil {
					return err
				}
			}
		case e := <-partner:
			n.deciding.Lock()
			n.partnerEvents(e)
		case f := <-n.control:
			n.deciding.Lock()
			n.run(f)
		case t := <-n.answers:
			n.deciding.Lock()
			n.handle(&ProbeAnswered{Addr: t.Addr, Interface: t.Link})
		case links := <-n.links:
			n.deciding.Lock()
			n.handle(LinksChanged{Links: linksOf(links)})
		case <-n.wake.C:
			n.deciding.Lock()
			n.core.Observe(n.hub.wanted())
			n.look()
			n.releaseEarly()
			n.handle(Tick{})
		case <-stopping.unless(ctx):
			n.deciding.Lock()
			stopping.begin(n)
		case <-stopping.late():
			n.deciding.Lock()
			return n.finish()
		}
	}
}

// run has f, which is somebody else's, decide.
func (n *Node) run(f func()) {
	n.begin(n.clock.now())
	f()
	n.encode(n.clock.now())
}

// durable goes on when a load is on the disk and its answers have left.
func (n *Node) durable(l *load) {
	n.tellPartner(l)
	if l.commit > 0 {
		n.handle(Durable{Commit: l.commit})
		ring(n.books.grown)
	}
	if d := &n.core.dismissal; d.ended && n.core.durable >= d.commit {
		n.keeper.dismissedDurably()
	}
}

// finish has what was decided committed and told, and nobody decides any more.
func (n *Node) finish() error {
	n.over = true
	for n.busy {
		n.free.Wait()
	}
	n.commit()
	return n.broken
}

// packets lets the core decide on what one read brought.
func (n *Node) packets(a *arrivals) {
	n.core.Observe(n.hub.wanted())
	now := n.clock.now()
	n.begin(now)
	n.checkRoom()
	n.tallies.reads.crowd(a.n)
	n.core.lookAhead(a.packets[:a.n])
	for i := range a.packets[:a.n] {
		n.core.Handle(now, &a.packets[i], &n.current.effects)
		n.encode(now)
	}
	if n.core.Untold() {
		n.handle(Tick{})
		n.noteDeclared()
	}
	n.wakeSooner(now)
}

// begin notes when the first of what is in hand is decided. A load in which there is nothing yet has not begun, whatever
// was decided since the last one to do nothing; nor has one in which there is only an event.
func (n *Node) begin(now time.Time) {
	if n.current.empty() || n.current.begun.IsZero() {
		n.current.begun = now
	}
}

// handle lets the core decide on one input.
func (n *Node) handle(in Input) {
	now := n.clock.now()
	n.begin(now)
	n.core.Handle(now, in, &n.current.effects)
	n.encode(now)
}

// encode writes what was newly decided, by now, into the batch.
func (n *Node) encode(now time.Time) {
	l := n.current
	if l.encoded < len(l.effects.Changes) || l.effects.Record != l.record {
		l.batch.At(now)
	}
	for ; l.encoded < len(l.effects.Changes); l.encoded++ {
		ch := &l.effects.Changes[l.encoded]
		l.batch.Put(ch.Commit, &ch.Binding)
		l.commit = ch.Commit
	}
	if rec := l.effects.Record; rec != l.record {
		l.record, l.commit = rec, max(l.commit, l.effects.RecordCommit)
		n.octets = rec.Append(n.octets[:0])
		l.batch.PutRelationship(l.commit, n.octets)
	}
	for ; l.noted < len(l.effects.Notes); l.noted++ {
		note := &l.effects.Notes[l.noted]
		e := noteEvent(now, note, n.partner.config.Partner)
		if n.partner.repeats(note) {
			e.Level = slog.LevelDebug
		}
		if n.partner.flood.lets(&e) {
			l.effects.Events = append(l.effects.Events, e)
		}
		n.partner.remember(now, note)
	}
}

// fresh prepares l for what is decided next.
func (n *Node) fresh(l *load) *load {
	l.tell(errDiscarded)
	l.effects.Reset()
	l.batch, l.encoded, l.commit, l.noted, l.heard, l.record, l.err, l.begun = n.store.Begin(), 0, 0, 0, 0, nil, nil, time.Time{}
	return l
}

// idle returns a load to fill: two go round.
func (n *Node) idle() *load {
	if l := n.spare; l != nil {
		n.spare = nil
		return l
	}
	return &load{}
}

func (n *Node) keep(l *load) { n.spare = l }

// setWake makes the decider wake when the core, or the store, is due.
func (n *Node) setWake() {
	now := n.clock.now()
	n.wakeAt = n.due(now)
	least := time.Millisecond
	if n.current.full() {
		least = fullPause
	}
	n.wake.Reset(max(n.wakeAt.Sub(now), least))
}

// wakeSooner is setWake where what the decider will wake for may be too late.
func (n *Node) wakeSooner(now time.Time) {
	if at := n.due(now); at.Before(n.wakeAt) {
		n.wakeAt = at
		n.wake.Reset(max(at.Sub(now), time.Millisecond))
	}
}

// due returns when the core, or the store, is due.
func (n *Node) due(now time.Time) time.Time {
	at := n.lookAt // a point in time, so that traffic does not put it off
	sooner := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	if n.snapshot != nil {
		sooner(now.Add(snapshotPause))
	}
	if until, waits := n.earlyUntil(); waits {
		sooner(until)
	}
	if n.core.Sweeping() {
		sooner(n.sweepAt)
	}
	if t, ok := n.core.Wake(); ok {
		sooner(t)
	}
	return at
}

// look does what is due once in a while: it sees whether the disk stands still, and asks again for room on it.
func (n *Node) look() {
	now := n.clock.now()
	if now.Before(n.lookAt) {
		return
	}
	n.lookAt = now.Add(roomAfter)
	n.lookAtDisk(now)
	n.checkRoom()
	if n.roomLost {
		n.store.Reserve()
	}
}

// checkRoom tells the core when there is no room for commits any more, or again.
func (n *Node) checkRoom() {
	err := n.store.Room()
	if lost := err != nil; lost != n.roomLost {
		n.roomLost = lost
		if lost {
			n.dropLink(errNoRoom) // so that the partner answers alone
		}
		n.core.Handle(n.clock.now(), StoreRoom{Full: lost}, &n.current.effects)
		n.roomEvent(err)
		if !lost && n.partner != nil && !n.core.joined() {
			n.joinGroup() // it waited for room
		}
	}
	if err == n.noRoom { // as ever
		return
	}
	n.noRoom = err
	n.mu.Lock()
	n.full.set(err, n.clock.now())
	n.mu.Unlock()
}

// linksOf returns the links on which clients are heard.
func linksOf(all []socket.Link) []Link {
	var ls []Link
	for _, l := range all {
		if l.Served {
			ls = append(ls, Link{Index: l.Index, Name: l.Name, Addrs: l.Addrs, Up: l.Up})
		}
	}
	return ls
}
