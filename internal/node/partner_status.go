package node

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// maxRefusals is how many refused updates are remembered.
const maxRefusals = 64

// remember keeps what status shows of a note.
func (p *partnership) remember(now time.Time, n *failover.Note) {
	switch n.Kind {
	case failover.UpdateRefused:
		if len(p.refusals) == maxRefusals {
			p.refusals = append(p.refusals[:0], p.refusals[1:]...)
		}
		p.refusals = append(p.refusals, RefusedUpdate{At(now), n.Prefix.Addr(), uint8(n.Reason), n.Cause})
	case failover.LinkOpened:
		p.closed, p.greeted = "", true
	case failover.LinkClosed:
		if !p.replaced(n) {
			p.closed = n.Cause
		}
	case failover.StateChanged:
		p.transit(StateTransition{At(now), p.self, n.To.String(), n.From.String(), n.Cause})
	case failover.PartnerChanged:
		p.transit(StateTransition{At(now), p.name, n.To.String(), n.From.String(), n.Cause})
	case failover.ConflictFound, failover.SkewFound, failover.SkewGone,
		failover.StoreWentBack, failover.ConfigurationDiffers, failover.CommandRefused, failover.PartnerSilent, failover.PartnerHeard:
	}
}

// repeats reports whether a note says once more that there is no connection, for the same reason: while a partner is away, one
// is tried every few seconds.
func (p *partnership) repeats(n *failover.Note) bool {
	return n.Kind == failover.LinkClosed && (n.Cause == p.closed || p.replaced(n))
}

// replaced reports whether a note says that a connection on which the two never greeted each other made room for a newer one. What becomes of
// that one says why there is none, and until then what became of the one before does.
func (p *partnership) replaced(n *failover.Note) bool {
	return p.closed != "" && n.Cause == errNewerLink.Error()
}

// waiting says what not all clients are answered for; empty if they are.
func (c *Core) waiting() string {
	if c.relation == nil {
		return ""
	}
	return c.relation.terms.Waiting
}

// statusOfPartner fills in how the two servers stand.
func (n *Node) statusOfPartner(s *Status) {
	p := n.partner
	if p == nil {
		return
	}
	s.Waiting = n.waiting()
	now := n.clock.now()
	var ps PartnerStatus
	switch {
	case n.core.joined():
		ps = relationshipStatus(&p.config, n.core.relation, now)
	case n.core.headless:
		ps = n.headlessStatus(now)
	default:
		return
	}
	ps.RefusedUpdates = append([]RefusedUpdate(nil), p.refusals...)
	n.statusOfConnections(&ps)
	s.Partners = append(s.Partners, ps)
	s.Alarms = append(s.Alarms, partnerAlarms(&ps)...)
}

// relationshipStatus is what the endpoint says of itself.
func relationshipStatus(cfg *failover.Config, r *relation, now time.Time) PartnerStatus {
	e := r.endpoint.Status(now)
	ps := PartnerStatus{
		Name: cfg.Relationship, Partner: e.Partner, Protocol: config.ProtocolLessor, Role: e.Role.String(),
		State: e.State.String(), Cause: e.Cause, PartnerState: e.PartnerState.String(), Since: At(e.Since), PartnerSince: At(e.PartnerSince),
		MCLT: int64(e.MCLT / time.Second), Unacked: e.Unacked, InFlight: e.InFlight, Connected: e.Connected,
		Skew: e.Skew.Seconds(), Uncertain: e.Uncertain.Seconds(), Waiting: r.terms.Waiting, WaitUntil: At(e.WaitUntil),
		NeverServed: e.NeverServed, PartnerSilent: e.PartnerSilent, Rejected: e.Rejected, Ignored: e.Ignored,
		Differs: e.Differs, Disagree: e.Disagree,
	}
	if cfg.Protocol == failover.ISC {
		ps.Protocol = config.ProtocolISC
	}
	ps.Skewed = apart(e.Skew, cfg.MaxSkew)
	if t := r.terms.OwnShareFrom; t.After(now) {
		ps.OwnShareFrom = At(t)
	}
	if t := r.terms.PartnerShareFrom; !t.IsZero() {
		ps.PartnerShareFrom = At(t)
	}
	if e.LargestMCLT > e.MCLT && (e.LargestUntil.IsZero() || e.LargestUntil.After(now)) {
		ps.LargestMCLT = int64(e.LargestMCLT / time.Second)
	}
	for i := range e.Conflicts {
		k := &e.Conflicts[i]
		ps.Conflicts = append(ps.Conflicts, BindingConflictStatus{k.Prefix.Addr(), clientText(&k.Kept), clientText(&k.Lost), k.Cause})
	}
	return ps
}

