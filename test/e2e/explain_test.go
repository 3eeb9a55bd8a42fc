package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// tenLayers is a document in which a client with the hardware address %[1]v, whose first three octets are %[2]s, is in
// all fourteen layers but the built-in one. Each beats a weaker one in some option, and loses another to a stronger one.
const tenLayers = `
group: {name: campus, members: {server: {class: core}}}
enterprise:
  lease: {default: 20s, min: 10s, max: 1h}
  authoritative: true
  conflict-probe: 0s
  options: {domain-name: example.org, domain-name-servers: [10.1.0.1], log-servers: [10.1.0.2], smtp-server: [10.1.0.3]}
intranets:
  lab: {networks: [floor1], options: {ntp-servers: [10.1.0.4], log-servers: [10.1.0.5], pop-server: [10.1.0.6]}}
server-classes:
  core: {options: {pop-server: [10.1.0.7], nntp-server: [10.1.0.8]}}
servers:
  server: {next-server: 10.1.0.9, options: {nntp-server: [10.1.0.10], time-servers: [10.1.0.11]}}
networks:
  floor1:
    options: {time-servers: [10.1.0.12], nis-servers: [10.1.0.13]}
    subnets:
      10.1.0.0/24:
        options: {routers: [10.1.0.1], nis-servers: [10.1.0.14], www-server: [10.1.0.15]}
        pools: [{range: 10.1.0.50-10.1.0.99, options: {www-server: [10.1.0.16], finger-server: [10.1.0.17]}}]
classes:
  kiosk: {kind: user, match: {user-class: kiosk}, options: {finger-server: [10.1.0.18], irc-server: [10.1.0.19]}}
  phones: {kind: vendor, match: 'vendor_class.startsWith("Phone")', options: {irc-server: [10.1.0.20], font-servers: [10.1.0.21]}}
  kit: {kind: hardware, match: {hardware: %[2]q}, options: {font-servers: [10.1.0.22], x-display-manager: [10.1.0.23]}}
domains:
  guests.example.org: {options: {domain-name-servers: {append: [10.1.0.24]}, x-display-manager: [10.1.0.25], domain-name: guests.example.org}}
hosts:
  bench: {hardware: %[1]v, options: {domain-name: bench.example.org, smtp-server: {unset: true}}}
accept: {host-name: true}
`

// explained is what lessor explain --json says, as far as this test looks.
type explained struct {
	Address string
	Host    string
	Classes []string
	Lease   struct{ Seconds uint32 }
	Options []struct {
		Name  string
		Code  uint8
		Value any
		Layer string
		Line  int
		Parts []struct{ Layer string }
	}
	Unset      []struct{ Code uint8 }
	Parameters []struct {
		Name  string
		Value any
	}
	Notes  []string
	Result string
}

// leaseOfToday is what lessor lease --json says, as far as this test looks.
type leaseOfToday struct {
	Result  string
	Options []struct {
		Code    uint8
		Layer   string
		Differs bool
		Today   *struct{ Value any }
	}
	Today *struct{ Differs bool }
}

// octets returns a value that explain shows as it is on the wire: addresses, and texts.
func octets(t *testing.T, value any) (b []byte) {
	t.Helper()
	switch v := value.(type) {
	case []any:
		for _, x := range v {
			b = append(b, octets(t, x)...)
		}
	case string:
		if a, err := netip.ParseAddr(v); err == nil {
			return a.AsSlice()
		}
		return []byte(v)
	default:
		t.Fatalf("%v is neither addresses nor a text", value)
	}
	return b
}

func ask[T any](l *lab, args ...string) (x T) {
	l.T().Helper()
	out, code := l.lessor.Command(args...)
	if err := json.Unmarshal([]byte(out), &x); code != 0 || err != nil {
		l.T().Fatalf("lessor %v: exit code %d, %v: %s", args, code, err, out)
	}
	return x
}

// ofOnePacket are the options of an ACK that no layer sets.
var ofOnePacket = []uint8{51, 53, 54, 58, 59, 61, 81, 82}

