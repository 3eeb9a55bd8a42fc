package keys

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Why a certificate is not accepted. Check wraps one of them, always.
var (
	ErrNoCertificate  = errors.New("no certificate")
	ErrOtherAuthority = errors.New("certificate of another authority")
	ErrOtherGroup     = errors.New("certificate of another group")
	ErrOtherMember    = errors.New("certificate of another member")
	ErrExpired        = errors.New("certificate out of date")
	ErrUnfit          = errors.New("unfit certificate")
)

// Check returns the member that the certificates of a connection name, the leaf first, as they are at now. An error
// says in words what is wrong and wraps one of the errors above.
func (id *Identity) Check(chain []*x509.Certificate, now time.Time) (binding.Member, error) {
	if len(chain) == 0 {
		return "", ErrNoCertificate
	}
	leaf := chain[0]
	if err := id.checkChain(chain, now); err != nil {
		return "", err
	}
	if leaf.IsCA {
		return "", fmt.Errorf("%w: it is an authority's, which no member uses for itself", ErrUnfit)
	}
	return id.checkNames(leaf)
}

// checkChain sees that the certificate is the authority's and holds at now. Where it is neither, the authority is what
// is said: another date would not help.
func (id *Identity) checkChain(chain []*x509.Certificate, now time.Time) error {
	leaf := chain[0]
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	options := x509.VerifyOptions{Roots: id.roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	_, err := leaf.Verify(options)
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		options.CurrentTime = leaf.NotBefore.Add(backdated)
		var unknown x509.UnknownAuthorityError
		if _, then := leaf.Verify(options); !errors.As(then, &unknown) {
			return outOfDate(invalid.Cert, now)
		}
		err = x509.UnknownAuthorityError{Cert: leaf}
	}
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: its issuer calls itself %s", ErrOtherAuthority, quote(leaf.Issuer.String()))
	case err != nil:
		return fmt.Errorf("%w: %s", ErrUnfit, quote(err.Error()))
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		options.KeyUsages = []x509.ExtKeyUsage{usage}
		if _, err := leaf.Verify(options); err != nil {
			return fmt.Errorf("%w: it must be for both ends of a connection (extended key usage serverAuth and clientAuth)", ErrUnfit)
		}
	}
	return nil
}

func outOfDate(c *x509.Certificate, now time.Time) error {
	if now.Before(c.NotBefore) {
		return fmt.Errorf("%w: it holds from %s on, and the clock here says %s", ErrExpired, stamp(c.NotBefore), stamp(now))
	}
	return fmt.Errorf("%w: it ended on %s, and the clock here says %s", ErrExpired, stamp(c.NotAfter), stamp(now))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// checkNames returns the member that leaf is of. Exactly one URI may say so, and a DNS name must say the same.
func (id *Identity) checkNames(leaf *x509.Certificate) (binding.Member, error) {
	var group string
	var member binding.Member
	found := 0
	for _, u := range leaf.URIs {
		if g, m, ok := names(u); ok {
			group, member = g, m
			found++
		}
	}
	switch {
	case found != 1:
		return "", fmt.Errorf("%w: it must carry one URI %s, and has %d such", ErrOtherGroup, uri(id.group, "MEMBER"), found)
	case group != id.group:
		return "", fmt.Errorf("%w: it is of group %s, and this is %s", ErrOtherGroup, quote(group), quote(id.group))
	case !slices.Contains(leaf.DNSNames, string(member)):
		return "", fmt.Errorf("%w: its URI says member %s, and no DNS name of it does", ErrOtherMember, member)
	}
	return member, nil
}
