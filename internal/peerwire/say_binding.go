package peerwire

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// appendUpdates appends a BNDUPD, or as many as it needs.
func (t *Translator) appendUpdates(dst []byte, now time.Time, id uint32, updates []failover.Update, room int) []byte {
	out := t.begin(dst, BndUpd, now, room)
	out.number(id)
	for i := range updates {
		u := &updates[i]
		if t.setup.Dialect == ISC && u.Last.IsValid() {
			t.expand(id, u)
			continue
		}
		t.fill(u, false)
		t.addUpdate(out, id, u)
	}
	return out.finish()
}

// addUpdate adds t.update, which says u, without what there is no room for.
func (t *Translator) addUpdate(out *several, id uint32, u *failover.Update) {
	err := out.update(&t.update)
	for err == ErrNoRoom && t.shed() {
		err = out.update(&t.update)
	}
	if err == nil {
		t.mentioned(id, u)
		return
	}
	why := t.update.check(t.setup.Dialect)
	if why == "" {
		why = err.Error()
	}
	t.leave(id, u, why)
}

// fill makes t.update what u says. whole is for a partner that lacks what digests name.
func (t *Translator) fill(u *failover.Update, whole bool) {
	b, w := &u.Binding, &t.update
	*w = Update{Has: SetOf(OptAddress, OptStatus), Status: t.status(b)}
	if b.Prefix.IsSingleIP() {
		w.Address = b.Addr()
	}
	w.sayTime(OptSince, &w.Since, t.since(b))
	d := &w.Detail
	if b.Sync.Ours != 0 {
		w.Has, d.Sequence = w.Has.With(ExtSequence), sequenceOf(b.Sync.Ours)
	}
	if b.Sync.Theirs != 0 {
		w.Has, d.Includes = w.Has.With(ExtIncludes), sequenceOf(b.Sync.Theirs)
	}
	if b.Cause != 0 {
		w.Has, d.Cause = w.Has.With(ExtCause), b.Cause
	}
	if u.Last.IsValid() {
		w.Has, d.RangeEnd = w.Has.With(ExtRangeEnd), u.Last
		return
	}
	w.Has |= SetOf(OptExpires, OptPotentialExpiry, OptSince)
	w.Expires, w.PotentialExpiry = b.Expires, t.potential(b)
	w.sayTime(OptCLTT, &w.CLTT, b.CLTT)
	w.sayTime(ExtStarts, &d.Starts, b.Starts)
	if len(b.Client.ID) > 0 {
		w.Has, w.ClientID = w.Has.With(OptClientID), b.Client.ID
	}
	if b.Client.Hardware != (binding.Hardware{}) {
		w.Has, w.Hardware = w.Has.With(OptHardware), b.Client.Hardware
	}
	if t.setup.Dialect == Lessor {
		t.fillDetail(b, whole)
	}
}

// status returns how the binding's state is spelt; the invalid status where a free address belongs to neither server.
func (t *Translator) status(b *binding.Binding) Status {
	if b.State == binding.Free && b.Owner != t.primary && b.Owner != t.secondary {
		return 0
	}
	return StatusOf(b.State, b.Owner == t.primary)
}

// since returns option 25. An ISC server knows no other beginning of a lease than when its client was last answered.
func (t *Translator) since(b *binding.Binding) time.Time {
	if t.setup.Dialect != ISC || !isLease(b.State) {
		return b.Changed
	}
	for _, at := range [...]time.Time{b.CLTT, b.Starts} {
		if !at.IsZero() {
			return at
		}
	}
	return b.Changed
}

// isLease reports whether a client has, or had, the address in this state.
func isLease(s binding.State) bool {
	return s == binding.Active || s == binding.Expired || s == binding.Released
}

// potential returns option 18. What an ISC server believes of a lease is this alone, and it is never before the lease's end.
func (t *Translator) potential(b *binding.Binding) time.Time {
	if t.setup.Dialect == ISC && b.State == binding.Active && b.Sync.Potential.Before(b.Expires) {
		return b.Expires
	}
	return b.Sync.Potential
}

func (w *Update) sayTime(o Option, field *time.Time, at time.Time) {
	if !at.IsZero() {
		w.Has, *field = w.Has.With(o), at
	}
}

