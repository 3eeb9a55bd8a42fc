package web

import (
	"math"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// lane is one server on the time line.
type lane struct {
	Member string
	Pieces []piece
}

// piece is a state and when it held, as parts of a hundred of the time shown.
type piece struct {
	State, Cause, Grade string
	From, Until         node.Instant
	X, Width            float64
}

// lanes lays the states of the servers between two moments beside one another.
func lanes(t *node.Timeline, from, until time.Time) (all []lane) {
	var names []string
	for _, s := range t.Transitions {
		if !slices.Contains(names, string(s.Member)) {
			names = append(names, string(s.Member))
		}
	}
	slices.Sort(names)
	for _, name := range names {
		l := lane{Member: name}
		var of []node.StateTransition
		for _, s := range t.Transitions {
			if string(s.Member) == name {
				of = append(of, s)
			}
		}
		for i, s := range of {
			end := until
			if i+1 < len(of) {
				end = of[i+1].Time.Time
			}
			if !end.After(from) || !s.Time.Before(until) {
				continue
			}
			l.Pieces = append(l.Pieces, pieceOf(s, end, from, until))
		}
		all = append(all, l)
	}
	return all
}

func pieceOf(s node.StateTransition, end, from, until time.Time) piece {
	x := within(s.Time.Time, from, until)
	return piece{State: s.State, Cause: s.Cause, Grade: serverState(s.State).Grade, From: s.Time, Until: node.At(end), X: x, Width: max(within(end, from, until)-x, .4)}
}

// within returns where a moment stands between two others, as a part of a hundred.
func within(t, from, until time.Time) float64 {
	x := float64(t.Sub(from)) / float64(until.Sub(from)) * 100
	return math.Round(min(max(x, 0), 100)*100) / 100
}

// tick is a moment that the time line names.
type tick struct {
	X    float64
	Text string
}

// ticks returns four moments of the time before now, each by how long ago it was.
func ticks(now time.Time, long time.Duration) (all []tick) {
	for i := range 4 {
		part := float64(i) / 4
		ago := time.Duration(float64(long) * (1 - part))
		all = append(all, tick{X: part * 100, Text: distance(now, now.Add(-ago))})
	}
	return all
}
