package responder

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// discover answers DHCPDISCOVER (RFC 2131 §4.3.1): an OFFER, or at once an ACK where both sides want rapid commit.
func (r *Responder) discover() {
	if !r.terms.New {
		r.drop(NotServingNew)
		return
	}
	if !r.terms.Commit { // an offer that could not be granted
		r.drop(StoreFull)
		return
	}
	if r.balanced() {
		r.drop(ForTheOtherServer)
		return
	}
	a, ok := r.choose()
	if !ok {
		r.noAddress()
		return
	}
	r.out.Refused = Refusal{} // of another pool
	r.settle(a)
	if r.doesWithoutIPv4() { // no address is kept for it, nor looked at more closely (RFC 8925 §3.3)
		r.reply(dhcpv4.Offer, netip.IPv4Unspecified())
		return
	}
	r.out.Address = a
	toThis, _ := r.view.Pools.Offered(a, &r.facts.Client)
	r.out.Offer, r.out.Until = a, r.now.Add(OfferLifetime)
	if !r.hasIt(a) {
		if r.out.From = r.from(a); r.view.Pools.Crowded(a, &r.facts.Client, r.out.Until, r.out.From) {
			r.out.Offer = netip.Addr{}
			r.drop(Crowded)
			return
		}
	}
	if !toThis && r.wantsProbe(a) {
		r.out.Probe = r.decision.Probe()
		return
	}
	if r.rapid() {
		r.grant(a)
		return
	}
	r.reply(dhcpv4.Offer, a)
}

// hasIt reports whether a is the client's own, so that an offer of it takes it from nobody.
func (r *Responder) hasIt(a netip.Addr) bool {
	b, ok := r.view.Bindings.Get(host(a))
	return a == r.decision.Reserved || ok && r.holds(&b)
}

// wantsProbe reports whether it should be asked first if anybody uses a: on a directly attached link, unless the
// client itself has it or it is reserved for the client, who may be the one that answers.
func (r *Responder) wantsProbe(a netip.Addr) bool {
	if !r.req.Arrival.OnLink || r.decision.Probe() <= 0 {
		return false
	}
	return !r.hasIt(a)
}

func (r *Responder) rapid() bool {
	_, asked := r.req.Msg.Option(uint16(option.CodeRapidCommit))
	return asked && r.decision.RapidCommit()
}

// noAddress is a client for whom there is no address. One that can do without IPv4 is told that it may (RFC 8925
// §3.3), one that would make up an address is told not to where the configuration says so (RFC 2563 §2.3); all others
// hear nothing.
func (r *Responder) noAddress() {
	why := PoolExhausted
	switch {
	case r.refusedHereAlone():
		why = ForTheOtherServer
	case r.out.Refused.Pool != nil:
		why, r.out.Note = QuotaReached, quotaReached
	case len(r.decision.Pools) == 0 && !r.decision.Reserved.IsValid():
		why = NoPool
	default:
		r.out.Note, r.out.Short = "every address that the client may have is in use", true
	}
	r.policy.SettleNowhere(r.Self, &r.facts, r.decision)
	if r.doesWithoutIPv4() || r.mustNotAutoconfigure() {
		r.reply(dhcpv4.Offer, netip.IPv4Unspecified())
		return
	}
	r.drop(why)
}

// doesWithoutIPv4 reports whether the client and its link can do without IPv4 addresses.
func (r *Responder) doesWithoutIPv4() bool {
	return r.decision.Option(option.CodeIPv6OnlyPreferred) != nil && r.lists(option.CodeIPv6OnlyPreferred)
}

// mustNotAutoconfigure reports whether the client asks if it may make up an address, and may not.
func (r *Responder) mustNotAutoconfigure() bool {
	v := r.decision.Option(option.CodeAutoConfig)
	_, asks := r.req.Msg.Option(uint16(option.CodeAutoConfig))
	return asks && v != nil && len(v.Bytes) == 1 && v.Bytes[0] == doNotAutoconfigure
}

const doNotAutoconfigure = 0 // RFC 2563 §2.2

// lists reports whether the client's request list names the option.
func (r *Responder) lists(code byte) bool {
	for _, c := range r.listed {
		if c == code {
			return true
		}
	}
	return false
}

// grant commits the address, which the decision was settled for, to the client and acknowledges it.
func (r *Responder) grant(a netip.Addr) {
	if !r.terms.Commit {
		r.drop(StoreFull)
		return
	}
	r.reply(dhcpv4.Ack, a)
	promise := r.promise(a)
	r.out.Offer, r.out.Withdraw = netip.Addr{}, a
	old, had := r.view.Bindings.Get(host(a))
	again := had && r.holds(&old)
	now := wholeSeconds(r.now)
	b := binding.Binding{
		Prefix: host(a), State: binding.Active, Client: r.facts.Client, Cause: binding.Granted,
		Starts: now, CLTT: now, Changed: now, Home: r.held.Home,
		Expires: promise.Expires, Version: r.held.Version,
	}
	b.Sync.Potential = promise.Potential
	if again {
		b.Cause = binding.Renewed
		r.out.To.Stranger = !r.stayed(&old)
		if old.Expires.After(b.Expires) { // this answer may be lost, and the client go on by the one before
			b.Expires = old.Expires
		}
		if old.State == binding.Active {
			b.Starts, b.Changed = old.Starts, old.Changed
		}
	}
	r.record(&b)
	r.out.Changes = append(r.out.Changes, Change{Binding: b, Due: b.Due(r.Guard)})
}
