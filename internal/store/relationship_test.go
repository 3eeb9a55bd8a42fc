package store_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

func TestTheRelationshipIsKept(t *testing.T) {
	fs := memfs.New(0)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	if _, ok := s.Relationship(); ok {
		t.Error("there is a relationship before any was stored")
	}
	if s.SetRelationship(nil) == nil || s.SetRelationship(make([]byte, 2<<20)) == nil {
		t.Error("a record of no length, or of any, was stored")
	}
	for _, record := range []string{"first", "a longer second"} {
		if err := s.SetRelationship([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.SetRelationship([]byte("late")); err == nil {
		t.Error("a closed store took a record")
	}
	s, _, rec := mustOpen(t, goldenConfig(fs))
	if got, ok := s.Relationship(); !ok || string(got) != "a longer second" || len(rec.Damaged) > 0 {
		t.Errorf("%q, %v, %v", got, ok, rec.Damaged)
	}
}

// Any single octet of the file may rot: the record is as it was, and the damage is said.
func TestARottenRelationshipIsReadOrRefused(t *testing.T) {
	fs := memfs.New(0)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	want := []byte("what both know")
	if err := s.SetRelationship(want); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	n := len(fs.Content("relationship"))
	for at := range n {
		rotten := fs.Clone()
		rotten.Content("relationship")[at] ^= 0x10
		s, _, rec := mustOpen(t, goldenConfig(rotten))
		got, ok := s.Relationship()
		if !ok || !bytes.Equal(got, want) || len(rec.Damaged) != 1 {
			t.Errorf("octet %d: %q, %v, damage %v", at, got, ok, rec.Damaged)
		}
		if err := errors.Join(s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []int{1024, 1024 + len(want) + 4} {
		fs.Content("relationship")[at] ^= 1
	}
	s, _, rec := mustOpen(t, goldenConfig(fs))
	if got, ok := s.Relationship(); ok || len(rec.Damaged) != 1 {
		t.Errorf("both copies damaged: %q, %v", got, rec.Damaged)
	}
}
