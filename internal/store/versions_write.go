package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// versionWriter lays out one group of frames, and writes it piece by piece.
type versionWriter struct {
	fs      disk.FS
	f       disk.File
	seed    uint32
	group   int64 // where the group begins
	off     int64 // of the next frame
	seq     uint64
	buf     []byte // what stands before off and is not written yet
	reserve int64  // octets that must be left free on the file system
	behind  int64  // octets that were written and not synced
	err     error  // after the first one nothing is written
}

// maxBehind is how much is written between two syncs. A group is durable with its last frame; before that a sync only keeps the
// disk free for the journal's.
const maxBehind = 4 << 20

// maxVersions is how long the file may get: places in it are numbers of 32 bits that count eight octets each.
const maxVersions = 1<<35 - 1<<20

// frame adds a frame and returns its place.
func (w *versionWriter) frame(h header, payload []byte) (at uint32) {
	h.seq, h.start = w.seq, w.group
	from := len(w.buf)
	w.buf = append(beginFrame(w.buf), payload...)
	w.buf = endFrame(w.buf, from, w.seed, w.off, &h)
	at = uint32(w.off / align)
	w.off += int64(len(w.buf) - from)
	w.seq++
	if w.off > maxVersions && w.err == nil {
		w.err = fmt.Errorf("a history of more than %d GiB does not fit", maxVersions>>30)
	}
	if len(w.buf) >= maxPayload {
		w.flush()
	}
	return at
}

// flush writes what is laid out, as long as it leaves enough free for the journal: leases go before versions.
func (w *versionWriter) flush() {
	if w.err != nil {
		w.buf = w.buf[:0]
		return
	}
	n := int64(len(w.buf))
	if free, err := w.fs.Free(); err == nil && w.reserve > 0 && free < n+w.reserve {
		w.err = syscall.ENOSPC
	} else {
		_, w.err = w.f.WriteAt(w.buf, w.off-n)
	}
	w.buf = w.buf[:0]
	if w.behind += n; w.behind >= maxBehind && w.err == nil {
		w.sync()
	}
}

func (w *versionWriter) sync() {
	w.err, w.behind = w.f.Datasync(), 0
}

// finish completes the group, writes the rest of it, and makes it durable.
func (w *versionWriter) finish() error {
	for w.off%sector != 0 {
		w.buf = append(w.buf, 0)
		w.off++
	}
	if w.flush(); w.err == nil {
		w.sync()
	}
	return w.err
}

// composer puts versions into a group: what is in the file already, and what is new in it.
type composer struct {
	versionWriter
	old *versionTable // in the same file, before the group
	add versionTable
}

// version adds a version, unless it is there already as it is.
func (c *composer) version(r *VersionRecord) {
	payload := make([]byte, versionFixed, versionFixed+pieceEntry*(1+len(r.Bytes)/minPiece))
	var names []binding.Digest
	for b := r.Bytes; len(b) > 0 && c.err == nil; {
		n := firstPiece(b)
		d := binding.DigestOf(b[:n])
		e := c.piece(d, b[:n])
		payload = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(payload, e.at), e.n)
		names, b = append(names, d), b[n:]
	}
	sum := sumOf(names)
	if c.has(r.ID, sum) {
		return
	}
	copy(payload, sum[:])
	c.list(r.ID, sum, payload)
}

// list adds the frame of a version.
func (c *composer) list(id [16]byte, sum binding.Digest, payload []byte) {
	at := c.frame(header{kind: kindVersion, name: id}, payload)
	c.add.put(versionPlace{id, sum, at, uint32(frameSize(len(payload)))})
}

// piece adds a piece that the file does not have yet.
func (c *composer) piece(d binding.Digest, b []byte) piecePlace {
	if p, ok := c.add.pieces[d]; ok {
		return p
	}
	if p, ok := c.old.pieces[d]; ok {
		return p
	}
	p := piecePlace{c.frame(header{kind: kindBlob, name: d}, b), uint32(len(b))}
	c.add.piece(d, p)
	return p
}

// has reports whether the newest version of that name is this one.
func (c *composer) has(id [16]byte, sum binding.Digest) bool {
	for _, t := range [...]*versionTable{&c.add, c.old} {
		if i, ok := t.index[id]; ok {
			return t.order[i].sum == sum
		}
	}
	return false
}

// end adds the state, whose second copy completes the group, and makes it durable.
func (c *composer) end(state []byte) error {
	c.add.state = state
	c.frame(header{kind: kindState, bits: firstCopy}, state)
	c.frame(header{kind: kindState, bits: secondCopy, flags: flagEnd}, state)
	return c.finish()
}

