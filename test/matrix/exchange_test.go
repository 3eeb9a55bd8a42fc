package matrix

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// stage is one message of the conversation that every client has with every server.
type stage int

const (
	discover stage = iota // plain
	request               // for what was offered
	askShort              // a DISCOVER that asks for less time than any minimum
	askLong               // a DISCOVER that asks for more time than any maximum
	stages
)

func (s stage) String() string {
	return [...]string{"OFFER", "ACK", "OFFER to 1 s", "OFFER to 10⁷ s"}[s]
}

const shortTime, longTime = 1, 10_000_000

// answers are what one server said: of each site the answer to each stage, nil where there was none.
type answers [][stages]*dhcpv4.DHCPv4

// message is what the site's client sends. Transactions are the same for all servers: those of a plan are told apart by
// site and stage.
func (s *site) message(at stage, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	kind := dhcpv4.MessageTypeDiscover
	if at == request {
		kind = dhcpv4.MessageTypeRequest
	}
	var xid dhcpv4.TransactionID
	binary.BigEndian.PutUint32(xid[:], uint32(s.n)<<8|uint32(at)|0x4d000000)
	counted := append([]byte{byte(len(s.userClass()))}, s.userClass()...)
	list := append([]byte{1}, s.asks...)
	slices.Sort(list)
	g := func(code uint8, v []byte) dhcpv4.Modifier {
		return dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(code), v))
	}
	mods := []dhcpv4.Modifier{
		dhcpv4.WithTransactionID(xid), dhcpv4.WithHwAddr(world.ParseMAC(s.mac())), dhcpv4.WithMessageType(kind),
		dhcpv4.WithGatewayIP(world.IP4(s.giaddr())), g(55, slices.Compact(list)), g(57, []byte{0x05, 0xc0}),
		g(60, []byte(s.vendorClass())), g(77, counted),
	}
	switch at {
	case askShort:
		mods = append(mods, g(51, binary.BigEndian.AppendUint32(nil, shortTime)))
	case askLong:
		mods = append(mods, g(51, binary.BigEndian.AppendUint32(nil, longTime)))
	}
	m, err := dhcpv4.New(append(mods, more...)...)
	if err != nil {
		panic(err)
	}
	m.HopCount = 1
	return m
}

// ask has the clients of all sites speak with one server.
func (p *plan) ask(t *testing.T, g *world.Gateway, at netip.Addr) answers {
	t.Helper()
	got := make(answers, len(p.sites))
	for st := range stages {
		var questions []*dhcpv4.DHCPv4
		for i, s := range p.sites {
			var more []dhcpv4.Modifier
			if offer := got[i][discover]; st == request && offer != nil {
				more = append(more, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(offer.YourIPAddr)),
					dhcpv4.WithOption(dhcpv4.OptServerIdentifier(offer.ServerIdentifier())))
			}
			questions = append(questions, s.message(st, more...))
		}
		for i, a := range g.AskAll(at, questions, 3*time.Second) {
			got[i][st] = a
		}
	}
	return got
}

// field is one thing that an answer says, by name: octets of an option, or of a field of the header.
type fields map[string][]byte

// oneMessage are the options that belong to one message, or to one server.
var oneMessage = []uint8{53, 54, 57, 58, 59, 61, 82}

// said returns all that an answer says to the client, but for what belongs to one message.
func said(m *dhcpv4.DHCPv4) fields {
	f := fields{"yiaddr": m.YourIPAddr.To4()}
	if !m.ServerIPAddr.IsUnspecified() {
		f[nextServer.String()] = m.ServerIPAddr.To4()
	}
	if m.BootFileName != "" {
		f[bootFile.String()] = []byte(m.BootFileName)
	}
	if m.ServerHostName != "" {
		f[serverName.String()] = []byte(m.ServerHostName)
	}
	for code, v := range m.Options {
		if !slices.Contains(oneMessage, code) {
			f[optionName(code)] = v
		}
	}
	return f
}

func optionName(code uint8) string {
	if code == 51 {
		return "lease time"
	}
	if _, ok := options[code]; ok {
		return item(code).String()
	}
	return fmt.Sprintf("option %d", code)
}

// get is what an answer says of an item.
func (f fields) get(i item) []byte {
	if i >= leaseDefault {
		return f["lease time"]
	}
	return f[i.String()]
}

// octets are those of a value of the item.
func (i item) octets(v value) []byte {
	switch i {
	case nextServer:
		return net.ParseIP(nextServerValue(v)).To4()
	case bootFile:
		return []byte(bootFileValue(v))
	case serverName:
		return []byte(serverNameValue(v))
	case leaseDefault, leaseMin, leaseMax:
		return binary.BigEndian.AppendUint32(nil, uint32(i.seconds(v)))
	}
	return options[uint8(i)].wire(v)
}

// winner names the place whose value of the item an answer has.
func (c testCase) winner(f fields) string {
	got := f.get(c.what)
	for _, a := range c.among {
		if bytes.Equal(got, c.what.octets(a.value(set))) {
			return a.String()
		}
	}
	if got == nil {
		return "nobody"
	}
	return fmt.Sprintf("%x, which is nobody's", got)
}
