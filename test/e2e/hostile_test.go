package e2e

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// base is a BOOTP header with the cookie, of a client of which nobody knows.
func base() []byte {
	b := make([]byte, 240)
	b[0], b[1], b[2] = 1, 1, 6
	copy(b[28:], world.MAC(99))
	copy(b[236:], []byte{99, 130, 83, 99})
	return b
}

// odd are payloads that have ended other servers, or look as if they could.
func odd() map[string][]byte {
	set := func(edit func(b []byte)) []byte { b := append(base(), 53, 1, 1, 255); edit(b); return b }
	m := map[string][]byte{
		"nothing":                       {},
		"one octet":                     {1},
		"half a header":                 base()[:120],
		"no cookie":                     base()[:236],
		"a wrong cookie":                set(func(b []byte) { b[236] = 0 }),
		"a reply":                       set(func(b []byte) { b[0] = 2 }),
		"op 0":                          set(func(b []byte) { b[0] = 0 }),
		"hlen 0":                        set(func(b []byte) { b[2] = 0 }),
		"hlen 17":                       set(func(b []byte) { b[2] = 17 }),
		"hlen 255":                      set(func(b []byte) { b[2] = 255 }),
		"an unknown hardware type":      set(func(b []byte) { b[1] = 250 }),
		"hops 255":                      set(func(b []byte) { b[3] = 255 }),
		"giaddr is the server":          set(func(b []byte) { copy(b[24:], []byte{10, 1, 0, 1}) }),
		"giaddr is broadcast":           set(func(b []byte) { copy(b[24:], []byte{255, 255, 255, 255}) }),
		"giaddr is loopback":            set(func(b []byte) { copy(b[24:], []byte{127, 0, 0, 1}) }),
		"an unknown message type":       append(base(), 53, 1, 99, 255),
		"a message type of no length":   append(base(), 53, 0, 255),
		"a message type of two octets":  append(base(), 53, 2, 1, 1, 255),
		"a code without a length":       append(base(), 53, 1, 1, 12),
		"a length past the end":         append(base(), 53, 1, 1, 12, 200, 'x'),
		"no end":                        append(base(), 53, 1, 1),
		"a client-id of no length":      append(base(), 53, 1, 1, 61, 0, 255),
		"relay information of 0 octets": append(base(), 53, 1, 1, 82, 0, 255),
		"a relay sub-option too long":   append(base(), 53, 1, 1, 82, 3, 1, 200, 0, 255),
		"overload of an odd value":      append(base(), 53, 1, 1, 52, 1, 9, 255),
		"overload within overload": set(func(b []byte) {
			copy(b[44:], []byte{52, 1, 3, 255})
			copy(b[108:], []byte{52, 1, 3, 255})
		}),
		"a requested address of 3 octets": append(base(), 53, 1, 3, 50, 3, 10, 1, 0, 255),
		"a name of forbidden octets":      append(base(), 53, 1, 1, 12, 6, 0, 27, '[', '2', 'J', 10, 255),
		"a name that is a pointer loop":   append(base(), 53, 1, 1, 81, 5, 4, 0, 0, 0xc0, 0, 255),
		"a label of 200 octets":           append(append(append(base(), 53, 1, 1, 81, 204, 4, 0, 0, 200), make([]byte, 200)...), 255),
		"a DECLINE of nothing":            append(base(), 53, 1, 4, 255),
		"a RELEASE of nothing":            append(base(), 53, 1, 7, 255),
		"a RELEASE of a broadcast":        set(func(b []byte) { b[242] = 7; copy(b[12:], []byte{255, 255, 255, 255}) }),
		"an INFORM of nothing":            append(base(), 53, 1, 8, 255),
		"an answer's type":                append(base(), 53, 1, 2, 255),
	}
	long := append(base(), 53, 1, 3)
	for range 4 { // RFC 3396: one client identifier in many parts
		long = append(append(long, 61, 255), make([]byte, 255)...)
	}
	m["a client-id of 1,020 octets"] = append(long, 255)
	m["many pads"] = append(append(append(base(), make([]byte, 900)...), 53, 1, 1), 255)
	return m
}

