package peerwire

// Malformed is why a message, or one binding of it, was not accepted. The values below are all there are.
type Malformed struct {
	reason string
	says   string
}

// Error returns what is wrong, in words.
func (m *Malformed) Error() string { return m.says }

// Reason returns a short name that is fit for a counter's label.
func (m *Malformed) Reason() string { return m.reason }

// What can be wrong with a message. Those from ErrOptionSize on may also be a binding's Fault.
var (
	ErrTooShort     = &Malformed{"too-short", "the length field says less than the 12 octets of the header"}
	ErrTooLong      = &Malformed{"too-long", "the length field says more than this partner may send"}
	ErrBadLength    = &Malformed{"bad-length", "the length field does not say how long the message is"}
	ErrBadOffset    = &Malformed{"bad-offset", "the payload offset lies within the header or beyond the message"}
	ErrMicrosoft    = &Malformed{"microsoft", "the payload offset is 8: the partner is a Windows server, which speaks another encoding"}
	ErrUnknownType  = &Malformed{"unknown-type", "no message has this type"}
	ErrOverrun      = &Malformed{"option-overrun", "an option ends beyond the message"}
	ErrTooMany      = &Malformed{"too-many-bindings", "the message has more than 256 bindings"}
	ErrNoAddress    = &Malformed{"no-address", "a binding update or its answer names no address"}
	ErrNoState      = &Malformed{"no-state", "a STATE says no server-state"}
	ErrBadState     = &Malformed{"bad-state", "a server-state is none of the draft's"}
	ErrNoCount      = &Malformed{"no-count", "a POOLRESP says no addresses-transferred"}
	ErrOptionSize   = &Malformed{"option-size", "an option has a length that it cannot have"}
	ErrDuplicate    = &Malformed{"duplicate-option", "an option stands there twice"}
	ErrNoStatus     = &Malformed{"no-status", "a binding update says no binding-status"}
	ErrBadStatus    = &Malformed{"bad-status", "a binding-status is none of the draft's"}
	ErrBadHardware  = &Malformed{"bad-hardware", "a hardware address is empty or longer than 16 octets"}
	ErrLongClientID = &Malformed{"long-client-id", "a client identifier is empty or longer than 255 octets"}
	ErrBadRange     = &Malformed{"bad-range", "a range ends before it begins, or is not of free addresses"}
	ErrVendorData   = &Malformed{"bad-vendor-data", "what a Lessor says in option 29 cannot be read"}
	ErrSequence     = &Malformed{"bad-sequence", "a sequence is beyond what a store can have"}
	ErrDigest       = &Malformed{"bad-digest", "octets are not those that their digest names"}
	ErrOptions      = &Malformed{"bad-options", "embedded DHCP options are not in the one form that they have, or too many"}
	ErrBuckets      = &Malformed{"bad-buckets", "the hash buckets are not 32 octets"}
	ErrMustKnow     = &Malformed{"must-know", "a newer Lessor says something that has to be understood"}
)

var malformed = [...]*Malformed{
	ErrTooShort, ErrTooLong, ErrBadLength, ErrBadOffset, ErrMicrosoft, ErrUnknownType, ErrOverrun, ErrTooMany, ErrNoAddress,
	ErrNoState, ErrBadState, ErrNoCount, ErrOptionSize, ErrDuplicate, ErrNoStatus, ErrBadStatus, ErrBadHardware,
	ErrLongClientID, ErrBadRange, ErrVendorData, ErrSequence, ErrDigest, ErrOptions, ErrBuckets, ErrMustKnow,
}

// Reasons returns every Reason that a Malformed can have.
func Reasons() []string {
	s := make([]string, len(malformed))
	for i, m := range malformed {
		s[i] = m.reason
	}
	return s
}

// RejectReason returns what a BNDACK should say of a binding that has this Fault.
func (m *Malformed) RejectReason() RejectReason {
	if m == ErrNoStatus {
		return MissingBindingInfo
	}
	return Miscellaneous
}
