package policy

import (
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// options is what the layers make of the options of one client. It is filled from the strongest scope to the weakest:
// what is closed is not changed by a weaker one.
type options struct {
	values []Value
	unset  []*Value
	// index finds an option by its code: its position in values + 1, taken where a layer takes it away, 0 where no
	// layer has said anything.
	index [256]uint8
	// made are the options that have more parts than one, or may have.
	made  []made
	parts []part
	arena []byte  // what was put together; Bytes of values may lie in it
	spare []Value // memory for values that take their place
	// mirrored says that option 249 is what 121 is.
	mirrored bool
}

const taken = 255

// made is an option that weaker layers have a part in.
type made struct {
	value      uint8 // position in options.values
	closed     bool
	first, end int32 // its parts in options.parts, as a list: strongest first
}

type part struct {
	value *Value
	next  int32 // 0: none
}

func (o *options) reset() {
	clear(o.parts)
	o.values, o.unset, o.index = o.values[:0], o.unset[:0], [256]uint8{}
	o.mirrored = false
	o.made, o.parts, o.arena = o.made[:0], append(o.parts[:0], part{}), o.arena[:0] // part 0 is none
}

// lay lets one scope say what no stronger one has closed.
func (o *options) lay(vs []Value) {
	for i := range vs {
		v := &vs[i]
		if v.Code > 255 {
			continue
		}
		switch at := o.index[v.Code]; {
		case at == 0:
			o.begin(v)
		case at != taken && o.values[at-1].open():
			o.join(at-1, v)
		}
	}
}

func (o *options) begin(v *Value) {
	switch {
	case v.form == config.Unset:
		o.unset = append(o.unset, v)
		o.index[v.Code] = taken
		return
	case len(o.values) >= taken-1: // there are no more codes
		return
	}
	o.values = append(o.values, *v)
	o.index[v.Code] = uint8(len(o.values))
	if v.open() {
		at := int32(len(o.parts))
		o.parts = append(o.parts, part{value: v})
		o.made = append(o.made, made{value: uint8(len(o.values) - 1), first: at, end: at})
	}
}

// join gives the open option at values[at] what a weaker layer says of it.
func (o *options) join(at uint8, v *Value) {
	m := o.madeAt(at)
	if m == nil || m.closed {
		return
	}
	m.closed = !v.open()
	if v.form == config.Unset {
		return
	}
	next := int32(len(o.parts))
	o.parts = append(o.parts, part{value: v})
	o.parts[m.end].next, m.end = next, next
	w := &o.values[at]
	w.Forced = w.Forced || v.Forced
	w.OnlyAsked = w.OnlyAsked && v.OnlyAsked
}

// stick forces the options that any scope forces.
func (o *options) stick(scopes []*scope) {
	for _, s := range scopes {
		for i := range s.values {
			if v := &s.values[i]; v.Forced && v.Code < 256 {
				if w := o.get(uint8(v.Code)); w != nil {
					w.Forced = true
				}
			}
		}
	}
}

func (o *options) madeAt(at uint8) *made {
	for i := range o.made {
		if o.made[i].value == at {
			return &o.made[i]
		}
	}
	return nil
}

// put puts together the options that have several parts, from the weakest part to the strongest.
func (o *options) put() {
	for i := range o.made {
		m := &o.made[i]
		if m.first == m.end {
			continue
		}
		v := &o.values[m.value]
		v.Bytes = o.assemble(m.first)
		begin := len(o.arena)
		for at := m.first; at != 0; at = o.parts[at].next {
			o.arena = append(o.arena, o.parts[at].value.reason...)
		}
		v.reason = o.arena[begin:len(o.arena):len(o.arena)]
	}
}

// assemble returns the octets of the parts from at to the end of the list. Its depth is that of the layers and classes
// that have a part.
func (o *options) assemble(at int32) []byte {
	x := o.parts[at]
	if x.next == 0 {
		return x.value.Bytes
	}
	weak, strong := o.assemble(x.next), x.value.Bytes
	begin := len(o.arena)
	switch x.value.form {
	case config.Append:
		o.arena = x.value.def.AppendJoined(o.arena, weak, strong)
	case config.Prepend:
		o.arena = x.value.def.AppendJoined(o.arena, strong, weak)
	case config.Merge:
		o.arena = x.value.def.AppendMerged(o.arena, weak, strong)
	default: // only the last part of a list closes it
		return strong
	}
	return o.arena[begin:len(o.arena):len(o.arena)]
}

// get returns an option, nil if there is none.
func (o *options) get(code uint8) *Value {
	if i := o.index[code]; i != 0 && i != taken {
		return &o.values[i-1]
	}
	return nil
}

// oldWindowsRoutes lets option 249, by which Windows before Vista asks for classless routes, say what 121 says.
func (o *options) oldWindowsRoutes() {
	const old = option.CodeMSClasslessStaticRoutes
	routes := o.get(option.CodeClasslessStaticRoutes)
	if routes == nil || o.index[old] != 0 || len(o.values) >= taken-1 {
		return
	}
	v := *routes
	v.Code, v.OnlyAsked, v.Forced, v.form = uint16(old), true, false, config.Set
	o.values = append(o.values, v)
	o.index[old], o.mirrored = uint8(len(o.values)), true
}
