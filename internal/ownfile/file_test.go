package ownfile

import (
	"os"
	"path/filepath"
	"testing"
)

// What is written is read again, and what others may read, is too large, no file, or a link where none may be, is refused.
func TestFilesOfTheOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, text := range []string{"first", "second"} {
		if err := Write(at("a"), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := Read(at("a"), 6); err != nil || string(b) != text {
			t.Errorf("%q, %v", b, err)
		}
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	if _, err := Read(at("a"), 5); err == nil {
		t.Error("a file that is too large was read")
	}
	if err := os.Symlink("a", at("link")); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(at("link"), 6); err == nil {
		t.Error("a link was followed")
	}
	if b, err := ReadLinked(at("link"), 6); err != nil || string(b) != "second" {
		t.Errorf("a link was not followed: %q, %v", b, err)
	}
	if _, err := Read(dir, 6); err == nil {
		t.Error("a directory was read")
	}
	if err := os.Chmod(at("a"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, read := range []func(string, int64) ([]byte, error){Read, ReadLinked} {
		if _, err := read(at("a"), 6); err == nil {
			t.Error("a file that others may read was read")
		}
	}
}
