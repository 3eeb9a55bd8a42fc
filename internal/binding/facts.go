package binding

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// MaxFacts is the most that is kept of what one client said, in octets as encoded (DESIGN §1).
const MaxFacts = 1200

// OptionView gives the options of a message, whole (RFC 3396 concatenation done). The slices that it returns are
// valid as long as the view is.
type OptionView interface {
	// Option returns the value of an option, false if the client did not send it.
	Option(code uint16) ([]byte, bool)
}

// StoredFacts is what a client said, as stored: Shared holds what many clients have in common (link, giaddr, the
// options that say what kind of client it is), Own what is this client's alone. Either may be nil.
type StoredFacts struct {
	Shared *Blob
	Own    []byte
}

// Fact is one option of a client's message.
type Fact struct {
	Code  uint16
	Value []byte
}

// Facts is what a client said, decoded from StoredFacts. Link is the name of the shared network that it was heard on,
// GIAddr the relay's address or invalid. Options are in ascending order of code, each code once. The client
// identifier (61) and the hardware address are not in here but in Binding.Client.
type Facts struct {
	Link    string
	GIAddr  netip.Addr
	Options []Fact
	// Truncated says that the client said more than MaxFacts octets; the longest options were left out.
	Truncated bool
}

// Option implements OptionView.
func (f *Facts) Option(code uint16) ([]byte, bool) {
	i, ok := slices.BinarySearchFunc(f.Options, code, func(o Fact, c uint16) int { return int(o.Code) - int(c) })
	if !ok {
		return nil, false
	}
	return f.Options[i].Value, true
}

const factsFormat = 1

// AppendShared appends the shared half of f: format, flags, link, giaddr, options for which own says false.
func (f *Facts) AppendShared(dst []byte, own func(code uint16) bool) []byte {
	flags := byte(0)
	if f.Truncated {
		flags |= 1
	}
	dst = appendText(append(dst, factsFormat, flags), f.Link)
	if f.GIAddr.Is4() {
		a := f.GIAddr.As4()
		dst = append(append(dst, 4), a[:]...)
	} else if f.GIAddr.Is6() {
		a := f.GIAddr.As16()
		dst = append(append(dst, 16), a[:]...)
	} else {
		dst = append(dst, 0)
	}
	return appendFacts(dst, f.Options, own, false)
}

// GIAddr returns the address of the relay that the client was heard through; invalid if it was heard directly.
func (f *StoredFacts) GIAddr() netip.Addr {
	if f.Shared == nil || len(f.Shared.Bytes) < 3 {
		return netip.Addr{}
	}
	b := f.Shared.Bytes[2:] // after format and flags
	if b = b[min(1+int(b[0]), len(b)):]; len(b) < 5 || b[0] != 4 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(b[1:5]))
}

// SharedOptions returns the options, encoded (CutTLV), of the half that many clients have in common; false if it cannot be read.
func (f *StoredFacts) SharedOptions() ([]byte, bool) {
	if f.Shared == nil || len(f.Shared.Bytes) < 3 || f.Shared.Bytes[0] != factsFormat {
		return nil, false
	}
	_, b, ok := cutOctets(f.Shared.Bytes[2:]) // after format and flags
	if ok {
		_, b, ok = cutOctets(b)
	}
	return b, ok
}

// Option returns an option of the client's message as it is stored; it implements OptionView, without decoding all of them.
// What cannot be read counts as not sent.
func (f *StoredFacts) Option(code uint16) ([]byte, bool) {
	if b, ok := f.SharedOptions(); ok {
		if v, found := findFact(b, code); found {
			return v, true
		}
	}
	return findFact(f.Own, code)
}

// OwnOption is Option of the half that is this client's alone, without looking at the other one; nil if it is not there.
func (f *StoredFacts) OwnOption(code uint16) []byte {
	v, _ := findFact(f.Own, code)
	return v
}

