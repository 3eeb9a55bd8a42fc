package metrics

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// The bounds of a scrape.
const (
	maxScrapes = 4 // at once
	scrapeTime = 10 * time.Second
)

// Handler returns what answers a scrape: how the server that r reports of does, the process, and the requests that q counted (nil: none
// are). Where r is no node.Measurer there are no histograms. A scrape costs the packets nothing: it looks at no lease, and at a few
// pools at a time. Who may ask is not its business.
func Handler(r node.Reporter, q *Requests) http.Handler {
	process := prometheus.NewRegistry()
	process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if q != nil {
		process.MustRegister(q)
	}
	room := make(chan struct{}, maxScrapes)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET is answered here", http.StatusMethodNotAllowed)
			return
		}
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many scrapes at once: ask again in a second", http.StatusServiceUnavailable)
			return
		}
		ctx, cancel := context.WithTimeout(req.Context(), scrapeTime)
		defer cancel()
		m, err := measure(ctx, r)
		if err != nil {
			http.Error(w, "the server could not be asked: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		now := prometheus.NewRegistry()
		now.MustRegister(collector{&m})
		w.Header().Set("Cache-Control", "no-store")
		promhttp.HandlerFor(prometheus.Gatherers{now, process}, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, EnableOpenMetrics: true}).ServeHTTP(w, req)
	})
}

// measure returns what r measures, or at least what it reports.
func measure(ctx context.Context, r node.Reporter) (node.Measures, error) {
	if m, ok := r.(node.Measurer); ok {
		return m.Measures(ctx)
	}
	st, err := r.Status(ctx)
	return node.Measures{Status: st}, err
}
