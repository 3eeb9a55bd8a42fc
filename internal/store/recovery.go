package store

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Recovery is what Load found.
type Recovery struct {
	New      bool      // the directory was empty
	Clean    bool      // the server was closed in good order
	Boot     uint64    // how often the directory has been opened, this time included
	Commit   uint64    // the highest number of a commit; the next one must be higher
	Latest   time.Time // how far the server's clock had come: what Batch.At said last or, where it did not, the latest time of a transaction or change of state
	Bindings int       // in the table
	Records  int       // read from snapshot and journal
	Segments int       // of the journal that were read
	Tail     Tail      // what was cut off
	// Damaged is what was lost or was unreadable, in the order in which it was found.
	Damaged []Damage
	// Unknown is how many records were lost of which not even the address could be read. If it is not zero, any binding
	// in the table may be older than what its client was told.
	Unknown uint64
	// RelationshipLost says that there was a record of the relationship, but not one that can be relied on: a newer one is
	// damaged, or Unknown is not zero. The server is then one that has lost its store.
	RelationshipLost bool
	// VersionsLost says that there were versions of the configuration, and that they are damaged or gone: there are none now, and no state
	// of them. The file is kept until the next ones are stored, and then under another name.
	VersionsLost bool
}

// Quarantine returns the prefixes whose newest record was lost, in ascending order. What the table has for them, if
// anything, is older than what was told to a client.
func (r *Recovery) Quarantine() []netip.Prefix {
	var ps []netip.Prefix
	for _, d := range r.Damaged {
		if d.Kind == RecordLost && d.Prefix.IsValid() && !d.Superseded {
			ps = append(ps, d.Prefix)
		}
	}
	slices.SortFunc(ps, netip.Prefix.Compare)
	return slices.Compact(ps)
}

// Tail is the remains of a batch that a crash interrupted. Nobody was told of anything in it.
type Tail struct {
	Segment uint64
	Offset  int64  // where it begins in the segment's file
	Bytes   int64  // from there to the end of the last frame that can be read; 0: no tail was cut
	Frames  int    // that can be read
	Why     string // what is missing
}

func (t Tail) String() string {
	if t.Bytes == 0 {
		return "none"
	}
	return fmt.Sprintf("segment %d, offset %d: %d octets, %d readable frames: %s", t.Segment, t.Offset, t.Bytes, t.Frames, t.Why)
}

// DamageKind says what a damage means for the bindings.
type DamageKind uint8

const (
	_ DamageKind = iota
	// RecordLost is a change of a binding that cannot be read. Without Prefix it is among Recovery.Unknown.
	RecordLost
	// BlobLost is octets that bindings share; those that miss them are reported as PartMissing.
	BlobLost
	// PartMissing is a binding that was loaded without its facts, its result or its reasons.
	PartMissing
	// CopyLost is something that was there twice, or is not needed to serve. Nothing of a binding was lost.
	CopyLost
	// RelationshipLost is a record of the failover relationship that cannot be read; of the newest one unless Superseded.
	RelationshipLost
	// VersionLost is something of the versions of the configuration, or of the state that goes with them, that cannot be read.
	VersionLost
)

var damageNames = [...]string{
	RecordLost: "record lost", BlobLost: "shared octets lost", PartMissing: "part missing", CopyLost: "copy lost",
	RelationshipLost: "relationship lost", VersionLost: "versions lost",
}

func (k DamageKind) String() string {
	if int(k) < len(damageNames) && k != 0 {
		return damageNames[k]
	}
	return "unknown"
}

// Damage is one place on the disk that is not as it was written.
type Damage struct {
	Kind    DamageKind
	File    string
	Segment uint64 // of the journal; 0 in other files
	Offset  int64  // in the file
	// Prefix is the binding that was lost or lacks a part; invalid if it is not known, or none.
	Prefix netip.Prefix
	// Superseded says that a later record of the same prefix, or of the relationship, was read.
	Superseded bool
	Why        string
}

func (d Damage) String() string {
	s := fmt.Sprintf("%s, offset %d: %v", d.File, d.Offset, d.Kind)
	if d.Segment != 0 {
		s = fmt.Sprintf("%s (segment %d), offset %d: %v", d.File, d.Segment, d.Offset, d.Kind)
	}
	if d.Prefix.IsValid() {
		s += " of " + d.Prefix.String()
	}
	s += ": " + d.Why
	if d.Superseded {
		s += " (a later record was read)"
	}
	return s
}
