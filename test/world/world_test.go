package world

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

func TestMain(m *testing.M) {
	Sweep()
	os.Exit(m.Run())
}

// The drivers are tested with a server that is known to be good, so that where a test of Lessor fails it is Lessor.
func TestEveryClientCanBeDriven(t *testing.T) {
	for _, kind := range Clients {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := New(t)
			seg := w.Segment()
			server, host := w.Host("server"), w.Host("client")
			seg.Attach(server, "eth0", "10.1.0.1/24")
			seg.Attach(host, "eth0")
			mac := host.Hardware("eth0")
			server.Dnsmasq("eth0", "10.1.0.50,10.1.0.99,255.255.255.0,120")
			wire := server.Capture("eth0")

			c := host.Client(kind, "eth0", Options{Hostname: "kiosk-7"})
			c.Start()
			first := host.LeasedIn("eth0", netip.MustParsePrefix("10.1.0.0/24"), 20*time.Second)
			ack := w.See(wire, 0, time.Second, "the ACK", func(p Packet) bool { return p.Is(dhcpv4.MessageTypeAck) && p.From(mac) })
			if got, _ := netip.AddrFromSlice(ack.Message.YourIPAddr.To4()); got != first {
				t.Fatalf("%s configured %v, but the ACK gave %v", kind, first, got)
			}
			w.Eventually(5*time.Second, "the client tells what it was told", func() bool { return len(c.Told()) > 0 })

			c.Crash()
			c.Start()
			if again := host.LeasedIn("eth0", netip.MustParsePrefix("10.1.0.0/24"), 20*time.Second); again != first {
				t.Errorf("%s had %v, and %v after it was started again", kind, first, again)
			}
			if kind == "udhcpc" || kind == "dhcpcd" {
				// A moment may pass until the second start is bound; only a bound client obeys.
				mark := wire.Mark()
				w.Eventually(20*time.Second, "a renewal by unicast", func() bool {
					c.Renew()
					time.Sleep(300 * time.Millisecond)
					return len(wire.Since(mark, func(p Packet) bool { return p.Is(dhcpv4.MessageTypeRequest) && p.Unicast() && !p.Out })) > 0
				})
			}
			mark := wire.Mark()
			c.Release()
			w.See(wire, mark, 5*time.Second, "a RELEASE", func(p Packet) bool { return p.Is(dhcpv4.MessageTypeRelease) && p.From(mac) })
		})
	}
}

// The crowd is tested with dnsmasq as well: what it finds wrong with Lessor must not be its own doing.
func TestACrowdFindsNothingWrongWithAGoodServer(t *testing.T) {
	t.Parallel()
	w := New(t)
	server, load := w.Host("server"), w.Host("load")
	seg := w.Segment()
	seg.Attach(server, "eth0", "10.1.0.1/16")
	seg.Attach(load, "eth0", "10.1.0.2/16")
	server.Dnsmasq("eth0", "10.1.1.0,10.1.1.199,255.255.0.0,1h")
	c := load.Crowd(50, 200, "10.1.0.2", "10.1.0.1", 1)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	c.Talk(ctx)
	c.Drain(100 * time.Millisecond)
	if tally := c.Tally(); tally.Acks < 50 || tally.Releases == 0 || tally.Reboots == 0 || tally.Renewals == 0 {
		t.Errorf("the crowd hardly lived: %+v", tally)
	}
	if wrong := c.Wrongs(); len(wrong) > 0 {
		t.Errorf("%v", wrong)
	}
	if silent := c.Reboot(20, 2*time.Second); len(silent) > 0 || len(c.Held()) < 20 {
		t.Errorf("of %d that hold an address these got no answer: %v", len(c.Held()), silent)
	}
}

// A scripted client can go through an exchange, and is not heard where the server is deaf.
func TestAScriptedClient(t *testing.T) {
	t.Parallel()
	w := New(t)
	server, host := w.Host("server"), w.Host("client")
	seg := w.Segment()
	seg.Attach(server, "eth0", "10.1.0.1/24")
	seg.Attach(host, "eth0")
	server.Dnsmasq("eth0", "10.1.0.50,10.1.0.99,255.255.255.0,120")
	c := host.Scripted("eth0", MAC(7))
	if ack := c.Acquire(); !netip.MustParsePrefix("10.1.0.0/24").Contains(ack.Address()) {
		t.Errorf("it got %v", ack)
	}
	server.Filter(DropDHCP)
	c.Unanswered(c.Message(dhcpv4.MessageTypeDiscover), time.Second)
	server.Filter()
	c.Acquire()
}

func TestAMoveChangesTheSegment(t *testing.T) {
	t.Parallel()
	w := New(t)
	here, there := w.Segment(), w.Segment()
	a, b, c := w.Host("a"), w.Host("b"), w.Host("c")
	here.Attach(a, "eth0", "10.1.0.1/24")
	there.Attach(b, "eth0", "10.1.0.1/24")
	port := here.Attach(c, "eth0", "10.1.0.9/24")
	c.Run("busybox", "ping", "-c", "1", "-W", "2", "10.1.0.1")
	atA := c.Run("ip", "neigh", "show", "10.1.0.1")
	port.Replug(there)
	c.IP("neigh", "flush", "all")
	c.Run("busybox", "ping", "-c", "1", "-W", "3", "10.1.0.1")
	if atB := c.Run("ip", "neigh", "show", "10.1.0.1"); atA == atB {
		t.Errorf("the same neighbour answers after the move: %s", atB)
	}
}

func TestStaleNamesAreKnown(t *testing.T) {
	for name, want := range map[string]bool{
		"lsr-999999999-1-server": true, "lsr-999999999-3": true, "lsr-1-1-server": false,
		"dp-srvA": false, "lsr-": false, "lsr-x-1": false, "": false,
	} {
		if got := stale(name); got != want {
			t.Errorf("stale(%q) = %v", name, got)
		}
	}
}
