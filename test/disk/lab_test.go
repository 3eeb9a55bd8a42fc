package disk

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
	"github.com/lessor-dhcp/lessor/test/world"
)

// TestMain lets more tests go side by side than there are processors: most of the time they wait for a disk.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	world.Main(m)
}

const document = `
enterprise: {lease: {default: 1h}, conflict-probe: 0s, authoritative: true}
networks: {all: {subnets: {10.1.0.0/16: {pools: [{range: 10.1.16.0-10.1.99.255}]}}}}
`

// lab is a server on a disk of the test's own, and a host that loads it.
type lab struct {
	*world.World
	t            *testing.T
	server, load *world.Namespace
	disk         *Disk
	lessor       *world.Lessor
	clients      *load.Crowd
}

// newLab makes it. as runs the server, where not plainly.
func newLab(t *testing.T, as ...string) *lab {
	t.Helper()
	w := world.New(t)
	l := &lab{World: w, t: t, server: w.Host("server"), load: w.Host("load")}
	segment := w.Segment()
	segment.Attach(l.server, "eth0", "10.1.0.1/16")
	segment.Attach(l.load, "eth0", "10.1.0.2/16")
	l.disk = Over(t, w.Path("server.data"))
	l.lessor = l.server.Serve(world.Setup{Document: document, Interfaces: []string{"eth0"}, Data: l.disk.Dir, As: as})
	return l
}

// settle has clients come and get leases. Who is not answered asks again after that time, and then after twice as long each time.
func (l *lab) settle(clients int, again time.Duration) {
	l.t.Helper()
	cfg := load.Config{Servers: []netip.AddrPort{netip.MustParseAddrPort("10.1.0.1:67")}, Local: []netip.Addr{netip.MustParseAddr("10.1.0.2")},
		Clients: 4 * clients, Resend: again}
	err := l.load.Do(func() (err error) { l.clients, err = load.Open(cfg); return err })
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(l.clients.Close)
	if n := l.clients.Acquire(l.t.Context(), clients, 1000, 0, nil); n != clients {
		l.t.Fatalf("%d of %d clients have a lease before anything happens", n, clients)
	}
}

// under has clients renew, come and go for d, so many a second, waits for their answers, and returns what became of them. f runs
// meanwhile, until its end at the latest.
func (l *lab) under(rate float64, d, wait time.Duration, f func(end time.Time)) *load.Report {
	l.t.Helper()
	ended := make(chan *load.Report, 1)
	end := time.Now().Add(d)
	go func() {
		r, err := l.clients.Measure(l.t.Context(), load.Plan{Mode: load.Mixed, Rate: rate, Duration: d, Wait: wait}, nil)
		if err != nil {
			l.t.Error(err)
		}
		ended <- r
	}()
	f(end)
	return <-ended
}

// sent returns how many datagrams have left the server's machine.
func (l *lab) sent() string {
	l.t.Helper()
	lines := regexp.MustCompile(`(?m)^Udp: .*$`).FindAllString(l.server.Run("cat", "/proc/net/snmp"), -1)
	if len(lines) != 2 {
		l.t.Fatalf("the kernel's counters are %q", lines)
	}
	return strings.Fields(lines[1])[slices.Index(strings.Fields(lines[0]), "OutDatagrams")]
}

// stands has the disk stand still while f runs, and fails the test if anybody is answered meanwhile.
func (l *lab) stands(stand func(), f func()) {
	l.t.Helper()
	stand()
	defer l.disk.Go()
	l.Eventually(10*time.Second, "the server waits for its disk", func() bool {
		return slices.ContainsFunc(l.disk.Held(), func(name string) bool { return strings.HasPrefix(name, "journal-") && !strings.Contains(name, ".") })
	})
	before := l.sent()
	f()
	if after := l.sent(); after != before {
		l.t.Errorf("while the disk stood still %s datagrams became %s", before, after)
	}
}

// remembered fails the test if the server does not know something that a client was promised.
func (l *lab) remembered() int {
	l.t.Helper()
	held := l.clients.Promises()
	now := time.Now()
	rows := map[netip.Addr]world.Row{}
	for _, r := range l.lessor.Leases() {
		rows[r.Address] = r
	}
	lost := 0
	for _, p := range held {
		mac := net.HardwareAddr(p.Hardware[:]).String()
		r := rows[p.Address]
		if r.State == "active" && strings.EqualFold(r.Hardware, mac) && r.Expires.After(now.Add(p.Left-2*time.Second)) {
			continue
		}
		if lost++; lost <= 10 {
			l.t.Errorf("%v was promised to %s for %v more, and is known as %s of %s until %v", p.Address, mac, p.Left, r.State, r.Hardware, r.Expires)
		}
	}
	return len(held)
}

// status is what the server says of itself while its disk stands still.
type status struct {
	Store  struct{ State string }
	Alarms []world.Alarm
	Drops  map[string]float64
}

func (l *lab) status() (s status) {
	l.t.Helper()
	out, code := l.lessor.Command("status", "--json")
	if err := json.Unmarshal([]byte(out), &s); code != 0 || err != nil {
		l.t.Fatalf("lessor status: exit code %d, %v: %s", code, err, out)
	}
	return s
}

// alarmed reports whether the server has that alarm.
func (s *status) alarmed(code string) bool {
	return slices.ContainsFunc(s.Alarms, func(a world.Alarm) bool { return a.Code == code && a.Text != "" && a.Remedy != "" })
}

// get asks the server over its socket.
func (l *lab) get(path string) (code int, body string) {
	l.t.Helper()
	c := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", l.lessor.Socket())
		}}}
	r, err := c.Get("http://lessor" + path)
	if err != nil {
		l.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// memory returns how much the server takes, in MiB.
func (l *lab) memory() int {
	l.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.lessor.PID()))
	if err != nil {
		l.t.Fatal(err)
	}
	m := regexp.MustCompile(`VmRSS:\s*(\d+) kB`).FindStringSubmatch(string(b))
	if m == nil {
		l.t.Fatalf("no VmRSS in %s", b)
	}
	kib, _ := strconv.Atoi(m[1])
	return kib >> 10
}

// answeredAll fails the test if a client got no answer, or a wrong one.
func (l *lab) answeredAll(r *load.Report) {
	l.t.Helper()
	l.t.Logf("%d exchanges begun, %d done; asked again %d, longest wait %v, strays %d", r.Begun, r.Done, r.Again, r.Max.Round(time.Millisecond), r.Stray)
	if r.Lost > 0 || r.Refused > 0 || r.Doubled > 0 || r.Begun == 0 {
		l.t.Errorf("of %d clients %d were not answered, %d were told no, and %d were given what another one held", r.Begun, r.Lost, r.Refused, r.Doubled)
	}
}

// counted returns what is not zero of counts.
func counted(drops map[string]float64) map[string]float64 {
	maps.DeleteFunc(drops, func(_ string, n float64) bool { return n == 0 })
	return drops
}
