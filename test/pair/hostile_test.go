package pair

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// fort is a pair in NORMAL with clients, of whose authority the test has the key.
type fort struct {
	*world.Pair
	t         *testing.T
	authority *world.Authority
	stranger  *world.Namespace
	ledger    *world.Ledger
	town      *world.Town
	before    [2]world.Standing
}

func newFort(t *testing.T) *fort { t.Helper(); return newFortWith(t, nil) }

// newFortWith is newFort with something done to the pair before it is started.
func newFortWith(t *testing.T, prepare func(p *world.Pair)) *fort {
	t.Helper()
	seed, _ := seeded(t)
	w := world.New(t)
	p := w.Pair(world.PairSetup{Alone: true, MCLT: 10 * time.Second, Guard: 2 * time.Second, Receive: world.Calm})
	f := &fort{Pair: p, t: t, authority: w.Authority(), ledger: world.NewLedger("under attack")}
	p.Trust(f.authority)
	if prepare != nil {
		prepare(p)
	}
	p.West.Begin(true)
	p.East.Begin(true)
	p.Normal(20 * time.Second)
	f.stranger = p.Stranger("stranger", "10.9.0.66/24")
	host := w.Host("town")
	p.West.Segment.Attach(host, "eth0")
	town := host.Town("eth0", f.ledger, world.Life{Clients: 24, Pause: 2 * time.Second, Renew: 60, Reboot: 20, Release: 15, Vanish: 5}, seed)
	f.town = town
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { town.Live(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	for i, m := range p.Both() {
		f.before[i] = m.Standing()
	}
	return f
}

// still lets the clients begin nothing new, and waits until none waits for an answer.
func (f *fort) still() {
	f.t.Helper()
	f.town.Settle(true)
	f.Eventually(20*time.Second, "no client waits", func() bool { return f.town.Waiting() == 0 })
}

// unmoved fails the test if either server has changed its state, or the clients were not served.
func (f *fort) unmoved(when string) {
	f.t.Helper()
	for i, m := range f.Both() {
		if m.Ended() {
			f.t.Fatalf("%s: %s has ended", when, m.Host.Role)
		}
		s, was := m.Standing(), f.before[i]
		if s.State != "NORMAL" || s.PartnerState != "NORMAL" || !s.Connected || !s.Since.Equal(was.Since) || !s.PartnerSince.Equal(was.PartnerSince) {
			f.t.Fatalf("%s: %s was NORMAL since %v (%v), and is %s since %v (%v), connected %v: %s", when, m.Host.Role, was.Since, was.PartnerSince,
				s.State, s.Since, s.PartnerSince, s.Connected, s.Cause)
		}
	}
	if wrongs := f.ledger.Wrongs(); len(wrongs) > 0 {
		f.t.Fatalf("%s: a client was wronged: %v", when, wrongs)
	}
}

// served waits until clients were answered that asked from now on.
func (f *fort) served() {
	f.t.Helper()
	count := func() (n int) {
		a := f.ledger.Of("under attack")
		for _, k := range a.By {
			n += k
		}
		return n
	}
	from := count()
	f.Eventually(10*time.Second, "clients are served", func() bool { return count() >= from+10 })
}

// refused waits until a server has counted a refusal for that reason, with words that say what to change.
func (f *fort) refused(m *world.Member, from uint64, reason string) {
	f.t.Helper()
	var s world.Standing
	f.Eventually(25*time.Second, m.Host.Role+" refuses for "+reason, func() bool {
		s = m.Standing()
		return s.Count(reason) > from
	})
	for _, r := range s.Refused {
		if r.Remedy == "" || r.Last.IsZero() {
			f.t.Errorf("%s refuses for %s, and does not say what to change or when it was: %+v", m.Host.Role, r.Reason, r)
		}
	}
}

// closedWithin fails the test unless the other end closes the connection.
func closedWithin(c net.Conn, d time.Duration) error {
	c.SetReadDeadline(time.Now().Add(d))
	_, err := io.Copy(io.Discard, c)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		return fmt.Errorf("the connection is still open after %v", d)
	}
	return nil
}

// visitor is somebody who connects to the port of a server.
type visitor struct {
	name string
	// stranger: from a host that is no member; else from the other member's.
	stranger bool
	// reasons are those of which one is counted.
	reason string
	visit  func(f *fort, c net.Conn) error
}

// says is a visitor that says that and then nothing.
func says(b []byte) func(*fort, net.Conn) error {
	return func(_ *fort, c net.Conn) error {
		_, err := c.Write(b)
		return err
	}
}

// shows is a visitor that greets with papers.
func shows(papers func(f *fort) *tls.Certificate, edit func(*tls.Config), protocols ...string) func(*fort, net.Conn) error {
	return func(f *fort, c net.Conn) error {
		t, err := world.Greet(c, papers(f), edit, protocols...)
		if err != nil {
			return nil // it was refused within the handshake
		}
		t.SetReadDeadline(time.Now().Add(20 * time.Second))
		io.Copy(io.Discard, t)
		return nil
	}
}

// member is a visitor with the right papers, that then says something.
func member(b []byte) func(*fort, net.Conn) error {
	return func(f *fort, c net.Conn) error {
		t, err := world.Greet(c, f.East.Papers(), nil, world.SpeaksFailover)
		if err != nil {
			return err
		}
		if _, err := t.Write(b); err != nil {
			return err
		}
		return closedWithin(t, 20*time.Second)
	}
}

func nobodys(*fort) *tls.Certificate { return nil }
func easts(f *fort) *tls.Certificate { return f.East.Papers() }
func claims(c func() world.Claim) func(*fort) *tls.Certificate {
	return func(f *fort) *tls.Certificate { return f.authority.Papers(c()) }
}

var campus = []string{world.SpeaksFailover}

// plainConnect is the beginning of a CONNECT of the failover draft.
var plainConnect = append([]byte{0, 60, 5, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 22, 0, 6}, "campus"...)

var visitors = []visitor{
	{"a stranger", true, "stranger", says([]byte("hello"))},
	{"a stranger with the right papers", true, "stranger", shows(easts, nil, campus...)},
	{"garbage", false, "garbage", says([]byte("GET / HTTP/1.1\r\n\r\n"))},
	{"noise", false, "garbage", says(bytes.Repeat([]byte{0xa5, 0x5a, 0x01, 0xff}, 64))},
	{"the draft without TLS", false, "plaintext", says(plainConnect)},
	{"a connection and silence", false, "half-open", func(*fort, net.Conn) error { return nil }},
	{"half a greeting", false, "half-open", says([]byte{22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3})},
	{"a connection and its end", false, "broken-off", func(_ *fort, c net.Conn) error { return c.Close() }},
	{"TLS 1.2", false, "old-tls", shows(easts, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, campus...)},
	{"a browser", false, "no-protocol", shows(nobodys, nil, "h2", "http/1.1")},
	{"TLS for nothing", false, "no-protocol", shows(easts, nil)},
	{"a protocol of the future", false, "no-protocol", shows(easts, nil, "lessor-failover4/9")},
	{"nobody", false, "no-certificate", shows(nobodys, nil, campus...)},
	{"another authority", false, "other-authority", shows(func(f *fort) *tls.Certificate {
		return f.Authority().Papers(world.Claim{Group: "campus", Member: "east"})
	}, nil, campus...)},
	{"another group", false, "other-group", shows(claims(func() world.Claim { return world.Claim{Group: "camping", Member: "east"} }), nil, campus...)},
	{"another member", false, "other-member", shows(func(f *fort) *tls.Certificate { return f.West.Papers() }, nil, campus...)},
	{"a third member", false, "other-member", shows(claims(func() world.Claim { return world.Claim{Group: "campus", Member: "north"} }), nil, campus...)},
	{"yesterday's papers", false, "expired", shows(claims(func() world.Claim {
		return world.Claim{Group: "campus", Member: "east", From: time.Now().Add(-48 * time.Hour), Until: time.Now().Add(-24 * time.Hour)}
	}), nil, campus...)},
	{"tomorrow's papers", false, "expired", shows(claims(func() world.Claim {
		return world.Claim{Group: "campus", Member: "east", From: time.Now().Add(24 * time.Hour), Until: time.Now().Add(48 * time.Hour)}
	}), nil, campus...)},
	{"papers of a web server", false, "unfit-certificate", shows(claims(func() world.Claim {
		return world.Claim{Group: "campus", Member: "east", Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	}), nil, campus...)},
	{"a message that is too short", false, "bad-frame", member([]byte{0, 3, 11, 12})},
	{"a message of no length", false, "bad-frame", member(make([]byte, 64))},
	{"half a message", false, "too-many-links", member([]byte{0, 60, 5, 12, 0, 0})},
	{"the right papers and silence", false, "too-many-links", member(nil)},
	{"the right papers and nonsense", false, "too-many-links", member(append([]byte{0, 64, 10, 12}, make([]byte, 60)...))},
}

// Whoever connects and is not the other server is refused, with a reason that says what to change, and counted. The two serve
// on as if nobody had come.
func TestWhoeverIsNotThePartnerIsRefused(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	var slow sync.WaitGroup
	for _, v := range visitors {
		host := f.East.Host
		if v.stranger {
			host = f.stranger
		}
		from := f.West.Standing().Count(v.reason)
		c, err := host.Visit(f.West.Port())
		if err != nil {
			if v.stranger {
				f.refused(f.West, from, v.reason)
				continue
			}
			t.Fatalf("%s: %v", v.name, err)
		}
		done := make(chan error, 1)
		slow.Go(func() {
			err := v.visit(f, c)
			if err == nil {
				err = closedWithin(c, 20*time.Second)
			}
			c.Close()
			done <- err
		})
		f.refused(f.West, from, v.reason)
		if err := <-done; err != nil && !v.stranger && !strings.Contains(err.Error(), "closed network connection") {
			t.Errorf("%s: %v", v.name, err)
		}
		f.unmoved(v.name)
	}
	slow.Wait()
	f.served()
	f.unmoved("in the end")
	if s := f.East.Standing(); len(s.Refused) > 0 {
		t.Errorf("nobody has visited east, which refused %+v", s.Refused)
	}
}
