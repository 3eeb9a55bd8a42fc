package node

import (
	"strconv"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/logbook"
	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

// bookRead is what was found in one book.
type bookRead struct {
	pages []logbook.Page // all that can be read, the oldest first
	runs  []runRead      // in their order
	// whole says that the book begins with the beginning of its first run.
	whole bool
}

// runRead is what one book has of a run.
type runRead struct {
	run         int64
	first, last int // its pages are those from first on and before last, the one that says how it ended left out
	next        uint64
	ended       bool // it is known how
	dead        bool // without notice
	at          time.Time
	missed      uint64
}

// readBooks reads what was written before this run. Whatever is in the files, the server goes on.
func (n *Node) readBooks() {
	b := n.books
	lastRun, alive := b.lastLife()
	b.live(n.clock.now()) // so that the next run knows of this one, whatever becomes of it
	var read [5]bookRead
	for i, k := range b.all() {
		err := k.to.Read(func(p logbook.Page) {
			if p.Run != b.run {
				read[i].add(p)
			}
		})
		if err != nil {
			n.log.Warn("a part of what was written down before cannot be read: the server goes on without", "book", k.name, "error", err)
		}
		for _, r := range read[i].unended(lastRun, alive) {
			w := written{}
			w.putTime(r.at)
			w.putNumber(0)
			_ = k.end(r.run, pageOfADeath, w.b) // what it says is said now, too
		}
	}
	b.earlier.recall(&read[0], &read[1], b.run)
	b.earlier.recallStates(&read[4], n.self, b.run)
	n.hub.recall(&read[3], &read[2])
}

// end writes into a book that a run ended.
func (k *book) end(run int64, kind uint32, body []byte) error {
	return k.to.Append(&logbook.Page{Run: run, First: k.next, Kind: kind, Body: body})
}

// lastLife returns which run was the latest to say that it lives, and when; zero if that is not known.
func (b *books) lastLife() (run int64, at time.Time) {
	text, err := ownfile.ReadFirst(b.alivePath(), 64)
	if err != nil {
		return 0, at
	}
	number, when, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	run, err = strconv.ParseInt(number, 10, 64)
	at, badTime := time.Parse(lifeLayout, when)
	if err != nil || badTime != nil || run <= 0 || run == b.run {
		return 0, time.Time{}
	}
	return run, at
}

// add takes the next page.
func (r *bookRead) add(p logbook.Page) {
	if len(r.runs) == 0 {
		r.whole = p.First == 0
	}
	if len(r.runs) == 0 || r.runs[len(r.runs)-1].run != p.Run {
		r.runs = append(r.runs, runRead{run: p.Run, first: len(r.pages), last: len(r.pages)})
	}
	of := &r.runs[len(r.runs)-1]
	if p.Kind == pageOfEntries {
		r.pages = append(r.pages, p)
		of.last = len(r.pages)
		return
	}
	w := written{b: p.Body}
	at, missed := w.time(), w.number()
	if w.bad || missed >= mostEvents || p.Kind != pageOfTheEnd && p.Kind != pageOfADeath {
		return
	}
	of.ended, of.dead, of.at, of.missed, of.next = true, p.Kind == pageOfADeath, at.Time, missed, p.First
}

// unended ends the runs of which it is not known how they did, the last one by its last sign of life, and returns that one if nobody has
// written so yet.
func (r *bookRead) unended(last int64, alive time.Time) (again []runRead) {
	if last != 0 && (len(r.runs) == 0 || r.runs[len(r.runs)-1].run < last) {
		r.whole = r.whole || len(r.runs) == 0
		r.runs = append(r.runs, runRead{run: last, first: len(r.pages), last: len(r.pages)})
	}
	for i := range r.runs {
		of := &r.runs[i]
		if of.ended {
			continue
		}
		of.ended, of.dead = true, true
		if of.run == last {
			of.at = alive
		}
		if i == len(r.runs)-1 {
			again = append(again, *of)
		}
	}
	return again
}

// lived returns when a run was last known to live: as it said, or when something happened to it later.
func (r *runRead) lived(happened time.Time) time.Time {
	at := r.at
	if happened.After(at) {
		at = happened
	}
	if at.IsZero() {
		at = time.UnixMilli(r.run)
	}
	return at.UTC()
}

// continued returns how many entries are missing before each page of a run, in order, and behind its last.
func (r *bookRead) continued(i int) (before []uint64, behind uint64) {
	of := &r.runs[i]
	next := uint64(0)
	for j, p := range r.pages[of.first:of.last] {
		if i == 0 && j == 0 {
			next = p.First // what was before it made room
		}
		before = append(before, p.First-min(next, p.First))
		next = p.First + uint64(p.Count)
	}
	if !of.dead && of.next > next && (i > 0 || of.last > of.first) {
		behind = of.next - next
	}
	return before, behind
}
