package responder

// Reason is why a message was not answered. Each is a counter; the text is its name in status, metrics and events.
type Reason uint8

const (
	_ Reason = iota
	NotARequest
	UnknownType
	NoClient
	ClientIDTooLong
	NoLink
	ForAnotherServer
	NoServerIdentifier
	NoAddress
	NoRecord
	NotTheHolder
	NoPool
	PoolExhausted
	ProbePending
	NotServing
	NotServingNew
	NotReserved
	OwnMessage
	StoreFull
	TooManyHops
	BadAddress
	NoOwnAddress
	Unreachable
	ForTheOtherServer
	TooBusy
	GivenUp
	Crowded
	QuotaReached

	reasons // how many there are
)

var reasonTexts = [reasons]string{
	NotARequest: "not-a-request", UnknownType: "message-type-unknown", NoClient: "no-client-identity",
	ClientIDTooLong: "client-identifier-too-long", NoLink: "no-subnet-for-link", ForAnotherServer: "for-another-server",
	NoServerIdentifier: "no-server-identifier", NoPool: "no-pool-for-client", NoAddress: "no-address-in-request", NoRecord: "no-record-of-client",
	NotTheHolder: "not-the-holder", PoolExhausted: "no-free-address", ProbePending: "conflict-probe-pending",
	NotServing: "not-serving", NotServingNew: "not-serving-new-clients", NotReserved: "bootp-client-without-host-entry",
	OwnMessage: "own-message", StoreFull: "store-full", TooManyHops: "too-many-hops", BadAddress: "address-of-no-host", NoOwnAddress: "no-address-of-this-server",
	Unreachable: "not-on-link-and-not-relayed", ForTheOtherServer: "for-the-other-server-of-the-group",
	TooBusy: "too-busy-for-new-clients", GivenUp: "client-asked-again", Crowded: "too-many-offers", QuotaReached: "quota-reached",
}

// String returns the reason's name.
func (r Reason) String() string {
	if r < reasons && reasonTexts[r] != "" {
		return reasonTexts[r]
	}
	return "none"
}

// Reasons returns all reasons, for counters that exist before they count.
func Reasons() []Reason {
	rs := make([]Reason, 0, reasons-1)
	for r := Reason(1); r < reasons; r++ {
		rs = append(rs, r)
	}
	return rs
}
