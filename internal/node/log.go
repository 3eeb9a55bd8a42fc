package node

import (
	"context"
	"log/slog"
	"time"
)

// logRate is how many single leases are logged a second, at most: beyond that nobody reads them, and they would cost
// more than the leases themselves.
const logRate = 100

// listenForLog returns what the log is to hear.
func (n *Node) listenForLog(ctx context.Context) (<-chan Event, error) {
	level := slog.LevelWarn
	if n.log.Enabled(ctx, slog.LevelInfo) {
		level = slog.LevelInfo
	}
	return n.hub.listen(ctx, EventFilter{Level: level}, level == slog.LevelInfo)
}

// logAll writes events to the log, until there are no more.
func (n *Node) logAll(ctx context.Context, events <-chan Event) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	leases := 0
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			if e.Kind.isLease() {
				if leases++; leases == logRate {
					n.hub.sparing.Store(true)
					n.log.Info("too many leases to log each: see status for counts", "logged_a_second", logRate)
				}
				if leases > logRate {
					continue
				}
			}
			n.logEvent(ctx, &e)
		case <-second.C:
			leases = 0
			n.hub.breathe()
		}
	}
}

func (k EventKind) isLease() bool {
	switch k {
	case LeaseGranted, LeaseRenewed, LeaseReleased, LeaseEnded, LeaseRefused:
		return true
	}
	return false
}

// logEvent writes one line.
func (n *Node) logEvent(ctx context.Context, e *Event) {
	as := make([]slog.Attr, 0, 10)
	text := func(key, value string) {
		if value != "" {
			as = append(as, slog.String(key, value))
		}
	}
	if e.Address.IsValid() {
		text("addr", e.Address.String())
	}
	text("client", e.Hardware)
	text("client_id", e.ClientID)
	text("hostname", e.Hostname)
	text("network", e.Network)
	text("class", e.Class)
	text("partner", string(e.Partner))
	text("state", e.State)
	text("interface", e.Interface)
	if e.Relay.IsValid() {
		text("relay", e.Relay.String())
	}
	text("reason", e.Reason)
	if !e.Expires.IsZero() {
		text("expires", e.Expires.Format(time.RFC3339))
	}
	text("detail", e.Detail)
	if e.Lost > 0 {
		as = append(as, slog.Uint64("lost", e.Lost))
	}
	n.log.LogAttrs(ctx, e.Level, e.Message, as...)
}
