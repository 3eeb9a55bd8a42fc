package api

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// flushAt is how many octets of a stream are gathered before they are sent.
const flushAt = 32 << 10

// The media types of a stream.
const (
	ndjson      = "application/x-ndjson"
	eventStream = "text/event-stream"
	csvType     = "text/csv; charset=utf-8"
)

// FormatAsked says how a stream is spelt, for who cannot say it by Accept.
type FormatAsked struct {
	Format string `query:"format" enum:"jsonl,sse,csv" doc:"How it is spelt: JSON lines, server-sent events, or CSV where there is an end; else as Accept says." example:"csv"`
}

func (f *FormatAsked) format() string { return f.Format }

// end says whether a stream has one.
type end int

const (
	finite end = iota + 1
	endless
)

// askStream adds an operation that streams Ts.
func askStream[T any, I any, P interface {
	*I
	format() string
}](a *surface, o operation, e end, answer func(ctx context.Context, in *I, t *stream) error) {
	schema := schemaOf[T](a)
	o.content = map[string]*huma.MediaType{
		ndjson:      {Schema: schema},
		eventStream: {Schema: &huma.Schema{Type: huma.TypeString, Description: "Server-sent events, each of whose data is one of what the lines are."}},
	}
	if e == finite {
		o.content["text/csv"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: "A line of names, then a line for each. A cell that a " +
			"spreadsheet would take for a formula has an apostrophe before it."}}
	}
	s := a.server
	askRaw(a, o, func(w http.ResponseWriter, r *http.Request, in *I) error {
		as, err := spellingOf(r, P(in).format(), e)
		if err != nil {
			return err
		}
		t := s.stream(w, as)
		t.r, t.table = r, columnsOf[T]()
		if r.Method == http.MethodHead { // what it would be is not looked for: there may be no end to it
			t.begin()
			return nil
		}
		if err = answer(r.Context(), in, t); err == nil {
			err = t.finish()
		}
		return t.cutShort(err)
	})
}

// stream writes lines of JSON, server-sent events, or CSV, in pieces.
type stream struct {
	s           *Server
	w           http.ResponseWriter
	r           *http.Request
	contentType string
	table       []column // the keys of what is told
	some        bool     // the table has not all of them
	named       bool     // the heading of CSV is said
	begun       bool     // the header is sent: nothing but the stream's content can be said any more
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
	switch t.contentType {
	case csvType:
		if err = t.heading(); err == nil {
			t.buf, err = appendRecord(t.buf, t.table, v)
		}
	case eventStream:
		if e, ok := v.(interface{ Name() string }); ok && e.Name() != "" {
			t.buf = append(append(append(t.buf, "id: "...), e.Name()...), '\n')
		}
		t.buf = append(t.buf, "data: "...)
		if t.buf, err = t.appendJSON(t.buf, v); err == nil {
			t.buf = append(t.buf, "\n\n"...)
		}
	default:
		if t.buf, err = t.appendJSON(t.buf, v); err == nil {
			t.buf = append(t.buf, '\n')
		}
	}
	if err != nil || len(t.buf) < flushAt {
		return err
	}
	return t.flush()
}

// appendJSON appends v, or only those of its keys that are asked for.
func (t *stream) appendJSON(dst []byte, v any) ([]byte, error) {
	if !t.some {
		return AppendJSON(dst, v)
	}
	return appendSome(dst, t.table, v)
}

// finish sends the rest of a stream that has an end.
func (t *stream) finish() error {
	if t.contentType == csvType {
		if err := t.heading(); err != nil {
			return err
		}
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

// cutShort returns err while it can still become the whole answer. Of a stream that is begun it ends the connection, so that
// nobody takes the part for the whole.
func (t *stream) cutShort(err error) error {
	if err != nil && t.begun {
		t.s.log.Debug("answer cut short", "error", err)
		panic(http.ErrAbortHandler)
	}
	return err
}

// spellingOf returns the media type of a stream: what the parameter says, or the first that Accept does, else lines.
func spellingOf(r *http.Request, format string, e end) (string, error) {
	switch {
	case format == "csv" && e == endless:
		return "", badRequest("what has no end is not told as CSV: write format=jsonl or format=sse")
	case format == "csv":
		return csvType, nil
	case format == "sse":
		return eventStream, nil
	case format == "jsonl":
		return ndjson, nil
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		m, _, err := mime.ParseMediaType(part)
		switch {
		case err != nil:
		case m == eventStream:
			return eventStream, nil
		case m == "text/csv" && e == finite:
			return csvType, nil
		case slices.Contains([]string{ndjson, jsonType, "*/*"}, m):
			return ndjson, nil
		}
	}
	return ndjson, nil
}
