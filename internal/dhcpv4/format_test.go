package dhcpv4

import (
	"runtime"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/option"
)

func TestAMessageIsShownForATrace(t *testing.T) {
	m := parsed(t, with("350103 3204c6336432 0c0a611b5b324a0a6b696f73 5210 0108 67652d302f302f31 0504 0a000001 e00101 ff", func(b []byte) {
		copy(b[24:], []byte{10, 0, 0, 1})
	}, file("7078650a00")))
	const want = `DHCPREQUEST op=1 htype=1 hlen=6 hops=0 xid=0x12345678 secs=0 flags=0x0000
  ciaddr=0.0.0.0 yiaddr=0.0.0.0 siaddr=0.0.0.0 giaddr=10.0.0.1 chaddr=02:00:00:00:00:07
  file=pxe\n
  host-name (12): a\x1b[2J\nkios
  dhcp-requested-address (50): 198.51.100.50
  dhcp-message-type (53): 3
  dhcp-agent-options (82): {circuit-id: ge-0/0/1, link-selection: 10.0.0.1}
  option-224 (224): 01
`
	if got := m.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// filled is a message that is nothing but one option, as long as a message can be.
func filled(code uint8, value []byte) []byte {
	return append(appendSplit(with("350101"), code, value), 0xff)
}

// greedy are messages made so that showing them would take as much room as can be.
var greedy = map[string][]byte{
	"names that stand for more than they say": filled(option.CodeDomainSearch, []byte(longName()+strings.Repeat("\xc0\x00", 700))),
	"many enterprises":                        filled(option.CodeVIVendorOptions, manyEnterprises()),
	"many vendor classes":                     filled(option.CodeVIVendorClass, []byte(strings.Repeat("\x00\x00\x00\x01\x02\x01a", 230))),
	"many sub-options":                        filled(option.CodeRelayInformation, []byte(strings.Repeat("\x01\x00\x02\x00\x97\x00", 280))),
	"many vendor options":                     filled(option.CodeVendorOptions, []byte(strings.Repeat("\x01\x00\x02\x00", 400))),
	"a long text of control characters":       filled(option.CodeHostName, []byte(strings.Repeat("\x1b", 1700))),
	"many routes":                             filled(option.CodeClasslessStaticRoutes, []byte(strings.Repeat("\x00\x0a\x00\x00\x01", 340))),
	"many user classes":                       filled(option.CodeUserClass, []byte(strings.Repeat("\x01a", 850))),
	"every code":                              with(everyCodeTwice()),
}

func longName() string {
	return strings.Repeat("\x3f"+strings.Repeat("\xff", 63), 3) + "\x3d" + strings.Repeat("\xff", 61) + "\x00"
}

func manyEnterprises() (v []byte) {
	for i := range 240 {
		v = append(v, 0, 0, byte(i), 7, 2, 1, 0)
	}
	return v
}

func TestWhatIsShownIsBounded(t *testing.T) {
	for name, b := range greedy {
		m := parsed(t, b)
		if err := soundMessage(m, b, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := allocated(func() { _ = m.String() }); n > 64<<10 {
			t.Errorf("%s: %d octets are allocated", name, n)
		}
	}
}

// allocated returns how many octets a call of f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	const calls = 20
	runtime.ReadMemStats(&before)
	for range calls {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / calls
}
