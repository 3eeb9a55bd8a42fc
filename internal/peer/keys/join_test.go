package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

var founderAt = netip.MustParseAddrPort("10.9.0.1:647")

// channel is of a connection that the tests only pretend.
var channel = []byte("what only the two ends know......")

// asking is a machine's request, which a test may change.
func asking(t *testing.T, token *Token, key crypto.Signer, change func(*request)) []byte {
	t.Helper()
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	q := request{hex.EncodeToString(token.id[:]), token.Member, csr, proof(token.key(), channel, token.Member, csr)}
	if change != nil {
		change(&q)
	}
	b, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func machine(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func answered(t *testing.T, b []byte) (a answer) {
	t.Helper()
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestATokenIsGoodOnceForItsMemberInItsTime(t *testing.T) {
	weak, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key     crypto.Signer
		change  func(q *request)
		channel []byte
		from    []binding.Member
		at      time.Duration
		before  func(t *testing.T, d Dir, r *Registrar, token *Token)
		says    string // what the machine is told; empty: it is given a certificate
		noted   string // what the operator is told
	}{
		"as it should be":       {},
		"of several members":    {from: []binding.Member{"north", "east"}},
		"just in time":          {at: TokenLife - 1},
		"too late":              {at: TokenLife, says: "too old", noted: "member east"},
		"by a clock set back":   {at: -time.Hour, says: "too old"},
		"from another address":  {from: []binding.Member{"north"}, says: "another address"},
		"on another connection": {channel: []byte("another"), says: "not good"},
		"another member":        {change: func(q *request) { q.Member = "west" }, says: "not good"},
		"another key": {says: "not good", change: func(q *request) {
			key, _ := newKey()
			q.Request, _ = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		}},
		"no proof":              {change: func(q *request) { q.Proof = nil }, says: "not good"},
		"a guessed token":       {change: func(q *request) { q.Invitation = "0011223344556677" }, says: "not good"},
		"a path":                {change: func(q *request) { q.Invitation = "../../member.key"[:16] }, says: "not good", noted: "cannot be read"},
		"a path with slash":     {change: func(q *request) { q.Invitation = "../authority.ke" + "y" }, says: "not good", noted: "cannot be read"},
		"a weak key":            {key: weak, says: "not fit"},
		"a key of another kind": {key: edwards, says: "not fit"},
		"the same key again": {before: func(t *testing.T, d Dir, r *Registrar, token *Token) {
			b, err := r.Answer(now, asking(t, token, same, nil), channel, []binding.Member{"east"})
			if a := answered(t, b); err != nil || len(a.Certificate) == 0 {
				t.Fatal(a.Error, err)
			}
		}, key: same},
		"another key afterwards": {says: "used by another machine", noted: "member east", before: func(t *testing.T, d Dir, r *Registrar, token *Token) {
			r.Answer(now, asking(t, token, machine(t), nil), channel, []binding.Member{"east"})
		}},
		"no authority any more": {says: "status says why", noted: "key of the group's authority", before: func(t *testing.T, d Dir, _ *Registrar, _ *Token) {
			os.Remove(d.path(authorityKey))
		}},
		"a group that was renamed": {says: "status says why", noted: "factory", before: func(_ *testing.T, _ Dir, r *Registrar, _ *Token) { r.group = "factory" }},
	} {
		t.Run(name, func(t *testing.T) {
			d := founded(t, "campus", "west")
			token, err := d.Invite("east", founderAt, now)
			if err != nil {
				t.Fatal(err)
			}
			r := d.Registrar("campus")
			if !r.Open(now) || r.Open(now.Add(TokenLife)) || r.Open(now.Add(-time.Hour)) {
				t.Error("it is open at other times than the token is good")
			}
			if c.key == nil {
				c.key = machine(t)
			}
			if c.from == nil {
				c.from = []binding.Member{"east"}
			}
			if c.channel == nil {
				c.channel = channel
			}
			if c.before != nil {
				c.before(t, d, r, token)
			}
			b, err := r.Answer(now.Add(c.at), asking(t, token, c.key, c.change), c.channel, c.from)
			a := answered(t, b)
			if c.says == "" {
				if err != nil || a.Error != "" || len(a.Certificate) == 0 {
					t.Fatalf("refused: %q, %v", a.Error, err)
				}
				leaf, err := x509.ParseCertificate(a.Certificate)
				if err != nil || !samePublic(leaf.PublicKey, c.key.Public()) {
					t.Fatalf("%v", err)
				}
				id, _ := Load(d.Files(), "campus", "west")
				if who, err := id.Check([]*x509.Certificate{leaf}, now); who != "east" || err != nil {
					t.Errorf("%s, %v", who, err)
				}
				return
			}
			if !strings.Contains(a.Error, c.says) || len(a.Certificate) > 0 || err == nil || !strings.Contains(err.Error(), c.noted) {
				t.Errorf("told %q, noted %v", a.Error, err)
			}
		})
	}
}

// same is a key that a machine asks with twice.
var same, _ = newKey()

func TestOfTwoMachinesWithOneTokenOneJoins(t *testing.T) {
	d := founded(t, "campus", "west")
	token, err := d.Invite("east", founderAt, now)
	if err != nil {
		t.Fatal(err)
	}
	r := d.Registrar("campus")
	var all sync.WaitGroup
	given := make(chan bool, 16)
	for range cap(given) {
		q := asking(t, token, machine(t), nil)
		all.Go(func() {
			b, err := r.Answer(now, q, channel, []binding.Member{"east"})
			given <- err == nil && !strings.Contains(string(b), "error")
		})
	}
	all.Wait()
	close(given)
	n := 0
	for ok := range given {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d machines joined", n)
	}
}

func TestTokensAreFewAndGo(t *testing.T) {
	d := founded(t, "campus", "west")
	for range maxInvitations {
		if _, err := d.Invite("east", founderAt, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Invite("east", founderAt, now); err == nil || !strings.Contains(err.Error(), "64 tokens") {
		t.Errorf("%v", err)
	}
	put(t, d.path(invitations)+"/.half-written", []byte("x"))
	if _, err := d.Invite("east", founderAt, now.Add(TokenLife)); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(d.path(invitations)); err != nil || len(left) != 1 {
		t.Errorf("%d are left, %v", len(left), err)
	}
	if _, err := exported(t, d, "east", now).Invite("north", founderAt, now); err == nil {
		t.Error("a member without the authority made a token")
	}
	if exported(t, d, "east", now).Registrar("campus").Open(now) {
		t.Error("a member without the authority lets machines join")
	}
}

func TestOnlyAWholeTokenIsRead(t *testing.T) {
	d := founded(t, "campus", "west")
	token, err := d.Invite("east", founderAt, now)
	if err != nil {
		t.Fatal(err)
	}
	text := token.Text()
	if _, err := ParseToken("  " + text + "\n"); err != nil {
		t.Errorf("with spaces around: %v", err)
	}
	for i := range text {
		for _, changed := range []string{text[:i], text[:i] + text[i+1:], text[:i] + "A" + text[i+1:]} {
			if _, err := ParseToken(changed); err == nil && changed != text {
				t.Errorf("%q is taken for a token", changed)
			} else if err != nil && strings.Contains(err.Error(), text[20:40]) {
				t.Errorf("the error shows the token: %v", err)
			}
		}
	}
}

func TestJoiningDestroysNothing(t *testing.T) {
	home, other := founded(t, "campus", "west"), founded(t, "campus", "west")
	token, err := home.Invite("east", netip.MustParseAddrPort("127.0.0.1:1"), now)
	if err != nil {
		t.Fatal(err)
	}
	for says, d := range map[string]Dir{
		"was founded on this machine": founded(t, "factory", "east"),
		"keys of another group":       exported(t, other, "east", now),
		"its server must run":         In(t.TempDir()),
	} {
		before := ""
		if d.Present() {
			before = string(content(t, d.path(memberFile)))
		}
		if err := d.Join(t.Context(), token, netip.Addr{}, now); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q: %v", says, err)
		}
		if d.Present() && before != string(content(t, d.path(memberFile))) {
			t.Errorf("%s: the keys have changed", says)
		}
	}
}

func FuzzToken(f *testing.F) {
	a, err := NewAuthority("campus", now)
	if err != nil {
		f.Fatal(err)
	}
	text := newToken(a, "east", founderAt).Text()
	f.Add(text)
	f.Add(text[:40] + "\r" + text[40:])
	f.Add(tokenPrefix)
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ParseToken(text)
		if err == nil && token.Text() != strings.TrimSpace(text) {
			t.Errorf("%q is read as %q", text, token.Text())
		}
	})
}

func FuzzRequest(f *testing.F) {
	d := In(f.TempDir())
	if _, err := d.Init("campus", "west", now); err != nil {
		f.Fatal(err)
	}
	token, err := d.Invite("east", founderAt, now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"invitation":"` + hex.EncodeToString(token.id[:]) + `","member":"east","request":"","proof":""}`))
	f.Add([]byte(strings.Repeat("[", 16000)))
	r := d.Registrar("campus")
	f.Fuzz(func(t *testing.T, b []byte) {
		says, err := r.Answer(now, b, channel, []binding.Member{"east"})
		if err == nil || !json.Valid(says) || strings.Contains(string(says), "certificate\"") {
			t.Errorf("%q is answered %q", b, says)
		}
	})
}
