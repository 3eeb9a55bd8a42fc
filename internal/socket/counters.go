package socket

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Drop is why a datagram that arrived was not handed on.
type Drop uint8

const (
	// OtherInterface: heard by broadcast on an interface that is not served.
	OtherInterface Drop = iota
	// OtherAddress: sent to an address of this machine that is not listened on.
	OtherAddress
	// TooLong: longer than a slot of a Batch.
	TooLong
	// NoSource: without a usable source, or without the information where it was heard.
	NoSource
	drops
)

var dropNames = [drops]string{"other-interface", "other-address", "too-long", "no-source"}

// String returns the reason as it stands in metrics.
func (d Drop) String() string { return dropNames[d] }

// Failure is why a datagram was not sent.
type Failure uint8

const (
	// NoRoute: there is no way to the destination, or none from that source.
	NoRoute Failure = iota
	// NoInterface: the interface has gone, or is down.
	NoInterface
	// NoSuchSource: this machine does not have the address that the datagram should come from.
	NoSuchSource
	// TooBig: longer than the interface takes.
	TooBig
	// Congested: the machine could not send as fast as it was asked to.
	Congested
	// Forbidden: a firewall or the lack of a privilege.
	Forbidden
	// BadDestination: the destination is not an IPv4 address and port.
	BadDestination
	// Otherwise: anything else.
	Otherwise
	failures
)

var failureNames = [failures]string{"no-route", "no-interface", "no-such-source", "too-big", "congested", "forbidden",
	"bad-destination", "other"}

// String returns the reason as it stands in metrics.
func (f Failure) String() string { return failureNames[f] }

func failureOf(errno unix.Errno) Failure {
	switch errno {
	case unix.ENETUNREACH, unix.EHOSTUNREACH:
		return NoRoute
	case unix.ENODEV, unix.ENXIO, unix.ENETDOWN:
		return NoInterface
	case unix.EADDRNOTAVAIL, unix.EINVAL:
		return NoSuchSource
	case unix.EMSGSIZE:
		return TooBig
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM:
		return Congested
	case unix.EPERM, unix.EACCES:
		return Forbidden
	default:
		return Otherwise
	}
}

// Counters are what the sockets did since they were opened.
type Counters struct {
	Received uint64 // handed on
	Sent     uint64
	// Overflow counts what the kernel dropped because it came faster than it was read.
	Overflow uint64
	Dropped  [drops]uint64    // by Drop
	Failed   [failures]uint64 // by Failure
	// Frames of Sent went to clients that have no address yet.
	Frames uint64
	Probes uint64 // conflict probes sent
	// Answers are the echo replies that belong to a probe.
	Answers uint64
}

// Each calls f with the name of each reason of Dropped and Failed and its count.
func (c *Counters) Each(f func(group, reason string, n uint64)) {
	for i, n := range c.Dropped {
		f("dropped", Drop(i).String(), n)
	}
	for i, n := range c.Failed {
		f("failed", Failure(i).String(), n)
	}
}

// counters is Counters as it is counted.
type counters struct {
	received, sent, frames, probes, answers atomic.Uint64
	dropped                                 [drops]atomic.Uint64
	failed                                  [failures]atomic.Uint64
}

func (c *counters) read() Counters {
	r := Counters{
		Received: c.received.Load(), Sent: c.sent.Load(), Frames: c.frames.Load(),
		Probes: c.probes.Load(), Answers: c.answers.Load(),
	}
	for i := range r.Dropped {
		r.Dropped[i] = c.dropped[i].Load()
	}
	for i := range r.Failed {
		r.Failed[i] = c.failed[i].Load()
	}
	return r
}

// overflow extends the kernel's counter of 32 bits, which wraps, to one of 64.
type overflow struct {
	last  uint32
	total uint64
}

func (o *overflow) add(now uint32) uint64 {
	o.total += uint64(now - o.last)
	o.last = now
	return o.total
}
