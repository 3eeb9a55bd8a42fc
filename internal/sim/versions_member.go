package sim

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// openFirst opens the store of a process that begins.
func (m *Member) openFirst() (*binding.Table, store.Recovery, error) {
	if m.keep != nil {
		return m.open(nil)
	}
	return m.open(m.policyOf(m.serving))
}

// beginVersions takes what the file says; false if the process has to try again.
func (m *Member) beginVersions() bool {
	if m.keep == nil {
		return true
	}
	if err := m.keep.begin(); err != nil {
		m.w.marks.hit(MarkOpenFailed)
		m.w.logf("%s: its versions: %v", m.name, err)
		_ = m.store.Close()
		m.later(time.Second, m.begin)
		return false
	}
	return true
}

// beginHead has a new core know by what it serves (node.Node.beginServing); false if there is nothing yet.
func (m *Member) beginHead() bool {
	if m.keep == nil {
		return true
	}
	m.core.Handle(m.clk.now(), node.Descent{Versions: node.DescentOf(m.keep.history, m.keep.machine.State)}, &m.cur.effects)
	h := &m.keep.heads
	if h.policy == nil {
		m.core.BeginHeadless()
		return false
	}
	if h.agreedPolicy != nil || h.settled != h.agreed {
		m.core.Handle(m.clk.now(), node.Adopt{Policy: h.policy, Agreed: h.agreedPolicy, Unsettled: h.unsettled}, &m.cur.effects)
	}
	m.core.Handle(m.clk.now(), node.Changing{On: h.changes}, &m.cur.effects)
	return true
}

// noteDeclared has the keeper know whether this server has declared the link to the other one lost.
func (m *Member) noteDeclared() {
	if m.keep == nil || m.core == nil {
		return
	}
	m.keep.declare()
	m.keep.clears()
	if m.core.Sweeping() && !m.sweeps { // when there is time
		m.sweeps = true
		m.later(time.Millisecond, func() {
			m.sweeps = false
			m.handle(node.Sweep{})
		})
	}
	if m.w.now >= m.auditAt {
		m.auditAt = m.w.now + 20*time.Minute
		m.auditStale()
	}
}
