package logbook

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// copied returns what is in a book.
func copied(t *testing.T, b *Book) (all []Page) {
	t.Helper()
	if err := b.Read(func(p Page) { all = append(all, p) }); err != nil {
		t.Fatal(err)
	}
	return all
}

func same(a, b Page) bool {
	return a.Run == b.Run && a.First == b.First && a.Count == b.Count && a.Kind == b.Kind && bytes.Equal(a.Body, b.Body)
}

func numbered(n int) Page {
	return Page{Run: 7, First: uint64(n), Count: 1, Kind: 2, Body: fmt.Appendf(nil, "entry %d%s", n, bytes.Repeat([]byte{'.'}, n%90))}
}

func write(t *testing.T, b *Book, from, until int) {
	t.Helper()
	for n := from; n < until; n++ {
		p := numbered(n)
		if err := b.Append(&p); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// What is written is read again by whoever comes later, and the two files have no more octets than was said, and nobody but the owner may read
// them.
func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	const most = 20_000
	next := 0
	for range 30 {
		b := New(dir, "book", most)
		all := copied(t, b)
		for i := range all {
			if want := numbered(next - len(all) + i); !same(all[i], want) {
				t.Fatalf("page %d of %d is %+v, expected %+v", i, len(all), all[i], want)
			}
		}
		if next > 300 && len(all) < 80 {
			t.Errorf("%d pages of %d are left", len(all), next)
		}
		write(t, b, next, next+37)
		next += 37
		var size int64
		for _, name := range []string{"book", "book.1"} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				continue
			}
			if size += info.Size(); info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", name, info.Mode())
			}
		}
		if size > most {
			t.Fatalf("%d octets", size)
		}
	}
}

// Wherever the end is torn off, what is whole before it is read, and what is added behind it is, too.
func TestATornEndIsCut(t *testing.T) {
	dir := t.TempDir()
	b := New(dir, "book", 1<<20)
	write(t, b, 0, 20)
	path := filepath.Join(dir, "book")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		torn := whole[:cut:cut]
		if cut%2 == 1 {
			torn = append(torn, make([]byte, 300)...) // a length that was written before what it is the length of
		}
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		b := New(dir, "book", 1<<20)
		n := len(copied(t, b))
		write(t, b, n, n+1)
		for i, p := range copied(t, New(dir, "book", 1<<20)) {
			if i > n || !same(p, numbered(i)) {
				t.Fatalf("cut at %d: %+v", cut, p)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Size() > int64(cut)+200 {
			t.Fatalf("cut at %d: %v octets, %v", cut, info.Size(), err)
		}
	}
}

// Of a book in which octets rot only those pages are lost in which they are.
func TestRotCostsNoMoreThanItsPages(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	write(t, New(dir, "book", 1<<20), 0, 100)
	path := filepath.Join(dir, "book")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		rotten := slices.Clone(whole)
		hits := 1 + r.IntN(4)
		for range hits {
			rotten[r.IntN(len(rotten))] ^= 1 << r.IntN(8)
		}
		if err := os.WriteFile(path, rotten, 0o600); err != nil {
			t.Fatal(err)
		}
		all := copied(t, New(dir, "book", 1<<20))
		if len(all) < 100-hits {
			t.Fatalf("seed %d: %d octets are rotten, and %d pages are left", seed, hits, len(all))
		}
		for _, p := range all {
			if !same(p, numbered(int(p.First))) {
				t.Fatalf("seed %d: %+v", seed, p)
			}
		}
	}
}

// What is no file of ours is set aside, and the book begins anew.
func TestWhatCannotBeReadIsSetAside(t *testing.T) {
	dir := t.TempDir()
	for name, put := range map[string]func(path string) error{
		"link": func(p string) error { return os.Symlink("elsewhere", p) },
		"open": func(p string) error { return os.WriteFile(p, nil, 0o644) },
		"room": func(p string) error { return os.Mkdir(p, 0o700) },
	} {
		path := filepath.Join(dir, name)
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		if name == "open" {
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b := New(dir, name, 1<<20)
		if err := b.Read(func(Page) {}); err == nil {
			t.Errorf("%s: it was read", name)
		}
		write(t, b, 0, 3)
		if n := len(copied(t, New(dir, name, 1<<20))); n != 3 {
			t.Errorf("%s: %d pages", name, n)
		}
		if _, err := os.Lstat(path + aside); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "elsewhere")); err == nil {
		t.Error("a link was followed")
	}
}

// A page that could not be written is not in the book, and the next one is.
func TestAfterAnErrorTheBookGoesOn(t *testing.T) {
	dir := t.TempDir()
	b := New(dir, "book", 1<<20)
	write(t, b, 0, 3)
	part := numbered(3)
	if f, err := os.OpenFile(filepath.Join(dir, "book"), os.O_WRONLY|os.O_APPEND, 0); err != nil {
		t.Fatal(err)
	} else if _, err := f.Write(part.append(nil)[:50]); err != nil || f.Close() != nil { // as a write leaves it that ended early
		t.Fatal(err)
	}
	if err := b.Append(&Page{Body: make([]byte, MaxBody+1)}); err == nil {
		t.Error("a page that is too long was written")
	}
	write(t, b, 3, 5)
	var got []uint64
	for _, p := range copied(t, New(dir, "book", 1<<20)) {
		got = append(got, p.First)
	}
	if !slices.Equal(got, []uint64{0, 1, 2, 3, 4}) {
		t.Errorf("%v", got)
	}
}

// However hostile a file is, reading it takes a time that grows with its length alone.
func TestReadingIsBounded(t *testing.T) {
	liar := (&Page{Body: make([]byte, MaxBody)}).append(nil)[:headSize] // a head that is whole, of a page that is not
	for name, b := range map[string][]byte{
		"heads":   bytes.Repeat(liar, 6<<20/len(liar)),
		"marks":   bytes.Repeat(mark, 6<<20/len(mark)),
		"nothing": make([]byte, 6<<20),
	} {
		begun := time.Now()
		if end := pagesIn(b, func(Page) { t.Error("a page") }); end != 0 {
			t.Errorf("%s: end %d", name, end)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

// FuzzPages: whatever the octets, pages lie in them, in their order, and the end of the last is the end that is said; read again up to there
// they are the same.
func FuzzPages(f *testing.F) {
	var three []byte
	for n := range 3 {
		p := numbered(n)
		three = p.append(three)
	}
	f.Add(three)
	f.Add(append(slices.Clone(three[:50]), three...))
	f.Add(three[:len(three)-1])
	f.Add(append(append(slices.Clone(three), mark...), make([]byte, 100)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var all []Page
		end := pagesIn(b, func(p Page) { all = append(all, p) })
		if end > len(b) || (end == 0) != (len(all) == 0) {
			t.Fatalf("end %d, %d pages", end, len(all))
		}
		var again []Page
		if e := pagesIn(b[:end], func(p Page) { again = append(again, p) }); e != end || !slices.EqualFunc(all, again, same) {
			t.Fatalf("%v and %v, end %d and %d", all, again, end, e)
		}
		var text []byte
		for i := range all {
			text = all[i].append(text)
		}
		again = again[:0]
		if e := pagesIn(text, func(p Page) { again = append(again, p) }); e != len(text) || !slices.EqualFunc(all, again, same) {
			t.Fatalf("written again they are %v", again)
		}
	})
}
