package store

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// memory is a file that is all there.
type memory struct {
	disk.File
	b []byte
}

func (m memory) ReadAt(b []byte, off int64) (int, error) { return bytes.NewReader(m.b).ReadAt(b, off) }

func (m memory) Size() (int64, error) { return int64(len(m.b)), nil }

// sink is a table that wants every binding to be legal.
type sink struct {
	tally
	t *testing.T
}

func (s *sink) Put(b binding.Binding, due time.Time) {
	if !b.Prefix.IsValid() || b.Prefix != b.Prefix.Masked() || b.State < binding.Free || b.State > binding.Abandoned {
		s.t.Errorf("not a legal binding: %+v", b)
	}
	s.tally.Put(b, due)
}

func newSink(t *testing.T) *sink {
	return &sink{tally{make(map[netip.Prefix]binding.State), make(map[string]*binding.Blob)}, t}
}

func someRecord() []byte {
	x := binding.Binding{
		Prefix: netip.MustParsePrefix("192.0.2.1/32"), State: binding.Active, Client: binding.Client{ID: []byte{1, 2, 3}},
		Starts: time.Unix(1_790_000_000, 0), Expires: binding.Forever, Home: "west", Result: binding.NewBlob([]byte("result")),
		Facts: binding.StoredFacts{Shared: binding.NewBlob([]byte("facts")), Own: []byte("own")},
	}
	return appendRecord(nil, &x, maxBlob)
}

// A record that is accepted means the same when it is written and read again.
func FuzzRecord(f *testing.F) {
	f.Add(someRecord())
	f.Add([]byte{fieldPrefix, 5, 32, 192, 0, 2, 1, fieldState, 1, 2, 200, 2, 1, 1})
	f.Add([]byte{fieldPrefix, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again record
		if r.decode(b, make(names)) != nil {
			return
		}
		x := r.binding
		if err := again.decode(appendRecord(nil, &x, maxBlob), make(names)); err != nil {
			t.Fatalf("%+v is written so that it cannot be read: %v", x, err)
		}
		y := again.binding
		if x.Prefix != y.Prefix || x.State != y.State || !x.Client.Is(&y.Client) && len(x.Client.ID) > 0 || !x.Expires.Equal(y.Expires) ||
			x.Version != y.Version || x.Home != y.Home {
			t.Errorf("%+v became %+v", x, y)
		}
	})
}

// assemble makes a file of frames out of a script, with checksums that are right, and then damages it: so the reader
// sees all that checksums let through.
func assemble(script []byte) (b []byte, k block) {
	k = block{kind: fileSegment, id: ID{1}, boot: 1, number: 1, seq: 1, member: "west"}
	b = k.appendBlocks(nil)
	seq, group := uint64(1), int64(blocksSize)
	for len(script) >= 6 {
		op, n := script[:6], min(int(script[5]), len(script)-6)
		payload := script[6 : 6+n]
		script = script[6+n:]
		if op[0]&3 == 3 { // damage what is there
			if at := int(binary.LittleEndian.Uint16(op[1:])); at < len(b) {
				b[at] ^= op[3]
			}
			continue
		}
		at := len(b)
		b = append(beginFrame(b), payload...)
		h := header{kind: kind(op[0] & 7), flags: flags(op[1] & 7), seq: seq + uint64(op[2]&1), commit: uint64(op[3]), start: group}
		h.setPrefix(netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, op[4]}), 32))
		b = endFrame(b, at, k.seed(), int64(at), &h)
		seq = h.seq + 1
		if op[1]&(byte(flagEnd|flagMore)) != 0 {
			b = append(b, make([]byte, alignSector(int64(len(b)))-int64(len(b)))...)
			group = int64(len(b))
		}
	}
	return b, k
}

func script() []byte {
	r := someRecord()
	s := append([]byte{byte(kindBinding), byte(flagEnd), 0, 1, 1, byte(len(r))}, r...)
	s = append(s, append([]byte{byte(kindBlob), 0, 0, 2, 1, 5}, "facts"...)...)
	for range 2 {
		s = append(s, append([]byte{byte(kindRelationship), 0, 0, 2, 1, 10}, "\x00RELrecord"...)...)
	}
	s = append(s, append([]byte{byte(kindBinding), byte(flagEnd), 0, 2, 1, byte(len(r))}, r...)...)
	return append(s, 3, 0, 4, 1, 0, 0)
}

