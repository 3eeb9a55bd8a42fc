package world

import (
	"fmt"
	"os/exec"
	"strings"
)

// dhcpdStates are the numbers of dhcpd's states in OMAPI (dhcpd(8)).
var dhcpdStates = map[string]int{
	"startup": 1, "normal": 2, "communications-interrupted": 3, "partner-down": 4, "potential-conflict": 5, "recover": 6,
	"paused": 7, "shutdown": 8, "recover-done": 9, "resolution-interrupted": 10, "conflict-done": 11, "recover-wait": 254,
}

// SetState has the operator set the server's failover state, as `partner-down`, by omshell.
func (d *Dhcpd) SetState(relationship, state string) {
	d.host.w.t.Helper()
	n, ok := dhcpdStates[state]
	if !ok {
		d.host.w.t.Fatalf("dhcpd has no state %q", state)
	}
	said := d.omshell("new failover-state", fmt.Sprintf("set name = %q", relationship), "open", fmt.Sprintf("set local-state = %d", n), "update")
	if strings.Contains(said, "can't") || strings.Contains(said, "not found") {
		d.host.w.t.Fatalf("omshell: %s", said)
	}
}

// ShutDown has the operator end the server gently, by omshell: it says that it recovers when it comes back. The process ends
// a moment later.
func (d *Dhcpd) ShutDown() {
	d.host.w.t.Helper()
	d.omshell("new control", "open", "set state = 2", "update")
}

// omshell runs ISC's shell against the server, which must have an omapi-port, and returns what it said.
func (d *Dhcpd) omshell(lines ...string) string {
	d.host.w.t.Helper()
	d.host.w.needs("omshell")
	lines = append([]string{fmt.Sprintf("port %d", omapiPort), "connect"}, lines...)
	cmd := exec.Command("ip", "netns", "exec", d.host.Name, "omshell")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.host.w.t.Fatalf("omshell: %v: %s", err, out)
	}
	return string(out)
}
