package groupwire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// frames cuts a message into frames at random places.
func frames(r *rand.Rand, message []byte) (all [][]byte) {
	for len(message) > 1 && r.IntN(4) > 0 {
		n := 1 + r.IntN(len(message)-1)
		all = append(all, append([]byte{more}, message[:n]...))
		message = message[n:]
	}
	return append(all, append([]byte{last}, message...))
}

// messages returns a few of every kind, with versions that come from one another.
func messages(r *rand.Rand, root, child *version.Version) (all []group.Message) {
	names := []version.ID{{}, root.ID(), child.ID(), {0xff}}
	id := func() version.ID { return names[r.IntN(len(names))] }
	for range 1 + r.IntN(6) {
		switch r.IntN(4) {
		case 0:
			m := group.Told{Member: "west", Root: id(), Head: id(), Tip: id(), Seen: id(), Agreed: id(), Settled: id(), Clear: r.IntN(2) == 0, Format: uint16(r.IntN(3)), CannotRead: r.IntN(2) == 0}
			if m.Root.IsZero() {
				m.File = root
			}
			all = append(all, m)
		case 1:
			all = append(all, group.Want{Version: id(), Have: id()})
		default:
			m := group.Versions{}
			for range r.IntN(4) {
				m.All = append(m.All, []*version.Version{root, child}[r.IntN(2)])
			}
			all = append(all, m)
		}
	}
	return all
}

// hear puts frames together; it ends with the first error.
func hear(all [][]byte) (got []group.Message, err error) {
	var a Assembler
	for _, frame := range all {
		m, err := a.Add(slices.Clone(frame))
		if err != nil {
			return got, err
		}
		if m != nil {
			got = append(got, m)
		}
	}
	return got, nil
}

// However messages are cut into frames, they arrive as they were sent, one after the other.
func TestMessagesArriveInAnyPieces(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	root, child := made(t, small)
	for range 300 {
		sent := messages(r, root, child)
		var all [][]byte
		for _, m := range sent {
			all = append(all, frames(r, encoded(t, m))...)
		}
		got, err := hear(all)
		if err != nil || len(got) != len(sent) {
			t.Fatalf("%d of %d messages: %v", len(got), len(sent), err)
		}
		for i := range sent {
			if !bytes.Equal(encoded(t, got[i]), encoded(t, sent[i])) {
				t.Fatalf("message %d is read as %+v", i, got[i])
			}
		}
	}
}

// Frames that are lost, said twice, changed or in another order never give a version that is not one: a document is what its version's
// name is made of, or the connection ends.
func TestABadStreamGivesNoVersionThatIsNone(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	refused, heard := map[string]int{}, 0
	root, child := made(t, small)
	for range 3000 {
		var all [][]byte
		for _, m := range messages(r, root, child) {
			all = append(all, frames(r, encoded(t, m))...)
		}
		for range 1 + r.IntN(3) {
			i := r.IntN(len(all))
			switch r.IntN(5) {
			case 0:
				all = slices.Delete(all, i, i+1)
			case 1:
				all = slices.Insert(all, r.IntN(len(all)), all[i])
			case 2:
				k := r.IntN(len(all))
				all[i], all[k] = all[k], all[i]
			case 3:
				if all[i] = slices.Clone(all[i]); len(all[i]) > 0 {
					all[i][r.IntN(len(all[i]))] ^= byte(1 + r.IntN(255))
				}
			case 4:
				all[i] = all[i][:r.IntN(len(all[i])+1)]
			}
			if len(all) == 0 {
				break
			}
		}
		got, err := hear(all)
		if err != nil {
			if err.Error() == "" || len(err.Error()) > 300 {
				t.Errorf("this does not say what is wrong: %q", err)
			}
			refused[strings.Fields(err.Error())[1]]++
		}
		for _, m := range got {
			heard++
			if b := encoded(t, m); b == nil {
				t.Fatalf("%+v cannot be sent", m)
			}
			versions, _ := m.(group.Versions)
			for _, v := range versions.All {
				if v.Document == nil {
					t.Fatal("a version without its document")
				}
				if d, err := version.Decode(v.Append(nil)); err != nil || d.ID() != v.ID() {
					t.Fatalf("a version that is none: %v", err)
				}
			}
		}
	}
	t.Logf("%d messages were heard; streams ended for %d reasons", heard, len(refused))
	if heard < 1000 || len(refused) < 3 {
		t.Errorf("%d messages, refused: %v", heard, refused)
	}
}

