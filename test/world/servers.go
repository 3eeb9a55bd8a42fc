package world

import (
	"fmt"
	"os"
	"time"
)

// Dnsmasq runs dnsmasq as a DHCP server on one interface. The world's own tests use it, so that a client driver that
// does not work is told from a server that does not.
func (n *Namespace) Dnsmasq(dev string, ranges ...string) *Process {
	n.w.t.Helper()
	leases := n.w.Path(n.Role + ".dnsmasq.leases")
	args := []string{"dnsmasq", "-d", "-p0", "-C", "/dev/null", "-i", dev, "--bind-dynamic", "--no-ping", "-u", "root",
		"--dhcp-authoritative", "--dhcp-leasefile=" + leases, "--pid-file="}
	for _, r := range ranges {
		args = append(args, "--dhcp-range="+r)
	}
	p := n.Start("dnsmasq", args...)
	p.Says(5*time.Second, `DHCP, IP range`)
	return p
}

// Relay runs ISC's relay on a host: it hears clients on the interfaces `down`, adds its relay information option, and
// forwards what they say to the servers through the interface `up`.
func (n *Namespace) Relay(down []string, up string, servers ...string) *Process {
	n.w.t.Helper()
	args := []string{"dhcrelay", "-4", "-d", "--no-pid", "-a", "-m", "append"}
	for _, d := range down {
		args = append(args, "-id", d)
	}
	args = append(args, "-iu", up)
	p := n.Start("dhcrelay", append(args, servers...)...)
	p.Says(5*time.Second, `Sending on\s+Socket/fallback`)
	return p
}

// Lessor is a server under test: `lessor serve` with its configuration and its data directory.
type Lessor struct {
	*Process
	// Data is its data directory.
	Data string
	host *Namespace
	conf string
	as   []string // what runs it, where not plainly
	// Program is run instead of Binary, from the next Begin on, where it is not empty.
	Program string
}

// Setup is how a server is started.
type Setup struct {
	// Document is the configuration without `server.data`, which the world adds. It must have no `server` key, unless
	// Data is set.
	Document string
	// Interfaces is `server.interfaces`.
	Interfaces []string
	// Data is the data directory; empty: one of the world's own.
	Data string
	// As is put before the program: a command that changes who it runs as.
	As []string
	// Quiet means that the server is not expected to become ready.
	Quiet bool
}

// ready is how long a server may take until it answers.
const ready = 10 * time.Second

// Serve starts a server on the host and waits until it is ready.
func (n *Namespace) Serve(s Setup) *Lessor {
	n.w.t.Helper()
	l := &Lessor{host: n, Data: s.Data, conf: n.w.Path(n.Role + ".yaml"), as: s.As}
	if l.Data == "" {
		l.Data = n.w.Path(n.Role + ".data")
	}
	l.Configure(s)
	l.Begin(s.Quiet)
	return l
}

// Configure writes the configuration. The server reads it when it begins, or at Reload.
func (l *Lessor) Configure(s Setup) {
	l.host.w.t.Helper()
	doc := fmt.Sprintf("server:\n  name: %s\n  data: %s\n", l.host.Role, l.Data)
	if len(s.Interfaces) > 0 {
		doc += "  interfaces: ["
		for i, dev := range s.Interfaces {
			if i > 0 {
				doc += ", "
			}
			doc += dev
		}
		doc += "]\n"
	}
	if err := os.WriteFile(l.conf, []byte(doc+s.Document), 0o644); err != nil {
		l.host.w.t.Fatal(err)
	}
}

// Begin starts the process, also after it was killed.
func (l *Lessor) Begin(quiet bool) {
	l.host.w.t.Helper()
	program := Binary
	if l.Program != "" {
		program = l.Program
	}
	args := append(append([]string(nil), l.as...), program, "serve", "--config", l.conf)
	l.Process = l.host.Start("lessor", args...)
	if !quiet {
		l.Says(ready, `\bready\b`)
	}
}

// Socket is where the server answers its command line.
func (l *Lessor) Socket() string { return l.Data + "/lessor.sock" }

// Config is the name of the server's configuration file.
func (l *Lessor) Config() string { return l.conf }
