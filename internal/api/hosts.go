package api

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// maxHost is the longest body of a host entry, in octets.
const maxHost = 64 << 10

// hostNamed is a host, named by its path.
type hostNamed struct {
	Name string `path:"name" doc:"The name of the entry." example:"printer1"`
}

// ChangeAsked is what stands beside a change of a host.
type ChangeAsked struct {
	IfMatch string   `header:"If-Match" doc:"The version that the change is written against, as an ETag says it: what others changed since is merged, or refused."`
	Comment string   `query:"comment" doc:"Why: kept with the version." example:"a printer for floor 1"`
	Yes     bool     `query:"yes" doc:"Takes the consequences that are otherwise refused with confirm."`
	From    []string `query:"from,explode" doc:"Addresses where the operator sits, whose subnet is not to be dropped unasked." example:"[\"10.9.0.7\"]"`
}

// request returns what the node is told beside the change itself.
func (in *ChangeAsked) request(ctx context.Context) (node.ApplyRequest, error) {
	q := change{Comment: in.Comment, Yes: in.Yes}
	for _, text := range in.From {
		a, err := parseAddr(text)
		if err != nil {
			return node.ApplyRequest{}, err
		}
		q.From = append(q.From, a)
	}
	return q.request(ctx), q.check()
}

// against returns the version that a change is written against, empty where it does not say.
func (in *ChangeAsked) against() (string, error) {
	id, ok := strings.CutPrefix(in.IfMatch, `"`)
	id, closed := strings.CutSuffix(id, `"`)
	switch {
	case in.IfMatch == "" || in.IfMatch == "*":
		return "", nil
	case !ok || !closed:
		return "", badRequest("If-Match is the ETag of the configuration, in quotes")
	}
	return ParseVersion(id)
}

// HostSaid is the body of PUT /hosts/NAME: either text says all of the entry, or the other keys do.
type HostSaid struct {
	// Text is the entry as YAML, without its name.
	Text string `json:"text,omitempty" example:"{hardware: 02:00:00:00:00:07, address: 198.51.100.9}"`

	// What its client is known by; all that is given must match.
	Hardware     string `json:"hardware,omitempty"`
	ClientID     string `json:"client_id,omitempty"`
	CircuitID    string `json:"circuit_id,omitempty"`
	RemoteID     string `json:"remote_id,omitempty"`
	SubscriberID string `json:"subscriber_id,omitempty"`
	// Address is reserved for it.
	Address netip.Addr `json:"address,omitzero"`
	// Options are what it sets, each as it would stand in a document.
	Options map[string]string `json:"options,omitempty"`
}

// newHost is the body of POST /hosts.
type newHost struct {
	// Name is what the entry is called.
	Name string `json:"name"`
	HostSaid
}

// hostCreated, hostChanged and hostGone are the inputs of the changes of a host.
type (
	hostCreated struct {
		ChangeAsked
		Body newHost
	}
	hostChanged struct {
		Name string `path:"name" doc:"The name of the entry." example:"printer1"`
		ChangeAsked
		Body HostSaid
	}
	hostGone struct {
		Name string `path:"name" doc:"The name of the entry." example:"printer1"`
		ChangeAsked
	}
)

func (h *HostSaid) edit(name string) node.HostEdit {
	return node.HostEdit{Name: name, Text: h.Text, Hardware: h.Hardware, ClientID: h.ClientID, CircuitID: h.CircuitID, RemoteID: h.RemoteID,
		SubscriberID: h.SubscriberID, Address: h.Address, Options: h.Options}
}

