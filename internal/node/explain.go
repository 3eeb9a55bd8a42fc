package node

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// Explain implements Reporter.
func (n *Node) Explain(ctx context.Context, r ExplainRequest) (x policy.Explanation, err error) {
	var notes []string
	if len(r.ClientID) == 0 && !r.Hardware.IsZero() {
		if r.ClientID, notes, err = n.identified(ctx, r.Hardware); err != nil {
			return x, err
		}
	}
	if gone := n.do(ctx, func(*Effects) { x, err = n.core.explain(n.clock.now(), &r) }); gone != nil {
		return x, gone
	}
	x.Notes = append(notes, x.Notes...)
	return x, err
}

// maxIdentities is how many identifiers of one machine are told apart.
const maxIdentities = 4

// identified returns the client identifier by which the machine with this hardware address has its lease: whoever asks
// about a machine by its hardware address means the client that runs on it. It returns none where the machine has a lease
// without one, none at all, or several; notes say so.
func (n *Node) identified(ctx context.Context, h binding.Hardware) (id []byte, notes []string, err error) {
	var ids []string
	for next, done := uint64(0), false; !done; {
		err := n.do(ctx, func(*Effects) {
			next, done = n.core.table.Scan(next, listStride, func(b *binding.Binding) bool {
				if b.Client.Hardware == h && b.State == binding.Active && !slices.Contains(ids, string(b.Client.ID)) {
					ids = append(ids, string(b.Client.ID))
				}
				return len(ids) <= maxIdentities
			})
		})
		if err != nil {
			return nil, nil, err
		}
		done = done || len(ids) > maxIdentities
	}
	switch {
	case len(ids) == 0 || slices.Contains(ids, ""):
		return nil, nil, nil
	case len(ids) > 1:
		return nil, []string{fmt.Sprintf("%v has leases by several client identifiers, none of which was given", h)}, nil
	}
	id = []byte(ids[0])
	return id, []string{fmt.Sprintf("%v has its lease by the client identifier %s, so that is who is explained", h, binding.FormatClientID(id))}, nil
}

// explain answers r as things stand now. It changes nothing.
func (c *Core) explain(now time.Time, r *ExplainRequest) (policy.Explanation, error) {
	q, err := r.Question(c.policy.Registry())
	if err != nil {
		return policy.Explanation{}, err
	}
	if q.As == "" {
		q.As = c.self
	}
	var notes []string
	client := binding.Client{ID: q.ClientID, Hardware: q.Hardware}
	held, holds := c.heldBy(&client, q.Network)
	if holds && !q.Relay.IsValid() && q.Network == "" && !q.Address.IsValid() {
		q.Network = c.policy.SubnetOf(held.Addr()).Network.Name
		notes = append(notes, fmt.Sprintf("the client has %v, so it is taken to be on network %s", held.Addr(), q.Network))
	}
	x, err := c.policy.Explain(&q)
	if err != nil {
		return x, &RequestError{err.Error()}
	}
	if !q.Address.IsValid() {
		reserved := x.Address
		a, why := c.wouldGet(now, &q, &x)
		if !a.IsValid() && holds && c.on(held.Addr(), x.Network) {
			a = held.Addr()
		}
		if why != "" {
			notes = append(notes, why)
		}
		if reserved != nil && a.IsValid() && a != *reserved {
			notes = append(notes, fmt.Sprintf("%v, which is reserved for it, is not free: lessor lease %v says who has it", *reserved, *reserved))
		}
		if q.Address = a; a.IsValid() {
			if x, err = c.policy.Explain(&q); err != nil {
				return x, &RequestError{err.Error()}
			}
		} else {
			x.Address = nil
		}
	}
	if holds {
		notes = append(notes, unsaid(c.policy.Registry(), &held, &q)...)
	}
	x.Notes = append(notes, x.Notes...)
	return x, nil
}

