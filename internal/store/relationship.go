package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// The relationship's record is what failover keeps beside the bindings. It stands in the journal among them, so that what
// it says of them is never on the disk before they are, nor they before it: the order of the frames is the order of the decisions.
//
// It is written twice, in two frames one behind the other, since losing it costs more than losing a binding: a server
// without it answers nobody until it has recovered from its partner.
const (
	maxRelationship = 64 << 10

	firstCopy, secondCopy = 1, 2 // in header.bits
)

// relationMark begins the payload, so that it is known for what it is without its header, and never taken for a binding: tag 0
// ends a record before it has begun.
var relationMark = []byte{0, 'R', 'E', 'L'}

// Relationship returns a copy of the newest record of the relationship that is durable; false if none was ever Put, or if it was
// lost, which Recovery says.
func (s *Store) Relationship() ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.relationship), len(s.relationship) > 0
}

// PutRelationship adds commit n's record of the relationship, which takes the place of the one before. What was Put before
// it, in this batch or an earlier one, is durable when it is; it may change after the call. Numbers must not descend. PutRelationship panics if the
// record is empty, or longer than 64 KiB or a segment has room for.
func (b *Batch) PutRelationship(n uint64, record []byte) {
	s := b.store
	if err := s.fits(record); err != nil {
		panic(err.Error())
	}
	for which := uint8(firstCopy); which <= secondCopy; which++ {
		if p := &s.plan; p.offset == 0 || p.offset+int64(relationSize(len(record))) > s.cfg.SegmentSize {
			b.turn()
		}
		at := b.begin()
		b.buf = append(append(b.buf, relationMark...), record...)
		b.relation = [2]int{len(b.buf) - len(record), len(b.buf)}
		b.h = header{kind: kindRelationship, commit: n, bits: which}
		b.finish(at)
	}
	s.plan.relationship = append(s.plan.relationship[:0], record...)
	b.count++
}

// relationSize returns what a frame with a record of n octets takes.
func relationSize(n int) int { return frameSize(len(relationMark) + n) }

// fits returns why the record cannot be stored, nil if it can.
func (s *Store) fits(record []byte) error {
	if n := len(record); n == 0 || n > maxRelationship || blocksSize+relationSize(n) > int(s.cfg.SegmentSize) {
		return fmt.Errorf("store: a relationship's record of %d octets", n)
	}
	return nil
}

// keepRelationship takes note that the record of a batch is durable.
func (s *Store) keepRelationship(b *Batch) {
	if b.relation[1] == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.relationship = append(s.relationship[:0], b.buf[b.relation[0]:b.relation[1]]...)
}

// SetRelationship stores the record durably, as a commit of its own, in a store that was loaded and that nobody else uses.
func (s *Store) SetRelationship(record []byte) error {
	if err := s.fits(record); err != nil {
		return err
	}
	if err := s.Dead(); err != nil {
		return err
	}
	if !s.loaded {
		return errors.New("store: not loaded yet")
	}
	b := s.Begin()
	b.PutRelationship(s.plan.commit+1, record)
	return s.Commit(b)
}

// relation is what a replay knows of the relationship's record.
type relation struct {
	record []byte // the newest that could be read
	lost   bool   // one that was written later cannot be
	behind uint64 // number of the frame behind a first copy that could be read: the second one's; 0 if the last frame read is none
	damage []int  // of copies that cannot be read, while no later one was

	// hole is one frame that was lost without a trace, in front of frame number holeEnd, with its damage.
	holeEnd uint64
	hole    int
}

// relationship brings in a copy of the record that is as it was written.
func (r *replay) relationship(e *found) {
	x := &r.relation
	record, ok := bytes.CutPrefix(e.payload(), relationMark)
	if !ok || len(record) == 0 || e.head.bits < firstCopy || e.head.bits > secondCopy {
		r.relationLost(e, e.head.seq, "it is not the record of a relationship")
		return
	}
	if e.head.bits == secondCopy && x.holeEnd == e.head.seq && e.head.seq > 0 {
		r.res.Unknown-- // it was the first copy
		r.res.Damaged[x.hole].Kind = CopyLost
		x.holeEnd = 0
	}
	if e.head.bits == firstCopy {
		x.behind = e.head.seq + 1
	}
	if e.head.seq < r.since {
		return // the snapshot has it, or a newer one
	}
	for _, i := range x.damage {
		r.res.Damaged[i].Superseded = true
	}
	x.record, x.lost, x.damage = append(x.record[:0], record...), false, x.damage[:0]
}

// relationLost notes a copy of the record that cannot be read, in the frame of that number.
func (r *replay) relationLost(e *found, seq uint64, why string) {
	x := &r.relation
	if x.behind == seq && seq > 0 {
		r.damageSeq(e, CopyLost, noPrefix, seq, why)
		return
	}
	r.damageSeq(e, RelationshipLost, noPrefix, seq, why)
	if seq >= r.since {
		x.lost, x.damage = true, append(x.damage, len(r.res.Damaged)-1)
	}
}

// newestRelationship returns the record, nil if there is none, and says in the recovery if there was one that must not be relied
// on: a newer one was lost, or may have been, or bindings were that it goes with.
func (r *replay) newestRelationship() []byte {
	x := &r.relation
	r.res.RelationshipLost = x.lost || len(x.record) > 0 && r.res.Unknown > 0
	if r.res.RelationshipLost || len(x.record) == 0 {
		return nil
	}
	return x.record
}
