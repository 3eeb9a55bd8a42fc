package peerwire

// places says which options mean something in which message; in BNDUPD and BNDACK, in each of their bindings.
var places = [...]Set{
	PoolReq:    SetOf(OptDigest),
	PoolResp:   SetOf(OptDigest, OptTransferred),
	BndUpd:     draftUpdate | SetOf(OptReply, OptRequest, OptDDNS) | detail,
	BndAck:     SetOf(OptAddress, OptReason, OptText, ExtSequence, ExtWants),
	Connect:    handshake | SetOf(OptMCLT, OptBuckets, OptDelayedService, OptTLSRequest),
	ConnectAck: handshake | SetOf(OptMCLT, OptBuckets, OptTLSReply, OptReason, OptText),
	UpdReqAll:  SetOf(OptDigest),
	UpdDone:    SetOf(OptDigest),
	UpdReq:     SetOf(OptDigest),
	State:      SetOf(OptDigest, OptServerState, OptServerFlags, OptSince, OptText),
	Contact:    SetOf(OptDigest),
	Disconnect: SetOf(OptDigest, OptReason, OptText),
}

var (
	draftUpdate = SetOf(OptAddress, OptStatus, OptClientID, OptHardware, OptExpires, OptPotentialExpiry, OptSince,
		OptCLTT, OptIPFlags)
	detail = SetOf(ExtSequence, ExtRangeEnd, ExtStarts, ExtConfigVersion, ExtHome, ExtCause, ExtRequestHead,
		ExtRequestDigest, ExtResultHead, ExtResultDigest, ExtReasons, ExtReasonsDigest, ExtRequestOwn, ExtIncludes, ExtEarlier)
	handshake = SetOf(OptDigest, OptRelationship, OptMaxUnacked, OptReceiveTimer, OptVendorClass, OptVersion,
		ExtMember, ExtPast, ExtSeen, ExtHead, ExtHistory, ExtParts, ExtRoom, ExtSums, ExtVitalSketch, ExtOtherSketch, ExtOpenings, ExtAcknowledged, ExtHeld)
)

// mayHave reports whether o means something in m.
func (m *Message) mayHave(o Option) bool {
	if o == OptVendorOptions {
		return m.Type == Connect || m.Type == ConnectAck
	}
	return places[m.Type].Has(o)
}
