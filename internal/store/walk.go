package store

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// window reads a file in large pieces.
type window struct {
	f    disk.File
	size int64 // of the file
	buf  []byte
	from int64 // of buf in the file
	// fresh returns memory for what is read next, where what was read is still in use; nil: it is read over.
	fresh func(n int) []byte
}

// moves reports whether the window is smaller than the file.
func (w *window) moves() bool { return int64(cap(w.buf)) < w.size }

// at returns n octets at off, or fewer at the end of the file. They are valid until the window moves on: never, where it
// is as large as the file.
func (w *window) at(off int64, n int) ([]byte, error) {
	if n = int(min(int64(n), w.size-off)); n <= 0 {
		return nil, nil
	}
	if off < w.from || off+int64(n) > w.from+int64(len(w.buf)) {
		if err := w.move(off, n); err != nil {
			return nil, err
		}
	}
	return w.buf[off-w.from:][:n], nil
}

func (w *window) move(off int64, n int) error {
	want := int(min(int64(max(cap(w.buf), n)), w.size-off))
	switch {
	case w.fresh != nil:
		w.buf = w.fresh(want)
	case cap(w.buf) < want:
		w.buf = make([]byte, want)
	}
	w.buf, w.from = w.buf[:want], off
	if got, err := w.f.ReadAt(w.buf, off); got < want {
		w.buf = w.buf[:0]
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read %d octets at %d: %w", want, off, err)
	}
	return nil
}

// condition says what a walker found.
type condition uint8

const (
	_        condition = iota
	whole              // a frame as it was written
	headFlip           // a frame whose header has one changed octet
	bodyFlip           // a frame whose second half has one changed octet
	bodyBad            // a frame whose second half is something else
	gap                // octets in which no frame can be read, before one that can, or before an end that is known
)

// found is one thing in a file.
type found struct {
	condition condition
	off, size int64
	head      header // what the header says, or, in a headFlip, said; zero in a gap
	body      []byte // payload, padding and checksum as they are; valid as long as the window does not move
	at        int64  // where the changed octet is, in a headFlip or bodyFlip
}

// payload returns the payload of a frame.
func (e *found) payload() []byte { return e.body[:e.head.length] }

// walker goes through the frames of one file.
type walker struct {
	window
	seed   uint32
	off    int64  // of the next frame
	limit  int64  // nothing behind it counts
	pinned bool   // all up to limit was durable once: what cannot be read there is a gap
	seq    uint64 // of the next frame
	group  int64  // where the open group began; -1 between groups
}

// next returns the next thing in the file; false at the end of what was written.
func (w *walker) next() (found, bool, error) {
	if w.off+headSize > w.limit {
		return w.ending()
	}
	b, err := w.at(w.off, headSize)
	if err != nil || len(b) < headSize {
		return found{}, false, err
	}
	s := seedAt(w.seed, w.off)
	if h, ok := parseHeader(b, s); ok && w.plausible(&h, w.off) {
		return w.frame(h)
	}
	if h, at, ok := flippedHeader(b, s); ok && w.plausible(&h, w.off) && h.seq == w.seq && h.start == w.expectedGroup() {
		e := found{condition: headFlip, off: w.off, size: h.size(), head: h, at: w.off + int64(at)}
		if e.body, err = w.at(w.off+headSize, int(e.size-headSize)); err != nil {
			return found{}, false, err
		}
		w.pass(&h)
		return e, true, nil
	}
	return w.skip()
}

// plausible reports whether a header can stand at off.
func (w *walker) plausible(h *header, off int64) bool {
	return h.seq >= w.seq && h.start <= off && h.start%sector == 0 && off+h.size() <= w.limit
}

func (w *walker) expectedGroup() int64 {
	if w.group < 0 {
		return w.off
	}
	return w.group
}

// frame returns the frame whose header h is intact.
func (w *walker) frame(h header) (found, bool, error) {
	e := found{condition: whole, off: w.off, size: h.size(), head: h}
	body, err := w.at(w.off+headSize, int(e.size-headSize))
	if err != nil {
		return found{}, false, err
	}
	e.body = body
	if s := seedAt(w.seed, w.off); !intact(body, s) {
		e.condition = bodyBad
		if at, ok := flipped(body, s); ok {
			e.condition, e.at = bodyFlip, w.off+headSize+int64(at)
		}
	}
	w.pass(&h)
	return e, true, nil
}

// pass moves behind the frame at off.
func (w *walker) pass(h *header) {
	w.off += h.size()
	w.seq, w.group = h.seq+1, h.start
	if h.flags&(flagEnd|flagMore) != 0 {
		w.off, w.group = alignSector(w.off), -1
	}
}

// skip looks for the next header that can be read.
func (w *walker) skip() (found, bool, error) {
	const piece = 64 << 10
	for from := w.off + align; from+headSize <= w.limit; from += piece {
		b, err := w.at(from, int(min(piece+headSize-align, w.limit-from)))
		if err != nil {
			return found{}, false, err
		}
		for i := 0; i+headSize <= len(b); i += align {
			if binary.LittleEndian.Uint16(b[i:]) != frameMagic {
				continue
			}
			off := from + int64(i)
			if h, ok := parseHeader(b[i:i+headSize], seedAt(w.seed, off)); ok && w.plausible(&h, off) {
				return w.gapTo(off)
			}
		}
	}
	return w.ending()
}

func (w *walker) gapTo(off int64) (found, bool, error) {
	e := found{condition: gap, off: w.off, size: off - w.off}
	body, err := w.at(w.off, int(min(e.size, headSize+maxPayload)))
	if err != nil {
		return found{}, false, err
	}
	e.body = body
	w.off = off
	return e, true, nil
}

// ending returns the gap before an end that is known, or the end.
func (w *walker) ending() (found, bool, error) {
	if w.pinned && w.off < w.limit {
		return w.gapTo(w.limit)
	}
	return found{}, false, nil
}

// lostPayload returns the payload of a frame that has lost its header and whose remains begin at e.body; nil if it
// cannot be read either. Padding may follow the payload.
func (e *found) lostPayload(seed uint32) []byte {
	if len(e.body) < headSize+trailSize || len(e.body) > headSize+2*maxBlob {
		return nil
	}
	body, s := e.body[headSize:], seedAt(seed, e.off)
	for tries := sector / align; tries > 0 && len(body) >= align; tries-- {
		if intact(body, s) {
			return body[:len(body)-trailSize]
		}
		if binary.LittleEndian.Uint64(body[len(body)-align:]) != 0 {
			return nil // not the zeros that fill a group's last sector
		}
		body = body[:len(body)-align]
	}
	return nil
}

// lastFrame returns where the last frame ends that can be read, for a segment whose successor is missing.
func (w *walker) lastFrame() int64 {
	probe := *w
	probe.pinned = false
	end := probe.off
	for {
		e, ok, err := probe.next()
		if !ok || err != nil {
			return end
		}
		end = e.off + e.size
	}
}
