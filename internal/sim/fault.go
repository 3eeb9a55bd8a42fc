package sim

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// carryOut does what a decision says, as far as it makes sense by now and the assumptions let it.
func (w *World) carryOut(a Action) {
	if w.calm || w.failed != "" {
		return
	}
	w.logf("decision: %v", a)
	switch {
	case a.Kind.OfConfig():
		w.configDecision(a)
	case a.Kind.OfClient():
		w.clientDecision(a)
	case a.Kind == Ambush:
		w.ambush = append(w.ambush, a)
	case a.Kind <= LanNoise:
		w.networkFault(a)
	default:
		w.machineFault(a)
	}
}

// networkFault is a fault between machines.
func (w *World) networkFault(a Action) {
	l := &w.link
	switch a.Kind {
	case LinkReset:
		for _, m := range w.members {
			m.awake(m.run, func() { m.drop("reset") })
		}
	case LinkCut:
		w.cutLink(a.N, a.For)
	case LinkSlow:
		l.slow = time.Duration(a.N) * time.Second
		w.after(a.For, func() { l.slow = 0 })
	case LanCut:
		w.cutLan(a.N&1, a.Who, a.N&2 == 0, a.N&4 == 0, a.For)
	case LanSplit:
		if !w.cutLink(3, a.For) {
			return
		}
		w.marks.hit(MarkSplit)
		for i, c := range w.clients {
			c.cut = [2]bool{}
			c.cut[(i/2+a.N)%2] = true
		}
		w.after(a.For, w.unsplit)
	case LanNoise:
		w.lan.noise(a.N)
		w.after(a.For, func() { w.lan.noise(1) })
	}
}

func (w *World) unsplit() {
	for _, c := range w.clients {
		c.cut = [2]bool{}
	}
}

// cutLink lets nothing through between the servers for a while; false if that may not be now.
func (w *World) cutLink(sides int, d time.Duration) bool {
	if w.mending() {
		return false
	}
	l := &w.link
	for side := range l.cut {
		if sides>>side&1 != 0 {
			l.cut[side]++
		}
	}
	if sides == 1 || sides == 2 {
		w.marks.hit(MarkOneWay)
	}
	w.after(d, func() {
		for side := range l.cut {
			if sides>>side&1 != 0 && l.cut[side] > 0 {
				l.cut[side]--
			}
		}
		l.pump()
		l.attempt()
	})
	return true
}

// heals lets everything through between the servers.
func (l *link) heals() {
	l.cut, l.slow = [2]int{}, 0
	l.pump()
	l.attempt()
}

// cutLan keeps the clients of a link from a server for a while.
func (w *World) cutLan(on, server int, up, down bool, d time.Duration) {
	l := &w.lan
	if up {
		l.up[on][server]++
	}
	if down {
		l.down[on][server]++
	}
	w.after(d, func() {
		if up {
			l.up[on][server] = max(l.up[on][server]-1, 0)
		}
		if down {
			l.down[on][server] = max(l.down[on][server]-1, 0)
		}
	})
}

// maxOffset is how far a wall clock is off at most: two that are so, and drift, differ by less than max-skew.
const maxOffset = 11 * time.Second

// machineFault is a fault of one of the servers' machines, or of its operator.
func (w *World) machineFault(a Action) {
	m := w.members[a.Who&1]
	switch a.Kind {
	case Crash, Kill, Wipe, Rollback, Rot:
		w.stopped(m, a)
	case Stop:
		w.stopInOrder(m, a.For)
	case Freeze, Hang:
		w.freeze(m, a)
	case DiskSlow:
		m.faults.slow = time.Duration(a.N) * time.Second
		w.after(a.For, func() { m.faults.slow = 0 })
	case DiskFails:
		m.faults.fails = a.N
	case DiskFull:
		m.fill()
		w.after(a.For, m.empty)
	case ClockStep:
		m.clk.offset += time.Duration(a.N) * time.Millisecond
		if !w.set.Outside {
			m.clk.offset = min(max(m.clk.offset, -maxOffset), maxOffset)
		}
		w.marks.hit(MarkClockStep)
	case PartnerDown:
		w.declareDown(m, a.N == 1)
	case Maintenance:
		w.maintain(m, a.For)
	case Reload:
		w.reload(m, a.N, a.For)
	}
}

