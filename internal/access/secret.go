package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"
)

// A token is written lessor_ID_SECRET: the identifier is 40 random bits, which tell tokens apart and are no secret, the secret 256. Both are in
// lower case without what a double click would stop at. Nobody guesses 256 random bits, at whatever speed, so their digest is one
// SHA-256: what makes the digest of a password slow would only make each request so.
const (
	tokenPrefix  = "lessor_"
	idOctets     = 5
	secretOctets = 32
	idText       = 8  // characters
	secretText   = 52 // characters
	// MaxText is the longest text that can be a token, in octets.
	MaxText = len(tokenPrefix) + idText + 1 + secretText
)

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func random(octets int) string {
	b := make([]byte, octets)
	rand.Read(b) // never fails
	return alphabet.EncodeToString(b)
}

// digest is what is kept of a secret.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// is reports whether it is the digest of the secret, in a time that tells nothing of where they differ.
func (d digest) is(secret string) bool {
	of := digestOf(secret)
	return subtle.ConstantTimeCompare(d[:], of[:]) == 1
}

// MarshalText returns the digest in hex.
func (d digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText is the inverse of MarshalText.
func (d *digest) UnmarshalText(b []byte) error {
	if len(b) != 2*len(d) {
		return fmt.Errorf("a digest has %d hex digits", 2*len(d))
	}
	_, err := hex.Decode(d[:], b)
	return err
}

// split returns the two parts of a token's text; false if it cannot be one.
func split(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok || len(text) != MaxText {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	return id, secret, ok && plausible(id, idText) && plausible(secret, secretText)
}

// plausible reports whether s is n characters of the alphabet.
func plausible(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}
