package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"syscall"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// Door is where a server is asked over TCP.
type Door struct {
	l    net.Listener
	addr netip.AddrPort
	tls  *Certificate // nil: nothing is encrypted
	in   *crowd
	log  *slog.Logger
}

// OpenDoor listens on an address; nothing is answered before Run. Without a certificate it must be a loopback address.
func OpenDoor(addr netip.AddrPort, certificate *Certificate, log *slog.Logger) (*Door, error) {
	if certificate == nil && !addr.Addr().IsLoopback() {
		return nil, fmt.Errorf("api: %v is no loopback address, and without a certificate nothing is encrypted", addr)
	}
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		return nil, cannotListen(addr, err)
	}
	d := &Door{addr: l.Addr().(*net.TCPAddr).AddrPort(), tls: certificate, in: newCrowd(maxGuests, maxGuestsEach), log: log}
	d.l = &doorListener{l, d.in}
	return d, nil
}

// cannotListen returns err with what an operator can do about it.
func cannotListen(addr netip.AddrPort, err error) error {
	remedy := "see that the address is one of this machine's, and the port is free"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		remedy = fmt.Sprintf("another program has it (ss -ltnp 'sport = :%d' says which): end that, or write another port under server: api: listen", addr.Port())
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		remedy = "no interface has that address: write one that this machine has under server: api: listen, or give it to an interface first"
	case errors.Is(err, syscall.EACCES):
		remedy = "ports below 1024 need the capability NET_BIND_SERVICE: write a higher port under server: api: listen"
	}
	return fmt.Errorf("api: listening on %v: %w: %s", addr, err, remedy)
}

// Addr returns where it listens.
func (d *Door) Addr() netip.AddrPort { return d.addr }

// URL returns how a program of this machine or, with the address of an interface, of another asks it.
func (d *Door) URL() string {
	scheme := "http"
	if d.tls != nil {
		scheme = "https"
	}
	return scheme + "://" + d.addr.String()
}

// status returns how it stands.
func (d *Door) status() *node.APIStatus {
	st := &node.APIStatus{URL: d.URL()}
	if d.tls != nil {
		st.Fingerprint, st.Ends, st.Own = d.tls.Fingerprint(), node.At(d.tls.Ends()), d.tls.own
	}
	now, ofAll, ofEach := d.in.count()
	st.Connections, st.Shed = now, ofAll+ofEach
	return st
}

// guests returns how many connections over TCP there are, and how many were too many, for metrics.Requests.
func (s *Server) guests() (now int, shed map[string]uint64, ok bool) {
	if s.access == nil {
		return 0, nil, false
	}
	d := s.access.door.Load()
	if d == nil {
		return 0, nil, false
	}
	now, ofAll, ofEach := d.in.count()
	return now, map[string]uint64{"all": ofAll, "address": ofEach}, true
}

// Run answers with h until ctx ends, then ends the streams, and returns when everything that it started is done. It closes the listener. The
// error is nil if ctx ended it.
func (d *Door) Run(ctx context.Context, h http.Handler) error {
	srv := &http.Server{
		Handler:           d.in.known(h),
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(quieter{d.log.Handler()}, slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         d.in.state,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, plainConn(c))
		},
	}
	srv.Protocols = new(http.Protocols)
	srv.Protocols.SetHTTP1(true)
	l := d.l
	if d.tls != nil {
		l = tls.NewListener(l, d.tls.config())
	}
	return serveUntil(ctx, srv, l)
}

// serveUntil has srv answer on l until ctx ends.
func serveUntil(ctx context.Context, srv *http.Server, l net.Listener) error {
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

// Close ends a door that was opened and is not run.
func (d *Door) Close() error { return d.l.Close() }

// quieter is a log in which nothing is above debug: what strangers do to a connection is theirs.
type quieter struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q quieter) Enabled(ctx context.Context, l slog.Level) bool {
	return q.Handler.Enabled(ctx, min(l, slog.LevelDebug))
}
