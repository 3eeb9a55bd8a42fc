package isc

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// The harness is tested with two dhcpds, so that what it finds wrong with Lessor is not its own doing: its checklist must
// find nothing wrong with what one dhcpd says to the other, its reader must read their files, and omshell must be obeyed.
func TestTwoDhcpdsUnderstandEachOther(t *testing.T) {
	t.Parallel()
	f := newFloor(t)
	setup := world.DhcpdPeer{Primary: true, Relationship: relationship, Address: westPeer, Partner: eastPeer, MCLT: 12 * time.Second,
		Split: 128, Receive: 5 * time.Second, Lease: time.Hour, Link: link, Ranges: []string{"10.1.0.50-10.1.0.69"}}
	west := f.west.Peer("eth0", &setup)
	setup.Primary, setup.Address, setup.Partner = false, eastPeer, westPeer
	east := f.east.Peer("eth0", &setup)
	f.eventually(40*time.Second, "both are in normal", func() bool {
		_, w := west.Database()
		_, e := east.Database()
		return w.Mine == "normal" && w.Partner == "normal" && e.Mine == "normal" && e.Partner == "normal"
	})
	f.did("normal")
	f.eventually(20*time.Second, "each has half of the addresses in both files", func() bool {
		return count(west, "free") == 10 && count(west, "backup") == 10 && count(east, "free") == 10 && count(east, "backup") == 10
	})

	ours, theirs := &clients{}, &clients{born: 1000}
	for _, c := range []*world.Scripted{f.people.Scripted("eth0", ours.of(true)), f.people.Scripted("eth0", theirs.of(false))} {
		ack := acquire(t, c)
		f.did("%v has %v of %v", c.MAC, ack.Address(), ack.Message.ServerIdentifier())
		if got := ack.Message.IPAddressLeaseTime(0); got != setup.MCLT {
			t.Errorf("the first lease is %v long, not the MCLT", got)
		}
		f.eventually(10*time.Second, "both have the lease in their files", func() bool {
			return holder(west, ack) == c.MAC.String() && holder(east, ack) == c.MAC.String()
		})
	}
	west.SetState(relationship, "partner-down")
	f.eventually(30*time.Second, "west obeys", func() bool { _, s := west.Database(); return s.Mine != "normal" })

	check := checklist{us: westPeer.Addr(), primary: true, pool: link.Contains}
	for _, wrong := range check.check(f.tap.messages(), time.Now()) {
		t.Error(wrong)
	}
	for _, wrong := range ledger(f.wire.Packets()) {
		t.Error(wrong)
	}
	f.decoded()
	if n := len(f.tap.messages()); n < 100 {
		t.Errorf("the tap saw %d messages", n)
	}
}

// count returns how many addresses are in a state by the server's file.
func count(d *world.Dhcpd, state string) (n int) {
	leases, _ := d.Database()
	for _, l := range leases {
		if l.State == state {
			n++
		}
	}
	return n
}

// holder is who has the address of an ACK by the server's file.
func holder(d *world.Dhcpd, ack world.Packet) string {
	leases, _ := d.Database()
	if l := leases[ack.Address()]; l.State == "active" {
		return l.Hardware
	}
	return ""
}
