package ledger

import (
	"fmt"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Why says where the policy has from what the client would have, of the last binding that was Compared: the layer, its object,
// the line in the document. It is empty where the client would have nothing.
func (j *Judge) Why(code uint16) string {
	d := &j.decision
	if code < 256 {
		v := d.Option(uint8(code))
		if v == nil {
			return ""
		}
		return origin(v.Layer.String(), v.Object, v.Line)
	}
	rs, _ := binding.DecodeReasons(d.AppendParameterReasons(nil, netip.Addr{}))
	for _, r := range rs {
		if r.Code == code {
			return origin(r.Layer, r.Object, int(r.Line))
		}
	}
	return ""
}

func origin(layer, object string, line int) string {
	s := layer
	if object != "" {
		s += " " + object
	}
	if line > 0 {
		s += fmt.Sprintf(", line %d", line)
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
