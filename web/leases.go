package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// leaseList is what the page of all leases shows.
type leaseList struct {
	Now                    time.Time
	Search, State, Network string
	After                  netip.Addr
	Networks               []string
	node.LeasePage
	// Export is the query of the same leases without the bounds of a page.
	Export string
	Wrong  string // what is wrong with what was asked for
}

// pageSize is how many leases a page shows.
const pageSize = 50

func (p *pages) leaseRoutes(mux *http.ServeMux) {
	mux.Handle("GET /leases", p.page(p.leases))
	mux.Handle("GET /leases/{address}", p.page(p.lease))
	mux.Handle("GET /leases/{address}/release", p.page(p.askRelease))
	mux.Handle("POST /leases/{address}/release", p.change(p.release))
	mux.Handle("GET /leases/{address}/reserve", p.page(p.askReserve))
	mux.Handle("POST /leases/{address}/reserve", p.page(p.reserve))
	mux.Handle("GET /stale", p.page(p.stale))
}

func (p *pages) leases(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	l := leaseList{Now: p.Now(), Search: q.Get("search"), State: q.Get("state"), Network: q.Get("network")}
	ask, err := leaseQuery(q)
	if err != nil {
		return err
	}
	l.After = ask.After
	service := p.Service(r)
	if l.LeasePage, err = service.LeasePage(r.Context(), ask); err != nil {
		return err
	}
	if only, found := l.only(); found && r.Header.Get("HX-Request") == "" && q.Get("search") != "" && !q.Has("list") {
		sendTo(w, r, leasePath(only)) // two keystrokes: the search and its only answer
		return nil
	}
	export := url.Values{}
	for _, name := range []string{"search", "state", "network"} {
		if v := q.Get(name); v != "" {
			export.Set(name, v)
		}
	}
	l.Export = export.Encode()
	if l.Networks, err = p.networkNames(r); err != nil {
		return err
	}
	return p.show(w, r, "leases", "/leases", l)
}

// only returns the address of the one lease that there is, where it was asked for by what names it.
func (l *leaseList) only() (netip.Addr, bool) {
	if len(l.Leases) != 1 || l.After.IsValid() {
		return netip.Addr{}, false
	}
	f := l.Leases[0]
	a, err := netip.ParseAddr(l.Search)
	return f.Address, err == nil && a == f.Address || f.Matched == "hardware" && len(l.Search) == len(f.Hardware)
}

func leaseQuery(q url.Values) (ask node.LeaseQuery, err error) {
	ask = node.LeaseQuery{Search: q.Get("search"), Limit: pageSize}
	ask.Network = q.Get("network")
	if len(ask.Search) > node.MaxSearch {
		return ask, wrong("That is too long to search for", "Give a part of it: at most "+strconv.Itoa(node.MaxSearch)+" octets are compared.")
	}
	if s := q.Get("state"); s != "" {
		var ok bool
		if ask.State, ok = binding.ParseState(s); !ok {
			return ask, wrong("There is no such state of a lease", "Choose one from the list.")
		}
	}
	if s := q.Get("after"); s != "" {
		if ask.After, err = netip.ParseAddr(s); err != nil {
			return ask, wrong("That is not where a page of leases begins", "Go back to the first page.")
		}
	}
	return ask, nil
}

// networkNames returns the networks that there are pools on.
func (p *pages) networkNames(r *http.Request) (names []string, err error) {
	st, err := p.Service(r).Status(r.Context())
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, pool := range st.Pools {
		if !seen[pool.Network] {
			seen[pool.Network] = true
			names = append(names, pool.Network)
		}
	}
	return names, nil
}

// staleList is what the page of clients with something older shows.
type staleList struct {
	Now  time.Time
	Rows []node.StaleRow
	// More says that there are others.
	More bool
}

// maxStale is how many stale clients a page shows.
const maxStale = 200

func (p *pages) stale(w http.ResponseWriter, r *http.Request) error {
	l := staleList{Now: p.Now()}
	err := p.Service(r).Stale(r.Context(), node.StaleFilter{Limit: maxStale + 1}, func(row node.StaleRow) error {
		if l.More = len(l.Rows) == maxStale; !l.More {
			l.Rows = append(l.Rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.show(w, r, "stale", "/leases", l)
}
