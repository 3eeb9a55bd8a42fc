package api

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/lessor-dhcp/lessor/internal/access"
)

// InProcess returns a way to ask h, a Server's Handler, without a connection: by id, with the same checks. An answer comes as it is written;
// closing its body ends a stream.
func InProcess(h http.Handler, id access.Identity) http.RoundTripper { return inProcess{h, id} }

type inProcess struct {
	handler http.Handler
	id      access.Identity
}

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(access.With(req.Context(), p.id))
	r := req.Clone(ctx)
	r.RequestURI, r.RemoteAddr = req.URL.RequestURI(), p.id.From
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	out, in := io.Pipe()
	a := &pipedAnswer{header: http.Header{}, begun: make(chan int, 1), in: in}
	go func() {
		defer cancel()
		defer r.Body.Close()
		defer a.end()
		p.handler.ServeHTTP(a, r)
	}()
	select {
	case status := <-a.begun:
		return &http.Response{Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.sent,
			Body: &pipedBody{out, cancel}, ContentLength: -1, Request: req}, nil
	case <-req.Context().Done():
		out.Close()
		return nil, req.Context().Err()
	}
}

// pipedAnswer is the ResponseWriter of a request that came over no connection.
type pipedAnswer struct {
	header http.Header
	sent   http.Header // as it was when the answer was begun
	begun  chan int    // receives the status, once
	said   bool
	in     *io.PipeWriter
}

func (a *pipedAnswer) Header() http.Header { return a.header }

func (a *pipedAnswer) WriteHeader(status int) {
	if a.said {
		return
	}
	a.said, a.sent = true, a.header.Clone()
	a.begun <- status
}

func (a *pipedAnswer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.in.Write(b)
}

// Flush does nothing: all that is written is there to be read.
func (a *pipedAnswer) Flush() {}

// end ends the answer: in order, or, where it was cut short, not. Another panic is the program's.
func (a *pipedAnswer) end() {
	if p := recover(); p != nil {
		err, ok := p.(error)
		if !ok || !errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		a.WriteHeader(http.StatusInternalServerError)
		a.in.CloseWithError(io.ErrUnexpectedEOF)
		return
	}
	a.WriteHeader(http.StatusOK)
	a.in.Close()
}

// pipedBody is the answer as it is read.
type pipedBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *pipedBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
