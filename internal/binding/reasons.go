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
	// ReasonTaken says that the client was told what it had been told before, under a version of the configuration that the
	// answering member's does not come from: RuleToldBefore or RuleAskedMore. Object is that member.
	ReasonTaken = 0xff06
)

// The Rules of ReasonTaken.
const (
	RuleToldBefore = "as told before"
	// RuleAskedMore: as told before, and what the client had not asked for then by the answering member's own version.
	RuleAskedMore = "asked for more"
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

// EncodedReason is some of a Reason as it is stored. It aliases what it was read from.
type EncodedReason struct {
	Code        uint16
	Layer, Rule []byte
	Whole       []byte // as AppendReason wrote it
}

// CutReason splits the first reason off b; false if b is empty or cut short.
func CutReason(b []byte) (r EncodedReason, rest []byte, ok bool) {
	if len(b) < 6 {
		return r, b, false
	}
	r.Code, rest = binary.BigEndian.Uint16(b), b[6:]
	for _, s := range [...]*[]byte{&r.Layer, nil, &r.Rule} {
		var text []byte
		if text, rest, ok = cutOctets(rest); !ok {
			return EncodedReason{}, b, false
		}
		if s != nil {
			*s = text
		}
	}
	n := len(b) - len(rest)
	r.Whole = b[:n:n]
	return r, rest, true
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
