package failover

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// maxConflicts is how many conflicts are remembered: the latest.
const maxConflicts = 64

// found notes that two clients may have had an address at one time. It is on disk with what is made of the two records, and
// said once.
func (s *step) found(b *binding.Binding, x, y *holding) {
	if y.client.Is(&s.kept) || !x.client.Is(&s.kept) && before(x, y) {
		x, y = y, x
	}
	since := wholeSeconds(later(x.from, y.from))
	n := Note{
		Kind: ConflictFound, Prefix: b.Prefix, Kept: x.client, Lost: y.client, Since: since,
		Until: later(since, wholeSeconds(earlier(x.until, y.until))), LostUntil: later(since, wholeSeconds(y.until)), Others: x.others || y.others, Found: wholeSeconds(s.now),
		Cause: "both servers gave the address away",
	}
	if !x.client.Is(&s.kept) {
		n.Cause += "; neither has it any more"
	}
	if n.Others {
		n.Cause += ", and to more clients in that time"
	}
	if slices.ContainsFunc(s.rec.Conflicts, n.isAgain) {
		return
	}
	said := n
	said.Kept.ID, said.Lost.ID = s.out.keep(n.Kept.ID), s.out.keep(n.Lost.ID)
	s.note(said)
	n.Kept.ID, n.Lost.ID = slices.Clone(cutID(n.Kept.ID)), slices.Clone(cutID(n.Lost.ID))
	all := s.rec.Conflicts
	if len(all) >= maxConflicts {
		all = all[len(all)-maxConflicts+1:]
	}
	s.rec.Conflicts, s.dirty = append(slices.Clone(all), n), true
}

// before orders two holdings alike on both servers, whose words for their beginnings differ.
func before(x, y *holding) bool {
	if between(x.from, y.from) < sameHolding {
		return x.client.String() < y.client.String()
	}
	return x.from.Before(y.from)
}

// isAgain reports whether o was said already, by n or in the same words of the other server.
func (n *Note) isAgain(o Note) bool {
	a, b := holding{client: n.Kept}, holding{client: n.Lost}
	x, y := holding{client: o.Kept}, holding{client: o.Lost}
	pair := a.is(&x) && b.is(&y) || a.is(&y) && b.is(&x)
	return n.Prefix == o.Prefix && pair && !o.Since.After(n.Until.Add(time.Second)) && !n.Since.After(o.Until.Add(time.Second))
}

// heldUntil returns until when somebody may hold an address whom a conflict left without it.
func (e *Endpoint) heldUntil(p netip.Prefix) (until time.Time) {
	for i := range e.rec.Conflicts {
		if n := &e.rec.Conflicts[i]; n.Prefix == p {
			until = later(until, n.LostUntil)
		}
	}
	return until
}

// appendConflict appends a conflict as decoder.conflict reads it: the prefix, the two holdings, when it was found, and why.
func appendConflict(dst []byte, n *Note) []byte {
	a := n.Prefix.Addr().AsSlice()
	dst = append(append(append(dst, byte(len(a))), a...), byte(n.Prefix.Bits()))
	dst = encodeHolding(dst, &holding{client: n.Kept, from: n.Since, until: n.Until, others: n.Others})
	dst = encodeHolding(dst, &holding{client: n.Lost, from: n.Since, until: n.LostUntil, others: n.Others})
	dst = binary.BigEndian.AppendUint64(dst, uint64(n.Found.Unix()))
	return appendText(dst, n.Cause)
}

func (d *decoder) conflict() Note {
	n := Note{Kind: ConflictFound}
	a, ok := netip.AddrFromSlice(d.take(int(d.octet())))
	n.Prefix = netip.PrefixFrom(a, int(d.octet()))
	var kept, lost holding
	if d.b, ok = cutHolding(d.b, &kept); ok {
		d.b, ok = cutHolding(d.b, &lost)
	}
	if !ok {
		d.err = errors.New("no client")
		return n
	}
	n.Kept, n.Since, n.Until, n.Others = kept.client, kept.from, kept.until, kept.others
	n.Lost, n.LostUntil = lost.client, lost.until
	n.Kept.ID, n.Lost.ID = slices.Clone(n.Kept.ID), slices.Clone(n.Lost.ID)
	n.Found = time.Unix(int64(d.number()), 0).UTC()
	n.Cause = string(d.take(int(d.octet())))
	if !n.Prefix.IsValid() {
		d.err = errors.New("a conflict about no address")
	}
	return n
}
