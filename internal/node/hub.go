package node

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
)

// eventBuffer is how many events may wait for a slow reader.
const eventBuffer = 1024

// hub hands events to whoever listens.
type hub struct {
	watching atomic.Uint32 // Observe bits that somebody wants
	// sparing says that single leases are made known for the log alone, and that it has had enough of them for now.
	sparing atomic.Bool
	lost    atomic.Uint64 // events that listeners were too slow for
	// plenty says that of single leases as many are kept as is wanted of a second; untold counts those that nobody wanted to hear of.
	plenty atomic.Bool
	untold atomic.Uint64

	mu        sync.Mutex // guards what follows
	closed    bool
	epoch     int64 // of EventID
	number    uint64
	kept      keptEvents
	earlier   []earlierEvents // the latest first
	listeners map[*listener]struct{}

	// missedBefore is what of kept.missed was missed before this run.
	missedBefore uint64
	// grown, unless it is nil, hears that there are more events to be written down.
	grown chan<- struct{}
}

type listener struct {
	forLog bool // it wants single leases only at a rate that a person can read
	filter EventFilter
	ch     chan Event
	lost   uint64
}

// wanted returns which events are to be made.
func (h *hub) wanted() Observe {
	o := Observe(h.watching.Load()) | ObserveTroubles
	if !h.plenty.Load() {
		o |= ObserveLeases
	}
	if o&observeForLog != 0 && !h.sparing.Load() {
		o |= ObserveLeases
	}
	return o &^ observeForLog
}

// observeForLog is every lease, as long as the log wants to hear of them.
const observeForLog Observe = 1 << 7

// listen returns a channel of the events that f lets through, until ctx is done.
func (h *hub) listen(ctx context.Context, f EventFilter, forLog bool) (<-chan Event, error) {
	return h.listenAfter(ctx, f, forLog, nil)
}

// listenAfter is listen, with what is kept of the events after one before it; nil: without.
func (h *hub) listenAfter(ctx context.Context, f EventFilter, forLog bool, after *EventID) (<-chan Event, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrStopped
	}
	var before []Event
	if after != nil {
		before = h.replay(&f, *after)
	}
	l := &listener{filter: f, forLog: forLog, ch: make(chan Event, eventBuffer+len(before))}
	for i := range before {
		l.ch <- before[i] // there is room for all
	}
	if h.listeners == nil {
		h.listeners = map[*listener]struct{}{}
	}
	h.listeners[l] = struct{}{}
	h.count()
	context.AfterFunc(ctx, func() { h.leave(l) })
	return l.ch, nil
}

// replay returns what is kept of the events after one.
func (h *hub) replay(f *EventFilter, after EventID) []Event {
	h.countUntold()
	if after.IsZero() {
		return h.kept.after(f, fromTheStart)
	}
	order, ok := h.orderOf(after)
	if ok {
		return h.kept.after(f, order)
	}
	again := lostEvent(0, "the server was started anew since, and what happened before that is not kept: something may be missing")
	return append([]Event{again}, h.kept.after(f, order)...)
}

// orderOf returns where an event stands in the order of all that are kept; false: nothing is known of its run but, where there are earlier
// ones, that it was behind them.
func (h *hub) orderOf(id EventID) (order int64, ok bool) {
	if id.Epoch == h.epoch {
		return int64(min(id.Number, math.MaxInt64)), true
	}
	for _, r := range h.earlier {
		if r.run == id.Epoch {
			return r.base + int64(min(id.Number, uint64(r.last))), true
		}
	}
	for _, r := range h.earlier {
		if r.run < id.Epoch && id.Epoch < h.epoch {
			return r.base + r.last + 1, false
		}
	}
	return fromTheStart, false
}

// countUntold counts those that nobody wanted to hear of as missed.
func (h *hub) countUntold() { h.kept.missed += h.untold.Swap(0) }

// breathe begins a second in which single leases are made known again.
func (h *hub) breathe() {
	h.sparing.Store(false)
	h.mu.Lock()
	h.kept.second = 0
	h.mu.Unlock()
	h.plenty.Store(false)
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.listeners[l]; ok {
		delete(h.listeners, l)
		close(l.ch)
		h.count()
	}
}

// count says anew what somebody wants to hear.
func (h *hub) count() {
	var o Observe
	for l := range h.listeners {
		o |= ObserveTroubles
		switch {
		case l.forLog:
			o |= observeForLog
		case l.filter.wantsSingle():
			o |= ObserveLeases
		}
		if l.filter.Packets {
			o |= ObservePackets
		}
	}
	h.watching.Store(uint32(o))
}

// publish names events, keeps them for later, and hands them to those that want them; who is too slow loses some, and is told how
// many. untold is how many leases there was no event of, since nobody wanted to hear.
func (h *hub) publish(es []Event, untold int) {
	if untold > 0 {
		h.untold.Add(uint64(untold))
	}
	if len(es) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.countUntold()
	for i := range es {
		h.number++
		es[i].ID = EventID{h.epoch, h.number}
		h.kept.add(&es[i])
	}
	h.plenty.Store(h.kept.second >= KeptLeasesASecond)
	ring(h.grown)
	for l := range h.listeners {
		for i := range es {
			if l.filter.Matches(&es[i]) {
				h.offer(l, &es[i])
			}
		}
	}
}

func (h *hub) offer(l *listener, e *Event) {
	if l.lost > 0 {
		told := Event{Time: e.Time, Kind: EventsLost, Level: slog.LevelWarn, Message: "events lost: the reader is too slow", Lost: l.lost}
		select {
		case l.ch <- told:
			l.lost = 0
		default:
			l.lost++
			h.lost.Add(1)
			return
		}
	}
	select {
	case l.ch <- *e:
	default:
		l.lost++
		h.lost.Add(1)
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for l := range h.listeners {
		delete(h.listeners, l)
		close(l.ch)
	}
}
