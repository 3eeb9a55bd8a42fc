package node

import (
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// Whoever has the partner's keys cannot end the connection that works by making another one: that waits, says nothing to anybody,
// and is refused and counted when something is heard on the first one.
func TestASecondConnectionDoesNotEndTheFirst(t *testing.T) {
	p := newRunningPair(t)
	p.start("west")
	p.start("east")
	p.until("west", "NORMAL")
	p.until("east", "NORMAL")
	for n := p.nodes["west"].node; ; time.Sleep(20 * time.Millisecond) { // two connections at the same time are another matter
		old := make(chan bool, 1)
		n.control <- func() { old <- n.clock.now().Sub(n.partner.since) > freshLink }
		if <-old {
			break
		}
	}
	was, _ := p.status("west")
	id, err := keys.Load(keys.Dir(filepath.Join(p.dir, "east")).Files(), "campus", "east")
	if err != nil {
		t.Fatal(err)
	}
	for i, says := range [][]byte{nil, append([]byte{0, 64, 200, 12}, make([]byte, 60)...)} {
		c := second(t, id, was.Listen.String())
		if _, err := c.Write(says); err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if b, err := io.ReadAll(c); len(b) > 0 || isDeadline(err) {
			t.Errorf("it was told %x, or is open still: %v", b, err)
		}
		c.Close()
		is, _ := p.status("west")
		for end := time.Now().Add(5 * time.Second); refusedFor(&is, "too-many-links") != uint64(i+1); is, _ = p.status("west") {
			if time.Now().After(end) {
				t.Fatalf("it was not counted: %+v", is.RefusedConnections)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if is.State != "NORMAL" || !is.Since.Equal(was.Since.Time) || !is.Connected {
			t.Errorf("west was NORMAL since %v, and is %s since %v", was.Since, is.State, is.Since)
		}
	}
}

func isDeadline(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

func refusedFor(s *PartnerStatus, reason string) uint64 {
	for _, r := range s.RefusedConnections {
		if r.Reason == reason {
			return r.Count
		}
	}
	return 0
}

// second makes a connection as the other server does.
func second(t *testing.T, id *keys.Identity, to string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(pairAddress[binding.Member("east")])}}
	raw, err := d.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"lessor-failover4/1"}, Certificates: []tls.Certificate{*id.Certificate()}})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}
