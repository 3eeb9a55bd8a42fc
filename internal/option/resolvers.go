package option

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
)

// The service parameters of RFC 9460 §14.3.2 that have a form of their own here.
const (
	paramALPN    = 1
	paramPort    = 3
	paramDOHPath = 7
)

// resolver is one instance of the encrypted DNS resolver option (RFC 9463 §5.1).
type resolver struct {
	priority  uint16
	name      []byte // labels
	addresses []byte // four octets each; empty in a resolver that has a name only
	params    []byte // service parameters as in RFC 9460 §2.2
}

func cutResolver(b []byte) (r resolver, rest []byte, err error) {
	b, rest, ok := cutLong(b)
	if !ok {
		return r, nil, errBlock
	}
	if len(b) < 3 {
		return r, nil, errShort
	}
	r.priority = binary.BigEndian.Uint16(b)
	r.name, b, ok = CutCounted(b[2:])
	if !ok {
		return r, nil, errBlock
	}
	if n, err := CutName(r.name); err != nil || n != len(r.name) {
		return r, nil, errName
	}
	if len(b) == 0 {
		return r, rest, nil
	}
	r.addresses, r.params, ok = CutCounted(b)
	if !ok {
		return r, nil, errBlock
	}
	if len(r.addresses) == 0 || len(r.addresses)%4 != 0 {
		return r, nil, errMultiple
	}
	return r, rest, checkParams(r.params)
}

func cutParam(b []byte) (code uint16, value, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, nil, false
	}
	value, rest, ok = cutLong(b[2:])
	return binary.BigEndian.Uint16(b), value, rest, ok
}

// checkParams holds to ascending order, each key once (RFC 9460 §2.2), and checks the values of known keys.
func checkParams(b []byte) error {
	for last := -1; len(b) > 0; {
		k, v, rest, ok := cutParam(b)
		if !ok || int(k) <= last {
			return errBlock
		}
		if k == paramPort && len(v) != 2 || k == paramALPN && checkALPN(v) != nil || k == paramDOHPath && len(v) == 0 {
			return errBlockData
		}
		last, b = int(k), rest
	}
	return nil
}

func checkALPN(b []byte) error {
	if len(b) == 0 {
		return errEmpty
	}
	for len(b) > 0 {
		v, rest, ok := CutCounted(b)
		if !ok || len(v) == 0 {
			return errBlockData
		}
		b = rest
	}
	return nil
}

func checkResolvers(_ Type, b []byte) error {
	if len(b) == 0 {
		return errEmpty
	}
	for len(b) > 0 {
		_, rest, err := cutResolver(b)
		if err != nil {
			return err
		}
		b = rest
	}
	return nil
}

func decodeResolvers(_ Type, b []byte) any {
	list := []any{}
	for len(b) > 0 {
		r, rest, err := cutResolver(b)
		if err != nil {
			break
		}
		m := map[string]any{"priority": int64(r.priority), "name": string(AppendNameText(nil, r.name))}
		if len(r.addresses) > 0 {
			m["addresses"] = addressList.decode(r.addresses)
		}
		if len(r.params) > 0 {
			m["parameters"] = paramsValue(r.params)
		}
		list = append(list, m)
		b = rest
	}
	return list
}

func paramsValue(b []byte) map[string]any {
	m := map[string]any{}
	for k, v, rest, ok := cutParam(b); ok; k, v, rest, ok = cutParam(rest) {
		switch k {
		case paramALPN:
			list := []any{}
			for id, more, ok := CutCounted(v); ok; id, more, ok = CutCounted(more) {
				list = append(list, decodeText(textItem, id))
			}
			m["alpn"] = list
		case paramPort:
			m["port"] = int64(binary.BigEndian.Uint16(v))
		case paramDOHPath:
			m["dohpath"] = decodeText(textItem, v)
		default:
			m["key"+strconv.Itoa(int(k))] = hexValue(v)
		}
	}
	return m
}

func encodeResolvers(t Type, dst []byte, in Input) ([]byte, *InputError) {
	items := in.items()
	if len(items) == 0 {
		return nil, wrong("leave the option out, or write "+t.example(), "the list is empty")
	}
	for i, item := range items {
		b, err := encodeResolver(t, item)
		if err == nil && len(b) > MaxLength {
			err = wrong("shorten it", "the resolver has %d octets", len(b))
		}
		if err != nil {
			return nil, err.at(in, i)
		}
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(b))), b...)
	}
	return dst, nil
}

