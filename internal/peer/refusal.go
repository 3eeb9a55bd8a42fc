package peer

import (
	"fmt"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Reason is why a connection was refused or ended by us. The values below are all there are; the zero value is invalid.
type Reason uint8

const (
	_ Reason = iota
	Stranger
	TooMany
	TooOften
	HalfOpen
	BrokenOff
	Plaintext
	UnexpectedTLS
	Garbage
	OldTLS
	NoProtocol
	NoCertificate
	OtherAuthority
	OtherGroup
	OtherMember
	Expired
	UnfitCertificate
	RefusedByPartner
	Oversized
	BadFrame
	Silent
	Stalled
	NotReading
	TooManyLinks
	JoinRefused
	Unreadable
	Disagrees
	reasons // how many there are, and the zero value
)

// The texts are for the operator: what was seen, and what to change.
var refusals = [reasons]struct{ name, says, remedy string }{
	Stranger: {"stranger", "a connection from an address that is no member's",
		"if a member connects from there, write that address as its peer under group: members; else keep the port from that host by a firewall"},
	TooMany: {"too-many-connections", "more connections at once than members have, none of which has said who it is",
		"look at the member at that address: something other than its DHCP server connects to this port, as a monitor or a port scan does"},
	TooOften: {"too-often", "connections from a member's address in faster succession than members make them",
		"look at the member at that address: something other than its DHCP server connects to this port, or two servers run under its name"},
	HalfOpen: {"half-open", "a connection that did not say who it is in time",
		"if it is a member: look for loss or a firewall between the two that lets connections begin and nothing more; a monitor that only connects is harmless"},
	BrokenOff: {"broken-off", "the other end went away before it had said who it is",
		"look at its log, which says why; if it is an ISC dhcpd, write protocol: isc-dhcpd at that member; a monitor that only connects is harmless"},
	Plaintext: {"plaintext", "the failover protocol without TLS, from a member that is a Lessor",
		"if that member is an ISC dhcpd, write protocol: isc-dhcpd at it under group: members; if it is a Lessor, take protocol: isc-dhcpd out of its file at this server"},
	UnexpectedTLS: {"unexpected-tls", "TLS from a member that is said to be an ISC dhcpd",
		"if that member is a Lessor, take protocol: isc-dhcpd out at it under group: members"},
	Garbage: {"garbage", "octets that are no TLS",
		"something other than a DHCP server at that address connects to this port: find it, and point it elsewhere"},
	OldTLS: {"old-tls", "TLS older than 1.3",
		"bring that member to a release of Lessor that is as new as this one; nothing else has reason to connect"},
	NoProtocol: {"no-protocol", "TLS for a protocol that this server does not speak",
		"bring both members to the same release of Lessor; a token for joining is good for some minutes only: make a new one by lessor group invite"},
	NoCertificate: {"no-certificate", "TLS without a certificate of a member",
		"give that member its keys: lessor group join, or server: tls in its file"},
	OtherAuthority: {"other-authority", "a certificate that this group's authority did not issue",
		"give both members keys of one authority: lessor group init on one of them, lessor group join on the other; server: tls must name the same authority on both"},
	OtherGroup: {"other-group", "a certificate of another group",
		"write the same group: name on both members, and give that member keys of this group: lessor group join; a certificate made by hand needs the URI lessor-group:GROUP/MEMBER"},
	OtherMember: {"other-member", "a certificate of another member than the one at that address",
		"see that each member has the keys of its own name, and that its peer under group: members is its own address"},
	Expired: {"expired", "a certificate that does not hold at this time",
		"renew that member's certificate (docs/members.md, Renewing), or set the clock of the machine that is wrong"},
	UnfitCertificate: {"unfit-certificate", "a certificate that is not fit for a member",
		"give that member keys by lessor group join; one made by hand must be for both ends of a connection (docs/members.md)"},
	RefusedByPartner: {"refused-by-partner", "the partner refuses this server's certificate or protocol",
		"look at refusals in the partner's status, which say why; renew this server's keys if they are named there"},
	Oversized: {"oversized", "a message that is longer than one may be",
		"bring both members to the same release; an ISC dhcpd sends none, so something else at that address connects to this port"},
	BadFrame: {"bad-frame", "a length that no message has",
		"bring both members to the same release; from an ISC dhcpd's address, something else connects to this port"},
	Silent: {"silent", "a connection on which no whole message came in the first seconds",
		"look whether the partner's server hangs, and that its relationship and its addresses of failover are those of this server"},
	Stalled: {"stalled", "a message that began and did not come to its end in time",
		"look for loss between the two members, and whether the partner's machine hangs"},
	NotReading: {"not-reading", "the partner takes nothing from the connection",
		"look whether the partner's server hangs or its disk is slow, and for loss between the two"},
	TooManyLinks: {"too-many-links", "a member that has as many connections as it may have",
		"look whether two servers run under that member's name; connections that are dead end by themselves within seconds"},
	JoinRefused: {"join-refused", "a machine that wanted to join, and may not",
		"make a new token by lessor group invite, and use it once, within its time, for the member that it names, on that member's address"},
	Unreadable: {"unreadable", "a message that cannot be read",
		"bring both members to the same release; if they are, the one that sent it has a fault worth a report"},
	Disagrees: {"disagrees", "a partner with which this server must not serve as both are configured",
		"make both configurations say the same where the detail says that they differ, and reload both (docs/failover.md)"},
}

// String returns the reason's name, which is fit for a counter's label.
func (r Reason) String() string {
	if r > 0 && r < reasons {
		return refusals[r].name
	}
	return "invalid"
}

// Says returns in words what was seen.
func (r Reason) Says() string {
	if r < reasons {
		return refusals[r].says
	}
	return ""
}

// Remedy returns in words what to change.
func (r Reason) Remedy() string {
	if r < reasons {
		return refusals[r].remedy
	}
	return ""
}

// Reasons returns all there are.
func Reasons() []Reason {
	all := make([]Reason, 0, reasons-1)
	for r := Reason(1); r < reasons; r++ {
		all = append(all, r)
	}
	return all
}

// Refusal is one connection that was refused or ended by us. As a Cause of Down it says why.
type Refusal struct {
	Reason  Reason
	Remote  netip.AddrPort
	Member  binding.Member // empty: not known
	Inbound bool           // the other end made the connection
	Detail  string         // more about this one; may be empty
}

// Error returns what was seen and what to change.
func (r *Refusal) Error() string {
	who := r.Remote.String()
	if r.Member != "" {
		who = fmt.Sprintf("member %s at %s", r.Member, who)
	}
	s := who + ": " + r.Reason.Says()
	if r.Detail != "" {
		s += " (" + r.Detail + ")"
	}
	return s + ": " + r.Reason.Remedy()
}