// A version without its document would stay in the other's history for ever, and nobody could go on with it.
func TestAVersionTravelsWithItsDocument(t *testing.T) {
	root, child := made(t, small)
	bare := *child
	bare.Document, bare.Source = nil, nil
	for _, m := range []group.Message{group.Versions{All: []*version.Version{root, &bare}}, group.Told{Member: "west", File: &bare}} {
		if b, err := Append([]byte("before"), m); err == nil || string(b) != "before" {
			t.Errorf("%T: %d octets, %v", m, len(b), err)
		}
	}
	b := append([]byte{versions, 1, 0, 0, 0, byte(len(bare.Append(nil)))}, bare.Append(nil)...)
	if m, err := Parse(b); err == nil || !strings.Contains(err.Error(), "without its document") {
		t.Errorf("%+v, %v", m, err)
	}
}

// What a message holds is bounded by what has arrived of it, whatever it announces.
func TestNothingIsKeptForWhatIsOnlyAnnounced(t *testing.T) {
	_, child := made(t, small)
	v := child.Append(nil)
	huge := slices.Clone(v)
	at := len(child.Append(nil)) - len(child.Source) - 4 - len(child.Document) - 4
	copy(huge[at:], []byte{0x03, 0xff, 0xff, 0xff}) // a document of 64 MiB
	for name, b := range map[string][]byte{
		"a document":    append([]byte{versions, 1, 0, 0, byte(len(huge) >> 8), byte(len(huge))}, huge...),
		"a version":     append([]byte{versions, 1, 0x07, 0xff, 0xff, 0xff}, v...),
		"many versions": append([]byte{versions, MaxVersions, 0, 0, byte(len(v) >> 8), byte(len(v))}, v...),
		"a file":        append(append([]byte{told, 4}, "west"...), append(make([]byte, 4*16+3), 0x07, 0xff, 0xff, 0xff)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := hear([][]byte{append([]byte{last}, b...)})
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "cut short") {
			t.Errorf("%s: %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<10 {
			t.Errorf("%s that is only announced took %d octets", name, took)
		}
	}
}

// FuzzStream reads anything as frames, each behind its length, and what comes of it can be sent again.
func FuzzStream(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	root, child := made(f, small)
	for range 4 {
		var b []byte
		for _, m := range messages(r, root, child) {
			for _, frame := range frames(r, encoded(f, m)) {
				b = append(append(b, byte(len(frame)>>8), byte(len(frame))), frame...)
			}
		}
		f.Add(b)
	}
	f.Add([]byte{0, 1, last})
	f.Add([]byte{0, 2, more, versions, 0, 2, last, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var all [][]byte
		for len(b) >= 2 {
			n := min(int(b[0])<<8|int(b[1]), len(b)-2)
			all = append(all, b[2:2+n])
			b = b[2+n:]
		}
		got, err := hear(all)
		for _, m := range got {
			again, e := hear([][]byte{append([]byte{last}, encoded(t, m)...)})
			if e != nil || len(again) != 1 || fmt.Sprintf("%T", again[0]) != fmt.Sprintf("%T", m) {
				t.Fatalf("%+v is not read again: %v", m, e)
			}
		}
		if len(all) > 0 && len(got) == 0 && err == nil && all[len(all)-1][0] == last {
			t.Fatal("a message ended, and was not heard of")
		}
	})
}
