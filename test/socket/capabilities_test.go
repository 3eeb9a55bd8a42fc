package socket

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/test/world"
)

func buildDropped(t *testing.T, w *world.World, cgo string) string {
	t.Helper()
	program := w.Path("dropped")
	build := exec.Command("go", "build", "-o", program, "./dropped")
	build.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func TestRootKeepsTwoCapabilitiesOnEveryThread(t *testing.T) {
	for _, cgo := range []string{"0", "1"} {
		t.Run("cgo "+cgo, func(t *testing.T) {
			w := world.New(t)
			host := w.Host("server")
			out := host.Run(buildDropped(t, w, cgo))
			threads := strings.Count(out, "Name:")
			for _, want := range []string{
				"CapPrm:\t0000000000002400", "CapEff:\t0000000000002400", "CapInh:\t0000000000000000",
				"CapBnd:\t0000000000002400", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1",
			} {
				if n := strings.Count(out, want); n != threads || threads < 5 {
					t.Errorf("%d of %d threads have %q", n, threads, want)
				}
			}
			if !strings.Contains(out, "missing [] <nil>") {
				t.Errorf("it said\n%s", out)
			}
		})
	}
}

func TestAnOrdinaryUserIsToldWhatIsMissing(t *testing.T) {
	w := world.New(t)
	host := w.Host("server")
	program := buildDropped(t, w, "0")
	run := func(args ...string) (string, error) {
		c := exec.Command("ip", append([]string{"netns", "exec", host.Name}, args...)...)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := run("setpriv", "--reuid=nobody", "--clear-groups", "--inh-caps=-all", program)
	if err == nil || !strings.Contains(out, "port 67 needs the capability CAP_NET_BIND_SERVICE: as root, `setcap "+
		"cap_net_bind_service,cap_net_raw+ep "+program+"`") {
		t.Errorf("%v: %s", err, out)
	}
	// As the package's unit starts it: ambient capabilities and nothing else.
	caps := "+net_bind_service,+net_raw"
	out, err = run("setpriv", "--reuid=nobody", "--clear-groups", "--inh-caps="+caps, "--ambient-caps="+caps, program)
	if err != nil || !strings.Contains(out, "missing [] <nil>") || !strings.Contains(out, "NoNewPrivs:\t1") {
		t.Errorf("%v: %s", err, out)
	}
}
