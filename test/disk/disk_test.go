package disk

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// syncDir makes the names in a directory durable.
func syncDir(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(dir)
	must(t, err)
	must(t, f.Sync(), f.Close())
}

// write writes at a place of a file that may be there, and makes it durable if told to.
func write(t *testing.T, name string, at int64, text string, sync bool) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	_, err = f.WriteAt([]byte(text), at)
	must(t, err)
	if sync {
		must(t, syscall.Fdatasync(int(f.Fd())))
	}
	must(t, f.Close())
}

// tree tells what is in a directory: names and what the files say.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		switch {
		case err != nil || name == ".":
		case e.IsDir():
			all = append(all, name+"/")
		case e.Type().IsRegular():
			b, err := os.ReadFile(path)
			must(t, err)
			all = append(all, name+"="+string(b))
		}
		return err
	}))
	slices.Sort(all)
	return strings.Join(all, " ")
}

// A cut takes back what was not synced, and nothing else.
func TestACutForgetsWhatWasNotSynced(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		do   func(t *testing.T, dir string)
		want string
	}{
		"nothing":            {func(*testing.T, string) {}, "old=0123456789"},
		"written":            {func(t *testing.T, dir string) { write(t, dir+"/old", 3, "xxxxxxxxxxxx", false) }, "old=0123456789"},
		"written and synced": {func(t *testing.T, dir string) { write(t, dir+"/old", 3, "xxx", true) }, "old=012xxx6789"},
		"written, synced and written": {func(t *testing.T, dir string) {
			write(t, dir+"/old", 3, "xxx", true)
			write(t, dir+"/old", 4, "yyyyyyyyy", false)
			write(t, dir+"/old", 0, "zz", false)
		}, "old=012xxx6789"},
		"cut short":   {func(t *testing.T, dir string) { must(t, os.Truncate(dir+"/old", 2)) }, "old=0123456789"},
		"overwritten": {func(t *testing.T, dir string) { must(t, os.WriteFile(dir+"/old", []byte("new"), 0o600)) }, "old=0123456789"},
		"made":        {func(t *testing.T, dir string) { write(t, dir+"/new", 0, "new", true) }, "old=0123456789"},
		"made, and its directory synced": {func(t *testing.T, dir string) {
			write(t, dir+"/new", 0, "new", true)
			syncDir(t, dir)
		}, "new=new old=0123456789"},
		"its directory synced alone": {func(t *testing.T, dir string) {
			write(t, dir+"/new", 0, "new", false)
			syncDir(t, dir)
		}, "new= old=0123456789"},
		"renamed": {func(t *testing.T, dir string) { must(t, os.Rename(dir+"/old", dir+"/new")) }, "old=0123456789"},
		"replaced": {func(t *testing.T, dir string) {
			write(t, dir+"/new", 0, "new", true)
			must(t, os.Rename(dir+"/new", dir+"/old"))
		}, "old=0123456789"},
		"replaced durably": {func(t *testing.T, dir string) {
			write(t, dir+"/new", 0, "new", true)
			must(t, os.Rename(dir+"/new", dir+"/old"))
			syncDir(t, dir)
		}, "old=new"},
		"removed":         {func(t *testing.T, dir string) { must(t, os.Remove(dir+"/old")) }, "old=0123456789"},
		"removed durably": {func(t *testing.T, dir string) { must(t, os.Remove(dir+"/old")); syncDir(t, dir) }, ""},
		"a directory": {func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir+"/sub", 0o700))
			write(t, dir+"/sub/x", 0, "x", true)
		}, "old=0123456789"},
		"a directory, durably": {func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir+"/sub", 0o700))
			syncDir(t, dir)
			write(t, dir+"/sub/x", 0, "x", true)
			syncDir(t, dir+"/sub")
			write(t, dir+"/sub/y", 0, "y", true)
		}, "old=0123456789 sub/ sub/x=x"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := world.New(t).Path("disk")
			must(t, os.Mkdir(dir, 0o700), os.WriteFile(dir+"/old", []byte("0123456789"), 0o600))
			d := Over(t, dir)
			c.do(t, dir)
			d.Cut(func() {})
			if err := os.WriteFile(dir+"/late", nil, 0o600); err == nil {
				t.Error("without power a file is made")
			}
			d.Restore(t)
			if got := tree(t, dir); got != c.want {
				t.Errorf("there is %q, want %q", got, c.want)
			}
			write(t, dir+"/after", 0, "after", true) // it is a disk as any
			syncDir(t, dir)
			d.Cut(func() {})
			d.Restore(t)
			if b, err := os.ReadFile(dir + "/after"); string(b) != "after" {
				t.Errorf("after the second cut there is %q, %v", b, err)
			}
		})
	}
}

// What the disk is told to do to syncs, it does.
func TestTheDiskDoesWhatItIsTold(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	d := Over(t, w.Path("disk"))
	f, err := os.Create(d.Dir + "/file")
	must(t, err)
	defer f.Close()
	waits := func(f func() error) error {
		done := make(chan error, 1)
		go func() { done <- f() }()
		w.Eventually(10*time.Second, "it waits", func() bool { return slices.Equal(d.Held(), []string{"file"}) })
		select {
		case err := <-done:
			t.Errorf("the disk stands still, and it is done: %v", err)
		default:
		}
		d.Go()
		return <-done
	}
	put := func() error { _, err := f.WriteAt([]byte("x"), 0); return err }
	d.Stand()
	must(t, put(), waits(f.Sync))
	d.Freeze()
	must(t, waits(put))
	d.Freeze()
	d.Fail(1)
	if f.Sync() == nil {
		t.Error("a sync that was to fail while the disk stands still did not")
	}
	d.Go()
	d.Fail(1)
	if f.Sync() == nil {
		t.Error("a sync that was to fail did not")
	}
	must(t, f.Sync(), put())
	d.Lie()
	must(t, f.Sync())
	d.Cut(func() {})
	if n := d.Restore(t); n == 0 {
		t.Error("a disk that lies has forgotten nothing")
	}
}
