package peer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// wire is a network without sockets, so that its time can be virtual: what is written waits for whoever reads.
type wire struct {
	at     net.Addr
	come   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newWire(at string) *wire {
	return &wire{net.TCPAddrFromAddrPort(netip.MustParseAddrPort(at)), make(chan net.Conn), make(chan struct{}), sync.Once{}}
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.come:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Addr() net.Addr { return w.at }

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

type pipe struct {
	net.Conn
	local, remote net.Addr
}

func (p *pipe) LocalAddr() net.Addr  { return p.local }
func (p *pipe) RemoteAddr() net.Addr { return p.remote }

// dialFrom connects to the wire, as from the address.
func (w *wire) dialFrom(from string) net.Conn {
	a := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))
	mine, theirs := net.Pipe()
	w.come <- &pipe{theirs, w.at, a}
	return &pipe{mine, a, w.at}
}

const (
	westAt = "192.0.2.1:647"
	iscAt  = "192.0.2.4:647"
	eastAt = "192.0.2.2:647"
)

// withISC is a member in a bubble whose partner is an ISC dhcpd that it never reaches by itself.
func withISC(w *wire) Config {
	return silent(Config{Group: "campus", Self: "west", Listen: netip.MustParseAddrPort(westAt),
		Members: []Member{{"isc", netip.MustParseAddrPort(iscAt), true}},
		listen:  func() (net.Listener, error) { return w, nil }})
}

// bubble runs a Peer in virtual time. When it ends, nothing of the Peer may be running: synctest sees to that.
func bubble(t *testing.T, cfg func(*testing.T, *wire) Config, do func(t *testing.T, w *wire, p *Peer, events <-chan Event)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(westAt)
		p, err := Listen(cfg(t, w))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		events, done := make(chan Event), make(chan error)
		go func() { done <- p.Run(ctx, events, events) }()
		do(t, w, p, events)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

func isc(_ *testing.T, w *wire) Config { return withISC(w) }

func wantRefusal(t *testing.T, err error, want Reason) {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) || r.Reason != want {
		t.Errorf("%v; want the refusal %v", err, want)
	}
}

func TestALinkWithoutAFirstMessageEnds(t *testing.T) {
	bubble(t, isc, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
		c := w.dialFrom("192.0.2.4:40000")
		start := time.Now()
		if u := (<-events).(Up); !u.Inbound || u.Protocol != ISC || u.Remote.String() != "192.0.2.4:40000" || u.Link.Member() != "isc" {
			t.Errorf("up: %+v", u)
		}
		d := (<-events).(Down)
		wantRefusal(t, d.Cause, Silent)
		if took := time.Since(start); took != 15*time.Second {
			t.Errorf("it took %v", took)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is open")
		}
		if r := p.Snapshot().Refused; len(r) != 1 || r[0].Reason != Silent || r[0].Member != "isc" {
			t.Errorf("counted: %+v", r)
		}
	})
}

func TestAMessageThatDripsEnds(t *testing.T) {
	for name, first := range map[string]int{"the first": 0, "a later one": 3} {
		t.Run(name, func(t *testing.T) {
			bubble(t, isc, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
				c := w.dialFrom("192.0.2.4:40000")
				<-events
				for range first {
					go c.Write(message(300, 2))
					<-events
					time.Sleep(time.Hour) // silence between messages is not ours to judge
				}
				start := time.Now()
				go func() {
					for _, b := range message(40, 3) {
						if _, err := c.Write([]byte{b}); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				}()
				wantRefusal(t, (<-events).(Down).Cause, Stalled)
				if took := time.Since(start); took != 15*time.Second {
					t.Errorf("it took %v", took)
				}
				synctest.Wait()
				time.Sleep(time.Minute)
			})
		})
	}
}

func TestAPartnerThatDoesNotReadEnds(t *testing.T) {
	bubble(t, isc, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
		w.dialFrom("192.0.2.4:40000")
		l := (<-events).(Up).Link
		start := time.Now()
		sent := 0
		for l.Send(message(2048, 1)) {
			sent++
		}
		if sent < 1000 || sent > maxQueued+maxQueued/8 {
			t.Errorf("%d messages are queued", sent)
		}
		wantRefusal(t, (<-events).(Down).Cause, NotReading)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if l.Send(message(12, 1)) {
			t.Error("a link that is down took a message")
		}
	})
}

