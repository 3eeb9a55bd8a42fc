package main

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// fake is a running server that reports what a test put into it.
type fake struct {
	status      node.Status
	rows        []node.LeaseRow
	detail      node.LeaseDetail
	events      []node.Event
	explanation policy.Explanation
	question    node.ExplainRequest // the newest
	refuses     error
	down        []node.PartnerDownRequest // in turn
	pauses      []bool
	filter      node.EventFilter // the newest that was asked for
}

func (f *fake) Status(context.Context) (node.Status, error) { return f.status, nil }

func (f *fake) Leases(_ context.Context, lf node.LeaseFilter, each func(node.LeaseRow) error) error {
	for _, r := range f.rows {
		if lf.Prefix.IsValid() && !lf.Prefix.Contains(r.Address) {
			continue
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) Lease(_ context.Context, a netip.Addr) (node.LeaseDetail, bool, error) {
	return f.detail, a == f.detail.Address, nil
}

func (f *fake) Explain(_ context.Context, r node.ExplainRequest) (policy.Explanation, error) {
	f.question = r
	return f.explanation, f.refuses
}

func (f *fake) Events(ctx context.Context, ef node.EventFilter) (<-chan node.Event, error) {
	f.filter = ef
	out := make(chan node.Event, len(f.events))
	for _, e := range f.events {
		out <- e
	}
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

// answering runs f behind a socket until the test ends, or stop is called.
func answering(t *testing.T, f *fake) (socket string, stop func()) {
	t.Helper()
	return answeringAs(t, f)
}

// answeringAs is answering for whatever reports.
func answeringAs(t *testing.T, f node.Reporter) (socket string, stop func()) {
	t.Helper()
	dir := t.TempDir()
	return api.SocketIn(dir), serving(t, f, dir)
}

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func minutes(n int) node.Instant { return node.At(noon.Add(time.Duration(n) * time.Minute)) }

func aRow(a, state, host string, expires node.Instant) node.LeaseRow {
	return node.LeaseRow{
		Address: addr(a), State: state, Hardware: "02:00:00:00:00:07", ClientID: "01:02:00:00:00:00:07", Hostname: host,
		Starts: minutes(-90), Expires: expires, PotentialExpiry: expires, CLTT: minutes(-30),
		Network: "floor1", Subnet: "198.51.100.0/24", Home: "west", ConfigVersion: "c0ffee", Result: "beef",
	}
}

func (f *fake) PartnerDown(_ context.Context, r node.PartnerDownRequest) error {
	f.down = append(f.down, r)
	return f.refuses
}

func (f *fake) Maintenance(_ context.Context, on bool) error {
	f.pauses = append(f.pauses, on)
	return f.refuses
}
