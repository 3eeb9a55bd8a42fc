package node

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// leasePast is what the core keeps of changes of leases, the newest of many: renewals apart from the rest, so that they drive out nothing
// else. It costs some nanoseconds a change, and nothing is allocated for one but where a chunk begins. The zero value is empty and ready.
type leasePast struct {
	rare, renewals pastRing
	members        []binding.Member // numbered from 1
	versions       []binding.Digest // numbered from 1
	first          time.Time        // of anything
}

// How many changes are kept: of renewals, and of all others. 36 octets each.
const (
	keptRenewals = 1 << 18
	keptRare     = 1 << 18
	pastChunk    = 1 << 11
)

// pastEntry is a change of a binding, small.
type pastEntry struct {
	at, expires uint32 // seconds since 1970; expires 0: none, all ones: never
	addr        uint32
	client      uint32 // the hash of who it is; 0: nobody
	commit      uint32 // the last octets of the commit's number
	version     uint16
	hardware    [6]byte // its beginning
	htype, hlen uint8
	state       binding.State
	cause       uint8
	member      uint8
	flags       uint8
}

// pastOperator is a flag: a person had it done.
const pastOperator = 1

// pastRing has the newest entries, in the order in which they came.
type pastRing struct {
	chunks [][]pastEntry
	begin  uint64 // entries before it are not there any more
	end    uint64
}

func (r *pastRing) at(i uint64, most uint64) *pastEntry {
	i %= most
	return &r.chunks[i/pastChunk][i%pastChunk]
}

func (r *pastRing) add(e pastEntry, most uint64) {
	if r.end-r.begin == most {
		r.begin++
	}
	if i := r.end % most; i/pastChunk == uint64(len(r.chunks)) {
		r.chunks = append(r.chunks, make([]pastEntry, pastChunk))
	}
	*r.at(r.end, most) = e
	r.end++
}

// cut takes the entries of commits after one off the end.
func (r *pastRing) cut(commit uint64, most uint64) {
	for r.end > r.begin && int32(r.at(r.end-1, most).commit-uint32(commit)) > 0 {
		r.end--
	}
}

// clientNumber names a client in four octets; 0: nobody.
func clientNumber(c *binding.Client) uint32 {
	h := fnv1a(2166136261, c.ID)
	if len(c.ID) == 0 {
		if c.Hardware.IsZero() {
			return 0
		}
		h = fnv1a(fnv1a(2166136261, []byte{0, c.Hardware.Type}), c.Hardware.Bytes())
	}
	return max(h, 1)
}

