package failover

import (
	"net/netip"
	"time"
)

// takeRole puts the configured role in force. Where it is another than before, this server goes on owning what it owned, whatever the
// other one knows of the change: the two are started again one after the other. It does not know what the other one did in the
// role that is its own now, so that the two first tell each other everything (POTENTIAL-CONFLICT), and what the other one
// acknowledged before takes back none of its promises.
func (e *Endpoint) takeRole(now time.Time) {
	r := &e.rec
	was := r.Role
	if r.Role = e.cfg.Role; was == 0 || was == r.Role {
		return
	}
	r.Shares, r.Forgotten = r.Shares.others(), now
	switch r.State {
	case Normal, CommunicationsInterrupted, ConflictDone, ResolutionInterrupted:
		r.State, r.Since, r.Cause = PotentialConflict, now, "this server is the "+r.Role.String()+" from now on"
	case Startup, PartnerDown, PotentialConflict, Recover, Paused, Shutdown, RecoverDone, RecoverWait:
	}
}

// others returns all IPv4 addresses that are not in the set.
func (s runs) others() runs {
	all := Run{netip.AddrFrom4([4]byte{}), netip.AddrFrom4([4]byte{255, 255, 255, 255})}
	rest := runs{}
	s.each(all, func(part Run, in bool) bool {
		if !in {
			rest = append(rest, part)
		}
		return true
	})
	return rest
}
