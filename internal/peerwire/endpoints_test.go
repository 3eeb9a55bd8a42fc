package peerwire

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// server is one of two servers of a relationship, with nothing but their connection between them.
type server struct {
	self     binding.Member
	endpoint *failover.Endpoint
	wire     *Translator
	table    *binding.Table
	out      failover.Output
}

func (s *server) Get(p netip.Prefix) (binding.Binding, bool) { return s.table.Get(p) }
func (s *server) Scan(from uint64, n int, each func(*binding.Binding) bool) (uint64, bool) {
	return s.table.Scan(from, n, each)
}
func (s *server) Covers(netip.Addr) bool                                    { return true }
func (s *server) Ranges() int                                               { return 0 }
func (s *server) FreeOf(int, binding.Member) uint64                         { return 0 }
func (s *server) EachFree(int, binding.Member, func(*binding.Binding) bool) {}
func (s *server) EachUnused(int, func(first, last netip.Addr) bool)         {}
func (s *server) put(b *binding.Binding, due time.Time)                     { s.table.Put(*b, due) }
func (s *server) step(now time.Time, ev failover.Event)                     { s.endpoint.Step(now, ev, s, &s.out) }

func newServer(self, partner binding.Member, r failover.Role) *server {
	cfg := failover.Config{
		Self: self, Partner: partner, Role: r, Protocol: failover.Lessor, Relationship: "campus", Store: [16]byte([]byte(self + "------------")),
		Parts: failover.PartsOf([]failover.Part{{Name: "ranges", Digest: digest(1), Vital: true}}), MCLT: time.Hour, Guard: time.Minute, Longest: 12 * time.Hour,
		Split: 128, ReceiveTimer: 10 * time.Second, Startup: 5 * time.Second, MaxUnacked: 100, MaxSkew: 30 * time.Second,
	}
	s := &server{self: self, table: binding.NewTable()}
	s.wire = NewTranslator(Setup{Dialect: Lessor, Role: r, Self: self, Partner: partner, Software: "lessor-1.0"})
	s.endpoint = failover.New(cfg, failover.NewRecord(noon, time.Hour, false), s, noon)
	return s
}

// exchange carries octets between the two until neither has more to say.
func exchange(t *testing.T, now time.Time, a, b *server) {
	t.Helper()
	for range 1000 {
		said := a.speak(t, now, b) + b.speak(t, now, a)
		if said == 0 {
			return
		}
	}
	t.Fatal("they do not stop talking")
}

// speak does what a step says is to be done, and returns how many messages went out.
func (s *server) speak(t *testing.T, now time.Time, to *server) (n int) {
	t.Helper()
	if s.out.Wake.Equal(now) {
		s.step(now, failover.Tick{})
	}
	for _, c := range s.out.Changes {
		s.put(&c.Binding, c.Due)
	}
	var octets []byte
	for i := range s.out.Send {
		var err error
		if octets, err = s.wire.Append(octets, now, &s.out.Send[i], 0); err != nil {
			t.Fatal(err)
		}
	}
	if s.out.Close != "" {
		t.Fatalf("%s closed: %s", s.self, s.out.Close)
	}
	for _, x := range s.out.Notes {
		if x.Kind == failover.UpdateRefused || x.Kind == failover.ConflictFound {
			t.Fatalf("%s: %+v", s.self, x)
		}
	}
	s.out.Reset()
	octets = s.wire.Pending(octets, now)
	for _, msg := range split(t, octets) {
		var r failover.Received
		if err := to.wire.Parse(msg, to.table, &r); err != nil {
			t.Fatal(err)
		}
		to.step(now, r)
		n++
	}
	return n
}

// TestTwoServersSpeakInOctets: they greet each other, tell each other of leases, and hold the same in the end.
func TestTwoServersSpeakInOctets(t *testing.T) {
	west, east := newServer("west", "east", failover.Primary), newServer("east", "west", failover.Secondary)
	now := noon
	west.step(now, failover.LinkUp{})
	east.step(now, failover.LinkUp{})
	exchange(t, now, west, east)
	if a, b := west.endpoint.State(), east.endpoint.State(); a != failover.Normal || b != failover.Normal {
		t.Fatalf("they are in %v and %v", a, b)
	}
	for i := range 300 {
		now = now.Add(100 * time.Millisecond)
		s, other := west, east
		if i%2 == 1 {
			s, other = east, west
		}
		grant(s, now, byte(i%200), i)
		s.step(now, failover.Changed{})
		exchange(t, now, s, other)
	}
	if west.table.Len() != 200 || east.table.Len() != 200 {
		t.Fatalf("they hold %d and %d", west.table.Len(), east.table.Len())
	}
	west.Scan(0, 1<<20, func(b *binding.Binding) bool {
		other, _ := east.Get(b.Prefix)
		if mine, theirs := common(*b), common(other); !reflect.DeepEqual(mine, theirs) {
			t.Errorf("%+v\n%+v", mine, theirs)
		}
		return true
	})
	if x, y := west.endpoint.Status(now), east.endpoint.Status(now); x.Unacked+y.Unacked+x.InFlight+y.InFlight > 0 || x.Ignored+y.Ignored > 0 {
		t.Errorf("%+v\n%+v", x, y)
	}
}

// grant gives or renews a lease.
func grant(s *server, now time.Time, host byte, i int) {
	p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, host}), 32)
	c := binding.Client{ID: []byte{1, host}, Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, host})}
	old, had := s.Get(p)
	whole := now.Truncate(time.Second)
	b := leased()
	b.Prefix, b.Client, b.Home, b.Cause = p, c, s.self, binding.Granted
	b.Starts, b.Changed, b.CLTT = whole, whole, whole
	b.Result = s.table.Intern(append(b.Result.Bytes, 0, 60, 0, 1, byte(i%7)))
	var was *binding.Binding
	if had {
		was = &old
		b.Starts, b.Changed, b.Home, b.Cause = old.Starts, old.Changed, old.Home, binding.Renewed
	}
	b.Expires, b.Sync.Potential = whole.Add(time.Hour), whole.Add(6*time.Hour)
	s.endpoint.Stamp(now, was, &b)
	s.put(&b, s.endpoint.Due(&b))
}

// common is what both servers know of a binding, in octets of its own.
func common(b binding.Binding) binding.Binding {
	b.Sync = binding.Sync{Acked: b.Sync.Acked}
	b.Client.ID, b.Facts.Own = append([]byte{}, b.Client.ID...), append([]byte{}, b.Facts.Own...)
	b.Facts.Shared, b.Result, b.Reasons = fresh(b.Facts.Shared), fresh(b.Result), fresh(b.Reasons)
	return b
}
