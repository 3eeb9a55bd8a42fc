package node

import (
	"slices"
	"sync"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/logbook"
)

// earlierRuns is what runs before this one wrote, as far as it is still kept. Once books.read is closed it only grows less.
type earlierRuns struct {
	mu sync.Mutex // guards what follows
	// past has their changes of leases; it is no ring that was full, so what is driven out lies in its first chunks.
	past                 leasePast
	since, renewalsSince time.Time
	gaps                 []Gap
	states               []StateTransition
}

// trim keeps no more changes than there is room for beside those of this run, of which there are so many.
func (e *earlierRuns) trim(rare, renewals uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.past.rare.shorten(keptRare - min(keptRare, rare))
	e.past.renewals.shorten(keptRenewals - min(keptRenewals, renewals))
}

// shorten drops the oldest entries of a ring that never was full, until it has no more than so many.
func (r *pastRing) shorten(most uint64) {
	for r.end-r.begin > most {
		next := min(r.end-most, (r.begin/pastChunk+1)*pastChunk)
		if next%pastChunk == 0 {
			r.chunks[r.begin/pastChunk] = nil
		}
		r.begin = next
	}
}

// Gap is a stretch of time of which something is missing.
type Gap struct {
	From Instant `json:"from"`
	To   Instant `json:"to"`
	// Count is how many changes are missing at most; 0: it is not known whether any are.
	Count uint64 `json:"count,omitempty"`
	Why   string `json:"why"`
}

// maxGaps is how many gaps are kept, the latest of all.
const maxGaps = 100

const (
	whyDied    = "the server ended here without notice: what it did in its last moment may be missing"
	whyMissing = "changes were not written down in time, or cannot be read any more"
	whyRenewed = "renewals were not written down in time, or cannot be read any more"
)

// nextRun returns when the run after one began.
func nextRun(runs []runRead, i int, now int64) time.Time {
	if i+1 < len(runs) {
		now = runs[i+1].run
	}
	return time.UnixMilli(now).UTC()
}

// recall takes what is in a book of changes into a ring, and returns the gaps in it.
func (p *leasePast) recall(read *bookRead, r *pastRing, most uint64, now int64, why string) (gaps []Gap) {
	skip := -int(most)
	for i := range read.pages {
		if changes, ok := readChanges(read.pages[i].Body, read.pages[i].Count); ok {
			skip += len(changes.entries) / changeSize
		}
	}
	gap := func(from, to time.Time, count uint64, why string) {
		gaps = append(gaps, Gap{At(from), At(to), count, why})
	}
	for i := range read.runs {
		of := &read.runs[i]
		before, behind := read.continued(i)
		last := time.UnixMilli(of.run)
		for j, page := range read.pages[of.first:of.last] {
			changes, ok := readChanges(page.Body, page.Count)
			count := len(changes.entries) / changeSize
			if !ok || count == 0 {
				gap(last, last, uint64(page.Count), why)
				continue
			}
			from := min(max(skip, 0), count)
			skip -= count
			first, _ := changes.at(0)
			if before[j] > 0 {
				gap(last, timeOf(first.at), before[j], why)
			}
			if bad := p.take(&changes, from, r, most); bad > 0 {
				gap(timeOf(first.at), timeOf(first.at), uint64(bad), why)
			}
			end, _ := changes.at(count - 1)
			last = timeOf(end.at)
		}
		if behind > 0 {
			gap(last, of.lived(last), behind, why)
		}
		if of.dead && why == whyMissing { // once is enough
			gap(of.lived(last), nextRun(read.runs, i, now), 0, whyDied)
		}
	}
	return gaps
}

// recall takes what was written of changes of leases.
func (e *earlierRuns) recall(changes, renewals *bookRead, now int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := &e.past
	e.gaps = p.recall(changes, &p.rare, keptRare, now, whyMissing)
	e.gaps = append(e.gaps, p.recall(renewals, &p.renewals, keptRenewals, now, whyRenewed)...)
	slices.SortStableFunc(e.gaps, func(a, b Gap) int { return a.From.Compare(b.From.Time) })
	e.gaps = e.gaps[max(0, len(e.gaps)-maxGaps):]
	since := func(read *bookRead, r *pastRing, most uint64) time.Time { // from when on all is kept, but for gaps
		switch {
		case len(read.runs) == 0:
			return time.Time{}
		case read.whole && r.end-r.begin < most:
			return time.UnixMilli(read.runs[0].run).UTC()
		case r.end > r.begin:
			return timeOf(r.at(r.begin, most).at)
		}
		return nextRun(read.runs, 0, now)
	}
	e.since, e.renewalsSince = since(changes, &p.rare, keptRare), since(renewals, &p.renewals, keptRenewals)
}

// recallStates takes what was written of the states of both servers.
func (e *earlierRuns) recallStates(read *bookRead, self binding.Member, now int64) {
	var all []StateTransition
	for i := range read.runs {
		of := &read.runs[i]
		var line []StateTransition
		for _, page := range read.pages[of.first:of.last] {
			w := written{b: page.Body}
			for range min(page.Count, logbook.MaxBody) {
				t, ok := w.state()
				if !ok {
					break
				}
				line = append(line, t)
			}
		}
		if len(line) == 0 {
			continue
		}
		last := line[len(line)-1].Time.Time
		all = append(all, aRun(line, all, self, time.UnixMilli(of.run), of.lived(last), of.dead)...)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.states = all[max(0, len(all)-keptTransitions):]
}

// States of a server that is in none of the draft's.
const (
	notRunning   = "not running"
	stateUnknown = "unknown"
)

// aRun returns the states of one run, with those that both servers were in when it began, and what is known of them when it had ended.
func aRun(line, before []StateTransition, self binding.Member, began, ended time.Time, dead bool) (all []StateTransition) {
	end := "it was stopped"
	if dead {
		end = "it ended without notice; this is when it was last known to run"
	}
	var begun, over []StateTransition
	for i := range line {
		t := &line[i]
		if slices.ContainsFunc(begun, func(x StateTransition) bool { return x.Member == t.Member }) {
			continue
		}
		begun = append(begun, StateTransition{Time: At(began), Member: t.Member, State: orUnknown(t.From), From: lastState(before, t.Member)})
		last := StateTransition{Time: At(ended), Member: t.Member, State: stateUnknown, From: lastState(line, t.Member), Cause: "the server that tells this did not run"}
		if t.Member == self {
			last.State, last.Cause = notRunning, end
		}
		over = append(over, last)
	}
	return slices.Concat(begun, line, over)
}

// lastState returns the last state of a member; empty: none is known.
func lastState(line []StateTransition, m binding.Member) string {
	for i := len(line) - 1; i >= 0; i-- {
		if line[i].Member == m {
			return line[i].State
		}
	}
	return ""
}

func orUnknown(s string) string {
	if s == "" {
		return stateUnknown
	}
	return s
}