// heldBy returns the binding by which the client has an address now, on the network named (empty: on any); the one that
// it was last heard of with, if there are several.
func (c *Core) heldBy(client *binding.Client, network string) (held binding.Binding, ok bool) {
	cur := c.table.ByClient(client)
	for range maxHeld {
		b, more := c.table.Next(&cur)
		if !more {
			break
		}
		if !b.Holds(client) || c.policy.SubnetOf(b.Addr()) == nil || network != "" && !c.on(b.Addr(), network) {
			continue
		}
		if !ok || b.CLTT.After(held.CLTT) {
			held, ok = b, true
		}
	}
	return held, ok
}

// maxHeld is how many bindings of one client are looked at.
const maxHeld = 256

// on reports whether a belongs to the network named.
func (c *Core) on(a netip.Addr, network string) bool {
	s := c.policy.SubnetOf(a)
	return s != nil && s.Network.Name == network
}

// wouldGet returns the address that a DISCOVER of the client on x's link would be offered now, and, where there is none,
// why. Nothing of the answer is carried out.
func (c *Core) wouldGet(now time.Time, q *policy.Question, x *policy.Explanation) (a netip.Addr, why string) {
	prefix, err := netip.ParsePrefix(x.Subnet)
	if err != nil {
		return a, ""
	}
	var m dhcpv4.Message
	if m.Parse(discover(q)) != nil { // what a client says has been bounded, so it fits
		return a, ""
	}
	req := responder.Request{Msg: &m, From: netip.AddrPortFrom(netip.IPv4Unspecified(), dhcpv4.ClientPort), ServerID: prefix.Addr().Next(), Own: c.isOwn}
	req.Arrival = policy.Arrival{Addrs: []netip.Prefix{prefix}, OnLink: !q.Relay.IsValid()}
	answer := responder.Answer{}
	r := responder.Responder{Self: q.As, Policy: c.policy, Guard: c.guard}
	r.Answer(now, &req, responder.View{Bindings: c.table, Pools: c.pools}, c.terms, nil, &answer)
	switch {
	case answer.Offer.IsValid():
		return answer.Offer, ""
	case answer.Drop != 0:
		why = "a DISCOVER of it would not be answered now: " + answer.Drop.String()
		if answer.Note != "" {
			why += ": " + answer.Note
		}
		return a, why
	}
	return a, "a DISCOVER of it would be answered without an address"
}

// discover returns the DHCPDISCOVER of the client that q means. It asks for no ACK at once and for no other link: what
// it is answered with is an offer on the link that it was placed on.
func discover(q *policy.Question) []byte {
	h := dhcpv4.Header{
		Op: dhcpv4.BootRequest, HType: q.Hardware.Type, HLen: q.Hardware.Len, GIAddr: netip.IPv4Unspecified(),
		CHAddr: q.Hardware.Addr,
	}
	if q.Relay.IsValid() {
		h.GIAddr = q.Relay
	}
	var b dhcpv4.Builder
	b.Begin(nil, &h, maxDiscover)
	b.Add(option.CodeMessageType, []byte{byte(dhcpv4.Discover)})
	if len(q.ClientID) > 0 {
		b.Add(option.CodeClientID, q.ClientID)
	}
	var relay []byte
	for _, o := range q.Options {
		switch o.Code {
		case option.CodeRelayInformation:
			relay = o.Value
		case option.CodeRapidCommit, option.CodeSubnetSelection, option.CodeMessageType, option.CodeClientID:
		default:
			b.Add(uint8(o.Code), o.Value)
		}
	}
	msg, _ := b.Finish(relay)
	return msg
}

// maxDiscover is room for all that a question may say a client says.
const maxDiscover = 4096

// unsaid returns a note of what the client said when it got its lease and the question does not have.
func unsaid(reg *option.Registry, held *binding.Binding, q *policy.Question) []string {
	facts, ok := held.Facts.Decode()
	if !ok {
		return nil
	}
	var names []string
	for _, f := range facts.Options {
		if f.Code == option.CodeRequestedAddress || slices.ContainsFunc(q.Options, func(o binding.Fact) bool { return o.Code == f.Code }) {
			continue
		}
		names = append(names, reg.ByCode(option.DHCPv4, option.Code(f.Code)).Name)
	}
	if len(names) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("when it got %v, the client also said %s: lessor lease %v explains it with that", held.Addr(), strings.Join(names, ", "), held.Addr())}
}
