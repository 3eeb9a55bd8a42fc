package peerwire

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// captured is a message of the capture.
type captured struct {
	seconds, conn, sender, typ string
	b                          []byte
}

func capture(t testing.TB) (all []captured) {
	t.Helper()
	text, err := os.ReadFile("testdata/isc-4.4.3.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		b, err := hex.DecodeString(f[4])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, captured{f[0], f[1], f[2], f[3], b})
	}
	if len(all) != 408 {
		t.Fatalf("%d messages of 408", len(all))
	}
	return all
}

func TestEveryMessageOfISCIsWrittenAgainAsItWas(t *testing.T) {
	types := map[Type]int{}
	var m Message
	for i, c := range capture(t) {
		if err := m.Parse(c.b, ISC); err != nil {
			t.Fatalf("message %d, %s: %v", i, c.typ, err)
		}
		types[m.Type]++
		if m.Type.String() != c.typ {
			t.Errorf("message %d is %v, not %s", i, m.Type, c.typ)
		}
		got, err := m.Append(nil, ISC, 0)
		if err != nil || !bytes.Equal(got, c.b) {
			t.Errorf("message %d: %v\n%x\n%x\n%v", i, err, got, c.b, &m)
		}
		if got, err = m.Append(nil, Lessor, 0); err != nil || !bytes.Equal(got, c.b) {
			t.Errorf("message %d, as a Lessor: %v\n%x\n%x", i, err, got, c.b)
		}
	}
	for typ := PoolReq; typ < Disconnect; typ++ {
		if types[typ] == 0 {
			t.Errorf("the capture has no %v", typ)
		}
	}
}

// The octets of each direction of each connection arrive in pieces of any size.
func TestMessagesAreCutFromAnyPiecesOfTheStream(t *testing.T) {
	streams := map[string][]captured{}
	for _, c := range capture(t) {
		k := c.conn + c.sender
		streams[k] = append(streams[k], c)
	}
	for _, piece := range []int{1, 2, 7, 1000, 1 << 20} {
		for name, want := range streams {
			checkStream(t, name, want, piece)
		}
	}
}

func checkStream(t *testing.T, name string, want []captured, piece int) {
	t.Helper()
	var whole, have []byte
	for _, c := range want {
		whole = append(whole, c.b...)
	}
	for len(whole) > 0 {
		n := min(piece, len(whole))
		have, whole = append(have, whole[:n]...), whole[n:]
		for {
			msg, rest, err := Cut(have, ISC.MaxSize())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if msg == nil {
				break
			}
			if !bytes.Equal(msg, want[0].b) {
				t.Fatalf("%s in pieces of %d: %x; want %x", name, piece, msg, want[0].b)
			}
			have, want = rest, want[1:]
		}
	}
	if len(have) > 0 || len(want) > 0 {
		t.Errorf("%s in pieces of %d: %d octets and %d messages are left", name, piece, len(have), len(want))
	}
}
