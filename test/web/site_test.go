package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// site is two servers and their pages.
type site struct {
	*world.Pair
	// west and east are where a browser of this machine finds the pages of the two.
	west, east string
}

// document is what the pages show beside what every pair has: classes, a host, options of several layers.
const document = `
servers: {west: {options: {tftp-server-name: west.corp.example}}, east: {options: {tftp-server-name: east.corp.example}}}
classes: {phones: {kind: vendor, match: 'vendor_class.startsWith("Phone")', options: {tftp-server-name: 10.9.0.69}}}
hosts: {printer1: {hardware: 02:00:00:00:00:07, address: 10.1.16.9, options: {host-name: printer1}}}
`

// newSite starts two servers whose pages can be looked at.
func newSite(t *testing.T) *site {
	t.Helper()
	w := world.New(t)
	p := w.Pair(world.PairSetup{MCLT: 30 * time.Second, Lease: 2 * time.Minute, Pool: "10.1.16.0-10.1.16.255", More: document, Alone: true})
	s := &site{Pair: p}
	for _, m := range p.Both() {
		text, err := os.ReadFile(m.Config())
		if err != nil {
			t.Fatal(err)
		}
		with := strings.Replace(string(text), "server:\n", "server:\n  api: {listen: 127.0.0.1:8067}\n", 1)
		if err := os.WriteFile(m.Config(), []byte(with), 0o644); err != nil {
			t.Fatal(err)
		}
		m.Begin(true)
	}
	p.Normal(30 * time.Second)
	s.west, s.east = door(t, p.West.Host), door(t, p.East.Host)
	return s
}

// door makes a way from a port of this machine to the pages of a server, which listens inside of its namespace only.
func door(t testing.TB, h *world.Namespace) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go pass(h, c)
		}
	}()
	return "http://" + l.Addr().String()
}

// pass carries one connection into the namespace of h.
func pass(h *world.Namespace, c net.Conn) {
	defer c.Close()
	var inside net.Conn
	if err := h.Do(func() (err error) {
		inside, err = net.DialTimeout("tcp", "127.0.0.1:8067", 2*time.Second)
		return err
	}); err != nil {
		return
	}
	defer inside.Close()
	go func() { io.Copy(inside, c); inside.Close(); c.Close() }()
	io.Copy(c, inside)
}

// token makes a token of a server for somebody with a role.
func (s *site) token(m *world.Member, role string) string {
	s.T().Helper()
	return tokenOf(s.T(), m.Socket(), role)
}

// tokenOf makes a token of the server with a socket.
func tokenOf(t testing.TB, socket, role string) string {
	t.Helper()
	out, err := exec.Command(world.Binary, "token", "create", "--role", role, "--name", "ada", "--json", "--socket", socket).CombinedOutput()
	var made struct {
		Token string `json:"token"`
	}
	if err != nil || json.Unmarshal(out, &made) != nil || made.Token == "" {
		t.Fatalf("lessor token create: %v: %s", err, out)
	}
	return made.Token
}

// settle starts clients on both segments and waits until each has an address.
func (s *site) settle(n int) (hosts []*world.Namespace) {
	s.T().Helper()
	for i := range n {
		h := s.Host(fmt.Sprintf("client%d", i))
		segment := s.West.Segment
		if i%2 == 1 {
			segment = s.East.Segment
		}
		segment.Attach(h, "eth0")
		c := h.Client("udhcpc", "eth0", world.Options{Hostname: fmt.Sprintf("desk-%d", i)})
		c.Start()
		hosts = append(hosts, h)
	}
	for _, h := range hosts {
		h.Leased("eth0", 30*time.Second)
	}
	return hosts
}
