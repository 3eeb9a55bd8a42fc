package web

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// noon is when the tests' pages are looked at.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) node.Instant { return node.At(noon.Add(-d)) }

// example is a group of two, as one server tells of it. What a test changes in it is shown.
type example struct {
	status  node.Status
	leases  []node.FoundLease
	detail  node.LeaseDetail
	stale   []node.StaleRow
	history node.LeaseHistory
	line    node.Timeline
	trends  []node.PoolTrend
	explain policy.Explanation
	version node.VersionShown
	changes []version.Change
	report  node.WhatIfReport
	// conflict is what keeps the two apart.
	conflict *node.ConfigConflict
	err      error // of every question
	// applied is what becomes of a change.
	applied node.Applied
	// objection is what speaks against a document.
	objection error
	done      []string // what was changed
	asked     node.LeaseQuery
}

func newExample() *example {
	pool := node.PoolStatus{Network: "floor1", Subnet: netip.MustParsePrefix("198.51.100.0/24"), Range: "198.51.100.50-198.51.100.240", Size: 191, Active: 171, Free: 17, PartnerFree: 8, Grace: 3}
	other := node.PoolStatus{Network: "floor2", Subnet: netip.MustParsePrefix("10.20.0.0/16"), Range: "10.20.1.0-10.20.255.254", Size: 65279, Active: 12000, Free: 53279, PartnerFree: 26639}
	x := &example{}
	x.status = node.Status{
		Server: "west", Version: "1.0", Ready: true, Started: before(50 * time.Hour), Uptime: 180000,
		Config:   node.ConfigStatus{Head: strings.Repeat("3f9ac1", 10), Since: before(26 * time.Hour), Group: &node.GroupConfigStatus{Head: "3f9ac1", Tip: "3f9ac1", Partner: "east", Link: "up", PartnerHead: "3f9ac1"}},
		Pools:    []node.PoolStatus{other, pool},
		Bindings: map[string]int{"active": 12171, "expired": 40, "total": 13000},
		Drops:    map[string]uint64{"no-network": 12, "not-mine": 4021},
		Stale:    &node.StaleSummary{Clients: 314, ByCause: map[string]int{"configuration changed": 300, "asked for more": 14}, SinceOldest: before(3 * time.Hour)},
		Store:    node.StoreStatus{Dir: "/var/lib/lessor", State: "open"},
		Partners: []node.PartnerStatus{{
			Name: "campus", Partner: "east", Protocol: "lessor", Role: "primary", State: "NORMAL", Cause: "the other server has everything", PartnerState: "NORMAL",
			Since: before(25 * time.Hour), PartnerSince: before(25 * time.Hour), MCLT: 3600, Unacked: 3, InFlight: 3, Connected: true, Skew: 0.02, KeysEnd: before(-9000 * time.Hour),
		}},
		Alarms: []node.Alarm{{Code: "pool-low", Title: "Pool floor1 is nearly full", Severity: node.Warning, Text: "17 of 191 addresses are free", Remedy: "add a pool to the network, or shorten its lease", Since: before(time.Hour)}},
	}
	row := node.LeaseRow{Address: netip.MustParseAddr("198.51.100.57"), State: "active", Hardware: "02:00:00:00:00:07", ClientID: "01:02:00:00:00:00:07", Hostname: "printer-3", Starts: before(30 * time.Hour),
		Expires: before(-2 * time.Hour), CLTT: before(2 * time.Hour), Network: "floor1", Subnet: "198.51.100.0/24", Home: "west", ConfigVersion: strings.Repeat("3f9ac1", 10)}
	for i := range 12 {
		r := row
		r.Address = netip.AddrFrom4([4]byte{198, 51, 100, byte(50 + i)})
		r.Hardware, r.Hostname = fmt.Sprintf("02:00:00:00:00:%02x", i), fmt.Sprintf("host-%d", i)
		r.State = []string{"active", "active", "active", "free", "expired", "abandoned"}[i%6]
		x.leases = append(x.leases, node.FoundLease{LeaseRow: r, Matched: "hostname"})
	}
	origin := policy.Origin{Layer: "vendor-class", Object: "phones", Line: 31, Rule: "set"}
	said := func(name string, code uint16, v any) node.SaidOption {
		return node.SaidOption{Name: name, Code: code, Value: v, Text: fmt.Sprint(v)}
	}
	x.detail = node.LeaseDetail{LeaseRow: row, Changed: before(30 * time.Hour), Cause: "granted", Owner: "west", Told: true, Lifetime: 14400,
		Facts: &node.LeaseFacts{Link: "198.51.100.0/24", Options: []node.SaidOption{said("host-name", 12, "printer-3"), said("vendor-class-identifier", 60, "PhoneX 12")}},
		Options: []node.ToldOption{
			{SaidOption: said("routers", 3, "198.51.100.1"), Layer: "subnet", Object: "198.51.100.0/24", Line: 22, Rule: "set"},
			{SaidOption: said("tftp-server-name", 66, "boot.corp.example"), Layer: "pool", Object: "198.51.100.50-198.51.100.240", Line: 25, Rule: "set", Differs: true,
				Today: &node.TodayOption{Value: "10.9.0.69", Text: "10.9.0.69", Origin: origin}},
		},
		Today: &node.LeaseToday{Differs: true, As: "west", Source: policy.Source{Version: strings.Repeat("4a", 16)},
			New: []node.ToldOption{{SaidOption: node.SaidOption{Name: "root-path", Code: 17}, Today: &node.TodayOption{Value: "/srv", Text: "/srv", Origin: origin}, Differs: true}}},
		Parameters: []node.ToldParameter{{Name: "next-server", Layer: "server", Object: "west", Line: 9}},
		Source:     policy.Source{Version: strings.Repeat("3f9ac1", 10), File: "/etc/lessor/lessor.yaml"},
	}
	x.explain = policy.Explanation{Server: "west", Source: policy.Source{Version: strings.Repeat("4a", 16)}, Address: &row.Address, Network: "floor1", Pool: "198.51.100.50-198.51.100.240", Classes: []string{"phones"},
		Options: []policy.ExplainedOption{{Name: "tftp-server-name", Code: 66, Text: "10.9.0.69", Value: "10.9.0.69", Origin: origin,
			Losers: []policy.ExplainedValue{{Origin: policy.Origin{Layer: "server", Object: "west", Line: 18}, Value: "west.corp.example", Text: "west.corp.example"}}}}}
	x.explain.Lease.Lifetime = "4h"
	x.stale = []node.StaleRow{{Address: row.Address, Hardware: row.Hardware, Hostname: row.Hostname, Since: before(3 * time.Hour), Cause: "configuration changed",
		Differs: []node.Difference{{Name: "tftp-server-name", Has: "boot.corp.example", HasText: "boot.corp.example", WouldHave: "10.9.0.69", WouldText: "10.9.0.69"}}}}
	x.history = node.LeaseHistory{Since: before(50 * time.Hour), RenewalsSince: before(5 * time.Hour), Changes: []node.LeaseChange{
		{Time: before(2 * time.Hour), Address: row.Address, State: "active", Happened: "renewed", By: "west", Hardware: row.Hardware},
		{Time: before(30 * time.Hour), Address: row.Address, State: "active", Happened: "granted", By: "west", Hardware: row.Hardware, Cause: "asked for it"}}}
	x.line = node.Timeline{Since: before(50 * time.Hour), Transitions: []node.StateTransition{
		{Time: before(50 * time.Hour), Member: "west", State: "STARTUP"}, {Time: before(49 * time.Hour), Member: "west", State: "NORMAL", Cause: "greeted"},
		{Time: before(50 * time.Hour), Member: "east", State: "NORMAL"}, {Time: before(40 * time.Minute), Member: "west", State: "COMMUNICATIONS-INTERRUPTED", Cause: "nothing heard for 10 s"},
		{Time: before(20 * time.Minute), Member: "west", State: "NORMAL", Cause: "heard again"}}}
	x.version = node.VersionShown{VersionRow: node.VersionRow{Version: strings.Repeat("3f9ac1", 10), Author: "ada", Member: "west", Comment: "a second pool", Time: before(26 * time.Hour), Head: true},
		Text: "version: 3f9ac1\nenterprise: {lease: {default: 4h}}\n"}
	x.changes = []version.Change{{Key: "enterprise.lease.default", Kind: version.Changed, Before: "2h", After: "4h"}}
	x.report = node.WhatIfReport{Total: 100, Changed: 40, Lost: 3, Options: []node.ChangedPart{{Name: "routers", Clients: 40}}, LostBy: []node.LostReason{{Why: "no pool", Clients: 3}}}
	x.trends = []node.PoolTrend{{PoolStatus: pool, Verdict: "filling", Words: "empty in about 3 h at this rate"}, {PoolStatus: other, Verdict: "steady", Words: "not filling"}}
	return x
}

