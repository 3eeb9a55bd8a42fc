package node

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// WhatIf implements Comparer. The leases are copied between batches of packets and judged beside the decider, which goes on.
func (n *Node) WhatIf(ctx context.Context, doc *config.Document, progress func(done, total int)) (*WhatIfReport, error) {
	begun := time.Now()
	then := policy.Compile(doc.As(n.self))
	var now, agreed *policy.Policy
	if err := n.do(ctx, func(*Effects) { now, agreed = n.core.policy, n.core.responder.Agreed }); err != nil {
		return nil, err
	}
	w := ledger.NewWhatIf(n.self, now, agreed, then)
	err := n.eachLease(ctx, progress, func(s *slice) error {
		for i := range s.bindings {
			w.Add(&s.bindings[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r := whatIfReport(w, now, then)
	r.Seconds = time.Since(begun).Seconds()
	return r, nil
}

// whatIfReport says what w added up.
func whatIfReport(w *ledger.WhatIf, now, then *policy.Policy) *WhatIfReport {
	r := &WhatIfReport{
		Version: then.Document.Digest.String(), Head: now.Version.String(), Total: w.Total, Unknown: w.Unknown,
		Changed: w.Changed, StaleNow: w.StaleNow, ByChange: w.ByChange, Classes: classCounts(w.Classes),
		ReservationCount: w.Collided, Emptied: w.Emptied(),
	}
	for _, p := range w.Parts {
		r.Options = append(r.Options, changedPart(now, then, p))
	}
	slices.SortFunc(r.Options, func(a, b ChangedPart) int { return cmp.Or(b.Clients-a.Clients, strings.Compare(a.Name, b.Name)) })
	for why, l := range w.Losses {
		x := LostReason{Why: why, Clients: l.Clients}
		for i := range l.Examples {
			x.Examples = append(x.Examples, exampleOf(now, &l.Examples[i].Binding))
		}
		r.Lost += l.Clients
		r.LostBy = append(r.LostBy, x)
	}
	slices.SortFunc(r.LostBy, func(a, b LostReason) int { return cmp.Or(b.Clients-a.Clients, strings.Compare(a.Why, b.Why)) })
	for _, s := range w.Squeezes() {
		r.Pools = append(r.Pools, PoolWhatIf{
			Network: s.Pool.Subnet.Network.Name, Subnet: s.Pool.Subnet.Prefix.String(), Range: s.Pool.Name(),
			Size: s.Size, Active: s.Active, Moving: s.Moving, Missing: s.Missing, Gone: s.Gone,
		})
	}
	for i := range w.Collisions {
		c := &w.Collisions[i]
		b := &c.Holder.Binding
		r.Reservations = append(r.Reservations, ReservationCollision{Address: b.Addr(), Host: c.Host, Holder: exampleOf(now, b), Until: At(b.Expires)})
	}
	for p, clients := range w.Dropped {
		r.Dropped = append(r.Dropped, DroppedSubnet{Network: now.SubnetOf(p.Masked().Addr()).Network.Name, Subnet: p.String(), Clients: clients})
	}
	slices.SortFunc(r.Dropped, func(a, b DroppedSubnet) int { return cmp.Or(b.Clients-a.Clients, strings.Compare(a.Subnet, b.Subnet)) })
	r.note(w)
	return r
}

// note says what is beside the figures.
func (r *WhatIfReport) note(w *ledger.WhatIf) {
	add := func(n int, one, many string) {
		if n > 0 {
			r.Notes = append(r.Notes, some(n, one, many))
		}
	}
	add(w.Moved, "client would have to move to the address that is reserved for it, once that is free", "clients would have to move to the address that is reserved for them, once that is free")
	add(int(w.Nowhere()), "client would lose its address and may use no pool", "clients would lose their address and may use no pool")
	add(w.LostAlready, "client may not keep its address as it is, by the configuration of now", "clients may not keep their address as it is, by the configuration of now")
	add(w.Unknown, "client was answered by another vendor's server, so that what it has is not known", "clients were answered by another vendor's server, so that what they have is not known")
}

func some(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func changedPart(now, then *policy.Policy, p *ledger.Part) ChangedPart {
	x := ChangedPart{Name: partName(then, p.Code), Clients: p.Clients, Classes: classCounts(p.Classes)}
	for i := range p.Examples {
		e := &p.Examples[i]
		c := exampleOf(now, &e.Binding)
		d := Difference{Name: x.Name, Why: e.Why}
		d.Has, d.HasText = partValue(now, p.Code, e.Has)
		d.WouldHave, d.WouldText = partValue(then, p.Code, e.Would)
		c.Differs = []Difference{d}
		x.Examples = append(x.Examples, c)
	}
	return x
}

// exampleOf names b's client.
func exampleOf(p *policy.Policy, b *binding.Binding) ClientExample {
	x := ClientExample{
		Address: b.Addr(), Hardware: b.Client.Hardware.String(), ClientID: binding.FormatClientID(b.Client.ID),
		Hostname: string(hostnameOf(b)), Home: b.Home,
	}
	if s := p.SubnetOf(b.Addr()); s != nil {
		x.Network = s.Network.Name
	}
	return x
}

// classCounts returns the counts, the largest first.
func classCounts(counts map[string]int) []ClassCount {
	all := []ClassCount{}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, ClassCount{Class: name, Clients: counts[name]})
	}
	slices.SortStableFunc(all, func(a, b ClassCount) int { return b.Clients - a.Clients })
	return all
}

// Orphans returns how many clients would lose their address.
func (r *WhatIfReport) Orphans() int { return r.Lost }

// Consequences returns what of the report nobody should do unasked, a sentence each, with figures; none if a yes is not needed.
func (r *WhatIfReport) Consequences() (all []string) {
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if r.Lost > 0 {
		var why []string
		for _, l := range r.LostBy {
			why = append(why, fmt.Sprintf("%d because %s", l.Clients, l.Why))
		}
		say("%s: %s", some(r.Lost, "client would lose its address", "clients would lose their address"), strings.Join(why, ", "))
	}
	for _, d := range r.Dropped {
		if d.Clients > 0 {
			say("subnet %s of network %s would be dropped, with %s", d.Subnet, d.Network, some(d.Clients, "lease in it", "leases in it"))
		}
	}
	for _, p := range r.Pools {
		switch {
		case p.Gone && slices.ContainsFunc(r.Dropped, func(d DroppedSubnet) bool { return d.Subnet == p.Subnet }):
		case p.Gone:
			say("pool %s of subnet %s would be gone, with %s", p.Range, p.Subnet, some(int(p.Active), "lease in it", "leases in it"))
		case p.Missing > 0:
			say("pool %s of subnet %s would have too few addresses: %d of %d stay in use, %d clients would look for one there, and for %d there is none",
				p.Range, p.Subnet, p.Active, p.Size, p.Moving, p.Missing)
		}
	}
	for _, name := range r.Emptied {
		say("network %s would have no pool any more: new clients on it would get no address", name)
	}
	if k := r.ReservationCount; k > 0 {
		first := r.Reservations[0]
		say("%s while another client has it, the first of them %v, for host %s, which %s has", some(k, "address would be reserved", "addresses would be reserved"),
			first.Address, first.Host, cmp.Or(first.Holder.Hardware, first.Holder.ClientID))
	}
	return all
}
