package store

import (
	"encoding/binary"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// A version's payload is the sum of its pieces (sumOf) and, for each piece, its place divided by align and its length.
const (
	versionFixed = 16
	pieceEntry   = 8
)

// read returns a version's octets, or at least so many of them. The caller holds mu.
func (v *versions) read(p versionPlace, octets int) ([]byte, error) {
	r := versionReader{f: v.file, seed: v.seed, end: v.end}
	return r.version(p, octets)
}

// versionReader reads versions out of a file of them.
type versionReader struct {
	f    disk.File // nil: it was closed
	seed uint32
	end  int64
}

// version returns a version's octets, or at least so many of them, or why it cannot be read. All of them are as they were
// written.
func (r *versionReader) version(p versionPlace, octets int) ([]byte, error) {
	list, err := r.list(p)
	if err != nil {
		return nil, err
	}
	total, few := 0, 0
	for few < len(list) && total < octets {
		total += int(list[few].n)
		few++
	}
	if total > MaxVersion {
		return nil, fmt.Errorf("%w: its length is more than %d", errVersionRotten, MaxVersion)
	}
	b := make([]byte, 0, total)
	for _, e := range list[:few] {
		piece, err := r.frame(kindBlob, int64(e.at)*align, int64(frameSize(int(e.n))))
		if err != nil {
			return nil, err
		}
		b = append(b, piece.payload()...)
	}
	return b, nil
}

// list returns where the pieces of a version are.
func (r *versionReader) list(p versionPlace) ([]piecePlace, error) {
	e, err := r.frame(kindVersion, int64(p.at)*align, int64(p.size))
	if err != nil {
		return nil, err
	}
	list, ok := piecesOf(e.payload())
	if !ok || e.head.name != p.id {
		return nil, fmt.Errorf("%w: octet %d of the file", errVersionRotten, e.off)
	}
	return list, nil
}

// piecesOf returns what the payload of a version's frame says.
func piecesOf(payload []byte) ([]piecePlace, bool) {
	if len(payload) < versionFixed+pieceEntry || (len(payload)-versionFixed)%pieceEntry != 0 {
		return nil, false
	}
	b := payload[versionFixed:]
	list := make([]piecePlace, 0, len(b)/pieceEntry)
	for ; len(b) > 0; b = b[pieceEntry:] {
		e := piecePlace{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}
		if e.n == 0 || e.n > maxPiece {
			return nil, false
		}
		list = append(list, e)
	}
	return list, true
}

// frame reads the frame of size octets at off.
func (r *versionReader) frame(want kind, off, size int64) (found, error) {
	if r.f == nil {
		return found{}, ErrClosed
	}
	e := found{condition: whole, off: off, size: size}
	if off < blocksSize || off+size > r.end {
		return e, fmt.Errorf("%w: octet %d of the file", errVersionRotten, off)
	}
	b := make([]byte, size)
	if n, err := r.f.ReadAt(b, off); n < len(b) {
		return e, fmt.Errorf("read the versions of the configuration: %w", err)
	}
	s := seedAt(r.seed, off)
	h, ok := parseHeader(b[:headSize], s)
	if !ok || h.kind != want || h.size() != size || !intact(b[headSize:], s) {
		return e, fmt.Errorf("%w: octet %d of the file", errVersionRotten, off)
	}
	e.head, e.body = h, b[headSize:]
	return e, nil
}
