package failover

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Opening is one start of a server on its store. Its number ascends with each. Two histories of one store that went apart (a
// snapshot that was gone back to) may have the same number, and do not have the same nonce. The zero Opening is none.
type Opening struct{ Number, Nonce uint64 }

// opened is an opening of ours of which the partner was told, and our last change in it.
type opened struct {
	Opening
	end uint64 // the count of that change; 0: there was none
}

// maxOpenings is how many openings of ours are remembered. The partner knows of the last or, where it never got our greeting,
// of one before.
const maxOpenings = 8

// beginOpening gives the opening that begins a number above all before, and a nonce.
func (e *Endpoint) beginOpening(now time.Time) {
	if n := len(e.rec.Openings); n > 0 && e.rec.Openings[n-1].Opening == e.rec.Opening { // it ended with our last change
		e.rec.Openings = slices.Clone(e.rec.Openings)
		e.rec.Openings[n-1].end = e.endOf(e.rec.Opening.Number)
	}
	e.last = sequenceAfter(max(e.last, binding.SequenceOf(e.rec.Opening.Number, 0)))
	var b [40]byte
	copy(b[:], e.cfg.Store[:])
	for i, n := range [...]uint64{e.cfg.Seed, uint64(now.UnixNano()), e.rec.Opening.Nonce} {
		binary.BigEndian.PutUint64(b[16+8*i:], n)
	}
	d := binding.DigestOf(b[:])
	e.rec.Opening, e.dirty = Opening{e.last.Epoch(), binary.BigEndian.Uint64(d[:])}, true
}

// endOf returns the count of our last change in an opening, as far as this store knows.
func (e *Endpoint) endOf(number uint64) uint64 {
	if e.known.Epoch() == number {
		return e.known.Count()
	}
	return 0
}

// tellOpening keeps in mind, before it is done, that the partner is told of this opening.
func (e *Endpoint) tellOpening() {
	all := e.rec.Openings
	if n := len(all); n > 0 && all[n-1].Opening == e.rec.Opening {
		return
	}
	if len(all) >= maxOpenings {
		all = all[len(all)-maxOpenings+1:]
	}
	e.rec.Openings, e.dirty = append(slices.Clone(all), opened{Opening: e.rec.Opening}), true
}

// wentBack reports whether this store lacks something that the partner has seen: an opening that is not among ours, or a change
// that we did not make in it (RELIABILITY I11). It finds that also where numbers were given out since.
func (e *Endpoint) wentBack(h *Hello) bool {
	knew := h.PartnerOpening
	all := e.rec.Openings
	if knew == (Opening{}) || len(all) == 0 || knew.Number < all[0].Number {
		return false // it knew none; or it is the partner that went back, and finds that itself
	}
	i := slices.IndexFunc(all, func(o opened) bool { return o.Opening == knew })
	if i < 0 {
		return !e.knewMore(h)
	}
	for _, o := range all {
		if o.Number != h.Seen.Epoch() {
			continue
		}
		end := o.end
		if o.Opening == e.rec.Opening {
			end = e.endOf(o.Number)
		}
		return h.Seen.Count() > end
	}
	return false
}

// knewMore reports whether what the partner knows of this server is of before something that it has acknowledged, in a later
// opening: it is the partner that went back, and it finds that itself. The store and the opening of ours that it names are those
// of that time, so they say nothing against this store.
func (e *Endpoint) knewMore(h *Hello) bool {
	return h.PartnerOpening != (Opening{}) && e.acked > h.Seen && e.acked.Epoch() > h.PartnerOpening.Number
}

// doubt looks, where the two refuse each other and no word of either counts, whether this store lacks what the partner has seen. A server
// that has just begun does not serve then, as it would not if they had greeted each other: what it would serve from is of before.
func (s *step) doubt(reason Reason, h *Hello) {
	if s.cfg.Protocol != Lessor || reason == InvalidPartner || !s.keeps(ruleOpenings) {
		return
	}
	other := h.PartnerStore != ([16]byte{}) && h.PartnerStore != s.cfg.Store && !s.knewMore(h)
	if s.overlay == Startup && (other || h.Seen > s.known || h.Acknowledged > s.seen || s.wentBack(h)) && !s.behind {
		s.behind = true
		s.note(Note{Kind: StoreWentBack, Cause: "the store lacks changes that the partner has seen, and the two refuse each other"})
	}
}

// accept makes what the partner has seen of ours, and we do not have, something that was.
func (e *Endpoint) accept(h *Hello) {
	e.rec.Openings = slices.Clone(e.rec.Openings)
	for i := range e.rec.Openings {
		if o := &e.rec.Openings[i]; o.Number == h.Seen.Epoch() {
			o.end = max(o.end, h.Seen.Count())
		}
	}
	e.known = max(e.known, h.Seen)
	e.dirty = true
}

// Lack is what a server in RECOVER has found out that it lacks. The zero Lack is nothing: it is in another state.
type Lack uint8

const (
	_ Lack = iota
	// LacksPartners: what the partner did while it took this server for down.
	LacksPartners
	// LacksOwn: something that this store once had.
	LacksOwn
)

// Lack returns what this server knows to lack.
func (e *Endpoint) Lack() Lack {
	switch {
	case e.rec.State != Recover:
		return 0
	case e.rec.Lost:
		return LacksOwn
	}
	return LacksPartners
}
