package node

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
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
	// reopenAfter is how long after a failed attempt the store is opened anew.
	reopenAfter = time.Second
	// roomAfter is how often a full disk is looked at again.
	roomAfter = time.Second
	// snapshotPause is how long an idle server waits between two steps of a snapshot.
	snapshotPause = 2 * time.Millisecond
)

// load is what was decided since the committer was last free: one commit's worth.
type load struct {
	batch    *store.Batch
	effects  Effects
	begun    time.Time        // when something was decided first
	noted    int              // of effects.Notes
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
	return len(l.effects.Replies) >= fullLoad || len(l.effects.ToPartner) >= fullLoad || l.batch.Bytes() >= fullBatch
}

// answered is somebody who uses an address.
type answered = socket.Target

// decide is the loop of the one goroutine that decides. It takes what has arrived, lets the core decide, and hands
// what came of it to the committer whenever that is free: an idle server commits every answer at once, a busy one
// gathers what arrives during a sync into the next.
func (n *Node) decide(ctx context.Context, ready func(waiting string), st *storeRunner) error {
	n.current = n.fresh(&load{})
	busy := false
	wake := time.NewTimer(0)
	defer wake.Stop()
	n.joinGroup()
	n.handle(LinksChanged{Links: linksOf(n.sockets.Links())})
	n.ready.Store(true)
	ready(n.waiting())
	var stopping stopping
	for {
		if !busy && !n.current.empty() {
			n.work <- n.current
			n.current, busy = n.fresh(n.idle()), true
		}
		n.stepSnapshot()
		n.stepSweep()
		n.noteDeclared()
		n.setWake(wake)
		arrived, partner := n.arrived, n.partner.arriving()
		if n.current.full() {
			arrived, partner = nil, nil
		}
		if stopping.done(n, busy) {
			return n.finish(busy)
		}
		select {
		case a := <-arrived:
			n.packets(a)
		case l := <-n.done:
			busy = false
			if l.err != nil {
				if err := n.reopen(ctx, l.err, st); err != nil {
					return err
				}
			} else {
				n.durable(l)
			}
			n.keep(l)
		case e := <-partner:
			n.partnerEvent(e)
		case f := <-n.control:
			n.begin()
			f()
			n.encode()
		case t := <-n.answers:
			n.handle(&ProbeAnswered{Addr: t.Addr, Interface: t.Link})
		case links := <-n.links:
			n.handle(LinksChanged{Links: linksOf(links)})
		case <-wake.C:
			n.core.Observe(n.hub.wanted())
			n.look()
			n.releaseEarly()
			n.handle(Tick{})
		case <-stopping.unless(ctx):
			stopping.begin(n)
		case <-stopping.late():
			return n.finish(busy)
		}
	}
}

// durable goes on when a load is on the disk and its answers have left.
func (n *Node) durable(l *load) {
	n.tellPartner(l)
	if l.commit > 0 {
		n.handle(Durable{Commit: l.commit})
	}
}

// finish has what was decided committed and told.
func (n *Node) finish(busy bool) error {
	if busy {
		if l := <-n.done; l.err != nil {
			return l.err
		}
	}
	n.work <- n.current
	l := <-n.done
	return l.err
}

// packets lets the core decide on what one read brought.
func (n *Node) packets(a *arrivals) {
	n.core.Observe(n.hub.wanted())
	n.begin()
	n.checkRoom()
	now := n.clock.now()
	for i := range a.packets[:a.n] {
		n.core.Handle(now, &a.packets[i], &n.current.effects)
		n.encode()
	}
	if n.core.Untold() {
		n.handle(Tick{})
	}
	n.spent <- a
}

// begin notes when the first of what is in hand is decided. A load in which there is nothing yet has not begun, whatever
// was decided since the last one to do nothing; nor has one in which there is only an event.
func (n *Node) begin() {
	if n.current.empty() || n.current.begun.IsZero() {
		n.current.begun = n.clock.now()
	}
}

// handle lets the core decide on one input.
func (n *Node) handle(in Input) {
	n.begin()
	n.core.Handle(n.clock.now(), in, &n.current.effects)
	n.encode()
}

