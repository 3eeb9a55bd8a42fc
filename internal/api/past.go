package api

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// pastAsked are the parameters of GET /leases/ADDRESS/history.
type pastAsked struct {
	Address string `path:"address" doc:"The address." example:"198.51.100.50"`
	Of      string `query:"of" enum:"address,client" default:"address" doc:"Of the address, or of the client that has or last had it, on all of its addresses."`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many changes at most, the latest first."`
}

// ratesAsked are the parameters of GET /rates.
type ratesAsked struct {
	Span string `query:"span" enum:"seconds,minutes" default:"seconds" doc:"Each second of the last 5 minutes, or each minute of the last day."`
}

// mapAsked are the parameters of GET /map.
type mapAsked struct {
	Prefix string `query:"prefix" required:"true" doc:"What is drawn: in at most 256 cells." example:"198.51.100.0/24"`
}

// Trends is what GET /api/v1/pools/trends says.
type Trends struct {
	Pools []node.PoolTrend `json:"pools"`
}

func (a *surface) addPast() {
	s := a.server
	op := func(path, id, tag, summary, about string, fails ...int) operation {
		return operation{method: http.MethodGet, path: base + path, id: id, tag: tag, role: access.Viewer, room: s.answers, fails: append(fails, http.StatusNotImplemented), summary: summary, about: about}
	}
	ask(a, op("leases/{address}/history", "lease-history", tagLeases, "What became of a lease", "Every change that is still known, the latest first. It says since when it is whole.", http.StatusNotFound), s.past)
	ask(a, op("timeline", "timeline", tagFailover, "The states of both servers", "The earliest first. It says since when it is whole."),
		func(ctx context.Context, _ *nothingAsked) (t node.Timeline, err error) {
			h, err := able[node.Historian](s)
			if err != nil {
				return t, err
			}
			t, err = h.Timeline(ctx)
			t.Transitions = notNil(t.Transitions)
			return t, err
		})
	ask(a, op("rates", "rates", tagServer, "What the server does, over time", "Packets, drops, latencies and leases in even steps, the earliest first."),
		func(ctx context.Context, in *ratesAsked) (r node.Rates, err error) {
			h, err := able[node.Historian](s)
			if err != nil {
				return r, err
			}
			span := node.Seconds
			if in.Span == "minutes" {
				span = node.Minutes
			}
			return h.Rates(ctx, span)
		})
	ask(a, op("pools/trends", "pool-trends", tagServer, "How the pools fill", "And when each will be empty at this rate."),
		func(ctx context.Context, _ *nothingAsked) (Trends, error) {
			h, err := able[node.Historian](s)
			if err != nil {
				return Trends{}, err
			}
			t, err := h.PoolTrends(ctx)
			return Trends{notNil(t)}, err
		})
	ask(a, op("map", "map", tagLeases, "A subnet as a map", "A prefix in at most 256 cells: each an address, or an equal part."),
		func(ctx context.Context, in *mapAsked) (node.Map, error) {
			m, err := able[node.Mapper](s)
			if err != nil {
				return node.Map{}, err
			}
			p, err := ParsePrefix(in.Prefix)
			if err != nil {
				return node.Map{}, err
			}
			return m.Map(ctx, p)
		})
}

func (s *Server) past(ctx context.Context, in *pastAsked) (past node.LeaseHistory, err error) {
	h, err := able[node.Historian](s)
	if err != nil {
		return past, err
	}
	var addr netip.Addr
	if addr, err = parseAddr(in.Address); err != nil {
		return past, err
	}
	if in.Of == "client" {
		known := false
		if past, known, err = h.ClientHistory(ctx, addr, in.Limit); err == nil && !known {
			err = noRecord(addr)
		}
	} else {
		past, err = h.AddressHistory(ctx, addr, in.Limit)
	}
	past.Changes, past.Before = notNil(past.Changes), notNil(past.Before)
	return past, err
}
