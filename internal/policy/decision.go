package policy

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/class"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Decision is what the configuration says about one client: where it may get an address, and, once the address is
// known, every option and parameter with its reason. It is reused from client to client, by one goroutine: what it
// remembers between them (class membership) saves time and changes nothing.
type Decision struct {
	Link *Subnet // the subnet that chose the link
	Host *Host   // nil: none matches
	// Reserved is the address that Host keeps for this client on this link; invalid if none.
	Reserved netip.Addr
	// Pools are those that the client may use, in the order in which they are tried.
	Pools []*Pool

	Subnet *Subnet // of the address
	Pool   *Pool   // of the address; nil for an address outside every pool
	// Lifetime is what the client is wanted to have, after bounds.
	Lifetime       time.Duration
	LifetimeReason []byte

	policy *Policy
	as     serverScopes
	// keeper is the host that Reserved is kept for. agreed and waits are Await's; nil and false without it.
	keeper     *Host
	agreed     *Policy
	waits      bool
	client     class.Client
	memory     class.Memory
	classes    []uint32 // the strongest first
	member     []uint64 // the same as a set
	failed     []class.Failure
	domain     *scope
	domainName []byte

	hostKey      []byte // scratch of hostIndex
	suggested    scope  // layer 14
	suggestedOne [1]Value
	settled
	own  settled // what this member's own layers say, where that counts (SettleHeld)
	told told
}

// settled is what the layers of one member say to the client.
type settled struct {
	scopes     []*scope // those that hold, in the order of options
	others     []*scope // and in that of parameters, where it is another
	options    options
	parameters parameters
	bounds     bounds
}

// Resolve fills d with what the member as would give a client with these facts: its link, the pools that it may use,
// its reservation, its classes, and the options and parameters for the reservation or, without one, for an address of
// the first pool (DESIGN §1: a pure function of version, server and facts).
func (p *Policy) Resolve(as binding.Member, f *Facts, d *Decision) {
	p.Place(as, f, d)
	switch {
	case d.Reserved.IsValid():
		p.Settle(as, f, d.Reserved, d)
	case len(d.Pools) > 0:
		p.Settle(as, f, d.Pools[0].First, d)
	default:
		p.settleIn(f, f.Link, nil, d)
	}
}

// May reports whether the client may have a: its reservation, or an address of a pool that it may use which is kept
// for nobody else.
func (p *Policy) May(d *Decision, a netip.Addr) bool {
	switch {
	case p.isRelay(a):
		return false
	case a == d.Reserved:
		return true
	}
	return !p.Kept(d, a) && d.PoolOf(a) != nil
}

// PoolOf returns the pool that a lies in, of those that the client may use; nil if none.
func (d *Decision) PoolOf(a netip.Addr) *Pool {
	for _, q := range d.Pools {
		if q.Has(a) {
			return q
		}
	}
	return nil
}

// Settle fills the half of d that depends on the address a, which lies on d's link. d was Placed by the same policy for
// the same member and facts.
func (p *Policy) Settle(_ binding.Member, f *Facts, a netip.Addr, d *Decision) {
	s := d.Link
	for _, x := range s.Network.Subnets {
		if x.Prefix.Contains(a) {
			s = x
			break
		}
	}
	var q *Pool
	for _, x := range s.Pools {
		if x.Has(a) && !(p.habits.ReservedOutsidePools && a == d.Reserved) {
			q = x
			break
		}
	}
	p.settleIn(f, s, q, d)
}

// SettleNowhere is Settle for a client that has no address, or none that is known: the layers of its link's subnet.
func (p *Policy) SettleNowhere(_ binding.Member, f *Facts, d *Decision) {
	p.settleIn(f, d.Link, nil, d)
}

// settleIn lays the layers over one another, the strongest first: options in their order, parameters in theirs.
func (p *Policy) settleIn(f *Facts, s *Subnet, q *Pool, d *Decision) {
	d.Subnet, d.Pool = s, q
	p.suggest(f, d)
	p.settleBy(d.as, d, &d.settled)
	d.Lifetime, d.LifetimeReason = p.lifetime(f, &d.bounds)
}

// settleBy fills x with what d's client is given where the layers of servers are as.
func (p *Policy) settleBy(as serverScopes, d *Decision, x *settled) {
	x.scopes = p.stack(x.scopes[:0], p.optionOrder, as, d)
	x.options.reset()
	for _, s := range x.scopes {
		x.options.lay(s.values)
	}
	if p.habits.ForceSticks {
		x.options.stick(x.scopes)
	}
	x.options.put()
	x.options.oldWindowsRoutes()
	x.parameters, x.bounds = parameters{}, bounds{}
	for _, s := range p.parameterScopes(as, d, x) {
		x.parameters.lay(&s.parameters)
		x.bounds.lay(s)
	}
}

// parameterScopes returns the scopes that hold for d's client and address in the order of parameters.
func (p *Policy) parameterScopes(as serverScopes, d *Decision, x *settled) []*scope {
	if p.sameOrder {
		return x.scopes
	}
	x.others = p.stack(x.others[:0], p.parameterOrder, as, d)
	return x.others
}

