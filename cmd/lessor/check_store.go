package main

import (
	"bufio"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/store"
)

type checkStoreCommand struct {
	Dir  string `arg:"" type:"path" complete:"directory" help:"The data directory."`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

func (checkStoreCommand) Help() string {
	return `Reads every record, its checksums and what it refers to, and says what is damaged and what that means. It may run beside the server that uses the directory. The exit code is 1 if anything is wrong; the unfinished end that a crash leaves behind is not.

Example:

  lessor check-store /var/lib/lessor`
}

// Run audits the directory.
func (x checkStoreCommand) Run(c *console) error {
	r, err := store.Check(x.Dir)
	if err != nil {
		return err
	}
	if x.JSON {
		err = c.json(auditOf(&r))
	} else {
		err = c.buffered(func(w *bufio.Writer) error {
			writeLines(w, "", r.String())
			return nil
		})
	}
	if err == nil && !r.OK() {
		err = errNo
	}
	return err
}

// audit is a store.Report as JSON.
type audit struct {
	OK      bool           `json:"ok"`
	Dir     string         `json:"dir"`
	Server  binding.Member `json:"server"`
	ID      string         `json:"id"`
	Format  int            `json:"format"`
	Running bool           `json:"running"` // a server has it open
	PID     int            `json:"pid,omitempty"`
	Opened  uint64         `json:"opened"` // how often
	Config  *auditConfig   `json:"config"` // null: none was ever adopted

	Bindings      int            `json:"bindings"`
	States        map[string]int `json:"states"`
	Commit        uint64         `json:"commit"`
	Records       int            `json:"records"`
	Segments      int            `json:"segments"`
	Spares        int            `json:"spares"`
	JournalBytes  int64          `json:"journal_bytes"`
	SnapshotBytes int64          `json:"snapshot_bytes"`

	RelationshipBytes int  `json:"relationship_bytes"` // of the failover relationship's newest record; 0: none
	RelationshipLost  bool `json:"relationship_lost"`  // there was one that cannot be relied on: the server recovers from its partner

	Versions      int   `json:"versions"`       // of the configuration
	VersionsBytes int64 `json:"versions_bytes"` // that they take on the disk
	VersionsLost  bool  `json:"versions_lost"`  // there were some that cannot be relied on

	Cut      *auditCut      `json:"cut"` // the end that a crash left unfinished; null: none
	Damaged  []auditDamage  `json:"damaged"`
	Withheld []netip.Prefix `json:"withheld"` // what a server will give to nobody for a while
	Unknown  uint64         `json:"unknown"`  // records lost of which not even the address can be read
	Problems []string       `json:"problems"`
}

type auditConfig struct {
	Head  string       `json:"head"`
	Since node.Instant `json:"since"`
}

type auditCut struct {
	Segment uint64 `json:"segment"`
	Offset  int64  `json:"offset"`
	Bytes   int64  `json:"bytes"`
	Why     string `json:"why"`
}

type auditDamage struct {
	Kind       string       `json:"kind"`
	File       string       `json:"file"`
	Segment    uint64       `json:"segment"`
	Offset     int64        `json:"offset"`
	Address    netip.Prefix `json:"address,omitzero"`
	Superseded bool         `json:"superseded"` // a later record of the address was read: nothing was lost
	Why        string       `json:"why"`
}

func auditOf(r *store.Report) audit {
	a := audit{
		OK: r.OK(), Dir: r.Dir, Server: r.Member, ID: r.ID.String(), Format: r.Format, Running: r.Running, PID: r.PID, Opened: r.Boot,
		Bindings: r.Bindings, States: map[string]int{}, Commit: r.Commit, Records: r.Records, Segments: r.Segments, Spares: r.Spares,
		JournalBytes: r.JournalBytes, SnapshotBytes: r.SnapshotBytes, RelationshipBytes: r.Relationship, RelationshipLost: r.RelationshipLost,
		Versions: r.Versions, VersionsBytes: r.VersionsBytes, VersionsLost: r.VersionsLost,
		Damaged: []auditDamage{}, Withheld: append([]netip.Prefix{}, r.Quarantine()...), Unknown: r.Unknown,
		Problems: append([]string{}, r.Problems...),
	}
	if r.Head != nil {
		a.Config = &auditConfig{r.Head.Digest.String(), node.At(r.Head.Since)}
	}
	for s, n := range r.States {
		a.States[s.String()] = n
	}
	if r.Tail.Bytes > 0 {
		a.Cut = &auditCut{r.Tail.Segment, r.Tail.Offset, r.Tail.Bytes, r.Tail.Why}
	}
	for _, d := range r.Damaged {
		a.Damaged = append(a.Damaged, auditDamage{d.Kind.String(), d.File, d.Segment, d.Offset, d.Prefix, d.Superseded, d.Why})
	}
	return a
}
