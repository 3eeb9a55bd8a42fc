package keys

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

// now is the time of the tests.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// founded is the directory of a group's founder.
func founded(t *testing.T, group string, self binding.Member) Dir {
	t.Helper()
	d := In(t.TempDir())
	if _, err := d.Init(group, self, now); err != nil {
		t.Fatal(err)
	}
	return d
}

// exported is the directory of another member.
func exported(t *testing.T, d Dir, m binding.Member, now time.Time) Dir {
	t.Helper()
	a, err := d.Authority()
	if err != nil {
		t.Fatal(err)
	}
	to := In(t.TempDir())
	if err := a.Export(to, m, now); err != nil {
		t.Fatal(err)
	}
	return to
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyElseMayReadWhatIsWritten(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	d := founded(t, "campus", "west")
	if _, err := d.Invite("east", founderAt, now); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(string(d), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files++
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[e.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o", path, info.Mode().Perm())
		}
		return nil
	})
	if err != nil || files != 7 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestInitKeepsWhatIsThere(t *testing.T) {
	d := founded(t, "campus", "west")
	key, own, authority := content(t, d.path(authorityKey)), content(t, d.path(memberFile)), content(t, d.path(authorityFile))
	for name, harm := range map[string]struct {
		gone  string
		at    time.Time
		renew bool
	}{
		"again":                                {at: now},
		"after a crash before the certificate": {gone: memberFile, at: now, renew: true},
		"after a crash before the authority's": {gone: authorityFile, at: now},
		"long after":                           {at: now.Add(MemberLife - 20*24*time.Hour)},
		"shortly before the end":               {at: now.Add(MemberLife - 10*24*time.Hour), renew: true},
		"after the end":                        {at: now.Add(MemberLife + 24*time.Hour), renew: true},
	} {
		put(t, d.path(memberFile), own)
		if harm.gone != "" {
			os.Remove(d.path(harm.gone))
		}
		if _, err := d.Init("campus", "west", harm.at); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(content(t, d.path(authorityKey))) != string(key) || string(content(t, d.path(authorityFile))) != string(authority) {
			t.Errorf("%s: the authority is another", name)
		}
		if renewed := string(content(t, d.path(memberFile))) != string(own); renewed != harm.renew {
			t.Errorf("%s: renewed: %v", name, renewed)
		}
		if id, err := Load(d.Files(), "campus", "west"); err != nil || id.Ends().Sub(harm.at) < Soon {
			t.Errorf("%s: %v, %v", name, id, err)
		}
	}
}

func TestInitRefusesWhatIsNotItsOwn(t *testing.T) {
	d := founded(t, "campus", "west")
	joined := exported(t, d, "east", now)
	open := founded(t, "campus", "west")
	os.Chmod(string(open), 0o755)
	file := In(t.TempDir())
	put(t, string(file), nil)
	for _, c := range []struct {
		d     Dir
		group string
		self  binding.Member
		says  string
	}{
		{d, "factory", "west", `belongs to group "campus"`},
		{d, "campus", "east", "it is of member west, and this is east"},
		{d, "", "west", "1 to 128 octets"},
		{d, strings.Repeat("a", 129), "west", "1 to 128 octets"},
		{d, "campus", "we.st", "label of a DNS name"},
		{joined, "campus", "east", "founded elsewhere"},
		{open, "campus", "west", "chmod 700"},
		{file, "campus", "west", "is not a directory"},
		{In(t.TempDir() + "/missing"), "campus", "west", "no such file"},
	} {
		if _, err := c.d.Init(c.group, c.self, now); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("want %q: %v", c.says, err)
		}
	}
}

func TestFilesThatAreNoUseAreExplained(t *testing.T) {
	home := founded(t, "campus", "west")
	other := founded(t, "campus", "west")
	east := exported(t, home, "east", now)
	secret, err := decodeKey(content(t, home.path(memberKey)))
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKCS8PrivateKey(secret)
	sealed := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
	broken := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der[:len(der)-9]})
	for name, c := range map[string]struct {
		change func(d Dir)
		group  string
		says   string
	}{
		"no certificate":        {change: func(d Dir) { os.Remove(d.path(memberFile)) }, says: "no such file"},
		"no key":                {change: func(d Dir) { os.Remove(d.path(memberKey)) }, says: "no such file"},
		"no authority":          {change: func(d Dir) { os.Remove(d.path(authorityFile)) }, says: "no such file"},
		"readable by the group": {change: func(d Dir) { os.Chmod(d.path(memberKey), 0o640) }, says: "chmod 600"},
		"a key in the place of a certificate": {change: func(d Dir) { put(t, d.path(memberFile), content(t, home.path(memberKey))) },
			says: "no certificate in PEM"},
		"a certificate in the place of a key": {change: func(d Dir) { put(t, d.path(memberKey), content(t, home.path(memberFile))) },
			says: "no private key in PEM"},
		"another key":        {change: func(d Dir) { put(t, d.path(memberKey), content(t, other.path(memberKey))) }, says: "does not belong to the certificate"},
		"an encrypted key":   {change: func(d Dir) { put(t, d.path(memberKey), sealed) }, says: "encrypted"},
		"a broken key":       {change: func(d Dir) { put(t, d.path(memberKey), broken) }, says: "cannot be read"},
		"another authority":  {change: func(d Dir) { put(t, d.path(authorityFile), content(t, other.path(authorityFile))) }, says: ErrOtherAuthority.Error()},
		"no authority's":     {change: func(d Dir) { put(t, d.path(authorityFile), content(t, d.path(memberFile))) }, says: "not an authority's"},
		"a large file":       {change: func(d Dir) { put(t, d.path(memberKey), make([]byte, maxFile+1)) }, says: "larger than"},
		"many certificates":  {change: func(d Dir) { put(t, d.path(authorityFile), many(content(t, d.path(authorityFile)), 17)) }, says: "more than 16"},
		"a FIFO":             {change: func(d Dir) { os.Remove(d.path(memberKey)); syscall.Mkfifo(d.path(memberKey), 0o600) }, says: "is not a file"},
		"another group":      {group: "factory", says: `it is of group "campus", and this is "factory"`},
		"another member's":   {change: func(d Dir) { copyAll(t, east, d) }, says: "it is of member east, and this is west"},
		"a broken authority": {change: func(d Dir) { put(t, d.path(authorityFile), pemBlock([]byte("\x30\x03abc"))) }, says: "certificate 1 cannot be read"},
	} {
		d := In(t.TempDir())
		if err := ownfile.MakeDir(string(d)); err != nil {
			t.Fatal(err)
		}
		copyAll(t, home, d)
		if c.change != nil {
			c.change(d)
		}
		if c.group == "" {
			c.group = "campus"
		}
		_, err := Open(d.Files(), c.group, "west")
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "west") && !strings.Contains(err.Error(), "authority") {
			t.Errorf("%s: want %q: %v", name, c.says, err)
		}
	}
}

