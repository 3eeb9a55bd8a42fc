package e2e

import (
	"bytes"
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// When the first subnet of a shared network is full, the second serves the same link, with its own mask and router.
func TestSharedNetworkWithTwoSubnets(t *testing.T) {
	t.Parallel()
	l := newLab(t, `
enterprise: {lease: {default: 1h}, conflict-probe: 0s}
networks:
  floor1:
    subnets:
      10.1.0.0/24: {options: {routers: [10.1.0.1]}, pools: [{range: 10.1.0.50-10.1.0.50}]}
      10.2.0.0/16: {options: {routers: [10.2.0.1]}, pools: [{range: 10.2.0.50-10.2.0.50}]}
`)
	routers := map[netip.Addr]string{}
	for i, kind := range []string{"udhcpc", "dhcpcd"} {
		host := l.Host(kind)
		l.segment.Attach(host, "eth0")
		host.Client(kind, "eth0", world.Options{}).Start()
		got := host.Leased("eth0", patience)
		ack := l.See(l.wire, 0, time.Second, "the ACK", is(dhcpv4.MessageTypeAck, host.Hardware("eth0")))
		routers[got.Addr()] = ack.Message.Router()[0].String()
		if want := map[string]int{"10.1.0.50": 24, "10.2.0.50": 16}[got.Addr().String()]; got.Bits() != want {
			t.Errorf("client %d configured %v", i, got)
		}
	}
	if len(routers) != 2 || routers[netip.MustParseAddr("10.1.0.50")] != "10.1.0.1" || routers[netip.MustParseAddr("10.2.0.50")] != "10.2.0.1" {
		t.Errorf("the clients got %v", routers)
	}
	// A third finds nothing, and the operator can see why.
	third := l.host.Scripted("eth0", nil)
	third.Unanswered(third.Message(dhcpv4.MessageTypeDiscover), time.Second)
	for _, p := range l.lessor.Status().Pools {
		if p.Free != 0 || p.Active != 1 {
			t.Errorf("pool %s: %+v", p.Range, p)
		}
	}
	l.lessor.Says(5*time.Second, `every address is in use`)
}

// A host that speaks BOOTP only (RFC 951) has no lease, and no option says what it wants.
func TestBOOTPHost(t *testing.T) {
	t.Parallel()
	l := newLab(t, short+`
hosts:
  printer1: {hardware: "02:00:00:00:00:07", address: 10.1.0.9, boot-file-name: printer.img, next-server: 10.1.0.1}
`)
	printer := l.host.Scripted("eth0", world.MAC(7))
	m := printer.Message(dhcpv4.MessageTypeNone)
	m.Options = dhcpv4.Options{}
	answer := printer.Ask(m).Message
	if answer.YourIPAddr.String() != "10.1.0.9" || answer.BootFileName != "printer.img" || answer.ServerIPAddr.String() != "10.1.0.1" {
		t.Errorf("the printer got %v, file %q, server %v", answer.YourIPAddr, answer.BootFileName, answer.ServerIPAddr)
	}
	if answer.MessageType() != dhcpv4.MessageTypeNone || answer.IPAddressLeaseTime(0) != 0 {
		t.Errorf("a BOOTP reply has a DHCP message type or a lease time: %v", answer.Summary())
	}
	if answer.SubnetMask().String() != "ffffff00" {
		t.Errorf("the printer got the mask %v", answer.SubnetMask())
	}
	stranger := l.host.Scripted("eth0", world.MAC(8))
	m = stranger.Message(dhcpv4.MessageTypeNone)
	m.Options = dhcpv4.Options{}
	stranger.Unanswered(m, time.Second)
}

func TestReservedAddressGoesToItsHostAlone(t *testing.T) {
	t.Parallel()
	l := newLab(t, `
enterprise: {lease: {default: 1h}, conflict-probe: 0s}
networks: {floor1: {subnets: {10.1.0.0/24: {pools: [{range: 10.1.0.50-10.1.0.52}]}}}}
hosts:
  lobby: {hardware: "02:00:00:00:00:07", address: 10.1.0.50, options: {host-name: lobby}}
`)
	given := map[string]bool{}
	for i := range 2 {
		c := l.host.Scripted("eth0", world.MAC(100+i))
		given[c.Acquire(dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(10, 1, 0, 50)))).Address().String()] = true
	}
	if !given["10.1.0.51"] || !given["10.1.0.52"] {
		t.Errorf("strangers were given %v", given)
	}
	lobby := l.host.Scripted("eth0", world.MAC(7))
	ack := lobby.Acquire(dhcpv4.WithRequestedOptions(dhcpv4.OptionHostName))
	if ack.Address().String() != "10.1.0.50" || ack.Message.HostName() != "lobby" {
		t.Errorf("the host got %v, %q", ack.Address(), ack.Message.HostName())
	}
	if p := l.lessor.Status().Pools[0]; p.Free+p.Offered+p.Active+p.Grace+p.Abandoned+p.Reserved != p.Size {
		t.Errorf("the pool's counts do not add up: %+v", p)
	}
}

