package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// heal ends all faults, and sees that everything comes to rest (I18), and both servers know the same (I6).
func (w *World) heal() {
	if w.failed != "" {
		return
	}
	w.calm = true
	w.logf("calm")
	w.ambush = nil
	w.lan.up, w.lan.down = [2][2]int{}, [2][2]int{}
	w.unsplit()
	for _, m := range w.members {
		m.faults = diskFaults{}
		m.empty()
		m.clk.thawed()
		if m.frozen {
			m.thaw()
		}
		m.goOn()
		if !m.up {
			w.after(time.Second, func() { w.restart(m) })
		}
		m.adopt(0)
	}
	if w.set.Outside {
		w.rightClocks()
	}
	w.link.heals()
	for range 12 {
		w.after(time.Minute, w.link.attempt)
	}
	w.oneHead() // while a conflict is open, what is in a range of one side only is told to nobody
	w.rest()
	w.agree()
}

// had reports whether a decision of these kinds is in the plan.
func (w *World) had(of ...Kind) bool {
	return slices.ContainsFunc(w.plan.Actions, func(a Action) bool { return slices.Contains(of, a.Kind) })
}

// rightClocks puts clocks right that were off by more than they may be, and begins their servers anew: a process counts time from its
// start on.
func (w *World) rightClocks() {
	for _, m := range w.members {
		c := m.clk
		c.mono, c.since, c.offset = w.now, w.now, 0
		if m.up {
			w.link.reset(m)
			m.crash(1)
			w.oracle.crashed(m)
			w.after(time.Second, func() { w.restart(m) })
		}
	}
}

// longestWait is how long the waits take that rules ask for, after a recovery at the worst.
func (w *World) longestWait() time.Duration {
	wait := 4*w.largestMCLT() + 2*w.members[0].relation.Guard + w.set.ReceiveTimer + w.set.Startup + 30*time.Minute
	if w.set.Outside { // clocks that were wrong by hours made leases that end late, and their ends are not believed before
		wait += 2*max(w.set.Longest, w.set.Lease, 24*time.Hour) + 6*time.Hour
	}
	return wait
}

// rest waits until both are in NORMAL and have nothing more to tell.
func (w *World) rest() {
	deadline := w.now + w.longestWait()
	for w.failed == "" {
		w.runUntil(w.now + 10*time.Second)
		why := w.unrest()
		if why == "" {
			return
		}
		if w.now > deadline && w.set.Outside && w.had(ClockStep, Hang) {
			return // a server's clock does not go back behind its store, so that they stay apart for long
		}
		if w.now > deadline {
			w.fail("I18: %v after the last fault: %s", w.longestWait(), why)
		}
	}
}

// unrest returns why the two are not at rest; empty if they are.
func (w *World) unrest() string {
	for _, m := range w.members {
		if !m.serves() || m.core.Endpoint() == nil {
			return string(m.name) + " does not run"
		}
		s := m.core.Endpoint().Status(m.clk.now())
		if s.State != failover.Normal || s.Unacked > 0 || s.InFlight > 0 {
			return fmt.Sprintf("%s is in %v since %v, with %d changes to tell, %d in flight: %s", m.name, s.State, s.Since.Sub(epoch), s.Unacked, s.InFlight, s.Cause)
		}
		if m.busy != nil {
			return string(m.name) + " is writing"
		}
	}
	return ""
}

// agree sees to I6: without traffic, both know the same before long.
func (w *World) agree() {
	if w.failed != "" {
		return
	}
	for _, c := range w.clients {
		c.switchOff()
	}
	w.runUntil(w.now + 20*time.Second)
	w.rest()
	if w.failed != "" {
		return
	}
	if w.unrest() != "" {
		return // outside of the assumptions
	}
	a, b := w.members[0], w.members[1]
	for i := range addresses {
		if !w.compared(i) {
			continue
		}
		addr := addressOf(i)
		told := a.knowsResult(addr) && b.knowsResult(addr)
		if x, y := digest(a, addr, told), digest(b, addr, told); x != y {
			w.fail("I6: %v differs: %s knows %s, %s knows %s", addr, a.name, x, b.name, y)
			return
		}
	}
	for _, d := range w.ledger.unnamed() {
		if w.had(ClockStep, Hang, Wipe, Rollback, Rot) {
			break // counted: who had it when, a wrong clock or a lost disk may have taken away (docs/simulator.md)
		}
		w.fail("I1, outside: %v was held by %v and by %v %v ago, and no server says so", d.addr, &d.before, &d.after, w.now-d.at)
	}
	for _, m := range w.members {
		for range 1000 { // tables are small: it ends at once
			m.core.Handle(m.clk.now(), node.Sweep{}, &m.cur.effects)
		}
		if err := m.core.Audit(); err != nil {
			w.fail("I15: %s: %v", m.name, err)
		}
	}
}

// digest is what both must know of an address. That a lease has ended only the primary says, and it is told when it is free.
func digest(m *Member, a netip.Addr, told bool) string {
	b := m.bindingOf(a)
	if b == nil {
		return "unused"
	}
	state := b.State
	if state == binding.Expired || state == binding.Released {
		state = binding.Active
	}
	s := fmt.Sprintf("%v %s", state, b.Owner)
	if state == binding.Active {
		s += fmt.Sprintf(" %v home %s version %v", &b.Client, b.Home, b.Version)
		if told && b.Result != nil {
			s += fmt.Sprintf(" result %v", b.Result.Digest())
		}
	}
	return s
}

// knowsResult reports whether a server knows what the client of an address was told, or ought to: a lease whose result rotted has none until
// its client renews (docs/simulator.md).
func (m *Member) knowsResult(a netip.Addr) bool {
	b := m.bindingOf(a)
	return b == nil || b.Result != nil || !m.rotten
}
