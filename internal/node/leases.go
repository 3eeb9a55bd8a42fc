package node

import (
	"context"
	"encoding/hex"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// listStride is how many bindings are looked at for a list between two batches of packets.
const listStride = 512

// Leases implements Reporter.
func (n *Node) Leases(ctx context.Context, f LeaseFilter, each func(LeaseRow) error) error {
	if f.Prefix.IsValid() && f.Prefix.IsSingleIP() {
		return n.oneLease(ctx, &f, each)
	}
	if !f.Client.IsZero() { // few
		return n.FindLeases(ctx, LeaseQuery{LeaseFilter: f}, func(l FoundLease) error { return each(l.LeaseRow) })
	}
	var rows []LeaseRow
	for next, done := uint64(0), false; !done; {
		rows = rows[:0]
		_, err := n.doSome(ctx, func() bool {
			next, done = n.core.table.Scan(next, findStride, func(b *binding.Binding) bool {
				if n.core.passes(&f, b) {
					rows = append(rows, n.core.row(b))
				}
				return true
			})
			return !done
		})
		if err != nil {
			return err
		}
		for i := range rows {
			if err := each(rows[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *Node) oneLease(ctx context.Context, f *LeaseFilter, each func(LeaseRow) error) error {
	var row LeaseRow
	found := false
	err := n.do(ctx, func(*Effects) {
		if b, ok := n.core.table.Get(f.Prefix); ok && n.core.passes(f, &b) {
			row, found = n.core.row(&b), true
		}
	})
	if err != nil || !found {
		return err
	}
	return each(row)
}

// Lease implements Reporter.
func (n *Node) Lease(ctx context.Context, a netip.Addr) (d LeaseDetail, found bool, err error) {
	err = n.do(ctx, func(*Effects) {
		if b, ok := n.core.table.Get(host(a)); ok {
			d, found = n.core.detail(&b), true
		}
	})
	if found {
		n.placeLease(&d)
	}
	return d, found, err
}

// Events implements Reporter.
func (n *Node) Events(ctx context.Context, f EventFilter) (<-chan Event, error) {
	return n.hub.listen(ctx, f, false)
}

// EventsAfter implements Replayer.
func (n *Node) EventsAfter(ctx context.Context, f EventFilter, after EventID) (<-chan Event, error) {
	if err := n.books.recalled(ctx); err != nil {
		return nil, err
	}
	return n.hub.listenAfter(ctx, f, false, &after)
}

var _ Replayer = (*Node)(nil)

// passes reports whether f lets b through.
func (c *Core) passes(f *LeaseFilter, b *binding.Binding) bool {
	if f.State != 0 && f.State != b.State || f.Prefix.IsValid() && !contains(f.Prefix, b.Prefix) {
		return false
	}
	if f.Network != "" {
		if s := c.policy.SubnetOf(b.Addr()); s == nil || s.Network.Name != f.Network {
			return false
		}
	}
	if f.Client.IsZero() {
		return true
	}
	name, _ := b.Facts.Option(uint16(option.CodeHostName))
	return f.Client.Matches(&b.Client, name)
}

func contains(p, q netip.Prefix) bool { return p.Bits() <= q.Bits() && p.Contains(q.Addr()) }

// row says what is known of b in a line. It keeps nothing of b.
func (c *Core) row(b *binding.Binding) LeaseRow {
	r := LeaseRow{
		Address: b.Addr(), State: b.State.String(), Hardware: b.Client.Hardware.String(), ClientID: binding.FormatClientID(b.Client.ID),
		Starts: At(b.Starts), Expires: At(b.Expires), PotentialExpiry: At(b.Expires), CLTT: At(b.CLTT), Home: b.Home,
	}
	if !b.Version.IsZero() {
		r.ConfigVersion = b.Version.String()
	}
	if b.Result != nil {
		r.Result = b.Result.Digest().String()
	}
	if s := c.policy.SubnetOf(b.Addr()); s != nil {
		r.Network, r.Subnet = s.Network.Name, s.Prefix.String()
	}
	if v, ok := b.Facts.Option(uint16(option.CodeHostName)); ok {
		r.Hostname = string(v)
	}
	return r
}

// detail says everything that is known of b. It keeps nothing of b.
func (c *Core) detail(b *binding.Binding) LeaseDetail {
	d := LeaseDetail{LeaseRow: c.row(b), Changed: At(b.Changed), Cause: b.Cause.String(), Owner: b.Owner}
	if facts, ok := b.Facts.Decode(); ok && b.Facts.Shared != nil {
		d.Facts = c.facts(&facts)
	}
	if result, ok := resultOf(b); ok {
		c.showResult(&d, b, &result)
	}
	if b.State == binding.Active || b.State == binding.Expired {
		d.Today = c.today(&d, b)
	}
	return d
}

func resultOf(b *binding.Binding) (r binding.Result, ok bool) {
	if b.Result == nil {
		return r, false
	}
	return binding.DecodeResult(b.Result.Bytes)
}

// showResult fills in what the client was told.
func (c *Core) showResult(d *LeaseDetail, b *binding.Binding, result *binding.Result) {
	d.Told, d.Lifetime = true, 0xffffffff
	if result.Lifetime != binding.Infinite {
		d.Lifetime = uint32(result.Lifetime / time.Second)
	}
	if result.NextServer.IsValid() {
		d.NextServer = result.NextServer.String()
	}
	d.ServerHostname, d.BootFileName = result.ServerName, result.BootFile
	reasons := reasonsOf(b)
	d.Options, d.Parameters = c.told(result, reasons), toldParameters(reasons)
	d.LeftOut = c.leftOut(reasons)
	for _, why := range reasons[binding.ReasonTaken] {
		d.Again = &ToldAgain{By: binding.Member(why.Object), Rule: why.Rule}
	}
}

// parameterNames are the names of what is no option, in the order in which they are shown.
var parameterNames = []struct {
	code uint16
	name string
}{
	{binding.ReasonLifetime, "lifetime"}, {binding.ReasonNextServer, "next-server"},
	{binding.ReasonServerHostname, "server-hostname"}, {binding.ReasonBootFile, "boot-file-name"},
	{binding.ReasonAddress, "address"},
}

func toldParameters(reasons map[uint16][]binding.Reason) (ps []ToldParameter) {
	for _, p := range parameterNames {
		for _, why := range reasons[p.code] {
			ps = append(ps, ToldParameter{Name: p.name, Layer: why.Layer, Object: why.Object, Line: int(why.Line), Rule: why.Rule})
			break // the strongest
		}
	}
	return ps
}

func (c *Core) facts(f *binding.Facts) *LeaseFacts {
	l := &LeaseFacts{Link: f.Link, Truncated: f.Truncated, Options: []SaidOption{}}
	if f.GIAddr.IsValid() {
		l.GIAddr = f.GIAddr.String()
	}
	for _, o := range f.Options {
		l.Options = append(l.Options, said(c.policy, o.Code, o.Value))
	}
	return l
}

func said(p *policy.Policy, code uint16, v []byte) SaidOption {
	def := p.Registry().ByCode(option.DHCPv4, option.Code(code))
	s := SaidOption{Name: def.Name, Code: code, Text: def.Text(v)}
	if x, err := def.Decode(v); err == nil {
		s.Value = x
	} else {
		s.Value = hex.EncodeToString(v)
	}
	return s
}

func (c *Core) told(r *binding.Result, reasons map[uint16][]binding.Reason) []ToldOption {
	var os []ToldOption
	for _, o := range r.Options {
		t := ToldOption{SaidOption: said(c.policy, o.Code, o.Value)}
		why := reasons[o.Code]
		if len(why) > 0 {
			t.Layer, t.Object, t.Line, t.Rule = why[0].Layer, why[0].Object, int(why[0].Line), why[0].Rule
		}
		if len(why) > 1 {
			for _, w := range why {
				t.Parts = append(t.Parts, policy.Origin{Layer: w.Layer, Object: w.Object, Line: int(w.Line), Rule: w.Rule})
			}
		}
		os = append(os, t)
	}
	return os
}

// leftOut returns the options that the client's message had no room for.
func (c *Core) leftOut(reasons map[uint16][]binding.Reason) (os []LeftOut) {
	for _, code := range slices.Sorted(maps.Keys(reasons)) {
		if why := reasons[code][0]; why.Rule == binding.RuleNoRoom {
			def := c.policy.Registry().ByCode(option.DHCPv4, option.Code(code))
			os = append(os, LeftOut{Name: def.Name, Code: code, Layer: why.Layer, Object: why.Object, Line: int(why.Line)})
		}
	}
	return os
}

// reasonsOf returns the reasons that b has stored, by code, those of one code the strongest first.
func reasonsOf(b *binding.Binding) map[uint16][]binding.Reason {
	m := map[uint16][]binding.Reason{}
	if b.Reasons == nil {
		return m
	}
	rs, _ := binding.DecodeReasons(b.Reasons.Bytes) // as far as they can be read
	for _, r := range rs {
		m[r.Code] = append(m[r.Code], r)
	}
	return m
}
