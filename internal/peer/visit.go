package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// visit is one handshake between Lessors: who is at the other end, and what is to be spoken.
type visit struct {
	peer     *Peer
	members  []Member // whom the other end may be, by its address
	remote   netip.AddrPort
	inbound  bool
	member   binding.Member // who it has proved to be; of a connection that we make, who it must be
	protocol Protocol
	joining  bool
	verdict  *Refusal // what was found wrong within the handshake
}

// serve agrees with a machine that has connected. The connection is nil, without a refusal, where it wanted to join, and
// has been answered.
func (v *visit) serve(ctx context.Context, raw net.Conn) (*tls.Conn, *Refusal) {
	ctx, cancel := context.WithTimeout(ctx, v.peer.cfg.Limits.Handshake)
	defer cancel()
	t := tls.Server(raw, &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: v.welcome})
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, v.blame(ctx, err)
	}
	if v.joining {
		return nil, v.register(t, raw)
	}
	return t, nil
}

// dial agrees with a member that we have connected to.
func (v *visit) dial(ctx context.Context, raw net.Conn) (*tls.Conn, *Refusal) {
	ctx, cancel := context.WithTimeout(ctx, v.peer.cfg.Limits.Handshake)
	defer cancel()
	id := v.peer.cfg.Keys.Current(time.Now())
	cfg := v.base(id)
	cfg.NextProtos = []string{protocols[v.protocol].alpn}
	cfg.ServerName = string(v.member)
	// What the package tls would check is checked by meets: who the member is, in every respect.
	cfg.InsecureSkipVerify = true
	t := tls.Client(raw, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, v.blame(ctx, err)
	}
	return t, nil
}

// base returns what holds for both ends: TLS 1.3 without tickets, our certificate, and our own look at theirs.
func (v *visit) base(id *keys.Identity) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		Certificates:     []tls.Certificate{*id.Certificate()},
		VerifyConnection: func(s tls.ConnectionState) error { return v.meets(id, s) },
	}
}

// welcome chooses what to say to a client by what it offers to speak.
func (v *visit) welcome(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	now := time.Now()
	id := v.peer.cfg.Keys.Current(now)
	if !slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
		v.verdict = v.refusal(OldTLS, "")
	}
	if r := v.peer.cfg.Registrar; r != nil && slices.Equal(hello.SupportedProtos, []string{keys.ALPNJoin}) && r.Open(now) {
		v.joining = true
		return &tls.Config{MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true, NextProtos: []string{keys.ALPNJoin},
			Certificates: []tls.Certificate{*id.WithAuthority()}}, nil
	}
	cfg := v.base(id)
	cfg.NextProtos = alpn(v.peer.cfg.Protocols)
	cfg.ClientAuth = tls.RequestClientCert
	if v.verdict == nil && !slices.ContainsFunc(hello.SupportedProtos, func(s string) bool { return protocolOf(s, v.peer.cfg.Protocols) != 0 }) {
		v.verdict = v.refusal(NoProtocol, fmt.Sprintf("it speaks %s", offered(hello.SupportedProtos))) // and what follows fails
	}
	return cfg, nil
}

// offered returns what a client offers, bounded and harmless.
func offered(names []string) string {
	const few = 4
	switch {
	case len(names) == 0:
		return "nothing that it names"
	case len(names) > few:
		names = names[:few]
	}
	s := fmt.Sprintf("%+.40q", names)
	return s[1 : len(s)-1]
}

// meets sees who the other end is. It is called once in each handshake, on both ends.
func (v *visit) meets(id *keys.Identity, s tls.ConnectionState) error {
	protocol := protocolOf(s.NegotiatedProtocol, v.peer.cfg.Protocols)
	if protocol == 0 || v.protocol != 0 && v.protocol != protocol {
		v.verdict = v.refusal(NoProtocol, "")
		return v.verdict
	}
	name, err := id.Check(s.PeerCertificates, time.Now())
	if err != nil {
		v.verdict = v.refusal(reasonOf(err), err.Error())
		return v.verdict
	}
	if !slices.ContainsFunc(v.members, func(m Member) bool { return m.Name == name && !m.ISC }) {
		v.verdict = v.refusal(OtherMember, fmt.Sprintf("it says %s, and at %v is %s", name, v.remote.Addr(), listed(v.members)))
		return v.verdict
	}
	v.member, v.protocol = name, protocol
	return nil
}

func listed(members []Member) (s string) {
	for i, m := range members {
		if i > 0 {
			s += " or "
		}
		s += string(m.Name)
	}
	return s
}

func reasonOf(err error) Reason {
	for _, k := range []struct {
		err    error
		reason Reason
	}{
		{keys.ErrNoCertificate, NoCertificate}, {keys.ErrOtherAuthority, OtherAuthority}, {keys.ErrOtherGroup, OtherGroup},
		{keys.ErrOtherMember, OtherMember}, {keys.ErrExpired, Expired},
	} {
		if errors.Is(err, k.err) {
			return k.reason
		}
	}
	return UnfitCertificate
}

// refusal returns a refusal of this handshake. Whom the address is of is said where it tells.
func (v *visit) refusal(r Reason, detail string) *Refusal {
	who := v.member
	if who == "" && len(v.members) == 1 {
		who = v.members[0].Name
	}
	return &Refusal{Reason: r, Remote: v.remote, Member: who, Inbound: v.inbound, Detail: detail}
}

// blame returns why a handshake failed.
func (v *visit) blame(ctx context.Context, err error) *Refusal {
	var record tls.RecordHeaderError
	switch {
	case v.verdict != nil:
		return v.verdict
	case errors.Is(ctx.Err(), context.DeadlineExceeded), isTimeout(err):
		return v.refusal(HalfOpen, fmt.Sprintf("for %v", v.peer.cfg.Limits.Handshake))
	case errors.As(err, &record):
		if looksLikeFailover(record.RecordHeader) {
			return v.refusal(Plaintext, "")
		}
		return v.refusal(Garbage, fmt.Sprintf("it begins %x", record.RecordHeader))
	case isAlert(err):
		return v.refusal(RefusedByPartner, alertOf(err))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		return v.refusal(BrokenOff, "")
	}
	return v.refusal(Garbage, fmt.Sprintf("%+.80q", err.Error()))
}

// isAlert reports whether the other end has said that it refuses (RFC 8446 §6.2).
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// alertOf returns what it said.
func alertOf(err error) string {
	var op *net.OpError
	errors.As(err, &op)
	return op.Err.Error()
}
