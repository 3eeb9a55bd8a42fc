package store

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// Report is what Check found.
type Report struct {
	Dir      string
	Member   binding.Member // whose directory it is
	ID       ID
	Format   int
	Running  bool // a server has it open, so the end of the journal may have moved while it was read
	PID      int  // of that server; 0 if unknown
	Recovery      // what a server would find; Boot is how often the directory has been opened so far
	States   map[binding.State]int
	// Blobs and BlobBytes are the octets that bindings share.
	Blobs, BlobBytes int
	// Relationship is how many octets the newest record of the failover relationship has; 0 if there is none.
	Relationship  int
	JournalBytes  int64 // of all files of the journal, spares included
	SnapshotBytes int64
	Spares        int         // files of the journal that wait to be used
	Head          *HeadRecord // the adopted configuration; nil if none
	// Versions is how many versions of the configuration there are, VersionsBytes the length of their file, and VersionState that of
	// the state that goes with them. They are 0 where VersionsLost.
	Versions      int
	VersionsBytes int64
	VersionState  int
	// Problems are what is wrong beside the damage, one sentence each, with what to do.
	Problems []string
}

// OK reports whether nothing is wrong: no damage, no problem. A tail that was cut is not wrong.
func (r *Report) OK() bool { return len(r.Damaged) == 0 && r.Unknown == 0 && len(r.Problems) == 0 }

// Check reads everything in a data directory as a server does at its start, and more closely: every frame, the name of
// every blob, every reference to one. It changes nothing. A server may be using the directory meanwhile; what looks
// damaged then is looked at again. The error is like Open's.
func Check(dir string) (Report, error) { return CheckFS(disk.Dir(dir), dir) }

// CheckFS is Check for any file system. dir names it in the report.
func CheckFS(from disk.FS, dir string) (Report, error) {
	for tries := 1; ; tries++ {
		r, err := checkOnce(from, dir)
		if !r.Running || tries == 3 || err == nil && r.OK() {
			return r, err
		}
	}
}

func checkOnce(from disk.FS, dir string) (Report, error) {
	r := Report{Dir: dir, Format: Format, States: make(map[binding.State]int)}
	r.PID, r.Running = from.Locked(lockName)
	if err := r.check(from); err != nil {
		return r, fmt.Errorf("data directory %s: %w", dir, err)
	}
	return r, nil
}

func (r *Report) check(from disk.FS) error {
	infos, err := from.ReadDir()
	if err != nil {
		return err
	}
	k, err := readIdentity(from)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no file %q: this is not a data directory of Lessor", identityName)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", identityName, err)
	}
	r.Member, r.ID = k.member, k.id
	v, err := lookAround(from, infos)
	if err != nil {
		return err
	}
	if k.lost != 0 {
		v.notes = append(v.notes, identityLost(k.lost))
	}
	r.modes(infos)
	if h, err := readHead(from, r.ID); err == nil {
		r.Head = &h
	} else if !errors.Is(err, fs.ErrNotExist) {
		v.notes = append(v.notes, Damage{Kind: CopyLost, File: headName, Why: err.Error()})
	}
	if err := r.versions(from, &v, k.commit); err != nil {
		return fmt.Errorf("%s: %w", versionsName, err)
	}
	return r.read(from, v, k.block)
}

// modes notes files that others may read.
func (r *Report) modes(infos []disk.Info) {
	for _, i := range infos {
		if i.Mode.IsRegular() && i.Mode.Perm()&0o077 != 0 {
			e := TooOpen{Name: filepath.Join(r.Dir, i.Name), Mode: i.Mode.Perm(), Want: 0o600}
			r.Problems = append(r.Problems, e.Error())
		}
	}
}