func fnv1a(h uint32, b []byte) uint32 {
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// secondsOf returns t in a pastEntry.
func secondsOf(t time.Time) uint32 {
	switch {
	case t.IsZero():
		return 0
	case !t.Before(binding.Forever):
		return 1<<32 - 1
	}
	return uint32(min(max(t.Unix(), 1), 1<<32-2))
}

func timeOf(s uint32) time.Time {
	switch s {
	case 0:
		return time.Time{}
	case 1<<32 - 1:
		return binding.Forever
	}
	return time.Unix(int64(s), 0).UTC()
}

// note keeps that b became what it is, by a member.
func (p *leasePast) note(now time.Time, b *binding.Binding, from binding.State, commit uint64, by binding.Member) {
	if !b.Prefix.Addr().Is4() || !b.Prefix.IsSingleIP() {
		return
	}
	if p.first.IsZero() {
		p.first = now
	}
	a := b.Addr().As4()
	e := pastEntry{
		at: secondsOf(now), expires: secondsOf(b.Expires), addr: binary.BigEndian.Uint32(a[:]), client: clientNumber(&b.Client),
		commit: uint32(commit), version: numberOf(&p.versions, b.Version, 1<<16-1), htype: b.Client.Hardware.Type, hlen: b.Client.Hardware.Len,
		state: b.State, cause: uint8(b.Cause), member: uint8(numberOf(&p.members, by, 255)),
	}
	copy(e.hardware[:], b.Client.Hardware.Bytes())
	if b.State == binding.Active && from == binding.Active && b.Cause == binding.Renewed {
		p.renewals.add(e, keptRenewals)
		return
	}
	p.rare.add(e, keptRare)
}

// byOperator says of the last change but renewals that a person had it done.
func (p *leasePast) byOperator() { p.rare.at(p.rare.end-1, keptRare).flags |= pastOperator }

// numberOf returns the number of v among those seen, from 1 on; 0: there is no room for it. What was seen last is found first.
func numberOf[T comparable](seen *[]T, v T, most int) uint16 {
	for i := len(*seen) - 1; i >= 0 && i >= len(*seen)-64; i-- {
		if (*seen)[i] == v {
			return uint16(i + 1)
		}
	}
	if len(*seen) >= most {
		return 0
	}
	*seen = append(*seen, v)
	return uint16(len(*seen))
}

func nth[T any](seen []T, i int) (v T) {
	if i > 0 && i <= len(seen) {
		v = seen[i-1]
	}
	return v
}

// discard takes off what was decided after a commit: it did not happen.
func (p *leasePast) discard(commit uint64) {
	p.rare.cut(commit, keptRare)
	p.renewals.cut(commit, keptRenewals)
}

// since returns from when on changes, and renewals, are kept whole.
func (p *leasePast) since(began time.Time) (rare, renewals time.Time) {
	whole := func(r *pastRing, most uint64) time.Time {
		if r.begin == 0 {
			return began
		}
		return timeOf(r.at(r.begin, most).at)
	}
	return whole(&p.rare, keptRare), whole(&p.renewals, keptRenewals)
}

// pastScan is a walk backwards over what is kept.
type pastScan struct {
	rare, renewals uint64 // where it goes on
	addr           uint32 // who is asked for; 0 with client
	client         uint32
	limit          int
	found          []LeaseChange
	more           bool
}

// pastStride is how many entries are looked at between two batches of packets.
const pastStride = 1 << 14

// scan begins a walk.
func (p *leasePast) scan(s *pastScan) { s.rare, s.renewals = p.rare.end, p.renewals.end }

// step looks at some entries, the latest first; false if none are left.
func (p *leasePast) step(s *pastScan) bool {
	for range pastStride {
		var e *pastEntry
		rare, renewed := s.rare > p.rare.begin, s.renewals > p.renewals.begin
		switch {
		case rare && (!renewed || p.rare.at(s.rare-1, keptRare).isBehind(p.renewals.at(s.renewals-1, keptRenewals))):
			s.rare--
			e = p.rare.at(s.rare, keptRare)
		case renewed:
			s.renewals--
			e = p.renewals.at(s.renewals, keptRenewals)
		default:
			return false
		}
		if s.client == 0 && e.addr != s.addr || s.client != 0 && e.client != s.client {
			continue
		}
		if len(s.found) == s.limit {
			s.more = true
			return false
		}
		s.found = append(s.found, p.show(e))
	}
	return true
}

// isBehind reports whether e came after a renewal. What was written down has no commit: there it is not said of one second what came first,
// but what is granted is renewed later.
func (e *pastEntry) isBehind(renewal *pastEntry) bool {
	if e.at == renewal.at && e.commit != 0 && renewal.commit != 0 {
		return int32(e.commit-renewal.commit) > 0
	}
	return e.at > renewal.at
}

// show returns an entry as operators see it.
func (p *leasePast) show(e *pastEntry) LeaseChange {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], e.addr)
	c := LeaseChange{
		Time: At(timeOf(e.at)), Address: netip.AddrFrom4(a), State: e.state.String(), Cause: binding.Cause(e.cause).String(),
		By: nth(p.members, int(e.member)), Operator: e.flags&pastOperator != 0, Client: clientName(e.client), Expires: At(timeOf(e.expires)),
	}
	c.Happened = happenedIn(binding.Cause(e.cause), e.state)
	if n := min(int(e.hlen), len(e.hardware)); n > 0 {
		c.Hardware = binding.HardwareOf(e.htype, e.hardware[:n]).String()
	}
	if v := nth(p.versions, int(e.version)); !v.IsZero() {
		c.ConfigVersion = v.String()
	}
	return c
}

// clientName returns a short name for a client.
func clientName(n uint32) string {
	if n == 0 {
		return ""
	}
	const digits = "0123456789abcdef"
	var b [8]byte
	for i := range b {
		b[i] = digits[n>>(28-4*i)&15]
	}
	return string(b[:])
}

// happenedIn names a change in one word.
func happenedIn(why binding.Cause, s binding.State) string {
	switch why {
	case binding.Granted:
		return "granted"
	case binding.Renewed, binding.ToldOlder:
		return "renewed"
	case binding.LeaseExpired:
		return "expired"
	case binding.GuardPassed, binding.QuarantineOver:
		return "freed"
	case binding.ClientReleased:
		if s == binding.Active {
			return "granted"
		}
		return "released"
	case binding.ClientDeclined:
		return "declined"
	case binding.ConflictFound:
		return "conflict"
	case binding.RecordDamaged:
		return "damaged"
	case binding.ToldByPartner:
		return "told-by-partner"
	case binding.Balanced:
		return "balanced"
	}
	return "changed"
}

// moved says of each grant to a client where it had been before. The changes are one client's, the latest first.
func moved(all []LeaseChange) {
	var last netip.Addr
	for i := range slices.Backward(all) {
		c := &all[i]
		if c.Happened == "granted" {
			if last.IsValid() && last != c.Address {
				c.Happened, c.From = "moved", last
			}
		}
		if c.State == binding.Active.String() {
			last = c.Address
		}
	}
}
