package policy

import (
	"net/netip"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

func compiled(tb testing.TB, text string) *Policy {
	tb.Helper()
	doc, problems := config.Parse("test.yaml", []byte("server: {name: west, data: /nowhere}\n"+text))
	if doc == nil {
		tb.Fatalf("%v\n%s", problems, text)
	}
	return Compile(doc)
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func mac(last byte) binding.Hardware { return binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, last}) }

// said is the options of a client.
type said map[uint16]string

func (s said) Option(code uint16) ([]byte, bool) {
	v, ok := s[code]
	return []byte(v), ok
}

// circuit is option 82 with a circuit and a remote identifier; an empty one is left out.
func circuit(id, remote string) string {
	var s string
	if id != "" {
		s += "\x01" + string(rune(len(id))) + id
	}
	if remote != "" {
		s += "\x02" + string(rune(len(remote))) + remote
	}
	return s
}

// heard makes a message with these fields, as it comes out of the codec.
func heard(tb testing.TB, h dhcpv4.Header, options said) *dhcpv4.Message {
	tb.Helper()
	var b dhcpv4.Builder
	h.Op, h.HType, h.HLen = dhcpv4.BootRequest, 1, 6
	b.Begin(nil, &h, 1400)
	for code, v := range options {
		b.Add(uint8(code), []byte(v))
	}
	packet, _ := b.Finish([]byte(options[uint16(option.CodeRelayInformation)]))
	m := new(dhcpv4.Message)
	if err := m.Parse(packet); err != nil {
		tb.Fatal(err)
	}
	return m
}

// on returns facts of a client on the link of the subnet that a lies in.
func (p *Policy) on(a string, c binding.Client, options said) *Facts {
	return &Facts{Link: p.SubnetOf(ip(a)), Client: c, Options: options}
}

// text returns an option as a person reads it, and where it came from.
func (d *Decision) text(p *Policy, code uint8) (value string, from Value) {
	v := d.Option(code)
	if v == nil {
		return "", Value{}
	}
	return p.Registry().ByCode(option.DHCPv4, option.Code(code)).Text(v.Bytes), *v
}