func TestClosingIsBounded(t *testing.T) {
	cause := errors.New("a second connection")
	for name, end := range map[string]func(l *Link){
		"once":        func(l *Link) { l.Close(cause) },
		"twice":       func(l *Link) { l.Close(cause); l.Close(errors.New("another")) },
		"with a rest": func(l *Link) { l.Send(message(2048, 1)); l.Close(cause) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, isc, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
				w.dialFrom("192.0.2.4:40000")
				l := (<-events).(Up).Link
				start := time.Now()
				end(l)
				if d := (<-events).(Down); d.Link != l || d.Cause != cause {
					t.Errorf("down: %+v", d)
				}
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("it took %v", took)
				}
				l.Close(nil)
				if p.Snapshot().Lines[0].Links != nil {
					t.Error("the link is still counted")
				}
			})
		})
	}
}

// A decider that is busy makes the partner wait. Nothing is lost, and nothing is the partner's fault.
func TestABusyDeciderLosesNothing(t *testing.T) {
	bubble(t, isc, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
		c := w.dialFrom("192.0.2.4:40000")
		<-events
		const many = 200
		go func() {
			var all []byte
			for i := range many {
				all = append(all, message(12+i, byte(i))...)
			}
			for len(all) > 0 { // so that a message is cut in every place
				n := min(len(all), 7)
				if _, err := c.Write(all[:n]); err != nil {
					return
				}
				all = all[n:]
			}
		}()
		for i := range many {
			if i%20 == 0 {
				time.Sleep(time.Minute)
			}
			if m := (<-events).(Message); string(m.Bytes) != string(message(12+i, byte(i))) {
				t.Fatalf("message %d: %x", i, m.Bytes)
			}
		}
	})
}

func TestADeciderThatIsGoneKeepsNothingAlive(t *testing.T) {
	bubble(t, isc, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
		c := w.dialFrom("192.0.2.4:40000")
		<-events
		go c.Write(append(message(12, 1), message(12, 2)...))
		synctest.Wait() // nobody takes the messages; Run must end nevertheless
	})
}

func TestAMemberHasNoMoreThanItsLinks(t *testing.T) {
	bubble(t, isc, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
		for range 4 {
			w.dialFrom("192.0.2.4:40000")
			<-events
		}
		c := w.dialFrom("192.0.2.4:40000")
		synctest.Wait()
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a fifth connection is open")
		}
		if r := p.Snapshot().Refused; len(r) != 1 || r[0].Reason != TooManyLinks || r[0].Detail != ISC.String() {
			t.Errorf("counted: %+v", r)
		}
		for range 4 {
			wantRefusal(t, (<-events).(Down).Cause, Silent)
		}
		w.dialFrom("192.0.2.4:40000") // and then there is room again
		if _, ok := (<-events).(Up); !ok {
			t.Error("there is no room after they have gone")
		}
	})
}

// lessor is a member in a bubble whose partner is a Lessor.
func lessor(t *testing.T, w *wire) Config {
	b := &bench{t: t, dir: t.TempDir(), authority: authorityOf(t)}
	c := withISC(w)
	c.Members = []Member{{"east", netip.MustParseAddrPort(eastAt), false}}
	c.Keys = b.ring(b.files(b.authority, "west", time.Now()), "campus", "west")
	return c
}

func TestConnectionsThatSayNothingAreBounded(t *testing.T) {
	for name, say := range map[string]func(c net.Conn){
		"silence": func(net.Conn) {},
		"a drip": func(c net.Conn) {
			for _, b := range []byte{22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3} {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, lessor, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
				start := time.Now()
				for range 8 {
					go say(w.dialFrom("192.0.2.2:40000"))
				}
				synctest.Wait()
				if n := p.Snapshot().Unknown; n != 8 {
					t.Errorf("%d are unknown", n)
				}
				c := w.dialFrom("192.0.2.2:40000")
				if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(start) > 0 {
					t.Errorf("a ninth connection is open: %v", err)
				}
				if r := p.Snapshot().Refused; len(r) != 1 || r[0].Reason != TooMany || r[0].Member != "east" {
					t.Errorf("counted: %+v", r)
				}
				time.Sleep(5*time.Second + 1)
				synctest.Wait()
				s := p.Snapshot()
				if s.Unknown != 0 || len(s.Refused) != 2 || s.Refused[1].Reason != HalfOpen || s.Refused[1].Count != 8 {
					t.Errorf("after the time of a handshake: %+v", s)
				}
				time.Sleep(time.Minute)
				select {
				case e := <-events:
					t.Errorf("it became an event: %#v", e)
				default:
				}
			})
		})
	}
}

