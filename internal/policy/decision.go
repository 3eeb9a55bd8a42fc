package policy

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Decision is what the configuration says about one client: where it may get an address, and, once the address is
// known, every option and parameter with its reason. It is reused from client to client.
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

	parameters parameters
	values     []Value
	index      [256]uint8 // code → position in values + 1; 0: none
}

// Resolve fills d with what the member as would give a client with these facts: its link, the pools that it may use,
// its reservation, and the options and parameters for the reservation or, without one, for an address of the first
// pool (DESIGN §1: a pure function of version, server and facts).
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

// Place fills the half of d that does not depend on the address.
func (p *Policy) Place(_ binding.Member, f *Facts, d *Decision) {
	f.readRelay()
	d.Link, d.Host, d.Reserved, d.Pools = f.Link, p.hostOf(f), netip.Addr{}, d.Pools[:0]
	d.Subnet, d.Pool = nil, nil
	member := unknown
	if d.Host != nil {
		member = known
		if d.Host.fits(f.Link.Network) == 2 {
			d.Reserved = d.Host.Address
		}
	}
	d.addPools(f.Link, member)
	for _, s := range f.Link.Network.Subnets {
		if s != f.Link {
			d.addPools(s, member)
		}
	}
}

func (d *Decision) addPools(s *Subnet, member classSet) {
	for _, q := range s.Pools {
		if q.admits(member) {
			d.Pools = append(d.Pools, q)
		}
	}
}

// admits reports whether a client of the classes in member may use the pool.
func (q *Pool) admits(member classSet) bool {
	return (q.allow == 0 || q.allow&member != 0) && q.deny&member == 0
}

// May reports whether the client may have a: its reservation, or an address of a pool that it may use which is kept
// for nobody else.
func (p *Policy) May(d *Decision, a netip.Addr) bool {
	if _, taken := p.relays[a]; taken {
		return false
	}
	if h := p.ReservedFor(a); h != nil {
		return a == d.Reserved
	}
	return d.PoolOf(a) != nil
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

// Settle fills the half of d that depends on the address a, which lies on d's link.
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
		if x.Has(a) {
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

// settleIn lays the layers over one another, strongest first: what is set once is not set again.
func (p *Policy) settleIn(f *Facts, s *Subnet, q *Pool, d *Decision) {
	d.Subnet, d.Pool = s, q
	d.values, d.index = d.values[:0], [256]uint8{}
	d.parameters = parameters{}
	bounds := bounds{}
	p.suggestions(f, d)
	if d.Host != nil {
		d.lay(&d.Host.scope, &bounds)
	}
	if q != nil {
		d.lay(&q.scope, &bounds)
	}
	d.lay(&s.scope, &bounds)
	d.setAll(s.derived)
	d.lay(&s.Network.scope, &bounds)
	d.lay(&p.weakest, &bounds)
	d.oldWindowsRoutes()
	d.setAll(hostRequirements)
	d.Lifetime, d.LifetimeReason = p.lifetime(f, &bounds)
}

// suggestions is layer 14: what the client says of itself, where the document accepts it. A host name beside a client
// FQDN is ignored (RFC 4702 §4).
func (p *Policy) suggestions(f *Facts, d *Decision) {
	if !p.accept.HostName {
		return
	}
	if _, ok := f.Options.Option(uint16(option.CodeClientFQDN)); ok {
		return
	}
	if name, ok := f.Options.Option(uint16(option.CodeHostName)); ok && len(name) > 0 && len(name) <= 255 {
		d.values = append(d.values, Value{Code: uint16(option.CodeHostName), Bytes: name, Layer: config.ClientLayer, Rule: "suggested", reason: hostNameSuggested})
		d.index[option.CodeHostName] = uint8(len(d.values))
	}
}

var hostNameSuggested = binding.AppendReason(nil, binding.Reason{Code: uint16(option.CodeHostName), Layer: config.ClientLayer.String(), Rule: "suggested"})

// lay lets one layer set what no stronger one has set.
func (d *Decision) lay(s *scope, b *bounds) {
	d.setAll(s.values)
	b.lay(s)
	q, p := &d.parameters, &s.parameters
	if !q.nextServer.IsValid() && p.nextServer.IsValid() {
		q.nextServer, q.nextServerReason = p.nextServer, p.nextServerReason
	}
	if len(q.bootFile) == 0 && len(p.bootFile) > 0 {
		q.bootFile, q.bootFileReason = p.bootFile, p.bootFileReason
	}
	if len(q.serverHostname) == 0 && len(p.serverHostname) > 0 {
		q.serverHostname, q.serverHostnameReason = p.serverHostname, p.serverHostnameReason
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

func (d *Decision) setAll(vs []Value) {
	for i := range vs {
		if c := vs[i].Code; c < 256 && d.index[c] == 0 && len(d.values) < 255 {
			d.values = append(d.values, vs[i])
			d.index[c] = uint8(len(d.values))
		}
	}
}

// oldWindowsRoutes lets option 249, by which Windows before Vista asks for classless routes, say what 121 says.
func (d *Decision) oldWindowsRoutes() {
	const old = option.CodeMSClasslessStaticRoutes
	i := d.index[option.CodeClasslessStaticRoutes]
	if i == 0 || d.index[old] != 0 || len(d.values) >= 255 {
		return
	}
	v := d.values[i-1]
	v.Code, v.OnlyAsked = uint16(old), true
	d.values = append(d.values, v)
	d.index[old] = uint8(len(d.values))
}

// Option returns the option that the client would get, nil if none.
func (d *Decision) Option(code uint8) *Value {
	if i := d.index[code]; i != 0 {
		return &d.values[i-1]
	}
	return nil
}

// Values returns all options in the order of their layers, strongest first. The slice is d's.
func (d *Decision) Values() []Value { return d.values }

// AppendReason appends why the client gets v, for binding.Reasons.
func (v *Value) AppendReason(dst []byte) []byte {
	if len(v.reason) >= 2 && v.reason[1] != byte(v.Code) { // 249 for 121: the same reason under its own code
		at := len(dst)
		dst = append(dst, v.reason...)
		dst[at], dst[at+1] = byte(v.Code>>8), byte(v.Code)
		return dst
	}
	return append(dst, v.reason...)
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
	if d.Host != nil && d.Host.Address == a && d.Reserved == a {
		dst = append(dst, d.Host.addressReason...)
	}
	return dst
}
