package peer

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// line is all connections to one member in one protocol. As long as none of them works, the member is dialled.
type line struct {
	member   Member
	protocol Protocol
	changed  chan struct{} // has one element when a link has come to life or gone
	reached  chan struct{} // has one element when the member was reached in another protocol: it is tried at once

	mu       sync.Mutex // guards what follows
	links    []*Link
	attempts uint64
	attempt  time.Time // the last one
	trouble  string    // why it failed; empty: it did not
}

func newLine(m Member, p Protocol) *line {
	return &line{member: m, protocol: p, changed: make(chan struct{}, 1), reached: make(chan struct{}, 1)}
}

// add takes a link in; false if there are as many already as a member may make.
func (n *line) add(l *Link, most int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	inbound := 0
	for _, other := range n.links {
		if other.inbound {
			inbound++
		}
	}
	if l.inbound && inbound >= most {
		return false
	}
	n.links = append(n.links, l)
	return true
}

func (n *line) remove(l *Link) {
	n.mu.Lock()
	n.links = slices.DeleteFunc(n.links, func(other *Link) bool { return other == l })
	n.mu.Unlock()
	n.change()
}

func (n *line) change() { notify(n.changed) }

// notify puts an element into a channel that has room for one, if there is none.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pause waits until the next attempt is due, or the member was reached in another protocol; false if ctx ended before.
func (n *line) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-n.reached:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// hurry runs try, and ends its context when the member is reached in another protocol meanwhile: what has waited for an answer since
// before that waits longer than one that begins anew. pause does not wait then.
func (n *line) hurry(ctx context.Context, try func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-n.reached:
			notify(n.reached)
			cancel()
		case <-ctx.Done():
		}
	}()
	try(ctx)
	cancel()
	<-done
}

// works reports whether the member talks to us on some link.
func (n *line) works() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.links, func(l *Link) bool { return l.wasHeard() && !l.isClosing() })
}

// idle returns when no link works; false if ctx ended before.
func (n *line) idle(ctx context.Context) bool {
	for n.works() {
		select {
		case <-n.changed:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// tried notes the outcome of an attempt to connect.
func (n *line) tried(now time.Time, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.attempts++
	n.attempt, n.trouble = now, ""
	if err != nil {
		n.trouble = err.Error()
	}
}

func (n *line) snapshot() LineStatus {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := LineStatus{Member: n.member.Name, Protocol: n.protocol, Peer: n.member.Peer, Attempts: n.attempts, LastAttempt: n.attempt, Trouble: n.trouble}
	for _, l := range n.links {
		s.Links = append(s.Links, LinkStatus{Inbound: l.inbound, Remote: l.remote, Since: l.since, Heard: l.wasHeard()})
	}
	slices.SortFunc(s.Links, func(a, b LinkStatus) int { return cmp.Or(a.Since.Compare(b.Since), a.Remote.Compare(b.Remote)) })
	return s
}
