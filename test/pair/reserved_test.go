package pair

import (
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// While the two are apart, east gives an address of a pool to the printer that it is kept for, and west is told to keep it for another
// machine. The two meet and agree: the printer keeps it, the other machine gets it from neither, and when the printer gives it
// back either server gives it to the other machine.
func TestAReservationChangesHandsWhenBothKnowWhoHasTheAddress(t *testing.T) {
	t.Parallel()
	const kept = "10.1.16.7"
	w := world.New(t)
	c := &council{office: &office{t: t}}
	c.Pair = w.Pair(world.PairSetup{MCLT: 20 * time.Second, Guard: 2 * time.Second, Lease: time.Minute,
		More: "hosts: {printer: {hardware: 02:00:00:5e:00:01, address: " + kept + "}}"})
	c.Normal(30 * time.Second)
	c.agree(10 * time.Second)
	c.Trunk.Cut()
	c.Link.Cut()
	for _, m := range c.Both() {
		m.Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
	}
	printer, other := c.client(c.East), c.client(c.West)
	lease := printer.Acquire()
	if a := lease.Message.YourIPAddr.String(); a != kept {
		t.Fatalf("the printer gets %s", a)
	}
	c.says(c.West, []string{"served by from now on"}, "config", "apply", c.draft(c.West, "02:00:00:5e:00:01", "02:00:00:5e:00:02"), "--yes")
	c.says(c.West, []string{"hosts.printer.hardware", "wait until both members have them"}, "config", "status")
	offered := func() string {
		return other.Ask(other.Message(dhcpv4.MessageTypeDiscover)).Message.YourIPAddr.String()
	}
	if a := offered(); a == kept {
		t.Fatalf("apart, west offers %s to another", a)
	}

	c.Link.Heal()
	head := c.agree(30 * time.Second)
	c.Normal(30 * time.Second)
	for _, m := range c.Both() {
		c.Eventually(10*time.Second, m.Host.Role+" has settled it", func() bool {
			s := c.standing(m)
			return s.Agreed == head && s.Settling == nil
		})
	}
	if a := offered(); a == kept {
		t.Fatalf("west offers the printer's %s to another", a)
	}
	printer.Send(printer.Message(dhcpv4.MessageTypeRelease, dhcpv4.WithClientIP(lease.Message.YourIPAddr),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(lease.Message.ServerIdentifier()))))
	c.Eventually(20*time.Second, "west offers it to whom it is kept for now", func() bool { return offered() == kept })
	if a := other.Acquire().Message.YourIPAddr.String(); a != kept {
		t.Errorf("it gets %s", a)
	}
	c.Trunk.Heal()
}
