package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/api"
)

// The variables of the environment that say the same as flags; what a token is can be said by a variable or a file only, since others
// on the machine can read a command line.
const (
	apiVariable   = "LESSOR_API"
	tokenVariable = "LESSOR_TOKEN"
)

// remote says which server is asked over TCP.
type remote struct {
	API         string `name:"api" placeholder:"URL" help:"Ask a server over TCP, as https://dhcp.example:8067, with a token; else LESSOR_API says which."`
	TokenFile   string `name:"token-file" type:"path" placeholder:"FILE" help:"The file of the token; default: LESSOR_TOKEN, else ~/.config/lessor/token."`
	CA          string `name:"ca" type:"path" placeholder:"FILE" help:"The authority that the server's certificate comes from; default: those of the system."`
	Fingerprint string `name:"fingerprint" placeholder:"SHA256" help:"The fingerprint of the server's own certificate, where no authority stands behind it."`
}

// client returns a client of the server at s.API.
func (r remote) client() (*api.Client, error) {
	base, err := r.base()
	if err != nil {
		return nil, usageError{err: err}
	}
	trust, err := r.trust()
	if err != nil {
		return nil, err
	}
	token, err := r.token()
	if err != nil {
		return nil, err
	}
	return api.NewRemote(base, token, trust), nil
}

// base returns where the server is. A token is never sent in the clear to another machine.
func (r remote) base() (*url.URL, error) {
	u, err := url.Parse(r.API)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("--api: %q is no address of a server: write it as in https://dhcp.example:8067", r.API)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("--api: the address has a scheme, a host and a port, and no more: the token comes from --token-file or " + tokenVariable)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("--api: %s is another machine, to which a token is sent over https only", u.Host)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// trust returns whose certificate is believed; nil: one of the system's authorities.
func (r remote) trust() (*tls.Config, error) {
	switch {
	case r.CA != "" && r.Fingerprint != "":
		return nil, usageError{err: errors.New("--ca and --fingerprint: one of them says what is believed")}
	case r.CA != "":
		b, err := os.ReadFile(r.CA)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("--ca: no certificate in PEM is in %s", r.CA)
		}
		return &tls.Config{RootCAs: pool}, nil
	case r.Fingerprint != "":
		want, err := hex.DecodeString(strings.ReplaceAll(strings.ToLower(r.Fingerprint), ":", ""))
		if err != nil || len(want) != sha256.Size {
			return nil, usageError{err: errors.New("--fingerprint: it is the SHA-256 of a certificate, 64 hex digits, as the server logs it when it starts")}
		}
		return pinned(want), nil
	}
	return nil, nil
}

// pinned believes the one certificate with that fingerprint, whoever issued it and whatever name it has, while it holds.
func pinned(want []byte) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, // VerifyConnection is asked instead
		VerifyConnection: func(s tls.ConnectionState) error {
			c := s.PeerCertificates[0]
			got := sha256.Sum256(c.Raw)
			if subtle.ConstantTimeCompare(got[:], want) != 1 {
				return &api.UntrustedError{Why: fmt.Sprintf("it shows another certificate, with the fingerprint %x: do not go on unless its administrator says that this is the one", got)}
			}
			if now := time.Now(); now.Before(c.NotBefore) || now.After(c.NotAfter) {
				return &api.UntrustedError{Why: fmt.Sprintf("its certificate does not hold at this time (%s to %s)", c.NotBefore.UTC().Format(time.DateOnly), c.NotAfter.UTC().Format(time.DateOnly))}
			}
			return nil
		},
	}
}

// token returns the token that is shown.
func (r remote) token() (string, error) {
	path := r.TokenFile
	if path == "" {
		if t := os.Getenv(tokenVariable); t != "" {
			return tokenIn(tokenVariable, t)
		}
		dir, err := os.UserConfigDir()
		if err != nil {
			return "", noToken("~/.config/lessor/token")
		}
		path = filepath.Join(dir, "lessor", "token")
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return "", noToken(path)
		}
	}
	t, err := readToken(path)
	if err != nil {
		return "", fmt.Errorf("the token cannot be read: %w", err)
	}
	return tokenIn(path, t)
}

func noToken(path string) error {
	return fmt.Errorf("a server is asked over TCP with a token, and there is none: put it into %s (mode 0600), name a file by --token-file, or set %s; `lessor token create`, on the server, makes one", path, tokenVariable)
}

// readToken returns what is in a file that nobody else may read. It may be a pipe.
func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s has mode %04o, so others may read it: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	b, err := io.ReadAll(io.LimitReader(f, 4<<10))
	return string(b), err
}

// tokenIn returns the token that a text is, but for spaces around it. What is none is not sent anywhere.
func tokenIn(where, text string) (string, error) {
	text = strings.TrimSpace(text)
	if len(text) != access.MaxText || !strings.HasPrefix(text, "lessor_") || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s has no token: one begins with lessor_ and has %d characters", where, access.MaxText)
	}
	return text, nil
}
