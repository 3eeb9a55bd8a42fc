package dhcpv4

// Malformed is why a message was not accepted. The values below are all there are.
type Malformed struct {
	reason string
	says   string
}

// Error returns what is wrong, in words.
func (m *Malformed) Error() string { return m.says }

// Reason returns a short name that is fit for a counter's label.
func (m *Malformed) Reason() string { return m.reason }

// What can be wrong with a message.
var (
	ErrTooShort     = &Malformed{"too-short", "the message ends within the fixed fields"}
	ErrTooLong      = &Malformed{"too-long", "the message has more than 2048 octets"}
	ErrBadOp        = &Malformed{"bad-op", "op is neither BOOTREQUEST nor BOOTREPLY"}
	ErrBadHLen      = &Malformed{"bad-hlen", "hlen is more than the 16 octets of chaddr"}
	ErrOverrun      = &Malformed{"option-overrun", "an option ends beyond the field it is in"}
	ErrBadOverload  = &Malformed{"bad-overload", "option 52 is not one octet of 1, 2 or 3"}
	ErrBadType      = &Malformed{"bad-type", "option 53 is not one octet that names a message"}
	ErrLongClientID = &Malformed{"long-client-id", "the client identifier has more than 255 octets"}
)

var malformed = [...]*Malformed{ErrTooShort, ErrTooLong, ErrBadOp, ErrBadHLen, ErrOverrun, ErrBadOverload, ErrBadType, ErrLongClientID}

// Reasons returns every Reason that a Malformed can have.
func Reasons() []string {
	s := make([]string, len(malformed))
	for i, m := range malformed {
		s[i] = m.reason
	}
	return s
}
