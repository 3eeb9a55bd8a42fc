package node

import (
	"testing"
	"time"
)

// A keeper that was late itself finds the connection of the group silent before what came meanwhile is handed over: it is given up at
// the next beat, if nothing was heard by then.
func TestAKeeperThatWasLateListensBeforeItGivesUpAConnection(t *testing.T) {
	const patience, beat = 8 * time.Second, 2 * time.Second
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		about  string
		beats  []time.Duration
		heard  time.Duration // before the last beat; 0: not
		silent bool
	}{
		{"in time, silent for less than its patience", []time.Duration{2, 4, 6, 8}, 0, false},
		{"in time, silent for longer", []time.Duration{2, 4, 6, 8, 10}, 0, true},
		{"late", []time.Duration{2, 11}, 0, false},
		{"late, and heard then", []time.Duration{2, 11, 12}, 11, false},
		{"late, and not heard then", []time.Duration{2, 11, 12}, 0, true},
		{"late always, and never heard", []time.Duration{4, 8, 12, 16}, 0, true},
	} {
		var l groupLink
		l.hearing.Heard(began)
		silent := false
		for i, at := range c.beats {
			if i == len(c.beats)-1 && c.heard > 0 {
				l.hearing.Heard(began.Add(c.heard * time.Second))
			}
			silent = l.silent(began.Add(at*time.Second), patience, beat)
		}
		if silent != c.silent {
			t.Errorf("%s: silent: %v", c.about, silent)
		}
	}
}
