package pair

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// rotRecords changes an octet in each copy of the relationship's record that a stopped server has, and returns in how many.
func rotRecords(t *testing.T, m *world.Member, most int) (n int) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(m.Data, "journal-*"))
	files = append(files, filepath.Join(m.Data, "snapshot"))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for at := 0; n < most; n++ {
			i := bytes.Index(b[at:], []byte("\x00REL"))
			if i < 0 {
				break
			}
			at += i + 4
			b[at+8] ^= 0x20
		}
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// A server that cannot read what it knew of its relationship any more is one that has lost its store: it recovers from the other
// one, which serves meanwhile, and no client is wronged. One copy of the record is enough to go on at once.
func TestARottenRelationshipIsRecovered(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.served()
	if err := f.West.Stop(15 * time.Second); err != nil {
		t.Fatalf("west ended: %v\n%s", err, f.West.Log())
	}
	if rotRecords(t, f.West, 1) != 1 {
		t.Fatal("no record is in the store")
	}
	f.West.Begin(true)
	f.Normal(20 * time.Second)
	if strings.Contains(f.West.Log(), "RECOVER-WAIT") {
		t.Error("the record has another copy, but west recovers")
	}

	if err := f.West.Stop(15 * time.Second); err != nil {
		t.Fatalf("west ended: %v", err)
	}
	if n := rotRecords(t, f.West, 1<<20); n < 2 {
		t.Fatalf("%d copies of the record are in the store", n)
	}
	f.West.Begin(true)
	f.West.Becomes(20*time.Second, "RECOVER", "RECOVER-WAIT")
	f.served()
	f.Normal(60 * time.Second)
	if wrongs := f.ledger.Wrongs(); len(wrongs) > 0 {
		t.Fatalf("a client was wronged: %v", wrongs)
	}
	f.still()
	f.Converged(20 * time.Second)
}
