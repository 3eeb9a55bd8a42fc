package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Mode is what the clients do.
type Mode string

const (
	// New: each exchange is DISCOVER, OFFER, REQUEST, ACK of the next client.
	New Mode = "new"
	// Renew: all clients get a lease first, which is not measured; then each exchange is REQUEST, ACK of the next one.
	Renew Mode = "renew"
	// Release: all clients get a lease first; then each gives it back. Nothing answers that.
	Release Mode = "release"
	// Mixed: half of the clients get a lease first. Then, of 20 exchanges, 16 renew, 3 are of new clients, 1 releases.
	Mixed Mode = "mixed"
)

// Modes are all there are.
var Modes = []Mode{New, Renew, Release, Mixed}

// Config says what is asked of whom. Its zero fields have the defaults that are named.
type Config struct {
	Servers []netip.AddrPort // at least one; each message goes to all, as from a relay with several helper addresses
	// Local is the address of the relay that this is (giaddr). The servers must have a pool for it.
	Local netip.Addr
	// SourcePort is where the relay listens: 67, or another, which the servers are told as RFC 8357 has it.
	SourcePort uint16
	Mode       Mode
	Rate       float64       // exchanges begun a second; 1,000
	Duration   time.Duration // of the measured part; 10 s
	Clients    int           // how many different ones, used in turn; 100,000
	First      int           // the number of the first, so that runs can have clients of their own
	// AcquireRate is that of the leases that are got first; 500.
	AcquireRate float64
	// Wait is how long after the last exchange began answers still count; 5 s.
	Wait time.Duration
	// Once leaves retransmission (RFC 2131 §4.1) out of the measured part.
	Once bool
	// Measured is called when the measured part begins; nil means nothing is to be done then.
	Measured func()

	first time.Duration // before the first retransmission; firstDelay
}

const (
	maxRate     = 1e6
	maxDuration = 7 * 24 * time.Hour
	maxClients  = 1 << 24
)

// Check says what cannot be in c.
func (c Config) Check() error {
	_, err := c.complete()
	return err
}

// complete fills the defaults in and says what cannot be.
func (c Config) complete() (Config, error) {
	set(&c.SourcePort, 67)
	set(&c.Mode, New)
	set(&c.Rate, 1000)
	set(&c.Duration, 10*time.Second)
	set(&c.Clients, 100000)
	set(&c.AcquireRate, 500)
	set(&c.Wait, 5*time.Second)
	set(&c.first, firstDelay)
	if len(c.Servers) == 0 {
		return c, errors.New("no server is named")
	}
	if !isHost(c.Local) {
		return c, fmt.Errorf("relay address %v: not the IPv4 address of a host", c.Local)
	}
	for _, s := range c.Servers {
		if !isHost(s.Addr()) || s.Port() == 0 {
			return c, fmt.Errorf("server %v: not the IPv4 address and port of a host", s)
		}
	}
	switch {
	case c.Mode != New && c.Mode != Renew && c.Mode != Release && c.Mode != Mixed:
		return c, fmt.Errorf("mode %q: there are %v", c.Mode, Modes)
	case !(c.Rate > 0 && c.Rate <= maxRate) || !(c.AcquireRate > 0 && c.AcquireRate <= maxRate):
		return c, fmt.Errorf("a rate must be above 0 and at most %d a second", int(maxRate))
	case c.Duration <= 0 || c.Duration > maxDuration || c.Wait < 0 || c.Wait > maxDuration:
		return c, fmt.Errorf("a duration must be above 0 and at most %v", maxDuration)
	case c.Clients <= 0 || c.Clients > maxClients || c.First < 0 || c.First > 1<<31:
		return c, fmt.Errorf("there can be 1 to %d clients", maxClients)
	}
	return c, nil
}

func isHost(a netip.Addr) bool {
	return a.Is4() && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func set[T comparable](field *T, to T) {
	var zero T
	if *field == zero {
		*field = to
	}
}
