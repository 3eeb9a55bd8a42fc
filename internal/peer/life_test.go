package peer

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
	"github.com/lessor-dhcp/lessor/internal/peerwire"
)

func TestALinkThatIsResetComesBack(t *testing.T) {
	b := newBench(t, "west", "isc")
	west := b.run(b.config("west", "isc"))
	for range 3 {
		c, err := b.listeners["isc"].Accept()
		if err != nil {
			t.Fatal(err)
		}
		if from := addrOf(c.RemoteAddr()).Addr().String(); from != addresses["west"] {
			t.Errorf("dialled from %s, by which ISC would not know us", from)
		}
		l := west.upOf(ISC, false)
		c.Write(message(12, 0))
		if m := west.next().(Message); m.Link != l || m.Bytes[2] != byte(peerwire.Contact) {
			t.Errorf("message: %+v", m)
		}
		if !l.Send(message(2048, 5)) {
			t.Fatal("not sent")
		}
		got := make([]byte, 2048)
		if _, err := readFull(c, got); err != nil || !bytes.Equal(got, message(2048, 5)) {
			t.Fatalf("what came over plain TCP is not what was sent: %v", err)
		}
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
		if err := west.downOf(l); err != ErrReset {
			t.Errorf("down because of %v", err)
		}
	}
	if r := west.Snapshot().Refused; len(r) != 0 {
		t.Errorf("a reset was counted as a refusal: %+v", r)
	}
}

func readFull(c net.Conn, b []byte) (n int, err error) {
	c.SetReadDeadline(time.Now().Add(patience))
	for n < len(b) && err == nil {
		var k int
		k, err = c.Read(b[n:])
		n += k
	}
	return n, err
}

// As ISC does, both sides dial, and the decider of each says which link lives. Then nobody dials any more.
func TestBothDialAndOneLinkIsLeft(t *testing.T) {
	b := newBench(t, "west", "east")
	west, east := b.run(b.config("west", "east")), b.run(b.config("east", "west"))
	// West's decider keeps the links that it has made, and says a word on each; east answers on every link.
	settled := make(chan binding.Member, 2)
	decide := func(r *running, self binding.Member) {
		mine := map[Protocol]*Link{}
		heard := map[Protocol]bool{}
		for {
			select {
			case e := <-r.events:
				switch e := e.(type) {
				case Up:
					if (self == "west") == e.Inbound {
						e.Link.Close(nil)
						continue
					}
					mine[e.Protocol] = e.Link
					e.Link.Send(message(20, 1))
				case Message:
					if heard[e.Link.Protocol()] = true; len(heard) == 2 {
						settled <- self
					}
				case Down:
					if mine[e.Link.Protocol()] == e.Link {
						delete(mine, e.Link.Protocol())
					}
				}
			case err := <-r.done:
				r.done <- err
				return
			}
		}
	}
	go decide(west, "west")
	go decide(east, "east")
	<-settled
	<-settled
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		one := true
		for _, r := range []*running{west, east} {
			for _, n := range r.Snapshot().Lines {
				one = one && len(n.Links) == 1 && n.Links[0].Heard
			}
		}
		if one {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v\n%+v", west.Snapshot().Lines, east.Snapshot().Lines)
		}
	}
	attempts := func() (n uint64) {
		for _, r := range []*running{west, east} {
			for _, l := range r.Snapshot().Lines {
				n += l.Attempts
			}
		}
		return n
	}
	for end, n := time.Now().Add(patience), attempts(); ; n = attempts() {
		time.Sleep(200 * time.Millisecond) // ten times what is waited between attempts; one may have been on its way
		if attempts() == n {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("they still dial: %d attempts", attempts())
		}
	}
}

func TestACertificateIsRenewedWithoutARestart(t *testing.T) {
	b := newBench(t, "west", "east")
	now := time.Now()
	cfg := silent(b.config("west", "east"))
	ending := b.files(b.authority, "west", now.Add(-360*24*time.Hour))
	cfg.Keys = b.ring(ending, "campus", "west")
	west := b.run(cfg)
	if k := west.Snapshot().Keys; k.Ended || !strings.Contains(k.Warning, "in 4 days") && !strings.Contains(k.Warning, "in 5 days") {
		t.Errorf("a certificate that ends in five days: %+v", k)
	}
	east := b.run(b.config("east", "west"))
	l := east.upOf(Failover4, false)
	fresh := b.files(b.authority, "west", now)
	for _, f := range [][2]string{{fresh.Certificate, ending.Certificate}, {fresh.Key, ending.Key}} {
		if err := os.Rename(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
		cfg.Keys.Current(time.Now().Add(2 * time.Second)) // the files are looked at once a second; between the two they do not match
		k := west.Snapshot().Keys
		if f[0] == fresh.Certificate && (k.Ends.After(now.Add(20*24*time.Hour)) || !strings.Contains(k.Warning, "does not belong to the certificate")) {
			t.Errorf("with a certificate that is not the key's: %+v", k)
		}
		if f[0] == fresh.Key && (k.Warning != "" || k.Ends.Before(now.Add(300*24*time.Hour))) {
			t.Errorf("with new files: %+v", k)
		}
	}
	east.drain()
	l.Close(nil)
	west.upOf(Failover4, true) // that of before
	west.upOf(Failover4, true) // and one with the new certificate
}

func TestAMemberWhoseCertificateHasEndedDoesNotDial(t *testing.T) {
	b := newBench(t, "west", "east")
	cfg := b.config("west", "east")
	cfg.Keys = b.ring(b.files(b.authority, "west", time.Now().Add(-366*24*time.Hour)), "campus", "west")
	west, east := b.run(cfg), b.run(silent(b.config("east", "west")))
	for end := time.Now().Add(patience); west.Snapshot().Lines[0].Attempts < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not try")
		}
	}
	s := west.Snapshot()
	if !s.Keys.Ended || !strings.Contains(s.Keys.Warning, "no other member talks to this one") || !strings.Contains(s.Lines[0].Trouble, "not tried") {
		t.Errorf("status: %+v", s)
	}
	if s := east.Snapshot(); s.Accepted != 0 || len(s.Refused) != 0 {
		t.Errorf("the partner was bothered: %+v", s)
	}
}