// read reads all bindings.
func (r *Report) read(from disk.FS, v survey, k block) error {
	t := &tally{states: make(map[netip.Prefix]binding.State), blobs: make(map[string]*binding.Blob)}
	ld := &load{fs: from, id: r.ID, slots: v.slots}
	ld.replay = newReplay(t, func(*binding.Binding) time.Time { return time.Time{} })
	ld.audit = true
	ld.res.Boot, ld.mark = k.boot, k.seq
	ld.known(v.notes)
	for name, sl := range v.slots {
		r.JournalBytes += sl.size
		if sl.number > 0 && sl.id != r.ID {
			r.Problems = append(r.Problems, fmt.Sprintf("%s is from another directory (%v, not %v); move it away", name, sl.id, r.ID))
			delete(ld.slots, name)
		}
	}
	err := ld.run()
	r.Relationship = len(ld.newestRelationship())
	r.Recovery = *ld.res
	r.SnapshotBytes, r.Spares = ld.snapBytes, len(ld.spares)
	for _, s := range t.states {
		r.States[s]++
	}
	r.Blobs = len(t.blobs)
	for _, b := range t.blobs {
		r.BlobBytes += len(b.Bytes)
	}
	return err
}

// String returns the report for a person.
func (r *Report) String() string {
	var b strings.Builder
	line := func(key, format string, args ...any) {
		fmt.Fprintf(&b, "%-14s %s\n", key+":", fmt.Sprintf(format, args...))
	}
	line("directory", "%s", r.Dir)
	line("server", "%s (identifier %v, format %d, opened %s)", r.Member, r.ID, r.Format, times(r.Boot))
	if r.Running {
		line("in use", "by process %d; the end of the journal may have moved during the check", r.PID)
	}
	line("bindings", "%d%s", r.Bindings, r.counts())
	line("shared", "%d facts, results and reasons, %d octets", r.Blobs, r.BlobBytes)
	line("relationship", "%s", r.relationship())
	line("versions", "%s", r.history())
	line("snapshot", "%d octets", r.SnapshotBytes)
	line("journal", "%d octets: %s in use, %d spare; last commit %d", r.JournalBytes, some(r.Segments, "segment"), r.Spares, r.Commit)
	if r.Head != nil {
		line("configuration", "%v, adopted %s", r.Head.Digest, r.Head.Since.Format(time.RFC3339))
	}
	line("cut off", "%v", r.Tail)
	for _, d := range r.Damaged {
		line("damage", "%v", d)
	}
	if r.Unknown > 0 {
		line("lost", "%s of which not even the address can be read", some(int(r.Unknown), "record"))
	}
	for _, p := range r.Problems {
		line("problem", "%s", p)
	}
	verdict := "all is well"
	if !r.OK() {
		verdict = fmt.Sprintf("%s, %s to be withheld, %s", some(len(r.Damaged), "damage"), some(len(r.Quarantine()), "address"), some(len(r.Problems), "problem"))
	}
	line("verdict", "%s", verdict)
	return b.String()
}

// times says how often something happened.
func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// some says how many of a thing there are.
func some(n int, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "s"):
		thing += "e"
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (r *Report) relationship() string {
	switch {
	case r.RelationshipLost:
		return "lost: its newest record cannot be read; the server recovers from its partner"
	case r.Relationship == 0:
		return "none"
	}
	return fmt.Sprintf("a record of %d octets", r.Relationship)
}

func (r *Report) history() string {
	switch {
	case r.VersionsLost:
		return "lost: the history of the configuration is damaged; the server asks its partner for it, or begins with its file"
	case r.Versions == 0 && r.VersionState == 0:
		return "none"
	}
	return fmt.Sprintf("%d, a state of %d octets; %d octets on the disk", r.Versions, r.VersionState, r.VersionsBytes)
}

func (r *Report) counts() string {
	var parts []string
	for s := binding.Free; s <= binding.Abandoned; s++ {
		if n := r.States[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %v", n, s))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// tally is a table that only counts.
type tally struct {
	states map[netip.Prefix]binding.State
	blobs  map[string]*binding.Blob
}

func (t *tally) Put(b binding.Binding, _ time.Time) { t.states[b.Prefix] = b.State }

func (t *tally) Intern(b []byte) *binding.Blob {
	if v, ok := t.blobs[string(b)]; ok {
		return v
	}
	v := binding.NewBlob([]byte(string(b)))
	t.blobs[string(v.Bytes)] = v
	return v
}

func (t *tally) Scan(uint64, int, func(*binding.Binding) bool) (uint64, bool) { return 0, true }

func (t *tally) Len() int { return len(t.states) }
