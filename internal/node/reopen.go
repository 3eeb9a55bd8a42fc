package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// reopenAfter is how long after a failed attempt the store is opened anew.
const reopenAfter = time.Second

// opened is a store that was opened anew, and what is in it.
type opened struct {
	store  *store.Store
	table  *binding.Table
	commit uint64
	err    error // why it is not open; the server ends
}

// reopen goes on after a failed commit: everything decided on it is thrown away unseen, and the bindings are read anew
// from what is on the disk. It tries until it succeeds or ctx is done, and answers operators meanwhile, also while the disk stands
// still. Whoever asks for an address waits in the kernel.
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
	n.fails(why)
	n.attempts(n.clock.now()) // from now on: what has not come back from the disk is waited for, too
	old, p, done := n.store, n.core.policy, make(chan opened, 1)
	go func() { done <- n.openAnew(ctx, why, st, old, p) }()
	o := n.awaitOpened(done)
	defer n.opening.Unlock() // which openAnew has taken
	if o.err != nil {
		return errors.Join(why, o.err)
	}
	n.store = o.store
	n.rebuilt(o.table, o.commit)
	st.start(n.store)
	return nil
}

// openAnew closes the old store and opens and reads the directory until that succeeds or ctx is done. It returns with n.opening held.
func (n *Node) openAnew(ctx context.Context, why error, st *storeRunner, old *store.Store, p *policy.Policy) opened {
	n.opening.Lock()
	st.stop()
	for {
		err := old.Close()
		if errors.Is(err, why) {
			err = nil // said already
		}
		s, table, commit, err2 := n.open(p)
		n.attempts(time.Time{})
		if err2 == nil {
			return opened{store: s, table: table, commit: commit}
		}
		err = errors.Join(err, err2)
		n.log.Error("the store cannot be opened; trying again", "error", err, "after", reopenAfter)
		n.fails(err)
		select {
		case <-time.After(reopenAfter):
			n.attempts(n.clock.now())
		case <-ctx.Done():
			return opened{err: err}
		}
	}
}

// awaitOpened waits for the store, answering operators meanwhile. It tells, once, where that takes long.
func (n *Node) awaitOpened(done <-chan opened) opened {
	late := time.After(stalledAfter)
	for {
		n.deciding.Unlock()
		select {
		case o := <-done:
			n.deciding.Lock()
			return o
		case f := <-n.control:
			n.deciding.Lock()
			f()
		case e := <-n.partner.arriving():
			n.deciding.Lock()
			n.partnerEvent(e)
		case <-late:
			n.deciding.Lock()
			n.lateEvent()
		}
	}
}

// fails notes why the store is not open.
func (n *Node) fails(err error) {
	n.mu.Lock()
	n.failure.set(err, n.clock.now())
	n.mu.Unlock()
}

// attempts notes since when the store is being opened; zero: it is not.
func (n *Node) attempts(since time.Time) {
	n.mu.Lock()
	n.attempt = since
	n.mu.Unlock()
}

func (n *Node) rebuilt(table *binding.Table, commit uint64) {
	events := append([]Event(nil), n.current.effects.Events...)
	n.core.Rebuild(table, commit)
	n.fresh(n.current)
	n.current.effects.Events = append(n.current.effects.Events, events...)
	n.roomLost, n.snapshot, n.broken = false, nil, nil
	n.checkRoom()
	n.joinGroup()
	n.mu.Lock()
	n.failure = trouble{}
	n.mu.Unlock()
	n.rebuiltEvent()
	n.free.Broadcast() // to whoever has packets that came meanwhile
}

// failedAlarm says why the store is not open, and whether the disk lets go of the attempt to open it. The caller holds n.mu.
func (n *Node) failedAlarm(now time.Time) Alarm {
	a := Alarm{Code: "store-failed", Title: "The data directory cannot be written", Severity: Critical, Since: At(n.failure.since),
		Text: "nobody is answered: " + n.failure.err.Error(), Remedy: "look at the disk (dmesg); the server tries again by itself"}
	if d := now.Sub(n.attempt); !n.attempt.IsZero() && d >= stalledAfter {
		a.Text += fmt.Sprintf("; opening the store anew has taken %v so far: the disk of %s is slow, or stands still", d.Round(time.Second), n.doc.Server.Data)
		a.Remedy = "look at the disk (dmesg, iostat -x 1, smartctl -a); a restart does not help; the server goes on by itself"
	}
	return a
}

// failureEvent and lateEvent tell at once what rests on no commit.
func (n *Node) failureEvent(err error) {
	n.alarmNow("a commit failed: nothing that was decided on it is sent, and the store is read anew", err.Error())
}

func (n *Node) lateEvent() {
	n.alarmNow("the store is still being opened anew: nobody is answered until it is", fmt.Sprintf("for %v so far; a disk that stands still does that", stalledAfter))
}

func (n *Node) rebuiltEvent() {
	n.storeEvent(slog.LevelInfo, "the store was read anew: clients are answered again", "")
}
