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

	"github.com/danielgtaylor/huma/v2"

	"github.com/lessor-dhcp/lessor/internal/access"
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
		return c, &Problem{Status: http.StatusNotImplemented, Title: "not here", Detail: "this server does not do that", Remedy: "ask another member of the group"}
	}
	return c, nil
}

// staleAsked are the parameters of GET /stale.
type staleAsked struct {
	Client  string `query:"client" doc:"A client: its hardware address, client identifier or host name." example:"02:00:00:00:00:07"`
	Address string `query:"address" doc:"An address, or a prefix within which." example:"198.51.100.0/24"`
	Cause   string `query:"cause" doc:"Why it is stale, or the beginning of that." example:"configuration changed"`
	Limit   int    `query:"limit" minimum:"1" doc:"How many at most; all where none is said." example:"100"`
	FormatAsked
}

// filter returns what is asked for.
func (in *staleAsked) filter() (f node.StaleFilter, err error) {
	f.Limit = in.Limit
	if in.Client != "" {
		f.Client = node.ParseClient(in.Client)
	}
	if in.Address != "" {
		if f.Address, err = ParsePrefix(in.Address); err != nil {
			return f, err
		}
	}
	if in.Cause != "" {
		f.Cause, err = ParseCause(in.Cause)
	}
	return f, err
}

// staleQuery is the inverse of filter.
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

// driftAsked are the parameters of GET /drift.
type driftAsked struct {
	With string `query:"with" doc:"The member to compare with; the other one where none is named." example:"east"`
}

func (a *surface) addComparisons() {
	s := a.server
	askStream[node.StaleRow](a, operation{method: http.MethodGet, path: base + "stale", id: "stale", tag: tagLeases, role: access.Viewer, room: s.streams, fails: []int{409, 501},
		summary: "Clients that hold something else than they would get", about: "One a line, in no particular order. As `lessor stale --json`."}, finite,
		func(ctx context.Context, in *staleAsked, t *stream) error {
			f, err := in.filter()
			if err != nil {
				return err
			}
			c, err := able[staleLister](s)
			if err != nil {
				return err
			}
			return c.Stale(ctx, f, func(row *node.StaleRow) error { return t.add(row) })
		})
	askRaw(a, operation{method: http.MethodGet, path: base + "drift", id: "drift", tag: tagConfig, role: access.Viewer, room: s.compares, takes: changeTime, fails: []int{409, 501},
		summary: "Where two members would treat clients differently", about: progressing + " As `lessor drift --json`.", content: linesOf[Progress[node.DriftReport]](a)},
		func(w http.ResponseWriter, r *http.Request, in *driftAsked) error {
			c, err := able[drifter](s)
			if err != nil {
				return err
			}
			return compared(s, w, func(progress func(done, total int)) (*node.DriftReport, error) {
				return c.Drift(r.Context(), binding.Member(in.With), progress)
			})
		})
	askRaw(a, operation{method: http.MethodPost, path: base + "config/what-if", id: "what-if", tag: tagConfig, role: access.Viewer, room: s.compares, takes: changeTime,
		body: s.document(), fails: []int{409, 422, 501}, summary: "What a document would change", long: []string{"comment", "file"},
		about:   "Who would get something else, who would lose an address, which pool would run out. Nothing is changed. " + progressing + " As `lessor config apply --what-if`.",
		content: linesOf[Progress[node.WhatIfReport]](a)},
		func(w http.ResponseWriter, r *http.Request, in *DocumentSaid) error { return s.configWhatIf(w, r, in) })
	a.alsoJSON(base+"config/what-if", exampleDocument)
	ask(a, operation{method: http.MethodPost, path: base + "rehome", id: "rehome", tag: tagLeases, role: access.Operator, room: s.answers, body: s.smallJSON(), fails: []int{404, 409, 501},
		summary: "Give a lease another home", about: "The member whose environment its client is given. Answers the lease as it is then. As `lessor rehome`."},
		func(ctx context.Context, in *told[rehoming]) (node.LeaseDetail, error) { return s.rehome(ctx, in.Body) })
}

const progressing = "Lines say how far it is; the last one has the report, or the problem."

// linesOf describes an answer of lines, each a T.
func linesOf[T any](a *surface) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{ndjson: {Schema: schemaOf[T](a)}}
}

func (s *Server) configWhatIf(w http.ResponseWriter, r *http.Request, in *DocumentSaid) error {
	c, err := able[trier](s)
	if err != nil {
		return err
	}
	versions, err := s.configurer()
	if err != nil {
		return err
	}
	q, err := in.change()
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

func (s *Server) rehome(ctx context.Context, q rehoming) (d node.LeaseDetail, err error) {
	switch {
	case !q.Address.IsValid() || q.Address.Zone() != "":
		return d, badRequest("address is missing: the one whose home is to be another")
	case q.To == "":
		return d, badRequest("to is missing: the member that is to be its home")
	}
	c, err := able[rehomer](s)
	if err != nil {
		return d, err
	}
	q.Address = q.Address.Unmap()
	if err := c.Rehome(ctx, q.Address, q.To); err != nil {
		return d, err
	}
	return s.lease(ctx, q.Address)
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
		return nil, &NoServerError{Socket: c.where, Remedy: "the answer was cut short: the server stopped", Err: err}
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
