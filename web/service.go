package web

import (
	"context"
	"net/netip"

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

	PartnerDown(ctx context.Context, r node.PartnerDownRequest) (node.PartnerStatus, error)
	Maintenance(ctx context.Context, on bool) (node.PartnerStatus, error)
	Release(ctx context.Context, addr netip.Addr, reason string) (node.LeaseDetail, error)
	HostPut(ctx context.Context, h node.HostEdit, r node.ApplyRequest) (node.Applied, error)
}
