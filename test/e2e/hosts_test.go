package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/test/world"
)

// reserved is an address in no pool.
const reserved = "10.1.0.20"

// hostShown is what lessor hosts --json says, as far as this test looks.
type hostShown struct {
	Name, Hardware, Address, Network, Held, Text string
	Options                                      map[string]string
}

// A reservation from its making to its end, and a lease that is given up, as an operator does it at the command line.
func TestAHostIsMadeChangedAndTakenOutAtTheCommandLine(t *testing.T) {
	t.Parallel()
	l := newLab(t, "# by hand\n"+short)
	mac := l.mac.String()
	say := func(wantCode int, want string, args ...string) string {
		t.Helper()
		out, code := l.lessor.Command(args...)
		if code != wantCode || !strings.Contains(out, want) {
			t.Errorf("lessor %s: exit code %d\n%swant %d and %q", strings.Join(args, " "), code, out, wantCode, want)
		}
		return out
	}
	head := ask[struct{ Config struct{ Head string } }](l, "status", "--json").Config.Head
	say(0, "adopted", "hosts", "set", "printer1", "--hardware", mac, "--address", reserved, "--option", "host-name=printer1", "--comment", "as on its label")
	if h := ask[hostShown](l, "hosts", "printer1", "--json"); h.Hardware != mac || h.Address != reserved || h.Held != "free" || h.Options["host-name"] != "printer1" {
		t.Errorf("shown as %+v", h)
	}
	c := l.host.Client("udhcpc", "eth0", world.Options{})
	c.Start()
	if got := l.host.Leased("eth0", patience).Addr().String(); got != reserved {
		t.Errorf("it was given %s", got)
	}
	say(0, "has it", "hosts")
	say(0, "its client has the address", "hosts", "show", "printer1")
	c.Crash() // it is gone, and will not renew
	say(0, reserved+" is free", "release", reserved, "--reason", "moved")
	say(1, "nobody has "+reserved, "release", reserved)
	say(0, "released", "history", reserved)
	say(0, "adopted", "hosts", "set", "printer1", "--option", "host-name=printer2")
	if h := ask[hostShown](l, "hosts", "show", "printer1", "--json"); h.Address != reserved || h.Options["host-name"] != "printer2" {
		t.Errorf("what was not said did not stay: %+v", h)
	}
	// A change that is written against what was before is merged, or says what is in its way.
	say(1, "", "hosts", "set", "printer1", "{hardware: "+mac+", address: "+reserved+", options: {host-name: other}}", "--against", head)
	say(1, "there is a host", "hosts", "set", "printer1", "--new", "--hardware", mac)
	say(1, "did you mean printer1?", "hosts", "remove", "printr1")
	say(0, "adopted", "hosts", "remove", "printer1")
	say(1, "no host", "hosts", "show", "printer1")
	if text := say(0, "# by hand", "config", "show"); strings.Contains(text, "printer1") {
		t.Errorf("it is still there:\n%s", text)
	}
	if lines := strings.Split(strings.TrimSpace(say(0, "as on its label", "config", "history", "--json")), "\n"); len(lines) != 4 || !json.Valid([]byte(lines[0])) {
		t.Errorf("%d versions: %v", len(lines), lines)
	}
	say(0, "10.1.0.50-", "pools")
	say(0, "floor1", "map", "10.1.0.0/24")
}
