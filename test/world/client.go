package world

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Client is a real DHCP client on one interface of a host. All of them are driven alike, so that one test can be run
// with each.
type Client interface {
	// Kind is the name of the program.
	Kind() string
	// Start begins, or begins again after Crash with the leases that it had written down.
	Start()
	// Renew makes the client renew soon: by its own command where it has one, else by waiting for T1.
	Renew()
	// Release gives the lease back and ends the client.
	Release()
	// Crash ends the client at once, as the loss of its host would. It says nothing to the server.
	Crash()
	// Told returns what the server told the client last, by the names of the client's own script environment, in
	// lower case and without a prefix: "routers", "host_name". It is nil where the client does not tell.
	Told() map[string]string
}

// Clients are the kinds that there are.
var Clients = []string{"dhclient", "dhcpcd", "udhcpc", "networkd"}

// Options says how a client is to behave where its default is not wanted.
type Options struct {
	// CheckConflict makes the client probe the address before it uses it, and decline it where somebody answers.
	CheckConflict bool
	// Lines are added to the client's own configuration file, where it has one.
	Lines []string
	// Hostname is sent to the server (option 12) where it is not empty.
	Hostname string
	// Onlink are prefixes that share the client's link with its own subnet: dhclient then reaches them without a router.
	Onlink []string
}

// Client makes a client of the kind on an interface of the host.
func (n *Namespace) Client(kind, dev string, o Options) Client {
	n.w.t.Helper()
	base := station{host: n, dev: dev, opt: o, dir: n.w.Path(n.Role + "-" + dev)}
	if err := os.MkdirAll(base.dir, 0o755); err != nil {
		n.w.t.Fatal(err)
	}
	switch kind {
	case "udhcpc":
		return newUdhcpc(base)
	case "dhclient":
		return newDhclient(base)
	case "dhcpcd":
		return newDhcpcd(base)
	case "networkd":
		return newNetworkd(base)
	}
	n.w.t.Fatalf("no client is called %q", kind)
	return nil
}

// station is what the clients have in common: where they are.
type station struct {
	host *Namespace
	dev  string
	dir  string // state and scripts of this client
	opt  Options
	proc *Process
}

// Crash ends the process at once, and takes the address off the interface, as a reboot of the host would.
func (s *station) Crash() {
	s.host.w.t.Helper()
	if s.proc != nil {
		s.proc.Kill()
	}
	s.host.IP("addr", "flush", "dev", s.dev)
}

func (s *station) path(name string) string { return s.dir + "/" + name }

// environment reads the file that our client scripts write: one NAME=VALUE a line.
func (s *station) environment(strip string) map[string]string {
	text, err := os.ReadFile(s.path("told"))
	if err != nil {
		return nil
	}
	told := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(strings.TrimRight(line, "\n"), "="); ok {
			told[strings.TrimPrefix(strings.ToLower(k), strip)] = strings.Trim(v, "'")
		}
	}
	return told
}

// Leased waits until the interface has an address, and returns it with its mask.
func (n *Namespace) Leased(dev string, d time.Duration) netip.Prefix {
	n.w.t.Helper()
	var got netip.Prefix
	n.w.Eventually(d, n.Role+" has an address on "+dev, func() bool {
		for _, p := range n.Addresses(dev) {
			if !p.Addr().IsLinkLocalUnicast() {
				got = p
				return true
			}
		}
		return false
	})
	return got
}

// LeasedIn is Leased for an address within a prefix; others do not count.
func (n *Namespace) LeasedIn(dev string, in netip.Prefix, d time.Duration) netip.Addr {
	n.w.t.Helper()
	var got netip.Addr
	n.w.Eventually(d, n.Role+" has an address of "+in.String()+" on "+dev, func() bool {
		for _, p := range n.Addresses(dev) {
			if in.Contains(p.Addr()) {
				got = p.Addr()
				return true
			}
		}
		return false
	})
	return got
}

// MAC is a locally administered Ethernet address that ends in the number given.
func MAC(n int) net.HardwareAddr {
	return net.HardwareAddr{2, 0, 0, byte(n >> 16), byte(n >> 8), byte(n)}
}
