package option

import (
	"errors"
	"fmt"
)

// MaxLength is the most octets that a whole option may have; no datagram could carry more.
const MaxLength = 65535

// Def says what an option is. It is a comparable value.
type Def struct {
	Code  Code
	Name  string // as Kea spells it where it has the option
	Space Space
	Type  Type
	// RFC is the number of the RFC that defines the option; 0 if none does.
	RFC uint16
	// Vague says that the registry gives the code no meaning that all agree on, so a document may define its own.
	Vague bool
}

// Encode returns the octets of what a person wrote, whole and of any length up to MaxLength. Whatever the type,
// {hex: "0a0b"} gives the octets themselves, which must fit the type too. The error is an *InputError.
func (d Def) Encode(in Input) ([]byte, error) {
	b, err := d.encode(in)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (d Def) encode(in Input) ([]byte, *InputError) {
	if v, ok := in.single("hex"); ok {
		b, err := parseHex(v)
		if err != nil {
			return nil, err.under(0)
		}
		if err := d.Check(b); err != nil {
			return nil, wrong("write what the type asks for: "+d.Type.example(), "these octets are no value of %s: %v", d.Name, err).under(0)
		}
		return b, nil
	}
	b, err := d.Type.encode(nil, in)
	if err != nil {
		return nil, err
	}
	if len(b) > MaxLength {
		return nil, wrong("shorten it", "the value has %d octets, and no message can carry more than %d", len(b), MaxLength)
	}
	return b, nil
}

// Check reports whether the octets of an option that arrived fit its type: nil, or what is wrong with them. It does
// not allocate.
func (d Def) Check(b []byte) error {
	if len(b) > MaxLength {
		return errTooLong
	}
	return d.Type.check(b)
}

// Decode returns the octets in the shape that a person would write: string, bool, int64, []any or map[string]any of
// these. The error says why they do not fit the type.
func (d Def) Decode(b []byte) (any, error) {
	if err := d.Check(b); err != nil {
		return nil, fmt.Errorf("%s (%d): %w", d.Name, d.Code, err)
	}
	return d.Type.decode(b), nil
}

// What Check says is wrong.
var (
	errTooLong   = errors.New("it has more octets than a message can carry")
	errEmpty     = errors.New("it has no octets")
	errNotEmpty  = errors.New("it has octets where the option has none")
	errLength    = errors.New("its length is not that of its type")
	errMultiple  = errors.New("its length is not a whole number of values")
	errShort     = errors.New("it ends within a value")
	errName      = errors.New("it holds no well-formed domain name")
	errPointer   = errors.New("a compression pointer does not point backwards to a name")
	errPrefix    = errors.New("a prefix length is beyond 32 bits")
	errBlock     = errors.New("a length inside it points past its end")
	errEncoding  = errors.New("the encoding that it names does not exist")
	errBlockData = errors.New("what follows its length is no value of its kind")
)
