package metrics

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fake is a server that measured what a test says.
type fake struct {
	node.Reporter
	m   node.Measures
	err error
	// held, if not nil, is waited for before an answer.
	held, asked chan struct{}
}

func (f *fake) Measures(ctx context.Context) (node.Measures, error) {
	if f.held != nil {
		f.asked <- struct{}{}
		<-f.held
	}
	return f.m, f.err
}

// plain is a server that measures nothing.
type plain struct{ node.Reporter }

func (plain) Status(context.Context) (node.Status, error) { return node.Status{Server: "west"}, nil }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func histogramOf(counts ...uint64) node.Histogram {
	h := node.Histogram{Bounds: []float64{0.001, 0.01}, Counts: counts}
	for i, n := range counts {
		h.Sum += float64(n) * float64(i+1) / 100
	}
	return h
}

// busy is one of two servers that has something to say of everything.
func busy() node.Measures {
	return node.Measures{
		Answers: map[string]node.Histogram{"DHCPACK": histogramOf(3, 2, 1), "DHCPOFFER": histogramOf(7, 0, 0)},
		Commits: histogramOf(5, 1, 0), Changes: histogramOf(6, 0, 0), Reads: histogramOf(4, 4, 4), Sends: histogramOf(1, 2, 3), EventsLost: 11,
		Status: node.Status{
			Server: "west", Version: "1.2.3", Ready: true, Waiting: "waiting for east", Started: node.At(noon),
			Config: node.ConfigStatus{Head: "c0ffee", Since: node.At(noon), Refused: "no", Group: &node.GroupConfigStatus{
				Head: "c0ffee", PartnerHead: "beef", Versions: 4, Waits: "for east", FileDiffers: true, Pending: make([]version.Change, 2),
				Conflict: &node.ConfigConflict{}, Settling: &node.Settling{Count: 3},
			}},
			Partners: []node.PartnerStatus{{
				Name: "campus", Partner: "east", State: "NORMAL", PartnerState: "STARTUP", Since: node.At(noon), MCLT: 3600, Unacked: 5, InFlight: 2,
				Connected: true, Skew: -1.5, Uncertain: 0.25, PartnerSilent: true, Disagree: true, Conflicts: make([]node.BindingConflictStatus, 2),
				Rejected: 1, Ignored: 9, RefusedConnections: []node.RefusedConnection{{Reason: "not a member", Count: 6}}, KeysEnd: node.At(noon),
			}},
			Pools: []node.PoolStatus{{
				Network: "floor1", Subnet: netip.MustParsePrefix("198.51.100.0/24"), Range: "198.51.100.1-198.51.100.100", Size: 100, Active: 50, Offered: 3,
				Grace: 2, Abandoned: 1, Reserved: 4, Free: 0, PartnerFree: 40,
			}},
			Interfaces: []node.InterfaceStatus{{Name: "eth0", Up: true}, {Name: "eth1"}},
			Alarms: []node.Alarm{
				{Code: "pool-exhausted", Severity: node.Critical}, {Code: "pool-exhausted", Severity: node.Critical}, {Code: "drift", Severity: node.Warning},
			},
			Received: map[string]uint64{"DHCPDISCOVER": 10}, Sent: map[string]uint64{"DHCPOFFER": 7}, Drops: map[string]uint64{"truncated": 2, "no-address": 0},
			ClassesFailed: []node.ClassFailure{{Class: "phones", Count: 8}}, ProbesSkipped: 1, OffersRecalled: 2, OptionsLeftOut: 3,
			Bindings: map[string]int{"total": 60, "active": 50, "free": 10}, Memory: 12345,
			Stale: &node.StaleSummary{Clients: 2, ByCause: map[string]int{"asked for more": 2}, Unknown: 1, Sweeping: true, SinceOldest: node.At(noon)},
			Store: node.StoreStatus{State: "open", Commits: 99, Syncs: 98, JournalBytes: 4096, Segments: 2, Snapshot: node.At(noon), SnapshotBytes: 777,
				Recovered: node.RecoveryStatus{DamagedCount: 1, Seconds: 0.5}},
		},
	}
}

