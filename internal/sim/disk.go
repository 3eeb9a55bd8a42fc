package sim

import (
	"errors"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// load is what was decided since the last commit began: one commit's worth.
type load struct {
	batch   *store.Batch
	effects node.Effects
	encoded int // of effects.Changes
	noted   int // of effects.Notes
	record  *failover.Record
	octets  []byte // of record
	commit  uint64
	at      time.Time // when something was decided last, by the server's clock
	durable bool
	told    bool
}

// diskFaults is what a disk does wrong.
type diskFaults struct {
	slow   time.Duration // how long a sync takes at most, while it is slow
	fails  int           // of the next calls
	unsync bool          // syncs fail: the power is about to go
}

// image is what a disk had at some time.
type image struct {
	at time.Duration
	fs *memfs.FS
}

// images is how many times are kept for a rollback.
const images = 24

// newDisk gives the machine an empty disk.
func (m *Member) newDisk() {
	m.stores++
	m.rotten, m.tailRotten = false, false
	m.past = nil
	m.plug(memfs.New(0))
}

// plug makes fs the disk.
func (m *Member) plug(fs *memfs.FS) {
	fs.Before = m.beforeCall
	m.fs = fs
}

// beforeCall lets a call to the disk fail.
func (m *Member) beforeCall(op memfs.Op) error {
	switch op.Kind {
	case memfs.Datasync, memfs.SyncDir:
		if m.faults.unsync {
			return syscall.EIO
		}
	case memfs.Lock, memfs.Read, memfs.ReadDir:
		return nil
	}
	if m.faults.fails > 0 && chance(m.rng, 300) {
		m.faults.fails--
		m.w.marks.hit(MarkDiskError)
		m.w.logf("%s: %s %s fails", m.name, op.Kind, op.Name)
		return syscall.EIO
	}
	return nil
}

// open opens the store and reads it.
func (m *Member) open(p *policy.Policy) (*binding.Table, store.Recovery, error) {
	id := store.ID{byte(m.i + 1), m.stores}
	st, err := store.Open(store.Config{FS: m.fs, Member: m.name, NewID: id, SegmentSize: 32 << 10, SnapshotAfter: 96 << 10})
	if err != nil {
		return nil, store.Recovery{}, err
	}
	m.store = st
	if p == nil {
		if p, err = m.keep.read(st); err != nil {
			return nil, store.Recovery{}, errors.Join(err, st.Close())
		}
	}
	table := binding.NewTable()
	guard := binding.Guard(p.LongestLifetime())
	rec, err := st.Load(table, func(b *binding.Binding) time.Time { return b.Due(guard) })
	if err != nil {
		return nil, rec, errors.Join(err, st.Close())
	}
	m.store, m.snapshot = st, nil
	return table, rec, nil
}

// fresh prepares l for what is decided next.
func (m *Member) fresh(l *load) *load {
	l.effects.Reset()
	l.batch, l.encoded, l.noted, l.record, l.octets, l.commit = m.store.Begin(), 0, 0, nil, l.octets[:0], 0
	l.durable, l.told, l.at = false, false, time.Time{}
	return l
}

// encode writes what was newly decided into the batch.
func (m *Member) encode() {
	l := m.cur
	if l.encoded < len(l.effects.Changes) || l.effects.Record != l.record {
		l.at = m.clk.now()
		l.batch.At(l.at)
	}
	for ; l.encoded < len(l.effects.Changes); l.encoded++ {
		ch := &l.effects.Changes[l.encoded]
		l.batch.Put(ch.Commit, &ch.Binding)
		l.commit = ch.Commit
		m.w.oracle.changed(m, &ch.Binding)
	}
	if r := l.effects.Record; r != nil && r != l.record {
		l.record, l.octets = r, r.Append(l.octets[:0])
		l.commit = max(l.commit, l.effects.RecordCommit)
		if !m.w.without.ForgetRecord {
			l.batch.PutRelationship(l.commit, l.octets)
		}
		m.w.oracle.decidedRecord(m, r)
	}
	for ; l.noted < len(l.effects.Notes); l.noted++ {
		m.w.noted(m, &l.effects.Notes[l.noted])
	}
}

// kick begins the next commit, where none is under way.
func (m *Member) kick() {
	if m.kicking || m.opening {
		return
	}
	m.kicking = true
	for m.up && m.core != nil && m.busy == nil && !m.cur.effects.Empty() {
		l := m.cur
		m.cur = m.fresh(m.spare)
		m.spare = nil
		m.tellEarly(l)
		if l.batch.Len() == 0 && l.record == nil {
			m.tell(l)
			m.spare = l
			continue
		}
		m.busy = l
		m.w.strike(MomentBegun, m, what{})
		m.later(m.syncTime(), func() { m.commit(l) })
	}
	m.kicking = false
}

// syncTime is how long the next commit takes to be durable.
func (m *Member) syncTime() time.Duration {
	switch {
	case m.w.quiet():
	case m.faults.slow > 0:
		m.w.marks.hit(MarkSlowSync)
		return uniform(m.rng, time.Millisecond, m.faults.slow)
	case chance(m.rng, m.w.set.SlowDisk):
		return uniform(m.rng, 0, 30*time.Second)
	}
	return uniform(m.rng, 200*time.Microsecond, 8*time.Millisecond)
}

// commit makes l durable, and then tells what was decided in it.
func (m *Member) commit(l *load) {
	if m.busy != l {
		return
	}
	if err := m.store.Commit(l.batch); err != nil {
		if m.w.without.TellFailed {
			m.tell(l)
		}
		m.reopen(err)
		return
	}
	l.durable = true
	m.w.oracle.durable(m, l)
	run := m.run
	m.tell(l)
	if m.run != run {
		return
	}
	m.busy, m.spare = nil, l
	m.work()
	m.handle(node.Durable{Commit: l.commit})
	m.w.strike(MomentDurable, m, what{})
}

// tellEarly lets leave what must not yet.
func (m *Member) tellEarly(l *load) {
	r := m.w.without
	if r.AckFirst {
		m.tellClients(l)
	}
	for i := range l.effects.ToPartner {
		if t := &l.effects.ToPartner[i]; r.first(t.Envelope.Message) && m.wire != nil && m.wire.Tell(m.clk.now(), t) == nil {
			t.Connection = 0 // no other has it
		}
	}
}

// tell lets what was decided in a load leave.
func (m *Member) tell(l *load) {
	run := m.run
	if m.tellClients(l); m.run == run {
		m.tellPartner(l)
	}
}

func (m *Member) tellClients(l *load) {
	if l.told {
		return
	}
	l.told = true
	run := m.run
	for i := range l.effects.Replies {
		r := &l.effects.Replies[i]
		m.w.oracle.replied(m, l, r)
		m.w.lan.reply(m, l.effects.Octets(r))
		if m.w.strike(MomentReply, m, what{}); m.run != run {
			return
		}
	}
}

// work does what the store does beside commits.
func (m *Member) work() {
	if m.snapshot == nil && m.store.SnapshotDue(m.clk.now()) {
		if sn, err := m.store.BeginSnapshot(m.core.Table()); err == nil {
			m.snapshot = sn
		}
	}
	if m.snapshot != nil {
		if done, err := m.snapshot.Step(16); done || err != nil {
			m.snapshot = nil
			m.w.marks.hit(MarkSnapshot)
		}
	}
	for range 2 {
		if !m.store.Work() {
			break
		}
	}
	if n := len(m.past); m.w.set.Rollbacks && (n == 0 || m.w.now-m.past[n-1].at > time.Hour) {
		m.past = append(m.past, image{m.w.now, m.fs.Clone()})
		if len(m.past) > images {
			m.past = m.past[1:]
		}
	}
}

// checkRoom tells the core when there is no room for commits any more, or again.
func (m *Member) checkRoom() {
	if m.core == nil || m.opening {
		return
	}
	lost := m.store.Room() != nil
	if lost {
		m.store.Reserve()
		for m.store.Work() {
		}
		lost = m.store.Room() != nil
	}
	if lost == m.full {
		return
	}
	if !lost && !m.w.mayReturn(m) {
		return // it is found a minute later
	}
	m.full = lost
	m.w.logf("%s: room on its disk: %v", m.name, !lost)
	m.w.marks.hit(MarkDiskFull)
	if lost {
		m.drop("there is no room on the disk")
		m.lookForRoom()
	}
	m.handle(node.StoreRoom{Full: lost})
	if !lost && m.waiting != nil {
		m.join(m.waiting)
		m.handle(node.Tick{})
	}
	m.w.link.attempt()
}

// lookForRoom looks once in a while whether there is room again.
func (m *Member) lookForRoom() {
	m.later(time.Minute, func() {
		if m.checkRoom(); m.full {
			m.lookForRoom()
		}
	})
}

// reopen goes on after a failed commit: nothing that was decided on it leaves, and all is read anew.
func (m *Member) reopen(why error) {
	m.w.marks.hit(MarkReopened)
	m.w.logf("%s: %v: the store is opened anew", m.name, why)
	m.core.Handle(m.clk.now(), node.CommitFailed{}, &m.cur.effects)
	if !m.cur.effects.Rebuild {
		m.w.fail("I16: %s does not notice that a commit failed", m.name)
	}
	m.busy, m.opening = nil, true
	m.drop("the store had to be opened anew")
	m.reopenNow()
}

func (m *Member) reopenNow() {
	_ = m.store.Close() // it says why it is dead, which is known
	p := m.policyOf(m.serving)
	table, rec, err := m.open(p)
	if err != nil {
		m.later(time.Second, m.reopenNow)
		return
	}
	m.core.Rebuild(table, rec.Commit)
	m.full, m.opening = false, false
	if m.spare == nil {
		m.spare = &load{}
	}
	m.fresh(m.cur)
	m.w.oracle.started(m, &rec)
	m.recovered = &rec
	if m.core.IsHeadless() {
		m.w.link.attempt()
		return
	}
	if m.checkRoom(); m.full {
		m.waiting = &rec // its first step writes
		return
	}
	m.join(&rec)
	m.handle(node.Tick{})
	m.w.link.attempt()
}

// crash ends the process and returns what the disk has then: of what was not synced a part survives. What was on its way to
// the disk got there in whatever part.
func (m *Member) crash(survival float64) {
	if !m.up {
		return
	}
	if l := m.busy; l != nil && !l.durable {
		switch m.rng.IntN(3) {
		case 0: // not written
		case 1: // written, not synced
			m.faults.unsync = true
			_ = m.store.Commit(l.batch)
			m.faults.unsync = false
			m.w.marks.hit(MarkTorn)
		case 2: // durable, and nobody heard of it
			if m.store.Commit(l.batch) == nil {
				m.w.marks.hit(MarkDurableUntold)
			}
		}
	}
	m.end()
	m.plug(m.fs.Crash(m.rng, survival))
}

// withhold commits that what was lost of the disk is given to nobody (node.Node.withhold). Where not even the addresses are known, what
// could be read is the store from now on, and the other server tells the rest before anybody is answered.
func (m *Member) withhold(t *binding.Table, rec *store.Recovery, p *policy.Policy) (commit uint64, ok bool) {
	if rec.Unknown > 0 {
		m.w.marks.hit(MarkRecordsLost)
		m.w.logf("%s: %d records of unknown addresses were lost", m.name, rec.Unknown)
		if err := m.acceptLoss(t); err != nil {
			m.beginAgain(err)
			return 0, false
		}
	}
	lost := rec.Quarantine()
	if len(lost) == 0 {
		return rec.Commit, true
	}
	m.w.marks.hit(MarkWithheld)
	commit = rec.Commit + 1
	now := m.clk.now()
	until := binding.Expiry(now, p.LongestLifetime()+binding.Guard(p.LongestLifetime()))
	batch := m.store.Begin()
	batch.At(now)
	for _, prefix := range lost {
		b, ok := t.Get(prefix)
		if !ok {
			b = binding.Binding{Prefix: prefix}
		}
		b.State, b.Cause, b.Changed, b.Expires, b.Owner = binding.Abandoned, binding.RecordDamaged, now.Truncate(time.Second), until, ""
		t.Put(b, until)
		batch.Put(commit, &b)
	}
	if err := m.store.Commit(batch); err != nil {
		m.beginAgain(err)
		return 0, false
	}
	return commit, true
}

// acceptLoss makes what could be read the whole of the store (node.acceptLoss).
func (m *Member) acceptLoss(t *binding.Table) error {
	sn, err := m.store.BeginSnapshot(t)
	for done := false; err == nil && !done; {
		if done, err = sn.Step(16); !done {
			m.store.Work()
		}
	}
	if err == nil {
		err = m.store.AcceptLoss()
	}
	return err
}

// beginAgain: the process cannot begin on this store now. It ends, and is begun again.
func (m *Member) beginAgain(why error) {
	m.w.marks.hit(MarkOpenFailed)
	m.w.logf("%s: %v", m.name, why)
	_ = m.store.Close() // it says why it is dead, which is known
	m.later(time.Second, m.begin)
}
