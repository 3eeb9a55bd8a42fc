package matrix

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
)

// shape is how the value of an option is made and written.
type shape int

const (
	text shape = iota
	address
	addresses
	uint8s
	uint16s
	uint32s
	int32s
	plateaus // a list of uint16
)

// optionOf is an option that all three servers know; kea is Lessor's name too, isc is empty where it is the same.
type optionOf struct {
	code     uint8
	kea, isc string
	shape    shape
}

// standard are options whose value all three take in the same shape.
var standard = []optionOf{
	{2, "time-offset", "", int32s}, {3, "routers", "", addresses}, {4, "time-servers", "", addresses},
	{5, "name-servers", "ien116-name-servers", addresses}, {6, "domain-name-servers", "", addresses},
	{7, "log-servers", "", addresses}, {8, "cookie-servers", "", addresses}, {9, "lpr-servers", "", addresses},
	{10, "impress-servers", "", addresses}, {11, "resource-location-servers", "", addresses}, {13, "boot-size", "", uint16s},
	{14, "merit-dump", "", text}, {15, "domain-name", "", text}, {16, "swap-server", "", address}, {17, "root-path", "", text},
	{18, "extensions-path", "", text}, {22, "max-dgram-reassembly", "", uint16s}, {23, "default-ip-ttl", "", uint8s},
	{24, "path-mtu-aging-timeout", "", uint32s}, {25, "path-mtu-plateau-table", "", plateaus}, {26, "interface-mtu", "", uint16s},
	{32, "router-solicitation-address", "", address}, {35, "arp-cache-timeout", "", uint32s}, {37, "default-tcp-ttl", "", uint8s},
	{38, "tcp-keepalive-interval", "", uint32s}, {40, "nis-domain", "", text}, {41, "nis-servers", "", addresses},
	{42, "ntp-servers", "", addresses}, {44, "netbios-name-servers", "", addresses}, {45, "netbios-dd-server", "", addresses},
	{47, "netbios-scope", "", text}, {48, "font-servers", "", addresses}, {49, "x-display-manager", "", addresses},
	{62, "nwip-domain-name", "nwip-domain", text}, {64, "nisplus-domain-name", "nisplus-domain", text},
	{65, "nisplus-servers", "", addresses}, {68, "mobile-ip-home-agent", "", addresses}, {69, "smtp-server", "", addresses},
	{70, "pop-server", "", addresses}, {71, "nntp-server", "", addresses}, {72, "www-server", "", addresses},
	{73, "finger-server", "", addresses}, {74, "irc-server", "", addresses}, {75, "streettalk-server", "", addresses},
	{76, "streettalk-directory-assistance-server", "", addresses}, {85, "nds-servers", "", addresses},
	{86, "nds-tree-name", "", text}, {87, "nds-context", "", text}, {89, "bcms-controller-address", "", addresses},
	{98, "uap-servers", "", text}, {100, "pcode", "", text}, {101, "tcode", "", text},
	{112, "netinfo-server-address", "", addresses}, {113, "netinfo-server-tag", "", text}, {136, "pana-agent", "", addresses},
	{138, "capwap-ac-v4", "", addresses},
}

// The options of the site's own, which each configuration defines.
const firstOwn, lastOwn = 224, 254

// options are all codes that cases may use, and what they are.
var options, optionsInOrder = func() (map[uint8]optionOf, []optionOf) {
	all := standard
	for code := firstOwn; code <= lastOwn; code++ {
		if code == 249 || code == 252 { // Microsoft's routes and WPAD, which Lessor knows
			continue
		}
		name := fmt.Sprintf("site-%d", code)
		all = append(all, optionOf{uint8(code), name, name, [...]shape{text, addresses, uint16s, uint32s}[code%4]})
	}
	m := map[uint8]optionOf{}
	for _, o := range append(all, subnetMask) {
		if o.isc == "" {
			o.isc = o.kea
		}
		m[o.code] = o
	}
	return m, all
}()

var subnetMask = optionOf{1, "subnet-mask", "", address}

// own reports whether the option must be defined.
func (o optionOf) own() bool { return o.code >= firstOwn }

// values are the elements of a value of the option: each number gives another one, and lists differ in length, so that
// parts of two values never pass for one.
func (o optionOf) values(v value) []string {
	n := v.n
	switch o.shape {
	case text:
		return []string{fmt.Sprintf("v%02d", n)}
	case address:
		if o.code == subnetMask.code {
			return []string{netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, ^uint32(0)<<(23-n)))).String()}
		}
		return []string{fmt.Sprintf("192.0.2.%d", n)}
	case addresses:
		both := []string{fmt.Sprintf("192.0.2.%d", n), fmt.Sprintf("198.51.100.%d", n)}
		return both[:1+n%2]
	case uint8s:
		return []string{fmt.Sprint(n)}
	case uint16s:
		return []string{fmt.Sprint(1000 + n)}
	case uint32s:
		return []string{fmt.Sprint(100000 + n)}
	case int32s:
		return []string{fmt.Sprint(-60 * n)}
	case plateaus:
		return []string{fmt.Sprint(1000 + n), fmt.Sprint(2000 + n)}
	}
	panic("no shape")
}

// wire is the value as it must be on the wire.
func (o optionOf) wire(v value) (b []byte) {
	for _, s := range o.values(v) {
		var n int64
		switch o.shape {
		case text:
			b = append(b, s...)
			continue
		case address, addresses:
			b = append(b, netip.MustParseAddr(s).AsSlice()...)
			continue
		}
		fmt.Sscan(s, &n)
		switch o.shape {
		case uint8s:
			b = append(b, byte(n))
		case uint16s, plateaus:
			b = binary.BigEndian.AppendUint16(b, uint16(n))
		default:
			b = binary.BigEndian.AppendUint32(b, uint32(int32(n)))
		}
	}
	return b
}

// How the languages write types and values.

func (o optionOf) iscType() string {
	return [...]string{"text", "ip-address", "array of ip-address", "unsigned integer 8", "unsigned integer 16",
		"unsigned integer 32", "integer 32", "array of unsigned integer 16"}[o.shape]
}

func (o optionOf) iscValue(v value) string {
	if o.shape == text {
		return fmt.Sprintf("%q", o.values(v)[0])
	}
	return strings.Join(o.values(v), ", ")
}

func (o optionOf) keaType() (kind string, array bool) {
	kind = [...]string{"string", "ipv4-address", "ipv4-address", "uint8", "uint16", "uint32", "int32", "uint16"}[o.shape]
	return kind, o.shape == addresses || o.shape == plateaus
}

func (o optionOf) keaValue(v value) string { return strings.Join(o.values(v), ", ") }

func (o optionOf) lessorType() any {
	kind, array := o.keaType()
	if array {
		return []any{kind}
	}
	return kind
}

func (o optionOf) lessorValue(v value) any {
	var l []any
	for _, s := range o.values(v) {
		if o.shape >= uint8s {
			var n int64
			fmt.Sscan(s, &n)
			l = append(l, n)
		} else {
			l = append(l, s)
		}
	}
	if _, array := o.keaType(); array {
		return l
	}
	return l[0]
}
