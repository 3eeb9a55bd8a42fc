package option

import (
	"net/netip"
	"strings"
)

// CutRoute returns the first route of a classless static route option (RFC 3442), its length in octets, and false if
// b does not begin with one. Bits beyond the prefix are cleared. It does not allocate.
func CutRoute(b []byte) (to netip.Prefix, via netip.Addr, n int, err error) {
	if len(b) == 0 {
		return to, via, 0, errEmpty
	}
	bits := int(b[0])
	if bits > 32 {
		return to, via, 0, errPrefix
	}
	octets := (bits + 7) / 8
	n = 1 + octets + 4
	if len(b) < n {
		return to, via, 0, errShort
	}
	var a [4]byte
	copy(a[:], b[1:1+octets])
	return netip.PrefixFrom(netip.AddrFrom4(a), bits).Masked(), netip.AddrFrom4([4]byte(b[1+octets : n])), n, nil
}

// AppendRoute appends a route as RFC 3442 encodes it. Both must be IPv4.
func AppendRoute(dst []byte, to netip.Prefix, via netip.Addr) []byte {
	a, v := to.Addr().As4(), via.As4()
	dst = append(dst, byte(to.Bits()))
	dst = append(dst, a[:(to.Bits()+7)/8]...)
	return append(dst, v[:]...)
}

func checkRoutes(_ Type, b []byte) error {
	if len(b) == 0 {
		return errEmpty
	}
	for len(b) > 0 {
		_, _, n, err := CutRoute(b)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func decodeRoutes(_ Type, b []byte) any {
	list := []any{}
	for len(b) > 0 {
		to, via, n, err := CutRoute(b)
		if err != nil {
			break
		}
		list = append(list, map[string]any{"to": to.String(), "via": via.String()})
		b = b[n:]
	}
	return list
}

const routeRemedy = "write {to: 10.0.0.0/8, via: 10.0.0.1}"

func encodeRoutes(t Type, dst []byte, in Input) ([]byte, *InputError) {
	items := in.items()
	if len(items) == 0 {
		return nil, wrong("leave the option out, or write "+t.example(), "the list is empty")
	}
	for i, item := range items {
		to, via, err := parseRoute(item)
		if err != nil {
			return nil, err.at(in, i)
		}
		dst = AppendRoute(dst, to, via)
	}
	return dst, nil
}

// parseRoute takes {to: PREFIX, via: ADDRESS}, "PREFIX ADDRESS", and Kea's "PREFIX - ADDRESS".
func parseRoute(in Input) (to netip.Prefix, via netip.Addr, err *InputError) {
	switch in.Kind {
	case Scalar:
		w := strings.Fields(strings.Replace(in.Scalar, " - ", " ", 1))
		if len(w) != 2 {
			return to, via, wrong(routeRemedy, "%s is not a route", in.brief())
		}
		if to, err = parsePrefix(w[0]); err != nil {
			return to, via, err
		}
		via, err = parseGateway(w[1])
		return to, via, err
	case Map:
		return parseRouteMap(in)
	}
	return to, via, wrong(routeRemedy, "%s is not a route", in.brief())
}

func parseRouteMap(in Input) (to netip.Prefix, via netip.Addr, err *InputError) {
	for i, e := range in.Map {
		if e.Value.Kind != Scalar {
			return to, via, wrong(routeRemedy, "%s is not part of a route", e.Value.brief()).under(i)
		}
		switch e.Key {
		case "to":
			to, err = parsePrefix(e.Value.Scalar)
		case "via":
			via, err = parseGateway(e.Value.Scalar)
		default:
			err = wrong(routeRemedy, "%s is not part of a route", Input{Kind: Scalar, Scalar: e.Key}.brief())
			err.OnKey = true
		}
		if err != nil {
			return to, via, err.under(i)
		}
	}
	if !to.IsValid() || !via.IsValid() {
		return to, via, wrong(routeRemedy, "a route needs to and via")
	}
	return to, via, nil
}

func parsePrefix(s string) (netip.Prefix, *InputError) {
	if s == "default" {
		s = "0.0.0.0/0"
	}
	quoted := Input{Kind: Scalar, Scalar: s}.brief()
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return p, wrong("write an address and a prefix length, as in 10.0.0.0/8, or default", "%s is not an IPv4 prefix", quoted)
	}
	if p != p.Masked() {
		return p, wrong("write "+p.Masked().String(), "%s has bits beyond its prefix length", quoted)
	}
	return p, nil
}

func parseGateway(s string) (netip.Addr, *InputError) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return a, wrong(addressRemedy(s), "%s is not an IPv4 address", Input{Kind: Scalar, Scalar: s}.brief())
	}
	return a, nil
}
