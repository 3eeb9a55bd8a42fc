package world

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Namespace is a host of the world: a network stack of its own.
type Namespace struct {
	// Name is what `ip netns` calls it.
	Name string
	// Role is the short name that the test gave it.
	Role string
	w    *World
}

// Host makes a namespace with its loopback interface up and without IPv6, which no test here needs and whose neighbour
// discovery would only be noise in the captures.
func (w *World) Host(role string) *Namespace {
	w.t.Helper()
	n := &Namespace{Name: w.id + "-" + role, Role: role, w: w}
	w.must("ip", "netns", "add", n.Name)
	w.mu.Lock()
	w.spaces = append(w.spaces, n)
	w.mu.Unlock()
	n.Sysctl("net/ipv6/conf/all/disable_ipv6", "1")
	n.Sysctl("net/ipv6/conf/default/disable_ipv6", "1")
	n.IP("link", "set", "lo", "up")
	return n
}

// Remove takes the host down before the world ends, with all that runs there. Its name is free again.
func (n *Namespace) Remove() {
	remove(n.Name)
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.w.spaces = slices.DeleteFunc(n.w.spaces, func(o *Namespace) bool { return o == n })
}

// World is the world that the host is part of.
func (n *Namespace) World() *World { return n.w }

// IP runs ip(8) in the namespace.
func (n *Namespace) IP(args ...string) string {
	n.w.t.Helper()
	return n.w.must(append([]string{"ip", "-n", n.Name}, args...)...)
}

// Run runs a command in the namespace to its end and returns what it wrote. It must succeed.
func (n *Namespace) Run(args ...string) string {
	n.w.t.Helper()
	return n.w.must(append([]string{"ip", "netns", "exec", n.Name}, args...)...)
}

// Try is Run for a command that may fail.
func (n *Namespace) Try(args ...string) (string, error) {
	return run(append([]string{"ip", "netns", "exec", n.Name}, args...)...)
}

// Do calls f on a thread that is in the namespace. Sockets that f opens stay there.
func (n *Namespace) Do(f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	there, err := os.Open("/run/netns/" + n.Name)
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter %s: %w", n.Name, err)
	}
	failed := f()
	// A thread that cannot find home again stays locked, and ends with its goroutine instead of serving others.
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("leave %s: %w", n.Name, err)
	}
	runtime.UnlockOSThread()
	return failed
}

// Sysctl sets a key of the namespace, written with slashes below /proc/sys.
func (n *Namespace) Sysctl(key, value string) {
	n.w.t.Helper()
	path := "/proc/sys/" + key
	if err := n.Do(func() error { return os.WriteFile(path, []byte(value), 0) }); err != nil {
		n.w.t.Fatalf("%s: %s = %s: %v", n.Role, key, value, err)
	}
}

// Forward makes the host a router.
func (n *Namespace) Forward() { n.Sysctl("net/ipv4/ip_forward", "1") }

// Filter loads nftables rules into the chain through which everything that the host receives passes. An empty text
// takes them all away again.
func (n *Namespace) Filter(rules ...string) {
	n.w.t.Helper()
	n.Run("nft", "flush", "ruleset")
	if len(rules) == 0 {
		return
	}
	text := "table inet world {\n chain in { type filter hook input priority 0;\n" + strings.Join(rules, "\n") + "\n}\n}\n"
	n.Run("nft", "-f", n.w.Write(n.Role+".nft", text))
}

// Addresses returns the IPv4 addresses of one of the host's interfaces, with their masks.
func (n *Namespace) Addresses(dev string) []netip.Prefix {
	out, err := run("ip", "-n", n.Name, "-j", "-4", "addr", "show", "dev", dev)
	if err != nil {
		return nil
	}
	var links []struct {
		Addrs []struct {
			Local string `json:"local"`
			Bits  int    `json:"prefixlen"`
		} `json:"addr_info"`
	}
	if json.Unmarshal([]byte(out), &links) != nil {
		return nil
	}
	var all []netip.Prefix
	for _, l := range links {
		for _, a := range l.Addrs {
			if addr, err := netip.ParseAddr(a.Local); err == nil {
				all = append(all, netip.PrefixFrom(addr, a.Bits))
			}
		}
	}
	return all
}

// Hardware returns the Ethernet address of one of the host's interfaces.
func (n *Namespace) Hardware(dev string) net.HardwareAddr {
	n.w.t.Helper()
	var mac net.HardwareAddr
	err := n.Do(func() error {
		i, err := net.InterfaceByName(dev)
		if err == nil {
			mac = i.HardwareAddr
		}
		return err
	})
	if err != nil {
		n.w.t.Fatalf("%s: %s: %v", n.Role, dev, err)
	}
	return mac
}
