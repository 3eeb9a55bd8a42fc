package api

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// The bounds of connections over TCP.
const (
	// maxGuests is how many there are at once, maxGuestsEach from one address (for IPv6 a /64).
	maxGuests     = 512
	maxGuestsEach = 128
)

// crowd is the connections to one listener. Where there would be too many, the one goes that has had nothing to do longest: who only holds connections keeps nobody
// out. A connection that is being answered stays; if all are, the new one goes.
type crowd struct {
	mu   sync.Mutex
	all  map[net.Conn]*guest
	each map[netip.Prefix]int
	// shedAll counts those that had to go, or were not let in, since there were too many at all, shedEach since there were of one address.
	shedAll, shedEach uint64
	now               func() time.Time

	most, mostEach int // how many there may be, and of one address
}

// count returns how many connections there are, and how many were too many of all and of one address.
func (c *crowd) count() (now int, ofAll, ofEach uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all), c.shedAll, c.shedEach
}

type guest struct {
	site  netip.Prefix
	since time.Time // it has nothing to do
	asks  int       // how many requests of it are being answered
}

func newCrowd(most, each int) *crowd {
	return &crowd{all: map[net.Conn]*guest{}, each: map[netip.Prefix]int{}, now: time.Now, most: most, mostEach: each}
}

// admit reports whether a new connection may stay, and closes another one where it takes its place.
func (c *crowd) admit(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	site := siteOf(conn)
	switch {
	case c.each[site] >= c.mostEach:
		c.shedEach++
		if !c.sendAway(func(g *guest) bool { return g.site == site }) {
			return false
		}
	case len(c.all) >= c.most:
		c.shedAll++
		if !c.sendAway(func(*guest) bool { return true }) {
			return false
		}
	}
	c.all[conn] = &guest{site: site, since: c.now()}
	c.each[site]++
	return true
}

// sendAway closes, of those that are meant, the connection that has had nothing to do longest; false if all have.
func (c *crowd) sendAway(meant func(*guest) bool) bool {
	var idlest net.Conn
	for conn, g := range c.all {
		if g.asks == 0 && meant(g) && (idlest == nil || g.since.Before(c.all[idlest].since)) {
			idlest = conn
		}
	}
	if idlest == nil {
		return false
	}
	c.forget(idlest)
	idlest.Close()
	return true
}

func (c *crowd) forget(conn net.Conn) {
	g := c.all[conn]
	if g == nil {
		return
	}
	delete(c.all, conn)
	if c.each[g.site]--; c.each[g.site] <= 0 {
		delete(c.each, g.site)
	}
}

// plainConn returns the connection that was accepted.
func plainConn(conn net.Conn) net.Conn {
	if t, ok := conn.(*tls.Conn); ok {
		return t.NetConn()
	}
	return conn
}

// state follows what the HTTP server says of a connection. That some octets of a request are there is no reason to stay: that is when it is being answered.
func (c *crowd) state(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s {
	case http.StateClosed, http.StateHijacked:
		c.forget(plainConn(conn))
	case http.StateIdle:
		if g := c.all[plainConn(conn)]; g != nil {
			g.since = c.now()
		}
	case http.StateNew, http.StateActive:
	}
}

// known returns h, and counts what of each connection is being answered.
func (c *crowd) known(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _ := r.Context().Value(connKey{}).(net.Conn)
		c.asks(conn, 1)
		defer c.asks(conn, -1)
		h.ServeHTTP(w, r)
	})
}

func (c *crowd) asks(conn net.Conn, more int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.all[conn]; g != nil {
		g.asks += more
		g.since = c.now()
	}
}

// connKey is where the context of a request has the connection that it came over.
type connKey struct{}

func siteOf(conn net.Conn) netip.Prefix {
	p, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{}
	}
	a, bits := p.Addr().Unmap().WithZone(""), 32
	if a.Is6() {
		bits = 64
	}
	site, _ := a.Prefix(bits) // it has so many
	return site
}

// doorListener lets in as many as the crowd may have.
type doorListener struct {
	net.Listener
	in *crowd
}

// Accept returns the next connection that may stay.
func (l *doorListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.in.admit(conn) {
			return conn, nil
		}
		conn.Close()
	}
}
