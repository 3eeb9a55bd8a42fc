package failover

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// holding is the time in which a client may have had an address, as one server knows it.
type holding struct {
	client      binding.Client
	from, until time.Time
	// others says that more clients had it in that time, of which this is the last.
	others bool
}

const (
	pastOthers   = 1 << iota
	pastEthernet // the hardware address is 6 octets of Ethernet

	maxPastID = 32 // octets of an identifier that are kept
)

// lastHolding returns who had b's address last; false if nobody did, or its record does not say for how long.
func lastHolding(b *binding.Binding) (h holding, ok bool) {
	h = holding{client: b.Client, from: b.Starts, until: b.Expires}
	switch b.State {
	case binding.Active, binding.Expired:
	case binding.Released, binding.Free: // what was given back, or has ended before
		h.until = earlier(b.Expires, b.Changed)
	case binding.Abandoned: // stampPast has it
		return h, false
	default:
		return h, false
	}
	named := !b.Client.Hardware.IsZero() || len(b.Client.ID) > 0
	return h, named && !b.Starts.IsZero() && h.until.After(h.from)
}

// is reports whether two holdings are of one client.
func (h *holding) is(o *holding) bool {
	a, b := &h.client, &o.client
	if len(a.ID) <= maxPastID && len(b.ID) <= maxPastID {
		return a.Is(b)
	}
	return a.Hardware == b.Hardware && string(cutID(a.ID)) == string(cutID(b.ID))
}

func cutID(id []byte) []byte { return id[:min(len(id), maxPastID)] }

// meets reports whether both clients may have had the address at one time, where either may have had it for slack longer.
func (h *holding) meets(o *holding, slack time.Duration) bool {
	return !h.is(o) && h.from.Before(add(o.until, slack)) && o.from.Before(add(h.until, slack))
}

// appendHolding appends h to a past, or makes a holding there longer that it goes on with. Where there is no room, holdings of one
// client that follow each other become one, and at last the two oldest, in which the later client stands for both: nothing
// is left out that may have met another.
func appendHolding(past []byte, h *holding) []byte {
	all := make([]holding, 0, maxHoldings)
	var x holding
	for rest, ok := cutHolding(past, &x); ok && len(all) < maxHoldings; rest, ok = cutHolding(rest, &x) {
		all = append(all, x)
	}
	known := slices.IndexFunc(all, func(o holding) bool { return o.is(h) && !o.others && between(o.from, h.from) < sameHolding })
	if known >= 0 {
		all[known].until = later(all[known].until, h.until)
	} else {
		all = append(all, *h)
	}
	for {
		dst := make([]byte, 0, binding.MaxPast+64)
		for i := range all {
			dst = encodeHolding(dst, &all[i])
		}
		if len(dst) <= binding.MaxPast {
			return append(past[:0], dst...)
		}
		all = joined(all)
	}
}

const (
	// maxHoldings is more than there is room for.
	maxHoldings = 64
	// sameHolding is by how much two servers' words for the beginning of one holding may differ.
	sameHolding = 2 * time.Minute
	// sameEnd is by how much their words for its end may: whole seconds, and the offset of their clocks as it was measured.
	sameEnd = 2 * time.Second
)

func between(a, b time.Time) time.Duration { return max(a.Sub(b), b.Sub(a)) }

// joined makes two of the holdings one.
func joined(all []holding) []holding {
	at := 0
	for i := range all[:len(all)-1] {
		if all[i].is(&all[i+1]) {
			at = i
			break
		}
	}
	a, b := all[at], all[at+1]
	b.others = a.others || b.others || !a.is(&b)
	if a.until.After(b.until) {
		b.client = a.client
	}
	b.from, b.until = earlier(a.from, b.from), later(a.until, b.until)
	all[at+1] = b
	return append(all[:at], all[at+1:]...)
}

// encodeHolding appends h: flags, hardware, identifier, from when, for how many seconds.
func encodeHolding(dst []byte, h *holding) []byte {
	flags := byte(0)
	if h.others {
		flags |= pastOthers
	}
	id := cutID(h.client.ID)
	hw := &h.client.Hardware
	if hw.Type == 1 && hw.Len == 6 {
		flags |= pastEthernet
		dst = append(append(dst, flags), hw.Bytes()...)
	} else {
		dst = append(append(dst, flags, hw.Type, hw.Len), hw.Bytes()...)
	}
	dst = append(append(dst, byte(len(id))), id...)
	dst = binary.AppendUvarint(dst, uint64(max(h.from.Unix(), 0)))
	return binary.AppendUvarint(dst, uint64(max(h.until.Unix()-h.from.Unix(), 0)))
}

