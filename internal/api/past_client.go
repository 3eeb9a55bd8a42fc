package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// LeasePage does what node.Finder's LeasePage does.
func (c *Client) LeasePage(ctx context.Context, q node.LeaseQuery) (page node.LeasePage, err error) {
	if q.Limit == 0 {
		q.Limit = node.DefaultPage
	}
	resp, err := c.ask(ctx, "/api/v1/leases", leaseQueryOf(q))
	if err != nil {
		return page, err
	}
	defer resp.Body.Close()
	page.Total, _ = strconv.Atoi(resp.Header.Get("X-Total-Count"))
	page.Next = nextOf(resp.Header.Get("Link"))
	ended, err := eachLine(resp.Body, func(l node.FoundLease) error { page.Leases = append(page.Leases, l); return nil })
	if ended && err != nil {
		err = &NoServerError{Socket: c.where, Remedy: "the answer was cut short: the server stopped", Err: err}
	}
	page.Leases = notNil(page.Leases)
	return page, err
}

// FindLeases does what node.Finder's FindLeases does.
func (c *Client) FindLeases(ctx context.Context, q node.LeaseQuery, each func(node.FoundLease) error) error {
	if !ordered(&q) {
		q.After = netip.IPv4Unspecified() // which is nobody's: all of them, in order
	}
	return lines(ctx, c, "/api/v1/leases", leaseQueryOf(q), each)
}

// LeasesCSV writes what FindLeases shows as CSV (RFC 4180), with a heading; in order only where q asks for more than a filter.
func (c *Client) LeasesCSV(ctx context.Context, q node.LeaseQuery, w io.Writer) error {
	v := leaseQueryOf(q)
	v.Set("format", "csv")
	resp, err := c.ask(ctx, "/api/v1/leases", v)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("the answer of %s was cut short: %w", c.where, err)
	}
	return nil
}

