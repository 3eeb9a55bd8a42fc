package world

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Authority is an authority of a group whose key a test has, so that it can make certificates that no real one would.
type Authority struct {
	w           *World
	certificate *x509.Certificate
	key         crypto.Signer
}

// Claim is what a certificate says.
type Claim struct {
	Group, Member string
	// From and Until are when it holds; zero: an hour ago, in an hour.
	From, Until time.Time
	// Usages are what it is good for; nil: both ends of a connection.
	Usages []x509.ExtKeyUsage
}

// Authority makes an authority that lasts for years, and has for years.
func (w *World) Authority() *Authority {
	w.t.Helper()
	a := &Authority{w: w, key: w.key()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority of a test"},
		NotBefore: time.Now().AddDate(-5, 0, 0), NotAfter: time.Now().AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.certificate = w.sign(template, template, a.key.Public(), a.key)
	return a
}

// Papers makes a key and a certificate for it that says what is claimed.
func (a *Authority) Papers(c Claim) *tls.Certificate {
	a.w.t.Helper()
	if c.From.IsZero() {
		c.From = time.Now().Add(-time.Hour)
	}
	if c.Until.IsZero() {
		c.Until = time.Now().Add(time.Hour)
	}
	if c.Usages == nil {
		c.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	key := a.w.key()
	leaf := a.w.sign(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: c.Member}, NotBefore: c.From, NotAfter: c.Until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: c.Usages, BasicConstraintsValid: true,
		DNSNames: []string{c.Member}, URIs: []*url.URL{{Scheme: "lessor-group", Opaque: url.PathEscape(c.Group) + "/" + c.Member}},
	}, a.certificate, key.Public(), a.key)
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

func (w *World) key() crypto.Signer {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}

func (w *World) sign(c, by *x509.Certificate, key crypto.PublicKey, with crypto.Signer) *x509.Certificate {
	w.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, by, key, with)
	if err != nil {
		w.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// Trust gives both servers keys of this authority in place of those that they have. It is for a Pair that is not started yet.
func (p *Pair) Trust(a *Authority) {
	p.t.Helper()
	for _, m := range p.Both() {
		m.Show(a, a.Papers(Claim{Group: "campus", Member: m.Host.Role}))
	}
}

// Show puts papers into the server's directory of keys, which it uses from then on.
func (m *Member) Show(a *Authority, papers *tls.Certificate) {
	m.Host.w.t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(papers.PrivateKey)
	if err != nil {
		m.Host.w.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"authority.pem": {Type: "CERTIFICATE", Bytes: a.certificate.Raw},
		"member.key":    {Type: "PRIVATE KEY", Bytes: key},
		"member.pem":    {Type: "CERTIFICATE", Bytes: papers.Certificate[0]},
	} {
		if err := os.WriteFile(filepath.Join(m.keys(), name), pem.EncodeToMemory(block), 0o600); err != nil {
			m.Host.w.t.Fatal(err)
		}
	}
}

func (m *Member) keys() string { return filepath.Join(m.Data, "keys") }

// Papers are the server's own, as somebody has them who has stolen its keys.
func (m *Member) Papers() *tls.Certificate {
	m.Host.w.t.Helper()
	c, err := tls.LoadX509KeyPair(filepath.Join(m.keys(), "member.pem"), filepath.Join(m.keys(), "member.key"))
	if err != nil {
		m.Host.w.t.Fatal(err)
	}
	return &c
}

// Port is where the server is reached by other members.
func (m *Member) Port() netip.AddrPort { return netip.AddrPortFrom(m.peer(), 647) }

func (m *Member) peer() netip.Addr {
	m.Host.w.t.Helper()
	all := m.Host.Addresses(m.Peer.Device)
	if len(all) == 0 {
		m.Host.w.t.Fatalf("%s has no address towards the other server", m.Host.Role)
	}
	return all[0].Addr()
}

// Stranger makes a host on the cable between the two servers that is neither of them.
func (p *Pair) Stranger(name, address string) *Namespace {
	p.t.Helper()
	n := p.Host(name)
	p.West.link.Attach(n, "peer0", address)
	return n
}

// Visit makes a TCP connection from the host, from an address of its own choice.
func (n *Namespace) Visit(to netip.AddrPort) (net.Conn, error) {
	var c net.Conn
	err := n.Do(func() (err error) {
		c, err = (&net.Dialer{Timeout: 5 * time.Second}).Dial("tcp", to.String())
		return err
	})
	return c, err
}

// Listen opens a TCP port of the host.
func (n *Namespace) Listen(at netip.AddrPort) (net.Listener, error) {
	var l net.Listener
	err := n.Do(func() (err error) {
		l, err = net.Listen("tcp", at.String())
		return err
	})
	return l, err
}

// The protocols that two Lessors agree on.
const (
	SpeaksFailover = "lessor-failover4/1"
	SpeaksGroup    = "lessor-group/1"
)

// Greet agrees on TLS over a connection, whoever the other end is. Papers may be nil. With TLS 1.3 the other end says only later
// whether it believes them.
func Greet(c net.Conn, papers *tls.Certificate, edit func(*tls.Config), protocols ...string) (*tls.Conn, error) {
	cfg := &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}
	if papers != nil {
		cfg.Certificates = []tls.Certificate{*papers}
	}
	if edit != nil {
		edit(cfg)
	}
	t := tls.Client(c, cfg)
	t.SetDeadline(time.Now().Add(10 * time.Second))
	if err := t.Handshake(); err != nil {
		return nil, err
	}
	t.SetDeadline(time.Time{})
	return t, nil
}

// RefusedConnections is what a server says of connections that it refused for one reason.
type RefusedConnections struct {
	Reason string    `json:"reason"`
	Remedy string    `json:"remedy"`
	Count  uint64    `json:"count"`
	Last   time.Time `json:"last"`
	Detail string    `json:"detail"`
}

// Refusal is a binding update that one of the two did not take.
type Refusal struct {
	Time    time.Time  `json:"time"`
	Address netip.Addr `json:"address"`
	Reason  int        `json:"reason"`
	Cause   string     `json:"cause"`
}

// Standing is what a server says of its relationship, of connections and updates that it refused.
type Standing struct {
	State        string               `json:"state"`
	Cause        string               `json:"cause"`
	Since        time.Time            `json:"since"`
	PartnerState string               `json:"partner_state"`
	PartnerSince time.Time            `json:"partner_since"`
	Connected    bool                 `json:"connected"`
	Trouble      string               `json:"trouble"`
	Differs      []string             `json:"differs"`
	Ignored      uint64               `json:"ignored"`
	Refused      []RefusedConnections `json:"refused_connections"`
	Updates      []Refusal            `json:"refused_updates"`
	Conflicts    []json.RawMessage    `json:"conflicts"`
}

// Count returns how many connections were refused for a reason.
func (s Standing) Count(reason string) uint64 {
	for _, r := range s.Refused {
		if r.Reason == reason {
			return r.Count
		}
	}
	return 0
}

// Standing asks the server.
func (m *Member) Standing() Standing {
	m.Host.w.t.Helper()
	out, code := m.Command("status", "--json")
	var s struct {
		Partners []Standing `json:"partners"`
	}
	if err := json.Unmarshal([]byte(out), &s); code != 0 || err != nil || len(s.Partners) != 1 {
		m.Host.w.t.Fatalf("%s: lessor status: exit code %d, %v: %s", m.Host.Role, code, err, out)
	}
	return s.Partners[0]
}

// Descriptors counts the files and connections that a process has open, and Memory is what it has resident, in octets.
func (p *Process) Descriptors() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID()))
	if err != nil {
		p.w.t.Fatal(err)
	}
	return len(entries)
}

// Memory is what the process has resident, in octets.
func (p *Process) Memory() int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.PID()))
	if err != nil {
		p.w.t.Fatal(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(strings.TrimSpace(string(b)), &size, &resident); err != nil {
		p.w.t.Fatal(err)
	}
	return resident * os.Getpagesize()
}
