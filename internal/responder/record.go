package responder

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// record fills b with what the client said, what it is told, and why (DESIGN §1). It is called once the reply stands.
func (r *Responder) record(b *binding.Binding) {
	s := &r.scratch
	b.Facts = r.storedFacts(r.decision.Subnet.Network)
	s.bytes = r.decision.AppendResult(s.bytes[:0], &r.facts, &s.sent)
	b.Result = r.view.Bindings.Intern(s.bytes)
	s.bytes = r.appendReasons(s.bytes[:0], b)
	if r.held.Rule != "" {
		s.bytes = binding.AppendReason(s.bytes, binding.Reason{Code: binding.ReasonTaken, Object: string(r.Self), Rule: r.held.Rule})
	}
	for _, c := range s.omitted {
		if v := r.decision.Option(c); v != nil && !policy.NotInResult(c) {
			s.bytes = v.AppendReasonAs(s.bytes, binding.RuleNoRoom)
		}
	}
	b.Reasons = r.view.Bindings.Intern(s.bytes)
}

// heardFacts returns what is stored of a message to which no reply stands; nothing if it is not known where its client is.
func (r *Responder) heardFacts() (f binding.StoredFacts) {
	if r.facts.Link != nil {
		f = r.storedFacts(r.facts.Link.Network)
	}
	return f
}

// storedFacts returns what is stored of what the client said on that network. It is valid until the next message.
func (r *Responder) storedFacts(n *policy.Network) binding.StoredFacts {
	s := &r.scratch
	f := r.collectFacts(n.Name)
	s.bytes = f.AppendShared(s.bytes[:0], ownFact)
	s.own = f.AppendOwn(s.own[:0], ownFact)
	return binding.StoredFacts{Shared: r.view.Bindings.Intern(s.bytes), Own: s.own}
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
func (r *Responder) collectFacts(network string) *binding.Facts {
	f := &r.scratch.collected
	*f = binding.Facts{Link: network, GIAddr: r.facts.GIAddr, Options: r.scratch.facts[:0]}
	relay, told := r.facts.Relay, r.facts.Relay != nil
	if !told {
		relay, told = r.req.Msg.Option(uint16(option.CodeRelayInformation))
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

// appendReasons appends why the client is told what the reply has.
func (r *Responder) appendReasons(dst []byte, b *binding.Binding) []byte {
	dst = r.decision.AppendParameterReasons(dst, b.Addr())
	sent := &r.scratch.sent
	for c := sent.Next(0); c < 256; c = sent.Next(c + 1) {
		code := uint8(c)
		if policy.NotInResult(code) {
			continue
		}
		_, echoed := policy.Echoed(r.req.Msg, code)
		if v := r.decision.Option(code); v != nil && !echoed {
			dst = v.AppendReason(dst)
		}
	}
	return dst
}
