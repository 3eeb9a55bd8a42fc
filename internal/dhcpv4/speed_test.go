package dhcpv4

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// What a client on the link and a telephone behind a relay send.
var (
	discoverPacket = with("350101 3d0701020000000007 0c056b696f736b 3c084d53465420352e30 370d011c02030f06770c2c2f1a792a 39020240 ff" +
		strings.Repeat("00", 20))
	requestPacket = with("350103 3d0701020000000007 3204c6336432 36040a090001 3c0950686f6e652d312e32 370d011c02030f06770c2c2f1a792a" +
		"5109 050000 056b696f736b 5210 0104 00000001 0208 0000000000000001 ff")
)

// lookups are what resolving one message asks for.
var lookups = []uint16{
	option.CodeParameterRequestList, option.CodeRequestedAddress, option.CodeServerIdentifier, option.CodeHostName,
	option.CodeVendorClass, option.CodeUserClass, option.CodeRelayInformation, option.CodeLeaseTime,
}

var offered = []opt{
	{option.CodeMessageType, []byte{byte(Offer)}}, {option.CodeServerIdentifier, []byte{10, 9, 0, 1}},
	{option.CodeLeaseTime, []byte{0, 0, 14, 16}}, {option.CodeSubnetMask, []byte{255, 255, 255, 0}},
	{option.CodeRouters, []byte{198, 51, 100, 1}}, {option.CodeDomainNameServers, []byte{10, 9, 0, 53, 10, 9, 1, 53}},
	{option.CodeDomainName, []byte("corp.example")}, {option.CodeNTPServers, []byte{10, 9, 0, 123}},
	{option.CodeRenewalTime, []byte{0, 0, 7, 8}}, {option.CodeRebindingTime, []byte{0, 0, 12, 78}},
	{option.CodeClientID, []byte{1, 2, 0, 0, 0, 0, 7}},
}

func parseAndLookUp(m *Message, b []byte) (sum int) {
	if m.Parse(b) != nil {
		return -1
	}
	for _, c := range lookups {
		v, _ := m.Option(c)
		sum += len(v)
	}
	return sum + len(m.ClientID()) + int(m.Hardware().Len)
}

func offer(b *Builder, dst, info []byte) []byte {
	b.Begin(dst, &replyHeader, 548)
	for _, o := range offered {
		b.Add(o.code, o.value)
	}
	msg, _ := b.Finish(info)
	return msg
}

func TestThePacketPathDoesNotAllocate(t *testing.T) {
	var m Message
	var b Builder
	room := make([]byte, 0, 2048)
	name := []byte("\x05\x00\x00\x05kiosk")
	for what, f := range map[string]func(){
		"parse and look up":  func() { parseAndLookUp(&m, requestPacket) },
		"codes":              func() { _ = m.Codes() },
		"build":              func() { offer(&b, room, nil) },
		"build, overloaded":  func() { buildOverloaded(&b, room) },
		"refuse":             func() { refuseAll(&m) },
		"a name is answered": func() { answerName(name, room) },
		"walk what is nested": func() {
			info, _ := m.Option(option.CodeRelayInformation)
			_, _ = SubOption(info, 2)
			u := UserClassesOf(name)
			u.Next()
			v := VendorOptionsOf(name, 4491)
			v.Next()
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

func buildOverloaded(b *Builder, dst []byte) {
	b.Begin(dst, &replyHeader, 300)
	b.Add(53, []byte{2})
	b.Add(66, zeros[:100])
	b.Add(67, zeros[:50])
	b.Add(43, zeros[:200])
	b.Finish(nil)
}

func refuseAll(m *Message) {
	for i := range hostile {
		_ = m.Parse(hostile[i].b)
	}
}

func answerName(value, dst []byte) {
	f, _ := ParseFQDN(value)
	dst = f.AppendAnswer(dst, NoUpdates, []byte("corp.example"))
	f.AppendName(dst)
}

func BenchmarkParseDiscover(b *testing.B) { benchmarkParse(b, discoverPacket) }
func BenchmarkParseRequest(b *testing.B)  { benchmarkParse(b, requestPacket) }

func benchmarkParse(b *testing.B, packet []byte) {
	var m Message
	b.ReportAllocs()
	for b.Loop() {
		if parseAndLookUp(&m, packet) < 0 {
			b.Fatal("refused")
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	var m Message
	if err := m.Parse(requestPacket); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Option(option.CodeRequestedAddress)
	}
}

func BenchmarkBuildOffer(b *testing.B) {
	var builder Builder
	dst := make([]byte, 0, 2048)
	info := unhex("0104 00000001 0208 0000000000000001")
	b.ReportAllocs()
	for b.Loop() {
		offer(&builder, dst, info)
	}
}

func BenchmarkBuildOverloaded(b *testing.B) {
	var builder Builder
	dst := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		buildOverloaded(&builder, dst)
	}
}

func BenchmarkFormat(b *testing.B) {
	var m Message
	if err := m.Parse(requestPacket); err != nil {
		b.Fatal(err)
	}
	m.GIAddr = netip.MustParseAddr("10.0.0.1")
	dst := make([]byte, 0, MaxFormat)
	b.ReportAllocs()
	for b.Loop() {
		m.Append(dst, option.Standard())
	}
}
