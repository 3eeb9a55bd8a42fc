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
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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

// command wraps what carries out a POST whose body is a small JSON object.
func (s *Server) command(carryOut func(http.ResponseWriter, *http.Request) error) http.Handler {
	return carry(s.answers, maxBody, []string{"application/json"}, carryOut)
}

// carry wraps what carries out a POST whose body is of one of the types and has at most so many octets. More than room at once
// are refused.
func carry(room chan struct{}, most int64, types []string, carryOut func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := refuseCommand(w, r, most, types); p != nil {
			w.Header().Set("Connection", "close") // what follows is not read
			p.write(w)
			return
		}
		within(room, w, r, carryOut)
	})
}

// refuseCommand returns what is wrong with a command before its body is looked at, nil if nothing. A page of another site
// cannot have a browser send such a content type without asking.
func refuseCommand(w http.ResponseWriter, r *http.Request, most int64, types []string) *Problem {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &Problem{Status: http.StatusMethodNotAllowed, Title: "method not allowed", Detail: "this changes something, so only POST is answered here"}
	}
	if !slices.Contains(types, mediaType(r)) {
		return &Problem{Status: http.StatusUnsupportedMediaType, Title: "unsupported media type",
			Detail: "a command is a JSON object, with Content-Type: " + strings.Join(types, ", or ")}
	}
	if r.ContentLength > most {
		return tooLarge(most)
	}
	return nil
}

// mediaType returns what the body of a request is said to be; empty: nothing that can be understood.
func mediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

func tooLarge(most int64) *Problem {
	return &Problem{Status: http.StatusRequestEntityTooLarge, Title: "body too large", Detail: fmt.Sprintf("this command has at most %d octets", most)}
}

// readBody reads the small object that a command is.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, into any) error {
	if err := (fields{}).read(r.URL.Query()); err != nil {
		return err
	}
	b, err := s.readWithin(w, r, s.bodyTime, maxBody)
	if err != nil {
		return err
	}
	return readObject(b, into)
}

// readWithin reads the body of a command, which comes within d and has at most so many octets.
func (s *Server) readWithin(w http.ResponseWriter, r *http.Request, d time.Duration, most int64) ([]byte, error) {
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(d)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge(most)
	}
	if err != nil {
		return nil, badRequest("the command did not come whole: %v", err)
	}
	return b, nil
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://lessor"+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return c.send(ctx, req)
}