// scrape returns what a scrape of h says, without what is about the process.
func scrape(t *testing.T, h http.Handler) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var ours strings.Builder
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, "lessor_") || w.Code != http.StatusOK {
			ours.WriteString(line)
		}
	}
	return w.Code, ours.String()
}

func TestAScrapeSaysWhatTheServerMeasured(t *testing.T) {
	code, got := scrape(t, Handler(&fake{m: busy()}, nil))
	if code != http.StatusOK {
		t.Fatal(code, got)
	}
	const golden = "testdata/busy.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the scrape is not %s any more (-update writes it anew):\n%s", golden, got)
	}
}

func TestEveryMetricOfTheGoldenScrapeIsConsistent(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	m := busy()
	r.MustRegister(collector{&m}, &Requests{})
	if _, err := r.Gather(); err != nil {
		t.Fatal(err)
	}
}

// The golden scrape has every metric, so that none is declared and never given.
func TestABusyServerHasEveryMetric(t *testing.T) {
	_, got := scrape(t, Handler(&fake{m: busy()}, nil))
	for _, f := range families {
		if !strings.Contains(got, "# TYPE "+f.name+" "+f.kind+"\n") {
			t.Errorf("%s is not there", f.name)
		}
	}
}

func TestAServerThatJustBeganIsScraped(t *testing.T) {
	for name, r := range map[string]node.Reporter{"measures": &fake{}, "reports": plain{}} {
		if code, got := scrape(t, Handler(r, &Requests{})); code != http.StatusOK || !strings.Contains(got, "lessor_ready 0\n") {
			t.Errorf("%s: %d %s", name, code, got)
		}
	}
}

func TestAServerThatEndedIsNotAGoodScrape(t *testing.T) {
	code, got := scrape(t, Handler(&fake{err: errors.New("the server has stopped")}, nil))
	if code != http.StatusServiceUnavailable || !strings.Contains(got, "the server has stopped") {
		t.Error(code, got)
	}
}

func TestOnlyAFewScrapesAtOnce(t *testing.T) {
	f := &fake{held: make(chan struct{}), asked: make(chan struct{})}
	h := Handler(f, nil)
	done := make(chan int)
	for range maxScrapes {
		go func() { code, _ := scrape(t, h); done <- code }()
		<-f.asked
	}
	if code, got := scrape(t, h); code != http.StatusServiceUnavailable || !strings.Contains(got, "too many scrapes") {
		t.Error(code, got)
	}
	close(f.held)
	for range maxScrapes {
		if code := <-done; code != http.StatusOK {
			t.Error(code)
		}
	}
}

func TestOnlyGETIsAScrape(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(&fake{}, nil).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/metrics", strings.NewReader("x")))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Error(w.Code, w.Header())
	}
}

// manyPools are n pools, each of which has 10 addresses.
func manyPools(n int) (ps []node.PoolStatus) {
	for i := range n {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0})
		ps = append(ps, node.PoolStatus{Network: fmt.Sprint("n", i), Subnet: netip.PrefixFrom(a, 24), Range: a.String() + "-" + a.Next().String(), Size: 10, Active: 4, Free: 6})
	}
	return ps
}

func TestPoolsBeyondTheBoundAreAddedUp(t *testing.T) {
	m := busy()
	m.Status.Pools = manyPools(10_000)
	_, got := scrape(t, Handler(&fake{m: m}, nil))
	if n := strings.Count(got, "lessor_pool_size{"); n != MaxPools+1 {
		t.Errorf("%d series", n)
	}
	for _, want := range []string{
		`lessor_pool_size{network="n499",range="10.1.243.0-10.1.243.1",subnet="10.1.243.0/24"} 10`,
		`lessor_pool_size{network="other",range="other",subnet="other"} 95000`,
		`lessor_pool_addresses{network="other",range="other",state="active",subnet="other"} 38000`,
		"lessor_pools 10000\n", "lessor_pools_exhausted 0\n", "lessor_pools_scarce 0\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not there", want)
		}
	}
	m.Status.Pools[9_999].Free, m.Status.Pools[9_999].Active = 0, 10
	if _, got := scrape(t, Handler(&fake{m: m}, nil)); !strings.Contains(got, "lessor_pools_exhausted 1\n") || !strings.Contains(got, "lessor_pools_scarce 1\n") {
		t.Error("a pool that is added up is full, and nothing says so")
	}
}

