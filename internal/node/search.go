package node

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// search is what an operator looks for, read. The zero value lets everything through.
type search struct {
	prefix netip.Prefix // an address or a prefix, and nothing else
	begins netip.Prefix // the text is how addresses of it begin
	whole  binding.Hardware
	id     []byte // a whole client identifier
	text   string // in lower case
	// digits are those of text as hexadecimal, empty if it cannot be that. Where it has separators, odd says whether an odd
	// number of digits stands before the first of them, and aligned that octets end there.
	digits  []byte
	aligned bool
	odd     int

	// shared remembers for one of the facts that many have in common what was found in it.
	shared  *binding.Blob
	matched string
	found   []byte
	spelt   []byte // what octets spell, of what is looked at
}

// parseSearch reads a search. The error is a *RequestError.
func parseSearch(text string) (s search, err error) {
	if len(text) > MaxSearch {
		return s, refused("a search has at most %d octets", MaxSearch)
	}
	if text = strings.TrimSpace(text); text == "" {
		return s, nil
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		s.prefix = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		return s, nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		s.prefix = p.Masked()
		return s, nil
	}
	s.text = lowerASCII(text)
	s.begins, _ = beginning(s.text)
	s.readDigits()
	if h, err := ParseHardware(text); err == nil {
		s.whole = h
	} else if b, err := hex.DecodeString(s.text); err == nil && len(b) == 6 {
		s.whole = binding.HardwareOf(1, b)
	} else if b, ok := parseOctets(s.text); ok && len(b) > 6 {
		s.id = b
	}
	return s, nil
}

func (s *search) isZero() bool { return s.text == "" && !s.prefix.IsValid() }

// beginning returns the prefix of the addresses that are written with text at their beginning, of two octets at least.
func beginning(text string) (netip.Prefix, bool) {
	parts := strings.Split(strings.TrimSuffix(text, "."), ".")
	if len(parts) < 2 || len(parts) > 3 {
		return netip.Prefix{}, false
	}
	var b [4]byte
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return netip.Prefix{}, false
		}
		b[i] = byte(n)
	}
	return netip.PrefixFrom(netip.AddrFrom4(b), 8*len(parts)), true
}

// readDigits reads the text as hexadecimal with whatever separators.
func (s *search) readDigits() {
	htype, text, typed := strings.Cut(s.text, "/") // 6/02:00:00:00:00:01
	if _, err := strconv.ParseUint(htype, 10, 8); !typed || err != nil {
		text = s.text // the port of a switch has a stroke, too: ge-70/0:0
	}
	text = strings.TrimPrefix(text, "0x")
	digits := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
			digits = append(digits, c)
		case c == ':' || c == '-' || c == '.' || c == ' ':
			if !s.aligned {
				s.aligned, s.odd = true, len(digits)&1
			}
		default:
			s.aligned = false
			return
		}
	}
	if len(digits) > 1 {
		s.digits = digits
	}
}

// inOctets reports whether b, as hexadecimal, has the digits in it.
func (s *search) inOctets(b []byte) bool {
	if len(s.digits) == 0 || len(s.digits) > 2*len(b) {
		return false
	}
	s.spelt = hex.AppendEncode(s.spelt[:0], b)
	for at := 0; ; at++ {
		i := bytes.Index(s.spelt[at:], s.digits)
		if i < 0 {
			return false
		}
		if at += i; !s.aligned || at&1 == s.odd {
			return true
		}
	}
}

// inText reports whether b has the text in it, ASCII letters without case.
func (s *search) inText(b []byte) bool { return hasText(b, s.text) }

// hasText reports whether b has the lower-case text in it, ASCII letters without case; nothing is in anything.
func hasText(b []byte, text string) bool {
	n := len(text)
	if n == 0 || n > len(b) {
		return false
	}
	first := text[0]
	for i := 0; i+n <= len(b); i++ {
		if c := b[i]; (c == first || 'A' <= c && c <= 'Z' && c+'a'-'A' == first) && equalFold(text, b[i:i+n]) {
			return true
		}
	}
	return false
}

// in returns what of b the search is found in; empty if in nothing. The octets are valid as long as b is.
func (s *search) in(b *binding.Binding) (matched string, found []byte) {
	switch {
	case s.prefix.IsValid():
		if contains(s.prefix, b.Prefix) {
			matched = "address"
		}
		return matched, nil
	case s.begins.IsValid() && contains(s.begins, b.Prefix):
		return "address", nil
	case s.inOctets(b.Client.Hardware.Bytes()):
		return "hardware", nil
	case s.inOctets(b.Client.ID):
		return "client-id", nil
	}
	if matched, found = s.inFacts(b.Facts.Own); matched != "" {
		return matched, found
	}
	if b.Facts.Shared == nil {
		return "", nil
	}
	if s.shared != b.Facts.Shared {
		s.shared, s.matched, s.found = b.Facts.Shared, "", nil
		if options, ok := b.Facts.SharedOptions(); ok {
			s.matched, s.found = s.inFacts(options)
			s.found = bytes.Clone(s.found)
		}
	}
	return s.matched, s.found
}

// inFacts looks at encoded options.
func (s *search) inFacts(b []byte) (string, []byte) {
	for {
		code, v, rest, ok := binding.CutTLV(b)
		if !ok {
			return "", nil
		}
		switch option.Code(code) {
		case option.CodeHostName:
			if s.inText(v) {
				return "hostname", v
			}
		case option.CodeClientFQDN:
			if name := s.fqdn(v); s.inText(name) {
				return "hostname", name
			}
		case option.CodeVendorClass:
			if s.inText(v) {
				return "vendor-class", v
			}
		case option.CodeRelayInformation:
			if name, value := s.inRelay(v); name != "" {
				return name, value
			}
		}
		b = rest
	}
}

// fqdn returns the name in a client FQDN option (RFC 4702 §2.3) with its labels set apart by full stops.
func (s *search) fqdn(v []byte) []byte {
	const header, wire = 3, 4
	if len(v) <= header {
		return nil
	}
	name := v[header:]
	if v[0]&wire == 0 {
		return name
	}
	s.spelt = s.spelt[:0]
	for len(name) > 0 && name[0] > 0 && len(name) > int(name[0]) {
		if len(s.spelt) > 0 {
			s.spelt = append(s.spelt, '.')
		}
		s.spelt = append(s.spelt, name[1:1+int(name[0])]...)
		name = name[1+int(name[0]):]
	}
	return s.spelt
}

// inRelay looks at what a relay says (RFC 3046 §2.0).
func (s *search) inRelay(b []byte) (string, []byte) {
	for len(b) >= 2 && len(b) >= 2+int(b[1]) {
		name, v := "", b[2:2+int(b[1])]
		switch b[0] {
		case option.RelayCircuitID:
			name = "circuit-id"
		case option.RelayRemoteID:
			name = "remote-id"
		case option.RelaySubscriberID:
			name = "subscriber-id"
		}
		if name != "" && (s.inText(v) || s.inOctets(v)) {
			return name, v
		}
		b = b[2+len(v):]
	}
	return "", nil
}
