package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// progressTime is how often a long comparison says how far it is.
const progressTime = 200 * time.Millisecond

// Progress is one line of an answer that takes long: how far it is, or, as the last one, the report or what went wrong.
type Progress[R any] struct {
	Done    int      `json:"done,omitempty"`
	Total   int      `json:"total,omitempty"`
	Report  *R       `json:"report,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
}

// The parts of node.Comparer, each of which a node may have without the others.
type (
	staleLister interface {
		Stale(ctx context.Context, f node.StaleFilter, each func(*node.StaleRow) error) error
	}
	trier interface {
		WhatIf(ctx context.Context, doc *config.Document, progress func(done, total int)) (*node.WhatIfReport, error)
	}
	drifter interface {
		Drift(ctx context.Context, with binding.Member, progress func(done, total int)) (*node.DriftReport, error)
	}
	rehomer interface {
		Rehome(ctx context.Context, addr netip.Addr, to binding.Member) error
	}
)

// able returns the reporter as one that can do T.
func able[T any](s *Server) (T, error) {
	c, ok := s.reporter.(T)
	if !ok {
		return c, &Problem{Status: http.StatusNotImplemented, Title: "not here", Detail: "this server does not compare what clients have with what they would get",
			Remedy: "look at single leases: `lessor lease ADDR`"}
	}
	return c, nil
}

// parseStaleFilter reads the query of GET /stale.
func parseStaleFilter(q url.Values) (f node.StaleFilter, err error) {
	err = fields{
		"client":  func(s string) error { f.Client = node.ParseClient(s); return nil },
		"address": func(s string) (err error) { f.Address, err = ParsePrefix(s); return err },
		"cause":   func(s string) (err error) { f.Cause, err = ParseCause(s); return err },
		"limit": func(s string) (err error) {
			if f.Limit, err = strconv.Atoi(s); err != nil || f.Limit < 1 {
				return badRequest("limit is a positive number, not %q", s)
			}
			return nil
		},
	}.read(q)
	return f, err
}

// staleQuery is the inverse of parseStaleFilter.
func staleQuery(f node.StaleFilter) url.Values {
	q := url.Values{}
	set(q, "client", f.Client.String())
	set(q, "cause", f.Cause)
	if f.Address.IsValid() {
		q.Set("address", f.Address.String())
	}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return q
}

func (s *Server) stale(w http.ResponseWriter, r *http.Request) error {
	f, err := parseStaleFilter(r.URL.Query())
	if err != nil {
		return err
	}
	c, err := able[staleLister](s)
	if err != nil {
		return err
	}
	t := s.stream(w, ndjson)
	err = c.Stale(r.Context(), f, func(row *node.StaleRow) error { return t.add(row) })
	if err == nil {
		err = t.flush()
	}
	return t.cutShort(err)
}

func (s *Server) configWhatIf(w http.ResponseWriter, r *http.Request, versions node.Configurer) error {
	c, err := able[trier](s)
	if err != nil {
		return err
	}
	q, err := s.readDocument(w, r)
	if err != nil {
		return err
	}
	doc, parent, err := q.parsed()
	if err != nil {
		return err
	}
	st, err := versions.ConfigStatus(r.Context())
	if err != nil {
		return err
	}
	return compared(s, w, func(progress func(done, total int)) (*node.WhatIfReport, error) {
		report, err := c.WhatIf(r.Context(), doc, progress)
		if err == nil && !parent.IsZero() && parent.String() != st.Tip {
			report.Notes = append(report.Notes, "the configuration was changed since version "+parent.Short()+", which this was written against: applied, it is merged with that; here it is looked at as it is")
		}
		return report, err
	})
}

func (s *Server) drift(w http.ResponseWriter, r *http.Request) error {
	var with binding.Member
	err := fields{"with": func(text string) error { with = binding.Member(text); return nil }}.read(r.URL.Query())
	if err != nil {
		return err
	}
	c, err := able[drifter](s)
	if err != nil {
		return err
	}
	s.extend(w, changeTime)
	return compared(s, w, func(progress func(done, total int)) (*node.DriftReport, error) {
		return c.Drift(r.Context(), with, progress)
	})
}

// compared streams how far a comparison is, and then what came of it.
func compared[R any](s *Server, w http.ResponseWriter, compare func(progress func(done, total int)) (*R, error)) error {
	t := s.stream(w, ndjson)
	var said time.Time
	var broken error
	report, err := compare(func(done, total int) {
		if now := time.Now(); broken == nil && now.Sub(said) >= progressTime {
			said = now
			if broken = t.add(Progress[R]{Done: done, Total: total}); broken == nil {
				broken = t.flush()
			}
		}
	})
	if broken != nil {
		return t.cutShort(broken)
	}
	if err != nil && !t.begun {
		return err
	}
	last := Progress[R]{Report: report}
	if err != nil {
		last = Progress[R]{Problem: problemOf(err)}
	}
	if err = t.add(last); err == nil {
		err = t.flush()
	}
	return t.cutShort(err)
}

// rehoming is the body of POST /rehome.
type rehoming struct {
	Address netip.Addr     `json:"address"`
	To      binding.Member `json:"to"`
}

func (s *Server) rehome(w http.ResponseWriter, r *http.Request) error {
	var q rehoming
	if err := s.readBody(w, r, &q); err != nil {
		return err
	}
	switch {
	case !q.Address.IsValid() || q.Address.Zone() != "":
		return badRequest("address is missing: the one whose home is to be another")
	case q.To == "":
		return badRequest("to is missing: the member that is to be its home")
	}
	c, err := able[rehomer](s)
	if err != nil {
		return err
	}
	q.Address = q.Address.Unmap()
	if err := c.Rehome(r.Context(), q.Address, q.To); err != nil {
		return err
	}
	d, known, err := s.reporter.Lease(r.Context(), q.Address)
	switch {
	case err != nil:
		return err
	case !known:
		return noRecord(q.Address)
	}
	return answer(w, d)
}

// Stale does what node.Comparer's does.
func (c *Client) Stale(ctx context.Context, f node.StaleFilter, each func(node.StaleRow) error) error {
	return lines(ctx, c, "/api/v1/stale", staleQuery(f), each)
}

// WhatIf says what would become of the clients if the document of r were the head, and changes nothing. progress, if not nil, is
// told how far the server is.
func (c *Client) WhatIf(ctx context.Context, r node.ApplyRequest, progress func(done, total int)) (*node.WhatIfReport, error) {
	resp, err := c.slowly().carryDocument(ctx, "/api/v1/config/what-if", &r)
	if err != nil {
		return nil, err
	}
	return reported[node.WhatIfReport](c, resp, progress)
}

// Drift does what node.Comparer's does.
func (c *Client) Drift(ctx context.Context, with binding.Member, progress func(done, total int)) (*node.DriftReport, error) {
	q := url.Values{}
	set(q, "with", string(with))
	resp, err := c.slowly().ask(ctx, "/api/v1/drift", q)
	if err != nil {
		return nil, err
	}
	return reported[node.DriftReport](c, resp, progress)
}

// Rehome does what node.Comparer's does, and returns the lease as it is then.
func (c *Client) Rehome(ctx context.Context, addr netip.Addr, to binding.Member) (d node.LeaseDetail, err error) {
	return d, c.post(ctx, "/api/v1/rehome", rehoming{addr, to}, &d)
}

var errReported = errors.New("the report is here")

// reported reads an answer that says how far it is before it comes.
func reported[R any](c *Client, resp *http.Response, progress func(done, total int)) (report *R, err error) {
	defer resp.Body.Close()
	ended, err := eachLineOf(resp.Body, maxAnswer, func(l Progress[R]) error {
		switch {
		case l.Problem != nil:
			return l.Problem
		case l.Report != nil:
			report = l.Report
			return errReported
		case progress != nil:
			progress(l.Done, l.Total)
		}
		return nil
	})
	switch {
	case errors.Is(err, errReported):
		return report, nil
	case ended:
		return nil, &NoServerError{Socket: c.socket, Remedy: "the answer was cut short: the server stopped", Err: err}
	}
	return nil, err
}

// ParseCause reads why a client holds something else than it would get. The beginning is enough where it is that of no other.
func ParseCause(s string) (string, error) {
	var found, all []string
	for _, cause := range ledger.Causes() {
		name := cause.String()
		if name == s {
			return name, nil
		}
		if strings.HasPrefix(name, s) {
			found = append(found, name)
		}
		all = append(all, name)
	}
	if len(found) != 1 {
		return "", badRequest("%q is not a cause; causes are %s", s, strings.Join(all, ", "))
	}
	return found[0], nil
}
