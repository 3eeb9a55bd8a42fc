package web

import (
	"context"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Service answers the questions of one person, and carries out what that person may. What each does is said where package node has
// it by the same name; errors are those of api.Client.
type Service interface {
	Status(ctx context.Context) (node.Status, error)
	LeasePage(ctx context.Context, q node.LeaseQuery) (node.LeasePage, error)
	Lease(ctx context.Context, addr netip.Addr) (node.LeaseDetail, bool, error)
	Explain(ctx context.Context, r node.ExplainRequest) (policy.Explanation, error)
	Stale(ctx context.Context, f node.StaleFilter, each func(node.StaleRow) error) error

	AddressHistory(ctx context.Context, addr netip.Addr, limit int) (node.LeaseHistory, error)
	ClientHistory(ctx context.Context, addr netip.Addr, limit int) (node.LeaseHistory, bool, error)
	Timeline(ctx context.Context) (node.Timeline, error)
	Rates(ctx context.Context, span node.RateSpan) (node.Rates, error)
	PoolTrends(ctx context.Context) ([]node.PoolTrend, error)

	Map(ctx context.Context, p netip.Prefix) (node.Map, error)

	Config(ctx context.Context) (api.ConfigAnswer, error)
	ConfigShow(ctx context.Context, id string) (node.VersionShown, error)
	ConfigHistory(ctx context.Context, limit int, each func(node.VersionRow) error) error
	ConfigDiff(ctx context.Context, a, b string) ([]version.Change, error)
	ConfigApply(ctx context.Context, r node.ApplyRequest) (node.Applied, error)
	ConfigRollback(ctx context.Context, id string, r node.ApplyRequest) (node.Applied, error)
	ConfigResolve(ctx context.Context, take binding.Member, r node.ApplyRequest) (node.Applied, error)
	WhatIf(ctx context.Context, r node.ApplyRequest, progress func(done, total int)) (*node.WhatIfReport, error)

	PartnerDown(ctx context.Context, r node.PartnerDownRequest) (node.PartnerStatus, error)
	Maintenance(ctx context.Context, on bool) (node.PartnerStatus, error)
	Release(ctx context.Context, addr netip.Addr, reason string) (node.LeaseDetail, error)
	HostPut(ctx context.Context, h node.HostEdit, r node.ApplyRequest) (node.Applied, error)
}
