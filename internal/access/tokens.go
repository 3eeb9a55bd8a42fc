package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

const (
	// TokensName is the name of the file of tokens in a server's data directory.
	TokensName = "tokens"
	// maxTokensFile is the largest such file that is read, in octets.
	maxTokensFile = 4 << 20
	tokensFormat  = 1
)

// Tokens are those of one server, kept in its data directory. It is safe for concurrent use.
type Tokens struct {
	path string
	// broken is why the file cannot be read; nil: it can. Then no token is good, and none can be made, since that would
	// write over what is there.
	broken error
	// unwritten are those that were revoked, and that the file still has; guarded by changing.
	unwritten map[string]*kept
	// changing is held by who changes the tokens, for as long as the disk takes; mu for moments.
	changing sync.Mutex
	mu       sync.Mutex
	all      map[string]*kept // by identifier; what it points to is not changed, but for LastUsed
}

type kept struct {
	Token
	digest digest
}

// tokensFile is how the file is written.
type tokensFile struct {
	Format int       `json:"format"`
	Tokens []onePart `json:"tokens"`
}

type onePart struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	SHA256  digest    `json:"sha256"`
}

// OpenTokens reads the tokens of the server whose data directory is dir. Where the file cannot be read, the error says so, and the
// Tokens accept none and make none: a server serves its clients without them.
func OpenTokens(dir string) (*Tokens, error) {
	t := &Tokens{path: filepath.Join(dir, TokensName), all: map[string]*kept{}, unwritten: map[string]*kept{}}
	if err := t.read(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.all = map[string]*kept{}
		t.broken = fmt.Errorf("tokens cannot be read: %w; no token is accepted until %s is put right or moved away, and the server started again", err, t.path)
	}
	return t, t.broken
}

func (t *Tokens) read() error {
	b, err := ownfile.Read(t.path, maxTokensFile)
	if err != nil {
		return err
	}
	var f tokensFile
	if err := json.Unmarshal(b, &f); err != nil {
		return fmt.Errorf("%s: %w", t.path, err)
	}
	if f.Format != tokensFormat {
		return fmt.Errorf("%s: format %d is that of another release", t.path, f.Format)
	}
	for _, p := range f.Tokens {
		if !plausible(p.ID, idText) || p.Role == 0 || p.Expires.IsZero() || t.all[p.ID] != nil || len(t.all) == MaxTokens {
			return fmt.Errorf("%s: the entry of token %q is not one of this server's making", t.path, p.ID)
		}
		t.all[p.ID] = &kept{Token{ID: p.ID, Name: p.Name, Role: p.Role, By: p.By, Created: p.Created, Expires: p.Expires}, p.SHA256}
	}
	return nil
}

// write makes the file say what all does.
func (t *Tokens) write(all map[string]*kept) error {
	f := tokensFile{Format: tokensFormat, Tokens: []onePart{}}
	for _, k := range sorted(all) {
		f.Tokens = append(f.Tokens, onePart{k.ID, k.Name, k.Role, k.By, k.Created, k.Expires, k.digest})
	}
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	return ownfile.Write(t.path, append(b, '\n'))
}

func sorted(all map[string]*kept) []*kept {
	var out []*kept
	for _, k := range all {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b *kept) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// Create makes a token for who may make one of that role, and returns its text, which is not kept. When it returns, the token
// is durable. What is wrong with what is wanted is an *InvalidError.
func (t *Tokens) Create(by Identity, n NewToken, now time.Time) (text string, made Token, err error) {
	if err := n.check(); err != nil {
		return "", made, &InvalidError{err.Error()}
	}
	if !by.May(n.Role) {
		return "", made, &InvalidError{fmt.Sprintf("%s may make no token of a higher role than its own, which is %s", by.Name, by.Role)}
	}
	if n.Life == 0 {
		n.Life = DefaultLife
	}
	t.changing.Lock()
	defer t.changing.Unlock()
	if t.broken != nil {
		return "", made, t.broken
	}
	all := t.copied()
	dropEnded(all, now)
	if len(all) >= MaxTokens {
		return "", made, &InvalidError{fmt.Sprintf("there are %d tokens, and that is the most: revoke those that nobody needs", len(all))}
	}
	k, secret := fresh(all, by, n, now)
	all[k.ID] = k
	if err := t.write(all); err != nil {
		return "", made, fmt.Errorf("keeping the token: %w", err)
	}
	t.replace(all)
	clear(t.unwritten)
	return tokenPrefix + k.ID + "_" + secret, k.Token, nil
}

// fresh returns a token that is called as no other.
func fresh(all map[string]*kept, by Identity, n NewToken, now time.Time) (*kept, string) {
	id := random(idOctets)
	for all[id] != nil {
		id = random(idOctets)
	}
	if n.Name == "" {
		n.Name = id
	}
	now = now.UTC().Truncate(time.Second)
	secret := random(secretOctets)
	return &kept{Token{ID: id, Name: n.Name, Role: n.Role, By: by.Name, Created: now, Expires: now.Add(n.Life)}, digestOf(secret)}, secret
}

// dropEnded drops those that ended long ago, and those that ended at all where there would be no room.
func dropEnded(all map[string]*kept, now time.Time) {
	for id, k := range all {
		if since := now.Sub(k.Expires); since >= ended || since >= 0 && len(all) >= MaxTokens {
			delete(all, id)
		}
	}
}

// Revoke ends a token; false if there is none of that identifier. It is accepted no more from the moment of the call, whatever is returned: an error says that
// the disk does not know it yet, so that the token would be good again after a restart.
func (t *Tokens) Revoke(id string) (Token, bool, error) {
	t.changing.Lock()
	defer t.changing.Unlock()
	if t.broken != nil {
		return Token{}, false, t.broken
	}
	all := t.copied()
	k := all[id]
	if k == nil {
		k = t.unwritten[id]
	}
	if k == nil {
		return Token{}, false, nil
	}
	delete(all, id)
	t.replace(all)
	if err := t.write(all); err != nil {
		t.unwritten[id] = k
		return k.Token, true, fmt.Errorf("token %s is not accepted any more, but that could not be written, so it would be after a restart: %w: revoke it again when the disk is well", id, err)
	}
	clear(t.unwritten)
	return k.Token, true, nil
}

func (t *Tokens) copied() map[string]*kept {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make(map[string]*kept, len(t.all)+1)
	for id, k := range t.all {
		all[id] = k
	}
	return all
}

func (t *Tokens) replace(all map[string]*kept) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = all
}

// List returns all tokens, in the order of their making.
func (t *Tokens) List() []Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []Token{}
	for _, k := range sorted(t.all) {
		out = append(out, k.Token)
	}
	return out
}

// Check returns the token whose text it is, if it is good at now. The error is ErrNoToken or ErrEnded.
func (t *Tokens) Check(text string, now time.Time) (Token, error) {
	id, secret, ok := split(text)
	if !ok {
		return Token{}, ErrNoToken
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.all[id]
	if k == nil {
		k = &kept{}
	}
	if !k.digest.is(secret) || k.ID == "" {
		return Token{}, ErrNoToken
	}
	if !now.Before(k.Expires) {
		return Token{}, ErrEnded
	}
	k.LastUsed = now.UTC().Truncate(time.Minute)
	return k.Token, nil
}

// Good returns the token of that identifier; false if it was revoked or has ended at now.
func (t *Tokens) Good(id string, now time.Time) (Token, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.all[id]
	if k == nil || !now.Before(k.Expires) {
		return Token{}, false
	}
	k.LastUsed = now.UTC().Truncate(time.Minute)
	return k.Token, true
}
