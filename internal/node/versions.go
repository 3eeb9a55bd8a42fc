package node

import (
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/group"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// PolicyOf returns the policy of a version, compiled from doc, which is what the version says. It knows which versions the
// version comes from: those of h.
func PolicyOf(h *version.History, id version.ID, doc *config.Document) *policy.Policy {
	before := map[binding.Digest]struct{}{}
	own := h.Get(id)
	for _, a := range h.Log(id, version.MaxVersions) {
		if a == id {
			continue
		}
		before[binding.Digest(a)] = struct{}{}
		if v := h.Get(a); own == nil || v.Meaning != own.Meaning {
			before[v.Meaning] = struct{}{} // as servers that knew of no versions named it
		}
	}
	if own != nil {
		before[own.Meaning] = struct{}{}
	}
	return policy.Compile(doc).Named(binding.Digest(id), before)
}

// inForce returns the document by which a member serves whose head says head, while safety stands on what agreed says: the members,
// the primary, the MCLT.
func inForce(head, agreed *config.Document) *config.Document {
	if agreed == nil || agreed == head {
		return head
	}
	d := *head
	from, to := &agreed.Group, &d.Group
	to.Name, to.Members, to.Primary = from.Name, from.Members, from.Primary
	to.Failover.MCLT, to.Failover.Relationship = from.Failover.MCLT, from.Failover.Relationship
	return &d
}

// sinceStart returns doc with what of a relationship cannot change while the server runs as it was at its start, and the keys of what
// waits for the next one.
func sinceStart(start, doc *config.Document) (*config.Document, []string) {
	var waits []string
	d := *doc
	g, s := &d.Group, &start.Group
	keep := func(differs bool, key string, take func()) {
		if differs {
			waits = append(waits, key)
			take()
		}
	}
	keep(g.Name != s.Name, "group.name", func() { g.Name = s.Name })
	keep(!sameMembers(g.Members, s.Members), "group.members", func() { g.Members = s.Members })
	keep(g.Primary != s.Primary, "group.failover.primary", func() { g.Primary = s.Primary })
	keep(g.Failover.Relationship != s.Failover.Relationship, "group.failover.relationship", func() { g.Failover.Relationship = s.Failover.Relationship })
	keep(g.Failover.Reconnect != s.Failover.Reconnect, "group.failover.reconnect", func() { g.Failover.Reconnect = s.Failover.Reconnect })
	if len(waits) == 0 {
		return doc, nil
	}
	return &d, waits
}

// sameMembers reports whether two groups have the same members, in whatever order: a merge names them in that of their names.
func sameMembers(a, b []config.Member) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !slices.ContainsFunc(b, func(m config.Member) bool { return sameMember(a[i], m) }) {
			return false
		}
	}
	return true
}

// sameMember reports whether two entries of a member mean the same connections.
func sameMember(a, b config.Member) bool {
	return a.Name == b.Name && a.Peer == b.Peer && a.Protocol == b.Protocol
}

// lessorBeside returns the other Lessor of doc's group; empty if there is none.
func lessorBeside(doc *config.Document) binding.Member {
	if p, ok := partnerOf(doc); ok && p.Protocol != config.ProtocolISC {
		return p.Name
	}
	return ""
}

// isDeclaredLost reports whether a server in that state goes on without its partner, having declared the link lost.
func isDeclaredLost(s failover.State) bool {
	switch s {
	case failover.CommunicationsInterrupted, failover.PartnerDown, failover.ResolutionInterrupted:
		return true
	}
	return false
}

// linkOf returns what a machine is told of its connection to the partner.
func linkOf(connected, lost bool) group.Link {
	switch {
	case connected:
		return group.Up
	case lost:
		return group.Lost
	}
	return group.Away
}

// keysOf returns the keys of changes, a few of many.
func keysOf(all []version.Change) string {
	const few = 6
	var keys []string
	for i := range min(len(all), few) {
		keys = append(keys, all[i].Key)
	}
	if len(all) > few {
		keys = append(keys, "…")
	}
	return strings.Join(keys, ", ")
}
