package node

import (
	"cmp"
	"context"
	"errors"
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
	x, err = explain(&r, func(f func(*Core, time.Time)) error {
		return n.do(ctx, func(*Effects) { f(n.core, n.clock.now()) })
	})
	x.Notes = append(notes, x.Notes...)
	n.placeExplanation(&x)
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

// explain answers r as things stand now, and changes nothing. on lets a function look at the core, between two messages;
// a policy never changes, so what only that must be asked holds up nobody.
func explain(r *ExplainRequest, on func(func(*Core, time.Time)) error) (policy.Explanation, error) {
	for range maxReloads {
		x, again, err := explainOnce(r, on)
		if !again {
			return x, err
		}
	}
	return policy.Explanation{}, errors.New("the configuration changes faster than a client can be explained by it: ask again")
}

// maxReloads is how often a question is begun anew because the configuration was changed meanwhile.
const maxReloads = 8

// inquiry is a question under way.
type inquiry struct {
	question policy.Question
	policy   *policy.Policy
	held     netip.Addr // what the client has; invalid: nothing
	said     []string   // what it said when it got that, and the question does not have
	notes    []string
}

func explainOnce(r *ExplainRequest, on func(func(*Core, time.Time)) error) (x policy.Explanation, again bool, err error) {
	var i inquiry
	if gone := on(func(c *Core, _ time.Time) { err = i.begin(c, r) }); gone != nil || err != nil {
		return x, false, cmp.Or(gone, err)
	}
	q := &i.question
	if x, err = i.policy.Explain(q); err != nil {
		return x, false, &RequestError{err.Error()}
	}
	if !q.Address.IsValid() {
		reserved := x.Address
		if gone := on(func(c *Core, now time.Time) { again = !i.choose(c, now, &x) }); gone != nil || again {
			return x, again, gone
		}
		if !q.Address.IsValid() {
			x.Address = nil
		} else if x, err = i.policy.Explain(q); err != nil {
			return x, false, &RequestError{err.Error()}
		}
		if reserved != nil && q.Address.IsValid() && q.Address != *reserved {
			i.notes = append(i.notes, fmt.Sprintf("%v, which is reserved for it, is not free: lessor lease %v says who has it", *reserved, *reserved))
		}
	}
	if len(i.said) > 0 {
		i.notes = append(i.notes, fmt.Sprintf("when it got %v, the client also said %s: lessor lease %v explains it with that", i.held, strings.Join(i.said, ", "), i.held))
	}
	x.Notes = append(i.notes, x.Notes...)
	return x, false, nil
}

// begin reads the question, and takes the client to be where it has its lease, if nothing else says where it is.
func (i *inquiry) begin(c *Core, r *ExplainRequest) (err error) {
	i.policy = c.policy
	q := &i.question
	if *q, err = r.Question(c.policy.Registry()); err != nil {
		return err
	}
	if q.As == "" {
		q.As = c.self
	}
	held, ok := c.heldBy(&binding.Client{ID: q.ClientID, Hardware: q.Hardware}, q.Network)
	if !ok {
		return nil
	}
	i.held, i.said = held.Addr(), unsaid(c.policy.Registry(), &held, q)
	if !q.Relay.IsValid() && q.Network == "" && !q.Address.IsValid() {
		q.Network = c.policy.SubnetOf(i.held).Network.Name
		i.notes = append(i.notes, fmt.Sprintf("the client has %v, so it is taken to be on network %s", i.held, q.Network))
	}
	return nil
}

// choose sets the address that the client would be offered now on x's link, else the one that it has there; false if
// the configuration is another one by now.
func (i *inquiry) choose(c *Core, now time.Time, x *policy.Explanation) bool {
	if c.policy != i.policy {
		return false
	}
	a, why := c.wouldGet(now, &i.question, x)
	if !a.IsValid() && i.held.IsValid() && c.on(i.held, x.Network) {
		a = i.held
	}
	if why != "" {
		i.notes = append(i.notes, why)
	}
	if kept := x.Address; kept != nil && *kept != a && c.Withholds(*kept) {
		i.notes = append(i.notes, fmt.Sprintf("%v was kept for another client, or for none, until both members agreed: it waits until each has heard whom the other one gave it to (lessor config status)", kept))
	}
	i.question.Address = a
	return true
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
	r := responder.Responder{Self: q.As, Policy: c.policy, Agreed: c.agreed, Withheld: c.unsettled.addrs, Guard: c.guard}
	r.Answer(now, &req, responder.View{Bindings: c.table, Pools: c.pools}, c.terms, nil, &answer)
	switch {
	case answer.Offer.IsValid():
		return answer.Offer, ""
	case answer.Drop != 0:
		why = "a DISCOVER of it would not be answered now: " + answer.Drop.String()
		if answer.Note != "" {
			why += ": " + answer.Note
		}
		if at := &answer.Refused; at.Pool != nil {
			why += ": pool " + at.Pool.Name() + ": " + placeText(at) + ": " + figures(&at.Full)
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

// unsaid names what the client said when it got its lease and the question does not have.
func unsaid(reg *option.Registry, held *binding.Binding, q *policy.Question) (names []string) {
	facts, ok := held.Facts.Decode()
	if !ok {
		return nil
	}
	for _, f := range facts.Options {
		if f.Code != option.CodeRequestedAddress && !slices.ContainsFunc(q.Options, func(o binding.Fact) bool { return o.Code == f.Code }) {
			names = append(names, reg.ByCode(option.DHCPv4, option.Code(f.Code)).Name)
		}
	}
	return names
}
