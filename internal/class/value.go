package class

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// valueOf returns an option's octets as a value of the language: numbers, truth values, texts and lists of them by the
// option's type, and octets where there is no better type. Octets that do not fit the type are an error.
func valueOf(def option.Def, raw []byte) ref.Val {
	switch {
	case def.Type.List || def.Type.Kind == option.Record:
	case def.Type.Kind == option.Binary:
		if err := def.Check(raw); err != nil {
			return malformed(def, err)
		}
		return types.Bytes(bytes.Clone(raw))
	case def.Type.Kind == option.Text:
		if err := def.Check(raw); err != nil {
			return malformed(def, err)
		}
		return types.String(trimText(raw))
	case def.Type.Kind == option.UserClass && len(raw) > 0:
		return userClassList(def, raw)
	}
	v, err := def.Decode(raw)
	if err != nil {
		return malformed(def, def.Check(raw))
	}
	if tooLong(v) {
		return malformed(def, errTooMany)
	}
	return adapt(v)
}

var errTooMany = fmt.Errorf("it has more than %d elements", maxItems)

// tooLong reports whether there is a list in what option.Def.Decode gives that has more elements than may be read.
func tooLong(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) > maxItems || slices.ContainsFunc(v, tooLong)
	case map[string]any:
		for _, e := range v {
			if tooLong(e) {
				return true
			}
		}
	}
	return false
}

func malformed(def option.Def, err error) ref.Val {
	return types.NewErr("option %s (%d) of this client: %v", def.Name, def.Code, err)
}

// adapt returns what option.Def.Decode gives as a value of the language. Octets and texts that stand in a map of their
// own in a document are octets and texts here.
func adapt(v any) ref.Val {
	switch v := v.(type) {
	case string:
		return types.String(v)
	case bool:
		return types.Bool(v)
	case int64:
		return types.Int(v)
	case []any:
		return adaptList(v)
	case map[string]any:
		if len(v) == 1 {
			if h, ok := v["hex"].(string); ok {
				b, _ := hex.DecodeString(h)
				return types.Bytes(b)
			}
			if t, ok := v["text"].(string); ok {
				return types.String(t)
			}
		}
		return adaptMap(v)
	}
	return types.NullValue
}

func adaptList(l []any) ref.Val {
	elems := make([]ref.Val, len(l))
	for i, v := range l {
		elems[i] = adapt(v)
	}
	return newList(elems)
}

// list is the value of an option that is a list. One of a single element equals that element too, so that an option
// which may hold several values, and nearly always holds one, is compared as people write it.
type list struct {
	traits.Lister
	elems []ref.Val
}

func newList(elems []ref.Val) *list {
	return &list{types.NewRefValList(types.DefaultTypeAdapter, elems), elems}
}

// Contains reports whether an element is the same as value.
func (l *list) Contains(value ref.Val) ref.Val {
	for _, e := range l.elems {
		if same(e, value) {
			return types.True
		}
	}
	return types.False
}

// Equal compares with another list element by element, and with anything else by the only element.
func (l *list) Equal(other ref.Val) ref.Val {
	if o, ok := other.(traits.Lister); ok {
		return l.Lister.Equal(o)
	}
	return types.Bool(len(l.elems) == 1 && same(l.elems[0], other))
}

// same is equality, in which the only element of an option's list stands for the list on either side, and a text is the
// same as its octets: which of the two a part of an option is depends on what the client put there.
func same(a, b ref.Val) bool {
	if l, ok := b.(*list); ok {
		if _, both := a.(traits.Lister); !both {
			a, b = l, a
		}
	}
	switch x := a.(type) {
	case types.Bytes:
		if y, ok := b.(types.String); ok {
			return string(x) == string(y)
		}
	case types.String:
		if y, ok := b.(types.Bytes); ok {
			return string(x) == string(y)
		}
	}
	return types.Equal(a, b) == types.True
}

// contains says whether value is in a container as same sees it. Nothing is in an option that was not sent.
func contains(value, container ref.Val) ref.Val {
	switch c := container.(type) {
	case *list:
		return c.Contains(value)
	case traits.Mapper:
		return c.Contains(value)
	case traits.Lister:
		for it := c.Iterator(); it.HasNext() == types.True; {
			if same(value, it.Next()) {
				return types.True
			}
		}
		return types.False
	case types.Null:
		return types.False
	}
	return types.MaybeNoSuchOverloadErr(container)
}
