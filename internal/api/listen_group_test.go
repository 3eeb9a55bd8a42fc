package api

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The group's socket is for the group whatever the umask, replaces what a dead server left, and takes nobody's file away.
func TestTheGroupsSocket(t *testing.T) {
	before := syscall.Umask(0o077)
	defer syscall.Umask(before)
	dir := t.TempDir()
	for range 2 {
		l, err := ListenForGroup(dir)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(SocketIn(dir))
		if err != nil || info.Mode().Perm() != 0o660 {
			t.Fatalf("%v, %v", info.Mode(), err)
		}
		defer l.Close() // the second replaces the first, which is as dead as a server that was killed
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, SocketName), []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := ListenForGroup(other); err == nil {
		l.Close()
		t.Fatal("a file was replaced")
	}
}
