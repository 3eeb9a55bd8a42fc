package node

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// tracePacket tells whoever watches a client of what it sent.
func (c *Core) tracePacket(now time.Time, p *Packet, out *Effects) {
	e := c.packetEvent(now, p)
	e.Kind, e.Message = PacketIn, "received "+e.Type
	c.arrive(p)
	s, _ := c.policy.Locate(p.Msg, &c.request.Arrival) // why there is none, the answer says
	c.place(&e, s)
	e.Detail = string(p.Msg.Append(nil, c.policy.Registry()))
	out.Events = append(out.Events, e)
}

func typeName(t dhcpv4.MessageType, reply bool) string {
	switch {
	case t != 0:
		return t.String()
	case reply:
		return "BOOTREPLY"
	}
	return "BOOTREQUEST"
}

func (c *Core) packetEvent(now time.Time, p *Packet) Event {
	client := binding.Client{ID: p.Msg.ClientID(), Hardware: p.Msg.Hardware()}
	e := Event{
		Time: At(now), Level: slog.LevelDebug, Hardware: client.Hardware.String(), ClientID: binding.FormatClientID(client.ID),
		Type: typeName(p.Msg.Type(), false), XID: p.Msg.XID,
	}
	if v, ok := p.Msg.Option(uint16(option.CodeHostName)); ok {
		e.Hostname = string(v)
	}
	if l := c.links[p.Interface]; l != nil {
		e.Interface = l.Name
	}
	if !p.Msg.GIAddr.IsUnspecified() {
		e.Relay = p.Msg.GIAddr
	}
	return e
}

// report tells of what the answer did, as far as anybody wants to hear.
func (c *Core) report(now time.Time, p *Packet, out *Effects) {
	a := &c.answer
	if a.Type == dhcpv4.Nak && a.Reply != nil {
		c.counts.Refused++
	}
	if c.observe&ObservePackets != 0 {
		c.traceAnswer(now, p, out)
	}
	kind, level, message := c.happened()
	wanted := ObserveLeases
	if level >= slog.LevelWarn {
		wanted = ObserveTroubles
	}
	if kind == 0 {
		return
	}
	if c.observe&wanted == 0 {
		out.Untold++
		return
	}
	e := c.packetEvent(now, p)
	e.Kind, e.Level, e.Message, e.Address = kind, level, message, a.Address
	e.Reason = a.Note
	c.place(&e, a.Link)
	if len(a.Changes) > 0 {
		e.Expires = At(a.Changes[0].Binding.Expires)
	}
	out.Events = append(out.Events, e)
}

func (c *Core) place(e *Event, s *policy.Subnet) {
	if s != nil {
		e.Network = s.Network.Name
	}
}

// happened says what the answer means to an operator; kind 0: nothing worth a line.
func (c *Core) happened() (EventKind, slog.Level, string) {
	a := &c.answer
	if a.Reply != nil && a.Type == dhcpv4.Nak {
		return LeaseRefused, slog.LevelInfo, "refused"
	}
	if len(a.Changes) == 0 {
		return 0, 0, ""
	}
	switch a.Changes[0].Binding.Cause {
	case binding.Granted:
		return LeaseGranted, slog.LevelInfo, "lease granted"
	case binding.Renewed:
		return LeaseRenewed, slog.LevelInfo, "lease renewed"
	case binding.ClientReleased:
		return LeaseReleased, slog.LevelInfo, "lease released"
	case binding.ClientDeclined:
		return LeaseDeclined, slog.LevelWarn, "a client found its address in use by somebody else: the address is withheld"
	}
	return 0, 0, ""
}

// traceAnswer tells whoever watches a client of what it was told, or why nothing.
func (c *Core) traceAnswer(now time.Time, p *Packet, out *Effects) {
	a := &c.answer
	e := c.packetEvent(now, p)
	e.Address = a.Address
	c.place(&e, a.Link)
	switch {
	case a.Drop != 0:
		e.Kind, e.Message, e.Reason, e.Detail = PacketDropped, "dropped "+e.Type, a.Drop.String(), a.Note
		if at := &a.Refused; at.Pool != nil {
			e.Detail += ": pool " + at.Pool.Name() + ": " + placeText(at) + ": " + figures(&at.Full)
		}
	case a.Reply != nil:
		e.Kind, e.Type, e.Reason = PacketOut, typeName(a.Type, true), a.Note
		e.Message = "sent " + e.Type
		e.Detail = c.formatReply(a.Reply)
	default:
		return
	}
	out.Events = append(out.Events, e)
}

