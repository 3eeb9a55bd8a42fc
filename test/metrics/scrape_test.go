package metrics

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }

// The configuration of the test: a segment with clients, and so many subnets that nobody would want a series for each.
const (
	networks = 100
	subnets  = 100 // in each of them
	pools    = networks*subnets + 1
	// own is how many pools have series of their own (docs/metrics.md).
	own = 500
)

func document() string {
	var b strings.Builder
	b.WriteString("enterprise:\n  lease: {default: 10m}\n  conflict-probe: 0s\nclasses:\n  canaries: {kind: vendor, match: 'vendor_class.startsWith(\"CANARY\")', options: {domain-name: canaries.example}}\n" +
		"accept: {host-name: true}\nnetworks:\n  access:\n    subnets:\n      10.1.0.0/24:\n        pools: [{range: 10.1.0.50-10.1.0.99}]\n")
	for n := range networks {
		fmt.Fprintf(&b, "  big%02d:\n    subnets:\n", n)
		for s := range subnets {
			fmt.Fprintf(&b, "      10.%d.%d.0/24: {pools: [{range: 10.%d.%d.10-10.%d.%d.19}]}\n", 100+n, s, 100+n, s, 100+n, s)
		}
	}
	return b.String()
}

// scrape asks a server as Prometheus does, over its socket.
func scrape(t *testing.T, socket, accept string) (text string, took time.Duration) {
	t.Helper()
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodGet, "http://lessor/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err, string(body))
	}
	return string(body), time.Since(began)
}

// value returns what a scrape says of a series.
func value(t *testing.T, text, series string) float64 {
	t.Helper()
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("the scrape has no %s", series)
	return 0
}

// series counts what begins so.
func series(text, prefix string) (n int) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// words are what clients say of themselves; none of it may be in a label.
var words = []string{
	"CANARY\"} 1\nlessor_ready 0\n", "CANARY\\", "CANARY\x00\xff\xfe", "CANARY{a=\"b\"}", "CANARY\x1b]0;owned\a", "CANARY" + strings.Repeat("x", 200), "=CANARY()", "<script>CANARY</script>",
}

// A real process with 10,000 subnets, and clients that call themselves what would end a scrape: Prometheus's own tool has nothing against what it says, the
// figures are those of the clients, and there are as many series as before they came.
func TestALiveScrape(t *testing.T) {
	w := world.New(t)
	server, host := w.Host("west"), w.Host("client")
	lan := w.Segment()
	lan.Attach(server, "eth0", "10.1.0.1/24")
	lan.Attach(host, "eth0")
	lessor := server.Serve(world.Setup{Document: document(), Quiet: true})
	lessor.Says(time.Minute, `\bready\b`)

	before, _ := scrape(t, lessor.Socket(), "")
	for i, name := range words {
		c := host.Scripted("eth0", net.HardwareAddr{2, 0, 0, 0, 0xca, byte(i)})
		said := []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptHostName(name)), dhcpv4.WithOption(dhcpv4.OptClassIdentifier(name)),
			dhcpv4.WithGeneric(dhcpv4.OptionUserClassInformation, append([]byte{6}, "CANARY"...))}
		c.Acquire(said...)
		c.SendRaw([]byte("CANARY" + name)) // no DHCP at all
	}
	w.Eventually(time.Minute, "what was no DHCP is counted", func() bool {
		text, _ := scrape(t, lessor.Socket(), "")
		return strings.Contains(text, "lessor_packets_dropped_total{")
	})
	after, took := scrape(t, lessor.Socket(), "")

	lint := exec.Command("promtool", "check", "metrics")
	lint.Stdin = strings.NewReader(after)
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	if got := value(t, after, `lessor_packets_sent_total{type="DHCPACK"}`); got < float64(len(words)) {
		t.Errorf("%v ACKs are counted, and %d clients have one", got, len(words))
	}
	if got := value(t, after, `lessor_answer_duration_seconds_count{type="DHCPACK"}`); got < float64(len(words)) {
		t.Errorf("the time of %v ACKs was measured", got)
	}
	if got := value(t, after, `lessor_pool_addresses{network="access",range="10.1.0.50-10.1.0.99",state="active",subnet="10.1.0.0/24"}`); got != float64(len(words)) {
		t.Errorf("%v addresses are in use, by %d clients", got, len(words))
	}
	if got := value(t, after, "lessor_pools"); got != pools {
		t.Errorf("%v pools, not %d", got, pools)
	}
	if n := series(after, "lessor_pool_size{"); n != own+1 {
		t.Errorf("%d pools have a series, and %d and the sum of the others may", n, own)
	}
	if got, want := value(t, after, `lessor_pool_size{network="other",range="other",subnet="other"}`), float64((pools-own)*10); got != want {
		t.Errorf("the others have %v addresses together, not %v", got, want)
	}
	if strings.Contains(after, "CANARY") || strings.Contains(after, "02:00:00:00:ca") {
		t.Error("a label has what a client said")
	}
	// Types and reasons that were not met before may come, and nothing else.
	if a, b := series(before, "lessor_"), series(after, "lessor_"); b > a+200 {
		t.Errorf("%d series before the clients came, %d after", a, b)
	}
	if strings.Count(after, "\nlessor_ready ") != 1 || value(t, after, "lessor_ready") != 1 {
		t.Error("what a client said became a line of the scrape")
	}
	t.Logf("%d series, %d octets, %v", series(after, "lessor_"), len(after), took)

	open, _ := scrape(t, lessor.Socket(), "application/openmetrics-text; version=1.0.0")
	if !strings.HasSuffix(open, "# EOF\n") || !regexp.MustCompile(`(?m)^lessor_packets_sent_total\{type="DHCPACK"\} `).MatchString(open) {
		t.Error("it does not speak OpenMetrics")
	}
}
