package node

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/lessor-dhcp/lessor/internal/policy"
)

const (
	// keptPoolMinutes is for how many minutes the use of pools is kept, and leastPoolMinutes for how many it must be known before anything
	// is said of how it grows.
	keptPoolMinutes  = 60
	leastPoolMinutes = 10
	// farAway is what is not worth a date.
	farAway = 365 * 24 * time.Hour
)

// MarshalJSON writes empty lists where there is nothing, never null.
func (p PoolTrend) MarshalJSON() ([]byte, error) {
	type plain PoolTrend
	notNilSlice(&p.Times)
	notNilSlice(&p.Used)
	return json.Marshal(plain(p))
}

// poolRecord is how many addresses of each pool were in use, minute by minute. A pool is known by its range, also where the configuration
// changes around it.
type poolRecord struct {
	of map[string]*poolUse
}

type poolUse struct {
	times []time.Time
	used  []uint64
	size  uint64
}

// readPools keeps how full the pools are.
func (n *Node) readPools(ctx context.Context) error {
	now := n.clock.now()
	all, err := n.allPools(ctx)
	if err != nil {
		return err
	}
	c := &n.chronicle
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pools.add(now, all)
	return nil
}

// add keeps how full pools are, and forgets those that are not there any more.
func (r *poolRecord) add(now time.Time, all []PoolStatus) {
	next := make(map[string]*poolUse, len(all))
	for i := range all {
		q := &all[i]
		u := r.of[q.Range]
		if u == nil || u.size != q.Size {
			u = &poolUse{size: q.Size}
		}
		if len(u.used) == keptPoolMinutes {
			u.times, u.used = append(u.times[:0], u.times[1:]...), append(u.used[:0], u.used[1:]...)
		}
		u.times, u.used = append(u.times, now), append(u.used, usedOf(q))
		next[q.Range] = u
	}
	r.of = next
}

func usedOf(q *PoolStatus) uint64 { return q.Size - q.Free - q.PartnerFree }

// allPools counts the pools, a few at a time.
func (n *Node) allPools(ctx context.Context) ([]PoolStatus, error) {
	var s Status
	var counted *policy.Policy
	for more := true; more; {
		if err := n.do(ctx, func(*Effects) { counted, more = n.core.morePools(counted, &s) }); err != nil {
			return nil, err
		}
	}
	return s.Pools, nil
}

// PoolTrends implements Chronicler.
func (n *Node) PoolTrends(ctx context.Context) ([]PoolTrend, error) {
	all, err := n.allPools(ctx)
	if err != nil {
		return nil, err
	}
	now := n.clock.now()
	c := &n.chronicle
	c.mu.Lock()
	defer c.mu.Unlock()
	trends := make([]PoolTrend, len(all))
	for i := range all {
		t := PoolTrend{PoolStatus: all[i]}
		if u := c.pools.of[t.Range]; u != nil && u.size == t.Size {
			t.Used = append(t.Used, u.used...)
			for _, at := range u.times {
				t.Times = append(t.Times, At(at))
			}
		}
		t.judge(now)
		trends[i] = t
	}
	return trends, nil
}

// judge says where it leads. A pool counts as filling or draining only where that is more than chance: twice the uncertainty of
// the slope, and half an address an hour.
func (t *PoolTrend) judge(now time.Time) {
	free := t.Free + t.PartnerFree
	slope, uncertain := 0.0, 0.0
	if len(t.Used) >= leastPoolMinutes {
		slope, uncertain = t.fit()
	}
	steady := math.Abs(slope) <= max(2*uncertain, 0.5)
	switch {
	case free == 0:
		t.Verdict, t.Words = "empty", "nothing is free"
		return
	case len(t.Used) < leastPoolMinutes:
		t.Verdict, t.Words = "too-early", fmt.Sprintf("how it fills is known after %d minutes", leastPoolMinutes)
		return
	case steady:
		t.Verdict, t.Words = "steady", "not filling"
		return
	}
	t.PerHour = slope
	if slope < 0 {
		t.Verdict, t.Words = "draining", "not filling: it is getting emptier of clients"
		return
	}
	left := float64(free) / slope // hours
	t.Verdict = "filling"
	if left > farAway.Hours() {
		t.Words = "filling so slowly that it lasts for more than a year"
		return
	}
	wait := time.Duration(left * float64(time.Hour))
	t.EmptyAt = At(now.Add(wait).Round(time.Minute))
	t.Words = "nothing free in about " + roughly(wait) + " at this rate"
}

// fit returns by how many addresses the use grows an hour, by the least squares, and how uncertain that is (its standard error).
func (t *PoolTrend) fit() (slope, uncertain float64) {
	n := float64(len(t.Used))
	var mx, my float64
	hours := func(i int) float64 { return t.Times[i].Sub(t.Times[0].Time).Hours() }
	for i, u := range t.Used {
		mx, my = mx+hours(i)/n, my+float64(u)/n
	}
	var xx, xy, yy float64
	for i, u := range t.Used {
		dx, dy := hours(i)-mx, float64(u)-my
		xx, xy, yy = xx+dx*dx, xy+dx*dy, yy+dy*dy
	}
	if xx == 0 {
		return 0, 0
	}
	slope = xy / xx
	return slope, math.Sqrt(max(yy-slope*xy, 0) / (n - 2) / xx)
}

// roughly says a duration as people do.
func roughly(d time.Duration) string {
	switch {
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", max(1, int(d.Round(time.Minute)/time.Minute)))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Round(time.Hour)/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d.Round(24*time.Hour)/(24*time.Hour)))
}
