package access

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var root = Identity{Name: "root", Role: Administrator, From: FromSocket}

func openTokens(t *testing.T, dir string) *Tokens {
	t.Helper()
	all, err := OpenTokens(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func makeToken(t *testing.T, all *Tokens, role Role) (string, Token) {
	t.Helper()
	text, made, err := all.Create(root, NewToken{Role: role}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return text, made
}

func TestATokenIsGoodUntilItsEnd(t *testing.T) {
	dir := t.TempDir()
	text, made, err := openTokens(t, dir).Create(root, NewToken{Name: "grafana", Role: Viewer, Life: time.Hour}, noon)
	if err != nil || made.Name != "grafana" || made.By != "root" || !made.Expires.Equal(noon.Add(time.Hour)) || len(text) != MaxText {
		t.Fatalf("got %s, %+v, %v", text, made, err)
	}
	all := openTokens(t, dir) // after a restart
	got, err := all.Check(text, noon.Add(time.Hour-1))
	if err != nil || got.ID != made.ID || got.Role != Viewer {
		t.Errorf("got %+v, %v", got, err)
	}
	if want := noon.Add(59 * time.Minute); !all.List()[0].LastUsed.Equal(want) {
		t.Errorf("last used %v, want %v", all.List()[0].LastUsed, want)
	}
	if _, err := all.Check(text, noon.Add(time.Hour)); !errors.Is(err, ErrEnded) {
		t.Errorf("at its end: %v", err)
	}
}

func TestATokenLastsNinetyDaysWhereNobodySays(t *testing.T) {
	_, made := makeToken(t, openTokens(t, t.TempDir()), Operator)
	if made.Expires.Sub(noon) != 90*24*time.Hour || made.Name != made.ID {
		t.Errorf("got %+v", made)
	}
}

func TestTheSecretIsNotInTheFile(t *testing.T) {
	dir := t.TempDir()
	text, _ := makeToken(t, openTokens(t, dir), Administrator)
	_, secret, _ := split(text)
	b, err := os.ReadFile(filepath.Join(dir, TokensName))
	if err != nil || strings.Contains(string(b), secret) || strings.Contains(string(b), text) {
		t.Errorf("the file has the secret: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, TokensName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestWhatIsAlmostATokenIsNone(t *testing.T) {
	all := openTokens(t, t.TempDir())
	text, made := makeToken(t, all, Administrator)
	other, _ := makeToken(t, all, Viewer)
	_, secret, _ := split(other)
	flipped := []byte(text)
	flipped[len(flipped)-10] ^= 1 // another letter, or one that is none
	for _, wrong := range []string{
		"", "lessor_", text + "a", text[:len(text)-1], strings.ToUpper(text), " " + text, text + "\n", string(flipped),
		"lessor_" + made.ID + "_" + secret, "lessor_" + made.ID + "_", "lessor__" + secret, "lessor_aaaaaaaa_" + strings.Repeat("a", 52),
		strings.Repeat("a", 1<<20), "lessor_" + strings.Repeat("_", len(text)-7), "\x00",
	} {
		if got, err := all.Check(wrong, noon); !errors.Is(err, ErrNoToken) {
			t.Errorf("%.80q: got %+v, %v", wrong, got, err)
		}
	}
}

func TestARevokedTokenIsNoneAtOnceAndAfterARestart(t *testing.T) {
	dir := t.TempDir()
	all := openTokens(t, dir)
	text, made := makeToken(t, all, Operator)
	if got, known, err := all.Revoke(made.ID); err != nil || !known || got.ID != made.ID {
		t.Fatalf("got %+v, %v, %v", got, known, err)
	}
	for _, x := range []*Tokens{all, openTokens(t, dir)} {
		if _, err := x.Check(text, noon); !errors.Is(err, ErrNoToken) {
			t.Errorf("got %v", err)
		}
		if _, good := x.Good(made.ID, noon); good {
			t.Error("it is good")
		}
	}
	if _, known, err := all.Revoke(made.ID); known || err != nil {
		t.Errorf("a second time: %v, %v", known, err)
	}
}

// A disk that cannot be written does not keep a token alive.
func TestARevocationThatCannotBeWrittenHoldsAndSaysSo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	all := openTokens(t, dir)
	text, made := makeToken(t, all, Operator)
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	if _, known, err := all.Revoke(made.ID); err == nil || !known || !strings.Contains(err.Error(), "revoke it again") {
		t.Errorf("got %v, %v", known, err)
	}
	if _, err := all.Check(text, noon); !errors.Is(err, ErrNoToken) {
		t.Errorf("it is still good: %v", err)
	}
	if _, _, err := all.Create(root, NewToken{Role: Viewer}, noon); err == nil || len(all.List()) != 0 {
		t.Errorf("a token was made that is not on the disk: %v", err)
	}
	if err := os.Rename(dir+"-gone", dir); err != nil {
		t.Fatal(err)
	}
	if _, known, err := all.Revoke(made.ID); err != nil || !known {
		t.Errorf("again: %v, %v", known, err)
	}
	if _, err := openTokens(t, dir).Check(text, noon); !errors.Is(err, ErrNoToken) {
		t.Errorf("after a restart: %v", err)
	}
}

func TestATokenThatMayNotBeIsNotMade(t *testing.T) {
	all := openTokens(t, t.TempDir())
	for _, test := range []struct {
		by   Identity
		want NewToken
		says string
	}{
		{root, NewToken{}, "role is missing"},
		{root, NewToken{Role: 9}, "role is missing"},
		{Identity{Name: "o", Role: Operator}, NewToken{Role: Administrator}, "higher role"},
		{Identity{Name: "v", Role: Viewer}, NewToken{Role: Operator}, "higher role"},
		{Identity{}, NewToken{Role: Viewer}, "higher role"},
		{root, NewToken{Role: Viewer, Life: time.Second}, "at least"},
		{root, NewToken{Role: Viewer, Life: -time.Hour}, "at least"},
		{root, NewToken{Role: Viewer, Life: MaxLife + 1}, "ten years"},
		{root, NewToken{Role: Viewer, Name: strings.Repeat("n", 65)}, "64"},
		{root, NewToken{Role: Viewer, Name: "a\nb"}, "one line"},
		{root, NewToken{Role: Viewer, Name: "\x1b[2J"}, "one line"},
		{root, NewToken{Role: Viewer, Name: "\xff"}, "one line"},
		{root, NewToken{Role: Viewer, Name: "\u202egnp"}, "one line"},
	} {
		_, _, err := all.Create(test.by, test.want, noon)
		if e, ok := errors.AsType[*InvalidError](err); !ok || !strings.Contains(e.Text, test.says) {
			t.Errorf("%+v: got %v, want %q", test.want, err, test.says)
		}
	}
	if n := len(all.List()); n != 0 {
		t.Errorf("%d were made", n)
	}
}

func TestThereIsABoundOfTokens(t *testing.T) {
	dir := t.TempDir()
	all := openTokens(t, dir)
	for i := range MaxTokens - 1 { // without the disk
		k, _ := fresh(all.all, root, NewToken{Role: Viewer, Life: time.Hour}, noon.Add(time.Duration(i)*time.Second))
		all.all[k.ID] = k
	}
	last, _ := makeToken(t, all, Viewer)
	if _, _, err := all.Create(root, NewToken{Role: Viewer}, noon); err == nil || !strings.Contains(err.Error(), "revoke those") {
		t.Errorf("got %v", err)
	}
	if got := openTokens(t, dir).List(); len(got) != MaxTokens {
		t.Errorf("%d were read again", len(got))
	}
	if _, err := all.Check(last, noon); err != nil {
		t.Error(err)
	}
	if _, _, err := all.Create(root, NewToken{Role: Viewer}, noon.Add(2*time.Hour)); err != nil {
		t.Errorf("those that ended make no room: %v", err)
	}
}

func TestTokensThatCannotBeReadAreNone(t *testing.T) {
	good := t.TempDir()
	text, _ := makeToken(t, openTokens(t, good), Administrator)
	b, err := os.ReadFile(filepath.Join(good, TokensName))
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(path string) error{
		"others may read it": func(p string) error { return errors.Join(os.WriteFile(p, b, 0o600), os.Chmod(p, 0o644)) },
		"no JSON":            func(p string) error { return os.WriteFile(p, b[:len(b)/2], 0o600) },
		"another format":     func(p string) error { return os.WriteFile(p, []byte(`{"format": 2}`), 0o600) },
		"no role": func(p string) error {
			return os.WriteFile(p, []byte(strings.ReplaceAll(string(b), "administrator", "king")), 0o600)
		},
		"a link":      func(p string) error { return os.Symlink(filepath.Join(good, TokensName), p) },
		"a directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"too large":   func(p string) error { return os.WriteFile(p, make([]byte, maxTokensFile+1), 0o600) },
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, TokensName)
		if err := spoil(path); err != nil {
			t.Fatal(err)
		}
		all, err := OpenTokens(dir)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := all.Check(text, noon); !errors.Is(err, ErrNoToken) {
			t.Errorf("%s: it is good: %v", name, err)
		}
		if _, _, err := all.Create(root, NewToken{Role: Viewer}, noon); err == nil {
			t.Errorf("%s: it was written over", name)
		}
	}
}

func FuzzNoTextIsAToken(f *testing.F) {
	all, err := OpenTokens(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	text, _, err := all.Create(root, NewToken{Role: Viewer}, noon)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{text, text[:30], "lessor_abcdefgh_", fmt.Sprintf("%s%s", text, text)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := all.Check(s, noon); (err == nil) != (s == text) {
			t.Errorf("%q: %v", s, err)
		}
	})
}
