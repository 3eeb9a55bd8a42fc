package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/url"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

const (
	// AuthorityLife is how long the certificate of a group's authority lasts.
	AuthorityLife = 10 * 365 * 24 * time.Hour
	// MemberLife is how long a certificate of a member lasts, though never beyond its authority's.
	MemberLife = 365 * 24 * time.Hour
	// backdated is how long before its making a certificate begins to hold: members whose clocks are apart meet too.
	backdated = time.Hour
)

// Authority is who says which key belongs to which member of a group. It is immutable.
type Authority struct {
	group       string
	certificate *x509.Certificate
	key         crypto.Signer
}

// Fingerprint names an authority: the SHA-256 of its certificate.
type Fingerprint [sha256.Size]byte

// String returns the fingerprint in hex.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// NewAuthority makes an authority for the group, with a fresh ECDSA P-256 key. Nothing is written.
func NewAuthority(group string, now time.Time) (*Authority, error) {
	if group == "" || len(group) > maxGroup {
		return nil, fmt.Errorf("group %s: a name has 1 to %d octets", quote(group), maxGroup)
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Lessor group authority", Organization: []string{group}},
		NotBefore: now.Add(-backdated), NotAfter: now.Add(AuthorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		URIs:     []*url.URL{{Scheme: scheme, Opaque: url.PathEscape(group)}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certificate of the authority of group %s: %w", quote(group), err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certificate of the authority of group %s: %w", quote(group), err)
	}
	return &Authority{group, certificate, key}, nil
}

// Group returns the name of the group.
func (a *Authority) Group() string { return a.group }

// Fingerprint returns the name of the authority.
func (a *Authority) Fingerprint() Fingerprint { return sha256.Sum256(a.certificate.Raw) }

// Certificate returns the certificate of the authority, in DER.
func (a *Authority) Certificate() []byte { return a.certificate.Raw }

// Issue returns a certificate, in DER, that says that the key belongs to the member.
func (a *Authority) Issue(member binding.Member, key crypto.PublicKey, now time.Time) ([]byte, error) {
	if err := checkNames(a.group, member); err != nil {
		return nil, err
	}
	if !now.Before(a.certificate.NotAfter) {
		return nil, fmt.Errorf("the authority of group %s ended on %s: found the group's keys anew", quote(a.group), day(a.certificate.NotAfter))
	}
	end := now.Add(MemberLife)
	if end.After(a.certificate.NotAfter) {
		end = a.certificate.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: string(member), Organization: []string{a.group}},
		NotBefore: now.Add(-backdated), NotAfter: end, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{string(member)}, URIs: []*url.URL{uri(a.group, member)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key)
	if err != nil {
		return nil, fmt.Errorf("certificate of member %s: %w", member, err)
	}
	return der, nil
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return key, nil
}

// serial returns a random number of 127 bits (RFC 5280 §4.1.2.2).
func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
