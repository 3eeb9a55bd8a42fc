package access

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }

const networks = `
enterprise: {lease: {default: 20s, min: 10s, max: 1h}, authoritative: true, conflict-probe: 0s}
networks: {floor1: {subnets: {10.1.0.0/24: {relays: [10.1.0.2], pools: [{range: 10.1.0.50-10.1.0.249}]}}}}
accept: {host-name: true}
`

// place is a server on 10.1.0.1 and another machine on 10.1.0.2.
type place struct {
	*world.World
	server, desk *world.Namespace
	lessor       *world.Lessor
}

// newPlace starts a server that has api under server: api.
func newPlace(t *testing.T, api string) *place {
	t.Helper()
	p := &place{World: world.New(t)}
	p.server, p.desk = p.Host("server"), p.Host("desk")
	s := p.Segment()
	s.Attach(p.server, "eth0", "10.1.0.1/24")
	s.Attach(p.desk, "eth0", "10.1.0.2/24")
	p.begin(api)
	return p
}

func (p *place) begin(api string) {
	p.T().Helper()
	p.lessor = p.server.Serve(world.Setup{Document: "  api: " + api + networks})
}

// command runs the command line against the server's socket, and fails the test where that fails.
func (p *place) command(args ...string) string {
	p.T().Helper()
	out, code := p.lessor.Command(args...)
	if code != 0 {
		p.T().Fatalf("lessor %s: %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// token makes a token of the role, and returns it and the file that has it.
func (p *place) token(role string) (token, file string) {
	p.T().Helper()
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(p.command("token", "create", "--role", role, "--json")), &made); err != nil || made.Token == "" {
		p.T().Fatal("no token:", err)
	}
	file = p.Write("token-"+role, made.Token+"\n")
	if err := os.Chmod(file, 0o600); err != nil {
		p.T().Fatal(err)
	}
	return made.Token, file
}

// door is what the status says of how the server is asked over TCP.
type door struct {
	URL, Fingerprint string
	Ends             time.Time
	Connections      int
	Shed             uint64
}

func (p *place) door() (d door) {
	p.T().Helper()
	var st struct{ API *door }
	if err := json.Unmarshal([]byte(p.command("status", "--json")), &st); err != nil || st.API == nil {
		p.T().Fatal("the status says nothing of the API:", err)
	}
	return *st.API
}

// client returns what asks from the other machine, and believes any certificate.
func (p *place) client() *http.Client {
	t := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
		return p.dial(network, addr)
	}}
	p.T().Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: 20 * time.Second}
}

func (p *place) dial(network, addr string) (c net.Conn, err error) {
	err = p.desk.Do(func() (err error) { c, err = net.DialTimeout(network, addr, 10*time.Second); return err })
	return c, err
}

// get asks with a token, and returns the answer whole.
func get(t testing.TB, c *http.Client, url, token string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// issuer is an authority.
type issuer struct {
	t           testing.TB
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	PEM         string
}

func newIssuer(t testing.TB, name string) *issuer {
	t.Helper()
	i := &issuer{t: t, key: newKey(t)}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, i.key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	if i.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	i.PEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return i
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// issue writes a certificate for an address and its key to those files, and returns its fingerprint.
func (i *issuer) issue(address, certificate, key string) (fingerprint string) {
	i.t.Helper()
	k := newKey(i.t)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		i.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: serial, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP(address)}}
	der, err := x509.CreateCertificate(rand.Reader, template, i.certificate, k.Public(), i.key)
	if err != nil {
		i.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		i.t.Fatal(err)
	}
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	put(i.t, certificate, b.String())
	put(i.t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

func put(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
