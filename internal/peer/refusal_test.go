package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// pair returns what a TLS client shows of a member's files.
func pair(t testing.TB, f keys.Files) []tls.Certificate {
	t.Helper()
	c, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{c}
}

// client is how somebody may speak TLS to us.
func client(certificates []tls.Certificate, protocols ...string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, Certificates: certificates, NextProtos: protocols, ServerName: "west"}
}

// forged is a certificate of an authority that the test has the key of.
func forged(t *testing.T, change func(*x509.Certificate)) (authority []byte, made []tls.Certificate) {
	t.Helper()
	root, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "made by hand"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-100 * 24 * time.Hour), NotAfter: time.Now().Add(100 * 24 * time.Hour), KeyUsage: x509.KeyUsageCertSign}
	authority, err = x509.CreateCertificate(rand.Reader, ca, ca, root.Public(), root)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"east"}, URIs: []*url.URL{{Scheme: "lessor-group", Opaque: "campus/east"}}}
	change(leaf)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), root)
	if err != nil {
		t.Fatal(err)
	}
	return authority, []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
}

func TestWhoIsNotAMemberIsRefusedWithAReason(t *testing.T) {
	b := newBench(t, "west", "east", "north", "isc")
	now := time.Now()
	stolen := b.files(b.authority, "west", now)
	other, err := keys.NewAuthority("campus", now)
	if err != nil {
		t.Fatal(err)
	}
	otherGroup := func(c *x509.Certificate) { c.URIs[0].Opaque = "factory/east" }
	speak := protocols[Failover4].alpn
	for name, c := range map[string]struct {
		from   binding.Member
		says   string // without TLS
		tls    *tls.Config
		change func(*x509.Certificate)
		want   Reason
		detail string
	}{
		"garbage":                        {from: "east", says: "GET / HTTP/1.1\r\n\r\n", want: Garbage, detail: "4745542"},
		"a failover message without TLS": {from: "east", says: string(message(40, 1)), want: Plaintext},
		"one of Windows":                 {from: "east", says: "\x00\x20\x05\x08aaaaaaaaaaaaaaaaaaaaaaaaaaaa", want: Plaintext},
		"TLS towards an ISC member":      {from: "isc", tls: client(nil, speak), want: UnexpectedTLS},
		"too long a message from ISC":    {from: "isc", says: "\x08\x01aaaaaaaaaaa", want: Oversized, detail: "2048"},
		"too short a message from ISC":   {from: "isc", says: "\x00\x0b\x05\x0caaaaaaaaaa", want: BadFrame},
		"TLS 1.2":                        {from: "east", tls: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, NextProtos: []string{speak}}, want: OldTLS},
		"another protocol":               {from: "east", tls: client(nil, "h2", "\x1b[31m"), want: NoProtocol, detail: `"h2"`},
		"no protocol":                    {from: "east", tls: client(pair(t, b.files(b.authority, "east", now))), want: NoProtocol},
		"joining where nobody may":       {from: "east", tls: client(nil, keys.ALPNJoin), want: NoProtocol, detail: "lessor-join/1"},
		"no certificate":                 {from: "east", tls: client(nil, speak), want: NoCertificate},
		"another authority":              {from: "east", tls: client(pair(t, b.files(other, "east", now)), speak), want: OtherAuthority, detail: "Lessor group authority"},
		"another member's certificate":   {from: "east", tls: client(pair(t, b.files(b.authority, "north", now)), speak), want: OtherMember, detail: "it says north"},
		"our own certificate":            {from: "east", tls: client(pair(t, stolen), speak), want: OtherMember, detail: "it says west"},
		"a certificate that has ended":   {from: "east", tls: client(pair(t, b.files(b.authority, "east", now.Add(-366*24*time.Hour))), speak), want: Expired, detail: "it ended on"},
		"another group":                  {from: "east", change: otherGroup, want: OtherGroup, detail: `"factory"`},
		"no URI":                         {from: "east", change: func(c *x509.Certificate) { c.URIs = nil }, want: OtherGroup, detail: "has 0 such"},
		"two URIs": {from: "east", want: OtherGroup, detail: "has 2 such", change: func(c *x509.Certificate) {
			c.URIs = append(c.URIs, &url.URL{Scheme: "lessor-group", Opaque: "campus/north"})
		}},
		"a URI and another DNS name": {from: "east", change: func(c *x509.Certificate) { c.DNSNames = []string{"*"} }, want: OtherMember, detail: "no DNS name"},
		"for one end only": {from: "east", want: UnfitCertificate, detail: "both ends", change: func(c *x509.Certificate) {
			c.ExtKeyUsage = c.ExtKeyUsage[:1]
		}},
		"an authority's certificate": {from: "east", want: UnfitCertificate, detail: "no member uses", change: func(c *x509.Certificate) {
			c.IsCA, c.BasicConstraintsValid = true, true
		}},
		"not yet": {from: "east", want: Expired, detail: "from", change: func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = now.Add(24*time.Hour), now.Add(48*time.Hour)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "west", "east", "north", "isc")
			cfg := silent(b.config("west", "east", "isc"))
			if c.tls != nil && c.change == nil {
				cfg.Keys = reringed(t, stolen)
			}
			if c.change != nil {
				authority, shown := forged(t, c.change)
				cfg.Keys = trusting(t, stolen, authority)
				c.tls = client(shown, speak)
			}
			west := b.run(cfg)
			conn := dialFrom(t, c.from, west.Addr())
			if c.tls != nil {
				tc := tls.Client(conn, c.tls)
				if tc.Handshake() == nil {
					gone(t, tc)
				}
			} else {
				conn.Write([]byte(c.says))
			}
			if c.from == "isc" { // its address tells who it is, so there is a link for a moment
				l := west.upOf(ISC, true)
				west.downOf(l)
			}
			r := west.refused(c.want)
			gone(t, conn)
			if r.Remote.Addr().String() != addresses[c.from] || !r.Inbound || r.Count != 1 || r.Last.IsZero() || !strings.Contains(r.Detail, c.detail) {
				t.Errorf("refused: %+v", r)
			}
			if strings.ContainsAny(r.Detail, "\x1b\n") {
				t.Errorf("what they say can change a terminal: %q", r.Detail)
			}
			if all := west.Snapshot().Refused; len(all) != 1 {
				t.Errorf("counted: %+v", all)
			}
			select {
			case e := <-west.events:
				t.Errorf("it became an event: %#v", e)
			default:
			}
		})
	}
}

