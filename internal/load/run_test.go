package load

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// server answers on the loopback as its function says: nothing is sent for a zero kind.
type server struct {
	c  *net.UDPConn
	at netip.AddrPort
	mu sync.Mutex
	// answer gets what was asked, and how often that transaction asked the same before.
	answer func(q asked, before int) answer
	seen   map[asked]int
	asked  []asked
}

// asked is a question as a server reads it, with the standard library alone.
type asked struct {
	kind           byte
	xid            uint32
	mac            [6]byte
	held, relay    uint32
	wanted, server uint32
}

func serve(t *testing.T, answer func(q asked, before int) answer) *server {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{c: c, at: c.LocalAddr().(*net.UDPAddr).AddrPort(), answer: answer, seen: map[asked]int{}}
	s.at = netip.AddrPortFrom(s.at.Addr().Unmap(), s.at.Port())
	var up sync.WaitGroup
	up.Go(s.loop)
	t.Cleanup(func() { c.Close(); up.Wait() })
	return s
}

func (s *server) loop() {
	b := make([]byte, 2048)
	for {
		n, from, err := s.c.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		q := readQuestion(b[:n])
		s.mu.Lock()
		a := s.answer(q, s.seen[q])
		s.seen[q]++
		s.asked = append(s.asked, q)
		s.mu.Unlock()
		if a.kind != 0 {
			s.c.WriteToUDPAddrPort(writeAnswer(q, a), from)
		}
	}
}

func readQuestion(b []byte) (q asked) {
	q = asked{xid: binary.BigEndian.Uint32(b[4:]), mac: [6]byte(b[28:34]), held: binary.BigEndian.Uint32(b[12:]),
		relay: binary.BigEndian.Uint32(b[24:])}
	for o := b[fixed:]; len(o) > 1 && o[0] != 255; o = o[2+o[1]:] {
		v := o[2:]
		switch o[0] {
		case 53:
			q.kind = v[0]
		case 50:
			q.wanted = binary.BigEndian.Uint32(v)
		case 54:
			q.server = binary.BigEndian.Uint32(v)
		}
	}
	return q
}

func writeAnswer(q asked, a answer) []byte {
	b := make([]byte, fixed, smallest)
	b[0] = 2
	binary.BigEndian.PutUint32(b[4:], q.xid)
	binary.BigEndian.PutUint32(b[16:], a.addr)
	copy(b[28:], q.mac[:])
	copy(b[236:], []byte{99, 130, 83, 99})
	b = append(b, 0, 53, 1, a.kind, 54, 4)
	if a.server == 0 {
		a.server = 0x7f000001
	}
	b = binary.BigEndian.AppendUint32(b, a.server)
	b = append(b, 51, 4)
	b = binary.BigEndian.AppendUint32(b, a.lease)
	return append(b, 255)
}

// honest gives each client the address that ends like its hardware address.
func honest(q asked, _ int) answer {
	addr := 0x0a000000 | binary.BigEndian.Uint32(q.mac[2:])
	switch q.kind {
	case discover:
		return answer{kind: offer, addr: addr, lease: 3600}
	case request:
		if q.held == addr || q.wanted == addr && q.server == 0x7f000001 {
			return answer{kind: ack, addr: addr, lease: 3600}
		}
		return answer{kind: nak}
	default:
		return answer{}
	}
}

func measure(t *testing.T, s *server, cfg Config) *Report {
	t.Helper()
	cfg.Servers, cfg.Local = []netip.AddrPort{s.at}, []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	set(&cfg.Resend, 20*time.Millisecond)
	// The run takes a port of its own choice: 20,267 and those after it.
	for cfg.SourcePort = 20267; ; cfg.SourcePort++ {
		r, err := Run(t.Context(), cfg, nil)
		if err == nil {
			return r
		}
		if cfg.SourcePort == 20367 {
			t.Fatal(err)
		}
	}
}