func pemBlock(der []byte) []byte { return encodeCertificate(der) }

func many(b []byte, n int) (all []byte) {
	for range n {
		all = append(all, b...)
	}
	return all
}

func copyAll(t *testing.T, from, to Dir) {
	t.Helper()
	for _, name := range []string{memberFile, memberKey, authorityFile} {
		put(t, to.path(name), content(t, from.path(name)))
	}
}

func TestACertificateLastsNoLongerThanItsAuthority(t *testing.T) {
	d := founded(t, "campus", "west")
	if err := d.Renew("west", now.Add(AuthorityLife-30*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if id, err := Load(d.Files(), "campus", "west"); err != nil || !id.Ends().Equal(now.Add(AuthorityLife)) {
		t.Errorf("%v", err)
	}
	if err := d.Renew("west", now.Add(AuthorityLife)); err == nil || !strings.Contains(err.Error(), "anew") {
		t.Errorf("an authority that has ended: %v", err)
	}
}

func TestExportDoesNotOverwrite(t *testing.T) {
	d := founded(t, "campus", "west")
	a, err := d.Authority()
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []Dir{d, exported(t, d, "east", now)} {
		if err := a.Export(to, "east", now); err == nil || !strings.Contains(err.Error(), "has keys already") {
			t.Errorf("%v", err)
		}
	}
}

func TestNamesOfGroupsAreWrittenWhole(t *testing.T) {
	for _, group := range []string{"campus", "Campus North", "a/b", "ü%2f", "x?y#z", strings.Repeat("ä", 64)} {
		d := founded(t, group, "west")
		if _, err := Load(d.Files(), group, "west"); err != nil {
			t.Errorf("%q: %v", group, err)
		}
		if _, err := Load(d.Files(), group+"x", "west"); !errors.Is(err, ErrOtherGroup) && len(group) < 128 {
			t.Errorf("%q: %v", group, err)
		}
	}
}

func TestTheRingFollowsItsFiles(t *testing.T) {
	d := founded(t, "campus", "west")
	r, err := Open(d.Files(), "campus", "west")
	if err != nil {
		t.Fatal(err)
	}
	at := now.Add(24 * time.Hour)
	first := r.Current(at)
	if err := d.Renew("west", at); err != nil {
		t.Fatal(err)
	}
	if r.Current(at.Add(looks-1)) != first {
		t.Error("the files are looked at more than once a second")
	}
	at = at.Add(looks)
	second := r.Current(at)
	if second == first || second.Ends().Sub(first.Ends()) != 24*time.Hour {
		t.Errorf("the new certificate is not used: it ends %v", second.Ends())
	}
	os.Remove(d.path(memberKey))
	at = at.Add(looks)
	if p := r.Report(at); r.Current(at) != second || !strings.Contains(p.Warning, "those of before are used") || p.Ended {
		t.Errorf("without a key: %+v", p)
	}
	for left, says := range map[time.Duration]string{15 * 24 * time.Hour: "", Soon: "in 14 days", time.Hour: "in 0 days", 0: "ended on", -time.Hour: "ended on", 400 * 24 * time.Hour: "holds from"} {
		p := (&Ring{files: d.Files(), group: "campus", member: "west", current: second, looked: second.Ends().Add(-left)}).Report(second.Ends().Add(-left))
		if !strings.Contains(p.Warning, says) || says == "" && p.Warning != "" || p.Ended != (left <= 0 || says == "holds from") {
			t.Errorf("%v before the end: %+v", left, p)
		}
	}
}

func TestASecretIsInNothingThatIsShown(t *testing.T) {
	d := founded(t, "campus", "west")
	token, err := d.Invite("east", founderAt, now)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseToken(token.Text())
	if err != nil || *parsed != *token {
		t.Fatalf("%v", err)
	}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, token), fmt.Sprintf(verb, struct{ T *Token }{token}))
	}
	text, _ := token.MarshalText()
	shown = append(shown, string(text), token.LogValue().String())
	for _, s := range shown {
		for _, secret := range []string{token.Text()[len(tokenPrefix)+12:], string(token.secret[:]), fmt.Sprintf("%x", token.secret), fmt.Sprint(token.secret[:])} {
			if strings.Contains(s, secret) {
				t.Errorf("the secret is in %q", s)
			}
		}
	}
	stored := content(t, filepath.Join(d.path(invitations), fmt.Sprintf("%x", token.id)))
	if strings.Contains(string(stored), fmt.Sprintf("%x", token.secret)) {
		t.Error("the secret is in the invitation's file")
	}
}
