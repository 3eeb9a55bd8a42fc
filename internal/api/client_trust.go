package api

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// UntrustedError says why the one at the other end is not believed to be the server, in words that need no more.
type UntrustedError struct{ Why string }

func (e *UntrustedError) Error() string { return e.Why }

// distrusted reports whether there is somebody, who has not proved to be the server.
func distrusted(err error) bool {
	_, shown := errors.AsType[*UntrustedError](err)
	_, verified := errors.AsType[*tls.CertificateVerificationError](err)
	return shown || verified
}

// remoteRemedy says of a server that is asked over TCP why it does not answer, and what to do.
func remoteRemedy(err error) string {
	if e, ok := errors.AsType[*UntrustedError](err); ok {
		return e.Why
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(e.UnverifiedCertificates) > 0 {
		return untrusted(e.UnverifiedCertificates[0], e.Err)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "what listens there speaks no TLS: is the port right? A server without a certificate is asked by http:// on its own machine only"
	}
	return err.Error() + ": is the address right, and does `lessor serve` listen there (server.api)?"
}

// untrusted says what is the matter with the certificate that a server shows.
func untrusted(c *x509.Certificate, err error) string {
	shown := fmt.Sprintf("its fingerprint is %x", sha256.Sum256(c.Raw))
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return fmt.Sprintf("its certificate holds from %s to %s only: have it replaced, and see that the clocks are right", c.NotBefore.UTC().Format(time.DateOnly), c.NotAfter.UTC().Format(time.DateOnly))
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return err.Error() + ": ask by a name that the certificate is for, or give --fingerprint SHA256 (" + shown + ")"
	}
	return "no authority that is believed here stands behind its certificate (" + err.Error() + "): give the authority's by --ca FILE or, where it is the server's own, --fingerprint SHA256, which " +
		"`lessor status` on the server says; compare it: " + shown
}
