package metrics

import "github.com/lessor-dhcp/lessor/internal/node"

var (
	storeState    = gauge("lessor_store_state", "1 for the state of the store, 0 for every other one: open, stalled, full, failed.", "state")
	lastCommit    = gauge("lessor_store_commit", "The number of the last durable commit. It goes on over restarts.")
	syncs         = counter("lessor_store_syncs_total", "Commits that were made durable.")
	journal       = gauge("lessor_store_journal_bytes", "What a restart would read behind the snapshot.")
	segments      = gauge("lessor_store_segments", "Segments of the journal that are needed.")
	snapshotAt    = gauge("lessor_store_snapshot_timestamp_seconds", "When the newest snapshot was finished.")
	snapshotBytes = gauge("lessor_store_snapshot_bytes", "Size of the newest snapshot.")
	damaged       = gauge("lessor_store_damaged_records", "Places of the store that the newest start could not read.")
	recovery      = gauge("lessor_store_recovery_seconds", "How long the newest start took to read the store.")
)

func (o out) store(s *node.StoreStatus) {
	for _, name := range []string{"open", "stalled", "full", "failed"} {
		o.flag(storeState, s.State == name, name)
	}
	put(o, lastCommit, s.Commits)
	put(o, syncs, s.Syncs)
	put(o, journal, s.JournalBytes)
	put(o, segments, s.Segments)
	o.time(snapshotAt, s.Snapshot)
	put(o, snapshotBytes, s.SnapshotBytes)
	put(o, damaged, s.Recovered.DamagedCount)
	put(o, recovery, s.Recovered.Seconds)
}
