// Package option is what a DHCP option is: its code, name, space and type; and the three forms of its value: what a
// person writes, what goes on the wire, and what is shown. It knows every option of the IANA registry by name, and
// any other by number.
//
// It never decides who gets an option (policy), and never walks a message (dhcpv4).
package option

import "fmt"

// Code is an option's number within its Space; DHCPv4's fit in eight bits.
type Code uint16

// Space says whose numbers they are. The zero value is invalid.
type Space uint8

const (
	_          Space = iota
	DHCPv4           // options of RFC 2132 and the IANA registry "BOOTP Vendor Extensions and DHCP Options"
	RelayAgent       // sub-options of option 82 (RFC 3046)
)

// Input is a value as a person wrote it: a scalar, a list, or a map whose keys keep their order. Exactly one of the
// three is meant, as Kind says.
type Input struct {
	Kind   InputKind
	Scalar string  // as written, without quotes
	List   []Input // Kind List
	Map    []Entry // Kind Map
}

// Entry is one key of a map and its value.
type Entry struct {
	Key   string
	Value Input
}

// InputKind says what an Input is. The zero value is invalid.
type InputKind uint8

const (
	_ InputKind = iota
	Scalar
	List
	Map
)

// InputError says what is wrong with an Input and where in it.
type InputError struct {
	Path   []int  // index of the list element or map entry, from the outside in; empty for the whole value
	OnKey  bool   // the key of the last entry of Path is at fault, not its value
	Reason string // what is wrong, in the operator's words: `"10.0.0" is not an IPv4 address`
	Remedy string // what would be right: `write four numbers, as in 10.0.0.53`; may be empty
}

func (e *InputError) Error() string {
	if e.Remedy == "" {
		return e.Reason
	}
	return fmt.Sprintf("%s: %s", e.Reason, e.Remedy)
}
