package responder

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

var (
	relay   = netip.MustParseAddr("10.30.0.1")
	renewed = netip.MustParseAddr("10.30.0.10")
)

// seeds are the DHCPv4 lines of RELIABILITY §2, and one of each kind of message.
func seeds() [][]byte {
	var all [][]byte
	zero, long := "", strings.Repeat("x", 255)
	relayed := dhcpv4.Header{GIAddr: relay}
	for t := dhcpv4.MessageType(0); t <= dhcpv4.TLS; t++ {
		all = append(all, message(t, dhcpv4.Header{}, 50, "\x0a\x00\x00\x0a", 54, "\x0a\x00\x00\x01"),
			message(t, relayed, 50, "\x0a\x1e\x00\x0b", 82, "\x01\x08ge-0/0/7\x05\x04\x0a\x1e\x00\x00\x0b\x04\x09\x09\x09\x09\x13\x00", 55, "\x01\x03\x06\x6c\xf9\x13"),
			message(t, dhcpv4.Header{CIAddr: renewed, CHAddr: [16]byte{2, 0, 0, 0, 0, 3}}, 61, zero))
	}
	// zero length, and another length than the type's, for each option that is looked at
	for _, c := range []int{12, 50, 51, 53, 54, 55, 57, 60, 61, 77, 80, 81, 82, 90, 93, 94, 97, 108, 116, 118, 124, 125} {
		for _, v := range []string{zero, "\x00", "\x00\x00\x00", "\x00\x00\x00\x00\x00", "\xff\xff\xff\xff", long} {
			all = append(all, message(dhcpv4.Discover, relayed, c, v), message(dhcpv4.Request, relayed, c, v))
		}
	}
	names := []string{
		"\x04\xff\xff\x40" + strings.Repeat("a", 64), "\x04\xff\xff\x3f" + strings.Repeat("a", 63) + "\x00", // CVE-2022-2929
		"\x04\xff\xff\xc0\x03", "\x04\xff\xff\xc0\xff", "\x04\xff\xff\x00", "\x00\xff\xff" + strings.Repeat("a.", 126), "\x00\xff\xffa..b", "\x00\xff\xff\x00\xc3\x28;$(reboot)",
	}
	for _, n := range names {
		all = append(all, message(dhcpv4.Discover, relayed, 81, n, 12, n, 55, "\x0c\x51"))
	}
	all = append(all,
		message(dhcpv4.Discover, relayed, 61, strings.Repeat("i", 254)), message(dhcpv4.Discover, relayed, 61, strings.Repeat("i", 256)),
		message(dhcpv4.Discover, relayed, 82, "\x01"), message(dhcpv4.Discover, relayed, 82, "\x01\xff\x00"), message(dhcpv4.Discover, relayed, 82, "\x01\x00\x01\x00\x0b\x00\x05\x03\x01\x01\x01"),
		message(dhcpv4.Discover, relayed, 82, strings.Repeat("\x01\x7f"+strings.Repeat("c", 127), 9)),
		message(dhcpv4.Discover, relayed, 60, strings.Repeat(long, 5), 77, long, 12, long, 43, long),
		message(dhcpv4.Request, relayed, 50, "\x0a\x1e\x00\x0b", 54, strings.Repeat("s", 500)), // CVE-2018-15688
		message(dhcpv4.Discover, dhcpv4.Header{GIAddr: own}), message(dhcpv4.Discover, dhcpv4.Header{GIAddr: relay, Hops: 255}),
		message(dhcpv4.Discover, dhcpv4.Header{HType: 32, HLen: 0}, 61, "ib"), message(dhcpv4.Discover, dhcpv4.Header{HType: 255, HLen: 16}),
		message(dhcpv4.Discover, dhcpv4.Header{GIAddr: netip.AddrFrom4([4]byte{255, 255, 255, 255})}), message(dhcpv4.Inform, dhcpv4.Header{CIAddr: netip.AddrFrom4([4]byte{224, 0, 0, 1})}),
		message(dhcpv4.Discover, relayed, 57, "\x00\x00"), message(dhcpv4.Discover, relayed, 57, "\xff\xff"), message(dhcpv4.Discover, relayed, 51, "\x00\x00\x00\x00"),
		message(dhcpv4.Discover, dhcpv4.Header{GIAddr: netip.MustParseAddr("10.40.0.1")}, 55, "\x6c", 80, zero), message(dhcpv4.Discover, dhcpv4.Header{GIAddr: netip.MustParseAddr("10.40.0.1")}, 116, "\x01"),
		message(dhcpv4.Request, dhcpv4.Header{CIAddr: netip.MustParseAddr("172.16.0.1")}), // CVE-2025-40779: no subnet
	)
	whole := message(dhcpv4.Discover, relayed, 55, "\x01\x03")
	noEnd := bytes.TrimRight(whole, "\x00\xff")
	overloaded := append(bytes.Clone(whole[:240]), 53, 1, 1, 52, 1, 3, 255) // each field says 52 again
	copy(overloaded[108:], []byte{52, 1, 3, 55, 2, 1, 3, 255})
	copy(overloaded[44:], []byte{52, 1, 1, 12, 200})
	bootp := message(0, dhcpv4.Header{CHAddr: [16]byte{2, 0, 0, 0, 0, 7}})
	old := bytes.Clone(bootp)
	copy(old[236:], "\x00\x00\x00\x00")
	return append(all, noEnd, overloaded, overloaded[:243], bootp, old, old[:236])
}

