package load

import (
	"encoding/json"
	"math"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }

const document = `
enterprise: {lease: {default: 1h}, conflict-probe: 0s}
networks: {all: {subnets: {10.1.0.0/16: {pools: [{range: 10.1.16.0-10.1.99.255}]}}}}
`

// lab is a server and a host that loads it, on one segment.
type lab struct {
	*world.World
	t            *testing.T
	server, load *world.Namespace
	lessor       *world.Lessor
}

func newLab(t *testing.T) *lab {
	t.Helper()
	w := world.New(t)
	l := &lab{World: w, t: t, server: w.Host("server"), load: w.Host("load")}
	segment := w.Segment()
	segment.Attach(l.server, "eth0", "10.1.0.1/16")
	segment.Attach(l.load, "eth0", "10.1.0.2/16")
	l.lessor = l.server.Serve(world.Setup{Document: document, Interfaces: []string{"eth0"}})
	return l
}

// report is what is read of `lessor bench --json`.
type report struct {
	Begun, Offers, Done, Refused, Releases, Second, Stray, Doubled uint64
	Unanswered                                                     uint64 `json:"unanswered"`
	Again                                                          uint64 `json:"sent_again"`
	Mean                                                           int64  `json:"mean_ns"`
	P50                                                            int64  `json:"p50_ns"`
	NotSent                                                        uint64 `json:"not_sent"`
	NotHeard                                                       uint64 `json:"not_heard"`
	Servers                                                        map[string]uint64
}

// bench runs `lessor bench` on the loading host.
func (l *lab) bench(args ...string) (r report) {
	l.t.Helper()
	out, err := l.load.Try(append([]string{world.Binary, "bench", "--json"}, args...)...)
	begin := strings.IndexByte(out, '{')
	if begin < 0 || json.Unmarshal([]byte(out[begin:]), &r) != nil {
		l.t.Fatalf("lessor bench %v: %v\n%s", args, err, out)
	}
	l.t.Logf("lessor bench %v: %+v", args, r)
	return r
}

// counters is what the server says that it heard and answered.
func (l *lab) counters() (received, sent map[string]uint64) {
	l.t.Helper()
	out, err := exec.Command(world.Binary, "status", "--json", "--socket", l.lessor.Socket()).Output()
	var s struct{ Received, Sent map[string]uint64 }
	if err != nil || json.Unmarshal(out, &s) != nil {
		l.t.Fatalf("lessor status: %v\n%s", err, out)
	}
	return s.Received, s.Sent
}

// active counts the bindings that the server has for clients.
func (l *lab) active() int {
	l.t.Helper()
	rows, err := world.ListLeases(l.lessor.Socket())
	if err != nil {
		l.t.Fatal(err)
	}
	n := 0
	for _, r := range rows {
		if r.State == "active" {
			n++
		}
	}
	return n
}

var averageDelay = regexp.MustCompile(`avg delay: ([0-9.]+) ms`)

// At a rate that is easy for all, perfdhcp, lessor bench and the server count the same, and both find the server about as fast.
func TestBenchAgreesWithPerfdhcpAndTheServer(t *testing.T) {
	const clients, rate = 1200, 400
	l := newLab(t)
	_, sentFirst := l.counters()
	theirs := l.load.Perfdhcp("10.1.0.2", "10.1.0.1", clients, rate)
	before, sentBefore := l.counters()
	ours := l.bench("--server", "10.1.0.1", "--rate", strconv.Itoa(rate), "--duration", "3s", "--clients", strconv.Itoa(clients))
	after, sent := l.counters()
	// One that wakes up late asks for a client more than it was told to, from the first on, and does not hear what waited for it for too
	// long: what the server counts as answered is what perfdhcp asked for.
	for i, answer := range [...]string{"DHCPOFFER", "DHCPACK"} {
		left := int(sentBefore[answer] - sentFirst[answer])
		if left != theirs.Asked[i] || theirs.Answered[i] > left || theirs.Answered[i] < left/2 {
			t.Fatalf("the server answered %d with %s, and perfdhcp says %v\n%s", left, answer, theirs, theirs.Output)
		}
	}
	if theirs.Asked[0] < clients {
		t.Fatalf("perfdhcp asked for less than it was told to: %v", theirs)
	}
	if ours.Begun != clients || ours.Done != clients || ours.Offers != clients || ours.Unanswered+ours.Refused+ours.Doubled+ours.Stray != 0 {
		t.Errorf("lessor bench: %+v", ours)
	}
	for kind, n := range map[string]uint64{"DHCPDISCOVER": after["DHCPDISCOVER"] - before["DHCPDISCOVER"], "DHCPREQUEST": after["DHCPREQUEST"] - before["DHCPREQUEST"],
		"DHCPOFFER": sent["DHCPOFFER"] - sentBefore["DHCPOFFER"], "DHCPACK": sent["DHCPACK"] - sentBefore["DHCPACK"]} {
		if n < clients || n > clients+ours.Again {
			t.Errorf("the server counts %d %s, the clients %d and %d sent again", n, kind, clients, ours.Again)
		}
	}
	// Of those that perfdhcp asks for beyond what it was told to, each is one that it had already.
	if got := l.active(); got < 2*clients || got > theirs.Asked[1]+clients {
		t.Errorf("the server has %d leases for %d clients, of which perfdhcp's %d had asked before", got, theirs.Asked[1]+clients, theirs.Asked[1]-clients)
	}
	// perfdhcp tells the time of each of the two halves.
	average := 0.0
	for _, m := range averageDelay.FindAllStringSubmatch(theirs.Output, -1) {
		v, _ := strconv.ParseFloat(m[1], 64)
		average += v
	}
	mean := float64(ours.Mean) / 1e6
	t.Logf("mean time of an exchange: perfdhcp %.2f ms, lessor bench %.2f ms", average, mean)
	if average == 0 || mean > 4*average+20 || average > 4*mean+20 {
		t.Errorf("mean time of an exchange: perfdhcp %.2f ms, lessor bench %.2f ms", average, mean)
	}
}

