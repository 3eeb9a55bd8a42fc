package node

import (
	"errors"
	"fmt"
	"time"

	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

// writeBooks writes what there is to be written, unless the disk's last room is for leases; false: something is left.
func (n *Node) writeBooks() bool {
	more, err := true, error(nil)
	for more && err == nil && !n.lastRoom() {
		more, err = n.writeSome()
	}
	n.deciding.Lock()
	rare, renewals := n.core.past.rare.end, n.core.past.renewals.end
	n.deciding.Unlock()
	n.books.earlier.trim(rare, renewals)
	return !more && err == nil
}

// lastRoom reports whether there is no room on the disk but what the journal may need.
func (n *Node) lastRoom() bool {
	n.deciding.Lock()
	defer n.deciding.Unlock()
	return n.noRoom != nil
}

// writeSome writes a page to each book for which there is something, and reports whether there may be more.
func (n *Node) writeSome() (more bool, err error) {
	var errs []error
	for _, write := range [...]func() (bool, error){n.writeChanges, n.writeRenewals, n.writeTroubles, n.writeLeaseEvents, n.writeStates} {
		again, err := write()
		more = more || again
		errs = append(errs, err)
	}
	err = errors.Join(errs...)
	n.books.note(err, n.clock.now(), n.log)
	return more, err
}

func (n *Node) writeChanges() (more bool, err error) {
	return n.writeRing(&n.books.changes, &n.core.past.rare, keptRare)
}

func (n *Node) writeRenewals() (more bool, err error) {
	return n.writeRing(&n.books.renewals, &n.core.past.renewals, keptRenewals)
}

// writeRing writes changes of leases that are durable, at most a page.
func (n *Node) writeRing(k *book, r *pastRing, most uint64) (more bool, err error) {
	b := n.books
	n.deciding.Lock()
	past := &n.core.past
	first := max(k.next, r.begin)
	b.found = b.found[:0]
	for i := first; i < r.end && len(b.found) < changesAPage; i++ {
		e := r.at(i, most)
		if int32(e.commit-uint32(n.core.durable)) > 0 {
			break
		}
		b.found = append(b.found, *e)
	}
	members, versions := past.members, past.versions // what is in them stays as it is
	n.deciding.Unlock()
	b.lose(first-k.next, n.clock.now())
	k.next = first
	if len(b.found) == 0 {
		return false, nil
	}
	err = b.add(k, first, len(b.found), pageOfEntries, b.pages.page(b.found, members, versions))
	return len(b.found) == changesAPage, err
}

// eventsAPage is how many events are taken at once, and pageLength about how long a page of texts may be, in octets.
const (
	eventsAPage = 256
	pageLength  = 1 << 18
)

func (n *Node) writeTroubles() (more bool, err error) {
	return n.writeEvents(&n.books.troubles, &n.hub.kept.troubles)
}

func (n *Node) writeLeaseEvents() (more bool, err error) {
	return n.writeEvents(&n.books.leases, &n.hub.kept.leases)
}

// writeEvents writes events that are kept, at most a page.
func (n *Node) writeEvents(k *book, r *eventRing) (more bool, err error) {
	b := n.books
	n.hub.mu.Lock()
	first := max(k.next, r.added-min(r.added, uint64(len(r.events))))
	b.kept = b.kept[:0]
	for i := first; i < r.added && len(b.kept) < eventsAPage; i++ {
		b.kept = append(b.kept, *r.at(len(r.events) - int(r.added-i)))
		b.kept[len(b.kept)-1].missed -= n.hub.missedBefore
	}
	n.hub.mu.Unlock()
	b.lose(first-k.next, n.clock.now())
	k.next = first
	b.text.b = b.text.b[:0]
	count := 0
	for i := range b.kept {
		if b.text.putEvent(&b.kept[i]); len(b.text.b) > pageLength {
			count = i + 1
			break
		}
		count = i + 1
	}
	clear(b.kept) // their texts may go
	if count == 0 {
		return false, nil
	}
	more = count < len(b.kept) || count == eventsAPage
	return more, b.add(k, first, count, pageOfEntries, b.text.b)
}

// writeStates writes the states that began, at most a page.
func (n *Node) writeStates() (more bool, err error) {
	p := n.partner
	if p == nil {
		return false, nil
	}
	b, k := n.books, &n.books.states
	n.deciding.Lock()
	first := max(k.next, p.transited-uint64(len(p.transitions)))
	from := p.transitions[len(p.transitions)-int(p.transited-first):]
	b.line = append(b.line[:0], from[:min(len(from), eventsAPage)]...)
	n.deciding.Unlock()
	b.lose(first-k.next, n.clock.now())
	k.next = first
	if len(b.line) == 0 {
		return false, nil
	}
	b.text.b = b.text.b[:0]
	for i := range b.line {
		b.text.putState(&b.line[i])
	}
	return len(b.line) == eventsAPage, b.add(k, first, len(b.line), pageOfEntries, b.text.b)
}

// endBooks writes what is left, and that it is all.
func (n *Node) endBooks() {
	if !n.writeBooks() {
		return // the next run says that something may be missing
	}
	n.hub.mu.Lock()
	n.hub.countUntold()
	missed := n.hub.kept.missed - n.hub.missedBefore
	n.hub.mu.Unlock()
	n.books.endRun(n.books.run, pageOfTheEnd, n.clock.now(), missed)
}

// endRun writes into each book that a run ended at a time.
func (b *books) endRun(run int64, kind uint32, at time.Time, missed uint64) {
	w := written{}
	w.putTime(at)
	w.putNumber(missed)
	for _, k := range b.all() {
		_ = k.end(run, kind, w.b) // without it, the next run says that something may be missing
	}
}

// live says that the server lives.
func (b *books) live(now time.Time) {
	f, err := ownfile.Open(b.alivePath())
	if err != nil {
		return // without it, it is known less well when a run ended
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "%020d %s\n", b.run, now.UTC().Format(lifeLayout)), 0)
	_ = errors.Join(err, f.Close())
}

// lifeLayout has the same length whatever the time.
const lifeLayout = "2006-01-02T15:04:05.000Z"