// FuzzAnswer holds every answer to what must be true of all of them, whatever the datagram.
func FuzzAnswer(f *testing.F) {
	for i, b := range seeds() {
		f.Add(b, uint8(i))
	}
	s := newStage(f)
	f.Fuzz(func(t *testing.T, packet []byte, how uint8) {
		if s.hear(packet, how) != nil {
			return
		}
		if err := s.audit(); err != nil {
			t.Fatalf("%v\nasked:\n%s", err, s.msg.String())
		}
	})
}

// audit says what is wrong with the last answer.
func (s *stage) audit() error {
	a := &s.out
	for i := range a.Changes {
		if err := auditChange(&a.Changes[i]); err != nil {
			return err
		}
	}
	switch quiet := a.Reply == nil; {
	case len(a.Changes) > 1:
		return fmt.Errorf("%d changes", len(a.Changes))
	case !quiet && a.Drop != 0, quiet && a.Drop == 0 && a.Probe == 0 && len(a.Changes) == 0:
		return fmt.Errorf("drop %v, %d octets of reply", a.Drop, len(a.Reply))
	case quiet:
		return nil
	}
	var m dhcpv4.Message
	if err := m.Parse(a.Reply); err != nil {
		return fmt.Errorf("the reply does not parse: %w", err)
	}
	for _, err := range []error{s.auditHeader(&m), s.auditOptions(&m), s.auditDestination(&m)} {
		if err != nil {
			return fmt.Errorf("%w\nanswered:\n%s", err, m.String())
		}
	}
	return nil
}

func auditChange(c *Change) error {
	b := &c.Binding
	facts, ok := b.Facts.Decode()
	size := len(b.Facts.Own)
	if b.Facts.Shared != nil {
		size += len(b.Facts.Shared.Bytes)
	}
	if !ok || size > binding.MaxFacts {
		return fmt.Errorf("facts of %d octets: %v", size, facts)
	}
	if b.State != binding.Active {
		return nil
	}
	r, ok := binding.DecodeResult(b.Result.Bytes)
	if _, fine := binding.DecodeReasons(b.Reasons.Bytes); !ok || !fine || len(b.Result.Bytes) > maxPayload {
		return fmt.Errorf("result of %d octets: %v", len(b.Result.Bytes), r)
	}
	for _, o := range r.Options { // DESIGN §1
		switch uint8(o.Code) {
		case 50, 51, 53, 54, 58, 59, 61, 81, 82, 90:
			return fmt.Errorf("option %d is in the result", o.Code)
		}
	}
	return nil
}

