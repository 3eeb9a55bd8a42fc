package responder

import (
	"math/bits"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// record fills b with what the client said, what it is told, and why (DESIGN §1). It is called once the reply stands.
func (r *Responder) record(b *binding.Binding) {
	s := &r.scratch
	f := r.collectFacts()
	s.bytes = f.AppendShared(s.bytes[:0], ownFact)
	b.Facts.Shared = r.view.Bindings.Intern(s.bytes)
	s.own = f.AppendOwn(s.own[:0], ownFact)
	b.Facts.Own = s.own

	s.bytes = r.appendResult(s.bytes[:0])
	b.Result = r.view.Bindings.Intern(s.bytes)
	s.bytes = r.appendReasons(s.bytes[:0], b)
	b.Reasons = r.view.Bindings.Intern(s.bytes)
}

// ownFact says which options of a message are one client's alone.
func ownFact(code uint16) bool {
	switch uint8(code) {
	case option.CodeHostName, option.CodeRequestedAddress, option.CodeClientFQDN, option.CodeRelayInformation,
		option.CodeClientUUID:
		return true
	}
	return false
}

// notFact says which options belong to one packet, or are kept elsewhere in the binding.
func notFact(code uint8) bool {
	switch code {
	case option.CodeMessageType, option.CodeServerIdentifier, option.CodeMaxMessageSize, option.CodeAuthentication,
		option.CodeClientID:
		return true
	}
	return false
}

// collectFacts returns what the client said, at most MaxFacts octets of it; what would go beyond is left out, but not
// what its relay said, by which it may be known. That is kept from before where the client spoke past its relay.
func (r *Responder) collectFacts() *binding.Facts {
	f := &r.scratch.collected
	*f = binding.Facts{Link: r.decision.Subnet.Network.Name, Options: r.scratch.facts[:0]}
	if m := r.req.Msg; !m.GIAddr.IsUnspecified() {
		f.GIAddr = m.GIAddr
	}
	relay, told := r.req.Msg.Option(uint16(option.CodeRelayInformation))
	if !told {
		relay, told = r.facts.Relay, r.facts.Relay != nil
	}
	room := binding.MaxFacts - 8 - len(f.Link)
	switch {
	case told && 4+len(relay) <= room:
		room -= 4 + len(relay)
	case told:
		told, f.Truncated = false, true
	}
	for _, c := range r.req.Msg.Codes() {
		if told && c >= option.CodeRelayInformation { // in the order of codes
			f.Options = append(f.Options, binding.Fact{Code: uint16(option.CodeRelayInformation), Value: relay})
			told = false
		}
		if notFact(c) || c == option.CodeRelayInformation {
			continue
		}
		v, _ := r.req.Msg.Option(uint16(c))
		if 4+len(v) > room {
			f.Truncated = true
			continue
		}
		room -= 4 + len(v)
		f.Options = append(f.Options, binding.Fact{Code: uint16(c), Value: v})
	}
	if told {
		f.Options = append(f.Options, binding.Fact{Code: uint16(option.CodeRelayInformation), Value: relay})
	}
	r.scratch.facts = f.Options
	return f
}

// notResult says which options of an ACK belong to one packet or one moment.
func notResult(code uint8) bool {
	switch code {
	case option.CodeRequestedAddress, option.CodeLeaseTime, option.CodeMessageType, option.CodeServerIdentifier,
		option.CodeRenewalTime, option.CodeRebindingTime, option.CodeClientID, option.CodeRapidCommit,
		option.CodeClientFQDN, option.CodeRelayInformation, option.CodeAuthentication:
		return true
	}
	return false
}

// nextSent returns the lowest code of the reply that is not below from, 256 if there is none.
func (s *scratch) nextSent(from int) int {
	for w := from >> 6; w < len(s.sent); w++ {
		x := s.sent[w]
		if w == from>>6 {
			x &= ^uint64(0) << (from & 63)
		}
		if x != 0 {
			return w<<6 + bits.TrailingZeros64(x)
		}
	}
	return 256
}

func (r *Responder) appendResult(dst []byte) []byte {
	next, name, file := r.decision.Boot()
	dst = binding.AppendResultHeader(dst, r.decision.Lifetime, next, name, file)
	s := &r.scratch
	for c := s.nextSent(0); c < 256; c = s.nextSent(c + 1) {
		if notResult(uint8(c)) {
			continue
		}
		if v, ok := r.echoed(uint8(c)); ok {
			dst = binding.AppendTLV(dst, uint16(c), v)
		} else if v := r.decision.Option(uint8(c)); v != nil {
			dst = binding.AppendTLV(dst, uint16(c), v.Bytes)
		}
	}
	return dst
}

func (r *Responder) appendReasons(dst []byte, b *binding.Binding) []byte {
	dst = r.decision.AppendParameterReasons(dst, b.Addr())
	s := &r.scratch
	for c := s.nextSent(0); c < 256; c = s.nextSent(c + 1) {
		v := r.decision.Option(uint8(c))
		if _, echoed := r.echoed(uint8(c)); v != nil && !echoed && !notResult(uint8(c)) {
			dst = v.AppendReason(dst)
		}
	}
	return dst
}
