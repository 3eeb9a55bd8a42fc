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

	"github.com/lessor-dhcp/lessor/internal/node"
)

// maxBody is the longest body of a request, MaxReason the longest reason in it, in octets: what is kept has room for that.
const (
	maxBody   = 4 << 10
	MaxReason = 160
)

// bodyTime is how long a body may take to come.
const bodyTime = 5 * time.Second

// command wraps what carries out a POST whose body is a JSON object.
func (s *Server) command(carryOut func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := refuseCommand(w, r); p != nil {
			w.Header().Set("Connection", "close") // what follows is not read
			p.write(w)
			return
		}
		within(s.answers, w, r, carryOut)
	})
}

// refuseCommand returns what is wrong with a command before its body is looked at, nil if nothing. A page of another site
// cannot have a browser send this content type without asking.
func refuseCommand(w http.ResponseWriter, r *http.Request) *Problem {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &Problem{Status: http.StatusMethodNotAllowed, Title: "method not allowed", Detail: "this changes something, so only POST is answered here"}
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return &Problem{Status: http.StatusUnsupportedMediaType, Title: "unsupported media type", Detail: "a command is a JSON object, with Content-Type: application/json"}
	}
	if r.ContentLength > maxBody {
		return &Problem{Status: http.StatusRequestEntityTooLarge, Title: "body too large", Detail: fmt.Sprintf("a command has at most %d octets", maxBody)}
	}
	return nil
}

// readBody reads the object that a command is. A key that is not known is an error, since a misspelt one could mean the
// opposite.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, into any) error {
	if err := (fields{}).read(r.URL.Query()); err != nil {
		return err
	}
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Problem{Status: http.StatusRequestEntityTooLarge, Title: "body too large", Detail: fmt.Sprintf("a command has at most %d octets", maxBody)}
	}
	if err != nil {
		return badRequest("the command did not come whole: %v", err)
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
func CheckReason(reason string) error {
	switch {
	case len(reason) > MaxReason:
		return badRequest("the reason has %d octets, and %d is the most", len(reason), MaxReason)
	case !utf8.ValidString(reason) || strings.ContainsFunc(reason, Steers):
		return badRequest("the reason must be one line of text")
	}
	return nil
}

func (s *Server) partnerDown(w http.ResponseWriter, r *http.Request) error {
	var q node.PartnerDownRequest
	if err := s.readBody(w, r, &q); err != nil {
		return err
	}
	if q.Partner == "" {
		return badRequest("partner is missing: the name of the other server")
	}
	if err := CheckReason(q.Reason); err != nil {
		return err
	}
	if err := s.reporter.PartnerDown(r.Context(), q); err != nil {
		return err
	}
	return s.answerPartner(w, r)
}

// pause is the body of POST /maintenance.
type pause struct {
	On *bool `json:"on"`
}

func (s *Server) maintenance(w http.ResponseWriter, r *http.Request) error {
	var q pause
	if err := s.readBody(w, r, &q); err != nil {
		return err
	}
	if q.On == nil {
		return badRequest("on is missing: true or false")
	}
	if err := s.reporter.Maintenance(r.Context(), *q.On); err != nil {
		return err
	}
	return s.answerPartner(w, r)
}

// answerPartner answers with how the two servers stand after a command.
func (s *Server) answerPartner(w http.ResponseWriter, r *http.Request) error {
	st, err := s.reporter.Status(r.Context())
	if err != nil {
		return err
	}
	var p node.PartnerStatus
	if len(st.Partners) > 0 {
		p = st.Partners[0]
	}
	return answer(w, p)
}

// PartnerDown does what node.Reporter's PartnerDown does, and returns how the two servers stand then. A refusal is a
// *Problem with its remedy.
func (c *Client) PartnerDown(ctx context.Context, r node.PartnerDownRequest) (p node.PartnerStatus, err error) {
	return p, c.post(ctx, "/api/v1/partner-down", r, &p)
}

// Maintenance does what node.Reporter's Maintenance does, and returns how the two servers stand then.
func (c *Client) Maintenance(ctx context.Context, on bool) (p node.PartnerStatus, err error) {
	return p, c.post(ctx, "/api/v1/maintenance", pause{&on}, &p)
}

// post sends one command and reads its answer.
func (c *Client) post(ctx context.Context, path string, command, into any) error {
	b, err := json.Marshal(command)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://lessor"+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.send(ctx, req)
	if err != nil {
		return err
	}
	return c.read(resp, into)
}