// Any file at all is read to its end, without panic, and gives legal bindings only.
func FuzzSegment(f *testing.F) {
	f.Add(script(), false, []byte(nil))
	f.Add(script(), true, []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, s []byte, pinned bool, rest []byte) {
		b, k := assemble(s)
		b = append(b, rest...)
		sr := segmentReader{replay: newReplay(newSink(t), func(*binding.Binding) time.Time { return time.Time{} })}
		w := walker{seed: k.seed(), off: blocksSize, limit: int64(len(b)), seq: 1, group: -1, pinned: pinned}
		w.window = window{f: memory{b: b}, size: int64(len(b)), buf: make([]byte, 0, len(b))}
		at, err := sr.read(&w, 0)
		if err != nil {
			t.Fatal(err)
		}
		if at.off < blocksSize || at.off > alignSector(int64(len(b))) {
			t.Errorf("the data end at %d of %d", at.off, len(b))
		}
	})
}

// Any snapshot at all is read to its end.
func FuzzSnapshot(f *testing.F) {
	f.Add(script(), uint64(2), []byte(nil))
	f.Fuzz(func(t *testing.T, s []byte, frames uint64, rest []byte) {
		b, k := assemble(s)
		b = append(b, rest...)
		ld := &load{snapBytes: int64(len(b))}
		ld.replay = newReplay(newSink(t), func(*binding.Binding) time.Time { return time.Time{} })
		k.frames = frames
		if err := ld.readSnapshot(memory{b: b}, &blocks{block: k}); err != nil {
			t.Fatal(err)
		}
	})
}

// The beginning of a file is read as it was written, or refused.
func FuzzBlock(f *testing.F) {
	k := block{kind: fileSegment, id: ID{1}, boot: 3, number: 9, seq: 100, priorEnd: 2048, member: "west"}
	f.Add(k.appendBlocks(nil), 7, byte(0))
	f.Fuzz(func(t *testing.T, b []byte, at int, change byte) {
		if b = bytes.Clone(b); len(b) < blocksSize {
			b = k.appendBlocks(nil)
		}
		if at = max(at, 0) % blocksSize; at < len(b) {
			b[at] ^= change
		}
		got, err := pickBlock(b, fileSegment)
		if err == nil && len(got.member) > maxMember {
			t.Error("a name is too long")
		}
	})
}

// A changed octet is found where it is, wherever it is.
func TestChangedOctetIsLocated(t *testing.T) {
	body := append(someRecord(), make([]byte, 300)...)
	body = binary.LittleEndian.AppendUint32(body, checksum(42, body))
	for at := range body {
		for _, change := range []byte{1, 0x80, 0xff, byte(at) | 1} {
			body[at] ^= change
			if got, ok := flipped(body, 42); !ok || got != at {
				t.Fatalf("octet %d of %d changed by %#x: found %d, %v", at, len(body), change, got, ok)
			}
			body[at] ^= change
		}
	}
	if _, ok := flipped(body, 42); ok {
		t.Error("a change is found where there is none")
	}
}

// A write that did not arrive does not look like a changed octet.
func TestTornSectorIsNotAChangedOctet(t *testing.T) {
	body := make([]byte, 4096)
	for i := range body {
		body[i] = byte(i*7 + i>>8)
	}
	body = binary.LittleEndian.AppendUint32(body, checksum(1, body))
	for from := 0; from < len(body); from += 8 {
		torn := bytes.Clone(body)
		clear(torn[from:min(from+sector, len(torn))])
		if at, ok := flipped(torn, 1); ok {
			t.Errorf("zeros from %d on look like a change of octet %d", from, at)
		}
	}
}

// A frame from another use of the file, or from another place, never fits, whatever its number.
func TestFramesBelongToTheirFileAndPlace(t *testing.T) {
	now := block{kind: fileSegment, id: ID{1}, boot: 4, number: 7, seq: 10, member: "west"}
	for what, other := range map[string]block{
		"an earlier opening": {kind: fileSegment, id: ID{1}, boot: 3, number: 7, seq: 10},
		"an earlier number":  {kind: fileSegment, id: ID{1}, boot: 4, number: 6, seq: 10},
		"another directory":  {kind: fileSegment, id: ID{2}, boot: 4, number: 7, seq: 10},
		"a snapshot":         {kind: fileSnapshot, id: ID{1}, boot: 4, number: 7, seq: 10},
		"another place":      now,
	} {
		place := int64(blocksSize)
		if other == now {
			place += sector
		}
		h := header{kind: kindBinding, flags: flagEnd, seq: 10, start: blocksSize}
		b := endFrame(append(beginFrame(nil), someRecord()...), 0, other.seed(), place, &h)
		if _, ok := parseHeader(b, seedAt(now.seed(), blocksSize)); ok || intact(b[headSize:], seedAt(now.seed(), blocksSize)) {
			t.Errorf("a frame of %s is accepted", what)
		}
	}
}
