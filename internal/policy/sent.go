package policy

import (
	"math/bits"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// unasked is what a client without a request list needs most, in this order.
var unasked = [...]uint8{
	option.CodeRouters, option.CodeClasslessStaticRoutes, option.CodeDomainNameServers, option.CodeHostName, option.CodeDomainName,
}

// basics are what some servers send whether it is asked for or not (config.Habits).
var basics = [...]uint8{option.CodeRouters, option.CodeDomainNameServers, option.CodeDomainName}

// RequestList returns the options that a client names in option 55, nil if it names none.
func RequestList(options binding.OptionView) []byte {
	if v, ok := options.Option(uint16(option.CodeParameterRequestList)); ok && len(v) > 0 {
		return v
	}
	return nil
}

// AppendSent appends the codes of the configured options that a client with these facts is sent, the most important
// first: the mask, without which a client guesses and which stands before the routers (RFC 2132 §3.3), what is forced,
// then what the client asks for in the order in which it asks, or what it gets unasked. addressed says that the client
// has or gets an address. Codes may stand twice.
func (d *Decision) AppendSent(dst []uint8, f *Facts, addressed bool) []uint8 {
	if d.Option(option.CodeSubnetMask) != nil {
		dst = append(dst, option.CodeSubnetMask)
	}
	for i := range d.options.values {
		if v := &d.options.values[i]; v.Forced {
			dst = append(dst, uint8(v.Code))
		}
	}
	listed := RequestList(f.Options)
	if listed == nil {
		return d.appendUnasked(dst, f)
	}
	for _, c := range listed {
		if d.Option(c) != nil {
			dst = append(dst, c)
		}
	}
	if d.policy.habits.BasicsUnasked {
		for _, c := range basics {
			if d.Option(c) != nil {
				dst = append(dst, c)
			}
		}
	}
	if !addressed && d.Option(option.CodeAutoConfig) != nil && sent(f, option.CodeAutoConfig) { // say whether to make one up (RFC 2563)
		dst = append(dst, option.CodeAutoConfig)
	}
	return dst
}

func (d *Decision) appendUnasked(dst []uint8, f *Facts) []uint8 {
	for _, c := range unasked {
		if v := d.Option(c); v != nil && !v.OnlyAsked {
			dst = append(dst, c)
		}
	}
	for i := range d.options.values {
		if v := &d.options.values[i]; !v.OnlyAsked && unlisted(uint8(v.Code), f) {
			dst = append(dst, uint8(v.Code))
		}
	}
	return dst
}

// unlisted reports whether a client without a request list gets the option: not the one that would take its IPv4 away
// (RFC 8925 §3.2), nor one that answers an option which it did not send (RFC 2563 §2.3).
func unlisted(code uint8, f *Facts) bool {
	switch code {
	case option.CodeIPv6OnlyPreferred:
		return false
	case option.CodeAutoConfig:
		return sent(f, option.CodeAutoConfig)
	}
	return true
}

// sent reports whether the client sent the option.
func sent(f *Facts, code uint8) bool {
	_, ok := f.Options.Option(uint16(code))
	return ok
}

// Echoed returns what the client said in an option that is given back in an OFFER or ACK, whatever the configuration has
// for it: its machine (RFC 4578 §2.3), the subnet that it selected (RFC 3011 §2).
func Echoed(options binding.OptionView, code uint8) ([]byte, bool) {
	switch code {
	case option.CodeClientUUID:
		v, ok := options.Option(uint16(code))
		return v, ok && len(v) > 0
	case option.CodeSubnetSelection:
		v, ok := options.Option(uint16(code))
		return v, ok && len(v) == 4 // of another length it selected nothing
	}
	return nil, false
}

// NotInResult says which options of an ACK belong to one packet or one moment (DESIGN §1).
func NotInResult(code uint8) bool { return notInResult.Has(code) }

var notInResult = codesOf(option.CodeRequestedAddress, option.CodeLeaseTime, option.CodeMessageType, option.CodeServerIdentifier,
	option.CodeRenewalTime, option.CodeRebindingTime, option.CodeClientID, option.CodeRapidCommit,
	option.CodeClientFQDN, option.CodeRelayInformation, option.CodeAuthentication)

func codesOf(all ...uint8) (c Codes) {
	for _, code := range all {
		c.Add(code)
	}
	return c
}

// Codes is a set of option codes.
type Codes [4]uint64

// Add puts code into the set.
func (c *Codes) Add(code uint8) { c[code>>6] |= 1 << (code & 63) }

// Remove takes code out of the set.
func (c *Codes) Remove(code uint8) { c[code>>6] &^= 1 << (code & 63) }

// Has reports whether code is in the set.
func (c *Codes) Has(code uint8) bool { return c[code>>6]&(1<<(code&63)) != 0 }

// Next returns the lowest code in the set that is at least from; 256 if there is none. from is at most 256.
func (c *Codes) Next(from int) int {
	for word := from >> 6; word < len(c); word, from = word+1, 0 {
		if rest := c[word] >> (from & 63); rest != 0 {
			return word<<6 + from&63 + bits.TrailingZeros64(rest)
		}
	}
	return 256
}

// Told returns the options of the ACK by which a client with these facts gets an address, without those that belong to
// one packet. d is settled.
func (d *Decision) Told(f *Facts) (told Codes) {
	var codes [512]uint8
	for _, c := range d.AppendSent(codes[:0], f, true) {
		told.Add(c)
	}
	for _, c := range [...]uint8{option.CodeClientUUID, option.CodeSubnetSelection} {
		if _, ok := Echoed(f.Options, c); ok {
			told.Add(c)
		}
	}
	for i := range told {
		told[i] &^= notInResult[i]
	}
	return told
}

// AppendResult appends the encoded binding.Result of an ACK that has the options in told: what Resolve says a client
// with these facts is told. Two are equal exactly when their digests are (DESIGN §1).
func (d *Decision) AppendResult(dst []byte, f *Facts, told *Codes) []byte {
	next, name, file := d.Boot()
	dst = binding.AppendResultHeader(dst, d.Lifetime, next, name, file)
	for c := told.Next(0); c < 256; c = told.Next(c + 1) {
		code := uint8(c)
		if NotInResult(code) {
			continue
		}
		if v, ok := Echoed(f.Options, code); ok {
			dst = binding.AppendTLV(dst, uint16(code), v)
		} else if v := d.Option(code); v != nil {
			dst = binding.AppendTLV(dst, uint16(code), v.Bytes)
		}
	}
	return dst
}
