package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

type benchCommand struct {
	Server      []string      `placeholder:"ADDR" help:"Server to ask, or ADDR:PORT; may be given more than once: each message then goes to all."`
	Direct      string        `placeholder:"IFACE" help:"The clients are on this interface themselves, not behind a relay agent: they broadcast, and renew with their server. Needs root."`
	Local       []netip.Addr  `placeholder:"ADDR" help:"Address of the relay agent that this poses as (giaddr); may be given more than once: the clients are spread over them. Default: the one that the first server is reached from. The servers must serve its network."`
	SourcePort  uint16        `default:"67" help:"Port of that relay agent; another than 67 needs servers that know RFC 8357."`
	Mode        load.Mode     `enum:"new,renew,release,discover,mixed" default:"new" help:"What the clients do: ${enum}."`
	Rate        float64       `default:"1000" help:"Exchanges begun a second, whether or not earlier ones are answered."`
	Duration    time.Duration `default:"10s" help:"Length of the measured part."`
	Clients     int           `default:"100000" help:"How many different clients, used in turn."`
	Circuits    int           `default:"0" help:"Spread the clients over so many circuits, each named in option 82 as a relay agent does; 0: no such option."`
	First       int           `default:"0" help:"Number of the first client, so that runs can have clients of their own."`
	AcquireRate float64       `default:"0" help:"In the other modes than new, the rate at which clients first get their leases; 0: as fast as they are answered."`
	Wait        time.Duration `default:"5s" help:"How long after the measured part answers still count."`
	Resend      time.Duration `default:"4s" help:"How long a client waits for an answer before it asks again; doubled each time, and a fourth of it more or less by chance."`
	Once        bool          `help:"Do not send again what gets no answer: after the time of --resend it is lost."`
	JSON        bool          `name:"json" help:"Print one JSON object; times in it are in nanoseconds."`
}

func (benchCommand) Help() string {
	return `This fills the servers' pools. Do it where no real client is, as in a network namespace of its own.

The time of an exchange counts from when it was due, so answers that come late count as late, and exchanges that wait for others too. A client that gets no answer asks again after 4, 8, 16, 32 s, each a second more or less, and gives up after 64 s more (RFC 2131, section 4.1). Exit code 1 says that an address was given to two clients at once, or that no exchange ended well. A signal (Ctrl-C) ends the run early, and shows what there is.

discover: the clients take no offer. mixed: of 20 exchanges 16 renew, 2 are of new clients, and 2 release.

With --direct each client has its own hardware address and answers for its address (ARP). A server that renews leases of more clients than its table of neighbours has room for (sysctl net.ipv4.neigh.default.gc_thresh3) cannot answer them.

Examples:

  lessor bench --server 10.0.0.2
  lessor bench --server 10.0.0.2 --mode renew --rate 5000 --clients 20000
  lessor bench --direct eth0 --rate 500 --clients 500
  lessor bench --server 10.0.0.2 --server 10.0.0.3 --local 10.0.0.1 --json`
}

// Run asks the servers and shows how they answered.
func (x benchCommand) Run(ctx context.Context, c *console) error {
	cfg, err := x.config()
	if err != nil {
		return usageError{err: err, help: "lessor bench --help"}
	}
	live := isTerminalWriter(c.err) && os.Getenv("TERM") != "dumb"
	r, err := load.Run(ctx, cfg, func(p load.Progress) {
		if live {
			fmt.Fprintf(c.err, "\r\033[K%s", cut(benchLine(p), width(c.err)-1))
		}
	})
	if live {
		fmt.Fprint(c.err, "\r\033[K")
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; --source-port 1067 takes another port, for servers that know RFC 8357", err)
	}
	if err != nil {
		return err
	}
	if x.JSON {
		err = c.json(r)
	} else {
		r.Write(c.out)
	}
	if why := x.silence(r); why != "" {
		c.note("lessor: %s", why)
	}
	if err == nil && (r.Doubled > 0 || r.Done == 0) {
		err = errNo
	}
	return err
}

// benchLine is how a run goes, in one line.
func benchLine(p load.Progress) string {
	return fmt.Sprintf("%s %v: %s/s, p50 %v, p99 %v; begun %d, done %d, open %d", p.Phase, p.At.Round(time.Second), load.Rate(p.Rate),
		p.P50.Round(10*time.Microsecond), p.P99.Round(10*time.Microsecond), p.Begun, p.Done, p.Open)
}

// silence says why a run says nothing about a server; empty if it does.
func (x *benchCommand) silence(r *load.Report) string {
	where := "does a server listen on the link of " + x.Direct + ", with addresses for it?"
	if x.Direct == "" {
		where = "does a server listen at " + strings.Join(x.Server, " or ") + ", serve the network of the relay agent (--local), and have addresses for it?"
	}
	switch {
	case r.Stopped:
		return ""
	case r.Wanted > 0 && r.Clients == 0 && r.Done == 0:
		return "no client got a lease, so that there is nothing to measure: " + where
	case r.Begun > 0 && r.Mode != load.Release && !r.Heard():
		return "nothing was answered: " + where
	}
	return ""
}

// config returns what the command line says, for the load generator.
func (x *benchCommand) config() (load.Config, error) {
	cfg := load.Config{
		Local: x.Local, SourcePort: x.SourcePort, Direct: x.Direct, Clients: x.Clients, Circuits: x.Circuits, First: x.First,
		AcquireRate: x.AcquireRate, Resend: x.Resend,
		Plan: load.Plan{Mode: x.Mode, Rate: x.Rate, Duration: x.Duration, Wait: x.Wait, Once: x.Once},
	}
	if x.Wait == 0 {
		cfg.Wait = 1 // none; 0 is the default there
	}
	for _, f := range []struct {
		name string
		zero bool
	}{
		{"--rate", x.Rate == 0}, {"--duration", x.Duration == 0}, {"--clients", x.Clients == 0}, {"--resend", x.Resend == 0},
		{"--source-port", x.SourcePort == 0},
	} {
		if f.zero {
			return cfg, errors.New(f.name + " must be above 0")
		}
	}
	if x.Direct == "" && len(x.Server) == 0 {
		return cfg, errors.New("--server says whom to ask, or --direct on which interface")
	}
	for _, s := range x.Server {
		at, err := serverAt(s)
		if err != nil {
			return cfg, err
		}
		cfg.Servers = append(cfg.Servers, at)
	}
	if len(cfg.Local) == 0 && x.Direct == "" {
		local, err := addressTowards(cfg.Servers[0])
		if err != nil {
			return cfg, fmt.Errorf("%w; --local says which address to use", err)
		}
		cfg.Local = []netip.Addr{local}
	}
	return cfg, cfg.Check()
}

// serverAt reads ADDR or ADDR:PORT.
func serverAt(s string) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(s)
	if a, err2 := netip.ParseAddr(s); err2 == nil {
		at, err = netip.AddrPortFrom(a, 67), nil
	}
	if a := at.Addr(); err != nil || !a.Is4() || a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return at, fmt.Errorf("--server %q: want an IPv4 address such as 10.0.0.2, or 10.0.0.2:67", s)
	}
	return at, nil
}

// addressTowards returns the address of this machine from which to is reached. It sends nothing.
func addressTowards(to netip.AddrPort) (netip.Addr, error) {
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("no way to %v: %w", to.Addr(), err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

func isTerminalWriter(w any) bool {
	f, ok := w.(*os.File)
	return ok && isTerminal(f)
}
