package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// changesNothing are the operations by POST that only look, by their patterns.
var changesNothing = map[string]bool{"POST " + base + "config/what-if": true}

// calledOtherwise are the operations whose commands are not called as their paths.
var calledOtherwise = map[string]string{
	"POST " + base + "tokens":                   "token create",
	"DELETE " + base + "tokens/{id}":            "token revoke",
	"POST " + base + "leases/{address}/release": "release",
}

// changes reports whether a request is for something that is written down.
func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && !changesNothing[r.Pattern]
}

// request is a change that somebody asks for, as far as it is known before it is carried out.
type request struct {
	op   string // the command's name: config apply
	on   string // what it is done to; empty: not known
	said json.RawMessage
	body map[string]any // nil where it is long, or no object
}

// recorded has h carry out what id asks for, between two lines of the log.
func (s *Server) recorded(w http.ResponseWriter, r *http.Request, id access.Identity, h http.Handler) {
	q, p := s.look(w, r)
	if p != nil {
		unread(w, r)
		p.write(w)
		return
	}
	before := s.seen(r.Context(), q)
	line := access.By(id, q.op, q.on)
	line.Outcome, line.Request, line.Before = access.Begun, q.said, before
	begun, err := s.access.Record(line)
	if err != nil {
		unread(w, r)
		cannotRecord(err).write(w)
		return
	}
	held := &heldAnswer{ResponseWriter: w, status: http.StatusOK}
	line.Of, line.Outcome, line.Request = begun, access.Failed, nil
	defer func() { // also where the handler ends the connection by a panic
		line.After = nil
		if held.answered {
			line.Outcome = outcomeOf(held.status)
			line.Version, line.Detail = held.told()
			if after := s.seen(context.WithoutCancel(r.Context()), q); !bytes.Equal(after, before) {
				line.After = after
			}
		}
		if line.After == nil {
			line.Before = nil
		}
		if _, err := s.access.Record(line); err != nil { // that it was begun is written
			s.log.Error("what became of a change could not be written down", "of", begun, "error", err)
		}
		held.release()
	}()
	h.ServeHTTP(held, r)
	held.answered = true
}

func outcomeOf(status int) string {
	switch {
	case status < 400:
		return access.Done
	case status < 500, status == http.StatusServiceUnavailable, status == http.StatusNotImplemented:
		return access.Refused
	}
	return access.Failed
}

// look reads what a request says of itself: its path, its parameters, and its body where that is short, which the handler reads again.
func (s *Server) look(w http.ResponseWriter, r *http.Request) (q request, p *Problem) {
	path := strings.TrimPrefix(r.URL.Path, base)
	q.op = strings.ReplaceAll(strings.TrimPrefix(patternPath(r), base), "/", " ")
	if at := strings.IndexByte(q.op, '{'); at > 0 {
		q.op = strings.TrimSpace(q.op[:at]) + strings.TrimPrefix(q.op[at+strings.IndexByte(q.op[at:], '}')+1:], "}")
		q.on = objectOf(r)
	}
	if q.op == "" {
		q.op = path
	}
	if r.Method != http.MethodPost {
		q.op = strings.ToLower(r.Method) + " " + q.op
	}
	if name := calledOtherwise[r.Pattern]; name != "" {
		q.op = name
	}
	said := map[string]any{}
	if r.ContentLength > 0 && r.ContentLength <= maxBody {
		if q.body, p = s.peek(w, r); p != nil {
			return q, p
		}
		if q.body != nil {
			said["body"] = q.body
		}
	} else if r.ContentLength != 0 {
		said["octets"] = r.ContentLength
	}
	if r.URL.RawQuery != "" {
		said["query"] = r.URL.RawQuery
	}
	if len(said) > 0 {
		q.said, _ = json.Marshal(said) // of strings, numbers and what was JSON before
	}
	q.on = cmp.Or(q.on, named(q.body))
	return q, nil
}

// patternPath returns the path of the pattern that a request was found by.
func patternPath(r *http.Request) string {
	_, path, _ := strings.Cut(r.Pattern, " ")
	return path
}