// fillDetail fills what only a Lessor hears.
func (t *Translator) fillDetail(b *binding.Binding, whole bool) {
	w, d := &t.update, &t.update.Detail
	if b.Home != "" && len(b.Home) <= maxName {
		w.Has, d.Home = w.Has.With(ExtHome), t.hold(string(b.Home))
	}
	if n := len(b.Past); n > 0 && n <= binding.MaxPast {
		w.Has, d.Earlier = w.Has.With(ExtEarlier), b.Past
	}
	if !b.Version.IsZero() {
		w.Has, d.Version = w.Has.With(ExtConfigVersion), b.Version
	}
	if n := len(b.Facts.Own); n > 0 && n <= binding.MaxFacts {
		if own, ok := t.embed(b.Facts.Own); ok {
			w.Has, d.RequestOwn = w.Has.With(ExtRequestOwn), own
		}
	}
	t.fillRequest(b.Facts.Shared, whole)
	t.fillResult(b.Result, whole)
	t.fillReasons(b.Reasons, whole)
}

func (t *Translator) fillRequest(r *binding.Blob, whole bool) {
	w, d := &t.update, &t.update.Detail
	if r == nil || len(r.Bytes) > maxRecord {
		return
	}
	if !t.knows(WantsRequest, r, whole) {
		head, tlvs, ok := CutRequest(r.Bytes)
		if !ok {
			return
		}
		options, ok := t.embed(tlvs)
		if !ok {
			return
		}
		w.Has |= SetOf(ExtRequestHead, OptRequest)
		d.RequestHead, w.Request = head, options
	}
	w.Has, d.RequestDigest = w.Has.With(ExtRequestDigest), r.Digest()
}

func (t *Translator) fillResult(r *binding.Blob, whole bool) {
	w, d := &t.update, &t.update.Detail
	if r == nil || len(r.Bytes) > maxRecord {
		return
	}
	if !t.knows(WantsResult, r, whole) {
		head, tlvs, ok := CutResult(r.Bytes)
		if !ok {
			return
		}
		options, ok := t.embed(tlvs)
		if !ok {
			return
		}
		w.Has |= SetOf(ExtResultHead, OptReply)
		d.ResultHead, w.Reply = head, options
	}
	w.Has, d.ResultDigest = w.Has.With(ExtResultDigest), r.Digest()
}

func (t *Translator) fillReasons(r *binding.Blob, whole bool) {
	w, d := &t.update, &t.update.Detail
	if r == nil || len(r.Bytes) > maxRecord {
		return
	}
	if !t.knows(WantsReasons, r, whole) {
		w.Has, d.Reasons = w.Has.With(ExtReasons), r.Bytes
	}
	w.Has, d.ReasonsDigest = w.Has.With(ExtReasonsDigest), r.Digest()
}

// knows reports whether the record's digest is enough.
func (t *Translator) knows(kind recordKind, r *binding.Blob, whole bool) bool {
	return !whole && t.said.has(recordKey{kind, r.Digest()})
}

// embed returns stored options as DHCP has them; false if they are in no form that stands for itself.
func (t *Translator) embed(tlvs []byte) ([]byte, bool) {
	n := len(t.arena)
	dst, err := AppendOptions(t.arena, tlvs)
	if err != nil {
		return nil, false
	}
	t.arena = dst
	return dst[n:len(dst):len(dst)], true
}

// shed leaves a record out of an update that has no room, the one that is missed least first; false if there is none.
func (t *Translator) shed() bool {
	w := &t.update
	for _, r := range [...]Set{
		SetOf(ExtReasons, ExtReasonsDigest), SetOf(ExtResultHead, OptReply, ExtResultDigest),
		SetOf(ExtRequestHead, OptRequest, ExtRequestDigest), SetOf(ExtRequestOwn),
	} {
		if w.Has&r != 0 {
			w.Has &^= r
			return true
		}
	}
	return false
}

// mentioned notes what the update that was written last named, and keeps it where the partner may want it whole.
func (t *Translator) mentioned(id uint32, u *failover.Update) {
	w, d := &t.update, &t.update.Detail
	named := false
	for _, r := range [...]struct {
		kind         recordKind
		name, octets Option
		digest       *binding.Digest
	}{
		{WantsRequest, ExtRequestDigest, ExtRequestHead, &d.RequestDigest},
		{WantsResult, ExtResultDigest, ExtResultHead, &d.ResultDigest},
		{WantsReasons, ExtReasonsDigest, ExtReasons, &d.ReasonsDigest},
	} {
		if w.Has.Has(r.name) {
			t.said.mention(recordKey{r.kind, *r.digest}, nil)
			named = named || !w.Has.Has(r.octets)
		}
	}
	if named {
		t.flights.keep(id, u)
	}
}

// hold returns s as octets that stay until the next message.
func (t *Translator) hold(s string) []byte {
	n := len(t.arena)
	t.arena = append(t.arena, s...)
	return t.arena[n:len(t.arena):len(t.arena)]
}
