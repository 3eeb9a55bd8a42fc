package node

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// noteEvent is a note about the two servers as an event for operators.
func noteEvent(now time.Time, n *failover.Note, partner binding.Member) Event {
	e := Event{Time: At(now), Kind: FailoverState, Level: slog.LevelInfo, Partner: partner, Detail: n.Cause}
	switch n.Kind {
	case failover.StateChanged:
		e.State, e.Message = n.To.String(), fmt.Sprintf("failover: %v -> %v", n.From, n.To)
		if troubled(n.To) {
			e.Level = slog.LevelWarn
		}
	case failover.PartnerChanged:
		e.Kind, e.State, e.Message = PartnerState, n.To.String(), fmt.Sprintf("failover: the partner went from %v to %v", n.From, n.To)
	case failover.LinkOpened:
		e.Kind, e.Message = PartnerLink, "failover: the partner was greeted"
	case failover.LinkClosed:
		e.Kind, e.Level, e.Message = PartnerLink, slog.LevelWarn, "failover: the connection to the partner ended"
	case failover.ConflictFound:
		e.Kind, e.Level, e.Message = BindingConflict, slog.LevelError, "failover: two clients may hold one address"
		e.Hardware, e.ClientID = n.Kept.Hardware.String(), binding.FormatClientID(n.Kept.ID)
		e.Detail = fmt.Sprintf("%s: between %s, who comes first, and %s", n.Cause, clientText(&n.Kept), clientText(&n.Lost))
	case failover.UpdateRefused:
		e.Kind, e.Level, e.Message = UpdateRefused, slog.LevelWarn, "failover: a binding update was refused"
		e.Reason = fmt.Sprint(uint8(n.Reason))
	case failover.SkewFound:
		e.Kind, e.Level, e.Message = ClockSkew, slog.LevelWarn, "failover: the clocks of the two servers differ"
	case failover.SkewGone:
		e.Kind, e.Message = ClockSkew, "failover: the clocks of the two servers agree again"
	case failover.StoreWentBack:
		e.Kind, e.Level, e.Message = StoreAlarm, slog.LevelError, "failover: a store lacks what it once had"
	case failover.PromisesForgotten:
		e.Kind, e.Level, e.Message = StoreAlarm, slog.LevelError, "failover: what a lost store had promised is not known"
	case failover.ConfigurationDiffers:
		e.Kind, e.Level, e.Message = ConfigDiffers, slog.LevelWarn, "failover: the configurations of the two servers differ"
	case failover.CommandRefused:
		e.Kind, e.Level, e.Message = FailoverState, slog.LevelWarn, "failover: a command was refused"
	case failover.PartnerDismissed:
		e.Message = "failover: the partner is taken out of the group"
	case failover.PartnerSilent:
		e.Kind, e.Level, e.Message = PartnerSilent, slog.LevelWarn, "failover: the partner does not answer the clients that are its own"
	case failover.PartnerHeard:
		e.Kind, e.Message = PartnerSilent, "failover: the partner answers its clients again"
	}
	if n.Prefix.IsValid() {
		e.Address = n.Prefix.Addr()
	}
	return e
}

// troubled reports whether an operator should know of a state when it begins.
func troubled(s failover.State) bool {
	switch s {
	case failover.Normal, failover.Startup, failover.RecoverDone, failover.ConflictDone, failover.Shutdown:
		return false
	case failover.CommunicationsInterrupted, failover.PartnerDown, failover.PotentialConflict, failover.Recover,
		failover.RecoverWait, failover.ResolutionInterrupted, failover.Paused:
	}
	return true
}

// clientText names a client for people.
func clientText(c *binding.Client) string {
	switch {
	case !c.Hardware.IsZero():
		return c.Hardware.String()
	case len(c.ID) > 0:
		return "client " + binding.FormatClientID(c.ID)
	}
	return "a client that is not known"
}
