package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func openTrail(t *testing.T, dir string) *Trail {
	t.Helper()
	trail, err := OpenTrail(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trail.Close() })
	return trail
}

func appendTo(t *testing.T, trail *Trail, n int) {
	t.Helper()
	for i := range n {
		r := By(root, "config apply", fmt.Sprint("n", i))
		r.Time, r.Outcome, r.Request = noon, Done, json.RawMessage(`{"a": "ü\u202e"}`)
		if _, err := trail.Append(r); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t *testing.T, dir string) Verdict {
	t.Helper()
	v, err := Verify(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatIsAppendedIsReadAgainAfterARestart(t *testing.T) {
	dir := t.TempDir()
	trail := openTrail(t, dir)
	appendTo(t, trail, 3)
	trail.Close()
	trail = openTrail(t, dir)
	appendTo(t, trail, 2)
	var seen []uint64
	if err := trail.Read(Query{After: 1}, func(r Record) error {
		seen = append(seen, r.Seq)
		if r.Who != "root" || r.Role != "administrator" || r.From != FromSocket || r.What != "config apply" || !r.Time.Equal(noon) || string(r.Request) != `{"a":"ü\u202e"}` && string(r.Request) != `{"a":"\u00fc\u202e"}` {
			t.Errorf("got %+v", r)
		}
		return nil
	}); err != nil || fmt.Sprint(seen) != "[2 3 4 5]" {
		t.Errorf("got %v, %v", seen, err)
	}
	if v := verify(t, dir); v.Records != 5 || v.First != 1 || v.Last != 5 || len(v.Wrong) != 0 {
		t.Errorf("got %+v", v)
	}
	if info, err := os.Stat(filepath.Join(dir, TrailName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestNoCharacterOfALineSteersATerminal(t *testing.T) {
	dir := t.TempDir()
	trail := openTrail(t, dir)
	r := By(Identity{Name: "\x1b[2J\u009b", Role: Viewer}, "x", "\u202e\U0001f642\x7f\n\u2028")
	r.Detail = strings.Repeat("\x00ü", 5000)
	if _, err := trail.Append(r); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, TrailName))
	if err != nil || bytes.ContainsFunc(b[:len(b)-1], func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		t.Errorf("%q, %v", b, err)
	}
	trail.Read(Query{}, func(got Record) error {
		if got.Who != r.Who || got.Object != r.Object || len(got.Detail) > maxDetail+3 {
			t.Errorf("came back as %+v", got)
		}
		return nil
	})
	if v := verify(t, dir); len(v.Wrong) != 0 {
		t.Errorf("got %v", v.Wrong)
	}
}

// Whatever octet of the log is changed, whatever line is taken out, doubled or moved: it is noticed, but for the end.
func TestTamperingInsideIsNoticed(t *testing.T) {
	dir := t.TempDir()
	trail := openTrail(t, dir)
	trail.most, trail.sync = 4000, func(*os.File) error { return nil }
	appendTo(t, trail, 40)
	files, err := parts(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	before := verify(t, dir)
	if len(before.Wrong) != 0 {
		t.Fatal(before.Wrong)
	}
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		path := files[rnd.IntN(len(files))]
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		now := tampered(rnd, was)
		if bytes.Equal(was, now) {
			continue
		}
		if err := os.WriteFile(path, now, 0o600); err != nil {
			t.Fatal(err)
		}
		v, err := Verify(dir, before.Hash)
		if err != nil || len(v.Wrong) == 0 {
			t.Errorf("seed %d: not noticed in %s: %v", seed, path, err)
		}
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(files[1]); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, dir); len(v.Wrong) == 0 {
		t.Error("a part that is gone is not noticed")
	}
}

func tampered(rnd *rand.Rand, was []byte) []byte {
	lines := bytes.SplitAfter(bytes.Clone(was), []byte("\n"))
	lines = lines[:len(lines)-1]
	i, j := rnd.IntN(len(lines)), rnd.IntN(len(lines))
	switch rnd.IntN(4) {
	case 0:
		lines[i][rnd.IntN(len(lines[i]))] ^= byte(1 << rnd.IntN(7))
	case 1:
		lines[i] = nil
	case 2:
		lines[i], lines[j] = lines[j], lines[i]
	case 3:
		lines[i] = append(bytes.Clone(lines[i]), lines[j]...)
	}
	return bytes.Join(lines, nil)
}

func TestAnEndThatWasCutOffIsNoticedByWhoKnowsTheHash(t *testing.T) {
	dir := t.TempDir()
	trail := openTrail(t, dir)
	appendTo(t, trail, 5)
	hash := verify(t, dir).Hash
	appendTo(t, trail, 5)
	path := filepath.Join(dir, TrailName)
	b, _ := os.ReadFile(path)
	lines := bytes.SplitAfter(b, []byte("\n"))
	for keep, wrong := range map[int]int{10: 0, 5: 0, 4: 1} {
		if err := os.WriteFile(path, bytes.Join(lines[:keep], nil), 0o600); err != nil {
			t.Fatal(err)
		}
		if v, err := Verify(dir, hash); err != nil || len(v.Wrong) != wrong || v.Holds != (wrong == 0) {
			t.Errorf("%d lines kept: %+v, %v", keep, v, err)
		}
	}
}

// A crash cuts the last line anywhere: what was before it goes on.
func TestATornLineIsTakenOut(t *testing.T) {
	for _, torn := range []string{"x", `{"seq":4,"time"`, strings.Repeat("z", 500)} {
		dir := t.TempDir()
		trail := openTrail(t, dir)
		appendTo(t, trail, 3)
		trail.Close()
		f, err := os.OpenFile(filepath.Join(dir, TrailName), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(torn)
		f.Close()
		trail = openTrail(t, dir)
		appendTo(t, trail, 1)
		if v := verify(t, dir); v.Records != 4 || len(v.Wrong) != 0 {
			t.Errorf("%.10q: got %+v", torn, v)
		}
	}
}

func TestTheLogHasABound(t *testing.T) {
	dir := t.TempDir()
	trail := openTrail(t, dir)
	trail.most, trail.sync = 1000, func(*os.File) error { return nil }
	appendTo(t, trail, 200)
	files, err := parts(dir)
	if err != nil || len(files) != maxClosed+1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	v := verify(t, dir)
	if v.Last != 200 || v.First == 1 || v.Records != v.Last-v.First+1 || len(v.Wrong) != 0 {
		t.Errorf("got %+v", v)
	}
	trail.Close()
	again := openTrail(t, dir)
	appendTo(t, again, 1)
	if v := verify(t, dir); v.Last != 201 || len(v.Wrong) != 0 {
		t.Errorf("after a restart: %+v", v)
	}
}

// Also right after a part became full, when the new one is empty, the chain goes on.
func TestTheChainGoesOnOverAnEmptyPart(t *testing.T) {
	dir := t.TempDir()
	trail := openTrail(t, dir)
	appendTo(t, trail, 3)
	trail.Close()
	if err := os.Rename(filepath.Join(dir, TrailName), filepath.Join(dir, fmt.Sprintf(closedName, 1))); err != nil {
		t.Fatal(err)
	}
	appendTo(t, openTrail(t, dir), 1)
	if v := verify(t, dir); v.Last != 4 || len(v.Wrong) != 0 {
		t.Errorf("got %+v", v)
	}
}

func TestWhatCannotBeSyncedIsNotRecordedAndTheNextIs(t *testing.T) {
	dir := t.TempDir()
	trail := openTrail(t, dir)
	appendTo(t, trail, 1)
	for _, fault := range []error{unix.ENOSPC, unix.EIO} {
		trail.sync = func(*os.File) error { return fault }
		_, err := trail.Append(By(root, "x", "y"))
		if _, ok := errors.AsType[*CannotRecordError](err); !ok || !errors.Is(err, fault) {
			t.Errorf("got %v", err)
		}
		trail.sync = (*os.File).Sync
		appendTo(t, trail, 1)
	}
	if v := verify(t, dir); len(v.Wrong) != 0 {
		t.Errorf("got %+v", v)
	}
}

func TestManyAppendAtOnce(t *testing.T) {
	dir := t.TempDir()
	trail := openTrail(t, dir)
	trail.sync = func(*os.File) error { return nil }
	trail.most = 10_000
	grown := trail.Grown()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				trail.Append(Record{Time: noon, Who: "x", What: "y", Outcome: Begun})
				trail.Read(Query{After: 390}, func(Record) error { return nil })
			}
		})
	}
	all.Wait()
	<-grown
	if v := verify(t, dir); v.Records != 400 || len(v.Wrong) != 0 {
		t.Errorf("got %+v", v)
	}
}

func TestSomebodysFileIsNoLog(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"others may write it": func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o600), os.Chmod(p, 0o666)) },
		"a link":              func(p string) error { return os.Symlink("/dev/null", p) },
		"no records":          func(p string) error { return os.WriteFile(p, []byte("precious\n"), 0o600) },
	} {
		dir := t.TempDir()
		if err := spoil(filepath.Join(dir, TrailName)); err != nil {
			t.Fatal(err)
		}
		if trail, err := OpenTrail(dir); err == nil {
			trail.Close()
			t.Errorf("%s: it was taken", name)
		}
	}
}