func findFact(b []byte, code uint16) ([]byte, bool) {
	for {
		c, v, rest, ok := CutTLV(b)
		if !ok || c == code {
			return v, ok
		}
		b = rest
	}
}

// AppendOwn appends the half of f that is this client's alone: the options for which own says true.
func (f *Facts) AppendOwn(dst []byte, own func(code uint16) bool) []byte {
	return appendFacts(dst, f.Options, own, true)
}

func appendFacts(dst []byte, opts []Fact, own func(uint16) bool, want bool) []byte {
	for _, o := range opts {
		if own(o.Code) == want {
			dst = AppendTLV(dst, o.Code, o.Value)
		}
	}
	return dst
}

func sortFacts(all []Fact) {
	slices.SortStableFunc(all, func(a, b Fact) int { return int(a.Code) - int(b.Code) })
}

// AppendTLV appends an option as code and length of two octets each, network order, and its value, cut at the 65,535
// octets that no DHCP message has room for.
func AppendTLV(dst []byte, code uint16, value []byte) []byte {
	value = value[:min(len(value), 1<<16-1)]
	dst = binary.BigEndian.AppendUint16(dst, code)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(value)))
	return append(dst, value...)
}

// appendText appends a length of one octet, and s, cut at 255 octets.
func appendText[T string | []byte](dst []byte, s T) []byte {
	s = s[:min(len(s), 255)]
	return append(append(dst, byte(len(s))), s...)
}

// cutText splits what appendText wrote off b; false if b is cut short.
func cutText(b []byte) (s string, rest []byte, ok bool) {
	text, rest, ok := cutOctets(b)
	return string(text), rest, ok
}

// cutOctets is cutText without a copy.
func cutOctets(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || len(b) <= int(b[0]) {
		return nil, b, false
	}
	n := 1 + int(b[0])
	return b[1:n:n], b[n:], true
}

// CutTLV splits the first option off b; false if b is empty or cut short.
func CutTLV(b []byte) (code uint16, value, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, nil, false
	}
	code = binary.BigEndian.Uint16(b)
	n := int(binary.BigEndian.Uint16(b[2:]))
	if len(b) < 4+n {
		return 0, nil, nil, false
	}
	return code, b[4 : 4+n], b[4+n:], true
}

// Decode returns what was stored; false if it cannot be read (a newer format, or damaged). The values alias s.
func (s StoredFacts) Decode() (Facts, bool) {
	var f Facts
	ok := f.Read(&s, func(name []byte) string { return string(name) })
	return f, ok
}

// Read makes f what was stored, in f's memory; false if it cannot be read. The values alias s. name returns the name of the
// link as a string, so that it need not be made anew each time.
func (f *Facts) Read(s *StoredFacts, name func([]byte) string) (ok bool) {
	*f = Facts{Options: f.Options[:0]}
	if s.Shared != nil {
		b := s.Shared.Bytes
		if len(b) < 3 || b[0] != factsFormat {
			return false
		}
		f.Truncated = b[1]&1 != 0
		var link []byte
		if link, b, ok = cutOctets(b[2:]); !ok || len(b) == 0 || len(b) <= int(b[0]) {
			return false
		}
		f.Link = name(link)
		g := int(b[0])
		b = b[1:]
		if g > 0 {
			if f.GIAddr, ok = netip.AddrFromSlice(b[:g]); !ok {
				return false
			}
		}
		if f.Options, ok = decodeFacts(f.Options, b[g:]); !ok {
			return false
		}
	}
	if f.Options, ok = decodeFacts(f.Options, s.Own); !ok {
		return false
	}
	sortFacts(f.Options)
	return true
}

func decodeFacts(into []Fact, b []byte) ([]Fact, bool) {
	for len(b) > 0 {
		code, v, rest, ok := CutTLV(b)
		if !ok {
			return into, false
		}
		into = append(into, Fact{code, v})
		b = rest
	}
	return into, true
}