// stopped ends the process of a server by a crash, and begins it again after a while.
func (w *World) stopped(m *Member, a Action) {
	o := m.other()
	if !m.up || w.mending() || !w.set.Outside && !o.up {
		return
	}
	loses := a.Kind == Wipe || a.Kind == Rollback || a.Kind == Rot
	if loses && !w.mayLose(m, a.Kind) {
		return
	}
	survival := float64(a.N) / 100
	m.powerless = a.Kind != Kill
	if a.Kind == Kill {
		survival = 1
		w.link.reset(m)
	} else {
		m.conn = nil
	}
	m.crash(survival)
	w.logf("%s: %v", m.name, a.Kind)
	w.oracle.crashed(m)
	switch a.Kind {
	case Wipe:
		m.newDisk()
		if w.oracle.lost(m); w.oracle.met {
			w.oracle.wipedAt[m.i] = w.now
		}
		w.marks.hit(MarkWiped)
	case Rollback:
		if !m.rollBack(a.N) {
			break
		}
		w.oracle.lost(m)
		w.marks.hit(MarkRolledBack)
	case Rot:
		m.rot(a.N)
	}
	if a.Kind == Kill || a.Kind == Crash {
		w.marks.hit(MarkCrash)
	}
	w.after(max(a.For, time.Second), func() { w.restart(m) })
}

// restart begins the process of a server anew. One that was declared down, or whose disk went back, comes back where it is heard
// (A2, I11).
func (w *World) restart(m *Member) {
	if m.up {
		return
	}
	o := m.other()
	if !w.set.Outside && (w.declared(m) || w.oracle.mustHear[m.i]) {
		if o.serves() {
			o.goOn()
		}
		if !o.takes() {
			w.after(time.Minute, func() { w.restart(m) })
			return
		}
		w.link.heals()
		m.cfg = o.cfg // else the two would not speak (A4)
	}
	m.powerless = false
	m.start()
	w.link.pump()
}

// mayReturn reports whether there may be room again on the disk of a server: one that was declared down, and notices only with room that it
// stood still, goes on where it is heard (A2).
func (w *World) mayReturn(m *Member) bool {
	o := m.other()
	if w.set.Outside || !w.declared(m) || !o.up && w.declared(o) { // one that is down, and waits for this one, finds it then
		return true
	}
	if o.full && w.declared(o) && w.oracle.downSince[m.i] > w.oracle.downSince[o.i] {
		return true // the other one waits for room, too, and it was this one that went on alone last
	}
	if o.serves() {
		o.goOn()
	}
	if !o.takes() {
		return false
	}
	w.link.heals()
	return true
}

// declared reports whether the other server has been told that m does not serve.
func (w *World) declared(m *Member) bool { return w.oracle.record[1-m.i].State == failover.PartnerDown }

// mending reports whether a server that was declared down, or whose store lacks something, is coming back: before the two have
// spoken it is not cut off (A2, A6). Outside of the assumptions it may be.
func (w *World) mending() bool {
	if w.set.Outside {
		return false
	}
	for _, m := range w.members {
		if w.declared(m) && (!m.up || m.frozen || m.full || m.starting()) || w.oracle.mustHear[m.i] {
			return true
		}
	}
	return false
}

// starting reports whether a server does not know yet how it stands with the other one.
func (m *Member) starting() bool {
	return m.core == nil || m.core.Endpoint() == nil || m.core.Endpoint().State() == failover.Startup
}

// quiet reports whether nothing is to go wrong between the servers by chance.
func (w *World) quiet() bool { return w.calm || w.mending() }

// freeze stops a process, or its machine, for a while.
func (w *World) freeze(m *Member, a Action) {
	if !m.serves() || w.mending() {
		return
	}
	w.marks.hit(MarkFrozen)
	m.freeze()
	if a.Kind == Hang {
		m.clk.freeze()
	}
	run := m.run
	w.after(a.For, func() {
		if a.Kind == Hang {
			m.clk.thaw()
		}
		w.wake(m, run)
	})
}

// wake lets a process go on that stood still: one that was declared down meanwhile where it is heard (A2).
func (w *World) wake(m *Member, run int) {
	o := m.other()
	switch {
	case m.run != run || !m.frozen:
		return
	case !w.set.Outside && w.declared(m):
		if o.serves() {
			o.goOn()
		}
		if !o.takes() {
			w.after(time.Minute, func() { w.wake(m, run) })
			return
		}
		w.link.heals()
	}
	w.logf("%s wakes", m.name)
	m.thaw()
	w.link.attempt()
}

// clientDecision is what a client does of its own accord.
func (w *World) clientDecision(a Action) {
	if a.Who >= len(w.clients) {
		return
	}
	c := w.clients[a.Who]
	switch a.Kind {
	case ClientOn:
		if !c.alive {
			c.boot(a.N == 1)
		}
	case ClientOff:
		c.switchOff()
	case ClientRelease:
		if c.alive {
			c.release()
		}
	case ClientReboot:
		if c.alive {
			c.boot(a.N == 1)
		}
	case ClientMove:
		if c.alive && c.on != a.N&1 {
			c.on = a.N & 1
			w.marks.hit(MarkMoved)
			c.boot(false)
		}
	case ClientDecline:
		if !c.cloned() {
			c.unwilling = 1
		}
	case ClientInform:
		if c.alive && c.state == bound && c.valid() {
			was := c.asked
			c.newQuestion(askInform)
			c.say()
			_ = was
		}
	}
}
