package load

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Mode is what the clients do.
type Mode string

const (
	// New: each exchange is DISCOVER, OFFER, REQUEST, ACK of the next client.
	New Mode = "new"
	// Renew: each exchange is REQUEST, ACK of the next client that has a lease.
	Renew Mode = "renew"
	// Release: the next client that has a lease gives it back. Nothing answers that.
	Release Mode = "release"
	// Discover: each exchange is DISCOVER, OFFER of the next client, which takes no offer.
	Discover Mode = "discover"
	// Mixed: of 20 exchanges 16 renew, 2 are of new clients, 2 release, so that the leases stay as many as they are.
	Mixed Mode = "mixed"
)

// Modes are all there are.
var Modes = []Mode{New, Renew, Release, Discover, Mixed}

// Config says whom the clients ask, and from where. Its zero fields have the defaults that are named.
type Config struct {
	// Servers are those that each message goes to, as from a relay with several helper addresses. There is none if the
	// clients are on the link themselves, and at least one else.
	Servers []netip.AddrPort
	// Local are the addresses of the relays that this poses as (giaddr); the clients are spread over them. The servers
	// must have a pool for each.
	Local []netip.Addr
	// SourcePort is where the relay listens: 67, or another, which the servers are told as RFC 8357 has it.
	SourcePort uint16
	// Direct is the interface on which the clients are themselves, each with a hardware address of its own; empty means
	// that they are behind relays. It needs CAP_NET_RAW.
	Direct  string
	Clients int // how many different ones; 100,000
	// Circuits is over how many circuits the clients are spread, each named in option 82 (RFC 3046 §3.1); 0: there is no such option.
	Circuits int
	First    int // the number of the first, so that runs can have clients of their own
	// Resend is how long a client waits for an answer before it asks again; doubled each time (RFC 2131 §4.1). 4 s.
	Resend time.Duration

	// Plan is what Run measures.
	Plan
	// AcquireRate is that at which clients get the leases that Plan needs beforehand; 0: as fast as they are answered.
	AcquireRate float64
}

// Plan is what is measured.
type Plan struct {
	Mode     Mode
	Rate     float64       // exchanges begun a second; 1,000
	Duration time.Duration // 10 s
	// Wait is how long after the measured part answers still count; 5 s.
	Wait time.Duration
	// Once leaves retransmission out.
	Once bool
}

const (
	maxRate     = 1e6
	maxDuration = 7 * 24 * time.Hour
	maxClients  = 1 << 24
	maxRelays   = 1 << 16
	maxCircuits = 1 << 24
)

// Check says what cannot be in c.
func (c Config) Check() error {
	_, err := c.complete()
	return err
}

// complete fills the defaults in and says what cannot be.
func (c Config) complete() (Config, error) {
	set(&c.SourcePort, 67)
	set(&c.Clients, 100000)
	set(&c.Resend, firstDelay)
	var err error
	if c.Plan, err = c.Plan.complete(); err != nil {
		return c, err
	}
	if err := c.checkWay(); err != nil {
		return c, err
	}
	switch {
	case !(c.AcquireRate >= 0 && c.AcquireRate <= maxRate):
		return c, errRate
	case c.Resend < time.Millisecond || c.Resend > time.Hour:
		return c, errors.New("the time until a client asks again must be at least 1ms and at most an hour")
	case c.Clients <= 0 || c.Clients > maxClients || c.First < 0 || c.First > 1<<31:
		return c, fmt.Errorf("there can be 1 to %d clients", maxClients)
	case c.Circuits < 0 || c.Circuits > maxCircuits:
		return c, fmt.Errorf("there can be 0 to %d circuits", maxCircuits)
	}
	return c, nil
}

// checkWay says what cannot be of the way to the servers.
func (c *Config) checkWay() error {
	if c.Direct != "" {
		if len(c.Servers) > 0 || len(c.Local) > 0 {
			return errors.New("clients on the link ask whoever hears them: neither servers nor relays can be named")
		}
		return nil
	}
	if len(c.Servers) == 0 {
		return errors.New("no server is named")
	}
	if len(c.Local) == 0 || len(c.Local) > maxRelays {
		return fmt.Errorf("there can be 1 to %d relays", maxRelays)
	}
	for _, a := range c.Local {
		if !isHost(a) {
			return fmt.Errorf("relay address %v: not the IPv4 address of a host", a)
		}
	}
	for _, s := range c.Servers {
		if !isHost(s.Addr()) || s.Port() == 0 {
			return fmt.Errorf("server %v: not the IPv4 address and port of a host", s)
		}
	}
	return nil
}

var errRate = fmt.Errorf("a rate must be above 0 and at most %d a second", int(maxRate))

func (p Plan) complete() (Plan, error) {
	set(&p.Mode, New)
	set(&p.Rate, 1000)
	set(&p.Duration, 10*time.Second)
	set(&p.Wait, 5*time.Second)
	switch {
	case !slices.Contains(Modes, p.Mode):
		return p, fmt.Errorf("mode %q: there are %v", p.Mode, Modes)
	case !(p.Rate > 0 && p.Rate <= maxRate):
		return p, errRate
	case p.Duration <= 0 || p.Duration > maxDuration || p.Wait < 0 || p.Wait > maxDuration:
		return p, fmt.Errorf("a duration must be above 0 and at most %v", maxDuration)
	}
	return p, nil
}

// total is how many exchanges are measured.
func (p *Plan) total() int { return max(1, int(p.Rate*p.Duration.Seconds())) }

func isHost(a netip.Addr) bool {
	return a.Is4() && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func set[T comparable](field *T, to T) {
	var zero T
	if *field == zero {
		*field = to
	}
}
