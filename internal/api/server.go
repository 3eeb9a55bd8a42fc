package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// The bounds of a request.
const (
	maxHeader     = 16 << 10 // octets of request line and headers
	headerTime    = 5 * time.Second
	answerTime    = 30 * time.Second // for an answer that is not a stream
	writeTime     = 10 * time.Second // for each piece of a stream
	idleTime      = 60 * time.Second
	shutdownTime  = 3 * time.Second
	maxAnswers    = 16 // at once
	maxStreams    = 32 // at once; leases and events
	heartbeatTime = 15 * time.Second
)

// Server answers an operator's questions about one node.
type Server struct {
	reporter node.Reporter
	log      *slog.Logger
	answers  chan struct{} // an element for each answer under way
	streams  chan struct{} // and for each stream
	changes  chan struct{} // and for each change of the configuration
	compares chan struct{} // and for each comparison
	patience time.Duration // how long a reader may take for each piece of a stream
	beat     time.Duration // how often a silent stream shows that it lives
	bodyTime time.Duration // how long a body may take to come
	// documentTime is the same for one that has a document.
	documentTime time.Duration
}

// New returns a Server that answers with what r reports.
func New(r node.Reporter, log *slog.Logger) *Server {
	return &Server{
		reporter: r, log: log, patience: writeTime, beat: heartbeatTime, bodyTime: bodyTime, documentTime: documentTime,
		answers: make(chan struct{}, maxAnswers), streams: make(chan struct{}, maxStreams), changes: make(chan struct{}, maxChanges),
		compares: make(chan struct{}, maxCompares),
	}
}

// Run answers on l until ctx ends, then ends the streams, and returns when everything that it started is done. It
// closes l. The error is nil if ctx ended it.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withPeer,
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		srv.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// paths are what there is beside the status, for who looks for something else.
const paths = "leases, leases/ADDRESS, explain, events, config, config/status, config/history, config/versions/VERSION, config/diff, stale and " +
	"drift, and by POST partner-down, maintenance, config/apply, config/what-if, config/rollback, config/resolve and rehome"

// Handler returns what answers the requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/v1/status", s.question(s.answers, s.status))
	mux.Handle("/api/v1/leases", s.question(s.streams, s.leases))
	mux.Handle("/api/v1/leases/{address}", s.question(s.answers, s.lease))
	mux.Handle("/api/v1/explain", s.question(s.answers, s.explain))
	mux.Handle("/api/v1/events", s.question(s.streams, s.events))
	mux.Handle("/api/v1/partner-down", s.command(s.partnerDown))
	mux.Handle("/api/v1/maintenance", s.command(s.maintenance))
	mux.Handle("/api/v1/config", s.question(s.answers, s.config))
	mux.Handle("/api/v1/config/status", s.question(s.answers, s.configStatus))
	mux.Handle("/api/v1/config/history", s.question(s.streams, s.configHistory))
	mux.Handle("/api/v1/config/versions/{id}", s.question(s.answers, s.configVersion))
	mux.Handle("/api/v1/config/diff", s.question(s.answers, s.configDiff))
	documents := append([]string{"application/json"}, yamlTypes...)
	mux.Handle("/api/v1/config/apply", s.changing(s.changes, maxDocument, documents, s.configApply))
	mux.Handle("/api/v1/config/rollback", s.changing(s.changes, maxBody, documents[:1], s.configRollback))
	mux.Handle("/api/v1/config/resolve", s.changing(s.changes, maxBody, documents[:1], s.configResolve))
	mux.Handle("/api/v1/config/what-if", s.changing(s.compares, maxDocument, documents, s.configWhatIf))
	mux.Handle("/api/v1/stale", s.question(s.streams, s.stale))
	mux.Handle("/api/v1/drift", s.question(s.compares, s.drift))
	mux.Handle("/api/v1/rehome", s.command(s.rehome))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		(&Problem{Status: http.StatusNotFound, Title: "there is nothing at this path", Detail: "there are /api/v1/status, and beside it " + paths}).write(w)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.extend(w, answerTime) // a connection keeps the deadline of the request before
		mux.ServeHTTP(w, r)
	})
}

// question wraps what answers a GET: other methods, bodies, and more than room at once are refused.
func (s *Server) question(room chan struct{}, answer func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := refuse(w, r); p != nil {
			p.write(w)
			return
		}
		within(room, w, r, answer)
	})
}

// within has answer answer unless there is no room for one more at once. An error that answer returns becomes the whole
// answer, so it returns one only while nothing is written.
func within(room chan struct{}, w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter, *http.Request) error) {
	select {
	case room <- struct{}{}:
		defer func() { <-room }()
	default:
		w.Header().Set("Retry-After", "1")
		(&Problem{Status: http.StatusServiceUnavailable, Title: "too many questions at once",
			Detail: "the server answers others now: ask again in a second, or end a stream that nobody reads"}).write(w)
		return
	}
	if err := answer(w, r); err != nil {
		problemOf(err).write(w)
	}
}

// refuse returns what is wrong with a request before it is looked at, nil if nothing.
func refuse(w http.ResponseWriter, r *http.Request) *Problem {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		return &Problem{Status: http.StatusMethodNotAllowed, Title: "method not allowed", Detail: "only GET is answered here"}
	}
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
		// What follows is not read, also not slowly.
		http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
		return &Problem{Status: http.StatusRequestEntityTooLarge, Title: "unexpected body", Detail: "no question here has a body"}
	}
	return nil
}

// extend lets the writing of the answer go on for d from now. A connection that knows no deadline is a test's.
func (s *Server) extend(w http.ResponseWriter, d time.Duration) {
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.log.Debug("write deadline not set", "error", err)
	}
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	if err := (fields{}).read(r.URL.Query()); err != nil {
		return err
	}
	st, err := s.reporter.Status(r.Context())
	if err != nil {
		return err
	}
	if c, ok := s.reporter.(node.Configurer); ok && st.Config.Group == nil {
		g, err := c.ConfigStatus(r.Context())
		if err != nil {
			return err
		}
		st.Config.Group = &g
	}
	return answer(w, st)
}

func (s *Server) lease(w http.ResponseWriter, r *http.Request) error {
	if err := (fields{}).read(r.URL.Query()); err != nil {
		return err
	}
	addr, err := parseAddr(r.PathValue("address"))
	if err != nil {
		return err
	}
	d, known, err := s.reporter.Lease(r.Context(), addr)
	if err != nil {
		return err
	}
	if !known {
		return noRecord(addr)
	}
	return answer(w, d)
}

func (s *Server) explain(w http.ResponseWriter, r *http.Request) error {
	q, err := parseExplain(r.URL.Query())
	if err != nil {
		return err
	}
	x, err := s.reporter.Explain(r.Context(), q)
	if e, ok := errors.AsType[*node.RequestError](err); ok {
		return badRequest("%s", e.Text)
	}
	if err != nil {
		return err
	}
	return answer(w, x)
}

func noRecord(addr netip.Addr) *Problem {
	return &Problem{Status: http.StatusNotFound, Title: "no record",
		Detail: addr.String() + ": there is no record of this address: it was never leased here"}
}

// answer sends v as the whole answer.
func answer(w http.ResponseWriter, v any) error {
	b, err := AppendJSON(nil, v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.Write(append(b, '\n')) // an error means that nobody listens any more
	return nil
}
