package e2e

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// systemd is told when the server is ready, and when it ends.
func TestTheServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	server := w.Host("server")
	w.Segment().Attach(server, "eth0", "10.1.0.1/24")
	name := w.Path("notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	told := func(what string) {
		t.Helper()
		buf := make([]byte, 4096)
		for manager.SetReadDeadline(time.Now().Add(5 * time.Second)); ; {
			n, err := manager.Read(buf)
			if err != nil {
				t.Fatalf("the service manager was not told %s: %v", what, err)
			}
			if strings.Contains(string(buf[:n]), what) {
				return
			}
		}
	}
	lessor := server.Serve(world.Setup{Document: short, As: []string{"env", "NOTIFY_SOCKET=" + name}})
	told("READY=1")
	lessor.Reload()
	told("RELOADING=1")
	told("READY=1")
	if err := lessor.Stop(5 * time.Second); err != nil {
		t.Error(err)
	}
	told("STOPPING=1")
}