// statusOfConnections fills in what the port of this member saw.
func (n *Node) statusOfConnections(ps *PartnerStatus) {
	c := n.partner.peer.Snapshot()
	ps.Listen = c.Listen
	for _, r := range c.Refused {
		ps.RefusedConnections = append(ps.RefusedConnections, RefusedConnection{r.Reason.String(), r.Reason.Remedy(), r.Count, At(r.Last), r.Detail})
	}
	if c.HasKeys {
		ps.KeysEnd, ps.KeysWarning = At(c.Keys.Ends), c.Keys.Warning
	}
	if ps.Connected {
		return
	}
	ps.Trouble = c.Trouble
	if ps.Trouble == "" {
		ps.Trouble = n.partner.closed
	}
	for _, l := range c.Lines {
		if ps.Trouble == "" && l.Trouble != "" {
			ps.Trouble = l.Trouble
		}
	}
}

// partnerAlarms returns what an operator should know of the relationship.
func partnerAlarms(ps *PartnerStatus) (as []Alarm) {
	raise := func(code, title string, severity Severity, text, remedy string, since Instant) {
		as = append(as, Alarm{Code: code, Title: title, Severity: severity, Text: text, Remedy: remedy, Since: since})
	}
	partner := string(ps.Partner)
	switch ps.State {
	case failover.CommunicationsInterrupted.String(), failover.ResolutionInterrupted.String():
		raise("partner-unreachable", "No connection to "+partner, Warning, cmp.Or(ps.Trouble, ps.Cause)+"; this server answers every client it hears, and gives new ones addresses of its own share",
			"start "+partner+", or mend the network between the two; if it is dead for good: lessor partner-down "+partner, ps.Since)
	case failover.ConflictDone.String():
		if !ps.Connected {
			raise("partner-unreachable", "No connection to "+partner, Warning, cmp.Or(ps.Trouble, ps.Cause)+"; this server does not know yet that the two agree, and answers every client it hears",
				"start "+partner+", or mend the network between the two; if it is dead for good: lessor partner-down "+partner, ps.Since)
		}
	case failover.RecoverDone.String():
		if !ps.Connected { // else it lasts for a moment
			raise("not-serving", "New clients are not answered here", Critical, cmp.Or(ps.Waiting, ps.Cause)+"; there is no connection to it",
				"start "+partner+", or mend the network between the two; if it is dead for good: lessor partner-down "+partner, ps.Since)
		}
	case failover.PartnerDown.String():
		raise("partner-down", partner+" is declared down", Warning, "this server answers alone: "+ps.Cause,
			"bring "+partner+" back when it can serve: it recovers by itself", ps.Since)
	case failover.Recover.String(), failover.RecoverWait.String(), failover.PotentialConflict.String():
		raise("not-serving", "Clients are not answered here", Critical, cmp.Or(ps.Waiting, ps.Cause), "see the text; lessor status --watch shows when it ends", ps.Since)
	case failover.Paused.String():
		raise("paused", "Paused by the operator", Warning, "clients are left to "+partner, "lessor maintenance off", ps.Since)
	}
	if ps.PartnerSilent {
		raise("partner-silent", partner+" does not answer its clients", Critical, "clients that are "+partner+"'s by load balancing ask in vain, and are answered here",
			"look at "+partner+"'s network towards the clients", Instant{})
	}
	if len(ps.Conflicts) > 0 {
		raise("address-conflict", "Addresses that two clients may hold", Critical, ps.Conflicts[len(ps.Conflicts)-1].Address.String()+": "+ps.Conflicts[len(ps.Conflicts)-1].Cause,
			"lessor status names them; have the client that lost ask again", Instant{})
	}
	switch differs := firstOf(ps.Differs, 12); {
	case strings.Contains(differs, historyPart):
		raise("config-unrelated", "The two members belong to two groups", Critical, "their configurations have no version in common: "+differs,
			"one of the two must begin anew: stop it, move its data directory away, and have it join the other's group", Instant{})
	case ps.Disagree:
		raise("config-differs", "The two servers refuse each other", Critical, "their configurations differ in what both must agree on: "+differs, "make the two files equal there, and reload both", Instant{})
	case differs != "":
		raise("config-differs", "The configurations of the two servers differ", Warning, differs, "make the two files the same, and reload both", Instant{})
	}
	if ps.Skewed {
		raise("clock-skew", "The clocks of the two servers differ", Warning, fmt.Sprintf("this server's clock is %+.0f s ahead of %s's; leases are granted for no longer than the MCLT meanwhile", ps.Skew, partner),
			"set the clock that is wrong, have NTP keep both (timedatectl, chronyc tracking), and restart lessor there: it looks at the clock at its start only", Instant{})
	}
	if ps.KeysWarning != "" {
		raise("keys", "This member's certificate", Warning, ps.KeysWarning, "docs/members.md, Renewing", Instant{})
	}
	return as
}

// apart reports whether two clocks differ by more than they may; where that is 0, they may differ at will.
func apart(skew, most time.Duration) bool { return most > 0 && skew.Abs() > most }

// firstOf returns the first n on one line, and how many more there are.
func firstOf(all []string, n int) string {
	if more := len(all) - n; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:n], ", "), more)
	}
	return strings.Join(all, ", ")
}
