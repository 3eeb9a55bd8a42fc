package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"
)

// The bounds of sessions.
const (
	// IdleLife is how long a session lasts without a request, SessionLife how long at all.
	IdleLife    = time.Hour
	SessionLife = 12 * time.Hour
	// maxSessions is how many there are at once, maxSessionsEach of one token; the one that was idle longest makes room.
	maxSessions     = 1000
	maxSessionsEach = 32
)

// Sessions are the browsers that somebody signed in with. They are kept in memory only: after a restart everybody signs in again. A
// session ends with its token. It is safe for concurrent use.
type Sessions struct {
	tokens *Tokens
	mu     sync.Mutex
	all    map[digest]*session // by the digest of the cookie
}

type session struct {
	token string
	begun time.Time
	used  time.Time
}

// NewSessions returns a Sessions of those who sign in with tokens.
func NewSessions(tokens *Tokens) *Sessions {
	return &Sessions{tokens: tokens, all: map[digest]*session{}}
}

// Begin returns the secret of a new session of who shows t.
func (s *Sessions) Begin(t Token, now time.Time) (secret string) {
	secret = random(secretOctets)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makeRoom(t.ID, now)
	s.all[digestOf(secret)] = &session{t.ID, now, now}
	return secret
}

// makeRoom ends what has ended, and the session that was idle longest where there would be too many.
func (s *Sessions) makeRoom(token string, now time.Time) {
	var idlest, idlestEach digest
	each := 0
	for d, x := range s.all {
		if x.over(now) {
			delete(s.all, d)
			continue
		}
		if y := s.all[idlest]; y == nil || x.used.Before(y.used) {
			idlest = d
		}
		if x.token != token {
			continue
		}
		if y := s.all[idlestEach]; each == 0 || x.used.Before(y.used) {
			idlestEach = d
		}
		each++
	}
	switch {
	case each >= maxSessionsEach:
		delete(s.all, idlestEach)
	case len(s.all) >= maxSessions:
		delete(s.all, idlest)
	}
}

func (x *session) over(now time.Time) bool {
	return now.Sub(x.used) >= IdleLife || now.Sub(x.begun) >= SessionLife || now.Before(x.begun)
}

// Use returns the token of the session with that secret, and notes that it is used at now; false if there is none, or if it or its token has ended.
func (s *Sessions) Use(secret string, now time.Time) (Token, bool) {
	if !plausible(secret, secretText) {
		return Token{}, false
	}
	d := digestOf(secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.all[d]
	if x == nil {
		return Token{}, false
	}
	t, good := s.tokens.Good(x.token, now)
	if !good || x.over(now) {
		delete(s.all, d)
		return Token{}, false
	}
	x.used = now
	return t, true
}

// End ends the session with that secret, if there is one.
func (s *Sessions) End(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, digestOf(secret))
}

// Count returns how many sessions there are, those included that nobody has noticed the end of.
func (s *Sessions) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// CSRF returns what a page of the session shows with each change that it asks for, and that no page of another site can know.
func CSRF(secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("a change from a page of this session"))
	return alphabet.EncodeToString(m.Sum(nil))
}

// IsCSRF reports whether shown is what CSRF returns, in a time that tells nothing of where they differ.
func IsCSRF(secret, shown string) bool {
	return subtle.ConstantTimeCompare([]byte(CSRF(secret)), []byte(shown)) == 1
}
