package peerwire

import (
	"bytes"
	"errors"
	"testing"
)

func TestBindingsAreAddedUntilThereIsNoRoom(t *testing.T) {
	m := bndUpd()
	u := everyDetail()
	one := bndUpd(u)
	alone, err := one.Append(nil, Lessor, 0)
	if err != nil {
		t.Fatal(err)
	}
	size := len(alone) - HeaderSize
	for _, room := range []int{HeaderSize + size - 1, HeaderSize + size, HeaderSize + 3*size + 5, 1 << 20, 0} {
		var b Builder
		if err := b.Begin([]byte("before"), &m, Lessor, room); err != nil {
			t.Fatal(err)
		}
		n := 0
		for b.Update(&u) == nil {
			n++
		}
		limit := room
		if room == 0 || room > 65535 {
			limit = 65535
		}
		if want := min((limit-HeaderSize)/size, MaxBindings); n != want || b.Bindings() != want {
			t.Errorf("%d octets hold %d bindings, not %d", room, n, want)
		}
		got := b.Finish()
		if n > 0 {
			if back := parsed(t, got[len("before"):], Lessor); len(back.Updates) != n {
				t.Errorf("%d octets: %d bindings arrive", room, len(back.Updates))
			}
		}
		if string(got[:6]) != "before" || len(got) != 6+HeaderSize+n*size {
			t.Errorf("%d octets: %d are written", room, len(got))
		}
	}
}

func TestAMessageHasAtMost256Bindings(t *testing.T) {
	var b Builder
	m := bndAck()
	if err := b.Begin(nil, &m, Lessor, 0); err != nil {
		t.Fatal(err)
	}
	for i := range MaxBindings + 3 {
		err := b.Ack(&Ack{Address: address("10.0.0.1")})
		if want := i >= MaxBindings; errors.Is(err, ErrNoRoom) != want || !want && err != nil {
			t.Fatalf("acknowledgement %d: %v", i, err)
		}
	}
	if got := parsed(t, b.Finish(), Lessor); len(got.Acks) != MaxBindings {
		t.Errorf("%d arrive", len(got.Acks))
	}
}

func TestISCGetsOneBindingAMessage(t *testing.T) {
	var b Builder
	m, u := bndUpd(), granted()
	if err := b.Begin(nil, &m, ISC, 0); err != nil {
		t.Fatal(err)
	}
	if err := b.Update(&u); err != nil {
		t.Fatal(err)
	}
	if err := b.Update(&u); err != ErrNoRoom {
		t.Errorf("a second one: %v", err)
	}
	want := bndUpd(u)
	if w, _ := want.Append(nil, ISC, 0); !bytes.Equal(b.Finish(), w) {
		t.Error("the refused binding has left something")
	}
}

func TestWhatIsTooLongHasNoRoom(t *testing.T) {
	big := bytes.Repeat([]byte{'x'}, 1<<16)
	u := everyDetail()
	texts := []func(n int) Message{
		func(n int) Message { m := written[10].m; m.Text = big[:n]; return m },
		func(n int) Message { m := everyExtension(); m.Handshake.Extended.Member = big[:n]; return m },
		func(n int) Message { m := everyExtension(); m.Handshake.VendorClass = big[:n]; return m },
		func(n int) Message { v := u; v.Detail.Reasons = big[:n]; return bndUpd(v) },
		func(n int) Message { v := u; v.DDNS.Name = big[:n]; return bndUpd(v) },
		func(n int) Message { v := u; v.Request, v.Reply = big[:n/2], big[:n/2]; return bndUpd(v) },
		func(n int) Message {
			return bndAck(Ack{Has: SetOf(OptAddress, OptReason, OptText), Reason: 1, Address: u.Address, Text: big[:n]})
		},
	}
	for i, f := range texts {
		for _, n := range []int{1 << 16, 1<<16 - 1, 1<<16 - 4} {
			m := f(n)
			if got, err := m.Append(nil, Lessor, 0); err != ErrNoRoom || got != nil {
				t.Errorf("case %d with %d octets: %d octets, %v", i, n, len(got), err)
			}
		}
		m := f(60000)
		b, err := m.Append(nil, Lessor, 0)
		if err != nil || !same(parsed(t, b, Lessor), &m) {
			t.Errorf("case %d: 60000 octets do not arrive: %v", i, err)
		}
	}
	m := written[10].m
	m.Text = big[:2048-HeaderSize-9]
	if b, err := m.Append(nil, ISC, 0); err != nil || len(b) != 2048 {
		t.Errorf("2048 octets to ISC: %d, %v", len(b), err)
	}
	m.Text = big[:2048-HeaderSize-8]
	if _, err := m.Append(nil, ISC, 1<<20); err != ErrNoRoom {
		t.Errorf("2049 octets to ISC: %v", err)
	}
	if _, err := m.Append(nil, Lessor, 500); err != ErrNoRoom {
		t.Errorf("into 500 octets: %v", err)
	}
}
