package node

import (
	"fmt"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// stoodStill notices that this server did nothing for so long that the other one must take it for lost: its process was
// stopped, or its machine was. What it knew of the other server is then as old as after a start, and so it begins as after one:
// silent, until it hears the other's word or knows that there is none to hear. One without room on its disk, which does nothing either,
// notices when there is room. It reports whether it began anew.
func (c *Core) stoodStill(now time.Time, out *Effects) bool {
	r := c.relation
	due := r.wake
	if !r.overdue.IsZero() {
		due = r.overdue
	}
	late := now.Sub(due)
	switch {
	case r.wake.IsZero() || r.config.Without&failover.RuleStandstill != 0:
		return false
	case late <= r.config.ReceiveTimer:
		if !c.terms.Commit {
			r.wake = now
		}
		return false
	case !c.terms.Commit:
		r.overdue = due // also if it is asked something before there is room
		return false
	}
	cause := fmt.Sprintf("this server stood still for %v: it begins anew", late.Round(time.Second))
	c.relate(now, failover.LinkDown{Reason: cause}, out)
	out.ClosePartner, out.CloseAfter, out.CloseConnection = cause, c.commit, r.connection
	c.Join(now, r.config, r.record, out)
	return true
}
