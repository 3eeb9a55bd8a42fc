package metrics

import (
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
)

var (
	state        = gauge("lessor_failover_state", "1 for the state that this server is in towards its partner, 0 for every other one.", "partner", "state")
	partnerState = gauge("lessor_failover_partner_state", "1 for the state that the partner said last that it is in, 0 for every other one.", "partner", "state")
	stateSince   = gauge("lessor_failover_state_since_timestamp_seconds", "Since when this server is in its state.", "partner")
	connected    = gauge("lessor_failover_connected", "Whether the two servers are connected.", "partner")
	unacked      = gauge("lessor_failover_unacked_updates", "Changes that the partner has not acknowledged.", "partner")
	inFlight     = gauge("lessor_failover_in_flight_updates", "Of these, those that were sent and not answered yet.", "partner")
	skew         = gauge("lessor_failover_clock_skew_seconds", "How far this server's clock is ahead of the partner's.", "partner")
	skewError    = gauge("lessor_failover_clock_skew_uncertainty_seconds", "By how much the difference of the clocks may be wrong.", "partner")
	mclt         = gauge("lessor_failover_mclt_seconds", "The maximum client lead time.", "partner")
	silent       = gauge("lessor_failover_partner_silent", "Whether the partner leaves clients unanswered that are its own.", "partner")
	disagree     = gauge("lessor_failover_disagree", "Whether the two configurations differ where safety stands on them, so that the two refuse each other.", "partner")
	conflicts    = gauge("lessor_failover_conflicts", "Addresses that two clients may hold.", "partner")
	rejected     = gauge("lessor_failover_rejected_updates", "Changes that the partner refused and that are offered again.", "partner")
	ignored      = counter("lessor_failover_ignored_messages_total", "Messages of the partner that meant nothing where they came.", "partner")
	refused      = counter("lessor_failover_refused_connections_total", "Connections that were refused at the port for other members.", "partner", "reason")
	keysEnd      = gauge("lessor_certificate_expiry_timestamp_seconds", "When the certificate of this member ends.")

	head         = gauge("lessor_config_info", "The version of the configuration that the server serves by. Always 1.", "head")
	headSince    = gauge("lessor_config_head_timestamp_seconds", "When that version was adopted.")
	reloadFailed = gauge("lessor_config_refused", "Whether the newest reload was refused.")
	versions     = gauge("lessor_config_versions", "Versions in the history of the configuration.")
	headApart    = gauge("lessor_config_heads_differ", "Whether the partner is known to serve by another version.")
	tipWaits     = gauge("lessor_config_waiting", "Whether the newest version is not adopted yet.")
	pending      = gauge("lessor_config_pending_changes", "Changes that safety stands on and that do not hold yet.")
	conflict     = gauge("lessor_config_conflicts", "Keys that both sides changed differently, for a person to decide.")
	fileDiffers  = gauge("lessor_config_file_differs", "Whether this member's file says something else than the newest version.")
	settling     = gauge("lessor_config_settling_addresses", "Addresses whose reservation changes hands, and that nobody new gets yet.")
)

// states are the server states, in the draft's spelling.
var states = func() (all []string) {
	for s := failover.Startup; s.String() != failover.State(0).String(); s++ {
		all = append(all, s.String())
	}
	return all
}()

func (o out) partner(p *node.PartnerStatus) {
	name := string(p.Partner)
	for _, s := range states {
		o.flag(state, s == p.State, name, s)
		o.flag(partnerState, s == p.PartnerState, name, s)
	}
	o.time(stateSince, p.Since, name)
	o.flag(connected, p.Connected, name)
	put(o, unacked, p.Unacked, name)
	put(o, inFlight, p.InFlight, name)
	put(o, skew, p.Skew, name)
	put(o, skewError, p.Uncertain, name)
	put(o, mclt, p.MCLT, name)
	o.flag(silent, p.PartnerSilent, name)
	o.flag(disagree, p.Disagree, name)
	put(o, conflicts, len(p.Conflicts), name)
	put(o, rejected, p.Rejected, name)
	put(o, ignored, p.Ignored, name)
	for _, r := range p.RefusedConnections {
		put(o, refused, r.Count, name, r.Reason)
	}
	o.time(keysEnd, p.KeysEnd)
}

func (o out) config(c *node.ConfigStatus) {
	put(o, head, 1, c.Head)
	o.time(headSince, c.Since)
	o.flag(reloadFailed, c.Refused != "")
	g := c.Group
	if g == nil {
		return
	}
	put(o, versions, g.Versions)
	o.flag(headApart, g.PartnerHead != "" && g.PartnerHead != g.Head)
	o.flag(tipWaits, g.Waits != "")
	put(o, pending, len(g.Pending))
	keys := 0
	if g.Conflict != nil {
		keys = max(len(g.Conflict.Conflicts), 1)
	}
	put(o, conflict, keys)
	o.flag(fileDiffers, g.FileDiffers)
	n := 0
	if g.Settling != nil {
		n = g.Settling.Count
	}
	put(o, settling, n)
}