// reringed opens files again, and trusting has another authority beside the group's own.
func reringed(t *testing.T, f keys.Files) *keys.Ring { return trusting(t, f, nil) }

func trusting(t *testing.T, f keys.Files, authority []byte) *keys.Ring {
	t.Helper()
	if authority != nil {
		own, err := os.ReadFile(f.Authority)
		if err != nil {
			t.Fatal(err)
		}
		f.Authority = t.TempDir() + "/both.pem"
		if err := os.WriteFile(f.Authority, append(own, pemOf(authority)...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := keys.Open(f, "campus", "west")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Strangers are turned away before anything of them is read, however many come: a scan, or an attack (CVE-2017-3144,
// CVE-2016-2774, CVE-2010-3616).
func TestStrangersCostNothing(t *testing.T) {
	b := newBench(t, "west", "east")
	west, east := b.run(b.config("west", "east")), b.run(silent(b.config("east", "west")))
	l := east.upOf(Failover4, true)
	east.drain()
	m := west.upOf(Failover4, false)
	before := descriptors(t)
	const many = 500
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addresses["stranger"])}, Timeout: patience}
	for range many {
		c, err := d.Dial("tcp", west.Addr().String())
		if err != nil { // it was reset so soon that the connection was not even seen
			continue
		}
		c.SetDeadline(time.Now().Add(patience))
		c.Write([]byte("anybody there?"))
		if n, err := c.Read(make([]byte, 1)); n > 0 || isTimeout(err) {
			t.Fatalf("a stranger was not turned away: %d octets, %v", n, err)
		}
		c.Close()
	}
	if r := west.refused(Stranger); r.Count != many || r.Member != "" || r.Remote.Addr().String() != addresses["stranger"] {
		t.Errorf("refused: %+v", r)
	}
	if after := descriptors(t); after > before+4 {
		t.Errorf("%d descriptors were open, and now %d", before, after)
	}
	if !l.Send(message(20, 1)) {
		t.Error("the partner's link is gone")
	}
	for {
		if got, ok := west.next().(Message); ok && got.Link == m {
			break
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestEveryReasonHasItsWords(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if r.String() == "invalid" || r.Says() == "" || r.Remedy() == "" || seen[r.String()] {
			t.Errorf("reason %d: %q, %q, %q", r, r, r.Says(), r.Remedy())
		}
		seen[r.String()] = true
	}
	if Reason(0).String() != "invalid" || Reason(200).String() != "invalid" || Reason(200).Remedy() != "" {
		t.Error("what is no reason has a name")
	}
	page, err := os.ReadFile("../../docs/members.md")
	if err != nil {
		t.Fatal(err)
	}
	for r := range seen {
		if !strings.Contains(string(page), "`"+r+"`") {
			t.Errorf("docs/members.md does not explain %s", r)
		}
	}
}

// A partner that is refused, or refuses, is tried again and again, and nothing else happens.
func TestADiallerSaysWhyThePartnerCannotBeReached(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		partner func(b *bench) func(net.Conn) // what the partner does; nil: nothing listens
		want    Reason
		says    string
	}{
		"nothing listens": {says: "nothing listens there"},
		"an ISC dhcpd": {want: BrokenOff, says: "protocol: isc-dhcpd", partner: func(*bench) func(net.Conn) {
			return func(c net.Conn) { c.Read(make([]byte, 2)); c.Close() }
		}},
		"something that greets": {want: Garbage, says: "no TLS", partner: func(*bench) func(net.Conn) {
			return func(c net.Conn) { c.Write([]byte("220 mail.corp.example ESMTP\r\n")) }
		}},
		"an ISC dhcpd as primary": {want: Plaintext, says: "protocol: isc-dhcpd", partner: func(*bench) func(net.Conn) {
			return func(c net.Conn) { c.Write(message(100, 3)) }
		}},
		"silence": {want: HalfOpen, says: "did not say who it is", partner: func(*bench) func(net.Conn) {
			return func(c net.Conn) {}
		}},
		"another member": {want: OtherMember, says: "it says north", partner: func(b *bench) func(net.Conn) {
			return serving(b, b.files(b.authority, "north", now))
		}},
		"another authority": {want: OtherAuthority, says: "keys of one authority", partner: func(b *bench) func(net.Conn) {
			other, _ := keys.NewAuthority("campus", now)
			return serving(b, b.files(other, "east", now))
		}},
		"a certificate that has ended": {want: Expired, says: "renew", partner: func(b *bench) func(net.Conn) {
			return serving(b, b.files(b.authority, "east", now.Add(-400*24*time.Hour)))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "west", "east")
			cfg := b.config("west", "east")
			cfg.Limits.Handshake = 300 * time.Millisecond
			if c.partner == nil {
				b.listeners["east"].Close()
			} else {
				do := c.partner(b)
				go func() {
					for {
						conn, err := b.listeners["east"].Accept()
						if err != nil {
							return
						}
						t.Cleanup(func() { conn.Close() })
						go do(conn)
					}
				}()
			}
			west := b.run(cfg)
			if c.want != 0 {
				if r := west.refused(c.want); r.Inbound || r.Member != "east" {
					t.Errorf("refused: %+v", r)
				}
			}
			for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
				s := west.Snapshot()
				if s.Lines[0].Attempts > 1 && strings.Contains(s.Lines[0].Trouble, c.says) {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("status: %+v", s.Lines)
				}
			}
			select {
			case e := <-west.events:
				t.Errorf("it became an event: %#v", e)
			default:
			}
		})
	}
}

// serving is a partner with those keys.
func serving(b *bench, f keys.Files) func(net.Conn) {
	shown := pair(b.t, f)
	return func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: shown, NextProtos: alpn(betweenLessors), ClientAuth: tls.RequestClientCert})
		s.Handshake()
	}
}
