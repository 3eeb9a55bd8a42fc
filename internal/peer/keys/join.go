package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

// ALPNJoin is the protocol of joining (RFC 7301): TLS 1.3 without a certificate of the client, then a request of it and
// an answer, each a JSON object behind its length in four octets.
const ALPNJoin = "lessor-join/1"

// maxExchange is the length of the longest request or answer, in octets.
const maxExchange = 16 << 10

// joinTime is how long joining may take.
const joinTime = 15 * time.Second

type request struct {
	Invitation string         `json:"invitation"`
	Member     binding.Member `json:"member"`
	Request    []byte         `json:"request"` // PKCS #10
	Proof      []byte         `json:"proof"`
}

type answer struct {
	Certificate []byte `json:"certificate,omitempty"`
	Error       string `json:"error,omitempty"`
}

// key returns what both ends prove to have; the secret cannot be found from it.
func (t *Token) key() []byte {
	key, err := hkdf.Key(sha256.New, t.secret[:], nil, ALPNJoin, sha256.Size)
	if err != nil {
		panic(err) // only of a length that it cannot have
	}
	return key
}

// proof returns what only somebody with the key can say on that very connection, for that very request.
func proof(key, channel []byte, member binding.Member, request []byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, b := range [][]byte{channel, []byte(member), request} {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
		mac.Write(b)
	}
	return mac.Sum(nil)
}

// Channel returns octets that only the two ends of this very connection know (RFC 9266 §2, with our own label).
func Channel(t *tls.Conn) ([]byte, error) {
	s := t.ConnectionState()
	return s.ExportKeyingMaterial("EXPORTER-"+ALPNJoin, nil, sha256.Size)
}

// ReadFrame reads a request or an answer.
func ReadFrame(r io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxExchange {
		return nil, errors.New("it is longer than any")
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// WriteFrame writes a request or an answer.
func WriteFrame(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}

// Join gets the member of the token a certificate from the group's authority, over a connection that comes from the
// address from, the member's own; the zero Addr: from any. Afterwards d has the member's keys, and the token is spent.
// A member that belongs to the group already gets a new certificate for the key that it has. The data directory that d
// is in must exist.
func (d Dir) Join(ctx context.Context, t *Token, from netip.Addr, now time.Time) error {
	if err := d.mayJoin(t); err != nil {
		return err
	}
	key, err := d.ownKey()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	dialer := net.Dialer{}
	if from.IsValid() && !from.IsUnspecified() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	raw, err := dialer.DialContext(ctx, "tcp", t.Founder.String())
	if err != nil {
		return fmt.Errorf("the member at %v, which has the group's authority: %w: its server must run for this one to join", t.Founder, err)
	}
	defer raw.Close()
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	return d.exchange(ctx, raw, t, key, now)
}

// mayJoin sees that there is nothing in d that joining would destroy.
func (d Dir) mayJoin(t *Token) error {
	if err := ownfile.MakeDir(string(d)); err != nil {
		return fmt.Errorf("directory of the keys: %w", err)
	}
	if d.Founded() {
		return fmt.Errorf("%s has the authority of a group that was founded on this machine: to join another group, move the directory away", d)
	}
	if !d.Present() {
		return nil
	}
	all, err := readCertificates(d.path(authorityFile))
	if err != nil {
		return fmt.Errorf("certificate of the group's authority: %w", err)
	}
	for _, c := range all {
		if sha256.Sum256(c.Raw) == t.Authority {
			return nil
		}
	}
	return fmt.Errorf("%s has the keys of another group than the token's: to leave that group, move the directory away", d)
}

// exchange asks for a certificate and keeps it.
func (d Dir) exchange(ctx context.Context, raw net.Conn, t *Token, key crypto.Signer, now time.Time) error {
	id := &Identity{group: t.Group, member: t.Member, roots: x509.NewCertPool()}
	c := tls.Client(raw, &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{ALPNJoin}, ServerName: "group",
		InsecureSkipVerify: true, // the authority is known by its fingerprint alone
		VerifyConnection:   func(s tls.ConnectionState) error { return id.pin(t, s, now) }})
	if err := c.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("the member at %v: %w: the token must be no older than %v, and this machine's address the peer of member %s in that member's file", t.Founder, err, TokenLife, t.Member)
	}
	der, err := ask(c, t, key)
	if err != nil {
		return fmt.Errorf("the member at %v: %w", t.Founder, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil || !samePublic(key.Public(), leaf.PublicKey) {
		return fmt.Errorf("the member at %v gave a certificate that is not for this machine's key", t.Founder)
	}
	who, err := id.Check([]*x509.Certificate{leaf}, now)
	if err == nil && who != t.Member {
		err = ErrOtherMember
	}
	if err != nil {
		return fmt.Errorf("the member at %v gave a certificate that is no use: %w", t.Founder, err)
	}
	return d.accept(t.Member, der, id.authorities[0])
}

// pin takes the authority with the token's fingerprint for the group's, and sees that the other end is a member.
func (id *Identity) pin(t *Token, s tls.ConnectionState, now time.Time) error {
	if s.NegotiatedProtocol != ALPNJoin || len(s.PeerCertificates) == 0 {
		return errors.New("nobody may join there now")
	}
	for _, c := range s.PeerCertificates[1:] {
		if sha256.Sum256(c.Raw) == t.Authority {
			id.roots.AddCert(c)
			id.authorities = []*x509.Certificate{c}
			_, err := id.Check(s.PeerCertificates[:1], now)
			return err
		}
	}
	return errors.New("it does not have the group's authority that the token names, so somebody else may be answering there")
}

func ask(c *tls.Conn, t *Token, key crypto.Signer) ([]byte, error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: string(t.Member)}}, key)
	if err != nil {
		return nil, errors.New("this machine's key cannot sign a request")
	}
	channel, err := Channel(c)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(request{hex.EncodeToString(t.id[:]), t.Member, csr, proof(t.key(), channel, t.Member, csr)})
	if err != nil {
		return nil, err
	}
	if err := WriteFrame(c, b); err != nil {
		return nil, err
	}
	if b, err = ReadFrame(c); err != nil {
		return nil, fmt.Errorf("no answer came: %w", err)
	}
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, errors.New("its answer cannot be read")
	}
	if a.Error != "" {
		return nil, fmt.Errorf("it refuses: %s", quote(a.Error))
	}
	return a.Certificate, nil
}

// fit reports whether a key that somebody asks a certificate for is of a kind that every member can use.
func fit(key crypto.PublicKey) bool {
	k, ok := key.(*ecdsa.PublicKey)
	return ok && k.Curve.Params().BitSize >= 256
}
