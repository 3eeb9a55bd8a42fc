package node

import (
	"log/slog"
	"math"
	"slices"
	"sort"
	"strings"
)

// keptEvents is what the hub keeps of what happened, for who asks later: single leases apart from the rest, so that many of them drive
// out nothing else. The zero value is empty and ready. Its size is bounded: KeptTroubles + KeptLeases events, the texts of each by
// maxKeptText.
type keptEvents struct {
	troubles, leases eventRing
	// missed counts single leases that were not kept since more than KeptLeasesASecond came; second counts those that were in the
	// second that goes on.
	missed uint64
	second int
}

// maxKeptText is how much is kept of a text of an event, in octets.
const maxKeptText = 2048

// eventRing has the newest events of a kind.
type eventRing struct {
	events []keptEvent
	oldest int    // where the ring begins, once it is full
	added  uint64 // how many events of this run were ever in it
	gone   uint64 // how many events were driven out
	last   int64  // keptEvent.order of the last of them
	// uncounted says that events before last are not there of which nobody knows how many they were.
	uncounted bool
}

// keptEvent is an event, and keptEvents.missed when it happened.
type keptEvent struct {
	Event
	// order rises from event to event. It is EventID.Number of those of this run, and 0 or less of those before.
	order  int64
	missed uint64
}

func (r *eventRing) add(e keptEvent, most int) {
	r.added++
	if len(r.events) < most {
		r.events = append(r.events, e)
		return
	}
	r.gone, r.last = r.gone+1, r.events[r.oldest].order
	r.events[r.oldest] = e
	r.oldest = (r.oldest + 1) % most
}

func (r *eventRing) at(i int) *keptEvent { return &r.events[(r.oldest+i)%len(r.events)] }

// fromTheStart is a place in the order of events before all others.
const fromTheStart = math.MinInt64

// behind returns the place of the first event after one in the order, and how many before it are not there any more, at most.
func (r *eventRing) behind(order int64) (first int, gone uint64) {
	switch {
	case r.last <= order:
	case r.uncounted && order != fromTheStart:
		gone = uint64(r.last - order)
	default:
		gone = min(r.gone, uint64(r.last)-uint64(order))
	}
	first = sort.Search(len(r.events), func(i int) bool { return r.at(i).order > order })
	return first, gone
}

// add keeps e, if it is to be kept.
func (k *keptEvents) add(e *Event) {
	switch {
	case e.Kind.IsPacket() || e.Level < slog.LevelInfo || e.Kind == EventsLost:
	case !e.Kind.isLease():
		k.troubles.add(keptEvent{shortened(e), int64(e.ID.Number), k.missed}, KeptTroubles)
	case k.second >= KeptLeasesASecond:
		k.missed++
	default:
		k.second++
		k.leases.add(keptEvent{shortened(e), int64(e.ID.Number), k.missed}, KeptLeases)
	}
}

// shortened returns an event with no text longer than maxKeptText.
func shortened(e *Event) Event {
	s := *e
	for _, text := range []*string{&s.Hostname, &s.Reason, &s.Detail, &s.Message} {
		if len(*text) > maxKeptText {
			*text = strings.Clone((*text)[:maxKeptText]) + "…"
		}
	}
	return s
}

// wantsSingle reports whether f lets any single lease through.
func (f *EventFilter) wantsSingle() bool {
	return f.Level <= slog.LevelInfo && (len(f.Kinds) == 0 || slices.ContainsFunc(f.Kinds, EventKind.isLease))
}

// after returns what is kept of the events behind that one in the order and let through by f, with an EventsLost wherever some are missing that f
// may have let through.
func (k *keptEvents) after(f *EventFilter, order int64) (all []Event) {
	i, gone := k.troubles.behind(order)
	j, goneLeases := k.leases.behind(order)
	var missed uint64 // as far as it was said
	if i > 0 {
		missed = k.troubles.at(i - 1).missed
	}
	if j > 0 {
		missed = max(missed, k.leases.at(j-1).missed)
	}
	if !f.wantsSingle() {
		goneLeases, j, missed = 0, len(k.leases.events), k.missed
	}
	lose := func(n uint64) {
		if n > 0 {
			all = append(all, lostEvent(n, "events lost: they are not kept any more"))
		}
	}
	lose(gone + goneLeases)
	for i < len(k.troubles.events) || j < len(k.leases.events) {
		var e *keptEvent
		switch {
		case j == len(k.leases.events), i < len(k.troubles.events) && k.troubles.at(i).order < k.leases.at(j).order:
			e = k.troubles.at(i)
			i++
		default:
			e = k.leases.at(j)
			j++
		}
		if e.missed > missed {
			all = append(all, missedEvent(e.missed-missed))
			missed = e.missed
		}
		if f.Matches(&e.Event) {
			all = append(all, e.Event)
		}
	}
	if k.missed > missed {
		all = append(all, missedEvent(k.missed-missed))
	}
	return all
}

func lostEvent(n uint64, message string) Event {
	return Event{Kind: EventsLost, Level: slog.LevelWarn, Message: message, Lost: n}
}

func missedEvent(n uint64) Event {
	return lostEvent(n, "single leases are missing here: so many a second are not kept")
}
