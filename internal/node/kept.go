package node

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/group"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// What a keeper of versions goes by is here for the simulator, which keeps versions by the same rules.

// IsDeclaredLost reports whether a server in that state goes on without its partner, having declared the link lost.
func IsDeclaredLost(s failover.State) bool { return isDeclaredLost(s) }

// GroupLink returns what a machine is told of its connection to the partner.
func GroupLink(connected, lost bool) group.Link { return linkOf(connected, lost) }

// InForce returns the document by which a member serves whose head says head, while safety stands on what agreed says.
func InForce(head, agreed *config.Document) *config.Document { return inForce(head, agreed) }

// AgreedPolicy returns the policy of the last version that both members adopted, where safety stands on something else there than in
// head; nil where it does not.
func AgreedPolicy(h *version.History, id version.ID, agreed, head *config.Document) *policy.Policy {
	if agreed == head || len(version.Pending(agreed, head)) == 0 {
		return nil
	}
	return PolicyOf(h, id, agreed)
}

// VersionedRelationshipOf is RelationshipOf for a server whose group keeps versions, in a history that begins with root.
func VersionedRelationshipOf(doc *config.Document, p *policy.Policy, root version.ID, store [16]byte, seed uint64) (failover.Config, bool) {
	return relationshipOf(doc, p, root, store, seed)
}

// LostVersions returns the versions that a machine knows to be lost, as bindings name them.
func LostVersions(m *group.Machine) []binding.Digest { return lostVersions(m) }

// ReadVersions returns the history and the state that a store has. The documents stay in the store.
func ReadVersions(st *store.Store) (*version.History, group.State, error) { return readVersions(st) }

// BeginHeadless makes the core answer nobody, and change nothing, until Adopt: the group has no configuration yet.
func (c *Core) BeginHeadless() { c.headless = true }

// IsHeadless reports whether it is so.
func (c *Core) IsHeadless() bool { return c.headless }

// Agreed returns the last version that both members adopted, where safety stands on something else there than by what is served; nil
// where it does not.
func (c *Core) Agreed() *policy.Policy { return c.responder.Agreed }
