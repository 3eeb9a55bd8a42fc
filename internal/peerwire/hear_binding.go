package peerwire

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// hearUpdates reads the partner's bindings. Those that cannot be read are refused, and of those that name a record which is
// not known that record is wanted.
func (t *Translator) hearUpdates(m *Message, table Interner) []failover.Update {
	t.updates = t.updates[:0]
	for i := range m.Updates {
		w := &m.Updates[i]
		fault := w.Fault
		var u failover.Update
		var wants Wants
		if fault == nil {
			wants, fault = t.hearUpdate(w, table, &u)
		}
		switch {
		case fault != nil:
			t.refuse(m.XID, w.Address, fault)
		case wants != 0:
			t.answer(m.XID, Ack{
				Has: SetOf(OptAddress, ExtSequence, ExtWants), Address: w.Address, Sequence: w.Detail.Sequence, Wants: wants,
			})
		default:
			t.updates = append(t.updates, u)
		}
	}
	return t.updates
}

// refuse answers a binding that cannot be read.
func (t *Translator) refuse(id uint32, a netip.Addr, fault *Malformed) {
	reason := fault.RejectReason()
	t.refused = append(t.refused, failover.Ack{Prefix: netip.PrefixFrom(a, 32), Reason: failover.Reason(reason), Text: fault.says})
	t.answer(id, Ack{Has: SetOf(OptAddress, OptReason, OptText), Address: a, Reason: reason, Text: []byte(fault.says)})
}

// Refused returns the bindings of the last message that were refused because they cannot be read, as they are answered.
func (t *Translator) Refused() []failover.Ack { return t.refused }

// hearUpdate makes u what w says.
func (t *Translator) hearUpdate(w *Update, table Interner, u *failover.Update) (Wants, *Malformed) {
	b, d := &u.Binding, &w.Detail
	var ok1, ok2 bool
	b.Sync.Ours, ok1 = d.Sequence.sequence()
	b.Sync.Theirs, ok2 = d.Includes.sequence()
	if !ok1 || !ok2 {
		return 0, ErrSequence
	}
	if len(d.Home) > maxName || len(d.Earlier) > binding.MaxPast {
		return 0, ErrVendorData
	}
	b.Prefix = netip.PrefixFrom(w.Address, 32)
	var primaryOwns bool
	b.State, primaryOwns = w.Status.State()
	if b.State == binding.Free {
		b.Owner = t.secondary
		if primaryOwns {
			b.Owner = t.primary
		}
	}
	b.Client = binding.Client{ID: w.ClientID, Hardware: w.Hardware}
	b.Expires, b.Sync.Potential = w.Expires, w.PotentialExpiry
	b.CLTT, b.Changed, b.Starts = w.CLTT, w.Since, d.Starts
	u.Last = d.RangeEnd
	b.Version, b.Past = d.Version, d.Earlier
	if len(d.Home) > 0 {
		b.Home = t.member(d.Home)
	}
	if b.Cause = d.Cause; b.Cause > binding.ToldOlder {
		b.Cause = binding.ToldByPartner // a newer Lessor's
	}
	if u.Last.IsValid() { // addresses that nobody used: there is no client, and nothing that one said
		*b = binding.Binding{Prefix: b.Prefix, State: b.State, Owner: b.Owner, Changed: b.Changed, Cause: b.Cause, Sync: binding.Sync{Ours: b.Sync.Ours, Theirs: b.Sync.Theirs}}
		return 0, nil
	}
	if t.setup.Dialect == ISC {
		timesOfISC(w, b)
		return 0, nil
	}
	return t.hearRecords(w, table, b)
}

// timesOfISC puts an ISC server's times in their places. Option 25 is when the client of a lease was last answered; when the
// lease ended is in option 13 alone. It may have told its client either of the two expiries: the one in option 18 is 0, or
// long past, for leases that we granted.
func timesOfISC(w *Update, b *binding.Binding) {
	b.Sync.Potential = latest(w.Expires, w.PotentialExpiry)
	if !isLease(b.State) {
		return
	}
	b.Starts = w.Since
	if b.State != binding.Active && w.Expires.Before(binding.Forever) {
		b.Changed = latest(w.Since, w.Expires)
	}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// hearRecords reads what the client said and was told.
func (t *Translator) hearRecords(w *Update, table Interner, b *binding.Binding) (wants Wants, fault *Malformed) {
	d := &w.Detail
	if w.Has.Has(ExtRequestOwn) {
		if b.Facts.Own, fault = t.tlvs(nil, d.RequestOwn, binding.MaxFacts); fault != nil {
			return 0, fault
		}
	}
	var r [3]heard
	r[0], fault = t.hear(w, ExtRequestDigest, ExtRequestHead, WantsRequest, d.RequestDigest, d.RequestHead, w.Request)
	if fault == nil {
		r[1], fault = t.hear(w, ExtResultDigest, ExtResultHead, WantsResult, d.ResultDigest, d.ResultHead, w.Reply)
	}
	if fault == nil {
		r[2], fault = t.hear(w, ExtReasonsDigest, ExtReasons, WantsReasons, d.ReasonsDigest, d.Reasons, nil)
	}
	if fault != nil {
		return 0, fault
	}
	// All are looked up before the first is mentioned, since that may be what makes another forgotten: the sender saw
	// that it was remembered when it began with the binding.
	to := [...]**binding.Blob{&b.Facts.Shared, &b.Result, &b.Reasons}
	for i := range r {
		if *to[i] = r[i].blob(t, table); *to[i] == nil && r[i].said {
			wants |= r[i].key.kind
		}
	}
	for i := range r {
		if *to[i] != nil {
			t.heard.mention(r[i].key, *to[i])
		}
	}
	return wants, nil
}

// heard is a record that came with a binding.
type heard struct {
	said  bool // anything of it
	whole bool
	key   recordKey
	bytes []byte // where it is whole
}

// hear reads a record: its digest, or the whole of it.
func (t *Translator) hear(w *Update, name, octets Option, kind recordKind, digest binding.Digest, head, options []byte) (h heard, fault *Malformed) {
	h = heard{said: w.Has.Has(name) || w.Has.Has(octets), whole: w.Has.Has(octets), key: recordKey{kind, digest}}
	if !h.whole {
		return h, nil
	}
	if h.bytes, fault = t.tlvs(head, options, maxRecord); fault != nil {
		return h, fault
	}
	if !headed(kind, h.bytes, len(head)) {
		return h, ErrVendorData
	}
	actual := binding.DigestOf(h.bytes)
	if w.Has.Has(name) && actual != digest {
		return h, ErrDigest
	}
	h.key.digest = actual
	return h, nil
}

// headed reports whether the record's head is of n octets, so that it can be told to others as it came.
func headed(kind recordKind, record []byte, n int) bool {
	cut := CutRequest
	switch kind {
	case WantsReasons:
		return true
	case WantsResult:
		cut = CutResult
	}
	head, _, ok := cut(record)
	return ok && len(head) == n
}

// blob returns the record; nil if it is not known.
func (h *heard) blob(t *Translator, table Interner) *binding.Blob {
	switch {
	case h.whole:
		return table.Intern(h.bytes)
	case h.said:
		return t.heard.blob(h.key)
	}
	return nil
}

// tlvs returns head and, behind it, embedded options as they are stored.
func (t *Translator) tlvs(head, options []byte, most int) ([]byte, *Malformed) {
	n := len(t.arena)
	dst, err := AppendTLVs(append(t.arena, head...), options)
	if err != nil || len(dst)-n > most {
		return nil, ErrOptions
	}
	t.arena = dst
	return dst[n:len(dst):len(dst)], nil
}
