package node

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// mayReload returns why a file cannot be taken while the server runs. With another Lessor what cannot change while they run is taken,
// and waits for the next start of both.
func (k *keeper) mayReload(ctx context.Context, file *config.Document) (err error) {
	err2 := k.do(ctx, func() {
		if _, waits := sinceStart(k.start, file); k.machine.Partner == "" && len(waits) > 0 {
			err = fmt.Errorf("%s: this cannot change while the server runs: restart it", strings.Join(waits, ", "))
		}
	})
	return cmp.Or(err2, err)
}

// relationshipOf is RelationshipOf for a server whose group keeps versions: what the two members must agree on they have in common
// there, and do not compare again; that it is one history they do, which begins with root.
func relationshipOf(doc *config.Document, p *policy.Policy, root version.ID, store [16]byte, seed uint64) (failover.Config, bool) {
	cfg, ok := RelationshipOf(doc, p, store, seed)
	if cfg.Parts = nil; cfg.Protocol == failover.Lessor { // two groups never share addresses
		cfg.Parts = failover.PartsOf([]failover.Part{{Name: historyPart, Digest: binding.Digest(root), Vital: true, Says: "begins with version " + root.Short()}})
	}
	if d := p.Document.Group.Failover.MCLT; d > cfg.MCLT { // the head's, which waits here; the partner may know that both have it
		cfg.AwaitedMCLT = d
	}
	return cfg, ok
}

// relationshipOf returns the relationship that a document describes, by which the running server has one; false if it has none.
func (n *Node) relationshipOf(doc *config.Document, p *policy.Policy) (failover.Config, bool) {
	if n.partner == nil {
		return failover.Config{}, false
	}
	return relationshipOf(doc, p, n.keeper.history.Root(), n.partner.config.Store, n.seed)
}

// historyPart is what the two compare when they greet each other.
const historyPart = "the group's history"

func files(t config.TLS) [3]string { return [...]string{t.Certificate, t.Key, t.Authority} }

// reconfigure has the core take over what a new head changed of the relationship.
func (n *Node) reconfigure(cfg failover.Config) {
	n.partner.config = cfg
	if !n.core.joined() {
		return
	}
	n.handle(&Partner{failover.Reconfigured{Config: cfg}})
	n.handle(&Partner{failover.PoolsChanged{}})
}
