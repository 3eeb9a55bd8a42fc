package api

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lessor-dhcp/lessor/internal/access"
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

// change is the body of POST /config/apply and /what-if where it is JSON.
type change struct {
	// Document is as it is written; its version: line names what it was written against.
	Document string `json:"document"`
	// File is what the document is called in messages.
	File string `json:"file,omitempty"`
	// Comment says why.
	Comment string `json:"comment,omitempty"`
	// Yes takes the consequences that are otherwise refused with `confirm`.
	Yes bool `json:"yes,omitempty"`
	// From are the addresses where the operator sits, whose subnet is not to be dropped unasked.
	From []netip.Addr `json:"from,omitempty"`
}

// goingBack is the body of POST /config/rollback.
type goingBack struct {
	// Version is the one to go back to.
	Version string `json:"version"`
	// Comment says why.
	Comment string `json:"comment,omitempty"`
	// Yes takes the consequences that are otherwise refused with `confirm`.
	Yes bool `json:"yes,omitempty"`
	// From are the addresses where the operator sits, whose subnet is not to be dropped unasked.
	From []netip.Addr `json:"from,omitempty"`
}

// resolving is the body of POST /config/resolve.
type resolving struct {
	// Take is the member whose values are taken wherever the two are in conflict.
	Take binding.Member `json:"take"`
	// Comment says why.
	Comment string `json:"comment,omitempty"`
	// Yes takes the consequences that are otherwise refused with `confirm`.
	Yes bool `json:"yes,omitempty"`
	// From are the addresses where the operator sits, whose subnet is not to be dropped unasked.
	From []netip.Addr `json:"from,omitempty"`
}

// DocumentSaid is the input of what takes a document: the body is the document itself, with the rest as parameters, or a change in JSON.
type DocumentSaid struct {
	ContentType string   `header:"Content-Type" hidden:"true"`
	Query       string   `hidden:"true"`
	File        string   `query:"file" doc:"What the document is called in messages." example:"campus.yaml"`
	Comment     string   `query:"comment" doc:"Why: kept with the version." example:"a router for floor 1"`
	Yes         bool     `query:"yes" doc:"Takes the consequences that are otherwise refused with confirm."`
	From        []string `query:"from,explode" doc:"Addresses where the operator sits, whose subnet is not to be dropped unasked." example:"[\"10.9.0.7\"]"`
	RawBody     []byte   `contentType:"application/yaml"`
}

// Resolve implements huma.Resolver.
func (in *DocumentSaid) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	in.Query = u.RawQuery
	return nil
}

