package access

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of tokens.
const (
	// MaxTokens is how many tokens there are at most, those included that have ended and are still listed.
	MaxTokens = 1000
	// DefaultLife is how long a token is good where nobody says; MaxLife is the most, and MinLife the least.
	DefaultLife = 90 * 24 * time.Hour
	MaxLife     = 10 * 365 * 24 * time.Hour
	MinLife     = time.Minute
	// MaxName is how long the name of a token may be, in octets.
	MaxName = 64
	// ended is how long a token is listed after its end.
	ended = 30 * 24 * time.Hour
)

// Why a token is not accepted. Whoever shows one is told no more than that it is not good.
var (
	ErrNoToken = errors.New("no token of this server")
	ErrEnded   = errors.New("the token has ended")
)

// Token is what is known of a token: everything but the token.
type Token struct {
	ID   string
	Name string // one line of text; never empty
	Role Role
	// By is who made it.
	By      string
	Created time.Time
	Expires time.Time // never zero
	// LastUsed is when it was last accepted, to the minute; zero: not since the server started.
	LastUsed time.Time
}

// NewToken is what is wanted of a token.
type NewToken struct {
	Name string // empty: called as its identifier
	Role Role
	Life time.Duration // 0: DefaultLife
}

// check returns what is wrong with it, nil if nothing.
func (n NewToken) check() error {
	switch {
	case n.Role < Viewer || n.Role > Administrator:
		return fmt.Errorf("the role is missing: it is one of %s", strings.Join(Roles(), ", "))
	case len(n.Name) > MaxName:
		return fmt.Errorf("the name has %d octets, and %d is the most", len(n.Name), MaxName)
	case !utf8.ValidString(n.Name) || strings.ContainsFunc(n.Name, steers) || n.Name != strings.TrimSpace(n.Name):
		return errors.New("the name must be one line of text")
	case n.Life != 0 && (n.Life < MinLife || n.Life > MaxLife):
		return fmt.Errorf("a token is good for %v at least and for ten years at most, not for %v", MinLife, n.Life)
	}
	return nil
}

// steers reports whether showing r may do anything but show it.
func steers(r rune) bool { return unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029' }

// InvalidError says what is wrong with a request for a token.
type InvalidError struct{ Text string }

func (e *InvalidError) Error() string { return e.Text }

// Identity returns who shows the token from an address.
func (t Token) Identity(from string) Identity {
	return Identity{Name: t.Name, Role: t.Role, From: from, Token: t.ID}
}
