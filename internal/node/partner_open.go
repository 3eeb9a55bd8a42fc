package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/peer"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// maxPartnerEvents is how many events of connections wait for the decider.
const maxPartnerEvents = 256

// openPartnership opens the port on which the other server of the group reaches this one, if there is one.
func (n *Node) openPartnership(p *policy.Policy, ring *keys.Ring) error {
	id, _ := n.store.ID()
	n.seed = rand.Uint64()
	doc := n.keeper.start
	cfg, ok := relationshipOf(doc, p, n.keeper.history.Root(), id, n.seed)
	if !ok {
		return nil
	}
	pc := peer.Of(doc)
	if ring != nil {
		pc.Keys = ring
		// Also where the authority is another member's: it may be made anew here, beside this server.
		pc.Registrar = keys.In(n.cfg.Document.Server.Data).Registrar(pc.Group)
	}
	l, err := peer.Listen(pc)
	if err != nil {
		return err
	}
	n.partner = &partnership{
		name: cfg.Partner, self: cfg.Self, address: pc.Members[0].Peer, seed: cfg.Seed, patience: cfg.ReceiveTimer, config: cfg,
		peer: l, events: make(chan peer.Event, maxPartnerEvents),
	}
	return nil
}

// keysInForce returns the keys by which this server is known to the members of the configuration that is in force, where those are
// others than its file says.
func (n *Node) keysInForce(ring *keys.Ring) (*keys.Ring, error) {
	doc := n.keeper.start
	if lessorBeside(doc) == lessorBeside(n.cfg.Document) && doc.Group.Name == n.cfg.Document.Group.Name {
		return ring, nil
	}
	return openKeys(doc)
}

// openKeys returns the keys by which the other Lessors of the group know this one: those that the document names, or those that
// `lessor group` put into the data directory; nil where there is no other Lessor.
func openKeys(doc *config.Document) (*keys.Ring, error) {
	if partner, ok := partnerOf(doc); !ok || partner.Protocol == config.ProtocolISC {
		return nil, nil
	}
	t := doc.Server.TLS
	files := keys.Files{Certificate: besides(doc, t.Certificate), Key: besides(doc, t.Key), Authority: besides(doc, t.Authority)}
	if t.Certificate == "" {
		d := keys.In(doc.Server.Data)
		if !d.Present() {
			return nil, fmt.Errorf("member %s: %w", doc.Server.Name, peer.ErrNoKeys)
		}
		files = d.Files()
	}
	return keys.Open(files, doc.Group.Name, doc.Server.Name)
}

// besides returns the name of a file that a document names: what is not absolute lies beside the document.
func besides(doc *config.Document, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(doc.File), name)
}

// runPartner runs the connections to the other server until ctx ends.
func (n *Node) runPartner(ctx context.Context) {
	if n.partner == nil {
		return
	}
	if err := n.partner.peer.Run(ctx, n.partner.events, n.keeper.events); err != nil {
		n.log.Error("the connections to the other server ended", "error", err)
	}
}

// abandon closes what openPartnership opened, where it is never run.
func (p *partnership) abandon() error {
	if p == nil {
		return nil
	}
	return p.peer.Close()
}