func TestARealClientInAllLayersGetsWhatIsExplained(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	l := &lab{World: w, server: w.Host("server"), host: w.Host("client"), segment: w.Segment()}
	l.segment.Attach(l.server, "eth0", "10.1.0.1/24")
	l.segment.Attach(l.host, "eth0")
	l.mac, l.wire = l.host.Hardware("eth0"), l.server.Capture("eth0")
	document := fmt.Sprintf(tenLayers, l.mac, l.mac.String()[:8])
	l.lessor = l.server.Serve(world.Setup{Document: document})

	c := l.host.Client("dhclient", "eth0", world.Options{Hostname: "bench.guests.example.org", Lines: []string{
		`send vendor-class-identifier "Phone 7";`, `send user-class "kiosk";`,
		"also request log-servers, smtp-server, pop-server, nntp-server, time-servers, nis-servers, www-server, finger-server, irc-server, font-servers, x-display-manager;",
	}})
	c.Start()
	l.host.Leased("eth0", patience)
	request := l.See(l.wire, 0, time.Second, "the REQUEST", is(dhcpv4.MessageTypeRequest, l.mac))
	ack := l.acked(request, 0)

	e := ask[explained](l, append([]string{"explain", "--json", "--hardware", l.mac.String()}, saidBy(request.Message)...)...)
	sameAsTheACK(t, &e, ack.Message)
	if e.Address != ack.Address().String() || e.Host != "bench" || !slices.Equal(e.Classes, []string{"kiosk", "phones", "kit"}) {
		t.Errorf("explained for %s of host %q in classes %v", e.Address, e.Host, e.Classes)
	}
	layers := map[string]bool{}
	for _, o := range e.Options {
		layers[o.Layer] = true
		for _, p := range o.Parts {
			layers[p.Layer] = true
		}
	}
	for _, layer := range []string{"enterprise", "intranet", "server class", "server", "shared network", "subnet", "pool", "user class", "vendor class", "hardware class", "domain", "host", "client"} {
		if !layers[layer] {
			t.Errorf("nothing of the layer %s: %v", layer, layers)
		}
	}

	address := ack.Address().String()
	d := ask[leaseOfToday](l, "lease", address, "--json")
	if d.Result != e.Result || d.Today == nil || d.Today.Differs {
		t.Errorf("result %s, explained %s; today %+v", d.Result, e.Result, d.Today)
	}
	changed := strings.Replace(document, "font-servers: [10.1.0.22]", "font-servers: [10.1.0.99]", 1)
	l.lessor.Configure(world.Setup{Document: changed})
	l.lessor.Reload()
	l.Eventually(10*time.Second, "the lease differs from what the new configuration would give", func() bool {
		d := ask[leaseOfToday](l, "lease", address, "--json")
		return d.Today != nil && d.Today.Differs
	})
	for _, o := range ask[leaseOfToday](l, "lease", address, "--json").Options {
		if o.Differs != (o.Code == 48) {
			t.Errorf("option %d: differs %v, today %+v", o.Code, o.Differs, o.Today)
		}
	}
	l.Eventually(30*time.Second, "the client renews and has what is explained", func() bool {
		d := ask[leaseOfToday](l, "lease", address, "--json")
		return d.Today != nil && !d.Today.Differs
	})
	acks := l.wire.Since(0, func(p world.Packet) bool { return p.Is(dhcpv4.MessageTypeAck) && p.From(l.mac) })
	if got := acks[len(acks)-1].Message.Options.Get(dhcpv4.GenericOptionCode(48)); !bytes.Equal(got, []byte{10, 1, 0, 99}) {
		t.Errorf("the newest ACK has font-servers %v", got)
	}
}

// saidBy returns flags that say what a message says.
func saidBy(m *dhcpv4.DHCPv4) (flags []string) {
	for code, v := range m.Options {
		switch code {
		case 50, 53, 54, 57:
		case 61:
			flags = append(flags, "--client-id", fmt.Sprintf("%x", v))
		default:
			flags = append(flags, "--option", fmt.Sprintf(`%d={hex: "%x"}`, code, v))
		}
	}
	return flags
}

