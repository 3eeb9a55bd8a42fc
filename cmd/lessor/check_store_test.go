package main

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// aStore returns a data directory with n leases, as a server leaves it behind.
func aStore(t *testing.T, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := store.Open(store.Config{Dir: dir, Member: "west"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(binding.NewTable(), func(*binding.Binding) time.Time { return time.Time{} }); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		b := s.Begin()
		b.Put(uint64(i+1), &binding.Binding{
			Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 32), State: binding.Active,
			Client: binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, byte(i + 1)})},
			Starts: noon, Expires: noon.Add(time.Hour), CLTT: noon, Changed: noon, Home: "west", Cause: binding.Granted,
		})
		if err := s.Commit(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutVersions([]store.VersionRecord{{ID: [16]byte{1}, Bytes: []byte("the root")}}, []byte("the head is the root")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCheckStoreOfAGoodDirectory(t *testing.T) {
	dir := aStore(t, 3)
	got := lessor(t, "check-store", dir)
	if got.code != exitDone || !strings.Contains(got.out, "3 active") || !strings.Contains(got.out, "all is well") {
		t.Errorf("got %d\n%s%s", got.code, got.out, got.err)
	}
	got = lessor(t, "check-store", dir, "--json")
	var a audit
	if err := json.Unmarshal([]byte(got.out), &a); err != nil || got.code != exitDone {
		t.Fatalf("got %d %s: %v", got.code, got.out, err)
	}
	if !a.OK || a.Bindings != 3 || a.States["active"] != 3 || a.Server != "west" || a.Versions != 1 || a.VersionsBytes == 0 || a.VersionsLost || a.Damaged == nil || a.Withheld == nil || a.Problems == nil {
		t.Errorf("got %s", got.out)
	}
}

func TestCheckStoreNamesTheAddressOfAFlippedOctet(t *testing.T) {
	dir := aStore(t, 3)
	hit := false
	files, err := filepath.Glob(filepath.Join(dir, "journal-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.LastIndex(b, []byte{2, 0, 0, 0, 0, 2}); i >= 0 { // the hardware address of 10.0.0.2
			b[i] ^= 0x40
			hit = true
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !hit {
		t.Fatal("the record to damage was not found")
	}
	got := lessor(t, "check-store", dir)
	if got.code != exitNo || !strings.Contains(got.out, "10.0.0.2") || strings.Contains(got.out, "all is well") {
		t.Errorf("got %d\n%s%s", got.code, got.out, got.err)
	}
	got = lessor(t, "check-store", dir, "--json")
	if got.code != exitNo || !strings.Contains(got.out, `"withheld":["10.0.0.2/32"]`) {
		t.Errorf("got %d\n%s%s", got.code, got.out, got.err)
	}
}

func TestCheckStoreOfSomethingElse(t *testing.T) {
	if got := lessor(t, "check-store", t.TempDir()); got.code != exitNo || !strings.Contains(got.err, "not a data directory") {
		t.Errorf("got %+v", got)
	}
	if got := lessor(t, "check-store", filepath.Join(t.TempDir(), "absent")); got.code != exitNo || got.err == "" {
		t.Errorf("got %+v", got)
	}
}
