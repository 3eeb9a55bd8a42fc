package node

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// The bounds of a question about a client.
const (
	// MaxSaid is how many options a client may be said to send, and MaxSaidText how long each may be, as written.
	MaxSaid     = 64
	MaxSaidText = 1024
	maxSubValue = 255
)

// ExplainRequest asks what a client would get, and why: a client that exists, or one that might.
type ExplainRequest struct {
	As       binding.Member // the member that answers; empty: this one
	Hardware binding.Hardware
	ClientID []byte
	// Options are what the client says, as NAME=VALUE: a name or number, and the value as a document has it.
	Options []string
	Relay   netip.Addr // giaddr; invalid: heard directly
	// CircuitID, RemoteID and SubscriberID are what its relay says of it (option 82), in the form of Octets.
	CircuitID, RemoteID, SubscriberID string
	Network                           string     // a shared network; empty: by Relay, by what the server knows, or the first
	Address                           netip.Addr // the address that it is explained for; invalid: the one that it has or would get
}

// RequestError says what is wrong with a question.
type RequestError struct{ Text string }

func (e *RequestError) Error() string { return e.Text }

func refused(format string, args ...any) error { return &RequestError{fmt.Sprintf(format, args...)} }

// Question returns the request as the policy is asked it, its options by the names and types that reg knows. The error is a
// *RequestError.
func (r *ExplainRequest) Question(reg *option.Registry) (policy.Question, error) {
	q := policy.Question{As: r.As, Hardware: r.Hardware, ClientID: r.ClientID, Relay: r.Relay, Network: r.Network, Address: r.Address}
	if r.Hardware.IsZero() && len(r.ClientID) == 0 {
		return q, refused("who is meant? A client has a hardware address, a client identifier, or both")
	}
	if notHost(r.Relay) {
		return q, refused("relay %v is not the IPv4 address of a relay", r.Relay)
	}
	if notHost(r.Address) {
		return q, refused("address %v is not the IPv4 address of a client", r.Address)
	}
	info, err := r.relayInformation()
	if err != nil {
		return q, err
	}
	if info != nil {
		q.Options = append(q.Options, binding.Fact{Code: uint16(option.CodeRelayInformation), Value: info})
	}
	if err := r.readOptions(reg, &q); err != nil {
		return q, err
	}
	slices.SortFunc(q.Options, func(a, b binding.Fact) int { return cmp.Compare(a.Code, b.Code) })
	return q, nil
}

// notHost reports whether a is an address, but none that one host could have.
func notHost(a netip.Addr) bool {
	return a.IsValid() && (!a.Is4() || a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}))
}

func (r *ExplainRequest) readOptions(reg *option.Registry, q *policy.Question) error {
	if len(r.Options) > MaxSaid {
		return refused("%d options are too many: at most %d are read", len(r.Options), MaxSaid)
	}
	room := binding.MaxFacts
	for _, o := range q.Options {
		room -= 4 + len(o.Value)
	}
	for _, text := range r.Options {
		f, err := parseSaid(reg, text)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(q.Options, func(o binding.Fact) bool { return o.Code == f.Code }) {
			return refused("option %s is given twice: a client says it once", reg.ByCode(option.DHCPv4, option.Code(f.Code)).Name)
		}
		if room -= 4 + len(f.Value); room < 0 {
			return refused("the options have more than %d octets together: so much is not kept of a client", binding.MaxFacts)
		}
		q.Options = append(q.Options, f)
	}
	return nil
}

// relayInformation returns option 82, nil if nothing is said in it (RFC 3046, RFC 3993).
func (r *ExplainRequest) relayInformation() (info []byte, err error) {
	for _, s := range []struct {
		code       byte
		name, text string
	}{{option.RelayCircuitID, "circuit-id", r.CircuitID}, {option.RelayRemoteID, "remote-id", r.RemoteID}, {option.RelaySubscriberID, "subscriber-id", r.SubscriberID}} {
		if s.text == "" {
			continue
		}
		v, err := Octets(s.text)
		if err != nil {
			return nil, refused("%s: %v", s.name, err)
		}
		if len(v) == 0 || len(v) > maxSubValue {
			return nil, refused("%s has %d octets: 1 to %d fit", s.name, len(v), maxSubValue)
		}
		info = append(append(info, s.code, byte(len(v))), v...)
	}
	return info, nil
}

