package store

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// Format is the version of everything in the directory. A directory with a higher one is refused. Those with format 1, which
// knew of no partner, 2, which kept the relationship beside the journal, and 3, which kept no versions of the configuration,
// are read, and get this one with the first opening.
const Format = 4

// ID tells one data directory from every other. It is random.
type ID [16]byte

// String returns the identifier in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

type fileKind uint8

const (
	_            fileKind = iota
	fileIdentity          // whose directory it is
	fileSegment           // a part of the journal
	fileSnapshot          // all bindings as they were at one place of the journal
	fileHead              // the adopted version of the configuration
	_                     // was the relationship, in format 2
	fileVersions          // the versions of the configuration
)

// block is what every file begins with, twice, each copy in a sector of its own.
type block struct {
	kind   fileKind
	id     ID
	boot   uint64 // how often the directory had been opened for writing
	number uint64 // segment: its number. snapshot: the first segment to be replayed over it
	seq    uint64 // segment: of its first frame. snapshot: of the first frame that may be newer than it
	// priorEnd is where the data of the segment before ends: what stands behind it there was never acknowledged.
	priorEnd int64
	// commit: of a snapshot, the last commit that is in it; of the identity, the number of the frame of versions before which all
	// were durable.
	commit uint64
	frames uint64 // snapshot: how many it has
	length uint64 // head: octets of its document. versions: octets of the file when it was made
	member binding.Member
}

const (
	blockMagic = "LESSOR\r\n" // the line end shows a transfer that took the file for text
	blocksSize = 2 * sector   // where data begins
	maxMember  = 255
)

// seed is what the checksums of this file's frames begin with.
func (k *block) seed() uint32 {
	var b [41]byte
	b[0] = byte(k.kind)
	copy(b[1:], k.id[:])
	binary.LittleEndian.PutUint64(b[17:], k.boot)
	binary.LittleEndian.PutUint64(b[25:], k.number)
	binary.LittleEndian.PutUint64(b[33:], k.seq)
	return checksum(0, b[:])
}

// appendBlocks appends both copies.
func (k *block) appendBlocks(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, blockMagic...)
	le := binary.LittleEndian
	dst = le.AppendUint16(dst, Format)
	dst = append(dst, byte(k.kind), 0)
	dst = le.AppendUint32(dst, 0)
	dst = append(dst, k.id[:]...)
	for _, v := range [...]uint64{k.boot, k.number, k.seq, uint64(k.priorEnd), k.commit, k.frames, k.length} {
		dst = le.AppendUint64(dst, v)
	}
	dst = append(append(dst, byte(len(k.member))), k.member...)
	for len(dst)-at < sector-4 {
		dst = append(dst, 0)
	}
	dst = le.AppendUint32(dst, checksum(0, dst[at:]))
	return append(dst, dst[at:]...)
}

// errNoBlock says that a sector holds no block that can be read.
var errNoBlock = errors.New("unreadable")

// NewerFormat says that a later version of Lessor wrote the directory.
type NewerFormat struct{ Format int }

func (e *NewerFormat) Error() string {
	return fmt.Sprintf("written in format %d by a newer Lessor; this one knows formats up to %d. "+
		"Start that newer version again: there is no way back", e.Format, Format)
}

// parseBlock reads one copy. The error is errNoBlock or *NewerFormat.
func parseBlock(b []byte) (block, error) {
	le := binary.LittleEndian
	if len(b) < sector || !bytes.HasPrefix(b, []byte(blockMagic)) || checksum(0, b[:sector-4]) != le.Uint32(b[sector-4:]) {
		return block{}, errNoBlock
	}
	// The magic, the format and the checksum stay where they are in all formats.
	if f := le.Uint16(b[8:]); f > Format {
		return block{}, &NewerFormat{Format: int(f)}
	}
	k := block{kind: fileKind(b[10]), id: ID(b[16:32])}
	v := b[32:]
	for _, p := range [...]*uint64{&k.boot, &k.number, &k.seq} {
		*p, v = le.Uint64(v), v[8:]
	}
	k.priorEnd, v = int64(le.Uint64(v)), v[8:]
	for _, p := range [...]*uint64{&k.commit, &k.frames, &k.length} {
		*p, v = le.Uint64(v), v[8:]
	}
	k.member = binding.Member(v[1 : 1+int(v[0])])
	return k, nil
}

// blocks is what was found at the beginning of a file.
type blocks struct {
	block
	copy  int  // which of the two it is, 0 or 1
	lost  int  // the copy that was unreadable, counted from 1; 0 if none
	blank bool // both copies are zeros: a file that was never used
}

// readBlocks reads both copies and returns the newer one that is readable. The error is errNoBlock if none is,
// *NewerFormat, or one of reading.
func readBlocks(f disk.File, want fileKind) (blocks, error) {
	var raw [blocksSize]byte
	if n, err := f.ReadAt(raw[:], 0); n < len(raw) {
		if size, e := f.Size(); e != nil || size >= blocksSize {
			return blocks{}, fmt.Errorf("read: %w", err)
		}
		return blocks{}, errNoBlock
	}
	return pickBlock(raw[:], want)
}

func pickBlock(raw []byte, want fileKind) (blocks, error) {
	first, err1 := parseBlock(raw[:sector])
	second, err2 := parseBlock(raw[sector:blocksSize])
	var newer *NewerFormat
	if errors.As(err1, &newer) || errors.As(err2, &newer) {
		return blocks{}, newer
	}
	ok1, ok2 := err1 == nil && first.kind == want, err2 == nil && second.kind == want
	blank1, blank2 := blankSector(raw[:sector]), blankSector(raw[sector:blocksSize])
	switch {
	case !ok1 && !ok2:
		return blocks{blank: blank1 && blank2}, errNoBlock
	case !ok1 && blank1:
		return blocks{block: second, copy: 1}, nil // a crash between the two
	case !ok1:
		return blocks{block: second, copy: 1, lost: 1}, nil
	case !ok2 && blank2:
		return blocks{block: first}, nil
	case !ok2:
		return blocks{block: first, lost: 2}, nil
	case second.number > first.number || second.boot > first.boot:
		return blocks{block: second, copy: 1}, nil // a crash between the two; the other is from an earlier use of the file
	}
	return blocks{block: first}, nil
}

func blankSector(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