// cutHolding reads the first holding of a past into h and returns the others; false if there is none.
func cutHolding(past []byte, h *holding) (rest []byte, ok bool) {
	d := decoder{b: past}
	flags := d.octet()
	htype, n := byte(1), 6
	if flags&pastEthernet == 0 {
		htype, n = d.octet(), int(d.octet())
	}
	hw := d.take(n)
	id := d.take(int(d.octet()))
	from, lasts := d.varint(), d.varint()
	most := uint64(binding.Forever.Unix())
	if d.err != nil || len(hw) > binding.MaxHardware || len(id) > maxPastID || from > most || lasts > most-from {
		return nil, false
	}
	*h = holding{client: binding.Client{Hardware: binding.HardwareOf(htype, hw)}, from: time.Unix(int64(from), 0).UTC(), others: flags&pastOthers != 0}
	h.until = time.Unix(int64(from+lasts), 0).UTC()
	if len(id) > 0 {
		h.client.ID = id
	}
	return d.b, true
}

func (d *decoder) varint() uint64 {
	n, w := binary.Uvarint(d.b)
	if w <= 0 {
		d.b, d.err = nil, errCut
		return 0
	}
	d.b = d.b[w:]
	return n
}

// stampPast makes b's past what the partner does not know of those who had the address before b: as long as it has not
// acknowledged our last change, it may give the address to somebody in the same time.
func (e *Endpoint) stampPast(was, b *binding.Binding) {
	b.Past = nil
	if !was.Sync.Marks.Has(binding.Pending) {
		return
	}
	e.past = append(e.past[:0], was.Past...)
	h, held := lastHolding(was)
	if now, holds := lastHolding(b); held && (!holds || !now.is(&h) || !now.from.Equal(h.from)) {
		if b.State == binding.Abandoned { // its client has found it in use, or did itself
			h.until = earlier(h.until, b.Changed)
		}
		e.past = appendHolding(e.past, &h)
	}
	if len(e.past) > 0 {
		b.Past = e.past
	}
}

// clash finds each two clients that may have had the address at one time: one as our record says, and one as the partner's
// does. What the partner knew that had ended is left out. Whose the address now is, is kept.
func (s *step) clash(mine, u *binding.Binding, what compare) {
	leaseOnly := what == compareLease
	if len(mine.Past) == 0 && (len(u.Past) == 0 && mine.Client.Is(&u.Client) || leaseOnly && !leased(mine)) {
		return
	}
	slack := time.Duration(0)
	if what == compareApart { // clocks differ, and clients give up late
		slack = s.cfg.Guard
	}
	offset, _ := s.Offset(s.now) // the partner's past is by its own clock
	s.eachHolding(mine, leaseOnly, 0, func(a *holding) {
		s.eachHolding(u, false, offset, func(b *holding) {
			if !a.meets(b, slack) || leaseOnly && b.others {
				return
			}
			// Who gave the address away behind an end that it knew waited for what there was to wait for.
			if slack > 0 && !a.meets(b, 0) && (s.knew(mine, 0, b) || s.knew(u, offset, a)) {
				return
			}
			s.found(mine, a, b)
		})
	})
}

// knew reports whether h, with its end, is among those who had the address as b says, whose past is by a clock to which offset is added.
func (s *step) knew(b *binding.Binding, offset time.Duration, h *holding) (knew bool) {
	s.eachHolding(b, false, offset, func(x *holding) {
		knew = knew || x.is(h) && !x.others && !h.others && between(x.from, h.from) < sameHolding && between(x.until, h.until) <= sameEnd
	})
	return knew
}

// eachHolding calls f for all who had the address, as b says. Its past is by a clock to which offset is added.
func (s *step) eachHolding(b *binding.Binding, leaseOnly bool, offset time.Duration, f func(*holding)) {
	if h, ok := lastHolding(b); ok && (!leaseOnly || leased(b)) {
		f(&h)
	}
	if !s.keeps(rulePast) {
		return
	}
	var h holding
	for past, ok := cutHolding(b.Past, &h); ok; past, ok = cutHolding(past, &h) {
		h.from, h.until = h.from.Add(offset), add(h.until, offset)
		f(&h)
	}
}
