package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// TokenLife is how long a token is good.
const TokenLife = 15 * time.Minute

// Token lets one machine join a group once, as one member, and lets it know the group that it joins. Whoever has it can do
// so in the machine's place: printed in any other way than by Text it shows no secret.
type Token struct {
	Group     string
	Member    binding.Member
	Founder   netip.AddrPort // where the member is that has the group's authority
	Authority Fingerprint
	id        [idSize]byte
	secret    [secretSize]byte
}

const (
	idSize     = 8
	secretSize = 16
	sumSize    = 4
	// tokenPrefix tells what the text is, and of which format.
	tokenPrefix = "lessor-join-1-"
)

var errToken = errors.New("this is no whole token: copy all of it, from " + tokenPrefix + " on")

func newToken(a *Authority, member binding.Member, founder netip.AddrPort) *Token {
	t := &Token{Group: a.group, Member: member, Founder: founder, Authority: a.Fingerprint()}
	rand.Read(t.id[:])
	rand.Read(t.secret[:])
	return t
}

// Text returns the token as the other machine's operator is to give it. It is a secret.
func (t *Token) Text() string {
	var b []byte
	b = append(b, t.id[:]...)
	b = append(b, t.secret[:]...)
	b = append(b, t.Authority[:]...)
	for _, s := range []string{t.Group, string(t.Member), t.Founder.String()} {
		b = append(append(b, byte(len(s))), s...)
	}
	sum := sha256.Sum256(b)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(append(b, sum[:sumSize]...))
}

// ParseToken reads what Text wrote. The error says nothing of the text.
func ParseToken(text string) (*Token, error) {
	const longest = 1024
	body, ok := strings.CutPrefix(strings.TrimSpace(text), tokenPrefix)
	if !ok || len(body) > longest || strings.ContainsAny(body, "\r\n") { // which the decoder would pass over
		return nil, errToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(b) < idSize+secretSize+sha256.Size+sumSize {
		return nil, errToken
	}
	b, sum := b[:len(b)-sumSize], b[len(b)-sumSize:]
	if is := sha256.Sum256(b); string(is[:sumSize]) != string(sum) {
		return nil, errToken
	}
	t := &Token{id: [idSize]byte(b), secret: [secretSize]byte(b[idSize:]), Authority: Fingerprint(b[idSize+secretSize:])}
	var texts [3]string
	b = b[idSize+secretSize+sha256.Size:]
	for i := range texts {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return nil, errToken
		}
		texts[i], b = string(b[1:1+b[0]]), b[1+b[0]:]
	}
	t.Group, t.Member = texts[0], binding.Member(texts[1])
	t.Founder, err = netip.ParseAddrPort(texts[2])
	if err != nil || len(b) > 0 || checkNames(t.Group, t.Member) != nil {
		return nil, errToken
	}
	return t, nil
}

// String returns what may be shown of the token.
func (t *Token) String() string {
	return fmt.Sprintf("token for member %s of group %s (its text is a secret)", t.Member, quote(t.Group))
}

// Format has every way of printing show what String does.
func (t *Token) Format(f fmt.State, _ rune) { f.Write([]byte(t.String())) }

// LogValue has logs show what String does.
func (t *Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText has encoders show what String does.
func (t *Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
