package main

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
	versions "github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
)

func TestTheDemoSaysThatItNeedsRoot(t *testing.T) {
	if err := mayMakeNamespaces(1000); err == nil || !strings.Contains(err.Error(), "sudo lessor demo") {
		t.Errorf("somebody else is told %v", err)
	}
	if err := mayMakeNamespaces(0); err != nil {
		t.Errorf("root is told %v", err)
	}
}

func TestTheDemosTwoDocumentsDifferByTheRouterAlone(t *testing.T) {
	parse := func(router bool) *config.Document {
		t.Helper()
		doc, problems := config.Parse("demo.yaml", []byte("server: {name: west, interfaces: [eth0], data: /var/lib/lessor}\n"+demoDocument(router)))
		if doc == nil { // that its leases are short is a warning
			t.Fatalf("the demo's own document: %v", problems)
		}
		return doc
	}
	changes := versions.Diff(parse(false), parse(true))
	if len(changes) != 1 || !strings.HasSuffix(changes[0].Key, "198.51.100.0/24.options.routers") || !strings.Contains(changes[0].After, demoRouter.String()) {
		t.Errorf("they differ by %+v", changes)
	}
}

// What a client of the demo says in each of its states: what kind, from and to which address, with which options.
func TestTheDemosClientsSayWhatClientsSay(t *testing.T) {
	address, server := netip.MustParseAddr("198.51.100.50"), netip.MustParseAddr("198.51.100.3")
	none, all := netip.IPv4Unspecified(), netip.MustParseAddr("255.255.255.255")
	for _, x := range []struct {
		name          string
		state         demoState
		kind          dhcpv4.MessageType
		from, to      netip.Addr
		names, server bool
	}{
		{"selecting", demoSelecting, dhcpv4.Discover, none, all, false, false},
		{"requesting", demoRequesting, dhcpv4.Request, none, all, true, true},
		{"renewing", demoRenewing, dhcpv4.Request, address, server, false, false},
		{"rebinding", demoRebinding, dhcpv4.Request, address, all, false, false},
		{"rebooting", demoRebooting, dhcpv4.Request, none, all, true, false},
	} {
		c := &demoClient{name: "client-1", mac: [6]byte{2, 0, 0x5e, 0, 0, 1}}
		c.told = demoTold{address: address, server: server, from: [6]byte{2, 1, 1, 1, 1, 1}}
		c.offer = c.told
		now := time.Now()
		c.ask(x.state, now)
		c.began = now.Add(-3 * time.Second)
		f := c.frame(now)
		var m dhcpv4.Message
		if err := m.Parse(f[42:]); err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		from, to := netip.AddrFrom4([4]byte(f[26:30])), netip.AddrFrom4([4]byte(f[30:34]))
		if m.Type() != x.kind || from != x.from || to != x.to || m.CIAddr != x.from || m.Secs != 3 || m.Broadcast() != x.from.IsUnspecified() {
			t.Errorf("%s: %v from %v to %v: %v", x.name, m.Type(), from, to, &m)
		}
		if broadcast := [6]byte(f[:6]) == [6]byte{255, 255, 255, 255, 255, 255}; broadcast != (x.to == all) {
			t.Errorf("%s: sent to %x", x.name, f[:6])
		}
		wanted, named := m.Option(50)
		if _, to := m.Option(54); named != x.names || named && netip.AddrFrom4([4]byte(wanted)) != address || to != x.server {
			t.Errorf("%s: names %v, a server %v: %v", x.name, named, to, &m)
		}
		var sum uint32
		for i := 14; i < 34; i += 2 {
			sum += uint32(binary.BigEndian.Uint16(f[i:]))
		}
		if sum = sum&0xffff + sum>>16; sum != 0xffff {
			t.Errorf("%s: the header's checksum is wrong: %x", x.name, sum)
		}
	}
}

// A client of the demo takes an offer, then the address; a renewal of another address is what must not happen.
func TestTheDemosClientsTakeWhatTheyAreTold(t *testing.T) {
	p := &demoPeople{dir: t.TempDir()}
	c := &demoClient{name: "client-1"}
	c.ask(demoSelecting, time.Now())
	answer := func(kind dhcpv4.MessageType, address string) *dhcpv4.Message {
		b := make([]byte, 240, 300)
		b[0], b[1], b[2] = 2, 1, 6
		binary.BigEndian.PutUint32(b[4:], c.xid)
		a := netip.MustParseAddr(address).As4()
		copy(b[16:], a[:])
		copy(b[236:], []byte{99, 130, 83, 99})
		b = append(b, 53, 1, byte(kind), 54, 4, 198, 51, 100, 3, 51, 4, 0, 0, 0, 60, 3, 4, 198, 51, 100, 1, 255)
		m := new(dhcpv4.Message)
		if err := m.Parse(b); err != nil {
			t.Fatal(err)
		}
		return m
	}
	p.hear(c, answer(dhcpv4.Offer, "198.51.100.50"), [6]byte{})
	if c.state != demoRequesting || c.told.address.IsValid() {
		t.Fatalf("after an offer: %+v", c)
	}
	p.hear(c, answer(dhcpv4.Ack, "198.51.100.50"), [6]byte{})
	if c.state != demoBound || c.told.address != c.offer.address || c.told.router != demoRouter || c.told.by() != demoEast || c.told.lease != time.Minute {
		t.Fatalf("after an ACK: %+v", c)
	}
	c.ask(demoRenewing, time.Now())
	p.hear(c, answer(dhcpv4.Ack, "198.51.100.50"), [6]byte{})
	if len(p.wrongs()) != 0 {
		t.Errorf("a renewal is taken for wrong: %v", p.wrongs())
	}
	c.ask(demoRebinding, time.Now())
	p.hear(c, answer(dhcpv4.Ack, "198.51.100.51"), [6]byte{})
	c.ask(demoRebooting, time.Now())
	p.hear(c, answer(dhcpv4.Nak, "0.0.0.0"), [6]byte{})
	if len(p.wrongs()) != 2 || c.state != demoSelecting {
		t.Errorf("another address and a NAK are %v, and the client is in %v", p.wrongs(), c.state)
	}
}
