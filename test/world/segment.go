package world

import (
	"fmt"
	"strings"
	"time"
)

// Segment is an Ethernet segment: a bridge in the world's switch, a namespace that nobody else lives in.
type Segment struct {
	w      *World
	bridge string
}

// Segment makes a segment with nobody on it.
func (w *World) Segment() *Segment {
	w.t.Helper()
	w.segments++
	s := &Segment{w: w, bridge: fmt.Sprintf("br%d", w.segments)}
	// Without forward_delay 0 a bridge is deaf for 15 s; multicast snooping is not wanted here either.
	w.wire().IP("link", "add", s.bridge, "type", "bridge", "forward_delay", "0", "stp_state", "0", "mcast_snooping", "0")
	w.wire().IP("link", "set", s.bridge, "up")
	return s
}

// wire is the namespace of the bridges.
func (w *World) wire() *Namespace {
	w.t.Helper()
	for _, n := range w.spaces {
		if n.Role == "wire" {
			return n
		}
	}
	return w.Host("wire")
}

// Port is where an interface of a host is plugged in.
type Port struct {
	// Host and Device name the host's end.
	Host   *Namespace
	Device string
	w      *World
	end    string // the switch's end
}

// Attach gives a host an interface on the segment, up, with the addresses given (as 10.0.0.1/24).
func (s *Segment) Attach(host *Namespace, device string, addresses ...string) *Port {
	s.w.t.Helper()
	s.w.ports++
	p := &Port{Host: host, Device: device, w: s.w, end: fmt.Sprintf("p%d", s.w.ports)}
	wire := s.w.wire()
	wire.IP("link", "add", p.end, "type", "veth", "peer", "name", device, "netns", host.Name)
	wire.IP("link", "set", p.end, "master", s.bridge, "up")
	for _, a := range addresses {
		host.IP("addr", "add", a, "broadcast", "+", "dev", device)
	}
	host.IP("link", "set", device, "up")
	// The switch notices the carrier some time after the host does, and loses what is sent before.
	s.w.Eventually(10*time.Second, "the switch forwards to "+host.Role+":"+device, func() bool {
		return strings.Contains(wire.IP("-d", "link", "show", "dev", p.end), "state forwarding")
	})
	return p
}

// Move plugs the interface into another segment. The host sees no loss of carrier, as behind a switch of its own.
func (p *Port) Move(to *Segment) {
	p.w.t.Helper()
	p.w.wire().IP("link", "set", p.end, "master", to.bridge)
}

// Replug moves the interface with the carrier lost and found again, which makes a client look at where it is.
func (p *Port) Replug(to *Segment) {
	p.w.t.Helper()
	p.Unplug()
	p.Move(to)
	p.Plug()
}

// Unplug takes the carrier away.
func (p *Port) Unplug() { p.w.t.Helper(); p.w.wire().IP("link", "set", p.end, "down") }

// Plug gives the carrier back.
func (p *Port) Plug() { p.w.t.Helper(); p.w.wire().IP("link", "set", p.end, "up") }
