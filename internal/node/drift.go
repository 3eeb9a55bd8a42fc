package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Why two members treat clients differently.
const (
	headsDiffer   = "heads differ"
	serversDiffer = "servers: layers differ"
)

// Drift implements Comparer.
func (n *Node) Drift(ctx context.Context, with binding.Member, progress func(done, total int)) (*DriftReport, error) {
	other, err := n.driftWith(with)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	r := &DriftReport{With: other.Name, Protocol: other.Protocol}
	var ours, agreed, theirs *policy.Policy
	if err := n.do(ctx, func(*Effects) { ours, agreed = n.core.policy, n.core.responder.Agreed }); err != nil {
		return nil, err
	}
	r.OurHead = ours.Version.String()
	if !isISC(other) {
		theirs = n.theirHead(ctx, r)
	}
	d := ledger.NewDrift(n.self, other.Name, ours, agreed, theirs)
	if isISC(other) {
		d = ledger.NewDrift(n.self, n.self, ours, agreed, nil)
		r.CannotKnow = append(r.CannotKnow, fmt.Sprintf("%s is another vendor's server: what it would give clients stands in its own configuration, which it tells nobody", other.Name))
	}
	err = n.eachLease(ctx, progress, func(s *slice) error {
		for i := range s.bindings {
			d.Add(&s.bindings[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.fill(d, ours, theirs, isISC(other))
	r.Compared, r.Seconds = At(n.clock.now()), time.Since(begun).Seconds()
	return r, nil
}

func isISC(m config.Member) bool { return m.Protocol == config.ProtocolISC }

// driftWith returns the member that is meant.
func (n *Node) driftWith(with binding.Member) (config.Member, error) {
	n.mu.Lock()
	doc := n.doc
	n.mu.Unlock()
	var names []string
	for _, m := range doc.Group.Members {
		if m.Name == n.self {
			continue
		}
		if with == "" || m.Name == with {
			return m, nil
		}
		names = append(names, string(m.Name))
	}
	switch {
	case with == n.self && len(names) > 0:
		return config.Member{}, &RefusedError{Why: fmt.Sprintf("%s is this server", with), Remedy: "name another one: " + strings.Join(names, ", ")}
	case len(names) == 0:
		return config.Member{}, errAlone
	}
	return config.Member{}, &RefusedError{Why: fmt.Sprintf("%q is no other member of the group", with), Remedy: "it is " + strings.Join(names, ", ")}
}

// theirHead returns what the other Lessor serves by, nil if that is not known, and says in r how the two heads stand.
func (n *Node) theirHead(ctx context.Context, r *DriftReport) *policy.Policy {
	theirs, _, why := n.partnerPolicy()
	s, _ := n.ConfigStatus(ctx)
	r.TheirHead = s.PartnerHead
	if theirs != nil {
		r.TheirHead = theirs.Version.String()
	}
	r.SameHead = r.TheirHead != "" && r.TheirHead == r.OurHead
	if why != "" {
		r.CannotKnow = append(r.CannotKnow, why)
	}
	if r.SameHead {
		return theirs
	}
	for _, text := range []string{s.Trouble, s.Waits} {
		if text != "" {
			r.Because = append(r.Because, text)
		}
	}
	switch {
	case s.Conflict != nil:
		r.Because = append(r.Because, fmt.Sprintf("%s and %s were both changed, and do not fit together", s.Conflict.Ours.Version, s.Conflict.Theirs.Version))
		r.Remedy = "lessor config resolve shows the conflict, and ends it"
	case r.TheirHead != "":
		r.Remedy = "lessor status says what the newer version waits for"
	}
	return theirs
}

// fill says what d added up.
func (r *DriftReport) fill(d *ledger.Drift, ours, theirs *policy.Policy, isc bool) {
	r.Total, r.Unknown, r.Clients, r.NewClients = d.Total, d.Unknown, d.Clients, d.NewClients
	for k, g := range d.Groups {
		r.Groups = append(r.Groups, driftGroup(ours, theirs, k, g))
	}
	slices.SortFunc(r.Groups, func(a, b DriftGroup) int {
		return cmp.Or(strings.Compare(a.Because, b.Because), b.Clients-a.Clients, strings.Compare(a.Class, b.Class), strings.Compare(a.Name, b.Name))
	})
	if d.Heads() {
		r.Because = append(r.Because, fmt.Sprintf("%s: this member serves by %s, %s by %s", headsDiffer, r.OurHead, r.With, r.TheirHead))
	}
	if d.NewClients > 0 {
		r.Because = append(r.Because, serversDiffer+": a client without a lease gets the options of whichever member answers it first, and keeps those, since that is its home")
	}
	switch {
	case d.Unknown > 0 && isc:
		r.CannotKnow = append(r.CannotKnow, some(d.Unknown, "client was answered by it last: what that was told is not known", "clients were answered by it last: what those were told is not known"))
	case d.Unknown > 0:
		r.CannotKnow = append(r.CannotKnow, some(d.Unknown, "client has a lease of which is not known what it said", "clients have leases of which is not known what they said"))
	}
}

func driftGroup(ours, theirs *policy.Policy, k ledger.DriftKey, g *ledger.DriftGroup) DriftGroup {
	x := DriftGroup{Class: k.Class, Name: partName(ours, k.Code), Because: serversDiffer, Clients: g.Clients}
	other := ours
	if k.Heads {
		x.Because, other = headsDiffer, theirs
	}
	for i := range g.Examples {
		e := &g.Examples[i]
		c := exampleOf(ours, &e.Binding)
		d := Difference{Name: x.Name}
		d.Has, d.HasText = partValue(ours, k.Code, e.Has)
		d.WouldHave, d.WouldText = partValue(other, k.Code, e.Would)
		c.Differs = []Difference{d}
		x.Examples = append(x.Examples, c)
	}
	return x
}

// What the server looks at by itself.
const (
	driftLook  = 5 * time.Second // how often it looks whether the heads differ
	driftAgain = time.Minute     // how long after a comparison it compares again, while they do
)

// watchDrift counts, while the two members serve by different heads, whom that concerns.
func (n *Node) watchDrift(ctx context.Context) {
	look := time.NewTicker(driftLook)
	defer look.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		s, err := n.ConfigStatus(ctx)
		if err != nil || !headsApart(&s) {
			n.drifted.Store(nil)
			continue
		}
		if !last.IsZero() && time.Since(last) < driftAgain {
			continue
		}
		if r, err := n.Drift(ctx, "", nil); err == nil {
			last = time.Now()
			if n.noteDrift(r); ctx.Err() != nil {
				return
			}
		}
	}
}

// headsApart reports whether the two members are known to serve by different heads.
func headsApart(s *GroupConfigStatus) bool {
	return s.Head != "" && s.PartnerHead != "" && s.Head != s.PartnerHead
}

// noteDrift keeps the newest comparison, and since when the heads differ.
func (n *Node) noteDrift(r *DriftReport) {
	d := &drifted{report: r, since: r.Compared}
	if old := n.drifted.Load(); old != nil {
		d.since = old.since
	}
	n.drifted.Store(d)
}

// drifted is a comparison, and since when the heads differ.
type drifted struct {
	report *DriftReport
	since  Instant
}

// driftAlarm says whom it concerns that the members serve by different heads.
func (n *Node) driftAlarm(s *GroupConfigStatus) []Alarm {
	d := n.drifted.Load()
	if d == nil || s == nil || !headsApart(s) {
		return nil
	}
	return []Alarm{{
		Code: "drift", Title: fmt.Sprintf("This server and %s go by different configurations", d.report.With), Severity: Warning, Since: d.since,
		Text: fmt.Sprintf("%s from %s than from this server (of %d with a lease, compared at %s)",
			some(d.report.Clients, "client would get something else", "clients would get something else"), d.report.With, d.report.Total, d.report.Compared.Format(time.RFC3339)),
		Remedy: cmp.Or(d.report.Remedy, "lessor drift shows what differs, and why"),
	}}
}
