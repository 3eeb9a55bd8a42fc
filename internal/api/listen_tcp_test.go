package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// runDoor answers with h until the test ends.
func runDoor(t *testing.T, c *Certificate, h http.Handler) *Door {
	t.Helper()
	d, err := OpenDoor(loopback, c, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, h) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return d
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })

// A thousand connections that say nothing, or never end what they say, keep nobody out.
func TestAThousandIdleConnections(t *testing.T) {
	d := runDoor(t, nil, hello)
	for i := range 1000 {
		conn, err := net.Dial("tcp", d.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		}
	}
	for range 5 {
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(d.URL())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); string(b) != "hello" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		resp.Body.Close()
	}
	d.in.mu.Lock()
	defer d.in.mu.Unlock()
	if len(d.in.all) > maxGuestsEach {
		t.Errorf("%d connections are held of one address", len(d.in.all))
	}
}

// guestConn is a connection from an address, of which only that counts.
type guestConn struct {
	net.Conn
	from   string
	closed bool
}

func (g *guestConn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(g.from), 4711))
}
func (g *guestConn) Close() error { g.closed = true; return nil }

func TestWhoMakesRoom(t *testing.T) {
	c, clock := newCrowd(maxGuests, maxGuestsEach), time.Unix(0, 0)
	c.now = func() time.Time { clock = clock.Add(time.Second); return clock }
	var all []*guestConn
	come := func(from string) (*guestConn, bool) {
		g := &guestConn{from: from}
		all = append(all, g)
		return g, c.admit(g)
	}
	first, _ := come("192.0.2.1")
	busy, _ := come("192.0.2.1")
	c.asks(busy, 1)
	for range maxGuestsEach - 2 {
		if _, in := come("192.0.2.1"); !in {
			t.Fatal("refused while there is room")
		}
	}
	if _, in := come("192.0.2.1"); !in || !first.closed || busy.closed {
		t.Errorf("one more of that address: %v; the idlest went: %v; the one that is answered did: %v", in, first.closed, busy.closed)
	}
	if other, in := come("192.0.2.2"); !in || other.closed {
		t.Error("another address is refused")
	}
	for i := range 2 * maxGuests {
		if g, in := come(fmt.Sprintf("2001:db8:0:%x::1", i%2000)); !in || g.closed {
			t.Fatal("a new one is refused")
		}
	}
	open := 0
	for _, g := range all {
		if !g.closed {
			open++
		}
	}
	if open != maxGuests || len(c.all) != maxGuests || busy.closed {
		t.Errorf("%d are open, %d are counted; the one that is answered went: %v", open, len(c.all), busy.closed)
	}
	for conn := range c.all {
		c.asks(conn, 1)
	}
	if _, in := come("198.51.100.1"); in {
		t.Error("one more was let in while all are being answered")
	}
	for conn := range c.all {
		c.state(conn, http.StateClosed)
	}
	if len(c.all) != 0 || len(c.each) != 0 {
		t.Errorf("%d and %d are left", len(c.all), len(c.each))
	}
}

func TestWithoutACertificateOnlyLoopbackIsListenedOn(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:0"} {
		if d, err := OpenDoor(netip.MustParseAddrPort(addr), nil, quiet); err == nil {
			d.Close()
			t.Errorf("%s: it listens", addr)
		}
	}
}

func TestAPortThatIsTakenSaysWhatToDo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = OpenDoor(l.Addr().(*net.TCPAddr).AddrPort(), nil, quiet)
	if err == nil || !strings.Contains(err.Error(), "another program has it") || !strings.Contains(err.Error(), "server: api: listen") {
		t.Errorf("got %v", err)
	}
	c, err := OwnCertificate(t.TempDir(), netip.MustParseAddr("192.0.2.1"), []string{"west"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = OpenDoor(netip.MustParseAddrPort("192.0.2.1:8067"), c, quiet); err == nil || !strings.Contains(err.Error(), "no interface has that address") {
		t.Errorf("got %v", err)
	}
}

func TestAServerMakesItselfACertificateAndKeepsIt(t *testing.T) {
	dir, addr, now := t.TempDir(), netip.MustParseAddr("10.9.0.1"), time.Now()
	c, err := OwnCertificate(dir, addr, []string{"west", "localhost"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, CertificateName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for name, test := range map[string]struct {
		addr  string
		names []string
		after time.Duration
		same  bool
	}{
		"the same":         {"10.9.0.1", []string{"west", "localhost"}, 0, true},
		"any address":      {"0.0.0.0", []string{"west"}, 0, true},
		"shortly before":   {"10.9.0.1", []string{"west"}, ownLife - ownSoon - time.Minute, true},
		"it ends soon":     {"10.9.0.1", []string{"west"}, ownLife - ownSoon + time.Minute, false},
		"another address":  {"10.9.0.2", []string{"west"}, 0, false},
		"another name":     {"10.9.0.1", []string{"east"}, 0, false},
		"the clock is old": {"10.9.0.1", []string{"west"}, -48 * time.Hour, false},
	} {
		copied := t.TempDir()
		b, err := os.ReadFile(filepath.Join(dir, CertificateName))
		if err == nil {
			err = os.WriteFile(filepath.Join(copied, CertificateName), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		again, err := OwnCertificate(copied, netip.MustParseAddr(test.addr), test.names, now.Add(test.after))
		if err != nil || (again.Fingerprint() == c.Fingerprint()) != test.same {
			t.Errorf("%s: %v, %v", name, again, err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, CertificateName), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OwnCertificate(dir, addr, []string{"west"}, now); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a key that everybody may read: %v", err)
	}
}

func TestTLSIsSpoken(t *testing.T) {
	dir := t.TempDir()
	c, err := OwnCertificate(dir, netip.MustParseAddr("127.0.0.1"), []string{"west"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	d := runDoor(t, c, hello)
	pool := x509.NewCertPool()
	b, err := os.ReadFile(filepath.Join(dir, CertificateName))
	if err != nil || !pool.AppendCertsFromPEM(b) {
		t.Fatal(err)
	}
	get := func(config *tls.Config) error {
		resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}).Get(d.URL())
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if err := get(&tls.Config{RootCAs: pool}); err != nil {
		t.Error(err)
	}
	if err := get(nil); err == nil {
		t.Error("whom nobody vouches for was believed")
	}
	if err := get(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 was spoken")
	}
	before := c.Fingerprint()
	path := filepath.Join(dir, CertificateName)
	if err := os.WriteFile(path, []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(); err == nil || c.Fingerprint() != before {
		t.Errorf("after files that cannot be read: %v", err)
	}
	if err := get(&tls.Config{RootCAs: pool}); err != nil {
		t.Errorf("the one of before goes on: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(); err != nil || c.Fingerprint() == before {
		t.Errorf("after a new one: %v", err)
	}
}
