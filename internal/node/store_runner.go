package node

import (
	"context"
	"sync"

	"github.com/lessor-dhcp/lessor/internal/store"
)

// storeRunner runs what an open store does beside commits.
type storeRunner struct {
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func newStoreRunner(ctx context.Context, s *store.Store) *storeRunner {
	r := &storeRunner{ctx: ctx}
	r.start(s)
	return r
}

func (r *storeRunner) start(s *store.Store) {
	ctx, cancel := context.WithCancel(r.ctx)
	r.cancel = cancel
	r.running.Go(func() { s.Run(ctx) })
}

// stop returns when Run has.
func (r *storeRunner) stop() {
	r.cancel()
	r.running.Wait()
}

// snapshotStride is how many bindings go into a snapshot between two batches of packets.
const snapshotStride = 2048

// stepSnapshot goes on with the snapshot that is being taken, and begins one when it is due.
func (n *Node) stepSnapshot() {
	if n.snapshot == nil {
		if !n.store.SnapshotDue(n.clock.now()) {
			return
		}
		sn, err := n.store.BeginSnapshot(n.core.Table())
		if err != nil {
			n.log.Error("no snapshot can be taken; the journal goes on", "error", err)
			return
		}
		n.snapshot = sn
	}
	done, err := n.snapshot.Step(snapshotStride)
	if err != nil {
		n.log.Error("the snapshot was given up; the journal goes on", "error", err)
	}
	if done || err != nil {
		n.snapshot = nil
	}
	if done && err == nil {
		n.mu.Lock()
		n.snapshotAt = n.clock.now()
		n.mu.Unlock()
	}
}
