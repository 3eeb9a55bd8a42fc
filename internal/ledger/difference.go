package ledger

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Difference is one thing that a client has, and what it would have. The octets are those of binding.Result and valid until
// the Judge looks at another binding.
type Difference struct {
	Code  uint16 // an option's, or one of binding's Reason… codes
	Has   []byte // nil: nothing
	Would []byte // nil: nothing
}

// Comparison is what a client has and would have.
type Comparison struct {
	Standing Standing
	Cause    Cause
	As       binding.Member // the member as which the client was judged
	// Lost says why the client may not keep its address; empty if it may.
	Lost string
	// Differences are in ascending order of code; an address that is lost is none of them.
	Differences []Difference
}

// Compare judges b as Look does, and says all that differs. What it returns is valid until the Judge looks at another binding.
func (j *Judge) Compare(b *binding.Binding) Comparison {
	standing, cause := j.Look(b)
	return j.compared(b, standing, cause)
}

// compared says all that differs of b, which was judged last.
func (j *Judge) compared(b *binding.Binding, standing Standing, cause Cause) Comparison {
	c := Comparison{Standing: standing, Cause: cause, As: j.HomeOf(b)}
	if standing != Stale {
		return c
	}
	if c.Lost = j.Lost(b); c.Lost != "" {
		return c
	}
	if len(j.others) > 0 { // for Why
		j.answer(j.self, b, nil)
	}
	j.found = j.found[:0]
	j.differs(b, &j.found)
	c.Differences = j.found
	return c
}

// differs reports whether b's client was told anything else than would says, and adds what to found, if that is not nil.
// readable is false if what it was told cannot be read.
func (j *Judge) differs(b *binding.Binding, found *[]Difference) (differs, readable bool) {
	j.readReasons(b)
	readable = j.heads.each(b.Result.Bytes, j.would, func(code uint16, has, would []byte) {
		leftOut := has == nil && code < 256 && j.noRoom.Has(uint8(code)) // there would be no room today either
		if leftOut || j.fromAnother(code, has) {
			return
		}
		if differs = true; found != nil {
			*found = append(*found, Difference{Code: code, Has: has, Would: would})
		}
	})
	return differs, readable
}

// heads is room for what two results say beside options, as Difference has it.
type heads [2]struct{ lifetime, next [4]byte }

// each calls note with all that two encoded results do not say alike, options first. It is false if one cannot be read.
func (h *heads) each(has, would []byte, note func(code uint16, has, would []byte)) bool {
	x, hasOptions, ok1 := binding.CutResult(has)
	y, wouldOptions, ok2 := binding.CutResult(would)
	if !ok1 || !ok2 {
		return false
	}
	options(hasOptions, wouldOptions, note)
	for _, p := range [...]struct {
		code       uint16
		has, would []byte
	}{
		{binding.ReasonLifetime, seconds(&h[0].lifetime, x.Lifetime), seconds(&h[1].lifetime, y.Lifetime)},
		{binding.ReasonNextServer, address(&h[0].next, x.NextServer), address(&h[1].next, y.NextServer)},
		{binding.ReasonBootFile, told(x.BootFile), told(y.BootFile)},
		{binding.ReasonServerHostname, told(x.ServerName), told(y.ServerName)},
	} {
		if !bytes.Equal(p.has, p.would) {
			note(p.code, p.has, p.would)
		}
	}
	return true
}

// part returns what an encoded result has for code, in the form of Difference.
func part(result []byte, code uint16) []byte {
	h, options, ok := binding.CutResult(result)
	if !ok {
		return nil
	}
	var room [4]byte
	switch code {
	case binding.ReasonLifetime:
		return seconds(&room, h.Lifetime)
	case binding.ReasonNextServer:
		return address(&room, h.NextServer)
	case binding.ReasonBootFile:
		return told(h.BootFile)
	case binding.ReasonServerHostname:
		return told(h.ServerName)
	}
	for c, v, rest, ok := binding.CutTLV(options); ok; c, v, rest, ok = binding.CutTLV(rest) {
		if c == code {
			return present(v)
		}
	}
	return nil
}

