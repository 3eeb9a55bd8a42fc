package node

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// Dismiss says whether the configuration has the other member in it no more, and that its operator has declared it down: when nobody
// can hold any more what it may have given away, what it had is this server's.
type Dismiss struct{ On bool }

func (Dismiss) input() {}

// dismissal is the other member being taken out of the group. The zero value: it is not.
type dismissal struct {
	on   bool
	scan uint64
	// begun says that bindings are being made those of a server alone: the other member is not heard any more then. ended says that
	// all of them are, and that the relationship ended in the commit of that number.
	begun, ended bool
	commit       uint64
	again        time.Time // when some bindings are looked at again; the zero time: there are none
}

// setDismiss begins or ends a dismissal. One that has begun goes on to its end.
func (c *Core) setDismiss(on bool) {
	if d := &c.dismissal; on && !d.on || !on && !d.begun {
		*d = dismissal{on: on}
	}
}

// deaf reports whether the other member is not heard any more, whatever it says: what was its own is being made this server's.
func (c *Core) deaf(now time.Time) bool {
	at, ok := c.nextDismissal()
	return c.dismissal.begun || ok && !now.Before(at)
}

// nextDismissal returns when the dismissal goes on; false if nothing is waited for.
func (c *Core) nextDismissal() (time.Time, bool) {
	d := &c.dismissal
	if !d.on || d.ended || !c.joined() {
		return time.Time{}, false
	}
	if d.begun {
		return d.again, true
	}
	return c.relation.endpoint.DismissFrom()
}

// dismissOn goes on with a dismissal by a bounded part.
func (c *Core) dismissOn(now time.Time, out *Effects) {
	d := &c.dismissal
	if at, ok := c.nextDismissal(); !ok || now.Before(at) {
		return
	}
	if !d.begun || d.scan == 0 {
		d.begun, d.again = true, time.Time{}
	}
	next, done := c.inherit(now, out)
	if d.scan = next; !done {
		return
	}
	if d.scan = 0; !d.again.IsZero() {
		return
	}
	c.relate(now, failover.Dismissed{}, out)
	d.ended, d.commit = true, c.commit
}

// inherit makes some bindings those of a server alone.
func (c *Core) inherit(now time.Time, out *Effects) (next uint64, done bool) {
	d, e := &c.dismissal, c.relation.endpoint
	var all []binding.Binding
	next, done = c.table.Scan(d.scan, lapses, func(b *binding.Binding) bool {
		n, changed, until := e.Inherit(now, b)
		if now.Before(until) && (d.again.IsZero() || d.again.Before(until)) {
			d.again = until
		}
		if changed {
			n.Client.ID, n.Facts.Own = out.keep(n.Client.ID), out.keep(n.Facts.Own)
			all = append(all, n)
		}
		return true
	})
	if len(all) > 0 {
		c.commit++
	}
	for i := range all {
		c.apply(&responder.Change{Binding: all[i], Due: e.Due(&all[i])}, out)
		c.rejudge(now, &all[i])
	}
	return next, done
}