func TestASumThatDoesNotFitIsTheLargest(t *testing.T) {
	m := busy()
	m.Status.Pools = manyPools(MaxPools + 3)
	for i := range m.Status.Pools {
		m.Status.Pools[i].Size = 1 << 63
	}
	if _, got := scrape(t, Handler(&fake{m: m}, nil)); !strings.Contains(got, `lessor_pool_size{network="other",range="other",subnet="other"} 1.8446744073709552e+19`) {
		t.Error("the sum went round")
	}
}

func TestClassesAndInterfacesAreBounded(t *testing.T) {
	m := busy()
	m.Status.ClassesFailed, m.Status.Interfaces = nil, nil
	for i := range 5_000 {
		m.Status.ClassesFailed = append(m.Status.ClassesFailed, node.ClassFailure{Class: fmt.Sprintf("c%04d", i), Count: 1})
		m.Status.Interfaces = append(m.Status.Interfaces, node.InterfaceStatus{Name: fmt.Sprint("eth", i)}, node.InterfaceStatus{Name: "eth0"})
	}
	_, got := scrape(t, Handler(&fake{m: m}, nil))
	if n := strings.Count(got, "lessor_class_failures_total{"); n != maxClasses+1 {
		t.Errorf("%d classes", n)
	}
	if !strings.Contains(got, `lessor_class_failures_total{class="other"} 4900`) {
		t.Error("the others are not added up")
	}
	if n := strings.Count(got, "lessor_interface_up{"); n != maxInterfaces {
		t.Errorf("%d interfaces", n)
	}
}

// Names come from the configuration; what is in them must not end a scrape, or become a line of its own.
func TestNamesCannotBreakAScrape(t *testing.T) {
	m := busy()
	const odd = "a\"b\\c\nlessor_ready 0\xff\x1b[2J"
	m.Status.Pools[0].Network, m.Status.Pools[0].Range = odd, odd
	m.Status.ClassesFailed[0].Class = odd
	m.Status.Partners[0].Partner = odd
	m.Status.Interfaces[0].Name = odd
	code, got := scrape(t, Handler(&fake{m: m}, nil))
	if code != http.StatusOK || strings.Count(got, "\nlessor_ready ") != 1 || !strings.Contains(got, `network="a\"b\\c\nlessor_ready 0�`) {
		t.Error(code, got)
	}
}

// Every line of the text format is one that Prometheus reads.
func TestEveryLineIsWellFormed(t *testing.T) {
	line := regexp.MustCompile(`^(# (HELP|TYPE) lessor_[a-z_]+ .+|lessor_[a-z_]+(\{([a-z]+="(?:[^"\\\n]|\\.)*",?)+\})? [-+0-9.eInf]+)\n$`)
	_, got := scrape(t, Handler(&fake{m: busy()}, nil))
	for l := range strings.Lines(got) {
		if !line.MatchString(l) {
			t.Errorf("%q", l)
		}
	}
}

// named are the metrics that a text names.
var named = regexp.MustCompile(`\blessor_[a-z_]+\b`)

func TestTheDocumentNamesEveryMetricAndNoOther(t *testing.T) {
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, f := range families {
		known = append(known, f.name)
	}
	known = append(known, ofRequests...)
	for _, name := range known {
		if !regexp.MustCompile("(?m)^\\| `" + name + "[`{]").Match(doc) {
			t.Errorf("docs/metrics.md has no row for %s", name)
		}
	}
	for _, name := range named.FindAllString(string(doc), -1) {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if name != "lessor_test" && !slices.Contains(known, base) && !slices.Contains(known, name) {
			t.Errorf("docs/metrics.md names %s, which is none", name)
		}
	}
}

func BenchmarkScrapeOf10000Pools(b *testing.B) {
	m := busy()
	m.Status.Pools = manyPools(10_000)
	h := Handler(&fake{m: m}, &Requests{})
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}
}
