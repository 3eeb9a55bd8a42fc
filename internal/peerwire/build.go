package peerwire

import "encoding/binary"

// Builder builds one message, its bindings one by one. The order of calls is Begin, Update or Ack as often as there is
// room, Finish.
type Builder struct {
	dst      []byte
	start    int // where in dst the message begins
	room     int // in octets, of the message
	bindings int // how many more
	typ      Type
	dialect  Dialect
}

// Append appends m to dst, as d and within room octets; room 0 is what the dialect allows. It writes what m.Has says,
// as far as the dialect has it, in the order in which ISC writes it. The error is ErrNoRoom or an *Unsendable; dst is
// then returned as it was.
func (m *Message) Append(dst []byte, d Dialect, room int) ([]byte, error) {
	var b Builder
	if err := b.Begin(dst, m, d, room); err != nil {
		return dst, err
	}
	for i := range m.Updates {
		if err := b.Update(&m.Updates[i]); err != nil {
			return dst, err
		}
	}
	for i := range m.Acks {
		if err := b.Ack(&m.Acks[i]); err != nil {
			return dst, err
		}
	}
	if (m.Type == BndUpd || m.Type == BndAck) && b.Bindings() == 0 {
		return dst, m.unsendable("it has no binding")
	}
	return b.Finish(), nil
}

// Begin starts a message behind dst that may have at most room octets; room 0 is what the dialect allows. It writes all
// of m but its bindings. The error is as Append's.
func (b *Builder) Begin(dst []byte, m *Message, d Dialect, room int) error {
	if err := m.check(d); err != nil {
		return err
	}
	if room <= 0 || room > d.MaxSize() {
		room = d.MaxSize()
	}
	*b = Builder{dst: dst, start: len(dst), room: room, bindings: MaxBindings, typ: m.Type, dialect: d}
	b.dst = append(b.dst, 0, 0, byte(m.Type), HeaderSize)
	b.dst = binary.BigEndian.AppendUint32(b.dst, putInstant(m.Time))
	b.dst = binary.BigEndian.AppendUint32(b.dst, m.XID)
	if err := b.options(m); err != nil {
		return err
	}
	if len(b.dst)-b.start > b.room {
		return ErrNoRoom
	}
	return nil
}

// Finish returns dst with the message behind it.
func (b *Builder) Finish() []byte {
	binary.BigEndian.PutUint16(b.dst[b.start:], uint16(len(b.dst)-b.start))
	return b.dst
}

// options writes all options of m that stand outside bindings.
func (b *Builder) options(m *Message) error {
	w := writer{dst: b.dst, has: m.outside(b.dialect)}
	w.uint32(OptTransferred, m.Transferred)
	if m.Type == Connect || m.Type == ConnectAck {
		if err := w.handshake(m, &m.Handshake); err != nil {
			return err
		}
	}
	w.uint8(OptServerState, uint8(m.Report.State))
	w.uint8(OptServerFlags, uint8(m.Report.Flags))
	w.uint32(OptSince, putInstant(m.Report.Since))
	w.uint8(OptReason, uint8(m.Reason))
	w.octets(OptText, m.Text)
	if m.Type == Connect || m.Type == ConnectAck {
		w.extended(&m.Handshake.Extended)
	}
	b.dst = w.dst
	return nil
}

// Bindings returns how many bindings the message has by now.
func (b *Builder) Bindings() int { return MaxBindings - b.bindings }

// Update adds a binding to a BNDUPD. The error is ErrNoRoom or an *Unsendable; the message is then as it was before.
func (b *Builder) Update(u *Update) error {
	if b.typ != BndUpd {
		return &Unsendable{b.typ, "it has no binding updates"}
	}
	if says := u.check(b.dialect); says != "" {
		return &Unsendable{b.typ, u.Address.String() + ": " + says}
	}
	if err := b.another(); err != nil {
		return err
	}
	w := writer{dst: b.dst, has: b.updateHas(u)}
	w.update(u, b.dialect)
	return b.take(&w)
}

// updateHas returns what is written of u. To ISC an abandoned address has no client, and what says nothing is left out,
// as ISC does.
func (b *Builder) updateHas(u *Update) Set {
	has := u.Has.With(OptAddress) & b.dialect.may(BndUpd)
	if b.dialect == Lessor {
		return has
	}
	if u.Status == Abandoned {
		has = has.Without(OptClientID).Without(OptHardware)
	}
	if u.CLTT.IsZero() {
		has = has.Without(OptCLTT)
	}
	if u.Flags == 0 {
		has = has.Without(OptIPFlags)
	}
	return has
}

// Ack adds a binding to a BNDACK. The error is as Update's.
func (b *Builder) Ack(a *Ack) error {
	switch {
	case b.typ != BndAck:
		return &Unsendable{b.typ, "it acknowledges nothing"}
	case !a.Address.Is4():
		return &Unsendable{b.typ, "it has no address"}
	case a.Has.Has(OptReason) && a.Reason == 0, a.Fault != nil:
		return &Unsendable{b.typ, a.Address.String() + ": a refusal needs a reason"}
	}
	if err := b.another(); err != nil {
		return err
	}
	w := writer{dst: b.dst, has: a.Has.With(OptAddress) & b.dialect.may(BndAck)}
	w.address(OptAddress, a.Address.As4())
	w.uint8(OptReason, uint8(a.Reason))
	w.octets(OptText, a.Text)
	at := w.beginVendor()
	w.sequence(ExtSequence, a.Sequence)
	w.uint8(ExtWants, uint8(a.Wants))
	w.endVendor(at)
	return b.take(&w)
}

// another reports whether there may be one more binding.
func (b *Builder) another() error {
	if b.bindings == 0 || b.dialect == ISC && b.Bindings() > 0 {
		return ErrNoRoom
	}
	return nil
}

// take keeps what was written if there is room for it.
func (b *Builder) take(w *writer) error {
	if len(w.dst)-b.start > b.room {
		return ErrNoRoom
	}
	b.dst = w.dst
	b.bindings--
	return nil
}