func (x *example) Status(context.Context) (node.Status, error) { return x.status, x.err }
func (x *example) LeasePage(_ context.Context, q node.LeaseQuery) (node.LeasePage, error) {
	x.asked = q
	return node.LeasePage{Leases: x.leases, Next: netip.MustParseAddr("198.51.100.61"), Total: 13000}, x.err
}
func (x *example) Lease(_ context.Context, a netip.Addr) (node.LeaseDetail, bool, error) {
	return x.detail, a == x.detail.Address, x.err
}
func (x *example) Explain(context.Context, node.ExplainRequest) (policy.Explanation, error) {
	return x.explain, x.err
}
func (x *example) Stale(_ context.Context, _ node.StaleFilter, each func(node.StaleRow) error) error {
	for _, r := range x.stale {
		if err := each(r); err != nil {
			return err
		}
	}
	return x.err
}
func (x *example) AddressHistory(context.Context, netip.Addr, int) (node.LeaseHistory, error) {
	return x.history, x.err
}
func (x *example) ClientHistory(context.Context, netip.Addr, int) (node.LeaseHistory, bool, error) {
	return x.history, true, x.err
}
func (x *example) Timeline(context.Context) (node.Timeline, error) { return x.line, x.err }
func (x *example) Rates(context.Context, node.RateSpan) (node.Rates, error) {
	k := node.Rates{Step: 1, Received: map[string][]uint32{"DHCPREQUEST": nil}}
	for i := range 300 {
		k.Times = append(k.Times, node.At(noon.Add(time.Duration(i-300)*time.Second)))
		k.Received["DHCPREQUEST"] = append(k.Received["DHCPREQUEST"], uint32(40+i%17))
		k.AnswerP50, k.AnswerP99 = append(k.AnswerP50, .4), append(k.AnswerP99, float64(i%5)-1)
		k.Active, k.Stale = append(k.Active, uint32(12000+i)), append(k.Stale, uint32(400-i))
	}
	return k, x.err
}
func (x *example) PoolTrends(context.Context) ([]node.PoolTrend, error) { return x.trends, x.err }
func (x *example) Map(_ context.Context, p netip.Prefix) (node.Map, error) {
	m := node.Map{Prefix: p, Network: "floor1", Cell: 32, Counts: node.CellCounts{Size: 256, Active: 171, Free: 9, PartnerFree: 8, Outside: 65, Grace: 3}}
	states := []string{"active", "active", "free", "unused", "expired", "abandoned", "offered", "reserved", "outside"}
	if p.Bits() < 24 {
		m.Cell, m.Up = p.Bits()+8, netip.MustParsePrefix("10.0.0.0/8")
		for i := range 256 {
			m.Blocks = append(m.Blocks, node.BlockCell{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 20, byte(i)}), 24), CellCounts: node.CellCounts{Size: 256, Free: uint64(256 - i), Outside: uint64(i % 2), Abandoned: uint64(i % 5)}})
		}
		return m, x.err
	}
	for i := range 256 {
		m.Addresses = append(m.Addresses, node.AddressCell{Address: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), State: states[i%len(states)], Owner: []string{"west", "east"}[i%2], Age: i%6 - 1,
			Hardware: "02:00:00:00:00:07", Hostname: x.detail.Hostname, Host: x.detail.Hostname, Expires: before(-time.Hour), Stale: i%11 == 0})
	}
	return m, x.err
}
func (x *example) Config(context.Context) (api.ConfigAnswer, error) {
	st := *x.status.Config.Group
	st.Conflict = x.conflict
	return api.ConfigAnswer{Head: &x.version, Status: st}, x.err
}
func (x *example) ConfigShow(context.Context, string) (node.VersionShown, error) {
	return x.version, x.err
}
func (x *example) ConfigHistory(_ context.Context, _ int, each func(node.VersionRow) error) error {
	each(x.version.VersionRow)
	return x.err
}
func (x *example) ConfigDiff(context.Context, string, string) ([]version.Change, error) {
	return x.changes, x.err
}
func (x *example) ConfigApply(_ context.Context, r node.ApplyRequest) (node.Applied, error) {
	x.done = append(x.done, fmt.Sprintf("apply %q %q %v", r.Document, r.Comment, r.Yes))
	return x.applied, x.objection
}
func (x *example) ConfigRollback(_ context.Context, id string, r node.ApplyRequest) (node.Applied, error) {
	x.done = append(x.done, "rollback "+id)
	return node.Applied{}, cmp.Or(x.err, x.objection)
}
func (x *example) ConfigResolve(_ context.Context, m binding.Member, r node.ApplyRequest) (node.Applied, error) {
	x.done = append(x.done, "resolve "+string(m))
	return node.Applied{}, cmp.Or(x.err, x.objection)
}
func (x *example) WhatIf(context.Context, node.ApplyRequest, func(int, int)) (*node.WhatIfReport, error) {
	return &x.report, x.objection
}
func (x *example) PartnerDown(_ context.Context, r node.PartnerDownRequest) (node.PartnerStatus, error) {
	x.done = append(x.done, fmt.Sprintf("partner-down %s %v", r.Partner, r.Force))
	return node.PartnerStatus{}, x.err
}
func (x *example) Maintenance(_ context.Context, on bool) (node.PartnerStatus, error) {
	x.done = append(x.done, fmt.Sprintf("maintenance %v", on))
	return node.PartnerStatus{}, x.err
}
func (x *example) Release(_ context.Context, a netip.Addr, reason string) (node.LeaseDetail, error) {
	x.done = append(x.done, fmt.Sprintf("release %v: %s", a, reason))
	return x.detail, x.err
}
func (x *example) HostPut(_ context.Context, h node.HostEdit, r node.ApplyRequest) (node.Applied, error) {
	x.done = append(x.done, fmt.Sprintf("reserve %v for %s %s%s", h.Address, h.Name, h.Hardware, h.ClientID))
	return x.applied, cmp.Or(x.err, x.objection)
}

// visit is the pages of x as somebody with a role sees them; without one nobody is signed in.
func visit(x *example, role string) http.Handler {
	return New(Config{
		Service: func(*http.Request) Service { return x },
		Visitor: func(*http.Request) (Visitor, bool) { return Visitor{Name: "ada", Role: role, CSRF: "abc"}, role != "" },
		Log:     slog.New(slog.DiscardHandler), Now: func() time.Time { return noon },
	})
}

// get returns the answer to a request of a page.
func get(t *testing.T, h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return send(t, h, http.MethodGet, path, "", headers...)
}

func send(t *testing.T, h http.Handler, method, path, form string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// refused is an error of the API as the pages get it.
func refused() error {
	return &api.Problem{Status: http.StatusConflict, Title: "refused", Detail: "the other server answers", Remedy: "stop it first"}
}