func encodeResolver(t Type, in Input) ([]byte, *InputError) {
	if in.Kind != Map {
		return nil, wrong("write "+t.example(), "%s is not a resolver", in.brief())
	}
	r := resolver{priority: 1}
	for i, e := range in.Map {
		if err := r.set(e); err != nil {
			return nil, err.under(i)
		}
	}
	switch {
	case r.name == nil:
		return nil, wrong("add name: dns.example.org", "the resolver has no name")
	case len(r.addresses) > 255:
		return nil, wrong("write at most 63", "the resolver has %d addresses", len(r.addresses)/4)
	case len(r.addresses) == 0 && len(r.params) > 0:
		return nil, wrong("add addresses: [10.0.0.53]", "parameters stand where no addresses do (RFC 9463 §5.1)")
	}
	b := binary.BigEndian.AppendUint16(nil, r.priority)
	b = append(append(b, byte(len(r.name))), r.name...)
	if len(r.addresses) == 0 {
		return b, nil
	}
	b = append(append(b, byte(len(r.addresses))), r.addresses...)
	return append(b, r.params...), nil
}

func (r *resolver) set(e Entry) (err *InputError) {
	switch e.Key {
	case "priority":
		var b []byte
		if b, err = encodeInt(Type{Kind: Uint16}, nil, e.Value); err == nil {
			r.priority = binary.BigEndian.Uint16(b)
		}
	case "name":
		r.name, err = encodeName(Type{Kind: Name}, nil, e.Value)
	case "addresses":
		r.addresses, err = addressList.encode(nil, e.Value)
	case "parameters":
		r.params, err = encodeParams(e.Value)
	default:
		err = wrong("write priority, name, addresses or parameters", "%s is not part of a resolver", Input{Kind: Scalar, Scalar: e.Key}.brief())
		err.OnKey = true
	}
	return err
}

func encodeParams(in Input) ([]byte, *InputError) {
	if in.Kind != Map {
		return nil, wrong("write {alpn: [dot], port: 853}", "%s stands where parameters belong", in.brief())
	}
	type param struct {
		code  uint16
		value []byte
	}
	var params []param
	for i, e := range in.Map {
		code, v, err := encodeParam(e)
		if err == nil && slices.ContainsFunc(params, func(p param) bool { return p.code == code }) {
			err = wrong("leave one out", "the parameter stands twice")
		}
		if err == nil && len(v) > MaxLength {
			err = wrong("shorten it", "the parameter has %d octets", len(v))
		}
		if err != nil {
			return nil, err.under(i)
		}
		params = append(params, param{code, v})
	}
	slices.SortFunc(params, func(a, b param) int { return int(a.code) - int(b.code) })
	var b []byte
	for _, p := range params {
		b = binary.BigEndian.AppendUint16(b, p.code)
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(p.value))), p.value...)
	}
	return b, nil
}

func encodeParam(e Entry) (uint16, []byte, *InputError) {
	switch e.Key {
	case "alpn":
		v, err := encodeUserClass(Type{Kind: UserClass}, nil, Input{Kind: List, List: e.Value.items()})
		return paramALPN, v, err
	case "port":
		v, err := encodeInt(Type{Kind: Uint16}, nil, e.Value)
		return paramPort, v, err
	case "dohpath":
		v, err := encodeItem(e.Value)
		if err == nil && len(v) == 0 {
			err = wrong(`write a path, as in "/dns-query{?dns}"`, "the path is empty")
		}
		return paramDOHPath, v, err
	}
	var code uint16
	if n, err := fmt.Sscanf(e.Key, "key%d", &code); n != 1 || err != nil || e.Key != "key"+strconv.Itoa(int(code)) ||
		code == paramALPN || code == paramPort || code == paramDOHPath {
		err := wrong(`write alpn, port, dohpath, or a number as in key5: {hex: "..."}`, "%s is not a service parameter", Input{Kind: Scalar, Scalar: e.Key}.brief())
		err.OnKey = true
		return 0, nil, err
	}
	v, err := encodeItem(e.Value)
	return code, v, err
}
