package keys

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

// Files are those that tell the other members who this one is: all in PEM.
type Files struct{ Certificate, Key, Authority string }

// Identity is who this member is, and whom it believes. It is immutable.
type Identity struct {
	group       string
	member      binding.Member
	certificate tls.Certificate
	roots       *x509.CertPool
	authorities []*x509.Certificate
}

// Load reads the files of the member. Its certificate must be one that the others accept, but for its dates: a
// certificate that is out of date is loaded, since only the others care, and Report says so.
func Load(f Files, group string, member binding.Member) (*Identity, error) {
	if err := checkNames(group, member); err != nil {
		return nil, err
	}
	id := &Identity{group: group, member: member, roots: x509.NewCertPool()}
	authorities, err := readCertificates(f.Authority)
	if err != nil {
		return nil, fmt.Errorf("certificate of the group's authority: %w", err)
	}
	for _, c := range authorities {
		if !c.IsCA {
			return nil, fmt.Errorf("certificate of the group's authority: %s: it is not an authority's", f.Authority)
		}
		id.roots.AddCert(c)
	}
	id.authorities = authorities
	if err := id.load(f); err != nil {
		return nil, err
	}
	return id, id.checkOwn(f)
}

func readCertificates(path string) ([]*x509.Certificate, error) {
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	all, err := decodeCertificates(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

func (id *Identity) load(f Files) error {
	chain, err := readCertificates(f.Certificate)
	if err != nil {
		return fmt.Errorf("certificate of member %s: %w", id.member, err)
	}
	b, err := ownfile.ReadLinked(f.Key, maxFile)
	if err != nil {
		return fmt.Errorf("key of member %s: %w", id.member, err)
	}
	key, err := decodeKey(b)
	if err != nil {
		return fmt.Errorf("key of member %s: %s: %w", id.member, f.Key, err)
	}
	if !samePublic(key.Public(), chain[0].PublicKey) {
		return fmt.Errorf("key of member %s: %s does not belong to the certificate %s", id.member, f.Key, f.Certificate)
	}
	id.certificate = tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		id.certificate.Certificate = append(id.certificate.Certificate, c.Raw)
	}
	return nil
}

func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// checkOwn sees the member's own certificate as the others will.
func (id *Identity) checkOwn(f Files) error {
	chain := make([]*x509.Certificate, len(id.certificate.Certificate))
	for i, der := range id.certificate.Certificate {
		chain[i], _ = x509.ParseCertificate(der) // it was parsed before
	}
	who, err := id.Check(chain, chain[0].NotBefore.Add(backdated))
	if errors.Is(err, ErrExpired) { // the authority's dates are not ours
		who, err = id.checkNames(chain[0])
	}
	if err == nil && who != id.member {
		err = fmt.Errorf("%w: it is of member %s, and this is %s", ErrOtherMember, who, id.member)
	}
	if err != nil {
		return fmt.Errorf("certificate of member %s: %s: %w", id.member, f.Certificate, err)
	}
	return nil
}

// Member returns the name of this member.
func (id *Identity) Member() binding.Member { return id.member }

// Group returns the name of its group.
func (id *Identity) Group() string { return id.group }

// Certificate returns what this member shows to the others.
func (id *Identity) Certificate() *tls.Certificate { return &id.certificate }

// WithAuthority returns what this member shows to somebody who knows the fingerprint of the authority only: its
// certificates, and behind them those of the authorities.
func (id *Identity) WithAuthority() *tls.Certificate {
	c := id.certificate
	c.Certificate = append([][]byte(nil), c.Certificate...)
	for _, a := range id.authorities {
		c.Certificate = append(c.Certificate, a.Raw)
	}
	return &c
}

// Ends returns when the member's certificate or the last of the authorities' does, whichever is first.
func (id *Identity) Ends() time.Time {
	var last time.Time
	for _, a := range id.authorities {
		if a.NotAfter.After(last) {
			last = a.NotAfter
		}
	}
	if leaf := id.certificate.Leaf.NotAfter; leaf.Before(last) {
		return leaf
	}
	return last
}

// Begins returns when the member's certificate begins to hold.
func (id *Identity) Begins() time.Time { return id.certificate.Leaf.NotBefore }
