package dhcpv4

// The UDP ports of servers and relays, and of clients (RFC 2131 §4.1).
const (
	ServerPort = 67
	ClientPort = 68
)

// FlagBroadcast is the bit of Flags by which a client asks for broadcast replies (RFC 2131 §2).
const FlagBroadcast = broadcastFlag
