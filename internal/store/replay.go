package store

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// replay brings what was read from disk into a table, and keeps the books of what could not be read.
type replay struct {
	table Table
	due   func(*binding.Binding) time.Time
	res   *Recovery
	blobs map[binding.Digest]*binding.Blob
	names names
	lost  map[netip.Prefix][]int // damages of records that no later record has superseded

	relation relation
	clock    uint32 // the latest time that a frame says

	audit bool // look closer than serving needs, and write nothing

	file    string // being read
	segment uint64
	// since is the number of the first frame that is not in the snapshot for certain. What is lost before it is not
	// missed.
	since uint64
}

// apply brings in one thing that is known to have been durable.
func (r *replay) apply(x *reading) {
	e := &x.found
	if e.condition != gap {
		r.noteTime(e.head.at)
		r.res.Records++
		r.res.Commit = max(r.res.Commit, e.head.commit)
	}
	switch e.condition {
	case whole:
		r.frame(x)
	case headFlip:
		r.losing(e, fmt.Sprintf("the octet at %d, in the frame's header, changed", e.at))
	case bodyFlip:
		r.losing(e, fmt.Sprintf("the octet at %d changed", e.at))
	case bodyBad:
		r.losing(e, "the checksum is wrong")
	}
}

// noteTime notes that the server's clock had come to a time.
func (r *replay) noteTime(at uint32) {
	r.clock = max(r.clock, at)
	if t := time.Unix(int64(at), 0).UTC(); at != 0 && t.After(r.res.Latest) {
		r.res.Latest = t
	}
}

// frame brings in a frame that is as it was written.
func (r *replay) frame(x *reading) {
	e := &x.found
	switch e.head.kind {
	case kindBlob:
		if r.audit && binding.DigestOf(e.payload()) != e.head.digest() {
			r.losing(e, "its name is not that of its content")
			return
		}
		r.blobs[e.head.digest()] = r.table.Intern(e.payload())
	case kindBinding:
		r.binding(x)
	case kindRelationship:
		r.relationship(e)
	}
}

// binding brings in the frame of a binding.
func (r *replay) binding(x *reading) {
	e := &x.found
	if e.head.seq < r.since {
		return // the snapshot has it, or something newer
	}
	if x.bad != nil {
		r.losing(e, x.bad.Error())
		return
	}
	if p := e.head.prefix(); p != x.rec.binding.Prefix {
		r.losing(e, fmt.Sprintf("its two halves are about different addresses, %v and %v", p, x.rec.binding.Prefix))
		return
	}
	r.put(e, &x.rec)
}

// put brings a decoded record into the table.
func (r *replay) put(e *found, rec *record) {
	x := &rec.binding
	r.supersede(x.Prefix)
	x.Facts.Shared = r.find(e, x.Prefix, rec.shared, "facts")
	x.Result = r.find(e, x.Prefix, rec.result, "result")
	x.Reasons = r.find(e, x.Prefix, rec.reasons, "reasons")
	for _, t := range [...]time.Time{x.CLTT, x.Changed} {
		if e.head.at == 0 && t.After(r.res.Latest) { // from before a batch said its time
			r.res.Latest = t
		}
	}
	r.table.Put(*x, r.due(x))
}

// find returns the blob of that name; nil, and a damage, if it cannot be read.
func (r *replay) find(e *found, p netip.Prefix, d binding.Digest, what string) *binding.Blob {
	if d.IsZero() {
		return nil
	}
	if b, ok := r.blobs[d]; ok {
		return b
	}
	r.damage(e, PartMissing, p, "its "+what+" cannot be read")
	return nil
}

// losing notes a frame of which at least the header is known.
func (r *replay) losing(e *found, why string) {
	switch e.head.kind {
	case kindBinding:
		p := e.head.prefix()
		r.damage(e, RecordLost, p, why)
		if !p.IsValid() && e.head.seq >= r.since {
			r.res.Unknown++
		}
	case kindBlob:
		r.damage(e, BlobLost, netip.Prefix{}, why)
	case kindRelationship:
		r.relationLost(e, e.head.seq, why)
	default:
		r.damage(e, CopyLost, netip.Prefix{}, why)
	}
}

// missing notes the n frames, numbered from first, that were lost with the octets of e.
func (r *replay) missing(e *found, seed uint32, first, n uint64) {
	if n == 1 {
		switch p, k := r.remains(e, seed); k {
		case kindBinding:
			r.damageSeq(e, RecordLost, p, first, "the frame's header is unreadable")
			return
		case kindBlob:
			r.damageSeq(e, BlobLost, p, first, "the frame's header is unreadable")
			return
		case kindRelationship:
			r.relationLost(e, first, "the frame's header is unreadable")
			return
		}
		if first == r.relation.behind && first > 0 {
			r.relationLost(e, first, "the second copy of the relationship's record is unreadable")
			return
		}
	}
	if first+n > r.since {
		r.res.Unknown += first + n - max(first, r.since)
		if n == 1 {
			r.relation.holeEnd, r.relation.hole = first+1, len(r.res.Damaged)
		}
	}
	r.damageSeq(e, RecordLost, netip.Prefix{}, first+n-1, fmt.Sprintf("%d octets are unreadable, and with them %d frames", e.size, n))
}

// remains returns what a frame without header was, if its second half is intact, and which address it is about; kind 0
// if that cannot be told.
func (r *replay) remains(e *found, seed uint32) (netip.Prefix, kind) {
	payload := e.lostPayload(seed)
	if payload == nil {
		return netip.Prefix{}, 0
	}
	if bytes.HasPrefix(payload, relationMark) {
		return netip.Prefix{}, kindRelationship
	}
	var rec record
	if rec.decode(payload, r.names) != nil {
		return netip.Prefix{}, kindBlob
	}
	return rec.binding.Prefix, kindBinding
}

// noPrefix is the prefix of what is not about a binding.
var noPrefix netip.Prefix

func (r *replay) damage(e *found, k DamageKind, p netip.Prefix, why string) {
	r.damageSeq(e, k, p, e.head.seq, why)
}

func (r *replay) damageSeq(e *found, k DamageKind, p netip.Prefix, seq uint64, why string) {
	d := Damage{Kind: k, File: r.file, Segment: r.segment, Offset: e.off, Prefix: p, Why: why, Superseded: seq < r.since}
	r.res.Damaged = append(r.res.Damaged, d)
	if p.IsValid() && !d.Superseded {
		r.lost[p] = append(r.lost[p], len(r.res.Damaged)-1)
	}
}

// supersede marks the damages of p, since a later record of it was read.
func (r *replay) supersede(p netip.Prefix) {
	if len(r.lost) == 0 {
		return
	}
	for _, i := range r.lost[p] {
		r.res.Damaged[i].Superseded = true
	}
	delete(r.lost, p)
}