// Both see the same loss where every tenth message does not come to the server.
func TestBenchSeesTheLossThatPerfdhcpSees(t *testing.T) {
	const clients, rate = 1000, 400
	l := newLab(t)
	l.server.Filter("udp dport 67 numgen inc mod 10 == 0 drop")
	theirs := l.load.Perfdhcp("10.1.0.2", "10.1.0.1", clients, rate)
	ours := l.bench("--server", "10.1.0.1", "--rate", strconv.Itoa(rate), "--duration", "2500ms", "--clients", strconv.Itoa(clients), "--once", "--wait", "2s")
	lost := float64(ours.Unanswered) / float64(ours.Begun)
	theirLoss := 1 - float64(theirs.Answered[1])/float64(theirs.Asked[0])
	t.Logf("lost: perfdhcp %.3f, lessor bench %.3f", theirLoss, lost)
	if math.Abs(lost-0.19) > 0.03 || math.Abs(theirLoss-lost) > 0.05 {
		t.Errorf("lost: perfdhcp %.3f, lessor bench %.3f; of each ten messages one was", theirLoss, lost)
	}
	// With retransmission nobody is left without an answer.
	again := l.bench("--server", "10.1.0.1", "--rate", "200", "--duration", "1s", "--first", "50000", "--resend", "300ms", "--wait", "20s")
	if again.Done != 200 || again.Unanswered != 0 || again.Again < 20 {
		t.Errorf("with retransmission: %+v", again)
	}
}

// Clients on the link itself are heard by broadcast, are answered at their own hardware address, answer for their address, and
// renew with their server alone.
func TestClientsOnTheLinkItself(t *testing.T) {
	l := newLab(t)
	fresh := l.bench("--direct", "eth0", "--rate", "300", "--duration", "1s", "--clients", "300")
	if fresh.Done != 300 || fresh.Unanswered+fresh.Refused+fresh.Stray+fresh.NotSent != 0 || fresh.Servers["10.1.0.1"] != 300 {
		t.Errorf("new clients: %+v", fresh)
	}
	if got := l.active(); got != 300 {
		t.Errorf("the server has %d leases", got)
	}
	// From here on the server hears nobody by broadcast: renewals must come to it alone. Each new lease of those that renew
	// needs a broadcast, so the rule spares DISCOVER and SELECTING, which have no address.
	l.server.Filter("ip saddr != 0.0.0.0 ip daddr 255.255.255.255 udp dport 67 drop")
	before, _ := l.counters()
	renewed := l.bench("--direct", "eth0", "--mode", "renew", "--rate", "200", "--duration", "1s", "--clients", "100", "--first", "1000")
	after, _ := l.counters()
	if renewed.Done != 200 || renewed.Unanswered+renewed.Refused != 0 || renewed.Again != 0 {
		t.Errorf("renewals: %+v", renewed)
	}
	if n := after["DHCPREQUEST"] - before["DHCPREQUEST"]; n < 300 {
		t.Errorf("the server heard %d requests", n)
	}
	gone := l.bench("--direct", "eth0", "--mode", "release", "--rate", "100", "--duration", "1s", "--clients", "100", "--first", "2000")
	for end := time.Now().Add(5 * time.Second); l.active() != 400 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
	}
	if got := l.active(); gone.Releases != 100 || got != 400 {
		t.Errorf("%d gave back what they had, the server has %d leases: %+v", gone.Releases, got, gone)
	}
	if mixed := l.bench("--direct", "eth0", "--mode", "mixed", "--rate", "200", "--duration", "1s", "--clients", "200", "--first", "3000"); mixed.Done != 200 || mixed.Releases != 20 || mixed.Unanswered+mixed.Refused+mixed.Doubled != 0 {
		t.Errorf("mixed: %+v", mixed)
	}
}
