package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// sweepPause is how long packets come first between two steps of a sweep.
const sweepPause = time.Millisecond

// stepSweep looks at some more bindings after the configuration changed, when it is time to.
func (n *Node) stepSweep() {
	if !n.core.Sweeping() {
		return
	}
	if rests := n.core.SweepRests(); n.sweepAt.Before(rests) {
		n.sweepAt = rests
	}
	if now := n.clock.now(); !now.Before(n.sweepAt) {
		n.core.Handle(now, Sweep{}, &n.current.effects)
		n.sweepAt = n.clock.now().Add(sweepPause)
	}
}

// summary counts the ledger.
func (s *staleness) summary(total int) *StaleSummary {
	sum := &StaleSummary{
		Clients: s.book.Stale(), Unknown: s.book.Unknown(), ByCause: map[string]int{},
		Sweeping: s.sweeping, Swept: total, Total: total,
	}
	if s.sweeping {
		sum.Swept = min(s.looked, total)
	}
	for _, c := range ledger.Causes() {
		if k := s.book.Of(c); k > 0 {
			sum.ByCause[c.String()] = k
		}
	}
	if since, ok := s.book.Oldest(); ok {
		sum.SinceOldest = At(since)
	}
	return sum
}

// Stale implements Comparer.
func (n *Node) Stale(ctx context.Context, f StaleFilter, each func(*StaleRow) error) error {
	var cause ledger.Cause
	if f.Cause != "" {
		var ok bool
		if cause, ok = ledger.CauseNamed(f.Cause); !ok {
			return &RefusedError{Why: fmt.Sprintf("%q is no cause", f.Cause), Remedy: fmt.Sprintf("causes are %v", ledger.Causes())}
		}
	}
	l := staleList{node: n, filter: f, cause: cause, each: each}
	sweeping := false
	if err := n.do(ctx, func(*Effects) { sweeping = n.core.Sweeping() }); err != nil {
		return err
	}
	if sweeping { // the ledger is not complete: everything is judged
		return l.ended(n.eachLease(ctx, nil, l.show))
	}
	return l.ended(n.eachStale(ctx, l.show))
}

// staleList is a list of stale clients under way.
type staleList struct {
	node   *Node
	filter StaleFilter
	cause  ledger.Cause // 0: any
	each   func(*StaleRow) error
	judge  ledger.Judge
	shown  int
}

// errEnough ends a walk that has shown what was asked for.
var errEnough = errors.New("enough")

func (l *staleList) ended(err error) error {
	if err == errEnough {
		return nil
	}
	return err
}

// show shows those of a slice that are asked for.
func (l *staleList) show(s *slice) error {
	if !l.judge.Uses(s.policy, s.agreed) {
		l.judge.Use(l.node.self, s.policy, s.agreed)
	}
	for i := range s.bindings {
		b := &s.bindings[i]
		if !l.wants(b) {
			continue
		}
		c := l.judge.Compare(b)
		if c.Standing != ledger.Stale || l.cause != 0 && c.Cause != l.cause {
			continue
		}
		row := staleRow(s.policy, &l.judge, b, &c)
		row.Since = At(s.since[i])
		if err := l.each(row); err != nil {
			return err
		}
		if l.shown++; l.shown == l.filter.Limit {
			return errEnough
		}
	}
	return nil
}

func (l *staleList) wants(b *binding.Binding) bool {
	f := &l.filter
	if f.Address.IsValid() && !contains(f.Address, b.Prefix) {
		return false
	}
	if f.Client.IsZero() {
		return true
	}
	return f.Client.Matches(&b.Client, hostnameOf(b))
}

func hostnameOf(b *binding.Binding) []byte {
	name, _ := b.Facts.Option(uint16(option.CodeHostName))
	return name
}

// staleRow says what is stale about b, which c compared.
func staleRow(p *policy.Policy, j *ledger.Judge, b *binding.Binding, c *ledger.Comparison) *StaleRow {
	row := &StaleRow{
		Address: b.Addr(), Hardware: b.Client.Hardware.String(), ClientID: binding.FormatClientID(b.Client.ID), Hostname: string(hostnameOf(b)),
		Home: b.Home, WouldVersion: p.Version.String(), Cause: c.Cause.String(), CLTT: At(b.CLTT), Expires: At(b.Expires),
		Differs: differences(p, j, b, c),
	}
	if !b.Version.IsZero() {
		row.HasVersion = b.Version.String()
	}
	if s := p.SubnetOf(b.Addr()); s != nil {
		row.Network = s.Network.Name
	}
	return row
}

// differences says for people what c found to differ.
func differences(p *policy.Policy, j *ledger.Judge, b *binding.Binding, c *ledger.Comparison) (all []Difference) {
	if c.Lost != "" {
		a := b.Addr().String()
		return []Difference{{Name: "address", Has: a, HasText: a, Why: c.Lost}}
	}
	for i := range c.Differences {
		all = append(all, difference(p, j, &c.Differences[i]))
	}
	return all
}

func difference(p *policy.Policy, j *ledger.Judge, d *ledger.Difference) Difference {
	x := Difference{Name: partName(p, d.Code), Why: j.Why(d.Code)}
	x.Has, x.HasText = partValue(p, d.Code, d.Has)
	x.WouldHave, x.WouldText = partValue(p, d.Code, d.Would)
	if d.Would == nil {
		x.Why = ""
	}
	return x
}

// partName returns the name of an option, or of what is none.
func partName(p *policy.Policy, code uint16) string {
	for _, q := range parameterNames {
		if q.code == code {
			return q.name
		}
	}
	return p.Registry().ByCode(option.DHCPv4, option.Code(code)).Name
}

// partValue returns a value as a document has it, and as one line for people; nil for none.
func partValue(p *policy.Policy, code uint16, v []byte) (any, string) {
	if v == nil {
		return nil, ""
	}
	switch code {
	case binding.ReasonLifetime:
		secs := binary.BigEndian.Uint32(v)
		if secs == 0xffffffff {
			return secs, config.DurationText(binding.Infinite)
		}
		return secs, config.DurationText(time.Duration(secs) * time.Second)
	case binding.ReasonNextServer:
		a := netip.AddrFrom4([4]byte(v)).String()
		return a, a
	case binding.ReasonBootFile, binding.ReasonServerHostname:
		return string(v), string(v)
	}
	s := said(p, code, v)
	return s.Value, s.Text
}