// Nothing that anybody sends ends the server, or keeps it from serving the next client.
func TestOddPacketsDoNoHarm(t *testing.T) {
	t.Parallel()
	l := newLab(t, short)
	// Every event is read meanwhile, since what formats a packet for people is reached only then.
	events := l.host.Start("events", world.Binary, "events", "--json", "--socket", l.lessor.Socket())
	c := l.host.Scripted("eth0", nil)
	for name, payload := range odd() {
		for range 3 {
			c.SendRaw(payload)
		}
		if l.lessor.Ended() {
			t.Fatalf("%s: the server has ended", name)
		}
	}
	// Frames that lie about their length (CVE-2015-8605).
	frame := world.Frame(c.MAC, net.HardwareAddr{255, 255, 255, 255, 255, 255}, netip.MustParseAddrPort("0.0.0.0:68"),
		netip.MustParseAddrPort("255.255.255.255:67"), append(base(), 53, 1, 1, 255))
	for _, at := range []int{16, 38} {
		for _, length := range []uint16{0, 7, 8, 19, 20, 27, 28, 0xffff} {
			f := append([]byte(nil), frame...)
			binary.BigEndian.PutUint16(f[at:], length)
			c.SendFrame(f)
		}
	}
	dice := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		b := append(base(), make([]byte, dice.IntN(400))...)
		for i := 240; i < len(b); i++ {
			b[i] = byte(dice.Uint32())
		}
		for range dice.IntN(4) {
			b[dice.IntN(240)] = byte(dice.Uint32())
		}
		c.SendRaw(b)
	}
	ack := c.Acquire()
	l.lessor.HasActive(ack.Address(), l.mac)
	if l.lessor.Ended() || events.Ended() {
		t.Error("the server or its event stream has ended")
	}
	if log := l.lessor.Log(); strings.Contains(log, "\x1b[2J") || strings.Contains(log, "panic") {
		t.Errorf("the log is not clean")
	}
	drops := 0.0
	for _, n := range l.lessor.Status().Drops {
		drops += n
	}
	if drops < 50 {
		t.Errorf("only %v drops were counted: %v", drops, l.lessor.Status().Drops)
	}
}

// resident is a process's memory in octets.
func resident(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// Clients that do not exist take no memory to speak of, and those that do are served.
func TestAFloodOfRandomClients(t *testing.T) {
	t.Parallel()
	l := newLab(t, strings.Replace(short, "10.1.0.50-10.1.0.99", "10.1.0.50-10.1.0.200", 1))
	c := l.host.Client("udhcpc", "eth0", world.Options{})
	c.Start()
	addr := l.host.Leased("eth0", patience).Addr()
	before := resident(t, l.lessor.PID())

	other := l.Host("flood")
	l.segment.Attach(other, "eth0")
	s := other.Scripted("eth0", nil)
	dice := rand.New(rand.NewPCG(1, 1))
	payload := append(base(), 53, 1, 1, 55, 2, 1, 3, 255)
	const rate, seconds = 10000, 6
	began := time.Now()
	renewed := 0
	for sent := 0; sent < rate*seconds; {
		for due := min(rate*seconds, int(time.Since(began).Seconds()*rate)); sent < due; sent++ {
			binary.BigEndian.PutUint32(payload[4:], dice.Uint32())
			binary.BigEndian.PutUint32(payload[30:], dice.Uint32())
			s.SendRaw(payload)
		}
		if sent/rate > renewed {
			renewed++
			c.Renew()
		}
		time.Sleep(time.Millisecond)
	}
	acks := l.wire.Since(0, and(is(dhcpv4.MessageTypeAck, l.mac), func(p world.Packet) bool { return p.Address() == addr }))
	if len(acks) < renewed-1 {
		t.Errorf("of %d renewals during the flood %d were answered", renewed, len(acks)-1)
	}
	if grown := resident(t, l.lessor.PID()) - before; grown > 96<<20 {
		t.Errorf("the server grew by %d MiB", grown>>20)
	}
	l.lessor.HasActive(addr, l.mac)
	l.Eventually(5*time.Second, "the flood is over", func() bool { return !l.lessor.Ended() })
	if p := l.lessor.Status().Pools[0]; p.Free+p.Offered+p.Active+p.Grace+p.Abandoned+p.Reserved != p.Size || p.Active != 1 {
		t.Errorf("the pool's counts are not right: %+v", p)
	}
}
