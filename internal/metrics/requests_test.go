package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// asked has q count what a mux with two routes answers, and returns what a scrape says of it.
func asked(t *testing.T, q *Requests, requests ...*http.Request) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/leases/{address}", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("{}")) })
	mux.HandleFunc("POST /api/v1/rehome", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusConflict) })
	mux.HandleFunc("/tree/", func(w http.ResponseWriter, r *http.Request) {})
	h := q.Count(RouteOf(mux), mux)
	for _, r := range requests {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	_, got := scrape(t, Handler(&fake{}, q))
	return got
}

func TestRequestsAreCountedByRouteAndCode(t *testing.T) {
	guests := func() (int, map[string]uint64, bool) { return 5, map[string]uint64{"all": 7, "address": 0}, true }
	got := asked(t, &Requests{Guests: guests},
		httptest.NewRequest("GET", "/api/v1/leases/10.0.0.1", nil), httptest.NewRequest("GET", "/api/v1/leases/10.0.0.2", nil),
		httptest.NewRequest("POST", "/api/v1/rehome", nil), httptest.NewRequest("GET", "/tree/x", nil))
	for _, want := range []string{
		`lessor_api_requests_total{code="200",method="GET",route="/api/v1/leases/{address}"} 2`,
		`lessor_api_requests_total{code="409",method="POST",route="/api/v1/rehome"} 1`,
		`lessor_api_requests_total{code="200",method="GET",route="/tree/"} 1`,
		"lessor_api_requests_in_flight 0\n",
		"lessor_api_connections 5\n",
		`lessor_api_connections_shed_total{of="address"} 0`,
		`lessor_api_connections_shed_total{of="all"} 7`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not there:\n%s", want, got)
		}
	}
}

// Whatever is asked for, a label holds none of it.
func TestWhatWasAskedForIsNoLabel(t *testing.T) {
	q := &Requests{}
	var rs []*http.Request
	for i := range 3_000 {
		rs = append(rs, httptest.NewRequest("GET", fmt.Sprintf("/secret%d", i), nil), httptest.NewRequest("GET", fmt.Sprintf("/api/v1/leases/secret%d", i), nil),
			httptest.NewRequest(fmt.Sprintf("SECRET%d", i), "/api/v1/rehome", nil), httptest.NewRequest("GET", fmt.Sprintf("/x/../secret%d/", i), nil),
			httptest.NewRequest("GET", "/tree?secret=1", nil))
		connect := httptest.NewRequest("GET", "/tree", nil)
		connect.Method, connect.URL.Host = http.MethodConnect, fmt.Sprintf("secret%d", i)
		rs = append(rs, connect)
	}
	got := asked(t, q, rs...)
	if strings.Contains(strings.ToLower(got), "secret") {
		t.Error("a label holds what was asked for")
	}
	if n := strings.Count(got, "lessor_api_requests_total{"); n > 8 {
		t.Errorf("%d series:\n%s", n, got)
	}
}

func TestCombinationsAreBounded(t *testing.T) {
	q := &Requests{}
	for i := range 3 * maxRoutes {
		q.add(answered{fmt.Sprint("/", i), "GET", 404})
	}
	if len(q.count) > maxRoutes+1 || q.count[answered{other, other, 400}] != 2*maxRoutes {
		t.Errorf("%d combinations, %d others", len(q.count), q.count[answered{other, other, 400}])
	}
}

// An answer that panics is counted, and nothing stays under way.
func TestAPanicLeavesNothingUnderWay(t *testing.T) {
	q := &Requests{}
	h := q.Count(func(*http.Request) string { return "/" }, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	func() {
		defer func() { recover() }()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}()
	if q.underWay.Load() != 0 || len(q.count) != 1 {
		t.Error(q.underWay.Load(), q.count)
	}
}

// deadlines is a writer with what streams need.
type deadlines struct {
	*httptest.ResponseRecorder
	set bool
}

func (d *deadlines) SetWriteDeadline(time.Time) error { d.set = true; return nil }

func TestStreamsKeepTheirDeadlinesAndFlush(t *testing.T) {
	q, d := &Requests{}, &deadlines{ResponseRecorder: httptest.NewRecorder()}
	q.Count(func(*http.Request) string { return "/" }, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now()); err != nil {
			t.Error(err)
		}
		w.(http.Flusher).Flush()
	})).ServeHTTP(d, httptest.NewRequest("GET", "/", nil))
	if !d.set || !d.Flushed {
		t.Error(d.set, d.Flushed)
	}
}
