package node

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// recovery is what the newest start found in the store.
type recovery struct {
	status   RecoveryStatus
	tail     string
	withheld int
	unknown  uint64
}

// maxNamed is how many damaged records are named one by one.
const maxNamed = 100

// maxLogged is how many of them get a line of their own in the log.
const maxLogged = 10

func (r *recovery) note(rec *store.Recovery, bindings int, took time.Duration) {
	r.status = RecoveryStatus{Bindings: bindings, CutBytes: rec.Tail.Bytes, DamagedCount: len(rec.Damaged), Seconds: took.Seconds()}
	for i := range min(len(rec.Damaged), maxNamed) {
		r.status.Damaged = append(r.status.Damaged, rec.Damaged[i].String())
	}
	r.withheld, r.unknown = len(rec.Quarantine()), rec.Unknown
	if rec.Tail.Bytes > 0 {
		r.tail = rec.Tail.String()
	}
}

func (r *recovery) log(l *slog.Logger) {
	l.Info("store read", "bindings", r.status.Bindings, "seconds", fmt.Sprintf("%.3f", r.status.Seconds))
	if r.tail != "" {
		l.Warn("the end of the journal was cut: a commit was interrupted, and nobody was told of it", "tail", r.tail)
	}
	for _, d := range r.status.Damaged[:min(len(r.status.Damaged), maxLogged)] {
		l.Error("the store is damaged", "where", d)
	}
	if r.status.DamagedCount > 0 {
		l.Error("the store is damaged: the server goes on with what can be read", "places", r.status.DamagedCount,
			"remedy", "look at the disk; lessor check-store names every place")
	}
	if r.withheld > 0 {
		l.Error("addresses whose newest record was lost are withheld", "addresses", r.withheld)
	}
}

// withhold commits, for every address whose newest record was lost, that it is given to nobody until whoever may hold
// it has lost it. It returns the number of the last commit.
func (n *Node) withhold(st *store.Store, t *binding.Table, rec *store.Recovery, p *policy.Policy) (uint64, error) {
	if rec.Unknown > 0 && !n.cfg.AcceptLostRecords && !n.asksPartner(st) {
		return 0, fmt.Errorf("%d records were lost of which not even the address can be read: any address may be held by a "+
			"client that is not known.\n`lessor check-store %s` shows where. Restore the directory from a backup that is "+
			"newer than the damage; or start once with --accept-lost-records after the longest lifetime has passed",
			rec.Unknown, n.cfg.Document.Server.Data)
	}
	if rec.Unknown > 0 {
		if err := acceptLoss(st, t); err != nil {
			return 0, err
		}
	}
	lost := rec.Quarantine()
	if len(lost) == 0 {
		return rec.Commit, nil
	}
	commit := rec.Commit + 1
	until := binding.Expiry(n.clock.now(), longest(p)+binding.Guard(p.LongestLifetime()))
	batch := st.Begin()
	batch.At(n.clock.now())
	for _, prefix := range lost {
		b := damaged(t, prefix, n.clock.now(), until)
		t.Put(b, until)
		batch.Put(commit, &b)
	}
	if err := st.Commit(batch); err != nil {
		return 0, fmt.Errorf("withholding damaged addresses: %w", err)
	}
	return commit, nil
}

// acceptLoss makes what could be read the whole of the store: a snapshot takes the place of the damaged journal, so that
// the next start does not ask again.
func acceptLoss(st *store.Store, t *binding.Table) error {
	sn, err := st.BeginSnapshot(t)
	for done := false; err == nil && !done; {
		if done, err = sn.Step(snapshotStride); !done {
			st.Work()
		}
	}
	if err == nil {
		err = st.AcceptLoss()
	}
	if err != nil {
		return fmt.Errorf("accepting the loss of records: %w", err)
	}
	return nil
}

func damaged(t *binding.Table, p netip.Prefix, now, until time.Time) binding.Binding {
	b, ok := t.Get(p)
	if !ok {
		b = binding.Binding{Prefix: p}
	}
	b.State, b.Cause, b.Changed, b.Expires, b.Owner = binding.Abandoned, binding.RecordDamaged, now.Truncate(time.Second), until, ""
	return b
}

// longest returns the longest lifetime that anybody may have been given, or a day where that has no end.
func longest(p *policy.Policy) time.Duration {
	if d := p.LongestLifetime(); d != binding.Infinite {
		return d
	}
	return policy.MaxLifetime
}
