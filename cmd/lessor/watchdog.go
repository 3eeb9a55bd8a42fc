package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// watchdog tells systemd that the server lives, until ctx is done, where systemd wants to hear that (WatchdogSec=).
func watchdog(ctx context.Context, alive func(context.Context) error, log *slog.Logger) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("what systemd says of its watchdog cannot be read", "error", err)
	}
	if every > 0 {
		tellAlive(ctx, every/3, alive, func() { notify(daemon.SdNotifyWatchdog, log) }, log)
	}
}

// tellAlive calls tell every period in which alive has answered with nil, until ctx is done. An answer that takes longer than the period is none:
// by the third the process is ended, with the stacks of all its goroutines in the journal, and started again.
func tellAlive(ctx context.Context, period time.Duration, alive func(context.Context) error, tell func(), log *slog.Logger) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked, cancel := context.WithTimeout(ctx, period)
		err := alive(asked)
		cancel()
		switch {
		case err == nil:
			tell()
		case ctx.Err() == nil:
			log.Error("nothing is decided any more; systemd is not told that the server lives", "for", period, "error", err)
		}
	}
}
