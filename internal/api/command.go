package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// maxBody is the longest body of a request, MaxReason the longest reason in it, in octets: what is kept has room for that.
const (
	maxBody   = 4 << 10
	MaxReason = 160
)

// bodyTime is how long a body may take to come.
const bodyTime = 5 * time.Second

// smallJSON is the body of a command.
func (s *Server) smallJSON() *bodyRule {
	return &bodyRule{most: maxBody, types: []string{jsonType}, within: s.bodyTime}
}

func unsupported(types []string) *Problem {
	return &Problem{Status: http.StatusUnsupportedMediaType, Title: "unsupported media type",
		Detail: "a command is a JSON object, with Content-Type: " + strings.Join(types, ", or ")}
}

// mediaType returns what the body of a request is said to be; empty: nothing that can be understood.
func mediaType(r *http.Request) string { return mediaTypeOf(r.Header.Get("Content-Type")) }

func mediaTypeOf(header string) string {
	t, _, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return t
}

func tooLarge(most int64) *Problem {
	return &Problem{Status: http.StatusRequestEntityTooLarge, Title: "body too large", Detail: fmt.Sprintf("this command has at most %d octets", most)}
}

// readObject reads the object that a command is. A key that is not known is an error, since a misspelt one could mean the
// opposite.
func readObject(b []byte, into any) error {
	if !utf8.Valid(b) { // package json would put something else in its place
		return badRequest("the command is not text in UTF-8, as JSON is (RFC 8259 §8.1)")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return badRequest("the command is not a JSON object as it should be: %v", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badRequest("there is more than one JSON object")
	}
	return nil
}

// CheckReason returns what is wrong with a reason that is to be kept, nil if nothing.
func CheckReason(reason string) error { return checkLine("reason", reason, MaxReason) }

// CheckComment returns what is wrong with the comment of a version, nil if nothing.
func CheckComment(comment string) error { return checkLine("comment", comment, version.MaxComment) }

func checkLine(what, text string, most int) error {
	switch {
	case len(text) > most:
		return badRequest("the %s has %d octets, and %d is the most", what, len(text), most)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, Steers):
		return badRequest("the %s must be one line of text", what)
	}
	return nil
}

// downSaid is the body of POST /partner-down.
type downSaid struct {
	// Partner is the name of the other server.
	Partner string `json:"partner"`
	// NeverServed says that it has never served anybody.
	NeverServed bool `json:"never_served,omitempty"`
	// Force says that it is down whatever speaks against it; Reason is why that is said, and is kept.
	Force  bool   `json:"force,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// pause is the body of POST /maintenance.
type pause struct {
	// On begins a pause in which clients are left to the other server, or ends it.
	On bool `json:"on"`
}

// told is the input of a command whose body is a T.
type told[T any] struct{ Body T }

// Partners is what GET /api/v1/partners says.
type Partners struct {
	Partners []node.PartnerStatus `json:"partners"`
}

func (a *surface) addPartner() {
	s := a.server
	ask(a, operation{method: http.MethodGet, path: base + "partners", id: "partners", tag: tagFailover, role: access.Viewer, room: s.answers,
		summary: "How this server stands with the others", about: "The failover relationships; a server that stands alone has none."},
		func(ctx context.Context, _ *nothingAsked) (Partners, error) {
			st, err := s.reporter.Status(ctx)
			return Partners{notNil(st.Partners)}, err
		})
	ask(a, operation{method: http.MethodPost, path: base + "partner-down", id: "partner-down", tag: tagFailover, role: access.Operator, room: s.answers,
		body: s.smallJSON(), fails: []int{409}, summary: "Say that the other server does not serve",
		about: "From then on this server serves all clients; the other's free addresses after the MCLT. **Wrong while the other serves**: two clients can get one address. " +
			"Refused while it can be reached, unless `force` is true and `reason` says why. Answers how the two stand then. As `lessor partner-down`."},
		func(ctx context.Context, in *told[downSaid]) (node.PartnerStatus, error) {
			q := node.PartnerDownRequest(in.Body)
			if q.Partner == "" {
				return node.PartnerStatus{}, badRequest("partner is missing: the name of the other server")
			}
			if err := CheckReason(q.Reason); err != nil {
				return node.PartnerStatus{}, err
			}
			return s.standing(ctx, s.reporter.PartnerDown(ctx, q))
		})
	ask(a, operation{method: http.MethodPost, path: base + "maintenance", id: "maintenance", tag: tagFailover, role: access.Operator, room: s.answers,
		body: s.smallJSON(), fails: []int{409}, summary: "Begin or end a pause",
		about: "In a pause clients are left to the other server. Answers how the two stand then. As `lessor maintenance`."},
		func(ctx context.Context, in *told[pause]) (node.PartnerStatus, error) {
			return s.standing(ctx, s.reporter.Maintenance(ctx, in.Body.On))
		})
}

// standing returns how the two servers stand after a command, or why it is not carried out.
func (s *Server) standing(ctx context.Context, refused error) (p node.PartnerStatus, err error) {
	if refused != nil {
		return p, refused
	}
	st, err := s.reporter.Status(ctx)
	if err == nil && len(st.Partners) > 0 {
		p = st.Partners[0]
	}
	return p, err
}

// PartnerDown does what node.Reporter's PartnerDown does, and returns how the two servers stand then. A refusal is a
// *Problem with its remedy.
func (c *Client) PartnerDown(ctx context.Context, r node.PartnerDownRequest) (p node.PartnerStatus, err error) {
	return p, c.post(ctx, "/api/v1/partner-down", r, &p)
}

// Maintenance does what node.Reporter's Maintenance does, and returns how the two servers stand then.
func (c *Client) Maintenance(ctx context.Context, on bool) (p node.PartnerStatus, err error) {
	return p, c.post(ctx, "/api/v1/maintenance", pause{on}, &p)
}

// post sends one command and reads its answer.
func (c *Client) post(ctx context.Context, path string, command, into any) error {
	resp, err := c.carry(ctx, path, command)
	if err != nil {
		return err
	}
	return c.read(resp, into)
}

// carry sends one command and returns its answer, if it is one. The caller closes its body.
func (c *Client) carry(ctx context.Context, path string, command any) (*http.Response, error) {
	b, err := json.Marshal(command)
	if err != nil {
		return nil, err
	}
	req, err := c.request(ctx, http.MethodPost, path, nil, b)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return c.send(ctx, req)
}
