package main

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// keptEvents is how many of the newest events an overview has.
const keptEvents = 100

// overview is what is known of a server at one moment.
type overview struct {
	at      time.Time
	status  node.Status
	rates   *node.Rates
	pools   []fullness // the fullest first
	events  []node.Event
	trouble error     // nobody answers
	since   time.Time // of trouble
	// from is the first pool that is shown, room how many were shown last.
	from, room int
	// helping says that the keys are shown instead of pools and events.
	helping bool
}

// fullness is a pool, and where it is going.
type fullness struct {
	node.PoolStatus
	used  float64 // from 0 to 1
	trend *node.PoolTrend
}

// take makes v show what a server said.
func (v *overview) take(n news) {
	v.at = n.at
	if n.err != nil {
		if v.trouble == nil {
			v.since = n.at
		}
		v.trouble = n.err
		return
	}
	v.trouble, v.status, v.rates = nil, n.status, n.rates
	type place struct{ network, subnet, pool string }
	trends := make(map[place]*node.PoolTrend, len(n.trends))
	for i := range n.trends {
		t := &n.trends[i]
		trends[place{t.Network, t.Subnet.String(), t.Range}] = t
	}
	v.pools = v.pools[:0]
	for _, p := range n.status.Pools {
		v.pools = append(v.pools, fullness{p, usedOf(p), trends[place{p.Network, p.Subnet.String(), p.Range}]})
	}
	slices.SortStableFunc(v.pools, func(a, b fullness) int { return cmp.Compare(b.used, a.used) })
}

// usedOf returns how much of a pool neither server has free.
func usedOf(p node.PoolStatus) float64 {
	if p.Size == 0 {
		return 0
	}
	return 1 - min(1, (float64(p.Free)+float64(p.PartnerFree))/float64(p.Size))
}

// freeOf returns how many addresses of a pool either server has free; what does not fit is the largest number.
func freeOf(p node.PoolStatus) uint64 {
	if sum := p.Free + p.PartnerFree; sum >= p.Free {
		return sum
	}
	return math.MaxUint64
}

// happened adds an event.
func (v *overview) happened(e node.Event) {
	if len(v.events) == keptEvents {
		v.events = append(v.events[:0], v.events[1:]...)
	}
	v.events = append(v.events, e)
}

// press does what a key asks for; true: the overview is to end.
func (v *overview) press(k key) bool {
	page := max(v.room-1, 1)
	if v.helping && k != keyQuit { // any key leaves it
		v.helping = false
		return false
	}
	switch k {
	case keyQuit:
		return true
	case keyUp:
		v.from--
	case keyDown:
		v.from++
	case keyPageUp:
		v.from -= page
	case keyPageDown:
		v.from += page
	case keyHome:
		v.from = 0
	case keyEnd:
		v.from = len(v.pools)
	case keyHelp:
		v.helping = true
	}
	v.from = max(0, min(v.from, len(v.pools)-v.room))
	return false
}

// perSecond returns the mean of the newest whole steps of some counters, all of them together.
func perSecond(r *node.Rates, of map[string][]uint32) float64 {
	steps := sumOf(of)
	steps = steps[max(0, len(steps)-recentSteps):]
	if len(steps) == 0 || r.Step <= 0 {
		return 0
	}
	sum := 0.0
	for _, n := range steps {
		sum += n
	}
	return sum / float64(len(steps)) / float64(r.Step)
}

// recentSteps is over how many steps what a second brings is averaged.
const recentSteps = 5

// sumOf returns counters added up step by step.
func sumOf(of map[string][]uint32) (sum []float64) {
	for _, l := range of {
		if more := len(l) - len(sum); more > 0 {
			sum = append(make([]float64, more), sum...) // all end now
		}
		for i, n := range l {
			sum[len(sum)-len(l)+i] += float64(n)
		}
	}
	return sum
}

// newest returns the newest of some values that is there, -1 if none is.
func newest(l []float64) float64 {
	l = l[max(0, len(l)-recentSteps):]
	for _, v := range slices.Backward(l) {
		if v >= 0 {
			return v
		}
	}
	return -1
}

// overviewJSON is an overview for programs.
type overviewJSON struct {
	Time    node.Instant `json:"time"`
	Trouble string       `json:"trouble,omitempty"` // why there is no answer; what follows is then as it was before
	Status  node.Status  `json:"status"`
	Rates   *ratesJSON   `json:"rates"` // null: the server does not say
	// Trends has the pools whose use changes.
	Trends []trendJSON  `json:"trends"`
	Events []node.Event `json:"events"` // since the object before
}

// ratesJSON is what happens in a second now; latencies are in milliseconds, and null where nothing was measured.
type ratesJSON struct {
	Received  float64  `json:"received"`
	Sent      float64  `json:"sent"`
	Dropped   float64  `json:"dropped"`
	AnswerP50 *float64 `json:"answer_p50_ms"`
	AnswerP99 *float64 `json:"answer_p99_ms"`
	CommitP50 *float64 `json:"commit_p50_ms"`
	CommitP99 *float64 `json:"commit_p99_ms"`
}

type trendJSON struct {
	Network string       `json:"network"`
	Subnet  string       `json:"subnet"`
	Range   string       `json:"range"`
	Used    float64      `json:"used"` // from 0 to 1
	Verdict string       `json:"verdict"`
	PerHour float64      `json:"per_hour"`
	EmptyAt node.Instant `json:"empty_at"`
}

func (v *overview) json() overviewJSON {
	j := overviewJSON{Time: node.At(v.at), Status: v.status, Trends: []trendJSON{}, Events: append([]node.Event{}, v.events...)}
	if v.trouble != nil {
		j.Trouble = v.trouble.Error()
	}
	if r := v.rates; r != nil {
		known := func(l []float64) *float64 {
			if n := newest(l); n >= 0 {
				return &n
			}
			return nil
		}
		j.Rates = &ratesJSON{
			Received: perSecond(r, r.Received), Sent: perSecond(r, r.Sent), Dropped: perSecond(r, r.Drops),
			AnswerP50: known(r.AnswerP50), AnswerP99: known(r.AnswerP99), CommitP50: known(r.CommitP50), CommitP99: known(r.CommitP99),
		}
	}
	for _, p := range v.pools {
		if t := p.trend; t != nil && t.PerHour != 0 {
			j.Trends = append(j.Trends, trendJSON{t.Network, t.Subnet.String(), t.Range, p.used, t.Verdict, t.PerHour, t.EmptyAt})
		}
	}
	return j
}