func TestConnectionsInFastSuccessionAreBounded(t *testing.T) {
	bubble(t, lessor, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
		let := func() (in int) {
			for range 100 {
				c := w.dialFrom("192.0.2.2:40000")
				c.Close()
				synctest.Wait()
			}
			for _, r := range p.Snapshot().Refused {
				if r.Reason == BrokenOff {
					in = int(r.Count)
				}
			}
			return in
		}
		if n := let(); n != 20 {
			t.Errorf("%d of 100 were let in", n)
		}
		time.Sleep(5 * time.Second)
		if n := let(); n != 30 {
			t.Errorf("%d were let in after 5 s", n)
		}
	})
}

func TestTheMemberIsDialledOnlyWhileNothingWorks(t *testing.T) {
	var dialled []time.Duration
	var start time.Time
	cfg := func(_ *testing.T, w *wire) Config {
		start, dialled = time.Now(), nil
		c := withISC(w)
		c.Wait = func() time.Duration { return 5 * time.Second }
		c.dial = func(context.Context, netip.AddrPort) (net.Conn, error) {
			dialled = append(dialled, time.Since(start))
			return nil, errors.New("out of order")
		}
		return c
	}
	bubble(t, cfg, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
		time.Sleep(11 * time.Second) // dialled at 0, 5, 10
		c := w.dialFrom("192.0.2.4:40000")
		l := (<-events).(Up).Link
		time.Sleep(5 * time.Second) // dialled at 15: nobody has said a word yet
		go c.Write(message(12, 1))
		<-events
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(dialled) != 4 || dialled[3] != 15*time.Second {
			t.Errorf("dialled at %v", dialled)
		}
		l.Close(nil)
		<-events
		synctest.Wait()
		if len(dialled) != 5 {
			t.Errorf("after the link has gone: dialled at %v", dialled)
		}
		if s := p.Snapshot().Lines[0]; s.Attempts != 5 || s.Trouble == "" || s.LastAttempt.IsZero() {
			t.Errorf("status: %+v", s)
		}
	})
}

// exhausted is a listener of a process that has no descriptor left, for a time.
type exhausted struct {
	*wire
	until time.Time
	tried atomic.Int64
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.tried.Add(1); time.Now().Before(e.until) {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return e.wire.Accept()
}

func TestWithoutDescriptorsItWaits(t *testing.T) {
	var e *exhausted
	cfg := func(t *testing.T, w *wire) Config {
		e = &exhausted{wire: w, until: time.Now().Add(time.Minute)}
		c := withISC(w)
		c.listen = func() (net.Listener, error) { return e, nil }
		return c
	}
	bubble(t, cfg, func(t *testing.T, w *wire, p *Peer, events <-chan Event) {
		time.Sleep(30 * time.Second)
		if n, s := e.tried.Load(), p.Snapshot(); n > 40 || !strings.Contains(s.Trouble, "too many open files") {
			t.Errorf("after %d attempts: %+v", n, s)
		}
		time.Sleep(31 * time.Second)
		w.dialFrom("192.0.2.4:40000")
		if <-events; p.Snapshot().Trouble != "" || p.Snapshot().Accepted != 1 {
			t.Errorf("after it is over: %+v", p.Snapshot())
		}
	})
}

func TestTheDocumentSaysWhoTheOthersAre(t *testing.T) {
	d := &config.Document{}
	d.Server.Name, d.Group.Name, d.Group.Failover.Reconnect = "west", "campus", time.Second
	d.Group.Members = []config.Member{
		{Name: "east", Peer: netip.MustParseAddrPort(eastAt), Protocol: config.ProtocolLessor},
		{Name: "west", Peer: netip.MustParseAddrPort(westAt), Protocol: config.ProtocolLessor},
		{Name: "isc", Peer: netip.MustParseAddrPort(iscAt), Protocol: config.ProtocolISC},
	}
	c := Of(d)
	want := []Member{{"east", netip.MustParseAddrPort(eastAt), false}, {"isc", netip.MustParseAddrPort(iscAt), true}}
	if c.Group != "campus" || c.Self != "west" || c.Listen.String() != westAt || c.Reconnect != time.Second || !slices.Equal(c.Members, want) {
		t.Errorf("%+v", c)
	}
	d.Group.Failover.Reconnect = 100 * time.Millisecond
	if c = Of(d); !errors.Is(c.check(), ErrNoKeys) || c.Limits.Rate < 2*2/0.1 {
		t.Errorf("a member that dials often is refused for that: %v a second", c.Limits.Rate)
	}
}

func TestReconnectVaries(t *testing.T) {
	c := withISC(newWire(westAt))
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	seen := map[time.Duration]bool{}
	for range 1000 {
		d := c.Wait()
		seen[d] = true
		if d < 4500*time.Millisecond || d > 5500*time.Millisecond {
			t.Fatalf("wait %v", d)
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d different waits", len(seen))
	}
}
