package failover

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Record is what a relationship keeps on disk beside the bindings. It is a value; a change is a new one.
type Record struct {
	State State
	// Since is when State was entered, Cause why.
	Since time.Time
	Cause string
	// Partner is the state that the partner was last heard to be in, PartnerSince since when by its own word, PartnerLearnt
	// when we heard it.
	Partner                     State
	PartnerSince, PartnerLearnt time.Time

	// MCLT is in force for new grants; Largest is the largest under which something may still be held, which is so until
	// LargestUntil, for ever where that is the zero time.
	MCLT, Largest time.Duration
	LargestUntil  time.Time
	// Lifetime is the longest that a client was granted last; Longest is the longest under which something may still be held,
	// which is so until LongestUntil, as long as it is Lifetime where that is the zero time.
	Lifetime, Longest time.Duration
	LongestUntil      time.Time
	// Forgotten is when one of the two stores was last found to lack something; the zero time: never. What its server may
	// have promised before, its acknowledgement does not take back.
	Forgotten time.Time
	// WaitUntil is the end of RECOVER-WAIT, also where that is begun anew; the zero time outside of a recovery.
	WaitUntil time.Time
	// OwnShareFrom is from when on our own free addresses may be given, where the partner may have given them
	// and not told us; the zero time: at once.
	OwnShareFrom time.Time

	Role        Role // by which Shares are meant; 0: not known
	Founder     bool // the operator founded the group here, so nobody has promised anything before
	Met         bool // the partner was greeted at some time
	Lost        bool // this store lacks what it once had, or cannot know; until NORMAL
	NeverServed bool // in PARTNER-DOWN: the partner has never answered a client
	Roused      bool // in PARTNER-DOWN: the partner was heard, and needs no more word of ours to answer clients again

	PartnerStore [16]byte
	// Agreed names the vital parts of the configuration that both had when they greeted each other last; zero for none.
	Agreed  binding.Digest
	Buckets Buckets
	// Opening is the last start on this store; Openings are those that the partner was told of, the latest last. PartnerOpening is
	// the partner's, as it told it last.
	Opening, PartnerOpening Opening
	Openings                []opened
	// Last is a change of ours that was numbered before the record was written.
	Last binding.Sequence
	// Shares are the addresses without a binding that the secondary owns; the others are the primary's.
	Shares runs
	// Gifts are what we gave and the partner has not acknowledged; SharesSeen is the partner's last gift that we took.
	Gifts      []Gift
	SharesSeen binding.Sequence
	// Conflicts are the latest, each of Kind ConflictFound.
	Conflicts []Note
}

// NewRecord returns the record of a relationship that begins now. Without a partner's word nobody knows whether a store is
// new or was lost, so it waits for that; a founder need not.
func NewRecord(now time.Time, mclt time.Duration, founder bool) Record {
	r := Record{State: Recover, Since: now, Cause: "the store is empty", MCLT: mclt, Largest: mclt, Lost: true, Founder: founder}
	if founder {
		r.State, r.Cause, r.Lost = CommunicationsInterrupted, "the group was founded here", false
	}
	return r
}

// Damaged returns the record that a server goes on with whose store turns out to lack some of its bindings: its partner tells what they
// said before it answers anybody. Without a partner that ever was met there is nobody to ask, and r is returned.
func (r Record) Damaged(now time.Time) Record {
	if r.Met {
		r.lack(now, "records of the store were damaged: the partner tells what they said")
	}
	return r
}

// Lacking returns the record, read anew from its store, of a server that has found out what it lacks before that was durable, and may have served
// until then. One that says so already stays as it is.
func (r Record) Lacking(what Lack, now time.Time) Record {
	switch {
	case what == LacksOwn && (r.State != Recover || !r.Lost):
		r.lack(now, "the store lacks what the partner has seen")
	case what == LacksPartners && r.State != Recover:
		r.State, r.Cause, r.Since = Recover, "the partner was in PARTNER-DOWN", now
	}
	return r
}