// extendVersions writes behind what is there.
func (s *Store) extendVersions(all []VersionRecord, state []byte) error {
	v := &s.versions
	if err := v.wipe(); err != nil {
		return err
	}
	c := composer{old: &v.table, add: newVersionTable()}
	c.versionWriter = versionWriter{fs: s.fs, f: v.file, seed: v.seed, group: v.end, off: v.end, seq: v.seq}
	if len(all) > 0 {
		c.reserve = s.cfg.SegmentSize
	}
	for i := range all {
		c.version(&all[i])
	}
	if c.err == nil && len(c.add.order) == 0 && string(state) == string(v.table.state) {
		return nil // it is durable already
	}
	err := c.end(state)
	v.seq = c.seq
	if err != nil {
		v.remains = true
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.table.adopt(&c.add)
	v.end, v.dirty = c.off, true
	s.versionsMark.Store(c.seq)
	return nil
}

// wipe puts zeros in place of what an attempt that failed has left, durably. What is written next may differ from that in a single
// octet, and a sector of it that does not arrive would look like rot. After a sync that failed nobody knows what is on the disk of
// what it was to bring there; all of that is written once more here.
func (v *versions) wipe() error {
	if !v.remains {
		return nil
	}
	size, err := v.file.Size()
	if err != nil {
		return err
	}
	zeros := make([]byte, maxPayload)
	for at := v.end; at < size; at += int64(len(zeros)) {
		if _, err := v.file.WriteAt(zeros[:min(size-at, int64(len(zeros)))], at); err != nil {
			return err
		}
	}
	if err := v.file.Datasync(); err != nil {
		return err
	}
	v.remains = false
	return nil
}

// remakeVersions writes a new file with all that is needed of the old one and with what is new, and puts it in its place.
// A damaged one is kept under another name.
func (s *Store) remakeVersions(all []VersionRecord, state []byte) error {
	v := &s.versions
	f, err := s.fs.Open(versionsName+tempSuffix, disk.Create)
	if err != nil {
		return err
	}
	c, err := s.composeVersions(f, all, state)
	if err == nil {
		err = s.replaceVersions()
	} else {
		_ = s.fs.Remove(versionsName + tempSuffix)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	v.mu.Lock()
	old := v.file
	v.file, v.seed, v.end, v.table = f, c.seed, c.off, c.add
	v.lost, v.adrift, v.remains, v.patient, v.dirty = false, false, false, 0, true
	v.mu.Unlock()
	if old != nil {
		_ = old.Close() // it has no name any more
	}
	s.versionsMark.Store(c.seq)
	s.noteVersions()
	return nil
}

// composeVersions writes all that a new file has in it, durably.
func (s *Store) composeVersions(f disk.File, all []VersionRecord, state []byte) (*composer, error) {
	v, none := &s.versions, newVersionTable()
	v.made++
	k := block{kind: fileVersions, id: s.id, boot: s.boot, number: v.made, seq: v.seq, member: s.cfg.Member}
	c := &composer{old: &none, add: newVersionTable()}
	c.versionWriter = versionWriter{fs: s.fs, f: f, seed: k.seed(), group: blocksSize, off: blocksSize, seq: v.seq}
	if len(all) > 0 || v.end > maxWaste {
		c.reserve = s.cfg.SegmentSize
	}
	err := c.copyAll(v)
	for i := range all {
		c.version(&all[i])
	}
	if err == nil {
		err = c.end(state)
	}
	v.seq = c.seq
	if err != nil {
		return nil, err
	}
	k.length = uint64(c.off)
	if _, err := f.WriteAt(k.appendBlocks(nil), 0); err != nil {
		return nil, err
	}
	return c, f.Datasync()
}

// replaceVersions gives the new file its name.
func (s *Store) replaceVersions() error {
	v := &s.versions
	if v.lost {
		if err := s.fs.Rename(versionsName, damagedName); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	v.adrift = true // until the directory is synced nobody knows which file has the name
	if err := s.fs.Rename(versionsName+tempSuffix, versionsName); err != nil {
		return err
	}
	return s.fs.SyncDir()
}

// copyAll copies everything that is needed of the file as it is.
func (c *composer) copyAll(v *versions) error {
	if v.file == nil || v.lost {
		return nil
	}
	moved := make(map[uint32]uint32, len(v.table.pieces))
	w := walker{seed: v.seed, off: blocksSize, limit: v.end, pinned: true, group: blocksSize}
	w.window = window{f: v.file, size: v.end, buf: make([]byte, 0, 2<<20)}
	for c.err == nil {
		e, ok, err := w.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		d := e.head.digest()
		if e.head.kind != kindBlob || int64(v.table.pieces[d].at)*align != e.off {
			continue
		}
		if e.condition != whole {
			return fmt.Errorf("%w: octet %d of the file", errVersionRotten, e.off)
		}
		moved[uint32(e.off/align)] = c.piece(d, e.payload()).at
	}
	r := versionReader{f: v.file, seed: v.seed, end: v.end}
	for _, p := range v.table.order {
		if err := c.copyVersion(&r, p, moved); err != nil {
			return err
		}
	}
	return c.err
}

// copyVersion copies the frame of a version whose pieces were moved.
func (c *composer) copyVersion(r *versionReader, p versionPlace, moved map[uint32]uint32) error {
	list, err := r.list(p)
	if err != nil {
		return err
	}
	payload := append(make([]byte, 0, versionFixed+pieceEntry*len(list)), p.sum[:]...)
	for _, e := range list {
		at, ok := moved[e.at]
		if !ok {
			return fmt.Errorf("%w: octet %d of the file", errVersionRotten, int64(e.at)*align)
		}
		payload = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(payload, at), e.n)
	}
	c.list(p.id, p.sum, payload)
	return nil
}

// noteVersions keeps in the identity how far the versions are durable, so that a file that ends before, or is gone, is
// known to be damaged. That it failed changes nothing: it only helps to find a loss.
func (s *Store) noteVersions() {
	s.identifying.Lock()
	defer s.identifying.Unlock()
	if s.writeIdentity() == nil {
		s.versions.dirty = false
	}
}
