package node

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Event is something that happened, in the operator's words. Texts that come from the network are as received: who
// shows them escapes them.
type Event struct {
	// ID names the event; those of one run of the server rise. EventsLost has none.
	ID      EventID    `json:"id,omitzero"`
	Time    Instant    `json:"time"`
	Kind    EventKind  `json:"kind"`
	Level   slog.Level `json:"level"`
	Message string     `json:"message"`

	// What it is about; what does not apply is left out.
	Hardware  string     `json:"hardware,omitempty"`
	ClientID  string     `json:"client_id,omitempty"`
	Hostname  string     `json:"hostname,omitempty"`
	Address   netip.Addr `json:"address,omitzero"`
	Interface string     `json:"interface,omitempty"`
	Relay     netip.Addr `json:"relay,omitzero"`
	Network   string     `json:"network,omitempty"`
	Class     string     `json:"class,omitempty"`
	// Partner is the other server of the group that it is about, State the server state in the draft's spelling.
	Partner binding.Member `json:"partner,omitempty"`
	State   string         `json:"state,omitempty"`
	Expires Instant        `json:"expires,omitzero"`

	// Of a packet: its type in RFC spelling, transaction and, dropped or refused, the counter's label.
	Type   string `json:"type,omitempty"`
	XID    uint32 `json:"xid,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Detail is more of the same for who looks closely: a packet's options, one a line; the problems of a document.
	Detail string `json:"detail,omitempty"`
	// Lost is how many events are missing here, at most (EventsLost); 0: it is not known whether any are.
	Lost uint64 `json:"lost,omitempty"`
}

// EventKind is what kind of thing happened. The zero value is invalid.
type EventKind uint8

const (
	_ EventKind = iota
	LeaseGranted
	LeaseRenewed
	LeaseReleased
	LeaseEnded // its time and the guard behind it are over
	LeaseDeclined
	ConflictSeen // a probe was answered
	LeaseRefused // DHCPNAK
	PoolExhausted
	PoolRecovered
	QuotaReached // clients at one place have all that they may of a pool
	ClassFailed  // its expression could not be evaluated for a client
	ConfigAdopted
	ConfigRefused
	InterfaceUp
	InterfaceGone
	StoreAlarm
	FailoverState   // this server is in another state
	PartnerState    // the other server of the group is
	PartnerLink     // the two greeted each other, or the connection ended
	PartnerSilent   // the other server does not answer the clients that are its own, or does again
	BindingConflict // two clients may hold one address
	UpdateRefused   // a binding update
	ClockSkew       // between the two servers
	ConfigDiffers   // between the two servers
	AlarmRaised
	AlarmCleared
	ServerReady
	ServerStopping
	PacketIn
	PacketOut
	PacketDropped
	EventsLost
)

var eventKinds = [...]string{
	LeaseGranted: "lease-granted", LeaseRenewed: "lease-renewed", LeaseReleased: "lease-released",
	LeaseEnded: "lease-expired", LeaseDeclined: "lease-declined", ConflictSeen: "conflict", LeaseRefused: "nak",
	PoolExhausted: "pool-exhausted", PoolRecovered: "pool-recovered", QuotaReached: "quota-reached", ClassFailed: "class-failed",
	ConfigAdopted: "config-adopted", ConfigRefused: "config-refused",
	InterfaceUp: "interface-up", InterfaceGone: "interface-gone", StoreAlarm: "store",
	FailoverState: "failover-state", PartnerState: "partner-state", PartnerLink: "partner-link", PartnerSilent: "partner-silent",
	BindingConflict: "binding-conflict", UpdateRefused: "update-refused", ClockSkew: "clock-skew", ConfigDiffers: "config-differs",
	AlarmRaised: "alarm", AlarmCleared: "alarm-cleared", ServerReady: "ready", ServerStopping: "stopping",
	PacketIn: "packet-in", PacketOut: "packet-out", PacketDropped: "packet-dropped", EventsLost: "events-lost",
}

// String returns the kind's name as JSON and the command line spell it.
func (k EventKind) String() string {
	if int(k) < len(eventKinds) && eventKinds[k] != "" {
		return eventKinds[k]
	}
	return "invalid"
}

// IsPacket reports whether k is the trace of one packet.
func (k EventKind) IsPacket() bool { return k == PacketIn || k == PacketOut || k == PacketDropped }

// EventKinds returns the names of all kinds.
func EventKinds() []string { return slices.Clone(eventKinds[1:]) }

// ParseEventKind returns the kind that name spells, false if none.
func ParseEventKind(name string) (EventKind, bool) {
	i := slices.Index(eventKinds[:], name)
	return EventKind(max(i, 0)), i > 0 && name != ""
}

// MarshalText writes the kind's name.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the kind's name.
func (k *EventKind) UnmarshalText(b []byte) error {
	v, ok := ParseEventKind(string(b))
	if !ok {
		return fmt.Errorf("%q is not a kind of event", b)
	}
	*k = v
	return nil
}

// EventFilter says which events are asked for. What is unset lets everything through; what is set must all hold.
type EventFilter struct {
	Client  ClientPattern
	Address netip.Addr
	Network string
	Kinds   []EventKind // empty: any
	Level   slog.Level  // this one and above
	// Packets asks for the traces of single packets, which are not made unless somebody asks.
	Packets bool
}

// Matches reports whether f lets e through. EventsLost always passes.
func (f *EventFilter) Matches(e *Event) bool {
	switch {
	case e.Kind == EventsLost:
		return true
	case e.Kind.IsPacket() && !f.Packets:
		return false
	case len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind):
		return false
	case e.Level < f.Level && !e.Kind.IsPacket():
		return false
	case f.Address.IsValid() && f.Address != e.Address:
		return false
	case f.Network != "" && f.Network != e.Network:
		return false
	}
	return f.Client.matchesText(e.Hardware, e.ClientID, e.Hostname)
}

// ClientPattern tells clients apart by what an operator knows of them: hardware address, client identifier or host
// name. The zero value matches everybody.
type ClientPattern struct {
	text   string // as written, lower case
	octets []byte // what it spells, nil if it can only be a host name
}

// ParseClient returns the pattern that text spells: 02:00:00:00:00:01, 0200.0000.0001, 02-00-00-00-00-01, a client
// identifier 01:02:00:00:00:00:01, or else a host name. Empty text matches everybody.
func ParseClient(text string) ClientPattern {
	p := ClientPattern{text: lowerASCII(strings.TrimSpace(text))}
	_, address, typed := strings.Cut(p.text, "/") // 6/02:00:00:00:00:01, as binding.Hardware spells other links
	if !typed {
		address = p.text
	}
	p.octets, _ = parseOctets(address)
	return p
}

// lowerASCII returns s with ASCII letters in lower case; whatever else it holds, also what is no UTF-8, stays as it is.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// IsZero reports whether p matches everybody.
func (p ClientPattern) IsZero() bool { return p.text == "" }

// String returns the pattern so that ParseClient gives it again.
func (p ClientPattern) String() string { return p.text }

// Matches reports whether p means the client with this hardware address, client identifier and host name. It does not
// allocate.
func (p *ClientPattern) Matches(c *binding.Client, hostname []byte) bool {
	if p.IsZero() {
		return true
	}
	if p.octets != nil && (string(p.octets) == string(c.Hardware.Bytes()) || string(p.octets) == string(c.ID)) {
		return true
	}
	return equalFold(p.text, hostname)
}

func (p *ClientPattern) matchesText(hardware, id, hostname string) bool {
	if p.IsZero() || strings.EqualFold(p.text, hostname) {
		return true
	}
	if p.octets == nil {
		return false
	}
	_, address, typed := strings.Cut(hardware, "/")
	if !typed {
		address = hardware
	}
	spelt := binding.FormatClientID(p.octets)
	return spelt == address || spelt == id
}

// equalFold compares lower-case a with b, ASCII letters without case.
func equalFold(a string, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if a[i] != c {
			return false
		}
	}
	return true
}

// parseOctets reads octets in hexadecimal with separators: pairs by colon or hyphen, or groups of four by full stop.
func parseOctets(s string) ([]byte, bool) {
	group, sep := 2, ":"
	switch {
	case strings.Contains(s, ":"):
	case strings.Contains(s, "-"):
		sep = "-"
	case strings.Contains(s, "."):
		group, sep = 4, "."
	default:
		return nil, false
	}
	parts := strings.Split(s, sep)
	if len(parts)*group/2 > binding.MaxClientID {
		return nil, false
	}
	for _, p := range parts {
		if len(p) != group {
			return nil, false
		}
	}
	b, err := hex.DecodeString(strings.Join(parts, ""))
	return b, err == nil
}