func TestEachModeAsksAsItsClientsWould(t *testing.T) {
	for _, c := range []struct {
		cfg                    Config
		done, discovers, asked int
	}{
		{Config{Plan: Plan{Mode: New, Rate: 1000, Duration: 100 * time.Millisecond}}, 100, 100, 100},
		{Config{Plan: Plan{Mode: Renew, Rate: 1000, Duration: 100 * time.Millisecond}, Clients: 100, AcquireRate: 1000}, 100, 100, 200},
		{Config{Plan: Plan{Mode: Release, Rate: 1000, Duration: 50 * time.Millisecond}, Clients: 50}, 50, 50, 50},
	} {
		t.Run(string(c.cfg.Mode), func(t *testing.T) {
			s := serve(t, honest)
			c.cfg.Resend = 10 * time.Second // nobody asks twice, however busy the machine is
			r := measure(t, s, c.cfg)
			if int(r.Done) != c.done || r.Lost+r.Refused+r.Doubled+r.Malformed != 0 || int(r.Begun) != c.done {
				t.Errorf("reported %+v", r)
			}
			if c.cfg.Mode != Release && (r.Histogram == nil || r.P50 <= 0 || r.P999 > r.Max || r.Servers["127.0.0.1"] != uint64(c.done)) {
				t.Errorf("measured %+v", r)
			}
			s.c.Close()
			s.mu.Lock()
			defer s.mu.Unlock()
			kinds := map[byte]int{}
			for q, n := range s.seen {
				kinds[q.kind]++
				if n > 1 && r.Again == 0 {
					t.Errorf("%+v came %d times", q, n)
				}
				if q.relay != 0x7f000001 {
					t.Errorf("relay address %x", q.relay)
				}
				if q.kind == release && (q.held == 0 || q.server != 0x7f000001) {
					t.Errorf("released with %+v", q)
				}
			}
			if kinds[discover] != c.discovers || kinds[request] != c.asked {
				t.Errorf("messages by type: %v", kinds)
			}
		})
	}
}

func TestDiscoverTakesNoOffer(t *testing.T) {
	s := serve(t, honest)
	r := measure(t, s, Config{Resend: 10 * time.Second, Plan: Plan{Mode: Discover, Rate: 1000, Duration: 50 * time.Millisecond}})
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Done != 50 || r.Offers != 50 || r.Lost != 0 || len(s.asked) != 50 || r.P50 <= 0 {
		t.Errorf("%d messages; reported %+v", len(s.asked), r)
	}
}

func TestMixedClientsDoAll(t *testing.T) {
	r := measure(t, serve(t, honest), Config{Resend: 10 * time.Second, Plan: Plan{Mode: Mixed, Rate: 2000, Duration: 200 * time.Millisecond}, Clients: 400})
	if r.Lost+r.Refused+r.Doubled != 0 || r.Releases < 10 || r.Offers < 40 || r.Done < 350 {
		t.Errorf("reported %+v", r)
	}
}

// A mix goes on where nobody has a lease: of the places of its twenty those are skipped that need one.
func TestMixedClientsWithoutALeaseGetOne(t *testing.T) {
	r := measure(t, serve(t, honest), Config{Resend: 10 * time.Second, Plan: Plan{Mode: Mixed, Rate: 400, Duration: 500 * time.Millisecond}, Clients: 1})
	if r.Releases < 2 || r.Offers < 2 || r.Begun+r.Skipped != 200 {
		t.Errorf("reported %+v", r)
	}
}

func TestWhatGetsNoAnswerIsSentAgainAndCountsFromItsBegin(t *testing.T) {
	r := measure(t, serve(t, func(q asked, before int) answer {
		if before == 0 {
			return answer{}
		}
		return honest(q, before)
	}), Config{Plan: Plan{Rate: 1000, Duration: 50 * time.Millisecond}})
	if r.Done != 50 || r.Again != 100 || r.Lost != 0 { // two messages each, each twice
		t.Errorf("reported %+v", r)
	}
	if r.P50 < 30*time.Millisecond { // two messages, each after the first delay, which chance makes a fourth shorter
		t.Errorf("p50 is %v", r.P50)
	}
}