// A client that asks for it is served in two messages (RFC 4039).
func TestRapidCommit(t *testing.T) {
	t.Parallel()
	l := newLab(t, short)
	c := l.host.Scripted("eth0", nil)
	answer := c.Ask(c.Message(dhcpv4.MessageTypeDiscover, dhcpv4.WithGeneric(dhcpv4.OptionRapidCommit, nil)))
	if !answer.Is(dhcpv4.MessageTypeAck) || !answer.Message.Options.Has(dhcpv4.OptionRapidCommit) {
		t.Fatalf("a DISCOVER with rapid commit was answered with %v", answer)
	}
	l.lessor.HasActive(answer.Address(), l.mac)
}

// What answers to ping on the link is in use, whatever the books say.
func TestAnAddressThatAnswersIsNotOffered(t *testing.T) {
	t.Parallel()
	l := newLab(t, strings.Replace(short, "conflict-probe: 0s", "conflict-probe: 300ms", 1))
	squatter := l.Host("squatter")
	l.segment.Attach(squatter, "eth0", "10.1.0.50/24", "10.1.0.51/24")
	c := l.host.Scripted("eth0", nil)
	ack := c.Acquire()
	if ack.Address().String() != "10.1.0.52" {
		t.Errorf("%v was given; .50 and .51 answer to ping", ack.Address())
	}
	for _, p := range l.wire.Since(0, is(dhcpv4.MessageTypeOffer, l.mac)) {
		if p.Address() == l.first || p.Address() == l.first.Next() {
			t.Errorf("%v was offered", p.Address())
		}
	}
	if r, ok := l.lessor.Lease(l.first); !ok || r.State != "abandoned" {
		t.Errorf("the address in use is %q", r.State)
	}
	// Another client, whose address is probed as well, does not wait behind many.
	began := time.Now()
	host := l.Host("other")
	l.segment.Attach(host, "eth0")
	host.Client("dhclient", "eth0", world.Options{}).Start()
	host.Leased("eth0", patience)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the next client waited %v", took)
	}
}

// Who has an address by other means asks for options only (RFC 2131 §4.3.5).
func TestInform(t *testing.T) {
	t.Parallel()
	l := newLab(t, short)
	l.host.IP("addr", "add", "10.1.0.7/24", "dev", "eth0")
	c := l.host.Scripted("eth0", nil)
	m := c.Message(dhcpv4.MessageTypeInform, dhcpv4.WithClientIP(net.IPv4(10, 1, 0, 7)))
	ack := c.Ask(m)
	if !ack.Is(dhcpv4.MessageTypeAck) || !ack.Message.YourIPAddr.IsUnspecified() || ack.Message.IPAddressLeaseTime(0) != 0 {
		t.Errorf("INFORM was answered with %v", ack)
	}
	if ack.Message.DomainName() != "example.org" {
		t.Errorf("INFORM was told the domain %q", ack.Message.DomainName())
	}
	if ack.Destination.Addr().String() != "10.1.0.7" {
		t.Errorf("the answer went to %v", ack.Destination)
	}
	if rows := l.lessor.Leases(); len(rows) != 0 {
		t.Errorf("INFORM made a binding: %v", rows)
	}
}

// A client that asks in INIT-REBOOT for what this server never gave it is told no by an authoritative server, and nothing by
// another, since a colleague may have given it (RFC 2131 §4.3.2).
func TestAnUnknownClientInInitReboot(t *testing.T) {
	t.Parallel()
	for _, authoritative := range []bool{true, false} {
		t.Run(map[bool]string{true: "authoritative", false: "not authoritative"}[authoritative], func(t *testing.T) {
			t.Parallel()
			doc := short
			if !authoritative {
				doc = strings.Replace(doc, "authoritative: true", "authoritative: false", 1)
			}
			l := newLab(t, doc)
			c := l.host.Scripted("eth0", nil)
			m := c.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(10, 1, 0, 77))))
			if !authoritative {
				c.Unanswered(m, time.Second)
			} else if nak := c.Ask(m); !nak.Is(dhcpv4.MessageTypeNak) || nak.Unicast() {
				t.Errorf("answered with %v", nak)
			}
			// What is of no use on this link is refused in both cases.
			m = c.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(192, 168, 4, 4))))
			if nak := c.Ask(m); !nak.Is(dhcpv4.MessageTypeNak) {
				t.Errorf("an address of another network: %v", nak)
			}
		})
	}
}

// The client identifier comes back (RFC 6842), and it is what the client is known by: another card, the same client.
func TestClientIdentifier(t *testing.T) {
	t.Parallel()
	l := newLab(t, short)
	id := []byte{0, 'd', 'e', 's', 'k'}
	with := dhcpv4.WithOption(dhcpv4.OptClientIdentifier(id))
	one := l.host.Scripted("eth0", world.MAC(7)).Acquire(with)
	two := l.host.Scripted("eth0", world.MAC(8)).Acquire(with)
	if one.Address() != two.Address() {
		t.Errorf("one client with two cards was given %v and %v", one.Address(), two.Address())
	}
	if got := two.Message.Options.Get(dhcpv4.OptionClientIdentifier); !bytes.Equal(got, id) {
		t.Errorf("the client identifier came back as %s", hex.EncodeToString(got))
	}
	if three := l.host.Scripted("eth0", world.MAC(8)).Acquire(); three.Address() == two.Address() {
		t.Errorf("a client without an identifier was given %v of one that has one", three.Address())
	}
}
