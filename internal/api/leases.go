package api

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

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
	Search  string `query:"search" doc:"An address, a prefix, or a part of anything that is known of a client: hardware address, client identifier, host name, circuit, remote end or subscriber of its relay, vendor class." example:"phone"`
	After   string `query:"after" doc:"An address: only bindings behind it, in ascending order. With limit, the last one of the page before." example:"198.51.100.50"`
	Limit   int    `query:"limit" minimum:"1" doc:"How many at most, in ascending order of addresses; all where none is said. Up to 1000 the header Link names the next page." example:"100"`
	Fields  string `query:"fields" doc:"Only these keys, separated by commas." example:"address,hostname"`
	FormatAsked
}

// query returns what is asked for, and from where on.
func (in *leasesAsked) query() (q node.LeaseQuery, err error) {
	if q.LeaseFilter, err = in.filter(); err != nil {
		return q, err
	}
	q.Search, q.Limit = in.Search, in.Limit
	if len(q.Search) > node.MaxSearch {
		return q, badRequest("search has %d octets, and %d is the most", len(q.Search), node.MaxSearch)
	}
	q.After, err = optionalAddr(in.After)
	return q, err
}

// ordered reports whether more is asked for than a filter.
func ordered(q *node.LeaseQuery) bool { return q.Search != "" || q.Limit > 0 || q.After.IsValid() }

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
	op := operation{method: http.MethodGet, path: base + "leases", id: "leases", tag: tagLeases, role: access.Viewer, room: s.streams, fails: []int{501},
		summary: "The bindings", about: "Every binding that the parameters let through, one a line; in ascending order of addresses with search, after or limit, else in none. As `lessor leases --json`.",
		headers: map[string]*huma.Param{
			"Link":          {Description: "The next page, as rel=\"next\"; missing on the last one.", Schema: &huma.Schema{Type: huma.TypeString}},
			"X-Total-Count": {Description: "With limit up to 1000: how many bindings there are, whatever was asked for.", Schema: &huma.Schema{Type: huma.TypeInteger}},
		}}
	askStream[node.FoundLease](a, op, finite, func(ctx context.Context, in *leasesAsked, t *stream) error { return s.leases(ctx, in, t) })
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

// leases streams the bindings.
func (s *Server) leases(ctx context.Context, in *leasesAsked, t *stream) error {
	q, err := in.query()
	if err == nil && in.Fields != "" {
		err = t.only(in.Fields)
	}
	if err != nil {
		return err
	}
	if !ordered(&q) {
		return s.reporter.Leases(ctx, q.LeaseFilter, func(row node.LeaseRow) error { return t.add(&node.FoundLease{LeaseRow: row}) })
	}
	c, err := able[node.Finder](s)
	if err != nil {
		return err
	}
	if q.Limit == 0 || q.Limit > node.MaxPage {
		return c.FindLeases(ctx, q, func(row node.FoundLease) error { return t.add(&row) })
	}
	page, err := c.LeasePage(ctx, q)
	if err != nil {
		return err
	}
	h := t.w.Header()
	h.Set("X-Total-Count", strconv.Itoa(page.Total))
	if page.Next.IsValid() {
		next := t.r.URL.Query()
		next.Set("after", page.Next.String())
		h.Set("Link", "<"+base+"leases?"+next.Encode()+`>; rel="next"`)
	}
	for i := range page.Leases {
		if err := t.add(&page.Leases[i]); err != nil {
			return err
		}
	}
	return nil
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
