package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// Problem is an answer that is an error (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	// Remedy is what the operator can do about it; an extension (RFC 9457 §3.2).
	Remedy string `json:"remedy,omitempty"`
	// The rest says, for programs, what is in the way of a change of the configuration, where it is that: what needs a yes, what
	// others changed that it does not fit, what is wrong with the document. At most one of them is there.
	Confirm  *node.ConfirmError  `json:"confirm,omitempty"`
	Conflict *node.ConflictError `json:"conflict,omitempty"`
	Problems config.Problems     `json:"problems,omitempty"`
	// Errors are what is wrong with a request, one by one, where there may be several.
	Errors []Mistake `json:"errors,omitempty"`
}

// problemType is the media type of a Problem (RFC 9457 §3).
const problemType = "application/problem+json"

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

// Unwrap returns what is in the way of a change of the configuration, as node.Configurer returned it; nil if it is not that.
func (p *Problem) Unwrap() error {
	switch {
	case p.Confirm != nil:
		return p.Confirm
	case p.Conflict != nil:
		return p.Conflict
	case p.Problems != nil:
		return p.Problems
	}
	return nil
}

// Error returns what is wrong, and in a line of its own what to do about it.
func (p *Problem) Error() string {
	says := p.Detail
	if says == "" {
		says = p.Title
	}
	if p.Remedy != "" {
		says += "\n  → " + p.Remedy
	}
	return says
}

// badRequest returns the problem of a request that asks for nonsense.
func badRequest(format string, args ...any) *Problem {
	return &Problem{Status: http.StatusBadRequest, Title: "bad request", Detail: fmt.Sprintf(format, args...)}
}

// write sends the problem as the whole answer.
func (p *Problem) write(w http.ResponseWriter) {
	b, err := AppendJSON(nil, p)
	if err != nil {
		b = []byte(`{}`)
	}
	h := w.Header()
	h.Set("Content-Type", problemType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	w.Write(append(b, '\n')) // an error means that nobody listens any more
}

// problemOf returns err as a Problem: itself if it is one, a command that is refused as a conflict with the state of the
// server, a document that is wrong as such, else one that says that the server is at fault.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if r, ok := errors.AsType[*node.RefusedError](err); ok {
		return &Problem{Status: http.StatusConflict, Title: "refused", Detail: r.Why, Remedy: r.Remedy}
	}
	if e, ok := errors.AsType[*node.ConfirmError](err); ok {
		return &Problem{Status: http.StatusConflict, Title: "needs a yes", Detail: strings.Join(e.Why, "; "), Remedy: e.Remedy, Confirm: e}
	}
	if e, ok := errors.AsType[*node.ConflictError](err); ok {
		return &Problem{Status: http.StatusConflict, Title: "conflict", Detail: e.Error(), Remedy: e.Remedy, Conflict: e}
	}
	if e, ok := errors.AsType[config.Problems](err); ok {
		return wrongDocument(e)
	}
	if e, ok := errors.AsType[*node.RequestError](err); ok {
		return badRequest("%s", e.Text)
	}
	return &Problem{Status: http.StatusInternalServerError, Title: "the server could not answer", Detail: err.Error()}
}

// maxProblems is how many problems of a document are told.
const maxProblems = 1000

// wrongDocument returns what is wrong with a document: the errors first, where there are more than can be told.
func wrongDocument(all config.Problems) *Problem {
	p := &Problem{Status: http.StatusUnprocessableEntity, Title: "the document is wrong", Problems: all}
	errs := 0
	for _, x := range all {
		if x.Severity != config.Error {
			continue
		}
		if errs++; errs == 1 {
			p.Detail, p.Remedy = x.File+": "+x.Message, x.Remedy
			if x.Line > 0 {
				p.Detail = fmt.Sprintf("%s:%d:%d: %s", x.File, x.Line, x.Column, x.Message)
			}
		}
	}
	if errs > 1 {
		p.Detail = fmt.Sprintf("the document has %d errors, the first: %s", errs, p.Detail)
	}
	p.Detail += "; nothing was changed"
	if len(all) > maxProblems {
		p.Problems = slices.Clone(all)
		slices.SortStableFunc(p.Problems, func(a, b config.Problem) int { return cmp.Compare(a.Severity, b.Severity) })
		p.Problems = p.Problems[:maxProblems]
	}
	return p
}
