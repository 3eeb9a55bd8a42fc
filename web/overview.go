package web

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// overview is what the first page shows.
type overview struct {
	node.Status
	Verdict verdict
	Now     time.Time
	// Fullest are the pools, the fullest first.
	Fullest []node.PoolStatus
	// Causes are those of the stale clients, the most frequent first.
	Causes []tally
	// Silences are the reasons for which clients were not answered.
	Silences []tally
	// Alone says that there is no other server.
	Alone bool
	// trends say how the pools fill, by their ranges.
	trends map[string]node.PoolTrend
}

// Empty says when nothing will be free in a pool.
func (o overview) Empty(p node.PoolStatus) string {
	switch t, known := o.trends[p.Network+" "+p.Range]; {
	case p.Free+p.PartnerFree == 0:
		return "is empty"
	case known:
		return t.Words
	}
	return "not known yet"
}

// tally is how often something was counted.
type tally struct {
	Name  string
	Count uint64
}

func (p *pages) overviewRoutes(mux *http.ServeMux) {
	mux.Handle("GET /{$}", p.page(p.overview))
	mux.Handle("GET /overview/rates", p.page(p.rates))
}

func (p *pages) overview(w http.ResponseWriter, r *http.Request) error {
	st, err := p.Service(r).Status(r.Context())
	if err != nil {
		return err
	}
	o := overviewOf(st, p.Now())
	trends, err := p.Service(r).PoolTrends(r.Context())
	if known(err) != nil {
		return err
	}
	for _, t := range trends {
		o.trends[t.Network+" "+t.Range] = t
	}
	return p.show(w, r, "overview", "/", o)
}

// chart is what the small charts of the first page are drawn from; all lists are as long as Times.
type chart struct {
	Times     []int64    `json:"times"` // seconds since 1970
	Received  []float64  `json:"received"`
	Sent      []float64  `json:"sent"`
	Dropped   []float64  `json:"dropped"`
	AnswerP50 []*float64 `json:"answer_p50"`
	AnswerP99 []*float64 `json:"answer_p99"`
	Active    []uint32   `json:"active"`
	Stale     []uint32   `json:"stale"`
}

// rates answers with what the charts are drawn from.
func (p *pages) rates(w http.ResponseWriter, r *http.Request) error {
	span := node.Seconds
	if r.URL.Query().Get("span") == "day" {
		span = node.Minutes
	}
	k, err := p.Service(r).Rates(r.Context(), span)
	if known(err) != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(chartOf(&k))
}

// chartOf adds up what the charts do not tell apart.
func chartOf(k *node.Rates) chart {
	n := len(k.Times)
	c := chart{Times: make([]int64, n), Active: k.Active, Stale: k.Stale}
	for i, t := range k.Times {
		c.Times[i] = t.Unix()
	}
	c.Received, c.Sent, c.Dropped = perSecond(k.Received, n, k.Step), perSecond(k.Sent, n, k.Step), perSecond(k.Drops, n, k.Step)
	c.AnswerP50, c.AnswerP99 = measured(k.AnswerP50), measured(k.AnswerP99)
	return c
}

// perSecond adds up counts of several kinds.
func perSecond(counts map[string][]uint32, n int, step int64) []float64 {
	sum := make([]float64, n)
	for _, list := range counts {
		for i := range min(n, len(list)) {
			sum[i] += float64(list[i]) / float64(max(step, 1))
		}
	}
	return sum
}

// measured has nothing where nothing was measured, rather than a number that is none.
func measured(list []float64) []*float64 {
	all := make([]*float64, len(list))
	for i := range list {
		if list[i] >= 0 {
			all[i] = &list[i]
		}
	}
	return all
}

func overviewOf(st node.Status, now time.Time) overview {
	o := overview{Status: st, Verdict: judge(&st), Now: now, Alone: len(st.Partners) == 0, Silences: tallies(st.Drops), trends: map[string]node.PoolTrend{}}
	o.Fullest = slices.Clone(st.Pools)
	slices.SortStableFunc(o.Fullest, func(a, b node.PoolStatus) int { return cmp.Compare(shareOf(&b), shareOf(&a)) })
	if st.Stale != nil {
		o.Causes = tallies(st.Stale.ByCause)
	}
	return o
}

// tallies returns the counts, the largest first.
func tallies[N int | uint64](counts map[string]N) (all []tally) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 {
			all = append(all, tally{name, uint64(counts[name])})
		}
	}
	slices.SortStableFunc(all, func(a, b tally) int { return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name)) })
	return all
}