// encode writes what was newly decided into the batch.
func (n *Node) encode() {
	l := n.current
	if l.encoded < len(l.effects.Changes) || l.effects.Record != l.record {
		l.batch.At(n.clock.now())
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
		e := noteEvent(n.clock.now(), note, n.partner.config.Partner)
		if n.partner.repeats(note) {
			e.Level = slog.LevelDebug
		}
		if n.partner.flood.lets(&e) {
			l.effects.Events = append(l.effects.Events, e)
		}
		n.partner.remember(n.clock.now(), note)
	}
}

// fresh prepares l for what is decided next.
func (n *Node) fresh(l *load) *load {
	l.tell(errDiscarded)
	l.effects.Reset()
	l.batch, l.encoded, l.commit, l.noted, l.record, l.err, l.begun = n.store.Begin(), 0, 0, 0, nil, nil, time.Time{}
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

// setWake makes wake fire when the core, or the store, is due.
func (n *Node) setWake(wake *time.Timer) {
	now := n.clock.now()
	after := n.lookAt.Sub(now) // a point in time, so that traffic does not put it off
	if n.snapshot != nil {
		after = min(after, snapshotPause)
	}
	if at, waits := n.earlyUntil(); waits {
		after = min(after, at.Sub(now))
	}
	if n.core.Sweeping() {
		after = min(after, n.sweepAt.Sub(now))
	}
	if at, ok := n.core.Wake(); ok {
		after = min(after, at.Sub(now))
	}
	wake.Reset(max(after, time.Millisecond))
}

// look does what is due once in a while: it asks again for room on the disk.
func (n *Node) look() {
	now := n.clock.now()
	if now.Before(n.lookAt) {
		return
	}
	n.lookAt = now.Add(roomAfter)
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
	n.mu.Lock()
	n.full.set(err, n.clock.now())
	n.mu.Unlock()
}

// reopen goes on after a failed commit: everything decided on it is thrown away unseen, and the bindings are read anew
// from what is on the disk. It tries until it succeeds or ctx is done.
func (n *Node) reopen(ctx context.Context, why error, st *storeRunner) error {
	n.handle(CommitFailed{})
	n.current.tell(errDiscarded)
	n.reopening = true
	defer func() { n.reopening = false }()
	n.letGo(errReopened)
	if n.partner != nil {
		n.partner.wanted = false // until the core has joined anew
	}
	n.failureEvent(why)
	events := append([]Event(nil), n.current.effects.Events...)
	st.stop()
	n.opening.Lock()
	defer n.opening.Unlock()
	for {
		err := n.store.Close()
		if errors.Is(err, why) {
			err = nil // said already
		}
		table, commit, err2 := n.open(n.core.policy)
		if err = errors.Join(err, err2); err2 == nil {
			n.rebuilt(table, commit, events)
			st.start(n.store)
			return nil
		}
		n.log.Error("the store cannot be opened; trying again", "error", err, "after", reopenAfter)
		n.mu.Lock()
		n.failure.set(err, n.clock.now())
		n.mu.Unlock()
		if !n.pause(ctx, reopenAfter) {
			return errors.Join(why, err)
		}
	}
}

// pause waits, answering operators meanwhile; false if ctx is done.
func (n *Node) pause(ctx context.Context, d time.Duration) bool {
	until := time.After(d)
	for {
		select {
		case <-until:
			return true
		case f := <-n.control:
			f()
		case a := <-n.arrived:
			n.spent <- a // nobody is answered
		case e := <-n.partner.arriving():
			n.partnerEvent(e)
		case <-ctx.Done():
			return false
		}
	}
}

func (n *Node) rebuilt(table *binding.Table, commit uint64, events []Event) {
	n.core.Rebuild(table, commit)
	n.fresh(n.current)
	n.current.effects.Events = append(n.current.effects.Events, events...)
	n.roomLost, n.snapshot = false, nil
	n.checkRoom()
	n.joinGroup()
	n.mu.Lock()
	n.failure = trouble{}
	n.mu.Unlock()
	n.rebuiltEvent()
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
