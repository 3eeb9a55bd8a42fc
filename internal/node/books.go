package node

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/lessor-dhcp/lessor/internal/logbook"
	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

// PastName is the name of the directory, in the data directory, in which is written what happens. It has at most 32 MiB.
const PastName = "past"

// How long each book is, in octets.
const (
	changesBook  = 12 << 20
	renewalsBook = 12 << 20
	leasesBook   = 4 << 20
	troublesBook = 3 << 20
	statesBook   = 1 << 20
)

// Kinds of pages.
const (
	pageOfEntries = iota + 1 // of what the book is about
	pageOfTheEnd             // the run ended here, and what there was of it is written: the time, and keptEvents.missed
	pageOfADeath             // the run ended here without notice: when it was last known to live
)

// books are what happens, written down for who asks after a restart, and what was written before this run. Nobody waits for them: what is to
// be written lies in memory anyway, whoever writes takes it from there some at a time, and what is driven out there before is missing here.
type books struct {
	dir   string // empty: nothing is written
	run   int64
	grown chan struct{} // to the writer: there may be something to write

	changes, renewals, leases, troubles, states book

	pages changePages
	found []pastEntry
	kept  []keptEvent
	line  []StateTransition
	text  written

	// served is closed when clients are answered, and read when what was written before is known, or it is clear that it will not be.
	served, read chan struct{}
	serving      sync.Once
	earlier      earlierRuns

	mu     sync.Mutex // guards what follows
	lost   uint64     // of this run, by a writer who was too slow
	lostAt time.Time  // the latest
	bad    trouble    // why it cannot be written
}

// book is one of the books, and how far it is written.
type book struct {
	name string
	most int64
	to   *logbook.Book
	next uint64 // the number of what is written next
}

func (b *books) all() []*book {
	return []*book{&b.changes, &b.renewals, &b.leases, &b.troubles, &b.states}
}

// writeAfter is how long what happens may lie in memory alone: it is written together.
const writeAfter = 100 * time.Millisecond

// lifeSign is how often a server that has nothing to write says that it lives.
const lifeSign = time.Minute

// newBooks returns the books of a server that began at a time; they are read and written in a directory, or nowhere.
func newBooks(dir string, run int64) *books {
	b := &books{dir: dir, run: run, grown: make(chan struct{}, 1), served: make(chan struct{}), read: make(chan struct{})}
	for i, of := range [...]book{{name: "changes", most: changesBook}, {name: "renewals", most: renewalsBook}, {name: "leases", most: leasesBook},
		{name: "troubles", most: troublesBook}, {name: "states", most: statesBook}} {
		*b.all()[i] = of
	}
	return b
}

// ring tells whoever writes that there is more. It never waits.
func ring(grown chan<- struct{}) {
	select {
	case grown <- struct{}{}:
	default: // it knows
	}
}

// serve lets the books be read: clients are answered.
func (b *books) serve() { b.serving.Do(func() { close(b.served) }) }

// keepBooks reads what was written before, once clients are answered, and writes what happens until over is closed, and then the rest.
func (n *Node) keepBooks(over <-chan struct{}) {
	b := n.books
	defer b.close()
	select {
	case <-b.served:
	case <-over:
	}
	ok := n.openBooks()
	close(b.read)
	if !ok {
		return
	}
	alive := time.NewTicker(lifeSign)
	defer alive.Stop()
	n.writeBooks()
	b.live(n.clock.now())
	for {
		select {
		case <-b.grown:
		case <-alive.C:
			n.writeBooks()
			b.live(n.clock.now())
			continue
		case <-over:
			n.endBooks()
			return
		}
		select { // what else happens now is written with it
		case <-time.After(writeAfter):
		case <-over:
		}
		n.writeBooks()
	}
}

// openBooks makes the directory and reads what is in it; false: nothing can be written.
func (n *Node) openBooks() bool {
	b := n.books
	if b.dir == "" {
		return false
	}
	if err := ownfile.MakeDir(b.dir); err != nil {
		b.note(err, n.clock.now(), n.log)
		return false
	}
	for _, k := range b.all() {
		k.to = logbook.New(b.dir, k.name, k.most)
	}
	n.readBooks()
	n.hub.mu.Lock()
	n.hub.grown = b.grown
	n.hub.mu.Unlock()
	ring(b.grown)
	return true
}

// note keeps why the books cannot be written, or, nil, that they can.
func (b *books) note(err error, now time.Time, log *slog.Logger) {
	b.mu.Lock()
	was := b.bad.err
	b.bad.set(err, now)
	b.mu.Unlock()
	switch {
	case err != nil && was == nil:
		log.Warn("what happens cannot be written down: after a restart it will not be known", "error", err)
	case err == nil && was != nil:
		log.Info("what happens is written down again")
	}
}

// lose counts what is not written since it was not there any more.
func (b *books) lose(n uint64, now time.Time) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost, b.lostAt = b.lost+n, now
}

func (b *books) close() {
	for _, k := range b.all() {
		if k.to != nil {
			_ = k.to.Close() // nobody was promised that it is there
		}
	}
}

// alarms says that what happens is not written, or was not for the last hour.
func (b *books) alarms(now time.Time) []Alarm {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := Alarm{Code: "past-not-written", Severity: Warning, Since: At(b.bad.since)}
	switch {
	case b.bad.err != nil:
		a.Title = "What happens is not written down"
		a.Text = fmt.Sprintf("after a restart it will not be known what became of leases and states since: %v", b.bad.err)
		a.Remedy = "look at " + b.dir + " and its disk; clients are served all the same"
	case b.lost > 0 && now.Sub(b.lostAt) < time.Hour:
		a.Since = At(b.lostAt)
		a.Title = "Some of what happened was not written down"
		a.Text = fmt.Sprintf("after a restart %d changes of leases, events and states will be missing: the disk took them too slowly", b.lost)
		a.Remedy = "nothing has to be done for clients; a faster disk keeps up"
	default:
		return nil
	}
	return []Alarm{a}
}

// alivePath is the file that says when the server was last known to live.
func (b *books) alivePath() string { return filepath.Join(b.dir, "alive") }

// add writes a page to a book, and notes how far it is written.
func (b *books) add(k *book, first uint64, count int, kind uint32, body []byte) error {
	err := k.to.Append(&logbook.Page{Run: b.run, First: first, Count: uint32(count), Kind: kind, Body: body})
	if err == nil && kind == pageOfEntries {
		k.next = first + uint64(count)
	}
	return err
}

// recalled waits until it is known what was written before this run.
func (b *books) recalled(ctx context.Context) error {
	select {
	case <-b.read:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
