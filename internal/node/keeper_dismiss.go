package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// A member that is gone for good is taken out of the group by a version that does not have it. The server that goes on has declared it
// down before, and serves as in PARTNER-DOWN until nobody can hold any more what the other one may have promised. Then the core makes
// all its own (dismissal.go), the version is what safety stands on, and the server begins anew as one of the members that are left.

// ErrBeginAnew says that Run ended so that the server begins anew, by the configuration that is in force now.
var ErrBeginAnew = errors.New("the server begins anew")

// mayRemove returns why a document that takes the other member out of the group is refused, nil if it is not, or does not.
func (k *keeper) mayRemove(d *config.Document, parent version.ID) error {
	if !k.machine.Removes(d, parent) {
		return nil
	}
	if _, down := k.dismissFrom(); down {
		return nil
	}
	partner := k.machine.Partner
	return &RefusedError{
		Why:    fmt.Sprintf("%s would be a member no more, and it is not declared down: it may be serving", partner),
		Remedy: fmt.Sprintf("leave %s among the members; or, if it is gone for good, stop it, and run lessor partner-down %[1]s before", partner),
	}
}

// dismissFrom returns from when on what was the other member's is this server's; false where the other one is not declared down.
func (k *keeper) dismissFrom() (at time.Time, down bool) {
	if k.n.core == nil { // it does not run yet: the store says how it ended
		b, ok := k.n.store.Relationship()
		if !ok {
			return at, false
		}
		rec, err := failover.DecodeRecord(b)
		return at, err == nil && rec.State == failover.PartnerDown && !rec.Roused
	}
	_ = k.n.do(context.Background(), func(*Effects) {
		if e := k.n.core.Endpoint(); e != nil {
			at, down = e.DismissFrom()
		}
	})
	return at, down
}

// removal says what taking the other member out of the group means; empty if a document does not.
func (k *keeper) removal(d *config.Document, parent version.ID) string {
	if !k.machine.Removes(d, parent) {
		return ""
	}
	at, _ := k.dismissFrom()
	if now := k.n.clock.now(); at.Before(now) {
		at = now
	}
	return fmt.Sprintf("%s is a member no more: from %s on all addresses that were its own are this server's. It must never be started again with the data that it has",
		k.machine.Partner, at.UTC().Format(time.RFC3339))
}

// leaving says that the other member is being taken out; nil: it is not.
func (k *keeper) leaving() *Leaving {
	if k.n.core == nil || !k.machine.Gone() {
		return nil
	}
	l := &Leaving{Member: k.machine.Partner}
	if at, down := k.dismissFrom(); down {
		l.From = At(at)
	}
	return l
}

// noteDismissal has the decider know whether the other member is to be taken out, and goes on when that has happened.
func (k *keeper) noteDismissal(ctx context.Context) {
	if k.n.partner == nil || k.failed != nil {
		return
	}
	if gone := k.machine.Gone(); gone != k.dismissing {
		if err := k.n.doOpen(ctx, func(e *Effects) { k.n.core.Handle(k.n.clock.now(), Dismiss{On: gone}, e) }); err != nil {
			return
		}
		k.dismissing = gone
	}
	if k.dismissed.Load() {
		k.dismiss()
	}
}

// dismiss takes the other member out, now that what was its own is this server's, on the disk.
func (k *keeper) dismiss() {
	partner := k.machine.Partner
	out, err := k.machine.Dismiss()
	if err != nil {
		return // it is a member again by a later version
	}
	if err := k.carryOut(&out); err != nil {
		k.n.log.Error("a member cannot be taken out of the group", "member", partner, "error", err)
		return
	}
	k.event(slog.LevelWarn, fmt.Sprintf("%s is a member no more", partner), "this server begins anew with the members that are left")
	k.n.beginAnew()
}

// dismissedDurably tells the keeper that the core's part is on the disk. It is the decider's, and does not wait.
func (k *keeper) dismissedDurably() {
	if !k.dismissed.Swap(true) {
		k.wakeUp()
	}
}

// wakeUp has the keeper look at what the decider has told it.
func (k *keeper) wakeUp() {
	select {
	case k.nudge <- struct{}{}:
	default: // it has not looked since the last
	}
}
