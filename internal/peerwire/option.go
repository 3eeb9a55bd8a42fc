package peerwire

import "github.com/lessor-dhcp/lessor/internal/failover"

// Option is something that a message can say: an option of the draft under its number, or, from 32 on, something that
// Lessors say in option 29. The zero value is invalid.
type Option uint8

// The draft's options (draft §12).
const (
	OptTransferred     Option = 1
	OptAddress         Option = 2
	OptStatus          Option = 3
	OptClientID        Option = 4
	OptHardware        Option = 5
	OptCLTT            Option = 6
	OptReply           Option = 7
	OptRequest         Option = 8
	OptDDNS            Option = 9
	OptDelayedService  Option = 10
	OptBuckets         Option = 11
	OptIPFlags         Option = 12
	OptExpires         Option = 13
	OptMaxUnacked      Option = 14
	OptMCLT            Option = 15
	OptText            Option = 16
	OptDigest          Option = 17
	OptPotentialExpiry Option = 18
	OptReceiveTimer    Option = 19
	OptVersion         Option = 20
	OptReason          Option = 21
	OptRelationship    Option = 22
	OptServerFlags     Option = 23
	OptServerState     Option = 24
	OptSince           Option = 25
	OptTLSReply        Option = 26
	OptTLSRequest      Option = 27
	OptVendorClass     Option = 28
	OptVendorOptions   Option = 29 // never in a Set: what it says is, where a Lessor said it
)

const lastOption = OptVendorOptions

// What Lessors say in option 29 (docs/protocol.md).
const (
	ExtMember Option = 32 + iota
	ExtPast
	ExtSeen
	ExtHead
	ExtHistory
	ExtParts
	ExtRoom
	ExtSums
	ExtVitalSketch
	ExtOtherSketch
	ExtOpenings
	ExtAcknowledged
	ExtHeld
	ExtSequence
	ExtRangeEnd
	ExtStarts
	ExtConfigVersion
	ExtHome
	ExtCause
	ExtRequestHead
	ExtRequestDigest
	ExtResultHead
	ExtResultDigest
	ExtReasons
	ExtReasonsDigest
	ExtWants
	ExtRequestOwn
	ExtIncludes
	ExtEarlier
	endOfExtensions
)

// mustKnow is the bit of an extension's code that says: who does not know this one must refuse all that stands with it.
const mustKnow = 0x8000

// shape is what is known of an option before its value is looked at.
type shape struct {
	name string
	code uint16 // in its own space
	size int    // octets; variable if negative
}

const variable = -1

var shapes = [endOfExtensions]shape{
	OptTransferred:     {"addresses-transferred", 1, 4},
	OptAddress:         {"assigned-IP-address", 2, 4},
	OptStatus:          {"binding-status", 3, 1},
	OptClientID:        {"client-identifier", 4, variable},
	OptHardware:        {"client-hardware-address", 5, variable},
	OptCLTT:            {"client-last-transaction-time", 6, 4},
	OptReply:           {"client-reply-options", 7, variable},
	OptRequest:         {"client-request-options", 8, variable},
	OptDDNS:            {"DDNS", 9, variable},
	OptDelayedService:  {"delayed-service", 10, 1},
	OptBuckets:         {"hash-bucket-assignment", 11, variable},
	OptIPFlags:         {"IP-flags", 12, 2},
	OptExpires:         {"lease-expiration-time", 13, 4},
	OptMaxUnacked:      {"max-unacked-bndupd", 14, 4},
	OptMCLT:            {"MCLT", 15, 4},
	OptText:            {"message", 16, variable},
	OptDigest:          {"message-digest", 17, variable},
	OptPotentialExpiry: {"potential-expiration-time", 18, 4},
	OptReceiveTimer:    {"receive-timer", 19, 4},
	OptVersion:         {"protocol-version", 20, 1},
	OptReason:          {"reject-reason", 21, 1},
	OptRelationship:    {"relationship-name", 22, variable},
	OptServerFlags:     {"server-flags", 23, 1},
	OptServerState:     {"server-state", 24, 1},
	OptSince:           {"start-time-of-state", 25, 4},
	OptTLSReply:        {"TLS-reply", 26, 1},
	OptTLSRequest:      {"TLS-request", 27, 1},
	OptVendorClass:     {"vendor-class-identifier", 28, variable},
	OptVendorOptions:   {"vendor-specific-options", 29, variable},
	ExtMember:          {"member", 1, variable},
	ExtPast:            {"past", 2, 32},
	ExtSeen:            {"seen", 3, 32},
	ExtHead:            {"head", 4, 16},
	ExtHistory:         {"history", 5, 1},
	ExtParts:           {"parts", 6, variable},
	ExtRoom:            {"room", 7, 4},
	ExtSums:            {"sums", 8, 40},
	ExtVitalSketch:     {"vital-sketch", 9, failover.SketchSize},
	ExtOtherSketch:     {"other-sketch", 10, failover.SketchSize},
	ExtOpenings:        {"openings", 11, 32},
	ExtAcknowledged:    {"acknowledged", 12, 16},
	ExtHeld:            {"held", 13, 8},
	ExtSequence:        {"sequence", 16, 16},
	ExtRangeEnd:        {"range-end", 17 | mustKnow, 4},
	ExtStarts:          {"starts", 18, 4},
	ExtConfigVersion:   {"config-version", 19, 16},
	ExtHome:            {"home", 20, variable},
	ExtCause:           {"cause", 21, 1},
	ExtRequestHead:     {"request-head", 22, variable},
	ExtRequestDigest:   {"request-digest", 23, 16},
	ExtResultHead:      {"result-head", 24, variable},
	ExtResultDigest:    {"result-digest", 25, 16},
	ExtReasons:         {"reasons", 26, variable},
	ExtReasonsDigest:   {"reasons-digest", 27, 16},
	ExtWants:           {"wants", 28, 1},
	ExtRequestOwn:      {"request-own", 29, variable},
	ExtIncludes:        {"includes", 30, 16},
	ExtEarlier:         {"earlier", 31, variable},
}

// String returns the draft's name, or that of docs/protocol.md.
func (o Option) String() string {
	if int(o) < len(shapes) && shapes[o].name != "" {
		return shapes[o].name
	}
	return "unknown"
}

// extensions has the extensions by code without mustKnow.
var extensions = func() (by [32]Option) {
	for o := ExtMember; o < endOfExtensions; o++ {
		by[shapes[o].code&^mustKnow] = o
	}
	return by
}()

// extension returns which extension a code is; 0 if it is not known.
func extension(code uint16) Option {
	if c := code &^ mustKnow; int(c) < len(extensions) {
		if o := extensions[c]; o != 0 && shapes[o].code == code {
			return o
		}
	}
	return 0
}

// Set is what a message or a binding says. The zero Set is empty.
type Set uint64

// SetOf returns the set of these.
func SetOf(options ...Option) (s Set) {
	for _, o := range options {
		s |= 1 << o
	}
	return s
}

// Has reports whether o was said.
func (s Set) Has(o Option) bool { return s&(1<<o) != 0 }

// With returns s and o.
func (s Set) With(o Option) Set { return s | 1<<o }

// Without returns s without o.
func (s Set) Without(o Option) Set { return s &^ (1 << o) }

// lacks returns an option of want that s has not.
func (s Set) lacks(want Set) (Option, bool) {
	for o := Option(1); o < endOfExtensions; o++ {
		if want.Has(o) && !s.Has(o) {
			return o, true
		}
	}
	return 0, false
}
