package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

const (
	// CertificateName is the file in the data directory where a server keeps the certificate that it made for itself, with its key.
	CertificateName = "api.pem"
	// ownLife is how long such a certificate lasts, and ownSoon how long before its end a start makes a new one.
	ownLife = 3 * 365 * 24 * time.Hour
	ownSoon = 30 * 24 * time.Hour
	// maxPEM is the largest file of certificates or keys that is read, in octets.
	maxPEM = 256 << 10
)

// Certificate is what a server proves with over TCP that it is itself. It is safe for concurrent use.
type Certificate struct {
	load func() (*tls.Certificate, error)
	own  bool // the server made it for itself
	now  atomic.Pointer[tls.Certificate]
}

// CertificateOf reads a certificate and its key from two files, in PEM, of which nobody but the owner may read the key.
func CertificateOf(certificate, key string) (*Certificate, error) {
	return newCertificate(false, func() (*tls.Certificate, error) {
		c, err := readPEM(certificate, false)
		if err != nil {
			return nil, fmt.Errorf("certificate of the API: %w", err)
		}
		k, err := readPEM(key, true)
		if err != nil {
			return nil, fmt.Errorf("key of the API: %w", err)
		}
		pair, err := tls.X509KeyPair(c, k)
		if err != nil {
			return nil, fmt.Errorf("certificate %s and key %s of the API: %w", certificate, key, err)
		}
		return &pair, nil
	})
}

// OwnCertificate returns the certificate that the server whose data directory is dir made for itself, and makes one where there is none, where it ends
// soon, or where it is not for all of the names and the address. No authority stands behind it: others know it by its fingerprint.
func OwnCertificate(dir string, addr netip.Addr, names []string, now time.Time) (*Certificate, error) {
	path := filepath.Join(dir, CertificateName)
	return newCertificate(true, func() (*tls.Certificate, error) {
		b, err := readPEM(path, true)
		if err == nil {
			if pair, err := tls.X509KeyPair(b, b); err == nil && fits(pair.Leaf, addr, names, now) {
				return &pair, nil
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("certificate of the API: %w", err)
		}
		if b, err = makeOwn(addr, names, now); err == nil {
			err = ownfile.Write(path, b)
		}
		if err != nil {
			return nil, fmt.Errorf("making a certificate for the API: %w", err)
		}
		pair, err := tls.X509KeyPair(b, b)
		return &pair, err
	})
}

func newCertificate(own bool, load func() (*tls.Certificate, error)) (*Certificate, error) {
	c := &Certificate{load: load, own: own}
	return c, c.Reload()
}

// Reload reads the files anew: connections made from then on are shown what they have. If they cannot be read, the one of before goes on.
func (c *Certificate) Reload() error {
	pair, err := c.load()
	if err != nil {
		return err
	}
	c.now.Store(pair)
	return nil
}

// Fingerprint names the certificate: the SHA-256 of it, in hex.
func (c *Certificate) Fingerprint() string {
	sum := sha256.Sum256(c.now.Load().Certificate[0])
	return hex.EncodeToString(sum[:])
}

// Ends returns when it ends.
func (c *Certificate) Ends() time.Time { return c.now.Load().Leaf.NotAfter }

// Begins returns from when on it holds.
func (c *Certificate) Begins() time.Time { return c.now.Load().Leaf.NotBefore }

// config returns the terms of TLS: what is older than 1.2 is refused (RFC 8996).
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.now.Load(), nil
		},
	}
}

// readPEM returns a file whole; one with a key that others than its owner and group may read is an error, and a group may read one only that root wrote for it.
func readPEM(path string, private bool) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case info.Size() > maxPEM:
		return nil, fmt.Errorf("%s is larger than %d octets", path, maxPEM)
	case private && info.Mode().Perm()&0o037 != 0:
		return nil, fmt.Errorf("%s has mode %04o, so others may get at the key: chmod 640 %s", path, info.Mode().Perm(), path)
	}
	return os.ReadFile(path)
}

func fits(c *x509.Certificate, addr netip.Addr, names []string, now time.Time) bool {
	if now.Before(c.NotBefore) || c.NotAfter.Sub(now) < ownSoon {
		return false
	}
	for _, name := range names {
		if !slices.Contains(c.DNSNames, name) {
			return false
		}
	}
	return addr.IsUnspecified() || c.VerifyHostname(addr.WithZone("").String()) == nil
}

// makeOwn returns a fresh key and a certificate for it, in PEM.
func makeOwn(addr netip.Addr, names []string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0], Organization: []string{"Lessor API"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(ownLife), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if !addr.IsUnspecified() && !addr.IsLoopback() {
		template.IPAddresses = append(template.IPAddresses, addr.WithZone("").AsSlice())
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(b, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}