// sameAsTheACK compares every option, the boot server and the lifetime.
func sameAsTheACK(t *testing.T, e *explained, m *dhcpv4.DHCPv4) {
	t.Helper()
	told := map[uint8][]byte{}
	for code, v := range m.Options {
		if !slices.Contains(ofOnePacket, code) {
			told[code] = v
		}
	}
	for _, o := range e.Options {
		if v, ok := told[o.Code]; !ok || o.Layer != "host requirements" && !bytes.Equal(v, octets(t, o.Value)) {
			t.Errorf("%s of %s, line %d: explained %v, told %x", o.Name, o.Layer, o.Line, o.Value, v)
		}
		delete(told, o.Code)
	}
	if len(told) > 0 {
		t.Errorf("told and not explained: %v", told)
	}
	for _, o := range e.Unset {
		if m.Options.Has(dhcpv4.GenericOptionCode(o.Code)) {
			t.Errorf("option %d is taken away, and told", o.Code)
		}
	}
	if got := m.IPAddressLeaseTime(0); got != time.Duration(e.Lease.Seconds)*time.Second {
		t.Errorf("explained a lease of %d s, told %v", e.Lease.Seconds, got)
	}
	for _, p := range e.Parameters {
		if p.Name == "next-server" && p.Value != m.ServerIPAddr.String() {
			t.Errorf("explained the boot server %v, told %v", p.Value, m.ServerIPAddr)
		}
	}
}

// A client whose option makes an expression fail is served as no member of the class, and an operator sees it.
func TestAClassThatFailsIsShownAndTheClientServed(t *testing.T) {
	t.Parallel()
	l := newLab(t, short+"classes:\n  pxe: {kind: vendor, match: 'option[93] == 7', options: {domain-name: pxe.example.org}}\n")
	c := l.host.Scripted("eth0", nil)
	ack := c.Acquire(dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(93), []byte{0, 0, 7})))
	if name := ack.Message.DomainName(); name != "example.org" {
		t.Errorf("the client got the domain name %q", name)
	}
	s := ask[struct {
		ClassesFailed []struct {
			Class, Error string
			Line, Count  int
		} `json:"classes_failed"`
		Alarms []world.Alarm
	}](l, "status", "--json")
	if len(s.ClassesFailed) != 1 || s.ClassesFailed[0].Class != "pxe" || s.ClassesFailed[0].Count < 2 || s.ClassesFailed[0].Error == "" {
		t.Errorf("status has %+v", s.ClassesFailed)
	}
	if !slices.ContainsFunc(s.Alarms, func(a world.Alarm) bool { return a.Code == "class-failed" && a.Remedy != "" }) {
		t.Errorf("status has the alarms %+v", s.Alarms)
	}
	out, code := l.lessor.Command("explain", "--hardware", l.mac.String(), "--option", `93={hex: "000007"}`)
	if code != 0 || !strings.Contains(out, "pxe") || !strings.Contains(out, "Classes that failed") {
		t.Errorf("explain: exit code %d\n%s", code, out)
	}
}

// A server that is alone does not become one of two by a reload: nothing changes, and it says so.
func TestAReloadToAGroupOfTwoIsRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t, short)
	group := "group: {name: campus, members: {server: {peer: 10.1.0.1}, other: {peer: 10.1.0.2}}}\n"
	l.lessor.Configure(world.Setup{Document: short + group})
	l.lessor.Reload()
	l.Eventually(10*time.Second, "the reload is refused", func() bool {
		s := ask[struct{ Config struct{ Refused string } }](l, "status", "--json")
		return strings.Contains(s.Config.Refused, "restart it")
	})
	if ack := l.host.Scripted("eth0", nil).Acquire(); !ack.Is(dhcpv4.MessageTypeAck) {
		t.Errorf("got %v", ack)
	}
}