func TestSilenceIsReportedAsSuch(t *testing.T) {
	for _, once := range []bool{false, true} {
		s := serve(t, func(asked, int) answer { return answer{} })
		r := measure(t, s, Config{Plan: Plan{Rate: 1000, Duration: 20 * time.Millisecond, Once: once, Wait: 2 * time.Second}})
		s.mu.Lock()
		want := map[bool]int{false: 20 * (1 + lastTry), true: 20}[once]
		if r.Begun != 20 || r.Done != 0 || r.Lost != 20 || r.LostPart() != 1 || len(s.asked) != want {
			t.Errorf("once %v: %d messages; reported %+v", once, len(s.asked), r)
		}
		s.mu.Unlock()
	}
}

// A client whose server is gone after its offer asks it as often as the RFC says, and then looks for another.
func TestAClientWhoseServerIsGoneBeginsAnew(t *testing.T) {
	r := measure(t, serve(t, func(q asked, before int) answer {
		if q.kind == request && before <= lastTry {
			return answer{}
		}
		return honest(q, before)
	}), Config{Resend: 10 * time.Millisecond, Plan: Plan{Rate: 1000, Duration: 10 * time.Millisecond, Wait: 20 * time.Second}})
	if r.Done != 10 || r.Offers != 20 || r.Lost != 0 || r.Again < 10*(lastTry+1) {
		t.Errorf("reported %+v", r)
	}
}

func TestOneAddressForTwoClientsIsSeen(t *testing.T) {
	same := func(q asked, _ int) answer {
		if q.kind == discover {
			return answer{kind: offer, addr: 0x0a000001}
		}
		return answer{kind: ack, addr: 0x0a000001, lease: 3600}
	}
	if r := measure(t, serve(t, same), Config{Plan: Plan{Rate: 1000, Duration: 20 * time.Millisecond}}); r.Doubled != 19 {
		t.Errorf("%d seen among %d leases", r.Doubled, r.Done)
	}
}

func TestARefusalEndsTheExchange(t *testing.T) {
	r := measure(t, serve(t, func(q asked, n int) answer {
		if q.kind == request {
			return answer{kind: nak}
		}
		return honest(q, n)
	}), Config{Plan: Plan{Rate: 1000, Duration: 20 * time.Millisecond}})
	if r.Refused != 20 || r.Done != 0 || r.Lost != 0 {
		t.Errorf("reported %+v", r)
	}
}

func TestARunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, honest)
	told := 0
	r, err := Run(ctx, Config{
		Servers: []netip.AddrPort{s.at}, Local: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, SourcePort: 20400,
		Plan: Plan{Rate: 100, Duration: time.Hour},
	}, func(p Progress) { told++; cancel() })
	if err != nil {
		t.Fatal(err)
	}
	if told != 1 || r.Done == 0 || r.Elapsed > time.Minute {
		t.Errorf("told %d times; reported %+v", told, r)
	}
}

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	good := Config{Servers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:67")}, Local: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
	if _, err := good.complete(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no server":          func(c *Config) { c.Servers = nil },
		"IPv6 server":        func(c *Config) { c.Servers = []netip.AddrPort{netip.MustParseAddrPort("[::1]:67")} },
		"server without end": func(c *Config) { c.Servers = []netip.AddrPort{netip.MustParseAddrPort("255.255.255.255:67")} },
		"no relay":           func(c *Config) { c.Local = nil },
		"relay 0.0.0.0":      func(c *Config) { c.Local[0] = netip.IPv4Unspecified() },
		"mode":               func(c *Config) { c.Mode = "all" },
		"rate":               func(c *Config) { c.Rate = -1 },
		"rate too high":      func(c *Config) { c.Rate = 2e6 },
		"acquire rate":       func(c *Config) { c.AcquireRate = -1 },
		"duration":           func(c *Config) { c.Duration = -1 },
		"duration too long":  func(c *Config) { c.Duration = 1000 * time.Hour },
		"clients":            func(c *Config) { c.Clients = -1 },
		"too many clients":   func(c *Config) { c.Clients = 1 << 30 },
	} {
		c := good
		c.Local = slices.Clone(c.Local)
		change(&c)
		if _, err := c.complete(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
