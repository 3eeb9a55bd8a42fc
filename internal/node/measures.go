package node

import (
	"context"
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// Measurer is what a Reporter also is that measures its work.
type Measurer interface {
	// Measures returns what a program that watches the server wants to know. What it costs does not depend on how many leases
	// there are; of the pools it looks at a few at a time, and packets go on between.
	Measures(ctx context.Context) (Measures, error)
}

// Measures is a server's state of a moment, and what was measured since Status.Started.
type Measures struct {
	Status Status
	// Answers is how long answers took, in seconds, by type in RFC spelling: from when the kernel had the client's message to
	// when it was given the answer, which is behind its commit. Of answers that waited for a conflict probe there is nothing.
	Answers map[string]Histogram
	// Commits is how long it took until a commit was durable, in seconds; Changes how many bindings each had.
	Commits, Changes Histogram
	// Reads is how many messages were read from the sockets at once, Sends how many answers left at once.
	Reads, Sends Histogram
	// EventsLost counts events that readers were too slow for.
	EventsLost uint64
}

// tallies is what a Node measures of its own work. Each is added to in one place, which no two go through at once.
type tallies struct {
	answers [len(Counts{}.Sent)]tally // by type of answer; like what follows from commits on, by carryOut
	commits tally
	changes tally
	sends   tally
	reads   tally // by packets
}

// answered counts how long answers took that left at now.
func (t *tallies) answered(rs []Reply, now time.Time) {
	t.sends.crowd(len(rs))
	at := now.UnixNano()
	for i := range rs {
		if r := &rs[i]; r.Asked != 0 {
			t.answers[min(int(r.Type), len(t.answers)-1)].wait(time.Duration(at - r.Asked))
		}
	}
}

// commitTimed makes a batch of so many changes durable.
func (n *Node) commitTimed(b *store.Batch, changes int) error {
	begun := time.Now()
	if err := n.store.Commit(b); err != nil {
		return err
	}
	n.tallies.commits.wait(time.Since(begun))
	n.tallies.changes.crowd(changes)
	n.synced.Add(1)
	return nil
}

// Measures implements Measurer.
func (n *Node) Measures(ctx context.Context) (Measures, error) {
	st, err := n.Status(ctx)
	if err != nil {
		return Measures{}, err
	}
	if g := n.keeper.published.Load(); g != nil {
		st.Config.Group = g
	}
	t := &n.tallies
	m := Measures{
		Status: st, Answers: map[string]Histogram{}, Commits: t.commits.seconds(), Changes: t.changes.pieces(),
		Reads: t.reads.pieces(), Sends: t.sends.pieces(), EventsLost: n.hub.lost.Load(),
	}
	for i := range t.answers {
		if h := t.answers[i].seconds(); h.Total() > 0 {
			m.Answers[typeName(dhcpv4.MessageType(i), true)] = h
		}
	}
	return m, nil
}

// poolsAtOnce is how many pools are counted before packets come in between.
const poolsAtOnce = 512

// morePools adds the pools of the policy that are not counted yet, up to poolsAtOnce of them; false: that were the last ones. Where the
// policy is not p any more it begins anew. It returns the policy.
func (c *Core) morePools(p *policy.Policy, s *Status) (*policy.Policy, bool) {
	all := c.policy.Pools()
	if p != c.policy || s.Pools == nil {
		s.Pools = make([]PoolStatus, 0, len(all))
	}
	for _, q := range all[len(s.Pools):min(len(s.Pools)+poolsAtOnce, len(all))] {
		s.Pools = append(s.Pools, c.poolStatus(q))
	}
	return c.policy, len(s.Pools) < len(all)
}