// Only the end that accepts sees the certificate of the other after that one holds the handshake for done.
func TestADiallerThatIsRefusedLateIsTold(t *testing.T) {
	b := newBench(t, "west", "east")
	now := time.Now()
	other := authorityOf(t)
	f := b.files(other, "east", now)
	put := append(pemOf(other.Certificate()), pemOf(b.authority.Certificate())...)
	if err := os.WriteFile(f.Authority, put, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := b.config("east", "west")
	cfg.Keys = b.ring(f, "campus", "east")
	west, east := b.run(silent(b.config("west", "east"))), b.run(cfg)
	l := east.upOf(Failover4, false)
	wantRefusal(t, east.downOf(l), RefusedByPartner)
	if r := west.refused(OtherAuthority); r.Member != "east" {
		t.Errorf("refused: %+v", r)
	}
	if r := east.refused(RefusedByPartner); r.Detail != "tls: bad certificate" {
		t.Errorf("refused: %+v", r)
	}
	select {
	case e := <-west.events:
		t.Errorf("it became an event: %#v", e)
	default:
	}
}

func TestNothingIsLeftWhenRunEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		b := newBench(t, "west", "east")
		west, east := b.run(b.config("west", "east")), b.run(b.config("east", "west"))
		west.upOf(Failover4, false)
		c := dialFrom(t, "east", west.Addr()) // and one in the middle of its handshake
		c.Write([]byte{22, 3, 1})
		west.stop()
		east.stop()
		c.Close()
	}
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			all := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, and now %d:\n%s", before, runtime.NumGoroutine(), all[:runtime.Stack(all, true)])
		}
	}
}

func TestAConfigThatCannotWorkIsExplained(t *testing.T) {
	b := newBench(t, "west", "east", "isc")
	for says, change := range map[string]func(*Config){
		"has no peer: the others cannot reach it": func(c *Config) { c.Listen = netip.AddrPort{} },
		"member east has no peer":                 func(c *Config) { c.Members[0].Peer = netip.AddrPort{} },
		"lessor group init":                       func(c *Config) { c.Keys = nil },
		"is not another member":                   func(c *Config) { c.Members[0].Name = "west" },
		"an address of its own":                   func(c *Config) { c.Members[1].Peer = c.Members[0].Peer },
		"is in use":                               func(c *Config) { c.listen = nil },
	} {
		c := b.config("west", "east", "isc")
		change(&c)
		if p, err := Listen(c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, %v", says, p, err)
		}
	}
}

// A server may be started before its network is.
func TestAnAddressThatIsNotThereYetIsListenedOn(t *testing.T) {
	b := newBench(t, "west", "isc")
	c := silent(b.config("west", "isc"))
	c.listen = nil
	for _, at := range []string{"192.0.2.77:0", "[2001:db8::77]:0"} {
		c.Listen = netip.MustParseAddrPort(at)
		p, err := Listen(c)
		if err != nil {
			t.Fatal(err)
		}
		if p.Addr().Addr() != c.Listen.Addr() || p.Addr().Port() == 0 {
			t.Errorf("listens on %v", p.Addr())
		}
		p.Close()
	}
}

func TestAMachineJoinsOverThePeerPort(t *testing.T) {
	b := newBench(t, "west", "east")
	now := time.Now()
	founder, joiner := keys.Dir(t.TempDir()+"/keys"), keys.Dir(t.TempDir()+"/keys")
	if _, err := founder.Init("campus", "west", now); err != nil {
		t.Fatal(err)
	}
	cfg := silent(b.config("west", "east"))
	cfg.Keys, cfg.Registrar = b.ring(founder.Files(), "campus", "west"), founder.Registrar("campus")
	west := b.run(cfg)
	token, err := founder.Invite("east", west.Addr(), now)
	if err != nil {
		t.Fatal(err)
	}
	if err := joiner.Join(t.Context(), token, netip.MustParseAddr(addresses["stranger"]), now); err == nil {
		t.Error("it joined from an address that is no member's")
	}
	if err := joiner.Join(t.Context(), token, b.at("east").Addr(), now); err != nil {
		t.Fatal(err)
	}
	cfg = b.config("east", "west")
	cfg.Keys = b.ring(joiner.Files(), "campus", "east")
	east := b.run(cfg)
	if l := east.upOf(Failover4, false); l.Member() != "west" {
		t.Errorf("up: %v", l)
	}
	if l := west.upOf(Failover4, true); l.Member() != "east" {
		t.Errorf("up: %v", l)
	}
	other := keys.Dir(t.TempDir() + "/keys")
	if err := other.Join(t.Context(), token, b.at("east").Addr(), now); err == nil || !strings.Contains(err.Error(), "used by another machine") {
		t.Errorf("the token was good twice: %v", err)
	}
	if r := west.refused(JoinRefused); r.Member != "east" || !strings.Contains(r.Detail, "used by another machine") {
		t.Errorf("refused: %+v", r)
	}
}
