package binding

import "encoding/binary"

// Reason is why a client got one part of its Result.
type Reason struct {
	Code   uint16 // the option's code, or one of the Reason… codes
	Layer  string // the layer's name (DESIGN §4)
	Object string // which object of the layer; empty for layers of which there is one
	Line   uint32 // in the document of the binding's configuration version; 0 if it is nowhere written
	Rule   string // how the value met the weaker layers
}

// Codes of reasons for what is no option. They lie above every option code that a server sends.
const (
	ReasonLifetime       = 0xff01
	ReasonNextServer     = 0xff02
	ReasonBootFile       = 0xff03
	ReasonServerHostname = 0xff04
	ReasonAddress        = 0xff05 // how the address was chosen; Rule says it
)

// RuleNoRoom is the Rule of an option that the configuration has for the client, and its message had no room for.
const RuleNoRoom = "no room"

// AppendReason appends r: code, line, and three strings of one octet length each, cut at 255 octets.
func AppendReason(dst []byte, r Reason) []byte {
	dst = binary.BigEndian.AppendUint16(dst, r.Code)
	dst = binary.BigEndian.AppendUint32(dst, r.Line)
	for _, s := range [...]string{r.Layer, r.Object, r.Rule} {
		dst = appendText(dst, s)
	}
	return dst
}

// DecodeReasons returns what AppendReason wrote, in its order; false if it cannot be read to its end.
func DecodeReasons(b []byte) ([]Reason, bool) {
	var rs []Reason
	for len(b) > 0 {
		if len(b) < 6 {
			return rs, false
		}
		r := Reason{Code: binary.BigEndian.Uint16(b), Line: binary.BigEndian.Uint32(b[2:])}
		b = b[6:]
		for _, s := range [...]*string{&r.Layer, &r.Object, &r.Rule} {
			var ok bool
			if *s, b, ok = cutText(b); !ok {
				return rs, false
			}
		}
		rs = append(rs, r)
	}
	return rs, true
}
