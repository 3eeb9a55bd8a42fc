package isc

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }

const relationship = "campus"

var (
	link     = netip.MustParsePrefix("10.1.0.0/24")
	westLan  = netip.MustParseAddr("10.1.0.1")
	eastLan  = netip.MustParseAddr("10.1.0.2")
	westPeer = netip.MustParseAddrPort("10.9.0.1:647")
	eastPeer = netip.MustParseAddrPort("10.9.0.2:647")
)

// floor is where everything happens: a segment with the clients of both servers, and one with the servers alone, over
// which they talk to each other.
type floor struct {
	*world.World
	west, east, people *world.Namespace
	lan, line, nowhere *world.Segment
	lanOf, lineOf      map[*world.Namespace]*world.Port
	door               *world.Port // the clients'
	wire               *world.Capture
	tap                *tap
	born               time.Time
	phases             []string
}

func newFloor(t *testing.T) *floor {
	t.Helper()
	w := world.New(t)
	f := &floor{World: w, west: w.Host("west"), east: w.Host("east"), people: w.Host("people"), born: time.Now()}
	f.lan, f.line, f.nowhere = w.Segment(), w.Segment(), w.Segment()
	f.lanOf = map[*world.Namespace]*world.Port{
		f.west: f.lan.Attach(f.west, "eth0", westLan.String()+"/24"),
		f.east: f.lan.Attach(f.east, "eth0", eastLan.String()+"/24"),
	}
	f.lineOf = map[*world.Namespace]*world.Port{
		f.west: f.line.Attach(f.west, "fo0", westPeer.Addr().String()+"/24"),
		f.east: f.line.Attach(f.east, "fo0", eastPeer.Addr().String()+"/24"),
	}
	f.door = f.lan.Attach(f.people, "eth0", "10.1.0.9/24")
	f.wire = f.people.Capture("eth0")
	f.tap = newTap(t, f.west, "fo0")
	t.Cleanup(func() {
		if t.Failed() || testing.Verbose() {
			t.Logf("--- what happened\n%s", lines(f.phases))
		}
		if t.Failed() {
			t.Logf("--- between the servers\n%s", conversation(f.tap.messages(), 120))
		}
	})
	return f
}

// did notes what the test has just done, for the report of a test that fails.
func (f *floor) did(format string, args ...any) {
	f.phases = append(f.phases, fmt.Sprintf("%s %5.1f s  ", time.Now().Format("15:04:05.000"), time.Since(f.born).Seconds())+fmt.Sprintf(format, args...))
}

// eventually is the world's, with less haste: what is waited for here takes seconds, and many wait side by side.
func (f *floor) eventually(d time.Duration, what string, holds func() bool) {
	f.T().Helper()
	d *= world.Robbed
	for deadline := time.Now().Add(d); !holds(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.T().Fatalf("not within %v: %s", d, what)
		}
	}
}

// deafen takes a server away from the clients, who and which do not notice; hear brings it back.
func (f *floor) deafen(host *world.Namespace) {
	f.T().Helper()
	f.lanOf[host].Move(f.nowhere)
	f.did("%s hears no client any more", host.Role)
}

func (f *floor) hear(host *world.Namespace) {
	f.T().Helper()
	f.lanOf[host].Move(f.lan)
	f.did("%s hears clients again", host.Role)
}

// cut takes away what is between the servers, without a word to either; mend brings it back.
func (f *floor) cut() {
	f.T().Helper()
	f.lineOf[f.east].Move(f.nowhere)
	f.did("the link between the servers is cut")
}

func (f *floor) mend() {
	f.T().Helper()
	f.lineOf[f.east].Move(f.line)
	f.did("the link between the servers is whole")
}
