package responder

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/pool"
)

var epoch = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

const testDocument = `server: {name: west, data: /nowhere}
enterprise:
  lease: {default: 1h}
  next-server: 10.9.0.1
  boot-file-name: pxelinux.0
  options:
    domain-name: corp.example
    domain-search: [corp.example, lab.corp.example]
    domain-name-servers: [10.9.0.53, 10.9.1.53]
    classless-static-route: [{to: 10.0.0.0/8, via: 10.0.0.1}]
    auto-config: 0
    captive-portal: https://portal.corp.example/
networks:
  lan:
    conflict-probe: 0s
    subnets:
      10.0.0.0/24: {options: {routers: [10.0.0.1]}, pools: [{range: 10.0.0.1-10.0.0.20}, {range: 10.0.0.21-10.0.0.40, deny: [unknown]}]}
      10.0.1.0/24: {authoritative: true, pools: [{range: 10.0.1.10-10.0.1.20}]}
  far: {subnets: {10.30.0.0/24: {options: {v6-only-preferred: 1800}, relays: [127.0.0.1], pools: [{range: 10.30.0.10-10.30.0.200}]}}}
  full: {subnets: {10.40.0.0/24: {options: {v6-only-preferred: 0}, pools: [{range: 10.40.0.10-10.40.0.10}]}}}
hosts:
  printer: {hardware: 02:00:00:00:00:07, address: 10.0.0.30, options: {host-name: printer}}
  port7: {circuit-id: ge-0/0/7, address: 10.30.0.7}
accept: {host-name: true, lease-time: {max: 2h}}
`

var (
	own    = netip.MustParseAddr("10.0.0.1")
	onEth0 = []netip.Prefix{netip.PrefixFrom(own, 24)}
)

// stage is a responder and a view with a few bindings.
type stage struct {
	Responder
	view View
	msg  dhcpv4.Message
	req  Request
	out  Answer
	buf  []byte
}

func newStage(tb testing.TB) *stage {
	tb.Helper()
	doc, problems := config.Parse("test.yaml", []byte(testDocument))
	if doc == nil {
		tb.Fatal(problems)
	}
	p := policy.Compile(doc)
	t := binding.NewTable()
	s := &stage{Responder: Responder{Self: "west", Policy: p, Guard: time.Minute}, buf: make([]byte, 0, 2048)}
	for i, a := range []string{"10.0.0.10", "10.0.1.10", "10.30.0.10", "10.40.0.10"} {
		b := binding.Binding{
			Prefix: host(netip.MustParseAddr(a)), State: binding.Active, Client: binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, byte(i + 1)})},
			Starts: epoch, Changed: epoch, CLTT: epoch, Expires: epoch.Add(time.Hour), Home: "west",
		}
		t.Put(b, b.Due(time.Minute))
	}
	s.view = View{Bindings: t, Pools: pool.New(p.Ranges(), append(p.Reserved(), own), t)} // as node has it: nobody gets our own
	s.view.Pools.Offer(netip.MustParseAddr("10.0.0.11"), &binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 9})}, epoch.Add(time.Minute))
	return s
}

// hear answers a datagram, which must be one; how says by which way it came.
func (s *stage) hear(packet []byte, how uint8) error {
	if err := s.msg.Parse(packet); err != nil {
		return err
	}
	s.req = Request{
		Msg: &s.msg, Interface: 1, ServerID: own, Own: func(a netip.Addr) bool { return a == own },
		From:    netip.AddrPortFrom(netip.IPv4Unspecified(), dhcpv4.ClientPort),
		Arrival: policy.Arrival{Interface: "eth0", Addrs: onEth0},
	}
	s.req.Unicast = how&1 != 0
	if how&2 != 0 {
		s.req.From = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 30, 0, 99}), uint16(how)<<8|uint16(how&4))
	}
	s.req.Arrival.OnLink = s.msg.GIAddr.IsUnspecified() && (how&1 == 0 || how&2 == 0)
	s.out.Reset()
	s.Answer(epoch.Add(time.Minute/2), &s.req, s.view, Terms{Known: true, New: true, Commit: how&8 == 0}, s.buf, &s.out)
	return nil
}

// message makes a datagram; options are code, value, code, value, …
func message(t dhcpv4.MessageType, h dhcpv4.Header, options ...any) []byte {
	var b dhcpv4.Builder
	h.Op = dhcpv4.BootRequest
	if h.HType == 0 {
		h.HType, h.HLen = 1, 6
	}
	if h.CHAddr == [16]byte{} {
		h.CHAddr = [16]byte{2, 0, 0, 0, 0, 1}
	}
	h.XID = 7
	b.Begin(nil, &h, 1900)
	if t != 0 {
		b.Add(option.CodeMessageType, []byte{byte(t)})
	}
	var relay []byte
	for i := 0; i < len(options); i += 2 {
		code, value := uint8(options[i].(int)), []byte(options[i+1].(string))
		if code == option.CodeRelayInformation {
			relay = value
			continue
		}
		b.Add(code, value)
	}
	whole, _ := b.Finish(relay)
	return whole
}