// request returns the change as the node is told of it.
func (q *change) request(ctx context.Context) node.ApplyRequest {
	return node.ApplyRequest{
		Document: []byte(q.Document), File: q.File, Author: authorOf(ctx), Comment: strings.TrimSpace(q.Comment), Yes: q.Yes, From: q.From,
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

// document is the body of what takes a document.
func (s *Server) document() *bodyRule {
	return &bodyRule{most: maxDocument, types: append([]string{jsonType}, yamlTypes...), within: s.documentTime}
}

// change returns what is said: an object of JSON, or the document itself, with the rest as parameters.
func (in *DocumentSaid) change() (q change, err error) {
	switch {
	case isYAML(mediaTypeOf(in.ContentType)):
		q = change{Document: string(in.RawBody), File: in.File, Comment: in.Comment, Yes: in.Yes}
		for _, text := range in.From {
			a, err := parseAddr(text)
			if err != nil {
				return q, err
			}
			q.From = append(q.From, a)
		}
	case in.Query != "":
		return q, badRequest("a JSON object has all of it: parameters are for a document that is the body itself")
	default:
		if err := readObject(in.RawBody, &q); err != nil {
			return q, err
		}
	}
	switch {
	case q.Document == "":
		return q, badRequest("the document is missing")
	case len(q.Document) > config.MaxSize:
		return q, tooLarge(config.MaxSize)
	}
	q.File = cmp.Or(q.File, "document")
	return q, q.check()
}

// applySaid is the input of POST /config/apply.
type applySaid struct {
	IfMatch string `header:"If-Match" doc:"The head that the document was written against, as the ETag of GET /config says it: where it is another one by now nothing is changed (412)."`
	DocumentSaid
}

// exampleDocument is a document that could be applied.
const exampleDocument = "enterprise:\n  options: {domain-name-servers: [10.9.0.53]}\nnetworks:\n  floor1: {subnets: {198.51.100.0/24: {pools: [{range: 198.51.100.50-198.51.100.240}]}}}\n"

func (a *surface) addChanges() {
	s := a.server
	changing := func(id, summary, about string, body *bodyRule) operation {
		return operation{method: http.MethodPost, path: base + "config/" + id, id: "config-" + id, tag: tagConfig, role: access.Administrator, room: s.changes, takes: changeTime,
			body: body, fails: []int{409, 422, 501}, summary: summary, about: about + " A change that needs a yes is refused with `confirm`, one that does not fit what others changed with `conflict`.", long: []string{"comment", "file"}}
	}
	op := changing("apply", "Make a document the next version", "Once it answers, that is durable here; `adopted` says whether it is served by, and `waits` what it waits for. As `lessor config apply`.", s.document())
	op.fails = append(op.fails, http.StatusPreconditionFailed)
	ask(a, op, s.configApply)
	a.alsoJSON(op.path, exampleDocument)
	ask(a, changing("rollback", "Go back to a version", "The next version says what an earlier one does. As `lessor config rollback`.", s.smallJSON()), s.configRollback)
	op = changing("resolve", "End a conflict", "By what one member's version says wherever the two are in conflict. To resolve it by a document of your own, apply that. As `lessor config resolve`.", s.smallJSON())
	ask(a, op, s.configResolve)
}

func (s *Server) configApply(ctx context.Context, in *applySaid) (a node.Applied, err error) {
	c, err := s.configurer()
	if err != nil {
		return a, err
	}
	q, err := in.change()
	if err != nil {
		return a, err
	}
	req := q.request(ctx)
	if req.Document, err = against(ctx, in.IfMatch, c, req.Document); err != nil {
		return a, err
	}
	return c.ConfigApply(ctx, req)
}

// against returns the document with the version that it was written against, where the request says that only the header
// If-Match does (RFC 9110 §13.1.1). A head that is another one is a *Problem: what follows could be meant for what is no more. A head
// that changes after that is merged with.
func against(ctx context.Context, match string, c node.Configurer, doc []byte) ([]byte, error) {
	if match == "" {
		return doc, nil
	}
	st, err := c.ConfigStatus(ctx)
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

func (s *Server) configRollback(ctx context.Context, in *told[goingBack]) (a node.Applied, err error) {
	c, err := s.configurer()
	if err != nil {
		return a, err
	}
	if in.Body.Version == "" || in.Body.Version == Head {
		return a, badRequest("version is missing: the one to go back to")
	}
	id, err := ParseVersion(in.Body.Version)
	if err != nil {
		return a, err
	}
	q := change{Comment: in.Body.Comment, Yes: in.Body.Yes, From: in.Body.From}
	if err := q.check(); err != nil {
		return a, err
	}
	return c.ConfigRollback(ctx, id, q.request(ctx))
}

func (s *Server) configResolve(ctx context.Context, in *told[resolving]) (a node.Applied, err error) {
	c, err := s.configurer()
	if err != nil {
		return a, err
	}
	if in.Body.Take == "" {
		return a, badRequest("take is missing: the member whose values are taken")
	}
	q := change{Comment: in.Body.Comment, Yes: in.Body.Yes, From: in.Body.From}
	if err := q.check(); err != nil {
		return a, err
	}
	return c.ConfigResolve(ctx, in.Body.Take, q.request(ctx))
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
