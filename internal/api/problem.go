package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// Problem is an answer that is an error (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	// Remedy is what the operator can do about it; an extension (RFC 9457 §3.2).
	Remedy string `json:"remedy,omitempty"`
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
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	w.Write(append(b, '\n')) // an error means that nobody listens any more
}

// problemOf returns err as a Problem: itself if it is one, a command that is refused as a conflict with the state of the
// server, else one that says that the server is at fault.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if r, ok := errors.AsType[*node.RefusedError](err); ok {
		return &Problem{Status: http.StatusConflict, Title: "refused", Detail: r.Why, Remedy: r.Remedy}
	}
	return &Problem{Status: http.StatusInternalServerError, Title: "the server could not answer", Detail: err.Error()}
}
