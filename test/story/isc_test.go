package story

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// iscPair is two ISC dhcpd with failover.
type iscPair struct {
	process [2]*world.Process
	conf    [2]string
}

// iscConf is the file of one of the two.
func iscConf(s side, c config) string {
	var b strings.Builder
	b.WriteString("authoritative; ddns-update-style none; ping-check off; dhcp-cache-threshold 0;\n")
	fmt.Fprintf(&b, "min-lease-time 1; default-lease-time %d; max-lease-time %d;\n", int(lifetime.Seconds()), int(lifetime.Seconds()))
	fmt.Fprintf(&b, "option domain-name \"corp.example\";\noption vendor-encapsulated-options 1:4:%s;\noption tftp-server-name %q;\n", octets(c.vendor), c.boot)
	own, other := westAddr, eastAddr
	role := fmt.Sprintf("primary; mclt %d; split 128;", int(mclt.Seconds()))
	if s == east {
		own, other, role = eastAddr, westAddr, "secondary;"
	}
	fmt.Fprintf(&b, "failover peer \"campus\" {\n  %s\n  address %v; port 647; peer address %v; peer port 647;\n", role, own, other)
	b.WriteString("  max-response-delay 5; max-unacked-updates 10; load balance max seconds 3;\n}\n")
	b.WriteString("shared-network floor1 {\n subnet 198.51.100.0 netmask 255.255.255.0 {\n")
	if c.router != "" {
		fmt.Fprintf(&b, "  option routers %s;\n", c.router)
	}
	b.WriteString("  pool { failover peer \"campus\"; range 198.51.100.50 198.51.100.149; }\n }\n" +
		" subnet 203.0.113.0 netmask 255.255.255.0 {\n  option routers 203.0.113.1;\n" +
		"  pool { failover peer \"campus\"; range 203.0.113.50 203.0.113.149; }\n }\n}\n")
	return b.String()
}

// octets is an IPv4 address as dhcpd.conf has octets.
func octets(a string) string {
	var parts []string
	for _, o := range strings.Split(a, ".") {
		var n int
		fmt.Sscan(o, &n)
		parts = append(parts, fmt.Sprintf("%x", n))
	}
	return strings.Join(parts, ":")
}

func (p *iscPair) leases(f *floor, s side) string { return f.Path(s.String()+".dhcpd", "leases") }

func (p *iscPair) start(f *floor, s side) {
	f.t.Helper()
	p.process[s] = f.servers[s].Start("dhcpd", "dhcpd", "-4", "-f", "-d", "--no-pid", "-cf", p.conf[s], "-lf", p.leases(f, s), "eth0")
	p.process[s].Says(10*time.Second, `Server starting service`)
}

func (p *iscPair) begin(f *floor) {
	f.t.Helper()
	for s, c := range []config{asWest, asEast} {
		p.conf[s] = f.Write(side(s).String()+".dhcpd/dhcpd.conf", iscConf(side(s), c))
		f.Write(side(s).String()+".dhcpd/leases", "")
		p.start(f, side(s))
	}
	p.both(f, "normal", time.Minute)
}

// both waits until both are in the state, by their lease files.
func (p *iscPair) both(f *floor, state string, d time.Duration) {
	f.t.Helper()
	began := time.Now()
	f.eventually(d, func() string { return "both dhcpd are in " + state }, func() bool {
		return p.state(f, west) == state && p.state(f, east) == state
	})
	f.say("both dhcpd are in %s, after %.1f s", state, time.Since(began).Seconds())
}

// state is what the server wrote last of its own state.
func (p *iscPair) state(f *floor, s side) string {
	text, err := os.ReadFile(p.leases(f, s))
	if err != nil { // it is just being renewed
		return ""
	}
	at := strings.LastIndex(string(text), "my state ")
	if at < 0 {
		return ""
	}
	state, _, _ := strings.Cut(string(text)[at+len("my state "):], " at ")
	return state
}

// edit restarts the server: dhcpd reads its file only when it starts.
func (p *iscPair) edit(f *floor, s side, c config) {
	f.t.Helper()
	if err := os.WriteFile(p.conf[s], []byte(iscConf(s, c)), 0o644); err != nil {
		f.t.Fatal(err)
	}
	p.process[s].Signal(syscall.SIGTERM)
	p.process[s].Wait(15 * time.Second)
	p.start(f, s)
	time.Sleep(2 * time.Second) // the state in the file is that of before
	p.both(f, "normal", time.Minute)
}

func (p *iscPair) apart(f *floor) {
	f.t.Helper()
	p.both(f, "communications-interrupted", 30*time.Second)
}
func (p *iscPair) together(f *floor) { f.t.Helper(); p.both(f, "normal", time.Minute) }

func TestTheStoryOfTwoDhcpd(t *testing.T) {
	t.Parallel()
	f := newFloor(t)
	seen := f.play(&iscPair{})
	tellsOwn(t, seen)
	// Together again, each goes on with its own file, and who answers a client decides what it hears.
	if o := seen["together: those who moved renew with east"]; o.noRouter != o.asked || o.oldVendor != o.asked {
		t.Errorf("docs/story.md says that east goes on with its own file: %v", o)
	}
}