// objectOf returns what stands in a path where its pattern has a name in braces.
func objectOf(r *http.Request) string {
	path := patternPath(r)
	from := strings.IndexByte(path, '{')
	name, _, _ := strings.Cut(path[from+1:], "}")
	return r.PathValue(strings.TrimSuffix(name, "..."))
}

// named returns what the object of a command says that it is about.
func named(body map[string]any) string {
	for _, key := range []string{"address", "partner", "name", "version", "take"} {
		if s, ok := body[key].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// peek reads a short body, leaves it to be read again, and returns the object that it is, nil if it is none.
func (s *Server) peek(w http.ResponseWriter, r *http.Request) (map[string]any, *Problem) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyTime)) // a connection that knows none is a test's
	b, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, &Problem{Status: http.StatusRequestTimeout, Title: "the body did not come", Detail: "the command did not come whole in time"}
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	var body map[string]any
	if mediaType(r) != jsonType || json.Unmarshal(b, &body) != nil {
		return nil, nil
	}
	return body, nil
}

// seen returns what a change may change, as it is now; nil: nothing of that is known.
func (s *Server) seen(ctx context.Context, q request) json.RawMessage {
	var v any
	switch first, _, _ := strings.Cut(q.op, " "); {
	case first == "config" || strings.Contains(q.op, "hosts"):
		if c, ok := s.reporter.(node.Configurer); ok {
			if st, err := c.ConfigStatus(ctx); err == nil {
				v = map[string]string{"head": st.Head, "tip": st.Tip}
			}
		}
	case first == "partner-down" || first == "maintenance":
		if st, err := s.reporter.Status(ctx); err == nil {
			v = partnersSeen(st)
		}
	case first == "rehome" || first == "release":
		if a, err := netip.ParseAddr(q.on); err == nil {
			if d, known, err := s.reporter.Lease(ctx, a); err == nil && known {
				v = map[string]any{"state": d.State, "home": d.Home, "hardware": d.Hardware, "client_id": d.ClientID, "expires": d.Expires}
			}
		}
	}
	if v == nil {
		return nil
	}
	b, _ := json.Marshal(v) // of names and times
	return b
}

func partnersSeen(st node.Status) (out []map[string]string) {
	for _, p := range st.Partners {
		out = append(out, map[string]string{"partner": string(p.Partner), "state": p.State, "partner_state": p.PartnerState})
	}
	return out
}

// maxHeld is how many octets of an answer wait until it is written down what it says; a longer one is a stream.
const maxHeld = 1 << 20

// heldAnswer keeps an answer back until release.
type heldAnswer struct {
	http.ResponseWriter
	status   int
	held     bytes.Buffer
	begun    bool // what is written goes out at once
	answered bool // the handler came to its end
}

// Unwrap lets deadlines be set.
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// WriteHeader keeps the status.
func (h *heldAnswer) WriteHeader(status int) {
	h.status = status
}

func (h *heldAnswer) Write(b []byte) (int, error) {
	if !h.begun && h.held.Len()+len(b) <= maxHeld {
		return h.held.Write(b)
	}
	if err := h.goOn(); err != nil {
		return 0, err
	}
	return h.ResponseWriter.Write(b)
}

// FlushError sends what there is: a stream is read as it comes.
func (h *heldAnswer) FlushError() error {
	if err := h.goOn(); err != nil {
		return err
	}
	return http.NewResponseController(h.ResponseWriter).Flush()
}

// goOn sends what was kept back, and from now on keeps nothing back.
func (h *heldAnswer) goOn() error {
	if h.begun {
		return nil
	}
	h.begun = true
	h.ResponseWriter.WriteHeader(h.status)
	_, err := h.ResponseWriter.Write(h.held.Bytes())
	return err
}

// release sends the answer, if the handler made one.
func (h *heldAnswer) release() {
	if h.answered {
		h.goOn() // an error means that nobody listens any more
	}
}

// told returns the version that an answer speaks of, or why it is a no.
func (h *heldAnswer) told() (version, detail string) {
	var a struct{ Version, Title, Detail string }
	if json.Unmarshal(h.held.Bytes(), &a) != nil {
		return "", ""
	}
	if h.status >= 400 {
		return "", strings.TrimSuffix(a.Title+": "+a.Detail, ": ")
	}
	return a.Version, ""
}