// Octets returns what a text of a relay spells: itself, or what {hex: "0a0b"} or {text: "..."} says.
func Octets(text string) ([]byte, error) {
	if text = strings.TrimSpace(text); !strings.HasPrefix(text, "{") {
		return []byte(text), nil
	}
	in, err := ParseInput(text)
	if err != nil {
		return nil, err
	}
	if len(in.Map) == 1 && in.Map[0].Value.Kind == option.Scalar {
		switch v := in.Map[0].Value.Scalar; in.Map[0].Key {
		case "text":
			return []byte(v), nil
		case "hex":
			b, err := hex.DecodeString(strings.ReplaceAll(v, ":", ""))
			if err != nil {
				return nil, fmt.Errorf(`%q is not hexadecimal: write pairs of digits, as in {hex: "0a0b"}`, clip(v))
			}
			return b, nil
		}
	}
	return nil, errors.New(`write a text, {hex: "0a0b"}, or {text: "{…"} for one that begins with a brace`)
}

// parseSaid reads NAME=VALUE.
func parseSaid(reg *option.Registry, text string) (f binding.Fact, err error) {
	if len(text) > MaxSaidText {
		return f, refused("an option of %d characters is too long: at most %d are read", len(text), MaxSaidText)
	}
	name, value, ok := strings.Cut(text, "=")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return f, refused("option %q: write NAME=VALUE, as in vendor-class-identifier=PXEClient or 93=7", clip(text))
	}
	def, err := saidOption(reg, name)
	if err != nil {
		return f, err
	}
	v, err := encodeSaid(def, value)
	if err != nil {
		return f, refused("option %s: %v", name, err)
	}
	return binding.Fact{Code: uint16(def.Code), Value: v}, nil
}

// saidOption returns the option that a client is said to send, by name or number.
func saidOption(reg *option.Registry, name string) (option.Def, error) {
	def, ok := reg.ByName(option.DHCPv4, name)
	if n, err := strconv.ParseUint(name, 10, 16); !ok && err == nil && n > 0 && n < option.CodeEnd {
		def, ok = reg.ByCode(option.DHCPv4, option.Code(n)), true
	}
	if !ok {
		return def, refused("there is no option %q: its number will do, as in 93=7", clip(name))
	}
	switch def.Code {
	case option.CodeClientID:
		return def, refused("option %s: say it as the client identifier (--client-id)", name)
	case option.CodeOverload, option.CodeMessageType, option.CodeServerIdentifier, option.CodeMaxMessageSize, option.CodeAuthentication:
		return def, refused("option %s belongs to one packet, and nothing depends on it", name)
	}
	return def, nil
}

// encodeSaid returns the octets of a value as a person wrote it. A list may be written without its brackets, and octets
// in hexadecimal need not fit the option's type: clients send what they like.
func encodeSaid(def option.Def, value string) ([]byte, error) {
	in, err := ParseInput(value)
	if err != nil {
		return nil, err
	}
	if len(in.Map) == 1 && in.Map[0].Key == "hex" {
		return Octets(value)
	}
	b, err := def.Encode(in)
	if err == nil || in.Kind != option.Scalar || !strings.Contains(value, ",") {
		return b, err
	}
	list, lerr := ParseInput("[" + value + "]")
	if lerr != nil {
		return nil, err
	}
	if b, lerr := def.Encode(list); lerr == nil {
		return b, nil
	}
	return nil, err
}

// ParseHardware reads a hardware address: 02:00:00:00:00:07, 02-00-00-00-00-07, 0200.0000.0007, or another type of link
// before it as in 6/02:00:00:00:00:07.
func ParseHardware(s string) (binding.Hardware, error) {
	kind, digits := uint64(1), s
	if t, rest, typed := strings.Cut(s, "/"); typed {
		var err error
		if kind, err = strconv.ParseUint(t, 10, 8); err != nil || kind == 0 {
			return binding.Hardware{}, refused("%q is not the number of a hardware type: 1 to 255, where 1 is Ethernet", clip(t))
		}
		digits = rest
	}
	b, ok := parseOctets(lowerASCII(digits))
	h := binding.HardwareOf(uint8(kind), b)
	switch {
	case !ok:
		return h, refused("%q is not a hardware address: write it as in 02:00:00:00:00:07", clip(s))
	case len(b) > binding.MaxHardware || kind == 1 && len(b) != 6:
		return h, refused("%q has %d octets: an Ethernet address has 6, others at most %d", clip(s), len(b), binding.MaxHardware)
	case h.IsZero():
		return h, refused("%q is nobody's hardware address", clip(s))
	}
	return h, nil
}

// ParseClientID reads a client identifier in hexadecimal: 01:02:00:00:00:00:07, 01-02-…, or without separators.
func ParseClientID(s string) ([]byte, error) {
	b, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "").Replace(s))
	switch {
	case err != nil || len(b) == 0:
		return nil, refused("%q is not a client identifier: write its octets as in 01:02:00:00:00:00:07", clip(s))
	case len(b) > binding.MaxClientID:
		return nil, refused("the client identifier has %d octets: at most %d fit", len(b), binding.MaxClientID)
	}
	return b, nil
}
