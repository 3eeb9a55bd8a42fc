package main

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// whole is a running server that can do all that a node can.
type whole struct {
	*keeping
	hosts    []node.HostRow
	edits    []node.HostEdit // in turn
	notes    []string        // to each of them
	removed  []string
	released []node.ReleaseRequest
	query    node.LeaseQuery // the newest
	past     node.LeaseHistory
	times    node.Timeline
	rates    node.Rates
	trends   []node.PoolTrend
	drawn    node.Map
	kept     []node.Event
}

func (f *whole) Release(_ context.Context, a netip.Addr, r node.ReleaseRequest) error {
	f.released = append(f.released, r)
	return f.refuses
}

func (f *whole) Hosts(_ context.Context, each func(node.HostRow) error) error {
	for _, h := range f.hosts {
		if err := each(h); err != nil {
			return err
		}
	}
	return f.refuses
}

func (f *whole) Host(_ context.Context, name string) (node.HostRow, bool, error) {
	i := slices.IndexFunc(f.hosts, func(h node.HostRow) bool { return h.Name == name })
	if i < 0 {
		return node.HostRow{}, false, f.refuses
	}
	return f.hosts[i], true, f.refuses
}

func (f *whole) HostPut(_ context.Context, h node.HostEdit, r node.ApplyRequest) (node.Applied, error) {
	f.edits = append(f.edits, h)
	a, err := f.change(r)
	a.Notes = append(a.Notes, f.notes...)
	return a, err
}

func (f *whole) HostDelete(_ context.Context, name, against string, r node.ApplyRequest) (node.Applied, error) {
	f.removed = append(f.removed, name+"@"+against)
	return f.change(r)
}

func (f *whole) FindLeases(_ context.Context, q node.LeaseQuery, each func(node.FoundLease) error) error {
	f.query = q
	if strings.Contains(q.Search, "!") {
		return &node.RequestError{Text: "that is not searched for"}
	}
	for _, r := range f.rows {
		found := node.FoundLease{LeaseRow: r}
		if q.Search != "" {
			found.Matched, found.Found = "circuit-id", "ge-0/0/7\x1b[2J"
		}
		if err := each(found); err != nil {
			return err
		}
	}
	return nil
}

func (f *whole) LeasePage(ctx context.Context, q node.LeaseQuery) (page node.LeasePage, err error) {
	page.Total = len(f.rows)
	return page, f.FindLeases(ctx, q, func(l node.FoundLease) error { page.Leases = append(page.Leases, l); return nil })
}

func (f *whole) AddressHistory(context.Context, netip.Addr, int) (node.LeaseHistory, error) {
	return f.past, f.refuses
}

func (f *whole) ClientHistory(_ context.Context, a netip.Addr, _ int) (node.LeaseHistory, bool, error) {
	return f.past, a == f.detail.Address, f.refuses
}

func (f *whole) Timeline(context.Context) (node.Timeline, error) { return f.times, f.refuses }

func (f *whole) Rates(context.Context, node.RateSpan) (node.Rates, error) { return f.rates, f.refuses }

func (f *whole) PoolTrends(context.Context) ([]node.PoolTrend, error) { return f.trends, f.refuses }

func (f *whole) Map(context.Context, netip.Prefix) (node.Map, error) { return f.drawn, f.refuses }

func (f *whole) EventsAfter(ctx context.Context, ef node.EventFilter, after node.EventID) (<-chan node.Event, error) {
	f.fake.events = slices.DeleteFunc(slices.Clone(f.kept), func(e node.Event) bool { return e.ID.Number <= after.Number })
	return f.Events(ctx, ef)
}

var _ interface {
	node.Steward
	node.Finder
	node.Historian
	node.Mapper
	node.Replayer
} = (*whole)(nil)

var someHosts = []node.HostRow{
	{Name: "lobby", CircuitID: "ge-0/0/1", Address: addr("10.20.0.9"), Network: "floor2", Subnet: "10.20.0.0/16", Held: "free", Text: "{circuit-id: ge-0/0/1, address: 10.20.0.9}", Line: 40, Source: policy.Source{Version: "0123456789abcdef"}, Pending: true},
	{Name: "printer1", Hardware: "02:00:00:00:00:07", ClientID: "01:02:00:00:00:00:07", Address: addr("198.51.100.9"), Network: "floor1", Subnet: "198.51.100.0/24", Held: "active",
		Options: map[string]string{"host-name": "printer1", "routers": "[198.51.100.1]"}, Text: "{hardware: 02:00:00:00:00:07, address: 198.51.100.9, options: {host-name: printer1}}", Line: 41, FileLine: 44, Source: policy.Source{Version: "0123456789abcdef", File: "/etc/lessor/lessor.yaml"}},
	{Name: "scanner", Hardware: "02:00:00:00:00:08", MatchOptions: map[string]string{"vendor-class-identifier": "Scan\x1b[2J"}, Address: addr("198.51.100.10"), Network: "floor1", Held: "other", Text: "{hardware: 02:00:00:00:00:08}", Line: 42, Source: policy.Source{Version: "0123456789abcdef"}},
}

