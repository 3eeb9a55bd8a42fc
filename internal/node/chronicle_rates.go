package node

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// How many steps of Rates are kept.
const (
	keptSeconds = 300
	keptMinutes = 24 * 60
)

// MarshalJSON writes empty lists and maps where there is nothing, never null.
func (r Rates) MarshalJSON() ([]byte, error) {
	type plain Rates
	notNilSlice(&r.Times)
	notNilMap(&r.Received)
	notNilMap(&r.Sent)
	notNilMap(&r.Drops)
	for _, list := range []*[]float64{&r.AnswerP50, &r.AnswerP99, &r.CommitP50, &r.CommitP99} {
		notNilSlice(list)
	}
	notNilSlice(&r.Active)
	notNilSlice(&r.Stale)
	return json.Marshal(plain(r))
}

// reading is what the counters stood at.
type reading struct {
	at              time.Time
	received, sent  [len(Counts{}.Sent)]uint64
	drops           []uint64 // by responder.Reason; the last: malformed, of whatever kind
	answers, commit [mostBounds + 1]uint64
	active, stale   uint32
}

// readings are the newest of many, evenly apart.
type readings struct {
	all    []reading
	oldest int
}

func (r *readings) add(x *reading, most int) {
	if len(r.all) < most {
		r.all = append(r.all, *x)
		return
	}
	r.all[r.oldest] = *x
	r.oldest = (r.oldest + 1) % most
}

func (r *readings) at(i int) *reading { return &r.all[(r.oldest+i)%len(r.all)] }

// chronicle is what a Node keeps of how it did.
type chronicle struct {
	mu               sync.Mutex // guards what follows
	seconds, minutes readings
	pools            poolRecord
}

// keepChronicle reads the counters each second, until ctx is done.
func (n *Node) keepChronicle(ctx context.Context) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for k := 0; n.readCounters(ctx, k%60 == 0) == nil; k++ {
		if k%60 == 0 && n.readPools(ctx) != nil {
			return
		}
		select {
		case <-second.C:
		case <-ctx.Done():
			return
		}
	}
}

// readCounters keeps what the counters stand at.
func (n *Node) readCounters(ctx context.Context, minute bool) error {
	var x reading
	err := n.do(ctx, func(*Effects) { n.core.readCounts(&x) })
	if err != nil {
		return err
	}
	x.at = n.clock.now()
	for i := range n.tallies.answers {
		for j := range x.answers {
			x.answers[j] += n.tallies.answers[i].counts[j].Load()
		}
	}
	for j := range x.commit {
		x.commit[j] = n.tallies.commits.counts[j].Load()
	}
	c := &n.chronicle
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seconds.add(&x, keptSeconds+1)
	if minute {
		c.minutes.add(&x, keptMinutes+1)
	}
	return nil
}

// readCounts reads what the core counts.
func (c *Core) readCounts(x *reading) {
	x.received, x.sent = c.counts.Received, c.counts.Sent
	x.drops = append(append(make([]uint64, 0, len(c.counts.Drops)+1), c.counts.Drops...), 0)
	for _, k := range c.counts.Malformed {
		x.drops[len(x.drops)-1] += k
	}
	x.active = uint32(c.states[binding.Active])
	if s := c.ledger.summary(c.table.Len()); s != nil {
		x.stale = uint32(s.Clients)
	}
}

// Rates implements Chronicler.
func (n *Node) Rates(_ context.Context, span RateSpan) (Rates, error) {
	c := &n.chronicle
	c.mu.Lock()
	defer c.mu.Unlock()
	switch span {
	case Seconds:
		return c.seconds.rates(1), nil
	case Minutes:
		return c.minutes.rates(60), nil
	}
	return Rates{}, refused("rates are of seconds or of minutes")
}

// rates returns what was done between each reading and the one before.
func (r *readings) rates(step int64) Rates {
	out := Rates{Step: step, Received: map[string][]uint32{}, Sent: map[string][]uint32{}, Drops: map[string][]uint32{}}
	steps := len(r.all) - 1
	for i := 1; i <= steps; i++ {
		a, b := r.at(i-1), r.at(i)
		out.Times = append(out.Times, At(b.at))
		out.AnswerP50 = append(out.AnswerP50, quantile(&a.answers, &b.answers, 0.5))
		out.AnswerP99 = append(out.AnswerP99, quantile(&a.answers, &b.answers, 0.99))
		out.CommitP50 = append(out.CommitP50, quantile(&a.commit, &b.commit, 0.5))
		out.CommitP99 = append(out.CommitP99, quantile(&a.commit, &b.commit, 0.99))
		out.Active, out.Stale = append(out.Active, b.active), append(out.Stale, b.stale)
		count := func(into map[string][]uint32, name string, before, now uint64) {
			if now <= before {
				return
			}
			if into[name] == nil {
				into[name] = make([]uint32, steps)
			}
			into[name][i-1] += uint32(min(now-before, 1<<32-1))
		}
		for t := range b.received {
			count(out.Received, typeName(dhcpv4.MessageType(t), false), a.received[t], b.received[t])
			count(out.Sent, typeName(dhcpv4.MessageType(t), true), a.sent[t], b.sent[t])
		}
		for _, why := range responder.Reasons() {
			count(out.Drops, why.String(), a.drops[why], b.drops[why])
		}
		count(out.Drops, "malformed", a.drops[len(a.drops)-1], b.drops[len(b.drops)-1])
	}
	return out
}

// quantile returns below what, in milliseconds, that part of the times was that were counted between two readings; -1 where there were
// none. Within a bucket they count as evenly spread.
func quantile(before, now *[mostBounds + 1]uint64, part float64) float64 {
	total := uint64(0)
	for i := range now {
		total += now[i] - before[i]
	}
	if total == 0 {
		return -1
	}
	left := part * float64(total)
	low := 0.0
	for i := range now {
		if i == len(waits) {
			break
		}
		high, k := float64(waits[i]), float64(now[i]-before[i])
		if k >= left && k > 0 {
			return (low + (high-low)*left/k) / 1e6
		}
		left -= k
		low = high
	}
	return low / 1e6 // longer than any bound
}
