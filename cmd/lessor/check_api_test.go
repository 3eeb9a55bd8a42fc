package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certified returns a certificate that holds from and until, and its key, in PEM.
func certified(t *testing.T, from, until time.Time) (certificate, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: []string{"west"}}
	c, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func TestCheckLooksAtTheCertificateOfTheAPI(t *testing.T) {
	now, year := time.Now(), 365*24*time.Hour
	good, key := certified(t, now.Add(-year), now.Add(year))
	ended, endedKey := certified(t, now.Add(-year), now.Add(-time.Hour))
	soon, soonKey := certified(t, now.Add(-year), now.Add(9*24*time.Hour))
	early, earlyKey := certified(t, now.Add(year), now.Add(2*year))
	for _, c := range []struct {
		name, certificate, key string
		mode                   os.FileMode
		says                   string // empty: nothing
		remedy                 string
	}{
		{"both are good", good, key, 0o600, "", ""},
		{"no certificate", "", key, 0o600, "api.pem: no such file", "put the file there"},
		{"no key", good, "", 0o600, "api.key: no such file", "another machine"},
		{"a key that others may read", good, key, 0o644, "mode 0644", "files in PEM"},
		{"the key of another", good, endedKey, 0o600, "does not match", "belongs to the certificate"},
		{"no certificate in it", "hello\n", key, 0o600, "failed to find", "files in PEM"},
		{"one that has ended", ended, endedKey, 0o600, "ended " + now.Add(-time.Hour).UTC().Format(time.DateOnly), "new one"},
		{"one that ends soon", soon, soonKey, 0o600, "ends " + now.Add(9*24*time.Hour).UTC().Format(time.DateOnly), "new one"},
		{"one that does not hold yet", early, earlyKey, 0o600, "holds from", "clock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"api.pem": c.certificate, "api.key": c.key} {
				if text != "" {
					write(t, dir, name, text)
				}
			}
			if c.key != "" {
				if err := os.Chmod(filepath.Join(dir, "api.key"), c.mode); err != nil {
					t.Fatal(err)
				}
			}
			file := write(t, dir, "one.yaml", fmt.Sprintf("server:\n  data: %s\n  api:\n    listen: 192.0.2.1\n    tls: {certificate: api.pem, key: api.key}\nnetworks: {lan: {subnets: {10.9.0.0/24: }}}\n", dir))
			got := lessor(t, "check", file)
			if got.code != exitDone {
				t.Fatalf("got %d\n%s", got.code, got.err)
			}
			if c.says == "" {
				if strings.Contains(got.err, "api") {
					t.Errorf("says\n%s", got.err)
				}
				return
			}
			for _, want := range []string{c.says, c.remedy, "one.yaml:5:5: warning"} {
				if !strings.Contains(got.err, want) {
					t.Errorf("no %q in\n%s", want, got.err)
				}
			}
		})
	}
}
