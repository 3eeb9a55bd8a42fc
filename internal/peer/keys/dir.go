package keys

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

// Dir is the directory of a member's keys, which has mode 0700, as everything in it has 0600.
type Dir string

// In returns the directory of the keys of the server whose data directory is data.
func In(data string) Dir { return Dir(filepath.Join(data, "keys")) }

// The files of a Dir. authorityKey has the authority's key and its certificate, and is only where the group was founded.
const (
	authorityKey  = "authority.key"
	authorityFile = "authority.pem"
	memberKey     = "member.key"
	memberFile    = "member.pem"
	invitations   = "invitations"
)

func (d Dir) path(name string) string { return filepath.Join(string(d), name) }

// Files returns where the member's own keys are in d, whether there are any or not.
func (d Dir) Files() Files {
	return Files{Certificate: d.path(memberFile), Key: d.path(memberKey), Authority: d.path(authorityFile)}
}

// Present reports whether d has a member's keys.
func (d Dir) Present() bool {
	for _, path := range []string{d.path(memberFile), d.path(memberKey), d.path(authorityFile)} {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}

// Founded reports whether the group's authority is in d.
func (d Dir) Founded() bool {
	_, err := os.Stat(d.path(authorityKey))
	return err == nil
}

// Init makes the group's authority in d, and the keys of the member self; what is there already is kept, so it may be
// called again after a crash, and a certificate of self that ends soon is renewed. It refuses a directory that belongs to another group or member, or to a member that
// joined a group elsewhere. The data directory that d is in must exist.
func (d Dir) Init(group string, self binding.Member, now time.Time) (*Authority, error) {
	if err := checkNames(group, self); err != nil {
		return nil, err
	}
	if err := ownfile.MakeDir(string(d)); err != nil {
		return nil, fmt.Errorf("directory of the keys: %w", err)
	}
	a, err := d.Authority()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if a, err = d.found(group, now); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case a.group != group:
		return nil, fmt.Errorf("%s belongs to group %s, not to %s: give each group a data directory of its own", d, quote(a.group), quote(group))
	}
	if err := ownfile.Write(d.path(authorityFile), encodeCertificate(a.certificate.Raw)); err != nil {
		return nil, fmt.Errorf("certificate of the group's authority: %w", err)
	}
	id, err := Load(d.Files(), group, self)
	switch {
	case errors.Is(err, ErrOtherMember):
		return nil, err
	case err == nil && id.Ends().Sub(now) > Soon:
		return a, nil
	}
	return a, d.Renew(self, now)
}

// found makes an authority and writes it.
func (d Dir) found(group string, now time.Time) (*Authority, error) {
	if _, err := os.Stat(d.path(memberFile)); err == nil {
		return nil, fmt.Errorf("%s has the keys of a member whose group was founded elsewhere: there is nothing to found; to found another group, move the directory away", d)
	}
	a, err := NewAuthority(group, now)
	if err != nil {
		return nil, err
	}
	key, err := encodeKey(a.key)
	if err != nil {
		return nil, fmt.Errorf("key of the group's authority: %w", err)
	}
	if err := ownfile.Write(d.path(authorityKey), append(key, encodeCertificate(a.certificate.Raw)...)); err != nil {
		return nil, fmt.Errorf("key of the group's authority: %w", err)
	}
	return a, nil
}

// Authority reads the group's authority. The error wraps fs.ErrNotExist where the group was founded elsewhere.
func (d Dir) Authority() (*Authority, error) {
	path := d.path(authorityKey)
	b, err := ownfile.ReadLinked(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("key of the group's authority: %w", err)
	}
	key, err := decodeKey(b)
	if err != nil {
		return nil, fmt.Errorf("key of the group's authority: %s: %w", path, err)
	}
	all, err := decodeCertificates(b)
	if err != nil {
		return nil, fmt.Errorf("certificate of the group's authority: %s: %w", path, err)
	}
	c := all[0]
	if !c.IsCA || !samePublic(key.Public(), c.PublicKey) || len(c.Subject.Organization) != 1 {
		return nil, fmt.Errorf("%s: the key and the certificate are not those of one authority", path)
	}
	return &Authority{c.Subject.Organization[0], c, key}, nil
}

// Renew gives the member self a fresh certificate, where the group was founded in d, and a key if it has none.
func (d Dir) Renew(self binding.Member, now time.Time) error {
	a, err := d.Authority()
	if err != nil {
		return err
	}
	key, err := d.ownKey()
	if err != nil {
		return err
	}
	der, err := a.Issue(self, key.Public(), now)
	if err != nil {
		return err
	}
	if err := ownfile.Write(d.path(memberFile), encodeCertificate(der)); err != nil {
		return fmt.Errorf("certificate of member %s: %w", self, err)
	}
	return nil
}

// ownKey returns the member's key, and makes and writes one where there is none.
func (d Dir) ownKey() (crypto.Signer, error) {
	path := d.path(memberKey)
	b, err := ownfile.ReadLinked(path, maxFile)
	if err == nil {
		key, err := decodeKey(b)
		if err != nil {
			return nil, fmt.Errorf("key of this member: %s: %w", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("key of this member: %w", err)
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	return key, writeKey(path, key)
}

func writeKey(path string, key crypto.Signer) error {
	b, err := encodeKey(key)
	if err == nil {
		err = ownfile.Write(path, b)
	}
	if err != nil {
		return fmt.Errorf("key of this member: %w", err)
	}
	return nil
}

// Export makes the keys of another member and writes them into to, a directory that is made with mode 0700 if it is
// missing, to be carried to that member's data directory by hand, as its directory keys.
func (a *Authority) Export(to Dir, member binding.Member, now time.Time) error {
	if err := ownfile.MakeDir(string(to)); err != nil {
		return fmt.Errorf("directory of the keys of member %s: %w", member, err)
	}
	if to.Present() || to.Founded() {
		return fmt.Errorf("%s has keys already: name another directory", to)
	}
	key, err := to.ownKey()
	if err != nil {
		return err
	}
	der, err := a.Issue(member, key.Public(), now)
	if err != nil {
		return err
	}
	return to.accept(member, der, a.certificate)
}

// accept writes a certificate of the member, and its authority's. The member's comes last: with it the keys are whole.
func (d Dir) accept(member binding.Member, der []byte, authority *x509.Certificate) error {
	if err := ownfile.Write(d.path(authorityFile), encodeCertificate(authority.Raw)); err != nil {
		return fmt.Errorf("certificate of the group's authority: %w", err)
	}
	if err := ownfile.Write(d.path(memberFile), encodeCertificate(der)); err != nil {
		return fmt.Errorf("certificate of member %s: %w", member, err)
	}
	return nil
}
