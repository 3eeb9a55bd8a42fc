package api

import (
	"context"
	"net/http"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// tagServer and the others are what the operations are grouped by.
const (
	tagServer   = "server"
	tagLeases   = "leases"
	tagConfig   = "configuration"
	tagFailover = "failover"
)

func (a *surface) addStatus() {
	s := a.server
	ask(a, operation{method: http.MethodGet, path: base + "status", id: "status", tag: tagServer, role: access.Viewer, room: s.answers,
		summary: "How the server is", about: "The state of this moment: the configuration, the partner, pools, interfaces, alarms, counters. As `lessor status --json`."},
		func(ctx context.Context, _ *nothingAsked) (node.Status, error) { return s.status(ctx) })
	ask(a, operation{method: http.MethodGet, path: base + "pools", id: "pools", tag: tagServer, role: access.Viewer, room: s.answers,
		summary: "How full the pools are", about: "What a full count of each pool's addresses would give."},
		func(ctx context.Context, _ *nothingAsked) (Pools, error) {
			st, err := s.reporter.Status(ctx)
			return Pools{Pools: notNil(st.Pools)}, err
		})
}

// Pools is what GET /api/v1/pools says.
type Pools struct {
	Pools []node.PoolStatus `json:"pools"`
}

// notNil returns an empty list for none, which JSON would make null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) status(ctx context.Context) (node.Status, error) {
	st, err := s.reporter.Status(ctx)
	if err != nil {
		return st, err
	}
	if c, ok := s.reporter.(node.Configurer); ok && st.Config.Group == nil {
		g, err := c.ConfigStatus(ctx)
		if err != nil {
			return st, err
		}
		st.Config.Group = &g
	}
	if s.access != nil {
		if d := s.access.door.Load(); d != nil {
			st.API = d.status()
		}
	}
	return st, nil
}