// suggest fills layer 14: what the client says of itself, where the document accepts it. A host name beside a client FQDN
// is ignored (RFC 4702 §4).
func (p *Policy) suggest(f *Facts, d *Decision) {
	d.suggested.layer, d.suggested.values = config.ClientLayer, nil
	if !p.accept.HostName {
		return
	}
	if _, ok := f.Options.Option(uint16(option.CodeClientFQDN)); ok {
		return
	}
	if name, ok := f.Options.Option(uint16(option.CodeHostName)); ok && len(name) > 0 && len(name) <= 255 {
		d.suggestedOne[0] = Value{
			Code: uint16(option.CodeHostName), Bytes: name, Layer: config.ClientLayer, Rule: "suggested",
			form: config.Set, reason: hostNameSuggested,
		}
		d.suggested.values = d.suggestedOne[:]
	}
}

var hostNameSuggested = binding.AppendReason(nil, binding.Reason{Code: uint16(option.CodeHostName), Layer: config.ClientLayer.String(), Rule: "suggested"})

// lay lets one scope set what no stronger one has set.
func (q *parameters) lay(p *parameters) {
	if !q.nextServer.IsValid() && p.nextServer.IsValid() {
		q.nextServer, q.nextServerReason, q.nextServerTakeover = p.nextServer, p.nextServerReason, p.nextServerTakeover
	}
	if len(q.bootFile) == 0 && len(p.bootFile) > 0 {
		q.bootFile, q.bootFileReason, q.bootFileTakeover = p.bootFile, p.bootFileReason, p.bootFileTakeover
	}
	if len(q.serverHostname) == 0 && len(p.serverHostname) > 0 {
		q.serverHostname, q.serverHostnameReason, q.serverHostnameTakeover = p.serverHostname, p.serverHostnameReason, p.serverHostnameTakeover
	}
	q.authoritative = stronger(q.authoritative, p.authoritative)
	q.rapidCommit = stronger(q.rapidCommit, p.rapidCommit)
	q.probe = stronger(q.probe, p.probe)
}

func stronger[T any](strong, weak *T) *T {
	if strong != nil {
		return strong
	}
	return weak
}

func or[T any](set *T, otherwise T) T {
	if set != nil {
		return *set
	}
	return otherwise
}

// Option returns the option that the client would get, nil if none.
func (d *Decision) Option(code uint8) *Value { return d.options.get(code) }

// Values returns all options in the order of their layers, strongest first. The slice is d's.
func (d *Decision) Values() []Value { return d.options.values }

// AppendReason appends why the client gets v, for binding.Reasons: a reason for each layer that has a part in it, the
// strongest first.
func (v *Value) AppendReason(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, v.reason...)
	for at+6 < len(dst) { // 249 for 121: the same reasons under its own code
		dst[at], dst[at+1] = byte(v.Code>>8), byte(v.Code)
		at += 6
		for range 3 {
			at += 1 + int(dst[at])
		}
	}
	return dst
}

// AppendReasonAs appends who sets v, and rule in the place of how.
func (v *Value) AppendReasonAs(dst []byte, rule string) []byte {
	if len(v.reason) < 6 { // it is not known
		return binding.AppendReason(dst, binding.Reason{Code: v.Code, Rule: rule})
	}
	n := 6
	for range 2 {
		n += 1 + int(v.reason[n])
	}
	at := len(dst)
	dst = append(dst, v.reason[:n]...)
	dst[at], dst[at+1] = byte(v.Code>>8), byte(v.Code)
	return append(append(dst, byte(len(rule))), rule...)
}

// Boot returns the header's boot fields: siaddr (invalid: none), sname, file.
func (d *Decision) Boot() (next netip.Addr, serverName, file []byte) {
	return d.parameters.nextServer, d.parameters.serverHostname, d.parameters.bootFile
}

// Authoritative says whether the client is told no where there is no record of it, rather than nothing.
func (d *Decision) Authoritative() bool {
	return or(d.parameters.authoritative, config.DefaultAuthoritative)
}

// RapidCommit says whether a DISCOVER that asks for it is answered by an ACK at once (RFC 4039).
func (d *Decision) RapidCommit() bool { return or(d.parameters.rapidCommit, config.DefaultRapidCommit) }

// Probe is how long an answer to a conflict probe is waited for, if the client is on a directly attached link.
func (d *Decision) Probe() time.Duration { return or(d.parameters.probe, config.DefaultConflictProbe) }

// AppendParameterReasons appends why the client gets its lifetime, its boot fields and, if it was reserved, its address.
func (d *Decision) AppendParameterReasons(dst []byte, a netip.Addr) []byte {
	dst = append(dst, d.LifetimeReason...)
	dst = append(dst, d.parameters.nextServerReason...)
	dst = append(dst, d.parameters.serverHostnameReason...)
	dst = append(dst, d.parameters.bootFileReason...)
	if d.keeper != nil && d.keeper.Address == a {
		dst = append(dst, d.keeper.addressReason...)
	}
	return dst
}
