package class

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// sent is the options of a client.
type sent map[uint16][]byte

func (s sent) Option(code uint16) ([]byte, bool) {
	v, ok := s[code]
	return v, ok
}

func compile(t testing.TB, text string) *Match {
	t.Helper()
	m, problems := NewCompiler(option.Standard()).Expression(text)
	if m == nil {
		t.Fatalf("%s: %v", text, problems)
	}
	return m
}

// whole compiles an expression so that CEL alone decides it.
func whole(t testing.TB, c *Compiler, text string) *Match {
	t.Helper()
	if c.language == nil {
		c.language = newLanguage()
	}
	checked, errs := c.language.check(text)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", text, errs[0])
	}
	i := inspection{registry: c.registry, checked: checked, text: text}
	i.expr(checked.Expr())
	rewrite(checked)
	program, err := c.language.plan(checked)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return &Match{tree: &node{op: opaque}, program: program, registry: c.registry, reads: i.reads}
}

// answer evaluates a match for a client, without a memory.
func answer(m *Match, c *Client) (verdict, string) {
	var v view
	return v.answer(m, c)
}

func (v *view) answer(m *Match, c *Client) (verdict, string) {
	v.look(c)
	return m.evaluate(v)
}

func ethernet(last byte) binding.Hardware {
	return binding.HardwareOf(1, []byte{2, 0, 0x5e, 0, 0, last})
}

// phone is a client that says a little of everything.
func phone() *Client {
	return &Client{
		Identity: binding.Client{ID: []byte{1, 2, 0, 0x5e, 0, 0, 7}, Hardware: ethernet(7)},
		Options: sent{
			option.CodeVendorClass: []byte("Phone-7"), option.CodeHostName: []byte("ph7.Lab.corp.example"),
			option.CodeUserClass: []byte("\x05kiosk\x03lab"), option.CodeClientSystem: {0, 7},
			option.CodeParameterRequestList: {1, 3, 6}, option.CodeRouters: {10, 0, 0, 1},
			option.CodeVIVendorClass: []byte("\x00\x00\x11\x8b\x09\x08docsis30"), option.CodeClientUUID: {0, 1, 2},
			option.CodeRapidCommit: {}, option.CodeIPForwarding: {1}, option.CodeMaxMessageSize: {5, 220},
		},
		Relay:  []byte("\x01\x04eth1\x02\x03rem\x06\x03sub"),
		GIAddr: netip.MustParseAddr("10.1.0.1"), Network: "floor1",
	}
}

// someClient returns a client that says this and that, some of it malformed.
func someClient(r *rand.Rand) *Client {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	c := &Client{Options: sent{}, Known: r.IntN(2) == 0, Network: pick("floor1", "floor2", "")}
	put := func(code uint16, values ...string) {
		if r.IntN(3) > 0 {
			c.Options.(sent)[code] = []byte(pick(values...))
		}
	}
	put(option.CodeVendorClass, "Phone-7", "PXEClient:Arch:00007", "phone", "PHONE", "", "\x00", "Phone\x00\x00", "caf\xc3\xa9", "\xff\xfe", "K\xc3\x84")
	put(option.CodeUserClass, "\x05kiosk", "\x05kiosk\x03lab", "kiosk", "", "\x00", "\x03lab", strings.Repeat("\x05kiosk", 256))
	put(option.CodeHostName, "host.corp.example", "HOST", "h.", "a.b", "..", "", "h\xff.x", "Ä.de")
	put(option.CodeClientFQDN, "\x00\x00\x00pc.corp.example", "\x04\x00\x00\x02pc\x04Corp\x00", "\x00", "", "\x04\x00\x00\x3fxx", "\x00\x00\x00pc.")
	put(option.CodeClientSystem, "\x00\x07", "\x00\x09", "\x00\x07\x00\x09", "\x00", "\x00\x07\x00", "", "\x00\x09\x00\x07")
	put(option.CodeInterfaceMTU, "\x05\xdc", "\x05", "\x00\x00\x00")
	put(option.CodeTFTPServerName, "tftp", "", "TFTP\x00", "\xff")
	put(option.CodeIPForwarding, "\x00", "\x01", "\x02", "")
	put(option.CodeRouters, "\x0a\x00\x00\x01", "\x0a\x00\x00\x01\x0a\x00\x00\x02", "\x0a")
	put(option.CodeTimeOffset, "\xff\xff\xff\xff", "\x00\x00\x00\x07", "\x00")
	put(option.CodeParameterRequestList, "\x01\x03\x06", "\x03", "", strings.Repeat("\x07", 256))
	put(224, "abc", "\x00", "")
	if r.IntN(3) > 0 {
		c.Relay = []byte(pick("\x01\x04eth1", "\x01\x04eth1\x02\x03rem", "\x02\x00", "", "\x01\x09x", "\x06\x03sub\x01\x00"))
		c.GIAddr = netip.MustParseAddr(pick("10.1.0.1", "10.2.0.1"))
	}
	if r.IntN(4) > 0 {
		c.Identity.Hardware = binding.HardwareOf(uint8(r.IntN(3)), []byte(pick("\x02\x00\x5e\x00\x00\x07", "\x02\x00\x5f\x00\x00\x07", "\x02", "")))
	}
	if r.IntN(2) > 0 {
		c.Identity.ID = []byte(pick("\x01\x02\x00\x5e\x00\x00\x07", "\xff", "id"))
	}
	return c
}

func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	a, b := rand.Uint64(), rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d, %d", a, b)
		}
	})
	return rand.New(rand.NewPCG(a, b))
}

func (v verdict) String() string {
	return [...]string{"none", "no", "yes", "failed", "unsure"}[v]
}

func (c *Client) String() string {
	return fmt.Sprintf("%+v %x %q", c.Identity, c.Options, c.Relay)
}