// told returns what a boot field says, nil if nothing.
func told(field []byte) []byte {
	if len(field) == 0 {
		return nil
	}
	return field
}

// seconds returns a lifetime as an option has it, in room.
func seconds(room *[4]byte, lifetime time.Duration) []byte {
	secs := uint32(0xffffffff)
	if lifetime != binding.Infinite {
		secs = uint32(lifetime / time.Second)
	}
	binary.BigEndian.PutUint32(room[:], secs)
	return room[:]
}

// address returns a as an option has it, in room; nil for none.
func address(room *[4]byte, a netip.Addr) []byte {
	if !a.Is4() {
		return nil
	}
	*room = a.As4()
	return room[:]
}

// options calls note with every option that one of two lists, each in ascending order of code, does not say as the other.
func options(has, would []byte, note func(code uint16, has, would []byte)) {
	hc, hv, hrest, hok := binding.CutTLV(has)
	wc, wv, wrest, wok := binding.CutTLV(would)
	for hok || wok {
		switch {
		case hok && (!wok || hc < wc):
			note(hc, present(hv), nil)
			hc, hv, hrest, hok = binding.CutTLV(hrest)
		case !hok || wc < hc:
			note(wc, nil, present(wv))
			wc, wv, wrest, wok = binding.CutTLV(wrest)
		default:
			if !bytes.Equal(hv, wv) {
				note(hc, present(hv), present(wv))
			}
			hc, hv, hrest, hok = binding.CutTLV(hrest)
			wc, wv, wrest, wok = binding.CutTLV(wrest)
		}
	}
}

// present returns the value of an option that was told: an empty one is not none.
func present(v []byte) []byte {
	if v == nil {
		return []byte{}
	}
	return v
}

// readReasons reads of b's reasons for which options there was no room, and whether the client asked for more than it had.
func (j *Judge) readReasons(b *binding.Binding) {
	if b.Reasons == j.reasons {
		if b.Reasons == nil {
			j.noRoom, j.more = policy.Codes{}, false
		}
		return
	}
	j.reasons, j.noRoom, j.more = b.Reasons, policy.Codes{}, false
	if b.Reasons == nil {
		return
	}
	for r, rest, ok := binding.CutReason(b.Reasons.Bytes); ok; r, rest, ok = binding.CutReason(rest) {
		switch {
		case r.Code == binding.ReasonTaken:
			j.more = j.more || string(r.Rule) == binding.RuleAskedMore
		case r.Code < 256 && string(r.Rule) == binding.RuleNoRoom:
			j.noRoom.Add(uint8(r.Code))
		}
	}
}

// Lost says why the client of b, which was judged last, may not keep its address by the policy; empty if it may, or where nothing
// is known of it.
func (j *Judge) Lost(b *binding.Binding) string {
	switch {
	case j.given != givenNothing:
		return ""
	case j.facts.Link == nil:
		return NoSubnet
	}
	return j.refusal(b)
}

// Why a client may not keep its address.
const (
	NoSubnet      = "no subnet has it"
	OtherNetwork  = "its subnet is on another network than the client"
	NoPool        = "no pool has it"
	PoolRefuses   = "its pool does not admit the client"
	ReservedOther = "it is reserved for another client"
	IsRelay       = "it is a relay's"
)

// refusal says why the client that was Placed may not keep b's address.
func (j *Judge) refusal(b *binding.Binding) string {
	a, d := b.Addr(), &j.decision
	h, s := j.policy.ReservedFor(a), j.policy.SubnetOf(a)
	switch {
	case h != nil && a != d.Reserved:
		return ReservedOther
	case s == nil:
		return NoSubnet
	case d.PoolOf(a) != nil:
		return IsRelay
	case s.Network != d.Link.Network:
		return OtherNetwork
	}
	for _, q := range s.Pools {
		if q.Has(a) {
			return PoolRefuses
		}
	}
	return NoPool
}
