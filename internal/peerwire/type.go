package peerwire

// Type is a message's type (draft §6.1). The zero value is invalid.
type Type uint8

// The messages. ISC 3.0 had other numbers for 7 and 9, and other options; it is not spoken.
const (
	_ Type = iota
	PoolReq
	PoolResp
	BndUpd
	BndAck
	Connect
	ConnectAck
	UpdReqAll
	UpdDone
	UpdReq
	State
	Contact
	Disconnect
)

var typeNames = [...]string{
	PoolReq: "POOLREQ", PoolResp: "POOLRESP", BndUpd: "BNDUPD", BndAck: "BNDACK", Connect: "CONNECT",
	ConnectAck: "CONNECTACK", UpdReqAll: "UPDREQALL", UpdDone: "UPDDONE", UpdReq: "UPDREQ", State: "STATE",
	Contact: "CONTACT", Disconnect: "DISCONNECT",
}

func (t Type) known() bool { return t != 0 && int(t) < len(typeNames) }

// IsAnswer reports whether the message echoes the xid of the one that it answers; others have a number of their own.
func (t Type) IsAnswer() bool {
	return t == PoolResp || t == BndAck || t == ConnectAck || t == UpdDone
}

// String returns the draft's name.
func (t Type) String() string { return nameOf(typeNames[:], t) }

// nameOf returns the name of a value of a closed set.
func nameOf[T ~uint8](names []string, v T) string {
	if int(v) < len(names) && names[v] != "" {
		return names[v]
	}
	return "unknown"
}
