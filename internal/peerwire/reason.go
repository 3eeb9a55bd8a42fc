package peerwire

// RejectReason is option 21: why a binding, a connection or a message was refused. The zero value is none.
type RejectReason uint8

// The draft's reasons.
const (
	IllegalAddress      RejectReason = 1 // not in any pool of the relationship
	FatalConflict       RejectReason = 2
	MissingBindingInfo  RejectReason = 3
	TimeMismatch        RejectReason = 4
	InvalidMCLT         RejectReason = 5
	Miscellaneous       RejectReason = 6
	DuplicateConnection RejectReason = 7
	InvalidPartner      RejectReason = 8
	TLSUnsupported      RejectReason = 9
	TLSUnconfigured     RejectReason = 10
	TLSRequired         RejectReason = 11
	DigestUnsupported   RejectReason = 12
	DigestUnconfigured  RejectReason = 13
	VersionMismatch     RejectReason = 14
	OutdatedBindingInfo RejectReason = 15
	LessCriticalInfo    RejectReason = 16 // the receiver's own update for the address goes before this one
	NoTraffic           RejectReason = 17
	BucketConflict      RejectReason = 18
	AddressNotReserved  RejectReason = 19
	DigestFailure       RejectReason = 20
	MissingDigest       RejectReason = 21
	UnknownReason       RejectReason = 254
)

var reasonNames = [...]string{
	IllegalAddress: "illegal IP address", FatalConflict: "fatal conflict", MissingBindingInfo: "missing binding information",
	TimeMismatch: "time mismatch", InvalidMCLT: "invalid MCLT", Miscellaneous: "miscellaneous",
	DuplicateConnection: "duplicate connection", InvalidPartner: "invalid failover partner",
	TLSUnsupported: "TLS not supported", TLSUnconfigured: "TLS not configured", TLSRequired: "TLS required",
	DigestUnsupported: "message digest not supported", DigestUnconfigured: "message digest not configured",
	VersionMismatch: "protocol version mismatch", OutdatedBindingInfo: "outdated binding information",
	LessCriticalInfo: "less critical binding information", NoTraffic: "no traffic within sufficient time",
	BucketConflict: "hash bucket assignment conflict", AddressNotReserved: "IP address not reserved",
	DigestFailure: "message digest failed", MissingDigest: "message digest missing", UnknownReason: "unknown",
}

// String returns the reason in words.
func (r RejectReason) String() string { return nameOf(reasonNames[:], r) }
