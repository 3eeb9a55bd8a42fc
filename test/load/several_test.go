package load

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/lessor-dhcp/lessor/test/world"
)

// twoServers are a host that loads two servers, and what reads the counters of each.
type twoServers struct {
	t    *testing.T
	load *lab
	labs [2]*lab
}

// sent is how many of each answer both have sent.
func (x *twoServers) sent() (all uint64) {
	for _, l := range x.labs {
		_, sent := l.counters()
		all += sent["DHCPOFFER"] + sent["DHCPACK"] + sent["DHCPNAK"]
	}
	return all
}

func (x *twoServers) bench(args ...string) report {
	x.t.Helper()
	return x.load.bench(append([]string{"--server", "10.1.0.1", "--server", "10.1.0.2", "--local", "10.1.0.9", "--wait", "10s"}, args...)...)
}

const twoClients, twoRate = 600, 400

// fresh has new clients ask both, and checks that what they are said to have answered is what they say.
func (x *twoServers) fresh() report {
	x.t.Helper()
	before := x.sent()
	r := x.bench("--rate", strconv.Itoa(twoRate), "--duration", "1500ms", "--clients", strconv.Itoa(twoClients))
	if heard, sent := r.Offers+r.Done+r.Refused+r.Second+r.Stray, x.sent()-before; heard > sent || heard < sent-sent/20 {
		x.t.Errorf("the clients heard %d answers, the servers sent %d", heard, sent) // the last of the second server's come after the end
	}
	if r.Servers["10.1.0.1"]+r.Servers["10.1.0.2"] != r.Done || r.Doubled != 0 {
		x.t.Errorf("done %d, of which by server: %v", r.Done, r.Servers)
	}
	return r
}

// A pair shares its clients: each is answered, by one of the two, and what the clients count is what both have in their tables.
func TestBenchOfAPair(t *testing.T) {
	p := world.New(t).Pair(world.PairSetup{Lease: 3600e9})
	host := p.Host("load")
	p.West.Segment.Attach(host, "eth0", "10.1.0.9/16")
	x := &twoServers{t: t, load: &lab{World: p.World, t: t, load: host}}
	for i, m := range p.Both() {
		x.labs[i] = &lab{World: p.World, t: t, lessor: m.Lessor}
	}
	if r := x.fresh(); r.Done != twoClients || r.Unanswered+r.Refused != 0 || r.Servers["10.1.0.1"] == 0 || r.Servers["10.1.0.2"] == 0 {
		t.Errorf("new clients: %+v", r)
	}
	p.Converged(20e9)
	for _, l := range x.labs {
		if n := l.active(); n != twoClients {
			t.Errorf("%d leases", n)
		}
	}
	// Behind a relay a renewal comes to both, and both know the client.
	if r := x.bench("--mode", "renew", "--rate", "300", "--duration", "1s", "--clients", "300", "--first", "10000"); r.Done != 300 || r.Unanswered+r.Refused+r.Doubled != 0 || r.Second > 300 {
		t.Errorf("renewals: %+v", r)
	}
}

// Two servers that know nothing of each other have pools of their own: each client has one lease, of the one whose offer came first.
func TestBenchOfTwoThatAreNoPair(t *testing.T) {
	w := world.New(t)
	host, segment := w.Host("load"), w.Segment()
	segment.Attach(host, "eth0", "10.1.0.9/16")
	x := &twoServers{t: t, load: &lab{World: w, t: t, load: host}}
	for i := range x.labs {
		s := w.Host(fmt.Sprintf("server%d", i+1))
		segment.Attach(s, "eth0", fmt.Sprintf("10.1.0.%d/16", i+1))
		x.labs[i] = &lab{World: w, t: t, lessor: s.Serve(world.Setup{Interfaces: []string{"eth0"}, Document: fmt.Sprintf(`
enterprise: {lease: {default: 1h}, conflict-probe: 0s}
networks: {all: {subnets: {10.1.0.0/16: {pools: [{range: 10.1.%d.0-10.1.%d.255}]}}}}
`, 16+32*i, 47+32*i)})}
	}
	r := x.fresh()
	if r.Done != twoClients || r.Unanswered+r.Refused != 0 {
		t.Errorf("new clients: %+v", r)
	}
	for i, l := range x.labs {
		if n := uint64(l.active()); n != r.Servers[fmt.Sprintf("10.1.0.%d", i+1)] {
			t.Errorf("server %d has %d leases, and gave %v", i+1, n, r.Servers)
		}
	}
	if r := x.bench("--mode", "renew", "--rate", "300", "--duration", "1s", "--clients", "300", "--first", "10000"); r.Done != 300 || r.Unanswered+r.Refused != 0 {
		t.Errorf("renewals: %+v", r)
	}
}
