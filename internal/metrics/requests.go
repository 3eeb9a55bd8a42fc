package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// maxRoutes is how many combinations of route, method and code are counted apart.
const maxRoutes = 1000

var (
	requests = prometheus.NewDesc("lessor_api_requests_total", "Requests that were answered, by the route, the method and the code of the answer.", []string{"route", "method", "code"}, nil)
	underWay = prometheus.NewDesc("lessor_api_requests_in_flight", "Requests that are being answered, streams among them.", nil, nil)
	guests   = prometheus.NewDesc("lessor_api_connections", "Connections over TCP; none where the server is asked over its sockets alone.", nil, nil)
	tooMany  = prometheus.NewDesc("lessor_api_connections_shed_total", "Connections over TCP that were closed, or not let in, since there were too many: of all, or of one address.", []string{"of"}, nil)
)

// Requests counts what operators and programs ask a server. Its zero value has counted nothing. It is safe for concurrent use.
type Requests struct {
	// Guests returns how many connections over TCP there are, and how many were too many so far, by what there were too many of; false:
	// nobody is asked so. It is set before anything is collected; nil: nobody is.
	Guests func() (now int, shed map[string]uint64, ok bool)

	underWay atomic.Int64

	mu    sync.Mutex // guards what follows
	count map[answered]uint64
}

// answered is a kind of answer.
type answered struct {
	route, method string
	code          int
}

// Count returns next with its answers counted. route returns the pattern by which a request is answered, as http.ServeMux.Handler does:
// "GET /api/v1/leases/{address}", or with the path alone; empty: none. So a label never holds what somebody asked for.
func (q *Requests) Count(route func(*http.Request) string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q.underWay.Add(1)
		c := &codeWriter{ResponseWriter: w}
		k := answered{route: routeOf(route(r)), method: methodOf(r.Method)} // before next may change r
		defer func() {
			q.underWay.Add(-1)
			k.code = c.code
			if k.code == 0 { // nothing was written, which is a 200
				k.code = http.StatusOK
			}
			q.add(k)
		}()
		next.ServeHTTP(c, r)
	})
}

// RouteOf is what Count wants to know, of a ServeMux.
func RouteOf(mux *http.ServeMux) func(*http.Request) string {
	return func(r *http.Request) string {
		if r.Method == http.MethodConnect { // where it would redirect, a ServeMux gives the path that was asked for
			return ""
		}
		_, pattern := mux.Handler(r)
		return pattern
	}
}

func (q *Requests) add(k answered) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count == nil {
		q.count = map[answered]uint64{}
	}
	if _, known := q.count[k]; !known && len(q.count) >= maxRoutes {
		k = answered{other, other, k.code / 100 * 100}
	}
	q.count[k]++
}

// routeOf returns the path of a pattern.
func routeOf(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		pattern = path
	}
	if pattern == "" {
		return other
	}
	return pattern
}

// methodOf returns a method as a label: whatever is none of the usual is "other".
func methodOf(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return other
}

// Describe implements prometheus.Collector.
func (q *Requests) Describe(ch chan<- *prometheus.Desc) {
	ch <- requests
	ch <- underWay
	ch <- guests
	ch <- tooMany
}

// Collect implements prometheus.Collector.
func (q *Requests) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(underWay, prometheus.GaugeValue, float64(q.underWay.Load()))
	if q.Guests != nil {
		if now, shed, ok := q.Guests(); ok {
			ch <- prometheus.MustNewConstMetric(guests, prometheus.GaugeValue, float64(now))
			for of, n := range shed {
				ch <- prometheus.MustNewConstMetric(tooMany, prometheus.CounterValue, float64(n), of)
			}
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for k, n := range q.count {
		ch <- prometheus.MustNewConstMetric(requests, prometheus.CounterValue, float64(n), k.route, k.method, strconv.Itoa(k.code))
	}
}

// codeWriter remembers the code of an answer.
type codeWriter struct {
	http.ResponseWriter
	code int
}

func (w *codeWriter) WriteHeader(code int) {
	if w.code == 0 && code >= 200 || code == http.StatusSwitchingProtocols {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *codeWriter) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Flush is for whoever streams without an http.ResponseController.
func (w *codeWriter) Flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap is what http.ResponseController looks for.
func (w *codeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
