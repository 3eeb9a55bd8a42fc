package dhcpv4

import "strconv"

// MessageType is the value of option 53. The zero value means that there is none: the message is BOOTP.
type MessageType uint8

// The message types of the IANA registry.
const (
	Discover         MessageType = 1  // RFC 2131
	Offer            MessageType = 2  // RFC 2131
	Request          MessageType = 3  // RFC 2131
	Decline          MessageType = 4  // RFC 2131
	Ack              MessageType = 5  // RFC 2131
	Nak              MessageType = 6  // RFC 2131
	Release          MessageType = 7  // RFC 2131
	Inform           MessageType = 8  // RFC 2131
	ForceRenew       MessageType = 9  // RFC 3203
	LeaseQuery       MessageType = 10 // RFC 4388
	LeaseUnassigned  MessageType = 11 // RFC 4388
	LeaseUnknown     MessageType = 12 // RFC 4388
	LeaseActive      MessageType = 13 // RFC 4388
	BulkLeaseQuery   MessageType = 14 // RFC 6926
	LeaseQueryDone   MessageType = 15 // RFC 6926
	ActiveLeaseQuery MessageType = 16 // RFC 7724
	LeaseQueryStatus MessageType = 17 // RFC 7724
	TLS              MessageType = 18 // RFC 7724
)

const lastType = TLS

var typeNames = [...]string{
	0: "BOOTP", Discover: "DHCPDISCOVER", Offer: "DHCPOFFER", Request: "DHCPREQUEST", Decline: "DHCPDECLINE",
	Ack: "DHCPACK", Nak: "DHCPNAK", Release: "DHCPRELEASE", Inform: "DHCPINFORM", ForceRenew: "DHCPFORCERENEW",
	LeaseQuery: "DHCPLEASEQUERY", LeaseUnassigned: "DHCPLEASEUNASSIGNED", LeaseUnknown: "DHCPLEASEUNKNOWN",
	LeaseActive: "DHCPLEASEACTIVE", BulkLeaseQuery: "DHCPBULKLEASEQUERY", LeaseQueryDone: "DHCPLEASEQUERYDONE",
	ActiveLeaseQuery: "DHCPACTIVELEASEQUERY", LeaseQueryStatus: "DHCPLEASEQUERYSTATUS", TLS: "DHCPTLS",
}

// String returns the type in the RFCs' spelling, and "BOOTP" for 0.
func (t MessageType) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "type " + strconv.Itoa(int(t))
}

// The values of the op field (RFC 2131 §2).
const (
	BootRequest = 1
	BootReply   = 2
)
