package node

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// RelationshipOf returns the relationship that the server of doc has with the other one of its group, with p as its
// policy and a store of that identifier; false if it has none. seed is a number that nobody can guess.
func RelationshipOf(doc *config.Document, p *policy.Policy, store [16]byte, seed uint64) (failover.Config, bool) {
	g := &doc.Group
	partner, ok := partnerOf(doc)
	if !ok {
		return failover.Config{}, false
	}
	f := &g.Failover
	c := failover.Config{
		Self: doc.Server.Name, Partner: partner.Name, Role: failover.Secondary, Protocol: failover.Lessor, Relationship: f.Relationship,
		Store: store, MCLT: f.MCLT, Guard: guardOf(p), Longest: p.LongestLifetime(), Split: f.Split,
		LoadBalanceSecs: time.Duration(f.LoadBalanceSecs) * time.Second, ReceiveTimer: f.ReceiveTimer, Startup: f.Startup,
		MaxUnacked: f.MaxUnacked, MaxSkew: f.MaxSkew, AutoPartnerDown: f.AutoPartnerDown, Seed: seed,
	}
	if g.Primary == c.Self {
		c.Role = failover.Primary
	}
	if partner.Protocol == config.ProtocolISC {
		c.Protocol = failover.ISC
	} else {
		c.Parts = partsOf(doc)
	}
	if c.Relationship == "" {
		c.Relationship = g.Name
	}
	return c, true
}

// partsOf returns what the two compare.
func partsOf(doc *config.Document) *failover.Parts {
	parts := doc.Parts()
	all := make([]failover.Part, len(parts))
	for i, p := range parts {
		all[i] = failover.Part(p)
	}
	return failover.PartsOf(all)
}

// partnerOf returns the other member of the group that doc's server is in; false if it is alone.
func partnerOf(doc *config.Document) (config.Member, bool) {
	for _, m := range doc.Group.Members {
		if m.Name != doc.Server.Name {
			return m, true
		}
	}
	return config.Member{}, false
}

// guardOf returns how long after its end a binding's address stays withheld: what the document says, or what the longest
// lifetime asks for.
func guardOf(p *policy.Policy) time.Duration {
	if g := p.Document.Group.Failover.Guard; g > 0 {
		return g
	}
	return binding.Guard(p.LongestLifetime())
}
