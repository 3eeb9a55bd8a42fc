package class

import (
	"errors"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// maxKept is the longest value whose form in the language is kept for a later client that sends the same, in octets.
const maxKept = 256

// kept is the value of one option or sub-option: of the client that is looked at, or of one before it that sent the same
// octets, which then need not be converted again.
type kept struct {
	raw   []byte
	value ref.Val
	now   bool // value is that of the client that is looked at
}

// holds reports whether the value that is kept is that of raw.
func (k *kept) holds(raw []byte) bool { return k.value != nil && string(k.raw) == string(raw) }

func (k *kept) put(raw []byte, value ref.Val) {
	k.raw = append(k.raw[:0], raw...)
	k.value = value
}

// numbered is what optionMap and relayMap share: values by a number below 256.
type numbered struct {
	kept []kept // of every number that was ever asked for
	// place is where a number has its value in kept, + 1.
	place [256]uint8
	used  []uint8 // those that are of the client that is looked at
}

// of returns where the value of a number is kept.
func (n *numbered) of(code uint8) *kept {
	if n.place[code] == 0 {
		if len(n.kept) == 255 { // 0 and 255 are no options, but may be sub-options
			n.drop()
		}
		n.kept = append(n.kept, kept{})
		n.place[code] = uint8(len(n.kept))
	}
	return &n.kept[n.place[code]-1]
}

// forget makes nothing that is kept the value of the client that is looked at.
func (n *numbered) forget() {
	for _, c := range n.used {
		k := n.of(c)
		k.now = false
		if len(k.raw) > maxKept || types.IsError(k.value) {
			*k = kept{}
		}
	}
	n.used = n.used[:0]
}

// drop forgets what is kept for other clients too.
func (n *numbered) drop() { *n = numbered{} }

// optionMap is the variable "option": what the client sent, by number or by name.
type optionMap struct {
	numbered
	mapValue
	view *view
}

// Find returns the value of an option, null where the client did not send it.
func (m *optionMap) Find(key ref.Val) (ref.Val, bool) {
	code, err := m.code(key)
	if err != nil {
		return err, false
	}
	return m.value(code), true
}

func (m *optionMap) value(code option.Code) ref.Val {
	k := m.of(uint8(code))
	if k.now {
		return k.value
	}
	raw, ok := m.view.client.option(code)
	if !ok {
		return types.NullValue
	}
	m.used = append(m.used, uint8(code))
	if k.now = true; !k.holds(raw) {
		k.put(raw, valueOf(m.view.registry.ByCode(option.DHCPv4, code), raw))
	}
	return k.value
}

// code returns the option that a key names, or an error.
func (m *optionMap) code(key ref.Val) (option.Code, ref.Val) {
	code, err := keyOf(key, option.DHCPv4, m.view.registry)
	if err == nil && packetOnly(code) {
		err = types.NewErr("option %d belongs to one packet, and no class may depend on it", code)
	}
	return code, err
}

func (m *optionMap) Contains(key ref.Val) ref.Val {
	code, err := m.code(key)
	if err != nil {
		return err
	}
	_, ok := m.view.client.option(code)
	return types.Bool(ok)
}

func (m *optionMap) Get(key ref.Val) ref.Val {
	v, _ := m.Find(key)
	return v
}

func (m *optionMap) Size() ref.Val { return types.Int(len(m.codes())) }

func (m *optionMap) Iterator() traits.Iterator { return newList(m.codes()).Iterator() }

func (m *optionMap) codes() (all []ref.Val) {
	for code := option.Code(1); code < option.CodeEnd; code++ {
		if _, ok := m.view.client.option(code); ok {
			all = append(all, types.Int(code))
		}
	}
	return all
}

func (m *optionMap) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(m)) }

func (m *optionMap) ConvertToType(t ref.Type) ref.Val { return m.convert(m, t) }

func (m *optionMap) Value() any { return m }

// relayMap is the variable "relay": the sub-options of option 82 by number or by name, each the text of its octets.
type relayMap struct {
	numbered
	mapValue
	view *view
}

// Find returns the octets of a sub-option, null where there is none.
func (m *relayMap) Find(key ref.Val) (ref.Val, bool) {
	code, err := keyOf(key, option.RelayAgent, m.view.registry)
	if err != nil {
		return err, false
	}
	k := m.of(uint8(code))
	if k.now {
		return k.value, true
	}
	raw, ok := m.view.client.relay(uint8(code))
	if !ok {
		return types.NullValue, true
	}
	m.used = append(m.used, uint8(code))
	if k.now = true; !k.holds(raw) {
		k.put(raw, types.String(raw))
	}
	return k.value, true
}

func (m *relayMap) Contains(key ref.Val) ref.Val {
	code, err := keyOf(key, option.RelayAgent, m.view.registry)
	if err != nil {
		return err
	}
	_, ok := m.view.client.relay(uint8(code))
	return types.Bool(ok)
}

func (m *relayMap) Get(key ref.Val) ref.Val {
	v, _ := m.Find(key)
	return v
}

func (m *relayMap) Size() ref.Val { return types.Int(len(m.codes())) }

func (m *relayMap) Iterator() traits.Iterator { return newList(m.codes()).Iterator() }

func (m *relayMap) codes() (all []ref.Val) {
	for code := range 256 {
		if _, ok := m.view.client.relay(uint8(code)); ok {
			all = append(all, types.Int(code))
		}
	}
	return all
}

func (m *relayMap) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(m)) }

func (m *relayMap) ConvertToType(t ref.Type) ref.Val { return m.convert(m, t) }

func (m *relayMap) Value() any { return m }

// mapValue is what values have that are looked into and never converted.
type mapValue struct{}

func (mapValue) Type() ref.Type { return types.MapType }

func (mapValue) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("this map cannot be converted")
}

func (mapValue) convert(v ref.Val, t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return v
	case types.TypeType:
		return types.MapType
	}
	return types.NewErr("a map cannot be converted to %s", t.TypeName())
}

// keyOf returns the number that a key means in a space of options: the number itself, or that of a name.
func keyOf(key ref.Val, space option.Space, r *option.Registry) (option.Code, ref.Val) {
	switch k := key.(type) {
	case types.Int:
		if validCode(space, int64(k)) {
			return option.Code(k), nil
		}
		return 0, types.NewErr("there is no option %d", int64(k))
	case types.Uint:
		if k <= 255 && validCode(space, int64(k)) {
			return option.Code(k), nil
		}
		return 0, types.NewErr("there is no option %d", uint64(k))
	case types.String:
		if d, ok := r.ByName(space, string(k)); ok {
			return d.Code, nil
		}
		return 0, types.NewErr("no option is called so")
	case *types.Err, *types.Unknown:
		return 0, key
	}
	return 0, types.NewErr("an option is named by its number or its name")
}

// validCode reports whether a number is that of an option: 0 and 255 of DHCPv4 are none (RFC 2132 §3).
func validCode(space option.Space, n int64) bool {
	if space == option.DHCPv4 {
		return n >= 1 && n <= 254
	}
	return n >= 0 && n <= 255
}
