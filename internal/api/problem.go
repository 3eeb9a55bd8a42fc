package api

import (
	"errors"
	"fmt"
	"net/http"
)

// Problem is an answer that is an error (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
}

func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return p.Detail
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

// problemOf returns err as a Problem: itself if it is one, else one that says that the server is at fault.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	return &Problem{Status: http.StatusInternalServerError, Title: "the server could not answer", Detail: err.Error()}
}
