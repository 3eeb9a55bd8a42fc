package peer

import (
	"context"
	"encoding/binary"
	"encoding/pem"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
	"github.com/lessor-dhcp/lessor/internal/peerwire"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// addresses of the members of the tests: all are of the loopback interface, and each tells who calls.
var addresses = map[binding.Member]string{"west": "127.0.0.1", "east": "127.0.0.2", "north": "127.0.0.3", "isc": "127.0.0.4", "stranger": "127.0.0.9"}

// bench has a group whose members are on this machine.
type bench struct {
	t         testing.TB
	dir       string
	authority *keys.Authority
	listeners map[binding.Member]net.Listener
}

func newBench(t testing.TB, members ...binding.Member) *bench {
	t.Helper()
	a, err := keys.NewAuthority("campus", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t, t.TempDir(), a, map[binding.Member]net.Listener{}}
	for _, m := range members {
		l, err := net.Listen("tcp", addresses[m]+":0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		b.listeners[m] = l
	}
	return b
}

// files makes keys of the member by the authority.
func (b *bench) files(a *keys.Authority, m binding.Member, now time.Time) keys.Files {
	b.t.Helper()
	dir, err := os.MkdirTemp(b.dir, string(m))
	if err != nil {
		b.t.Fatal(err)
	}
	d := keys.Dir(filepath.Join(dir, "keys"))
	if err := a.Export(d, m, now); err != nil {
		b.t.Fatal(err)
	}
	return d.Files()
}

func (b *bench) ring(f keys.Files, group string, m binding.Member) *keys.Ring {
	b.t.Helper()
	r, err := keys.Open(f, group, m)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) at(m binding.Member) netip.AddrPort { return addrOf(b.listeners[m].Addr()) }

// config is that of a member that knows the others.
func (b *bench) config(self binding.Member, others ...binding.Member) Config {
	c := Config{Group: "campus", Self: self, Listen: b.at(self), Wait: func() time.Duration { return 20 * time.Millisecond },
		listen: func() (net.Listener, error) { return b.listeners[self], nil }}
	for _, m := range others {
		c.Members = append(c.Members, Member{m, b.at(m), m == "isc"})
		if m != "isc" && c.Keys == nil {
			c.Keys = b.ring(b.files(b.authority, self, time.Now()), "campus", self)
		}
	}
	c.Limits.Burst, c.Limits.Rate = 10_000, 10_000
	return c
}

// silent makes a config never dial within a test.
func silent(c Config) Config {
	c.dial = func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c
}

// running is a Peer that runs until the test ends.
type running struct {
	*Peer
	t      testing.TB
	events chan Event
	cancel context.CancelFunc
	done   chan error
}

func (b *bench) run(c Config) *running {
	b.t.Helper()
	p, err := Listen(c)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{p, b.t, make(chan Event, 16), cancel, make(chan error, 1)}
	go func() { r.done <- p.Run(ctx, r.events, r.events) }()
	b.t.Cleanup(r.stop)
	return r
}

// stop ends the Peer and waits for it. It may be called twice.
func (r *running) stop() {
	r.cancel()
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Errorf("Run returned %v", err)
		}
		r.done <- nil
	case <-time.After(patience):
		r.t.Error("Run did not end")
	}
}

func (r *running) next() Event {
	r.t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-time.After(patience):
		r.t.Fatalf("no event came; %+v", r.Snapshot())
		return nil
	}
}

// upOf takes events until a link of the protocol is up.
func (r *running) upOf(p Protocol, inbound bool) *Link {
	r.t.Helper()
	for {
		if u, ok := r.next().(Up); ok && u.Protocol == p && u.Inbound == inbound {
			return u.Link
		}
	}
}

// downOf takes events until the link is down.
func (r *running) downOf(l *Link) error {
	r.t.Helper()
	for {
		if d, ok := r.next().(Down); ok && d.Link == l {
			return d.Cause
		}
	}
}

// replaced takes events until the link is down, and a new one is up, which may be told in any order. It returns that one, and why the old one is down.
func (r *running) replaced(l *Link) (next *Link, cause error) {
	r.t.Helper()
	for next == nil || cause == nil {
		switch e := r.next().(type) {
		case Up:
			next = e.Link
		case Down:
			if e.Link != l {
				r.t.Fatalf("%v is down, not %v", e.Link, l)
			}
			cause = e.Cause
		}
	}
	return next, cause
}

// drain takes events until the Peer is stopped.
func (r *running) drain() {
	go func() {
		for {
			select {
			case <-r.events:
			case err := <-r.done:
				r.done <- err
				return
			}
		}
	}()
}

// refused waits until something was refused for the reason and returns it.
func (r *running) refused(reason Reason) Refused {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		for _, f := range r.Snapshot().Refused {
			if f.Reason == reason {
				return f
			}
		}
	}
	r.t.Fatalf("nothing was refused as %v, but %+v", reason, r.Snapshot().Refused)
	return Refused{}
}

// dialFrom makes a plain TCP connection from a member's address.
func dialFrom(t *testing.T, from binding.Member, to netip.AddrPort) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addresses[from])}, Timeout: patience}
	c, err := d.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// message is one of the failover draft with so many octets.
func message(n int, fill byte) []byte {
	m := make([]byte, n)
	binary.BigEndian.PutUint16(m, uint16(n))
	m[2], m[3] = byte(peerwire.Contact), peerwire.HeaderSize
	for i := peerwire.HeaderSize; i < n; i++ {
		m[i] = fill
	}
	return m
}

// gone fails unless the other end closes the connection, having said nothing.
func gone(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n > 0 || isTimeout(err) {
		t.Errorf("the connection was not closed in silence: %d octets, %v", n, err)
	}
}

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func authorityOf(t *testing.T) *keys.Authority {
	t.Helper()
	a, err := keys.NewAuthority("campus", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}
