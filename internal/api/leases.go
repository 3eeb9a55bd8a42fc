package api

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// leasesAsked are the parameters of GET /leases. What is unset lets everything through; what is set must all hold.
type leasesAsked struct {
	Client  string `query:"client" doc:"A client: its hardware address, client identifier or host name." example:"02:00:00:00:00:07"`
	Network string `query:"network" doc:"A shared network, by its name." example:"floor1"`
	Address string `query:"address" doc:"An address, or a prefix within which." example:"198.51.100.0/24"`
	State   string `query:"state" doc:"The state of the binding: free, active, expired, released or abandoned." example:"active"`
	FormatAsked
}

// filter returns what is asked for.
func (in *leasesAsked) filter() (f node.LeaseFilter, err error) {
	f.Network = in.Network
	if in.Client != "" {
		f.Client = node.ParseClient(in.Client)
	}
	if in.Address != "" {
		if f.Prefix, err = ParsePrefix(in.Address); err != nil {
			return f, err
		}
	}
	if in.State != "" {
		var ok bool
		if f.State, ok = binding.ParseState(in.State); !ok {
			return f, badRequest("%q is not a state%s; states are %s", in.State, meant(in.State, StateNames()), strings.Join(StateNames(), ", "))
		}
	}
	return f, nil
}

// leaseQuery is the inverse of filter.
func leaseQuery(f node.LeaseFilter) url.Values {
	q := url.Values{}
	set(q, "client", f.Client.String())
	set(q, "network", f.Network)
	if f.Prefix.IsValid() {
		q.Set("address", f.Prefix.String())
	}
	if f.State != 0 {
		q.Set("state", f.State.String())
	}
	return q
}

// leaseAsked is a lease, named by its address.
type leaseAsked struct {
	Address string `path:"address" doc:"The address." example:"198.51.100.50"`
}

func (a *surface) addLeases() {
	s := a.server
	askStream[node.LeaseRow](a, operation{method: http.MethodGet, path: base + "leases", id: "leases", tag: tagLeases, role: access.Viewer, room: s.streams,
		summary: "The bindings", about: "Every binding that the parameters let through, one a line, in no particular order. As `lessor leases --json`."}, finite,
		func(ctx context.Context, in *leasesAsked, t *stream) error {
			f, err := in.filter()
			if err != nil {
				return err
			}
			return s.reporter.Leases(ctx, f, func(row node.LeaseRow) error { return t.add(row) })
		})
	ask(a, operation{method: http.MethodGet, path: base + "leases/{address}", id: "lease", tag: tagLeases, role: access.Viewer, room: s.answers, fails: []int{404},
		summary: "One lease whole", about: "What the client said, every option that it was told with the layer that it comes from, and what it would be told now. As `lessor lease ADDRESS --json`."},
		func(ctx context.Context, in *leaseAsked) (node.LeaseDetail, error) {
			addr, err := parseAddr(in.Address)
			if err != nil {
				return node.LeaseDetail{}, err
			}
			return s.lease(ctx, addr)
		})
}

func (s *Server) lease(ctx context.Context, addr netip.Addr) (node.LeaseDetail, error) {
	d, known, err := s.reporter.Lease(ctx, addr)
	if err == nil && !known {
		err = noRecord(addr)
	}
	return d, err
}

func noRecord(addr netip.Addr) *Problem {
	return &Problem{Status: http.StatusNotFound, Title: "no record",
		Detail: addr.String() + ": there is no record of this address: it was never leased here"}
}
