// Package packaging tests the Debian package as whoever installs it meets it: on a Debian system under its own systemd, in namespaces of its
// own, with a real client in another one.
package packaging

import (
	"fmt"
	"os"
	"testing"

	"github.com/lessor-dhcp/lessor/test/world"
)

// shared is a directory for what several tests build only once.
var shared string

func TestMain(m *testing.M) {
	world.Sweep()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if shared, err = os.MkdirTemp("", "lessor-package-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(shared)
	return m.Run()
}
