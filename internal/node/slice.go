package node

import (
	"context"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// slice is some of the leases at one moment, copied between two batches of packets, to be looked at while the server goes on.
type slice struct {
	policy   *policy.Policy // that was served by
	agreed   *policy.Policy // as far as both members had agreed (Adopt)
	bindings []binding.Binding
	since    []time.Time // since when each is stale; the zero time where the ledger does not have it
	octets   []byte      // of the bindings
}

func (s *slice) reset() { s.bindings, s.since, s.octets = s.bindings[:0], s.since[:0], s.octets[:0] }

// add copies b. What it shares with others never changes.
func (s *slice) add(b *binding.Binding, since time.Time) {
	c := *b
	c.Client.ID, c.Facts.Own, c.Past = s.keep(b.Client.ID), s.keep(b.Facts.Own), nil
	s.bindings, s.since = append(s.bindings, c), append(s.since, since)
}

func (s *slice) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	at := len(s.octets)
	s.octets = append(s.octets, b...) // where it moves, earlier copies stay where they are
	return s.octets[at:len(s.octets):len(s.octets)]
}

// eachLease calls each with all leases, some at a time. A lease that exists throughout is among them exactly once. progress, if
// not nil, is told of how many records, of how many that there are.
func (n *Node) eachLease(ctx context.Context, progress func(done, total int), each func(*slice) error) error {
	var s slice
	looked, total := 0, 0
	for next, done := uint64(0), false; !done; {
		s.reset()
		err := n.do(ctx, func(*Effects) {
			s.policy, s.agreed, total = n.core.policy, n.core.responder.Agreed, n.core.table.Len()
			next, done = n.core.table.Scan(next, listStride, func(b *binding.Binding) bool {
				if looked++; b.State == binding.Active {
					s.add(b, n.core.ledger.staleSince(b.Prefix))
				}
				return true
			})
		})
		if err != nil {
			return err
		}
		if err := each(&s); err != nil {
			return err
		}
		if progress != nil {
			progress(min(looked, total), total)
		}
	}
	return nil
}

// eachStale calls each with all leases that the ledger has as stale, some at a time.
func (n *Node) eachStale(ctx context.Context, each func(*slice) error) error {
	var s slice
	for next, done := uint64(0), false; !done; {
		s.reset()
		err := n.do(ctx, func(*Effects) {
			s.policy, s.agreed = n.core.policy, n.core.responder.Agreed
			next, done = n.core.ledger.book.Scan(next, listStride, func(e ledger.Entry) {
				if b, ok := n.core.table.Get(e.Prefix); ok {
					s.add(&b, e.Since)
				}
			})
		})
		if err != nil {
			return err
		}
		if err := each(&s); err != nil {
			return err
		}
	}
	return nil
}

// staleSince returns since when p's client is stale, as far as the ledger knows: one that it will come to is so since the policy
// is served by.
func (s *staleness) staleSince(p netip.Prefix) time.Time {
	if e, ok := s.book.Get(p); ok && e.Cause != 0 {
		return e.Since
	}
	return s.since
}