func (r *Record) lack(now time.Time, cause string) {
	r.State, r.Cause, r.Since, r.Lost, r.WaitUntil = Recover, cause, now, true, time.Time{}
}

const (
	recordFormat = 3
	maxCause     = 255
)

const (
	flagFounder = 1 << iota
	flagMet
	flagLost
	flagNeverServed
	flagRoused
	flagPrimary
	flagSecondary
)

// Append appends r in a form that DecodeRecord reads.
func (r *Record) Append(dst []byte) []byte {
	be := binary.BigEndian
	dst = append(dst, recordFormat, byte(r.State), byte(r.Partner), r.flags())
	for _, t := range [...]time.Time{r.Since, r.PartnerSince, r.PartnerLearnt, r.LargestUntil, r.WaitUntil, r.Forgotten, r.OwnShareFrom, r.LongestUntil} {
		dst = be.AppendUint64(dst, uint64(nanoseconds(t)))
	}
	for _, n := range [...]uint64{uint64(r.MCLT), uint64(r.Largest), uint64(r.Lifetime), uint64(r.Longest), uint64(r.Last), uint64(r.SharesSeen)} {
		dst = be.AppendUint64(dst, n)
	}
	dst = append(append(append(dst, r.PartnerStore[:]...), r.Agreed[:]...), r.Buckets[:]...)
	dst = appendText(dst, r.Cause)
	dst = be.AppendUint16(dst, uint16(len(r.Shares)))
	for _, s := range r.Shares {
		dst = appendRun(dst, s)
	}
	dst = be.AppendUint16(dst, uint16(len(r.Gifts)))
	for _, g := range r.Gifts {
		dst = be.AppendUint64(appendRun(dst, g.Run), uint64(g.Ours))
		dst = appendText(dst, string(g.Owner))
	}
	for _, o := range [...]Opening{r.Opening, r.PartnerOpening} {
		dst = be.AppendUint64(be.AppendUint64(dst, o.Number), o.Nonce)
	}
	dst = be.AppendUint16(dst, uint16(len(r.Openings)))
	for _, o := range r.Openings {
		dst = be.AppendUint64(be.AppendUint64(be.AppendUint64(dst, o.Number), o.Nonce), o.end)
	}
	dst = be.AppendUint16(dst, uint16(len(r.Conflicts)))
	for i := range r.Conflicts {
		dst = appendConflict(dst, &r.Conflicts[i])
	}
	return dst
}

func (r *Record) flags() (f byte) {
	set := func(flag byte, is bool) {
		if is {
			f |= flag
		}
	}
	set(flagFounder, r.Founder)
	set(flagMet, r.Met)
	set(flagLost, r.Lost)
	set(flagNeverServed, r.NeverServed)
	set(flagRoused, r.Roused)
	set(flagPrimary, r.Role == Primary)
	set(flagSecondary, r.Role == Secondary)
	return f
}

// nanoseconds returns t as nanoseconds since 1970, 0 for the zero time.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func appendText(dst []byte, s string) []byte {
	s = s[:min(len(s), maxCause)]
	return append(append(dst, byte(len(s))), s...)
}

func appendRun(dst []byte, r Run) []byte {
	first, last := r.First.AsSlice(), r.Last.AsSlice()
	return append(append(append(dst, byte(len(first))), first...), last...)
}

// ErrRecord says that octets are no record of a relationship, or of a newer format.
var ErrRecord = errors.New("the relationship's record cannot be read")

