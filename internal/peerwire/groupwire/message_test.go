package groupwire

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
)

func made(t testing.TB, text string) (root, child *version.Version) {
	t.Helper()
	d, problems := config.Parse("lessor.yaml", []byte(text))
	if d == nil {
		t.Fatal(problems)
	}
	root, err := version.Root(d)
	if err != nil {
		t.Fatal(err)
	}
	child, err = version.Child(d, version.By{Author: "ann", Time: time.Unix(1_795_000_000, 0)}, root.ID())
	if err != nil {
		t.Fatal(err)
	}
	return root, child
}

const small = "# a comment\nnetworks: {n: {subnets: {10.0.0.0/24: }}}\n"

func all(t testing.TB) []group.Message {
	root, child := made(t, small)
	return []group.Message{
		group.Told{Member: "west", Root: root.ID(), Head: root.ID(), Tip: child.ID(), Seen: version.ID{1}, Agreed: version.ID{2}, Settled: version.ID{13}, Format: 3, CannotRead: true,
			Asked: group.Few{{3}, {4}}, Gone: group.Few{{5}, {6}, {7}, {8}, {9}, {10}, {11}, {12}}},
		group.Told{Member: "west", Clear: true},
		group.Told{Member: "east", Format: 1, File: root},
		group.Want{Version: child.ID(), Have: root.ID()},
		group.Versions{All: []*version.Version{root, child}},
		group.Versions{},
	}
}

func encoded(t testing.TB, m group.Message) []byte {
	t.Helper()
	b, err := Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMessagesAreReadAsTheyWereWritten(t *testing.T) {
	for _, m := range all(t) {
		b := encoded(t, m)
		got, err := Parse(b)
		if err != nil || !bytes.Equal(encoded(t, got), b) || fmt.Sprintf("%T", got) != fmt.Sprintf("%T", m) {
			t.Errorf("%+v is read as %+v: %v", m, got, err)
		}
		for n := range b {
			if _, err := Parse(b[:n]); err == nil {
				t.Errorf("%T is read though it has only %d of %d octets", m, n, len(b))
			}
		}
		if _, err := Parse(append(slices.Clone(b), 0)); err == nil {
			t.Errorf("%T is read with an octet more", m)
		}
	}
	got, _ := Parse(encoded(t, all(t)[0]))
	if got != all(t)[0] {
		t.Errorf("read as %+v", got)
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	root, _ := made(t, small)
	forged := encoded(t, group.Versions{All: []*version.Version{root}})
	forged[len(forged)/2]++
	flag := encoded(t, group.Told{Member: "west"})
	flag[1+1+4+6*16+2] = 4
	const counts = 1 + 1 + 4 + 6*16 + 2 + 1
	nameless := encoded(t, group.Told{Member: "west", Asked: group.Few{{3}}})
	nameless[counts+1] = 0
	asked := bytes.Replace(encoded(t, group.Told{Member: "west", Asked: group.Few{{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}}}), []byte{8, 1}, []byte{9, 1}, 1)
	asked = append(asked, make([]byte, 16)...)
	for name, b := range map[string][]byte{
		"nothing": nil, "type 0": {0}, "type 9": {9}, "forged": forged, "flag": flag, "nine are asked about": asked, "an asked one without a name": nameless,
		"an empty version":  {versions, 1, 0, 0, 0, 0},
		"too many versions": {versions, MaxVersions + 1},
		"a vast version":    {versions, 1, 0xff, 0xff, 0xff, 0xff},
	} {
		if m, err := Parse(b); err == nil {
			t.Errorf("%s is read as %+v", name, m)
		}
	}
	if _, err := Append(nil, group.Versions{All: make([]*version.Version, MaxVersions+1)}); err != ErrTooLong {
		t.Errorf("error %v", err)
	}
}

func TestLongMessagesGoInPieces(t *testing.T) {
	var b strings.Builder
	b.WriteString("networks: {n: {subnets: {10.0.0.0/24: }}}\nhosts:\n")
	for i := range 40_000 {
		fmt.Fprintf(&b, "  host%d: {circuit-id: port%d}\n", i, i)
	}
	root, _ := made(t, b.String())
	message := encoded(t, group.Versions{All: []*version.Version{root}})
	if len(message) < MaxFrame {
		t.Fatalf("only %d octets", len(message))
	}
	for _, size := range []int{0, 1, MaxFrame - 2, MaxFrame - 1, MaxFrame, len(message)} {
		var joined []byte
		if err := Pieces(message[:size], func(frame []byte) error {
			if len(frame) > MaxFrame || frame[0] == last != (len(joined)+len(frame)-1 == size) {
				t.Fatalf("%d: a frame of %d octets, marked %d, behind %d", size, len(frame), frame[0], len(joined))
			}
			joined = append(joined, frame[1:]...)
			return nil
		}); err != nil || !bytes.Equal(joined, message[:size]) {
			t.Errorf("%d: %d octets: %v", size, len(joined), err)
		}
	}
	var a Assembler
	for range 2 { // one after the other
		var got group.Message
		if err := Pieces(message, func(frame []byte) (err error) { got, err = a.Add(frame); return err }); err != nil {
			t.Fatal(err)
		}
		if v, ok := got.(group.Versions); !ok || len(v.All) != 1 || v.All[0].ID() != root.ID() {
			t.Errorf("read as %T", got)
		}
	}
}

func TestTheAssemblerIsBounded(t *testing.T) {
	var a Assembler
	piece := append([]byte{more}, make([]byte, MaxFrame-1)...)
	n := 0
	for ; n < 1000; n++ {
		if _, err := a.Add(piece); err == ErrTooLong {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n*(MaxFrame-1) > MaxMessage || n < 100 {
		t.Errorf("%d pieces are kept", n)
	}
	for _, frame := range [][]byte{nil, {2, 1}, {more}} {
		if _, err := new(Assembler).Add(frame); err == nil {
			t.Errorf("%v is taken", frame)
		}
	}
}

func FuzzAssembler(f *testing.F) {
	for _, m := range all(f) {
		f.Add(encoded(f, m), 7)
	}
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		m, err := Parse(b)
		if err == nil && !bytes.Equal(encoded(t, m), b) {
			t.Fatalf("%x is read as %+v", b, m)
		}
		// In two pieces it is the same.
		n = max(1, min(n, len(b)-1))
		if len(b) < 2 {
			return
		}
		var a Assembler
		if _, err := a.Add(append([]byte{more}, b[:n]...)); err != nil {
			t.Fatal(err)
		}
		again, errAgain := a.Add(append([]byte{last}, b[n:]...))
		if (err == nil) != (errAgain == nil) || err == nil && !bytes.Equal(encoded(t, again), b) {
			t.Fatalf("in pieces %+v: %v", again, errAgain)
		}
	})
}
