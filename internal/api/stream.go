package api

import (
	"context"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// flushAt is how many octets of a stream are gathered before they are sent.
const flushAt = 32 << 10

// The media types of a stream.
const (
	ndjson      = "application/x-ndjson"
	eventStream = "text/event-stream"
)

// stream writes lines of JSON, or server-sent events, in pieces.
type stream struct {
	s           *Server
	w           http.ResponseWriter
	contentType string
	begun       bool // the header is sent: nothing but the stream's content can be said any more
	buf         []byte
}

func (s *Server) stream(w http.ResponseWriter, contentType string) *stream {
	return &stream{s: s, w: w, contentType: contentType, buf: make([]byte, 0, flushAt+4<<10)}
}

func (t *stream) begin() {
	h := t.w.Header()
	h.Set("Content-Type", t.contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	t.w.WriteHeader(http.StatusOK)
	t.begun = true
}

// add puts one value at the end of the stream, and sends what was gathered if that is enough for a piece.
func (t *stream) add(v any) (err error) {
	if t.contentType == eventStream {
		t.buf = append(t.buf, "data: "...)
	}
	if t.buf, err = AppendJSON(t.buf, v); err != nil {
		return err
	}
	t.buf = append(t.buf, '\n')
	if t.contentType == eventStream {
		t.buf = append(t.buf, '\n')
	}
	if len(t.buf) < flushAt {
		return nil
	}
	return t.flush()
}

// flush sends what was gathered. A reader that does not take it within the server's patience is cut off.
func (t *stream) flush() error {
	t.s.extend(t.w, t.s.patience)
	if !t.begun {
		t.begin()
	}
	if _, err := t.w.Write(t.buf); err != nil {
		return err
	}
	t.buf = t.buf[:0]
	return http.NewResponseController(t.w).Flush()
}

// beat shows a reader of a silent stream that it lives: a comment, or an empty line.
func (t *stream) beat() error {
	if t.contentType == eventStream {
		t.buf = append(t.buf, ':')
	}
	t.buf = append(t.buf, '\n')
	return t.flush()
}

// leases streams the bindings.
func (s *Server) leases(w http.ResponseWriter, r *http.Request) error {
	f, err := parseLeaseFilter(r.URL.Query())
	if err != nil {
		return err
	}
	t := s.stream(w, ndjson)
	err = s.reporter.Leases(r.Context(), f, func(row node.LeaseRow) error { return t.add(row) })
	if err == nil {
		err = t.flush()
	}
	return t.cutShort(err)
}

// cutShort returns err while it can still become the whole answer. Of a stream that is begun it ends the connection, so that
// nobody takes the part for the whole.
func (t *stream) cutShort(err error) error {
	if err != nil && t.begun {
		t.s.log.Debug("answer cut short", "error", err)
		panic(http.ErrAbortHandler)
	}
	return err
}

// events streams what happens, until the reader goes or the server stops.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	f, err := parseEventFilter(r.URL.Query())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	feed, err := s.reporter.Events(ctx, f)
	if err != nil {
		return err
	}
	t := s.stream(w, negotiate(r))
	if err := t.flush(); err != nil { // the header: the reader knows that nothing is missed from here on
		return nil
	}
	if err := t.follow(feed); err != nil {
		s.log.Debug("event stream cut short", "error", err)
	}
	return nil
}

// follow sends events as they come, until feed is closed. What came together is sent together.
func (t *stream) follow(feed <-chan node.Event) error {
	ticker := time.NewTicker(t.s.beat)
	defer ticker.Stop()
	for {
		select {
		case e, open := <-feed:
			if !open {
				return nil
			}
			if err := t.add(e); err != nil {
				return err
			}
			if len(feed) > 0 || len(t.buf) == 0 {
				continue
			}
			if err := t.flush(); err != nil {
				return err
			}
		case <-ticker.C:
			if err := t.beat(); err != nil {
				return err
			}
		}
	}
}

// negotiate returns the media type for a stream of events: what a browser's EventSource asks for, else lines.
func negotiate(r *http.Request) string {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if m, _, err := mime.ParseMediaType(part); err == nil && m == eventStream {
			return eventStream
		}
	}
	return ndjson
}