// DecodeRecord reads what Append wrote. The error is ErrRecord, wrapped.
func DecodeRecord(b []byte) (Record, error) {
	var r Record
	d := decoder{b: b}
	if f := d.octet(); f != recordFormat {
		return r, fmt.Errorf("%w: format %d", ErrRecord, f)
	}
	r.State, r.Partner = State(d.octet()), State(d.octet())
	f := d.octet()
	r.Founder, r.Met, r.Lost, r.NeverServed = f&flagFounder != 0, f&flagMet != 0, f&flagLost != 0, f&flagNeverServed != 0
	r.Roused = f&flagRoused != 0
	switch f & (flagPrimary | flagSecondary) {
	case flagPrimary:
		r.Role = Primary
	case flagSecondary:
		r.Role = Secondary
	}
	for _, t := range [...]*time.Time{&r.Since, &r.PartnerSince, &r.PartnerLearnt, &r.LargestUntil, &r.WaitUntil, &r.Forgotten, &r.OwnShareFrom, &r.LongestUntil} {
		if n := int64(d.number()); n != 0 {
			*t = time.Unix(0, n).UTC()
		}
	}
	r.MCLT, r.Largest = time.Duration(d.number()), time.Duration(d.number())
	r.Lifetime, r.Longest = time.Duration(d.number()), time.Duration(d.number())
	r.Last, r.SharesSeen = binding.Sequence(d.number()), binding.Sequence(d.number())
	copy(r.PartnerStore[:], d.take(len(r.PartnerStore)))
	copy(r.Agreed[:], d.take(len(r.Agreed)))
	copy(r.Buckets[:], d.take(len(r.Buckets)))
	r.Cause = string(d.take(int(d.octet())))
	for range d.count(maxRuns) {
		r.Shares = append(r.Shares, d.run())
	}
	for range d.count(maxGifts) {
		g := Gift{Run: d.run(), Ours: binding.Sequence(d.number())}
		g.Owner = binding.Member(d.take(int(d.octet())))
		r.Gifts = append(r.Gifts, g)
	}
	for _, o := range [...]*Opening{&r.Opening, &r.PartnerOpening} {
		*o = Opening{d.number(), d.number()}
	}
	for range d.count(maxOpenings) {
		r.Openings = append(r.Openings, opened{Opening{d.number(), d.number()}, d.number()})
	}
	for range d.count(maxConflicts) {
		r.Conflicts = append(r.Conflicts, d.conflict())
	}
	if err := r.check(); err != nil {
		d.err = err
	}
	if d.err == nil && len(d.b) > 0 {
		d.err = errors.New("octets behind its end")
	}
	if d.err != nil {
		return Record{}, fmt.Errorf("%w: %v", ErrRecord, d.err)
	}
	return r, nil
}

func (r *Record) check() error {
	if r.State == 0 || r.State >= states || r.Partner >= states {
		return errors.New("an unknown state")
	}
	if r.MCLT <= 0 || r.Largest < r.MCLT {
		return errors.New("no MCLT")
	}
	if r.Lifetime < 0 || r.Longest < r.Lifetime {
		return errors.New("no longest lifetime")
	}
	for i, s := range r.Shares {
		if !s.valid() || i > 0 && !r.Shares[i-1].Last.Less(s.First) {
			return errors.New("shares out of order")
		}
	}
	for _, g := range r.Gifts {
		if !g.valid() {
			return errors.New("a gift of nothing")
		}
	}
	return nil
}

var errCut = errors.New("cut short")

// decoder reads from the front of b; once something was lacking, everything is zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) take(n int) []byte {
	if len(d.b) < n {
		d.b, d.err = nil, errCut
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) octet() byte {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *decoder) number() uint64 {
	if v := d.take(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func (d *decoder) count(most int) int {
	v := d.take(2)
	if v == nil {
		return 0
	}
	n := int(binary.BigEndian.Uint16(v))
	if n > most {
		d.err = errors.New("too many")
		return 0
	}
	return n
}

func (d *decoder) run() Run {
	n := int(d.octet())
	first, ok1 := netip.AddrFromSlice(d.take(n))
	last, ok2 := netip.AddrFromSlice(d.take(n))
	if !ok1 || !ok2 {
		d.err = errors.New("no address")
	}
	return Run{first, last}
}