func (a *surface) addHosts() {
	s := a.server
	askStream[node.HostRow](a, operation{method: http.MethodGet, path: base + "hosts", id: "hosts", tag: tagConfig, role: access.Viewer, room: s.streams, fails: []int{409, 501},
		summary: "The hosts of the configuration", about: "Reservations and other entries of `hosts:`, one a line, by name."}, finite,
		func(ctx context.Context, _ *hostsAsked, t *stream) error {
			c, err := able[node.Steward](s)
			if err != nil {
				return err
			}
			return c.Hosts(ctx, func(row node.HostRow) error { row.Options = notNilMap(row.Options); return t.add(&row) })
		})
	ask(a, operation{method: http.MethodGet, path: base + "hosts/{name}", id: "host", tag: tagConfig, role: access.Viewer, room: s.answers, fails: []int{404, 409, 501},
		summary: "One host"}, s.host)
	changing := func(method, path, id, summary, about string, body *bodyRule) operation {
		return operation{method: method, path: base + path, id: id, tag: tagConfig, role: access.Operator, room: s.changes, takes: changeTime, body: body, long: []string{"comment"},
			fails: []int{404, 409, 422, 501}, summary: summary, about: about + " This makes a version of the configuration, of the whole group; everything else of the document stays as it is written."}
	}
	entry := &bodyRule{most: maxHost, types: []string{jsonType}, within: s.bodyTime}
	making := changing(http.MethodPost, "hosts", "host-create", "Make a host", "Refused where there is one of that name. It is at its path once its version is adopted.", entry)
	making.makes = always
	askMaking(a, making,
		func(ctx context.Context, in *hostCreated) (node.Applied, string, error) {
			h := in.Body.edit(in.Body.Name)
			h.Create = true
			return s.putHost(ctx, h, &in.ChangeAsked)
		})
	making = changing(http.MethodPut, "hosts/{name}", "host-put", "Make a host, or change it", "The entry is afterwards as the body says. With `If-Match: *` there must be one.", entry)
	making.makes = sometimes
	askMaking(a, making,
		func(ctx context.Context, in *hostChanged) (node.Applied, string, error) {
			h := in.Body.edit(in.Name)
			h.Change = in.IfMatch == "*"
			return s.putHost(ctx, h, &in.ChangeAsked)
		})
	ask(a, changing(http.MethodDelete, "hosts/{name}", "host-delete", "Take a host out", "Its client keeps its lease until that ends.", nil), s.deleteHost)
}

// hostsAsked are the parameters of GET /hosts.
type hostsAsked struct{ FormatAsked }

func (s *Server) host(ctx context.Context, in *hostNamed) (row node.HostRow, err error) {
	c, err := able[node.Steward](s)
	if err != nil {
		return row, err
	}
	row, known, err := c.Host(ctx, in.Name)
	if err == nil && !known {
		err = &Problem{Status: http.StatusNotFound, Title: "no such host", Detail: "the configuration has no host " + strconv.Quote(clipped(in.Name)), Remedy: "GET /api/v1/hosts lists them"}
	}
	row.Options = notNilMap(row.Options)
	return row, err
}

// putHost carries out a change of a host, and returns its path where there was none of that name before.
func (s *Server) putHost(ctx context.Context, h node.HostEdit, beside *ChangeAsked) (a node.Applied, at string, err error) {
	c, err := able[node.Steward](s)
	if err != nil {
		return a, "", err
	}
	if err := checkLine("name of the host", h.Name, maxValue); err != nil {
		return a, "", err
	}
	r, err := beside.request(ctx)
	if err != nil {
		return a, "", err
	}
	r.File = cmp.Or(r.File, "host "+h.Name)
	if h.If, err = beside.against(); err != nil {
		return a, "", err
	}
	if a, err = c.HostPut(ctx, h, r); err == nil && a.Created {
		at = base + "hosts/" + url.PathEscape(h.Name)
	}
	return a, at, err
}

func (s *Server) deleteHost(ctx context.Context, in *hostGone) (a node.Applied, err error) {
	c, err := able[node.Steward](s)
	if err != nil {
		return a, err
	}
	r, err := in.request(ctx)
	if err != nil {
		return a, err
	}
	against, err := in.against()
	if err != nil {
		return a, err
	}
	return c.HostDelete(ctx, in.Name, against, r)
}

// releaseSaid is the body of POST /leases/ADDRESS/release.
type releaseSaid struct {
	// Reason is why; it is kept.
	Reason string `json:"reason,omitempty"`
}

func (a *surface) addRelease() {
	s := a.server
	ask(a, operation{method: http.MethodPost, path: base + "leases/{address}/release", id: "release", tag: tagLeases, role: access.Operator, room: s.answers, body: s.smallJSON(), fails: []int{404, 409, 501},
		summary: "Give a lease up in its client's place", about: "As if the client had released it. The client is not told: it goes on using the address until it asks again, so be sure that it is gone. Answers the lease as it is then."},
		s.release)
}

// released is the input of POST /leases/ADDRESS/release.
type released struct {
	Address string `path:"address" doc:"The address." example:"198.51.100.50"`
	Body    releaseSaid
}

func (s *Server) release(ctx context.Context, in *released) (d node.LeaseDetail, err error) {
	addr, err := parseAddr(in.Address)
	if err == nil {
		err = CheckReason(in.Body.Reason)
	}
	if err != nil {
		return d, err
	}
	c, err := able[node.Steward](s)
	if err != nil {
		return d, err
	}
	if err := c.Release(ctx, addr, node.ReleaseRequest{Reason: in.Body.Reason, By: authorOf(ctx)}); err != nil {
		return d, err
	}
	return s.lease(ctx, addr)
}

// notNilMap returns an empty map for none, which JSON would make null.
func notNilMap[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}