func leaseQueryOf(q node.LeaseQuery) url.Values {
	v := leaseQuery(q.LeaseFilter)
	set(v, "search", q.Search)
	if q.After.IsValid() {
		v.Set("after", q.After.String())
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

// nextOf returns the cursor of the next page that a Link names (RFC 8288); invalid: there is none.
func nextOf(link string) (next netip.Addr) {
	target, rest, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if u, err := url.Parse(target); err == nil && strings.Contains(rest, `rel="next"`) {
		next, _ = netip.ParseAddr(u.Query().Get("after"))
	}
	return next
}

// AddressHistory does what node.Historian's does, as do those that follow.
func (c *Client) AddressHistory(ctx context.Context, addr netip.Addr, limit int) (h node.LeaseHistory, err error) {
	return h, c.get(ctx, historyOf(addr), historyQuery("address", limit), &h)
}

// ClientHistory returns what became of the leases of the client that has or last had an address; false if there is no record of the address.
func (c *Client) ClientHistory(ctx context.Context, addr netip.Addr, limit int) (h node.LeaseHistory, found bool, err error) {
	err = c.get(ctx, historyOf(addr), historyQuery("client", limit), &h)
	if p, ok := errors.AsType[*Problem](err); ok && p.Status == http.StatusNotFound {
		return h, false, nil
	}
	return h, err == nil, err
}

func historyOf(addr netip.Addr) string {
	return "/api/v1/leases/" + url.PathEscape(addr.String()) + "/history"
}

func historyQuery(of string, limit int) url.Values {
	q := url.Values{"of": {of}}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return q
}

// Timeline returns the states of both servers, the earliest first.
func (c *Client) Timeline(ctx context.Context) (t node.Timeline, err error) {
	return t, c.get(ctx, "/api/v1/timeline", nil, &t)
}

// Rates returns what the server did in each second of the last 5 minutes, or in each minute of the last day.
func (c *Client) Rates(ctx context.Context, span node.RateSpan) (r node.Rates, err error) {
	q := url.Values{}
	if span == node.Minutes {
		q.Set("span", "minutes")
	}
	return r, c.get(ctx, "/api/v1/rates", q, &r)
}

// PoolTrends returns how the pools filled, and when each will be empty at this rate.
func (c *Client) PoolTrends(ctx context.Context) ([]node.PoolTrend, error) {
	var t Trends
	return t.Pools, c.get(ctx, "/api/v1/pools/trends", nil, &t)
}

// Map does what node.Mapper's does.
func (c *Client) Map(ctx context.Context, p netip.Prefix) (m node.Map, err error) {
	return m, c.get(ctx, "/api/v1/map", url.Values{"prefix": {p.String()}}, &m)
}

// Pools returns how full the pools are, Partners how this server stands with the others.
func (c *Client) Pools(ctx context.Context) ([]node.PoolStatus, error) {
	var p Pools
	return p.Pools, c.get(ctx, "/api/v1/pools", nil, &p)
}

// Partners returns how this server stands with the others.
func (c *Client) Partners(ctx context.Context) ([]node.PartnerStatus, error) {
	var p Partners
	return p.Partners, c.get(ctx, "/api/v1/partners", nil, &p)
}

// Release does what node.Steward's does, and returns the lease as it is then. By is not sent: the server knows who asks.
func (c *Client) Release(ctx context.Context, addr netip.Addr, reason string) (d node.LeaseDetail, err error) {
	return d, c.post(ctx, "/api/v1/leases/"+url.PathEscape(addr.String())+"/release", releaseSaid{reason}, &d)
}

// Hosts calls each with the hosts of the head, by name, until each returns an error, which Hosts returns.
func (c *Client) Hosts(ctx context.Context, each func(node.HostRow) error) error {
	return lines(ctx, c, "/api/v1/hosts", nil, each)
}

// Host returns one of them; false if there is none of that name.
func (c *Client) Host(ctx context.Context, name string) (row node.HostRow, found bool, err error) {
	err = c.get(ctx, "/api/v1/hosts/"+url.PathEscape(name), nil, &row)
	if p, ok := errors.AsType[*Problem](err); ok && p.Status == http.StatusNotFound {
		return row, false, nil
	}
	return row, err == nil, err
}

// HostPut does what node.Steward's does. Of r, Comment, Yes and From are told.
func (c *Client) HostPut(ctx context.Context, h node.HostEdit, r node.ApplyRequest) (node.Applied, error) {
	entry := HostSaid{Text: h.Text, Hardware: h.Hardware, ClientID: h.ClientID, CircuitID: h.CircuitID, RemoteID: h.RemoteID, SubscriberID: h.SubscriberID, Address: h.Address, Options: h.Options}
	if h.Create {
		return c.changeHost(ctx, http.MethodPost, "/api/v1/hosts", h.If, r, newHost{h.Name, entry})
	}
	ifThere := h.If
	if h.Change && ifThere == "" {
		ifThere = "*"
	}
	return c.changeHost(ctx, http.MethodPut, "/api/v1/hosts/"+url.PathEscape(h.Name), ifThere, r, entry)
}

// HostDelete does what node.Steward's does.
func (c *Client) HostDelete(ctx context.Context, name, against string, r node.ApplyRequest) (node.Applied, error) {
	return c.changeHost(ctx, http.MethodDelete, "/api/v1/hosts/"+url.PathEscape(name), against, r, nil)
}

func (c *Client) changeHost(ctx context.Context, method, path, against string, r node.ApplyRequest, body any) (a node.Applied, err error) {
	q := url.Values{}
	set(q, "comment", r.Comment)
	if r.Yes {
		q.Set("yes", "true")
	}
	for _, addr := range r.From[:min(len(r.From), MaxFrom)] {
		q.Add("from", addr.String())
	}
	var b []byte
	if body != nil {
		if b, err = json.Marshal(body); err != nil {
			return a, err
		}
	}
	c = c.slowly()
	req, err := c.request(ctx, method, path, q, b)
	if err != nil {
		return a, err
	}
	if body != nil {
		req.Header.Set("Content-Type", jsonType)
	}
	switch against {
	case "":
	case "*":
		req.Header.Set("If-Match", against)
	default:
		req.Header.Set("If-Match", etag(against))
	}
	resp, err := c.send(ctx, req)
	if err != nil {
		return a, err
	}
	return a, c.read(resp, &a)
}
