package class

import (
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// parts is the value of an option that has parts of its own (43, 82, 124, 125, …). A part is found by its name, or by
// its number written as a number or as a text.
type parts struct{ traits.Mapper }

func adaptMap(m map[string]any) ref.Val {
	out := make(map[ref.Val]ref.Val, len(m))
	for k, v := range m {
		out[types.String(k)] = adapt(v)
	}
	return parts{types.NewRefValMap(types.DefaultTypeAdapter, out)}
}

// Find returns the part that a key names.
func (p parts) Find(key ref.Val) (ref.Val, bool) {
	if v, ok := p.Mapper.Find(key); ok {
		return v, ok
	}
	text, isText := key.(types.String)
	n, isNumber := int64(0), false
	switch k := key.(type) {
	case types.Int:
		n, isNumber = int64(k), true
	case types.Uint:
		n, isNumber = int64(k), k < 1<<32
	case types.String:
		code, err := strconv.ParseUint(string(k), 10, 8)
		n, isNumber = int64(code), err == nil
	}
	if !isNumber {
		return p.Mapper.Find(key)
	}
	if !isText {
		text = types.String(strconv.FormatInt(n, 10))
		if v, ok := p.Mapper.Find(text); ok {
			return v, ok
		}
	}
	if n > 0 && n < 256 { // of what a relay says, those that have a name are under it
		if v, ok := p.Mapper.Find(types.String(option.Standard().ByCode(option.RelayAgent, option.Code(n)).Name)); ok {
			return v, ok
		}
	}
	return nil, false
}

// Contains reports whether a key names a part.
func (p parts) Contains(key ref.Val) ref.Val {
	_, ok := p.Find(key)
	return types.Bool(ok)
}

// Get returns the part that a key names, or an error.
func (p parts) Get(key ref.Val) ref.Val {
	if v, ok := p.Find(key); ok {
		return v
	}
	return p.Mapper.Get(key)
}

// Equal compares with a map part by part.
func (p parts) Equal(other ref.Val) ref.Val {
	if o, ok := other.(parts); ok {
		other = o.Mapper
	}
	return p.Mapper.Equal(other)
}