// aWhole is a server of a pair that has something to say of everything.
func aWhole() *whole {
	f := &whole{keeping: aKeeping(), hosts: someHosts}
	pair := aPair()
	f.status = pair.status
	f.status.Partners, f.rates, f.trends = pair.status.Partners[:1], pair.rates, pair.trends
	f.status.Partners[0].PartnerState = "NORMAL"
	f.rates.Times = make([]node.Instant, 10)
	for i := range f.rates.Times {
		f.rates.Times[i] = node.At(noon.Add(time.Duration(i-9) * time.Second))
	}
	for i := range f.trends {
		f.trends[i].Used, f.trends[i].Words = []uint64{0, 1, 50, 100, f.trends[i].Size}, "not filling"
	}
	f.rows = []node.LeaseRow{aRow("198.51.100.50", "active", "phone-1", minutes(90)), aRow("198.51.100.51", "expired", "=cmd|x", minutes(-5))}
	f.detail = node.LeaseDetail{LeaseRow: f.rows[0]}
	f.past = node.LeaseHistory{Since: minutes(-600), RenewalsSince: minutes(-60), More: true, Changes: []node.LeaseChange{
		{Time: minutes(-5), Address: addr("198.51.100.50"), State: "active", Happened: "moved", From: addr("198.51.100.60"), Cause: "the client asked for it", By: "west", Hardware: "02:00:00:00:00:07", Client: "00c0ffee"},
		{Time: minutes(-50), Address: addr("198.51.100.50"), State: "free", Happened: "released", Cause: "an operator had it done\x1b", By: "east", Operator: true},
	}, Before: []node.LeaseChange{{Time: minutes(-900), Address: addr("198.51.100.50"), State: "active", Happened: "granted", By: "west", Client: "00c0ffee"}}}
	f.times = node.Timeline{Since: minutes(-600), Transitions: []node.StateTransition{
		{Time: minutes(-600), Member: "west", State: "NORMAL"}, {Time: minutes(-600), Member: "east", State: "NORMAL"},
		{Time: minutes(-30), Member: "west", State: "COMMUNICATIONS-INTERRUPTED", From: "NORMAL", Cause: "nothing was heard of east for 10s"},
		{Time: minutes(-10), Member: "west", State: "NORMAL", From: "COMMUNICATIONS-INTERRUPTED", Cause: "both are up to date"},
	}}
	f.drawn = aMap()
	f.kept = slices.Clone(someEvents)
	for i := range f.kept {
		f.kept[i].ID = node.EventID{Epoch: 1764000000000, Number: uint64(i + 1)}
	}
	f.whatIf, f.drifted = aReport(), &node.DriftReport{With: "east", SameHead: true, OurHead: headID, TheirHead: headID}
	f.stale = []node.StaleRow{{Address: addr("198.51.100.50"), Hardware: "02:00:00:00:00:07", Cause: "configuration changed", Differs: []node.Difference{aDifference}}}
	for _, id := range []string{"head", headID, "0123abcd"} {
		f.shown[id] = f.shown[""]
	}
	return f
}

// aMap is a /28 with an address in each state.
func aMap() node.Map {
	m := node.Map{Prefix: prefix("198.51.100.48/28"), Network: "floor1", Subnet: "198.51.100.0/24", Cell: 32,
		Counts: node.CellCounts{Size: 16, Active: 2, Grace: 2, Abandoned: 1, Offered: 1, Reserved: 1, Free: 5, PartnerFree: 2, Outside: 2}}
	states := []string{"outside", "outside", "active", "active", "expired", "released", "abandoned", "offered", "reserved", "free", "unused", "unused", "unused", "unused", "unused", "unused"}
	a := m.Prefix.Addr()
	for i, s := range states {
		c := node.AddressCell{Address: a, State: s, Age: -1}
		if s == "unused" || s == "free" {
			c.Owner = "west"
			if i > 13 {
				c.Owner = "east"
			}
		}
		m.Addresses, a = append(m.Addresses, c), a.Next()
	}
	return m
}