func (c *Core) formatReply(b []byte) string {
	var m dhcpv4.Message
	if m.Parse(b) != nil {
		return ""
	}
	return string(m.Append(nil, c.policy.Registry()))
}

// lapsed tells of a binding that changed by itself.
func (c *Core) lapsed(now time.Time, b *binding.Binding, out *Effects) {
	if b.State != binding.Expired {
		return
	}
	if c.observe&ObserveLeases == 0 {
		out.Untold++
		return
	}
	e := Event{
		Time: At(now), Kind: LeaseEnded, Level: slog.LevelInfo, Message: "lease ended", Address: b.Addr(),
		Hardware: b.Client.Hardware.String(), ClientID: binding.FormatClientID(b.Client.ID), Expires: At(b.Expires),
	}
	c.place(&e, c.policy.SubnetOf(b.Addr()))
	out.Events = append(out.Events, e)
}

func (c *Core) conflictEvent(now time.Time, a netip.Addr, out *Effects) {
	e := Event{Time: At(now), Kind: ConflictSeen, Level: slog.LevelWarn, Address: a,
		Message: "somebody uses an address that was to be offered: it is withheld"}
	c.place(&e, c.policy.SubnetOf(a))
	out.Events = append(out.Events, e)
}

func (c *Core) linkEvent(now time.Time, l *Link, up bool, out *Effects) {
	e := Event{Time: At(now), Kind: InterfaceUp, Level: slog.LevelInfo, Interface: l.Name, Message: "clients are heard on the interface"}
	if !up {
		e.Kind, e.Message = InterfaceGone, "the interface is gone or down"
	}
	if s, _ := c.policy.Locate(&nobody, &policy.Arrival{Interface: l.Name, Addrs: l.Addrs, OnLink: true}); s != nil {
		e.Network = s.Network.Name
	} else if up {
		e.Message = "no subnet of the configuration is on the interface: clients there are not answered"
	}
	out.Events = append(out.Events, e)
}

// nobody is a message without anything that would choose a link.
var nobody = dhcpv4.Message{GIAddr: netip.IPv4Unspecified(), CIAddr: netip.IPv4Unspecified()}

// shortage is a network on which clients found no address.
type shortage struct {
	since, last time.Time
	refused     uint64
}

// exhausted notes that a client found no address on a network, and tells of the first one.
func (c *Core) exhausted(now time.Time, n *policy.Network, out *Effects) {
	s := c.short[n.Name]
	if s == nil {
		s = &shortage{since: now}
		c.short[n.Name] = s
		out.Events = append(out.Events, Event{Time: At(now), Kind: PoolExhausted, Level: slog.LevelWarn, Network: n.Name,
			Message: "every address is in use: new clients are not answered"})
	}
	s.last, s.refused = now, s.refused+1
}

// recovered ends the shortages that are over: there are free addresses again.
func (c *Core) recovered(now time.Time, out *Effects) {
	if len(c.short) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.short)) {
		s, n := c.short[name], c.policy.NetworkNamed(name)
		if n != nil && c.freeOn(now, n) == 0 {
			continue
		}
		delete(c.short, name)
		out.Events = append(out.Events, Event{Time: At(now), Kind: PoolRecovered, Level: slog.LevelInfo, Network: name,
			Message: "there are free addresses again", Detail: fmt.Sprintf("%d messages went unanswered meanwhile", s.refused)})
	}
}

// freeOn counts the addresses of a network that this server may give away now.
func (c *Core) freeOn(now time.Time, n *policy.Network) (free uint64) {
	partners := c.joined() && !c.relation.terms.PartnerShareFrom.IsZero() && !now.Before(c.relation.terms.PartnerShareFrom)
	for _, s := range n.Subnets {
		for _, q := range s.Pools {
			k := c.pools.Counts(q.ID)
			free += k.Free
			if partners {
				free += k.PartnerFree
			}
		}
	}
	return free
}

// DropsByName returns how many messages went unanswered, by reason.
func (n *Counts) DropsByName() map[string]uint64 {
	m := map[string]uint64{}
	for _, r := range responder.Reasons() {
		m[r.String()] = n.Drops[r]
	}
	for name, k := range n.Malformed {
		m[name] = k
	}
	return m
}
