package failover

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// script turns octets into what could happen to a server.
type script struct{ b []byte }

func (s *script) octet() int {
	if len(s.b) == 0 {
		return 0
	}
	v := s.b[0]
	s.b = s.b[1:]
	return int(v)
}

func (s *script) moment(now time.Time) time.Time {
	switch v := s.octet(); v {
	case 0:
		return time.Time{}
	case 1:
		return binding.Forever
	default:
		return now.Add(time.Duration(v-128) * 10 * time.Minute)
	}
}

func (s *script) sequence() binding.Sequence {
	switch v := s.octet(); v {
	case 255:
		return 1<<64 - 1
	default:
		return binding.SequenceOf(uint64(v>>5), uint64(v&31))
	}
}

func (s *script) binding(now time.Time) binding.Binding {
	b := binding.Binding{
		Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(8 + s.octet()%8)}), 32), State: binding.State(s.octet() % 7),
		Client: client(byte(s.octet() % 3)), Owner: []binding.Member{"", "west", "east", "north"}[s.octet()%4],
		Starts: s.moment(now), Expires: s.moment(now), CLTT: s.moment(now), Changed: s.moment(now),
		Sync: binding.Sync{Potential: s.moment(now), Ours: s.sequence(), Theirs: s.sequence()},
	}
	switch s.octet() % 20 {
	case 0:
		b.Prefix = netip.Prefix{}
	case 1:
		b.Prefix = netip.MustParsePrefix("10.0.0.0/24")
	case 2:
		b.Prefix = netip.MustParsePrefix("2001:db8::1/128")
	case 3:
		b.Client = binding.Client{}
	}
	return b
}

func (s *script) hello(n *simNode) Hello {
	h := n.w.other(n).cfg
	e := Hello{
		Relationship: h.Relationship, Member: h.Self, MaxUnacked: s.octet() - 5, ReceiveTimer: time.Duration(s.octet()-5) * time.Second,
		MCLT: h.MCLT, Buckets: Split(s.octet()), Store: [16]byte{9}, PartnerStore: n.cfg.Store, Last: s.sequence(), Seen: s.sequence(),
		Empty: s.octet()%2 == 0, Unmet: s.octet()%2 == 0,
	}
	if s.octet()%16 == 0 {
		e.MCLT, e.Member = 0, "north"
	}
	return e
}

func (s *script) message(n *simNode) Message {
	now := n.now()
	switch s.octet() % 12 {
	case 0:
		return Connect{s.hello(n)}
	case 1:
		return ConnectAck{Hello: s.hello(n), Reason: Reason(s.octet() / 200)}
	case 2, 3:
		return Report{State: State(s.octet() % 16), Starting: s.octet()%3 == 0, Since: s.moment(now)}
	case 4:
		return Contact{}
	case 5, 6:
		var m BindingUpdate
		for range s.octet() % 4 {
			u := Update{Binding: s.binding(now)}
			if s.octet()%5 == 0 {
				u.Last = netip.AddrFrom4([4]byte{10, 0, 0, byte(8 + s.octet()%16)})
			}
			m.Updates = append(m.Updates, u)
		}
		return m
	case 7:
		return BindingAck{[]Ack{{Prefix: s.binding(now).Prefix, Reason: Reason(s.octet() % 20)}}}
	case 8:
		return UpdateRequest{All: s.octet()%2 == 0}
	case 9:
		return UpdateDone{}
	case 10:
		return PoolRequest{}
	}
	return Disconnect{Reason: 254}
}

// FuzzEvents: whatever a partner says and whatever happens, a server neither panics nor works for ever.
func FuzzEvents(f *testing.F) {
	f.Add([]byte{0, 0})
	f.Add([]byte{1, 1, 3, 0, 9, 9, 100, 1, 1, 0, 0, 1, 3, 2, 6, 0, 3, 5, 3})
	f.Add([]byte{3, 1, 3, 1, 200, 200, 128, 33, 0, 1, 1, 9, 3, 2, 2, 1, 3, 6, 2, 3, 2, 1, 0, 200, 200, 200, 200, 200, 33, 0, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := script{b}
		w := newWorld(1, 0, false)
		w.steady, w.outside = true, true
		setup := s.octet()
		n := w.nodes[setup%2]
		if setup&2 != 0 {
			n.cfg.Protocol = ISC
		}
		if setup&4 != 0 {
			r := NewRecord(w.now, simMCLT, true)
			n.disk.rec = &r
		}
		n.start()
		w.link = &simLink{dead: true}
		for range 300 {
			if len(s.b) == 0 {
				break
			}
			w.happen(t, &s, n)
		}
	})
}

func (w *simWorld) happen(t *testing.T, s *script, n *simNode) {
	switch s.octet() % 10 {
	case 0:
		w.now = w.now.Add(time.Duration(s.octet()) * time.Minute)
		n.tick()
	case 1:
		n.step(LinkUp{})
	case 2:
		n.step(LinkDown{"fuzz"})
	case 3, 4, 5, 6:
		n.step(Received{Envelope: Envelope{uint32(s.octet() % 8), s.message(n)}, Sent: s.moment(n.now())})
	case 7:
		c := &simClient{id: s.octet() % 3, addr: -1}
		c.self = client(byte(c.id))
		if i, ok := n.offer(c); ok {
			n.selecting(c, i)
		}
	case 8:
		n.step(DeclareDown{NeverServed: s.octet()%2 == 0, Forced: s.octet()%3 == 0, Reason: "fuzz"})
	case 9:
		n.step(Maintain{On: s.octet()%2 == 0})
	}
	for i := 0; n.up && !n.wake.IsZero() && !n.wake.After(n.now()); i++ {
		if i > 60 {
			t.Fatalf("in %v it never rests", n.ep.State())
		}
		n.step(Tick{})
	}
	if o := len(n.out.Changes); o > 4096 {
		t.Fatalf("%d changes in one step", o)
	}
	if n.ep.Status(n.now()).State == 0 {
		t.Fatal("no state")
	}
}
