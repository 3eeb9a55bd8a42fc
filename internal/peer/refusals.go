package peer

import (
	"net/netip"
	"sync"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Refused is how often something was refused for one reason, and the last time of them.
type Refused struct {
	Reason  Reason
	Count   uint64
	Last    time.Time
	Remote  netip.AddrPort
	Member  binding.Member // empty: not known
	Inbound bool
	Detail  string
}

// refused counts what was refused. The zero value is ready.
type refused struct {
	mu  sync.Mutex // guards all
	all [reasons]Refused
}

func (c *refused) count(r *Refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.all[r.Reason].Count + 1
	c.all[r.Reason] = Refused{r.Reason, n, time.Now(), r.Remote, r.Member, r.Inbound, r.Detail}
}

// snapshot returns what was refused at all.
func (c *refused) snapshot() (all []Refused) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.all {
		if r.Count > 0 {
			all = append(all, r)
		}
	}
	return all
}
