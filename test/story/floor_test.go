package story

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }

// The two subnets of the one shared network, and the servers' addresses in them.
var (
	subnet198 = netip.MustParsePrefix("198.51.100.0/24")
	subnet203 = netip.MustParsePrefix("203.0.113.0/24")
	westAddr  = netip.MustParseAddr("198.51.100.2")
	eastAddr  = netip.MustParseAddr("198.51.100.3")
)

// leases is how many there are in the story.
const leases = 129

// side is a segment, and the server on it.
type side int

const (
	west side = iota
	east
)

func (s side) String() string { return [...]string{"west", "east"}[s] }
func (s side) other() side    { return 1 - s }

// floor is the shared network: two segments, the bridge between them, a server on either, and the clients.
type floor struct {
	*world.World
	t        *testing.T
	segments [2]*world.Segment
	servers  [2]*world.Namespace
	ports    [2]*world.Port
	bridge   *world.Trunk
	guests   *guests
	real     []*real
	born     time.Time
	story    []string
}

func newFloor(t *testing.T) *floor {
	t.Helper()
	w := world.New(t)
	f := &floor{World: w, t: t, born: time.Now()}
	for s, host := range []string{"west", "east"} {
		f.segments[s] = w.Segment()
		f.servers[s] = w.Host(host)
		f.ports[s] = f.segments[s].Attach(f.servers[s], "eth0", fmt.Sprintf("198.51.100.%d/24", s+2), fmt.Sprintf("203.0.113.%d/24", s+2))
		f.servers[s].Plain("eth0")
	}
	f.bridge = w.Trunk(f.segments[west], f.segments[east])
	f.guests = newGuests(f)
	t.Cleanup(func() {
		if t.Failed() || testing.Verbose() {
			t.Logf("--- the story\n%s", strings.Join(f.story, "\n"))
		}
		if t.Failed() {
			t.Logf("--- the clients\n%s", f.clients())
		}
	})
	return f
}

// say tells what happens, for whoever reads the test's output.
func (f *floor) say(format string, args ...any) {
	f.story = append(f.story, fmt.Sprintf("%6.1f s  ", time.Since(f.born).Seconds())+fmt.Sprintf(format, args...))
}

// eventually is the world's, with less haste.
func (f *floor) eventually(d time.Duration, what func() string, holds func() bool) {
	f.t.Helper()
	d *= world.Robbed
	for deadline := time.Now().Add(d); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("not within %v: %s", d, what())
		}
	}
}

func (f *floor) cut()  { f.t.Helper(); f.bridge.Cut(); f.say("the bridge fails") }
func (f *floor) heal() { f.t.Helper(); f.bridge.Heal(); f.say("the bridge heals") }

// client is one of the 129.
type client interface {
	// Name tells it from the others; Hardware is its address on the wire.
	Name() string
	Hardware() string
	// Side is the segment that it is on.
	Side() side
	// File is its lease file.
	File() string
}

// everybody is all clients, the real ones first.
func (f *floor) everybody() (all []client) {
	for _, r := range f.real {
		all = append(all, r)
	}
	for _, g := range f.guests.all {
		all = append(all, g)
	}
	return all
}

// clients tells what each client was told last.
func (f *floor) clients() string {
	var b strings.Builder
	for _, c := range f.everybody() {
		fmt.Fprintf(&b, "%-10s %s on %v's segment: ", c.Name(), c.Hardware(), c.Side())
		if l, ok := last(f.t, c); ok {
			fmt.Fprintln(&b, l)
		} else {
			fmt.Fprintln(&b, "nothing")
		}
	}
	return b.String()
}

// settle makes `n` clients come, half of them on either segment, and `dhclients` of them real ones, and waits until all have an
// address for the whole lifetime.
func (f *floor) settle(n, dhclients int, lifetime time.Duration) {
	f.t.Helper()
	for i := range dhclients {
		f.real = append(f.real, f.newReal(i, side(i%2)))
	}
	f.guests.come(n - dhclients)
	f.eventually(time.Minute, func() string { return fmt.Sprintf("%d clients have an address\n%s", n, f.clients()) }, func() bool {
		for _, c := range f.everybody() {
			if _, ok := last(f.t, c); !ok {
				return false
			}
		}
		return true
	})
	f.say("%d clients have an address, %d of them dhclient", n, dhclients)
	f.eventually(3*lifetime, func() string { return fmt.Sprintf("all have a lease of %v\n%s", lifetime, f.clients()) }, func() bool {
		for _, g := range f.guests.all {
			if l, _ := last(f.t, g); l.lifetime() < lifetime-time.Second {
				return false
			}
		}
		for _, r := range f.real { // dhclient does not write down what it is told within 15 s of what it wrote before
			if told := r.client.Told(); told["dhcp_lease_time"] != fmt.Sprint(int(lifetime.Seconds())) {
				return false
			}
		}
		return true
	})
	f.say("all have a lease of %v", lifetime)
}

// in returns those of the clients whose address is in the subnet.
func (f *floor) in(p netip.Prefix, all []client) (some []client) {
	for _, c := range all {
		if l, ok := last(f.t, c); ok && p.Contains(l.address) {
			some = append(some, c)
		}
	}
	return some
}

// on returns those of the clients that are on the segment.
func on(s side, all []client) (some []client) {
	for _, c := range all {
		if c.Side() == s {
			some = append(some, c)
		}
	}
	return some
}
