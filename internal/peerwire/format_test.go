package peerwire

import (
	"bytes"
	"strings"
	"testing"
)

func TestATraceIsOneLineABinding(t *testing.T) {
	m := bndUpd(granted())
	want := `BNDUPD xid=4 time=2026-11-22T10:03:27Z
  10.99.1.13 ACTIVE client-hardware-address=1/020000000001 lease-expiration-time=2026-11-22T10:04:27Z ` +
		`potential-expiration-time=2026-11-22T10:13:57Z start-time-of-state=2026-11-22T10:03:27Z client-last-transaction-time=2026-11-22T10:03:27Z`
	if got := m.String(); got != want {
		t.Errorf("%s\n%s", got, want)
	}
	u := parsed(t, message(BndUpd, "0002 0004 0a000001 0003 0001 63"), ISC)
	if got := u.String(); !strings.HasSuffix(got, "  10.0.0.1 fault: a binding-status is none of the draft's") {
		t.Error(got)
	}
}

// What a partner says reaches terminals, logs and pages.
func TestATraceCannotBeForged(t *testing.T) {
	for _, evil := range []string{"\x1b[2J\x1b]0;x\x07", "a\nBNDACK xid=1", "\u202e\u2028", "\xff\xfe\x00", strings.Repeat("x", 60000)} {
		m := Message{Type: Disconnect, Has: SetOf(OptReason, OptText), Reason: UnknownReason, Text: []byte(evil)}
		if s := m.String(); !printable(s) || strings.Contains(s, "\n") || len(s) > 1000 {
			t.Errorf("%q", s)
		}
	}
}

func TestATraceHasABound(t *testing.T) {
	m := bndUpd()
	u := everyDetail()
	u.Detail.Reasons, u.Request = bytes.Repeat([]byte{1}, 60000), bytes.Repeat([]byte{2}, 60000)
	for range MaxBindings {
		m.Updates = append(m.Updates, u)
		m.Acks = append(m.Acks, Ack{Address: u.Address})
	}
	if n := len(m.String()); n > maxFormat+4096 {
		t.Errorf("%d octets", n)
	}
}

func TestWhatHasNoNameIsUnknown(t *testing.T) {
	for _, s := range []string{Type(0).String(), Type(13).String(), Status(8).String(), ServerState(99).String(), RejectReason(99).String(), Option(31).String(), Option(200).String()} {
		if s != "unknown" {
			t.Error(s)
		}
	}
}