// auditHeader checks RFC 2131 table 3's fields.
func (s *stage) auditHeader(m *dhcpv4.Message) error {
	q, t := &s.msg, m.Type()
	flags := q.Flags
	if !m.GIAddr.IsUnspecified() && m.YIAddr.IsUnspecified() {
		flags |= dhcpv4.FlagBroadcast
	}
	if m.Op != dhcpv4.BootReply || m.HType != q.HType || m.HLen != q.HLen || m.Hops != 0 || m.Secs != 0 || m.XID != q.XID ||
		m.GIAddr != q.GIAddr || m.CHAddr() != q.CHAddr() || m.Flags != flags {
		return fmt.Errorf("a field is not as table 3 has it")
	}
	if t == dhcpv4.Nak && (!m.YIAddr.IsUnspecified() || !m.CIAddr.IsUnspecified() || !m.SIAddr.IsUnspecified() || m.BootFile() != nil) ||
		t == dhcpv4.Offer && !m.CIAddr.IsUnspecified() || q.Type() == dhcpv4.Inform && !m.YIAddr.IsUnspecified() {
		return fmt.Errorf("a field of a %v is not as table 3 has it", t)
	}
	if y := m.YIAddr; !y.IsUnspecified() && (y == own || !s.out.Link.Network.Has(y) || s.out.Address != y) {
		return fmt.Errorf("yiaddr %v", y)
	}
	granted := t == dhcpv4.Ack && q.Type() != dhcpv4.Inform
	if granted != (len(s.out.Changes) == 1) || granted && (s.out.Changes[0].Binding.Addr() != m.YIAddr || s.out.Changes[0].Binding.State != binding.Active) {
		return fmt.Errorf("%v with the changes %v", t, s.out.Changes)
	}
	return nil
}

func (s *stage) auditOptions(m *dhcpv4.Message) error {
	q, t := &s.msg, m.Type()
	most := minPayload
	if v, ok := q.Option(option.CodeMaxMessageSize); ok && len(v) == 2 && t != 0 {
		most = max(most, min(int(v[0])<<8+int(v[1])-28, maxPayload))
	}
	if n := len(s.out.Reply); n < dhcpv4.MinSize || n > most || t == 0 && n > max(dhcpv4.MinSize, len(q.Bytes())) {
		return fmt.Errorf("%d octets", n)
	}
	has := func(c uint16) bool { _, ok := m.Option(c); return ok }
	if (t != 0) != has(option.CodeServerIdentifier) || (t != 0 && t != dhcpv4.Nak && q.Type() != dhcpv4.Inform && !m.YIAddr.IsUnspecified()) != has(option.CodeLeaseTime) {
		return fmt.Errorf("server identifier %v, lease time %v", has(option.CodeServerIdentifier), has(option.CodeLeaseTime))
	}
	for _, c := range m.Codes() {
		switch {
		case c == option.CodeRequestedAddress || c == option.CodeParameterRequestList || c == option.CodeMaxMessageSize,
			t == 0 && c >= 50 && c <= 61,
			t == dhcpv4.Nak && c != 53 && c != 54 && c != 56 && c != 61 && c != 82:
			return fmt.Errorf("option %d in a %v", c, t)
		}
	}
	for _, c := range []uint16{option.CodeClientID, option.CodeRelayInformation} {
		was, asked := q.Option(c)
		if v, ok := m.Option(c); ok && (!asked || !bytes.Equal(v, was)) {
			return fmt.Errorf("option %d is not what was sent", c)
		}
	}
	return nil
}

func (s *stage) auditDestination(m *dhcpv4.Message) error {
	d, q := &s.out.To, &s.msg
	to := d.To.Addr()
	known := to == m.YIAddr || to == q.CIAddr && (m.Type() == dhcpv4.Nak || q.Type() == dhcpv4.Inform) || to == s.req.From.Addr() && q.Type() == dhcpv4.Inform
	switch {
	case d.From != own || d.To.Port() == 0:
	case !q.GIAddr.IsUnspecified():
		if to == q.GIAddr && isHost(to) && !d.Broadcast && d.Hardware.IsZero() && (d.To.Port() == dhcpv4.ServerPort || d.To.Port() == s.req.From.Port()) {
			return nil
		}
	case d.To.Port() != dhcpv4.ClientPort:
	case d.Broadcast:
		if to == everybody && d.Interface == 1 {
			return nil
		}
	case known && isHost(to) && (d.Hardware.IsZero() || d.Interface == 1):
		return nil
	}
	return fmt.Errorf("it goes to %+v", *d)
}

// TestSeedsAllocateNothing holds hostile messages to what holds for all others.
func TestSeedsAllocateNothing(t *testing.T) {
	s := newStage(t)
	for i, b := range seeds() {
		for how := range uint8(4) {
			if s.hear(b, how) != nil {
				continue
			}
			if err := s.audit(); err != nil {
				t.Errorf("seed %d, %d: %v\n%s", i, how, err, s.msg.String())
			}
			if n := testing.AllocsPerRun(10, func() { _ = s.hear(b, how) }); n > 0 {
				t.Errorf("seed %d, %d: %v allocations\n%s", i, how, n, s.msg.String())
			}
		}
	}
}
