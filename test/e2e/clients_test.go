package e2e

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestClientGetsAnAddressAndItsOptions(t *testing.T) {
	eachClient(t, func(t *testing.T, kind string) {
		l := newLab(t, short)
		c := l.host.Client(kind, "eth0", world.Options{Hostname: "kiosk-7"})
		c.Start()
		got := l.host.Leased("eth0", patience)
		if !floor1.Contains(got.Addr()) || got.Bits() != 24 {
			t.Fatalf("%s configured %v", kind, got)
		}
		request := l.See(l.wire, 0, time.Second, "the REQUEST", is(dhcpv4.MessageTypeRequest, l.mac))
		ack := l.acked(request, 0)
		m := ack.Message
		if ack.Address() != got.Addr() {
			t.Errorf("the ACK gave %v, and %v was configured", ack.Address(), got)
		}
		if m.SubnetMask().String() != "ffffff00" || m.IPAddressLeaseTime(0) != 20*time.Second {
			t.Errorf("mask %v, lease %v", m.SubnetMask(), m.IPAddressLeaseTime(0))
		}
		if r := m.Router(); len(r) != 1 || r[0].String() != "10.1.0.1" {
			t.Errorf("routers %v", r)
		}
		asked := request.Message.ParameterRequestList()
		if asked.Has(dhcpv4.OptionDomainName) && m.DomainName() != "example.org" {
			t.Errorf("domain name %q", m.DomainName())
		}
		if asked.Has(dhcpv4.OptionDomainNameServer) && len(m.DNS()) != 2 {
			t.Errorf("name servers %v", m.DNS())
		}
		if request.Message.IsBroadcast() == ack.Unicast() {
			t.Errorf("the client's broadcast flag is %v, and the ACK went to %v", request.Message.IsBroadcast(), ack.Destination)
		}
		row := l.lessor.HasActive(got.Addr(), l.mac)
		if row.Network != "floor1" || row.Subnet != floor1.String() {
			t.Errorf("the server has it on %q, %q", row.Network, row.Subnet)
		}
		if sent := request.Message.HostName(); sent != "" && row.Hostname != sent {
			t.Errorf("the client said its name is %q, the server has %q", sent, row.Hostname)
		}
		l.Eventually(5*time.Second, "the client tells what it was told", func() bool { return len(c.Told()) > 0 })
		l.host.Run("busybox", "ping", "-c", "1", "-W", "3", "10.1.0.1")
	})
}

func TestClientRenewsByUnicast(t *testing.T) {
	eachClient(t, func(t *testing.T, kind string) {
		l := newLab(t, short)
		c := l.host.Client(kind, "eth0", world.Options{})
		c.Start()
		addr := l.host.Leased("eth0", patience).Addr()
		before := l.lessor.HasActive(addr, l.mac)
		mark := l.wire.Mark()
		time.Sleep(1100 * time.Millisecond) // lifetimes are whole seconds, and a renewal must be told from the first grant
		c.Renew()
		renewal := l.See(l.wire, mark, 20*time.Second, "a renewal by unicast",
			and(is(dhcpv4.MessageTypeRequest, l.mac), unicast, inUse(addr)))
		ack := l.acked(renewal, mark)
		if ack.Address() != addr || !ack.Unicast() || ack.Destination.Addr() != addr {
			t.Errorf("the renewal of %v was answered with %v", addr, ack)
		}
		if after := l.lessor.HasActive(addr, l.mac); !after.Expires.After(before.Expires) {
			t.Errorf("the binding ended at %v before the renewal, and ends at %v after it", before.Expires, after.Expires)
		}
		if now := l.host.Leased("eth0", time.Second).Addr(); now != addr {
			t.Errorf("%s had %v and has %v", kind, addr, now)
		}
	})
}

func TestClientRebindsByBroadcast(t *testing.T) {
	eachClient(t, func(t *testing.T, kind string) {
		l := newLab(t, short)
		c := l.host.Client(kind, "eth0", world.Options{})
		c.Start()
		addr := l.host.Leased("eth0", patience).Addr()
		l.server.Filter(world.DropUnicastToServer)
		mark := l.wire.Mark()
		rebinding := l.See(l.wire, mark, 30*time.Second, "a REQUEST by broadcast",
			and(is(dhcpv4.MessageTypeRequest, l.mac), broadcast, inUse(addr)))
		if ack := l.acked(rebinding, mark); ack.Address() != addr {
			t.Errorf("the rebinding of %v was answered with %v", addr, ack)
		}
		l.lessor.HasActive(addr, l.mac)
		// A client that was not content would begin again.
		if again := l.wire.Since(mark, is(dhcpv4.MessageTypeDiscover, l.mac)); len(again) > 0 {
			t.Errorf("the client began again: %v", again)
		}
	})
}

