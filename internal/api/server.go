package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/metrics"
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
	maxHealth     = 4  // at once
	heartbeatTime = 15 * time.Second
)

// Server answers an operator's questions about one node.
type Server struct {
	reporter node.Reporter
	log      *slog.Logger
	access   *Access       // nil: only the socket lets anybody in, and nothing is written down
	answers  chan struct{} // an element for each answer under way
	streams  chan struct{} // and for each stream
	changes  chan struct{} // and for each change of the configuration
	compares chan struct{} // and for each comparison
	health   chan struct{} // and for each question of those who need not say who they are
	requests metrics.Requests
	mounted  []mount
	patience time.Duration // how long a reader may take for each piece of a stream
	beat     time.Duration // how often a silent stream shows that it lives
	bodyTime time.Duration // how long a body may take to come
	// documentTime is the same for one that has a document.
	documentTime time.Duration
}

// New returns a Server that answers with what r reports.
func New(r node.Reporter, log *slog.Logger) *Server {
	s := &Server{
		reporter: r, log: log, patience: writeTime, beat: heartbeatTime, bodyTime: bodyTime, documentTime: documentTime,
		answers: make(chan struct{}, maxAnswers), streams: make(chan struct{}, maxStreams), changes: make(chan struct{}, maxChanges),
		compares: make(chan struct{}, maxCompares), health: make(chan struct{}, maxHealth),
	}
	s.requests.Guests = s.guests
	return s
}

// Run answers on l until ctx ends, then ends the streams, and returns when everything that it started is done. It
// closes l. The error is nil if ctx ended it.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	in := newCrowd(maxConnections, maxConnections) // who may ask over the socket may have a mistake in a script
	srv := &http.Server{
		Handler:           in.known(s.Handler()),
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         in.state,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(withPeer(ctx, c), connKey{}, c)
		},
	}
	return serveUntil(ctx, srv, &doorListener{l, in})
}

// Handler returns what answers the requests. What is mounted is in it.
func (s *Server) Handler() http.Handler {
	a := s.surface()
	for _, m := range s.mounted {
		a.mux.Handle(m.pattern, s.guarded(m.role, m.handler))
	}
	counted := s.requests.Count(metrics.RouteOf(a.mux), adapter{a})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.extend(w, answerTime) // a connection keeps the deadline of the request before
		counted.ServeHTTP(w, r)
	})
}

// surface returns all operations.
func (s *Server) surface() *surface {
	a := newSurface(s)
	a.addStatus()
	a.addLeases()
	a.addExplain()
	a.addEvents()
	a.addPartner()
	a.addConfig()
	a.addChanges()
	a.addComparisons()
	a.addPast()
	a.addHosts()
	a.addRelease()
	a.addTokens()
	a.addTrail()
	a.addHealth()
	a.addDescription()
	a.addMetrics()
	return a
}

// mount is something else that is answered.
type mount struct {
	pattern string
	role    access.Role
	handler http.Handler
}

// Mount has h answer what matches a pattern of http.ServeMux, for those who have at least the role; zero: for everybody. It is called
// before Handler and Run.
func (s *Server) Mount(pattern string, role access.Role, h http.Handler) {
	s.mounted = append(s.mounted, mount{pattern, role, h})
}

// extend lets the writing of the answer go on for d from now. A connection that knows no deadline is a test's.
func (s *Server) extend(w http.ResponseWriter, d time.Duration) {
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.log.Debug("write deadline not set", "error", err)
	}
}
