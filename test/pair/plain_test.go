package pair

import (
	"bytes"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// With an ISC dhcpd only its address tells who it is. What else comes from there is refused, counted, and changes nothing.
func TestWhatIsNoISCServerIsRefused(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	p := w.Pair(world.PairSetup{Alone: true})
	edit(t, p.West, "10.9.0.2:647}", "10.9.0.2:647, protocol: isc-dhcpd}")
	p.West.Begin(true)
	p.Eventually(10*time.Second, "west answers", func() bool { _, err := p.West.Relation(); return err == nil })
	if out, code := p.West.Command("partner-down", "east", "--never-served", "--yes"); code != 0 {
		t.Fatalf("partner-down: %s", out)
	}
	p.West.Becomes(10*time.Second, "PARTNER-DOWN")
	was := p.West.Standing()
	host := w.Host("client")
	p.West.Segment.Attach(host, "eth0")
	c := host.Scripted("eth0", nil)
	hello := []byte{22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}
	for _, v := range []struct {
		name, reason string
		says         []byte
	}{
		{"a message of 2049 octets", "oversized", append([]byte{8, 1, contact, 12, 0, 0, 0, 1, 0, 0, 0, 0}, make([]byte, 2037)...)},
		{"a message of 64 Ki octets", "oversized", append([]byte{0xff, 0xff, contact, 12, 0, 0, 0, 1, 0, 0, 0, 0}, make([]byte, 5000)...)},
		{"a length of 3", "bad-frame", []byte{0, 3, contact, 12}},
		{"TLS", "unexpected-tls", append(hello, make([]byte, 506)...)},
		{"a browser", "oversized", []byte("GET / HTTP/1.1\r\nHost: west\r\n\r\n")},
		{"a type that is none", "unreadable", []byte{0, 12, 99, 12, 0, 0, 0, 1, 0, 0, 0, 0}},
		{"a Windows server", "unreadable", []byte{0, 12, contact, 8, 0, 0, 0, 1, 0, 0, 0, 0}},
		{"another relationship", "disagrees", greeting("other", 30)},
		{"nobody's relationship", "disagrees", greeting("", 30)},
		{"a relationship of 2,000 octets", "disagrees", greeting(string(bytes.Repeat([]byte{'x'}, 1900)), 30)},
		{"silence", "silent", nil},
		{"half a message", "silent", []byte{0, 60, 5, 12}},
	} {
		from := p.West.Standing().Count(v.reason)
		conn, err := p.East.Host.Visit(p.West.Port())
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		if _, err := conn.Write(v.says); err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		if err := closedWithin(conn, 25*time.Second); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		conn.Close()
		var s world.Standing
		p.Eventually(10*time.Second, v.name+": counted as "+v.reason, func() bool { s = p.West.Standing(); return s.Count(v.reason) > from })
		if s.State != was.State || !s.Since.Equal(was.Since) {
			t.Fatalf("%s: west was %s since %v, and is %s since %v: %s", v.name, was.State, was.Since, s.State, s.Since, s.Cause)
		}
		for _, r := range s.Refused {
			if len(r.Detail) > 500 {
				t.Errorf("%s: the detail has %d octets", v.name, len(r.Detail))
			}
			if r.Reason == v.reason {
				t.Logf("%s: %s: %s: %s", v.name, r.Reason, r.Detail, r.Remedy)
			}
		}
		c.Acquire()
	}
}

// greeting is the answer of an ISC server to a CONNECT, by a name and in a number of seconds.
func greeting(name string, timer uint32) []byte {
	b := message(connectAck, 0, option(22, []byte(name)...), option(14, u32(10)...), option(19, u32(timer)...),
		option(28, []byte("isc-V4.4.3-P1")...), option(20, 1), option(26, 0))
	copy(b[8:], make([]byte, 4)) // it answers the first message
	return b
}
