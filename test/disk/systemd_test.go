package disk

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lessor-dhcp/lessor/test/world"
)

// systemd listens in the place of systemd.
type systemd struct {
	path string
	n    atomic.Int64
}

// listenAsSystemd hears what services say of themselves (sd_notify(3)).
func listenAsSystemd(t *testing.T) *systemd {
	t.Helper()
	s := &systemd{path: world.New(t).Path("notify")}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			if strings.Contains(string(b[:n]), "WATCHDOG=1") {
				s.n.Add(1)
			}
		}
	}()
	return s
}

// heard is how often a service has said that it lives.
func (s *systemd) heard() int64 { return s.n.Load() }
