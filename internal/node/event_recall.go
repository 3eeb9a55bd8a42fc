package node

import (
	"cmp"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/logbook"
)

// earlierEvents is where the events of a run before this one stand in the order of all: base + EventID.Number, up to last.
type earlierEvents struct{ run, base, last int64 }

// runEvents are the events of one run that were written, and what is said of those that are missing.
type runEvents struct {
	run              int64
	troubles, leases []keptEvent
	last             int64 // EventID.Number
	missed           uint64
	dead             bool
}

// recall puts what was written of events before those of this run.
func (h *hub) recall(troubles, leases *bookRead) {
	runs := map[int64]*runEvents{}
	for _, read := range []*bookRead{troubles, leases} {
		for i := range read.runs {
			id := read.runs[i].run
			if runs[id] == nil {
				runs[id] = &runEvents{run: id}
			}
			of := runs[id]
			events := read.events(i, of)
			if read == troubles {
				of.troubles = events
			} else {
				of.leases = events
			}
			of.missed, of.dead = max(of.missed, read.runs[i].missed), of.dead || read.runs[i].dead
		}
	}
	all := make([]*runEvents, 0, len(runs))
	for _, r := range runs {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *runEvents) int { return cmp.Compare(a.run, b.run) })
	if len(all) > 0 {
		h.take(all, troubles.beginsWith(all[0].run), leases.beginsWith(all[0].run))
	}
}

// beginsWith reports whether the book has all that there ever was, of which that run was the first.
func (r *bookRead) beginsWith(run int64) bool {
	return r.whole && len(r.runs) > 0 && r.runs[0].run == run
}

// events returns those of a run in a book, in their order, each with its number as its order.
func (r *bookRead) events(i int, of *runEvents) (all []keptEvent) {
	before, behind := r.continued(i)
	lost := uint64(0)
	for j, page := range r.pages[r.runs[i].first:r.runs[i].last] {
		lost += before[j]
		w := written{b: page.Body}
		for k := range min(page.Count, logbook.MaxBody) {
			e, ok := w.event(page.Run)
			if w.bad {
				lost += uint64(page.Count - k)
				break
			}
			if e.order = int64(e.ID.Number); !ok || e.order <= of.lastOf(all) {
				lost++
				continue
			}
			if lost > 0 {
				all = append(all, keptEvent{Event: lostEvent(lost, whyLost), order: e.order - 1, missed: e.missed})
				lost = 0
			}
			all = append(all, e)
			of.last, of.missed = max(of.last, e.order), max(of.missed, e.missed)
		}
	}
	if lost += behind; lost > 0 {
		all = append(all, keptEvent{Event: lostEvent(lost, whyLost), order: of.lastOf(all), missed: of.missed})
	}
	return all
}

func (of *runEvents) lastOf(all []keptEvent) int64 {
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].order
}

const (
	whyLost  = "events lost: they were not written down in time, or cannot be read any more"
	whyEnded = "the server ended here without notice: what happened in its last moment may be missing"
)

// take puts the events of earlier runs before those of this one. Which are known to be all that there ever were, is said.
func (h *hub) take(all []*runEvents, allTroubles, allLeases bool) {
	top := int64(0)
	for _, r := range slices.Backward(all) {
		base := top - r.last - 1
		h.noteEarlier(earlierEvents{r.run, base, r.last})
		top = base
	}
	var troubles, leases []keptEvent
	missed := uint64(0)
	for i, r := range all {
		base := h.earlier[len(all)-1-i].base
		place := func(to []keptEvent, from []keptEvent) []keptEvent {
			for _, e := range from {
				e.order, e.missed = base+e.order, e.missed+missed
				to = append(to, e)
			}
			return to
		}
		troubles, leases = place(troubles, r.troubles), place(leases, r.leases)
		missed += r.missed
		if r.dead {
			troubles = append(troubles, keptEvent{Event: lostEvent(0, whyEnded), order: base + r.last + 1, missed: missed})
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept.precede(missed)
	h.missedBefore = missed
	h.kept.troubles.precede(troubles, KeptTroubles, allTroubles, top)
	h.kept.leases.precede(leases, KeptLeases, allLeases, top)
}

func (h *hub) noteEarlier(e earlierEvents) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.earlier = append(h.earlier, e)
}

// precede says that so many single leases were not kept before this run.
func (k *keptEvents) precede(missed uint64) {
	k.missed += missed
	for _, r := range []*eventRing{&k.troubles, &k.leases} {
		for i := range r.events {
			r.events[i].missed += missed
		}
	}
}

// precede puts earlier events before those that are there, the newest as far as there is room. Unless they are all that there ever were, it is
// not known how many were before them, from a place in the order on.
func (r *eventRing) precede(es []keptEvent, most int, all bool, from int64) {
	if len(r.events) == most {
		r.uncounted = true // none of them has room
		return
	}
	if cut := len(es) - (most - len(r.events)); cut > 0 {
		r.last, r.uncounted = es[cut-1].order, true
		es = es[cut:]
	} else if !all {
		r.uncounted, r.last = true, from
		if len(es) > 0 {
			r.last = es[0].order - 1
		}
	}
	r.events = append(slices.Clone(es), r.events...)
}