func TestClientReleases(t *testing.T) {
	eachClient(t, func(t *testing.T, kind string) {
		l := newLab(t, short)
		c := l.host.Client(kind, "eth0", world.Options{})
		c.Start()
		addr := l.host.Leased("eth0", patience).Addr()
		l.lessor.HasActive(addr, l.mac)
		mark := l.wire.Mark()
		c.Release()
		l.See(l.wire, mark, 5*time.Second, "a RELEASE", is(dhcpv4.MessageTypeRelease, l.mac))
		l.Eventually(5*time.Second, "the server lets go of the address", func() bool {
			r, ok := l.lessor.Lease(addr)
			return ok && (r.State == "released" || r.State == "free")
		})
		// Released, not forgotten: the same client gets the same address again.
		c = l.host.Client(kind, "eth0", world.Options{})
		c.Start()
		if again := l.host.LeasedIn("eth0", floor1, patience); again != addr {
			t.Errorf("%s released %v, came back, and got %v", kind, addr, again)
		}
	})
}

func TestClientReturnsAfterItsReboot(t *testing.T) {
	eachClient(t, func(t *testing.T, kind string) {
		l := newLab(t, short)
		c := l.host.Client(kind, "eth0", world.Options{})
		c.Start()
		addr := l.host.Leased("eth0", patience).Addr()
		c.Crash()
		mark := l.wire.Mark()
		c.Start()
		if again := l.host.Leased("eth0", patience).Addr(); again != addr {
			t.Errorf("%s had %v before its reboot, and has %v", kind, addr, again)
		}
		// These two keep their leases over a reboot, and so only ask whether the address is still theirs.
		if slices.Contains([]string{"dhclient", "dhcpcd"}, kind) {
			request := l.See(l.wire, mark, time.Second, "a REQUEST in INIT-REBOOT", and(is(dhcpv4.MessageTypeRequest, l.mac), initReboot))
			if ack := l.acked(request, mark); ack.Address() != addr {
				t.Errorf("INIT-REBOOT for %v was answered with %v", addr, ack)
			}
		}
		if naks := l.wire.Since(mark, is(dhcpv4.MessageTypeNak, l.mac)); len(naks) > 0 {
			t.Errorf("there was a NAK: %v", naks)
		}
		l.lessor.HasActive(addr, l.mac)
	})
}

func TestServerIsKilledBetweenGrantAndRenewal(t *testing.T) {
	eachClient(t, func(t *testing.T, kind string) {
		l := newLab(t, short)
		c := l.host.Client(kind, "eth0", world.Options{})
		c.Start()
		addr := l.host.Leased("eth0", patience).Addr()
		before := l.lessor.HasActive(addr, l.mac)
		l.lessor.Kill()
		l.lessor.Begin(false)
		if after := l.lessor.HasActive(addr, l.mac); !after.Expires.Equal(before.Expires) {
			t.Errorf("the binding ended at %v before the kill, and ends at %v after it", before.Expires, after.Expires)
		}
		mark := l.wire.Mark()
		c.Renew()
		renewal := l.See(l.wire, mark, 20*time.Second, "a renewal", and(is(dhcpv4.MessageTypeRequest, l.mac), inUse(addr)))
		if ack := l.acked(renewal, mark); ack.Address() != addr {
			t.Errorf("the renewal of %v was answered with %v", addr, ack)
		}
		if naks := l.wire.Since(0, is(dhcpv4.MessageTypeNak, l.mac)); len(naks) > 0 {
			t.Errorf("there was a NAK: %v", naks)
		}
	})
}

// Somebody who is not in the server's books uses the first address of the pool, and does not answer to ping.
func TestClientDeclinesAnAddressThatIsInUse(t *testing.T) {
	eachClient(t, func(t *testing.T, kind string) {
		l := newLab(t, strings.Replace(short, "default: 20s", "default: 2m", 1))
		squatter := l.Host("squatter")
		squatter.Sysctl("net/ipv4/icmp_echo_ignore_all", "1")
		c := l.host.Client(kind, "eth0", world.Options{CheckConflict: true})
		if kind != "networkd" {
			l.segment.Attach(squatter, "eth0", "10.1.0.50/24")
			c.Start()
		} else {
			// systemd 252 sends its DECLINE from the address that it declines, which it can only while it has it.
			c.Start()
			l.host.LeasedIn("eth0", floor1, patience)
			l.segment.Attach(squatter, "eth0", "10.1.0.50/24")
			squatter.Start("arping", "busybox", "arping", "-U", "-c", "20", "-I", "eth0", "10.1.0.50")
		}
		decline := l.See(l.wire, 0, patience, "a DECLINE", is(dhcpv4.MessageTypeDecline, l.mac))
		declined := decline.Message.RequestedIPAddress()
		if kind == "networkd" { // leaves the option out
			declined = decline.Message.ClientIPAddr
		}
		if !declined.Equal(world.IP4(l.first)) {
			t.Fatalf("declined was %v, not %v", declined, l.first)
		}
		var got = l.first
		l.Eventually(60*time.Second, "the client has another address", func() bool {
			for _, p := range l.host.Addresses("eth0") {
				if l.first.Less(p.Addr()) && p.Addr().Less(netip.MustParseAddr("10.1.0.100")) {
					got = p.Addr()
					return true
				}
			}
			return false
		})
		l.lessor.HasActive(got, l.mac)
		if r, _ := l.lessor.Lease(l.first); r.State != "abandoned" {
			t.Errorf("the declined address is %q", r.State)
		}
		for _, p := range l.lessor.Status().Pools {
			if p.Abandoned != 1 {
				t.Errorf("the pool counts %v abandoned addresses", p.Abandoned)
			}
		}
	})
}
