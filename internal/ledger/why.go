package ledger

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Why says where the policy has from what the client would have, of the last binding that was Compared: the layer, its object,
// the line, and of what. It is empty where the client would have nothing.
func (j *Judge) Why(code uint16) string {
	d := &j.decision
	if code < 256 {
		v := d.Option(uint8(code))
		if v == nil {
			return ""
		}
		return j.origin(v.Layer.String(), v.Object, v.Line)
	}
	rs, _ := binding.DecodeReasons(d.AppendParameterReasons(nil, netip.Addr{}))
	for _, r := range rs {
		if r.Code == code {
			return j.origin(r.Layer, r.Object, int(r.Line))
		}
	}
	return ""
}

func (j *Judge) origin(layer, object string, line int) string {
	s := layer
	if object != "" {
		s += " " + object
	}
	if line > 0 {
		s += ", " + j.policy.Source().Where(line, 0)
	}
	return s
}

// Classes calls each with the names of the classes that the client of the last binding that was judged is in, the strongest
// first.
func (j *Judge) Classes(each func(name string)) {
	if j.facts.Link != nil { // else it is on no link, and nothing was found out of it
		j.decision.Classes(each)
	}
}
