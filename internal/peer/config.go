package peer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// Config says who this member is and whom it talks to.
type Config struct {
	Group string
	Self  binding.Member
	// Listen is where this member is reached. Its address is also what connections to others come from, unless it is
	// the unspecified one.
	Listen  netip.AddrPort
	Members []Member // the others
	// Protocols are those for each of which there is a connection to another Lessor; nil: all.
	Protocols []Protocol
	// Keys are needed where another member is a Lessor.
	Keys *keys.Ring
	// Registrar answers machines that want to join; nil: nobody may.
	Registrar Registrar
	// Reconnect is the time between two attempts to connect; 0 means 5 s.
	Reconnect time.Duration
	// Wait returns how long to wait before the next attempt; nil: Reconnect, a tenth more or less, so that two members
	// do not connect to each other at the same moment for ever.
	Wait func() time.Duration
	// Limits bound what others can make this member hold and wait for.
	Limits Limits

	// For tests: where connections come from and go to.
	listen func() (net.Listener, error)
	dial   func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

// Member is one of the others.
type Member struct {
	Name binding.Member
	Peer netip.AddrPort
	ISC  bool // it is an ISC dhcpd
}

// Registrar gives certificates to machines that have a token; keys.Registrar is one.
type Registrar interface {
	// Open reports whether a machine may join at this time.
	Open(now time.Time) bool
	// Answer returns what to say to a request that came over the TLS connection with that binding, from the address of
	// those members. The error is for the operator; there is an answer also then, which tells the machine as much as
	// it may know.
	Answer(now time.Time, request, channel []byte, from []binding.Member) (answer []byte, err error)
}

// Limits are bounds; a field that is 0 has its default.
type Limits struct {
	Connect    time.Duration // to make a TCP connection: 5 s
	Handshake  time.Duration // to agree on TLS: 5 s
	First      time.Duration // to the first whole message: 15 s
	Stall      time.Duration // from the first octet of a message to its last: 15 s
	Write      time.Duration // for the partner to take 64 KiB: 10 s
	Linger     time.Duration // to write what is queued when a link is closed: 2 s
	Unknown    int           // connections at a time that have not said who they are: 32
	PerAddress int           // of those, from one address: 8
	Links      int           // of one member in one protocol, made by it: 4
	Burst      int           // connections from one address at once: 20, and then Rate a second
	Rate       float64       // 2, or 4 for each Reconnect where that is more
}

var defaults = Limits{
	Connect: 5 * time.Second, Handshake: 5 * time.Second, First: 15 * time.Second, Stall: 15 * time.Second,
	Write: 10 * time.Second, Linger: 2 * time.Second, Unknown: 32, PerAddress: 8, Links: 4, Burst: 20, Rate: 2,
}

func orElse[T comparable](v *T, other T) {
	var zero T
	if *v == zero {
		*v = other
	}
}

func (l *Limits) fill(reconnect time.Duration) {
	orElse(&l.Connect, defaults.Connect)
	orElse(&l.Handshake, defaults.Handshake)
	orElse(&l.First, defaults.First)
	orElse(&l.Stall, defaults.Stall)
	orElse(&l.Write, defaults.Write)
	orElse(&l.Linger, defaults.Linger)
	orElse(&l.Unknown, defaults.Unknown)
	orElse(&l.PerAddress, defaults.PerAddress)
	orElse(&l.Links, defaults.Links)
	orElse(&l.Burst, defaults.Burst)
	// A member that is refused dials for each protocol every Reconnect, and is to be told the same reason each time.
	orElse(&l.Rate, max(defaults.Rate, 4/reconnect.Seconds()))
}

// Of returns what the document says, as the member Server.Name has it; Keys and Registrar are left to the caller.
func Of(d *config.Document) Config {
	c := Config{Group: d.Group.Name, Self: d.Server.Name, Reconnect: d.Group.Failover.Reconnect}
	for _, m := range d.Group.Members {
		if m.Name == c.Self {
			c.Listen = m.Peer
			continue
		}
		c.Members = append(c.Members, Member{m.Name, m.Peer, m.Protocol == config.ProtocolISC})
	}
	return c
}

// check says what is wrong with c, in the operator's words, and fills what it leaves out.
func (c *Config) check() error {
	orElse(&c.Reconnect, 5*time.Second)
	if c.Protocols == nil {
		c.Protocols = betweenLessors
	}
	c.Limits.fill(c.Reconnect)
	if c.Wait == nil {
		c.Wait = func() time.Duration { return c.Reconnect * time.Duration(900+rand.Int64N(201)) / 1000 }
	}
	if !c.Listen.IsValid() {
		return fmt.Errorf("member %s has no peer: the others cannot reach it: write peer: ADDRESS:PORT under group: members", c.Self)
	}
	at := map[netip.Addr]Member{}
	for _, m := range c.Members {
		if m.Name == c.Self {
			return fmt.Errorf("member %s is not another member than itself", m.Name)
		}
		if !m.Peer.IsValid() {
			return fmt.Errorf("member %s has no peer: write peer: ADDRESS:PORT under group: members", m.Name)
		}
		a := m.Peer.Addr().Unmap()
		if other, ok := at[a]; ok && (other.ISC || m.ISC) {
			return fmt.Errorf("members %s and %s have the same address %v, and only its address tells who an ISC dhcpd is: give each an address of its own", other.Name, m.Name, a)
		}
		at[a] = m
		if !m.ISC && c.Keys == nil {
			return fmt.Errorf("member %s: %w", m.Name, ErrNoKeys)
		}
	}
	return nil
}

// ErrNoKeys says that there is a Lessor to talk to, and nothing to prove who one is.
var ErrNoKeys = errors.New("two Lessors talk with keys only, and this server has none: run lessor group init on one member and lessor group join on the other, or name the files in server: tls")
