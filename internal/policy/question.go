package policy

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Question is a client, live or hypothetical, and where it is.
type Question struct {
	As       binding.Member // the member that answers; empty: the document's server
	Hardware binding.Hardware
	ClientID []byte
	Relay    netip.Addr // giaddr; invalid: the client is on the link
	// Network is a shared network's name. Where it is empty the link is found as for a message, else by the client's
	// reservation, else it is the first on which the client may use a pool.
	Network string
	Options []binding.Fact // as on the wire, in ascending order of code
	// Address is the one to explain for; invalid: the reserved one, if there is one.
	Address netip.Addr
}

// Facts returns what Resolve needs to answer q, who answers, and what was assumed. The error says in an operator's words
// which link or member there is not.
func (p *Policy) Facts(q *Question) (as binding.Member, f *Facts, notes []string, err error) {
	if as, err = p.answering(q.As); err != nil {
		return "", nil, nil, err
	}
	f = &Facts{
		Client: binding.Client{ID: q.ClientID, Hardware: q.Hardware}, GIAddr: q.Relay,
		Options: &binding.Facts{Options: q.Options},
	}
	f.Link, err = p.linkOf(q, f)
	if err == nil && f.Link == nil {
		f.Link, notes, err = p.likelyLink(as, f)
	}
	if err != nil {
		return "", nil, nil, err
	}
	return as, f, notes, nil
}

// answering returns the member that is meant.
func (p *Policy) answering(as binding.Member) (binding.Member, error) {
	own := p.Document.Server.Name
	if as == "" || as == own {
		return own, nil
	}
	if _, ok := p.members[as]; ok {
		return as, nil
	}
	var names []string
	for m := range p.members {
		names = append(names, string(m))
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "", fmt.Errorf("there is no server %s: the document names no others than %s", as, own)
	}
	return "", fmt.Errorf("there is no server %s: the document names %s", as, list(names))
}

// linkOf returns the link that q says, nil if it says none.
func (p *Policy) linkOf(q *Question, f *Facts) (*Subnet, error) {
	byMessage, err := p.linkOfMessage(q, f)
	if err != nil || q.Network == "" {
		return byMessage, err
	}
	n := p.byName[q.Network]
	switch {
	case n == nil:
		return nil, fmt.Errorf("there is no network %s: the document has %s", q.Network, list(p.networkNames()))
	case len(n.Subnets) == 0:
		return nil, fmt.Errorf("network %s has no subnets", q.Network)
	case byMessage != nil && byMessage.Network != n:
		return nil, fmt.Errorf("the relay says network %s, and not %s: name one of the two", byMessage.Network.Name, n.Name)
	case byMessage != nil:
		return byMessage, nil
	}
	for _, s := range n.Subnets { // the address says in which of the link's subnets the client is
		if q.Address.IsValid() && s.Prefix.Contains(q.Address) {
			return s, nil
		}
	}
	return n.Subnets[0], nil
}

// linkOfMessage finds the link as Locate does.
func (p *Policy) linkOfMessage(q *Question, f *Facts) (*Subnet, error) {
	f.readRelay()
	a, what := q.Relay, "the relay's address"
	if v, ok := f.Options.Option(uint16(option.CodeSubnetSelection)); ok && len(v) == 4 {
		a, what = netip.AddrFrom4([4]byte(v)), "the subnet selection option"
	}
	if v, ok := selectedLink(f.relay); ok && q.Relay.IsValid() {
		a, what = v, "the link that the relay selects"
	}
	if !a.IsValid() {
		return nil, nil
	}
	s, _ := p.link(a, "")
	if s == nil {
		return nil, fmt.Errorf("there is no subnet for %s, %v", what, a)
	}
	return s, nil
}

// likelyLink chooses a link for a client of which nobody says where it is: that of its reservation, else the first in the
// document on which it may use a pool, else the first.
func (p *Policy) likelyLink(as binding.Member, f *Facts) (*Subnet, []string, error) {
	byLine := slices.DeleteFunc(slices.Clone(p.networks), func(n *Network) bool { return len(n.Subnets) == 0 })
	if len(byLine) == 0 {
		return nil, nil, fmt.Errorf("the document has no subnets: no client is served")
	}
	slices.SortFunc(byLine, func(a, b *Network) int { return a.line - b.line })
	var first *Subnet
	var d Decision
	for _, n := range byLine {
		f.Link = n.Subnets[0]
		p.Place(as, f, &d)
		if d.Reserved.IsValid() {
			return f.Link, nil, nil
		}
		if first == nil && len(d.Pools) > 0 {
			first = d.Pools[0].Subnet
		}
	}
	if first == nil {
		first = byLine[0].Subnets[0]
	}
	if len(byLine) == 1 {
		return first, nil, nil
	}
	return first, []string{fmt.Sprintf("nothing says where the client is: network %s is assumed", first.Network.Name)}, nil
}

func (p *Policy) networkNames() (names []string) {
	for _, n := range p.networks {
		names = append(names, n.Name)
	}
	return names
}

// list writes a few of names.
func list(names []string) string {
	const few = 12
	s := ""
	for i, n := range names {
		if i == few {
			return s + fmt.Sprintf(" and %d more", len(names)-few)
		}
		if i > 0 {
			s += ", "
		}
		s += n
	}
	return s
}
