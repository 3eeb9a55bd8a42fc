package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What the heap may grow by before the next collection: a fifth of what is live, and 32 MiB at least. The runtime's own rule is as much
// again as is live, for heaps full of pointers; most of this one is leases, in large pieces that a collection need not look into.
const (
	leastSlack = 32 << 20
	slackPart  = 5
	slackEvery = 10 * time.Second
)

// slackPercent returns the runtime's percentage (GOGC) for so many octets that are live.
func slackPercent(live uint64) int {
	if live <= leastSlack {
		return 100
	}
	return max(int(leastSlack*100/live), 100/slackPart)
}

// trimHeap keeps the heap in proportion until ctx is done, unless the environment says how (GOGC, GOMEMLIMIT).
func trimHeap(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	percent := 100
	for tick := time.NewTicker(slackEvery); ; {
		metrics.Read(live)
		if to := slackPercent(live[0].Value.Uint64()); to != percent {
			debug.SetGCPercent(to)
			percent = to
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}
