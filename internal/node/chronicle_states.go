package node

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
)

var _ Chronicler = (*Node)(nil)

// keptTransitions is how many states that began are kept.
const keptTransitions = 1000

// MarshalJSON writes an empty list where there is nothing, never null.
func (t Timeline) MarshalJSON() ([]byte, error) {
	type plain Timeline
	notNilSlice(&t.Transitions)
	return json.Marshal(plain(t))
}

// transit keeps that a state began.
func (p *partnership) transit(t StateTransition) {
	if len(p.transitions) == keptTransitions {
		p.transitions = append(p.transitions[:0], p.transitions[1:]...)
		p.transitionsCut = true
	}
	p.transitions, p.transited = append(p.transitions, t), p.transited+1
}

// Timeline implements Chronicler.
func (n *Node) Timeline(ctx context.Context) (t Timeline, err error) {
	if err := n.books.recalled(ctx); err != nil {
		return t, err
	}
	t.Since = At(n.started)
	err = n.do(ctx, func(*Effects) {
		p := n.partner
		if p == nil {
			return
		}
		t.Transitions = slices.Clone(p.transitions)
		if p.transitionsCut {
			t.Since = t.Transitions[0].Time
		}
		var s Status
		n.statusOfPartner(&s)
		for _, ps := range s.Partners {
			t.beginWith(StateTransition{Time: ps.PartnerSince, Member: ps.Partner, State: ps.PartnerState})
			t.beginWith(StateTransition{Time: ps.Since, Member: p.self, State: ps.State, Cause: ps.Cause})
		}
	})
	n.books.earlier.begin(&t)
	slices.SortStableFunc(t.Transitions, func(a, b StateTransition) int { return a.Time.Compare(b.Time.Time) })
	return t, err
}

// begin puts what was before this run at the beginning of its time line.
func (e *earlierRuns) begin(t *Timeline) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.states
	before = before[min(len(before), max(0, len(before)+len(t.Transitions)-keptTransitions)):]
	if len(before) == 0 || len(t.Transitions) == 0 {
		return
	}
	for i := range t.Transitions {
		if x := &t.Transitions[i]; x.From == "" && x.Time == t.Since {
			x.From = lastState(before, x.Member)
		}
	}
	t.Since = before[0].Time
	t.Transitions = slices.Concat(before, t.Transitions)
}

// beginWith puts the state that a member was in when the time line began at its beginning: the one that it went from first, or, where
// it went from none, the one that it is in, which is now.
func (t *Timeline) beginWith(now StateTransition) {
	if i := slices.IndexFunc(t.Transitions, func(x StateTransition) bool { return x.Member == now.Member }); i >= 0 {
		now = StateTransition{Time: t.Since, Member: now.Member, State: t.Transitions[i].From}
		if t.Transitions[i].Time.Before(t.Since.Time) {
			now.Time = t.Transitions[i].Time
		}
	}
	now.State = cmp.Or(now.State, "unknown")
	t.Transitions = slices.Insert(t.Transitions, 0, now)
}
