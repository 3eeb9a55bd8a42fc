package config

import (
	"fmt"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Doubts about two servers that share addresses, in figures.
const (
	// builtInLease is the lifetime of a lease where no layer sets one (layer 1 of the policy).
	builtInLease = 4 * time.Hour
	// leastMCLT is the shortest lead time with which clients do not spend their time renewing: the first lease is that long.
	leastMCLT = 30 * time.Second
	// leastStartup is the shortest time in which a partner can be heard at a start.
	leastStartup = time.Second
)

// checkPair says what people who run two servers that share addresses have come to regret.
func (p *parser) checkPair() {
	g := &p.doc.Group
	if len(g.Members) != 2 {
		return
	}
	f := &g.Failover
	p.checkLead(f)
	if m := g.member(g.Primary); m == nil || m.Protocol == ProtocolLessor { // else it is not ours to say
		p.checkSplit(f)
	}
	if d := f.AutoPartnerDown; d > 0 {
		p.warnPair("auto-partner-down", fmt.Sprintf("auto-partner-down: after %s without contact this server takes over the partner's addresses, which cannot be told from a cut cable: then both give out the same addresses", brief(d)),
			"take it out, and run lessor partner-down once you know that the partner does not run")
	}
	if f.Startup < leastStartup {
		p.warnPair("startup", fmt.Sprintf("startup: in %s the partner cannot be heard: a server that was declared down meanwhile would serve before it knows", brief(f.Startup)), "write startup: 5s")
	}
	if f.Guard > 0 && f.Guard < f.MaxSkew {
		p.warnPair("guard", fmt.Sprintf("guard (%s) is shorter than max-skew (%s): with clocks that far apart an address could be given away before its lease is over by the partner's clock", brief(f.Guard), brief(f.MaxSkew)),
			"write guard: auto, or a smaller max-skew")
	}
	p.checkEndless()
	for _, x := range p.pools {
		if x.First == x.Last {
			p.add(Warning, x.at("range"), fmt.Sprintf("pool %v has one address, which two servers cannot share: only one of them can give it to a new client", x.span()), "make it larger, or reserve the address for a host")
		}
	}
	p.checkISC(g)
}

// warnPair warns of a key of failover, or of what holds where it is not written.
func (p *parser) warnPair(key, message, remedy string) {
	at, ok := p.failoverKeys[key]
	if !ok {
		at = p.doc.Group.Position
	}
	p.add(Warning, at, message, remedy)
}

// checkLead looks at the lead time beside the lifetime that most clients get.
func (p *parser) checkLead(f *Failover) {
	lease, where := p.doc.Enterprise.Lease.Default, "the default lease"
	if lease == 0 {
		lease, where = builtInLease, "the built-in default lease"
	}
	switch {
	case f.MCLT > lease:
		p.warnPair("mclt", fmt.Sprintf("mclt (%s) is longer than %s (%s): after the loss of a server its addresses wait longer than any lease lasts", brief(f.MCLT), where, brief(lease)), "write a quarter to a half of the lease")
	case f.MCLT < leastMCLT:
		p.warnPair("mclt", fmt.Sprintf("mclt: a first lease lasts no longer than %s, so every new client renews at once", brief(f.MCLT)), "write mclt: 1h, or a quarter of the lease")
	}
}

func (p *parser) checkSplit(f *Failover) {
	const buckets = 256
	primary := string(p.doc.Group.Primary)
	switch f.Split {
	case buckets:
		p.warnPair("split", fmt.Sprintf("split: 256: %s answers all new clients, and the other member those that it leaves waiting", primary), "write split: 128 if both should; half of the free addresses belong to the other member either way")
	case 0:
		p.warnPair("split", fmt.Sprintf("split: 0: %s answers no new client that the other member answers", primary), "write split: 128 if both should; half of the free addresses belong to it either way")
	}
}

// checkEndless warns of the first lifetime without end.
func (p *parser) checkEndless() {
	var at Position
	p.doc.eachScope(func(_ Layer, s *Scope) {
		if l := &s.Lease; (l.Default == binding.Infinite || l.Max == binding.Infinite) && (at == Position{} || l.Position.before(at)) {
			at = l.Position
		}
	})
	if p.doc.Accept.LeaseMax == binding.Infinite && at == (Position{}) {
		at = p.doc.Accept.Position
	}
	if at != (Position{}) {
		p.add(Warning, at, "a lease without end, in a group of two: if a server loses its disk, nobody knows when what it promised is over, and its addresses stay withheld for ever", "write a lease that ends, as in 720h")
	}
}

// checkISC says what a partner does not do that is another vendor's, and what of its file is not compared.
func (p *parser) checkISC(g *Group) {
	var isc, own *Member
	for i := range g.Members {
		if m := &g.Members[i]; m.Protocol == ProtocolISC {
			isc = m
		} else {
			own = m
		}
	}
	if isc == nil || own == nil {
		return
	}
	p.add(Warning, isc.Position, fmt.Sprintf("what member %s is told to serve is not compared with this document: its pools, its fixed addresses and who may use a pool", isc.Name),
		"keep them alike in both files (docs/isc-partner.md)")
	for _, m := range []*Member{own, isc} {
		if m.Peer.IsValid() && !m.Peer.Addr().Is4() {
			p.add(Warning, m.Position, fmt.Sprintf("member %s has an IPv6 peer, and the failover of %s knows IPv4 alone", m.Name, ProtocolISC), "write its IPv4 address")
		}
	}
	if g.Primary == isc.Name {
		if _, ok := p.failoverKeys["split"]; ok {
			p.warnPair("split", fmt.Sprintf("split counts in the primary, which is %s: what stands here is not used", isc.Name), "write it in the primary's file, and take it out here")
		}
	}
	p.checkReservedForISC(isc)
	for _, x := range p.pools {
		if len(x.Allow)+len(x.Deny) > 0 {
			p.add(Warning, x.at("range"), fmt.Sprintf("pool %v is not for everybody, which member %s must be told in its own file", x.span(), isc.Name), "write the same allow and deny in that pool there")
			break
		}
	}
}

// checkReservedForISC warns of addresses that are kept for a host and lie in a pool: ISC dhcpd gives such ones to anybody.
func (p *parser) checkReservedForISC(isc *Member) {
	for i := range p.doc.Hosts {
		h := &p.doc.Hosts[i]
		if !h.Address.IsValid() {
			continue
		}
		if x := p.holder(h.Address); x != nil {
			p.add(Warning, h.AddressPosition, fmt.Sprintf("address %v of host %s lies in pool %v: member %s gives it to any client", h.Address, clip(h.Name), x.span(), isc.Name),
				"leave it out of the range, in both files")
		}
	}
}
