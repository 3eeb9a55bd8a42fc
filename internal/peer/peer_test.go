package peer

import (
	"bytes"
	"errors"
	"testing"
)

func TestTwoLessorsHaveALinkForEachProtocol(t *testing.T) {
	b := newBench(t, "west", "east")
	west, east := b.run(b.config("west", "east")), b.run(silent(b.config("east", "west")))
	ends := map[Protocol]*Link{}
	for len(ends) < 2 {
		if u, ok := east.next().(Up); ok {
			if !u.Inbound || u.Link.Member() != "west" || u.Remote.Addr().String() != addresses["west"] {
				t.Fatalf("up: %+v", u)
			}
			ends[u.Protocol] = u.Link
		}
	}
	up := map[Protocol]*Link{}
	for len(up) < 2 {
		u := west.next().(Up)
		up[u.Protocol] = u.Link
	}
	for protocol, msg := range map[Protocol][]byte{Failover4: message(65535, 7), Group: bytes.Repeat([]byte{9}, MaxFrame)} {
		if !up[protocol].Send(bytes.Clone(msg)) {
			t.Fatalf("%v: not sent", protocol)
		}
		m := east.next().(Message)
		if m.Link != ends[protocol] || !bytes.Equal(m.Bytes, msg) || m.At.IsZero() {
			t.Errorf("%v: another message arrived: %d octets on %v", protocol, len(m.Bytes), m.Link)
		}
		if !ends[protocol].Send(bytes.Clone(msg)) {
			t.Fatalf("%v: no answer sent", protocol)
		}
		if m := west.next().(Message); !bytes.Equal(m.Bytes, msg) || m.Link != up[protocol] {
			t.Errorf("%v: another answer arrived: %d octets on %v", protocol, len(m.Bytes), m.Link)
		}
	}
}

func TestWhatWasSentBeforeCloseArrives(t *testing.T) {
	b := newBench(t, "west", "east")
	west, east := b.run(b.config("west", "east")), b.run(silent(b.config("east", "west")))
	got := make(chan int, 1)
	go func() {
		n := 0
		for e := range east.events {
			if m, ok := e.(Message); ok && m.Link.Protocol() == Failover4 {
				n++
			}
			if d, ok := e.(Down); ok && d.Link.Protocol() == Failover4 {
				if d.Cause != ErrPartnerClosed {
					t.Errorf("at the other end it is down because of %v", d.Cause)
				}
				got <- n
				return
			}
		}
	}()
	l := west.upOf(Failover4, false)
	cause := errors.New("maintenance")
	for range 100 {
		if !l.Send(message(2000, 1)) {
			t.Fatal("not sent")
		}
	}
	l.Close(cause)
	if l.Send(message(12, 0)) {
		t.Error("a closing link took a message")
	}
	if err := west.downOf(l); err != cause {
		t.Errorf("down because of %v", err)
	}
	if n := <-got; n != 100 {
		t.Errorf("%d of 100 messages arrived", n)
	}
}
