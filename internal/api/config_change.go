package api

import (
	"bytes"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

const (
	// maxDocument is the longest body that carries a document: in JSON a character may take several octets.
	maxDocument = 2*config.MaxSize + 64<<10
	// maxChanges is how many changes of the configuration are under way at once, maxCompares how many comparisons.
	maxChanges  = 2
	maxCompares = 2
	// documentTime is how long a document may take to come, changeTime how long a change may take.
	documentTime = 30 * time.Second
	changeTime   = 5 * time.Minute
	// MaxFrom is how many addresses of the operator are looked at, MaxFile how long the name of his file may be, in octets.
	MaxFrom = 64
	MaxFile = 1024
)

// change is the body of POST /config/apply, /what-if, /rollback and /resolve; each has its own part of the keys.
type change struct {
	// Document is as it is written; its version: line names what it was written against.
	Document string `json:"document,omitempty"`
	File     string `json:"file,omitempty"`
	// Version is the one to go back to, Take the member whose version is taken.
	Version string         `json:"version,omitempty"`
	Take    binding.Member `json:"take,omitempty"`
	Comment string         `json:"comment,omitempty"`
	Yes     bool           `json:"yes,omitempty"`
	From    []netip.Addr   `json:"from,omitempty"`
}

// request returns the change as the node is told of it.
func (q *change) request(r *http.Request) node.ApplyRequest {
	return node.ApplyRequest{
		Document: []byte(q.Document), File: q.File, Author: authorOf(r), Comment: strings.TrimSpace(q.Comment), Yes: q.Yes, From: q.From,
	}
}

// check returns what is wrong with a change, whatever the document says.
func (q *change) check() error {
	if len(q.From) > MaxFrom {
		return badRequest("from has %d addresses, and %d is the most", len(q.From), MaxFrom)
	}
	if err := checkLine("name of the file", q.File, MaxFile); err != nil {
		return err
	}
	return CheckComment(q.Comment)
}

// changing wraps what changes the configuration, or tries what a change would do.
func (s *Server) changing(room chan struct{}, most int64, types []string, carryOut func(http.ResponseWriter, *http.Request, node.Configurer) error) http.Handler {
	return carry(room, most, types, func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.configurer()
		if err != nil {
			return err
		}
		s.extend(w, changeTime)
		return carryOut(w, r, c)
	})
}

// readDocument reads a change that has a document: an object of JSON, or the document itself, with the rest as parameters.
func (s *Server) readDocument(w http.ResponseWriter, r *http.Request) (q change, err error) {
	b, err := s.readWithin(w, r, s.documentTime, maxDocument)
	if err != nil {
		return q, err
	}
	if isYAML(mediaType(r)) {
		q.Document = string(b)
		err = q.readQuery(r)
	} else if err = (fields{}).read(r.URL.Query()); err == nil {
		err = readObject(b, &q)
	}
	switch {
	case err != nil:
		return q, err
	case q.Version != "" || q.Take != "":
		return q, badRequest("version and take have no meaning here: the document itself says what it was written against, on its line `version: …`")
	case q.Document == "":
		return q, badRequest("the document is missing")
	case len(q.Document) > config.MaxSize:
		return q, tooLarge(config.MaxSize)
	}
	if q.File == "" {
		q.File = "document"
	}
	return q, q.check()
}

// readQuery reads what stands beside a document that is the body itself.
func (q *change) readQuery(r *http.Request) error {
	query := r.URL.Query()
	comment := query["comment"]
	delete(query, "comment") // it may be longer than other parameters
	switch len(comment) {
	case 0:
	case 1:
		q.Comment = comment[0]
	default:
		return badRequest("parameter comment is given %d times; give it once", len(comment))
	}
	from := query["from"]
	delete(query, "from")
	for _, text := range from {
		a, err := parseAddr(text)
		if err != nil {
			return err
		}
		q.From = append(q.From, a)
	}
	return fields{
		"file": func(text string) error { q.File = text; return nil },
		"yes": func(text string) (err error) {
			if q.Yes, err = strconv.ParseBool(text); err != nil {
				return badRequest("yes is true or false, not %q", text)
			}
			return nil
		},
		"comment": nil, "from": nil, // read above
	}.read(query)
}

func (s *Server) configApply(w http.ResponseWriter, r *http.Request, c node.Configurer) error {
	q, err := s.readDocument(w, r)
	if err != nil {
		return err
	}
	req := q.request(r)
	if req.Document, err = against(r, c, req.Document); err != nil {
		return err
	}
	a, err := c.ConfigApply(r.Context(), req)
	if err != nil {
		return err
	}
	return answer(w, a)
}

// against returns the document with the version that it was written against, where the request says that only the header
// If-Match does (RFC 9110 §13.1.1). A head that is another one is a *Problem: what follows could be meant for what is no more. A head
// that changes after that is merged with.
func against(r *http.Request, c node.Configurer, doc []byte) ([]byte, error) {
	match := r.Header.Get("If-Match")
	if match == "" {
		return doc, nil
	}
	st, err := c.ConfigStatus(r.Context())
	if err != nil {
		return nil, err
	}
	matches := false
	for tag := range strings.SplitSeq(match, ",") {
		tag = strings.TrimSpace(tag)
		matches = matches || tag == etag(st.Head) || tag == "*" && st.Head != ""
	}
	if !matches {
		return nil, &Problem{Status: http.StatusPreconditionFailed, Title: "the head is another one", Detail: "the head is " + st.Head + ", not " + match + "; nothing was changed",
			Remedy: "read the head again (GET /api/v1/config), and change that"}
	}
	id, _, err := version.Against(doc)
	if err != nil || !id.IsZero() || strings.TrimSpace(match) == "*" {
		return doc, nil // what is wrong with its line is for the node to say
	}
	return append(bytes.Clone(doc), "\nversion: "+st.Head+"\n"...), nil
}

func (s *Server) configRollback(w http.ResponseWriter, r *http.Request, c node.Configurer) error {
	var q change
	if err := s.readBody(w, r, &q); err != nil {
		return err
	}
	switch {
	case q.Document != "" || q.File != "" || q.Take != "":
		return badRequest("document, file and take have no meaning here: the version that is named is gone back to")
	case q.Version == "" || q.Version == Head:
		return badRequest("version is missing: the one to go back to")
	}
	id, err := ParseVersion(q.Version)
	if err == nil {
		err = q.check()
	}
	if err != nil {
		return err
	}
	a, err := c.ConfigRollback(r.Context(), id, q.request(r))
	if err != nil {
		return err
	}
	return answer(w, a)
}

func (s *Server) configResolve(w http.ResponseWriter, r *http.Request, c node.Configurer) error {
	var q change
	if err := s.readBody(w, r, &q); err != nil {
		return err
	}
	switch {
	case q.Document != "" || q.File != "" || q.Version != "":
		return badRequest("document, file and version have no meaning here: to resolve a conflict by a document of your own, apply it")
	case q.Take == "":
		return badRequest("take is missing: the member whose values are taken")
	}
	if err := q.check(); err != nil {
		return err
	}
	a, err := c.ConfigResolve(r.Context(), q.Take, q.request(r))
	if err != nil {
		return err
	}
	return answer(w, a)
}

// parsed returns the document of a change and the version that it says it was written against, if any, or what is wrong with it.
func (q *change) parsed() (*config.Document, version.ID, error) {
	parent, src, err := version.Against([]byte(q.Document))
	if err != nil {
		return nil, parent, badRequest("%v", err)
	}
	doc, problems := config.Parse(q.File, src)
	if doc == nil {
		return nil, parent, problems
	}
	return doc, parent, nil
}
