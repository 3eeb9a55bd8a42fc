package sim

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// declareDown has the operator of m say that the other server does not serve: where that is stopped or has stood still for so long that
// it will notice (docs/failover.md), or, wrongly and outside of the assumptions, where it is not.
func (w *World) declareDown(m *Member, wrong bool) {
	o := m.other()
	still := o.frozen && !o.clk.frozen && o.cfg == m.cfg && w.now > o.frozenAt+2*o.relation.ReceiveTimer+time.Second
	if !m.serves() || m.core.Endpoint() == nil || o.up && !still && (!wrong || !w.set.Outside) {
		return
	}
	ask := failover.DeclareDown{}
	if m.core.Endpoint().MayDeclareDown(ask) != nil {
		w.marks.hit(MarkDeclareRefused)
		return
	}
	if o.up && !still {
		w.marks.hit(MarkFalseDown)
		if w.oracle.falseSince == 0 {
			w.oracle.falseSince = w.now
		}
	} else {
		w.marks.hit(MarkDeclaredDown)
	}
	m.handle(&node.Partner{Event: ask})
}

// maintain pauses a server for a while.
func (w *World) maintain(m *Member, d time.Duration) {
	if !m.serves() || m.core.Endpoint() == nil || m.leaving || m.core.Endpoint().State() == failover.Paused || w.mending() {
		return
	}
	w.marks.hit(MarkMaintenance)
	m.handle(&node.Partner{Event: failover.Maintain{On: true}})
	run := m.run
	w.after(d, func() { w.maintained(m, run) })
}

// maintained ends a server's pause; where it was declared down meanwhile, when it can be heard (A2).
func (w *World) maintained(m *Member, run int) {
	switch {
	case m.run != run:
	case !w.mayReturn(m):
		w.after(time.Minute, func() { w.maintained(m, run) })
	default:
		m.awake(run, m.goOn)
	}
}

// goOn ends a pause.
func (m *Member) goOn() {
	if m.core != nil && m.core.Endpoint() != nil && m.core.Endpoint().State() == failover.Paused && !m.leaving {
		m.handle(&node.Partner{Event: failover.Maintain{}})
		m.w.link.attempt()
	}
}

// flushFor is how long a server that is told to end gets to tell the other one everything (node.Run).
const flushFor = 6 * time.Second

// stopInOrder ends the process of a server as SIGTERM does, and begins it again after a while.
func (w *World) stopInOrder(m *Member, d time.Duration) {
	if !m.serves() || m.leaving || w.mending() || !w.set.Outside && !m.other().up || m.core.Endpoint() == nil {
		return
	}
	w.marks.hit(MarkStopped)
	m.leaving = true
	m.handle(&node.Partner{Event: failover.Maintain{On: true}})
	m.later(flushFor, func() {
		if m.busy == nil && m.core != nil {
			_ = m.store.Close()
		}
		w.link.reset(m)
		m.crash(1)
		w.oracle.crashed(m)
		w.logf("%s has ended", m.name)
		w.after(max(d, time.Second), func() { w.restart(m) })
	})
}

// reload gives a configuration to a server, and after a while to the other one.
func (w *World) reload(m *Member, n int, behind time.Duration) {
	n %= variants + 1
	w.marks.hit(MarkReload)
	w.give(m, n)
	w.after(behind, func() { w.give(m.other(), n) })
}

// give gives a configuration to a server: not while one comes back that the files must agree for (A2).
func (w *World) give(m *Member, n int) {
	switch {
	case w.calm:
	case w.mending():
		w.after(time.Minute, func() { w.give(m, n) })
	default:
		m.adopt(n)
	}
}

// adopt makes configuration n the server's.
func (m *Member) adopt(n int) {
	if m.cfg == n || m.keep != nil {
		return
	}
	m.cfg = n
	m.w.logf("%s has configuration %d", m.name, n)
	m.takeOver()
}

// takeOver has the process serve by the configuration of its file: later, if it does not run just now or reads its store. One that
// begins reads the file anyway.
func (m *Member) takeOver() {
	switch {
	case !m.up || m.core == nil || m.serving == m.cfg:
		return
	case m.frozen || m.opening:
		m.later(time.Second, m.takeOver)
		return
	}
	m.serving = m.cfg
	p := m.policyOf(m.serving)
	m.handle(node.Adopt{Policy: p})
	if m.opening || m.core.Endpoint() == nil {
		return
	}
	id, _ := m.store.ID()
	m.relation, _ = node.RelationshipOf(p.Document, p, id, m.w.set.Seed)
	m.relation = m.w.without.relationship(m.relation)
	m.handle(&node.Partner{Event: failover.Reconfigured{Config: m.relation}})
	m.handle(&node.Partner{Event: failover.PoolsChanged{}})
}

// fill leaves no room on the disk.
func (m *Member) fill() {
	used := int64(0)
	for _, name := range m.fs.Files() {
		used += int64(len(m.fs.Content(name)))
	}
	m.fs.SetCapacity(max(used, 1))
}

// empty makes room again.
func (m *Member) empty() { m.fs.SetCapacity(0) }
