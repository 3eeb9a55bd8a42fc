package node

import (
	"context"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// mayReconfigure returns the relationship that doc describes, and why doc cannot take the place of old while the server
// runs, as far as the other server of the group is concerned.
func (n *Node) mayReconfigure(ctx context.Context, old, doc *config.Document, p *policy.Policy) (failover.Config, error) {
	before, had := partnerOf(old)
	after, has := partnerOf(doc)
	own := func(d *config.Document) (at config.Member) {
		for _, m := range d.Group.Members {
			if m.Name == d.Server.Name {
				at = m
			}
		}
		return at
	}
	what := ""
	switch {
	case had != has:
		what = "group: this server begins or ceases to be one of two"
	case !has:
		return failover.Config{}, nil
	case before.Name != after.Name || before.Peer != after.Peer || before.Protocol != after.Protocol || own(old).Peer != own(doc).Peer:
		what = "group: members"
	case old.Group.Name != doc.Group.Name:
		what = "group: name"
	case old.Group.Failover.Reconnect != doc.Group.Failover.Reconnect:
		what = "failover: reconnect"
	case files(old.Server.TLS) != files(doc.Server.TLS):
		what = "server: tls"
	}
	if what != "" {
		return failover.Config{}, fmt.Errorf("%s: this cannot change while the server runs: restart it", what)
	}
	cfg, _ := RelationshipOf(doc, p, n.storeID(), n.partner.seed)
	return cfg, n.command(ctx, func() error { return n.core.relation.endpoint.MayReconfigure(&cfg) })
}

// storeID returns the identifier of the store, for others than the decider.
func (n *Node) storeID() [16]byte {
	n.opening.Lock()
	defer n.opening.Unlock()
	id, _ := n.store.ID()
	return id
}

func files(t config.TLS) [3]string { return [...]string{t.Certificate, t.Key, t.Authority} }

// reconfigure has the core take over what a reload changed of the relationship.
func (n *Node) reconfigure(cfg failover.Config) {
	if n.partner == nil || !n.core.joined() {
		return
	}
	n.partner.config = cfg
	n.handle(&Partner{failover.Reconfigured{Config: cfg}})
	n.handle(&Partner{failover.PoolsChanged{}})
}
