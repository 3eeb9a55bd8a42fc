package world

import (
	"os/exec"
	"strings"
)

// needs fails the test where a program is not there, and says how it gets there.
func (w *World) needs(program string) {
	w.t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if _, err := exec.LookPath("/usr/sbin/" + program); err != nil {
		w.t.Fatalf("%s is not installed: run scripts/install-test-packages test as root", program)
	}
}

// Dhcpd runs ISC's server on one interface of the host, with the configuration given, and waits until it serves.
func (n *Namespace) Dhcpd(dev, conf string) *Process {
	n.w.t.Helper()
	n.w.needs("dhcpd")
	at := n.Role + ".dhcpd/"
	p := n.Start("dhcpd", "dhcpd", "-4", "-f", "-d", "--no-pid",
		"-cf", n.w.Write(at+"dhcpd.conf", conf), "-lf", n.w.Write(at+"leases", ""), dev)
	p.Says(ready, `Server starting service`)
	return p
}

// Kea runs ISC's newer server on the host, with the configuration given, and waits until it serves.
func (n *Namespace) Kea(conf string) *Process {
	n.w.t.Helper()
	n.w.needs("kea-dhcp4")
	file := n.w.Write(n.Role+".kea/kea.json", conf)
	dir := n.w.Path(n.Role + ".kea")
	p := n.startWith("kea-dhcp4", []string{"KEA_PIDFILE_DIR=" + dir, "KEA_LOCKFILE_DIR=" + dir}, "kea-dhcp4", "-c", file)
	p.Says(ready, `DHCP4_STARTED`)
	return p
}

// VersionOf returns the first word that a program answers to a flag.
func (w *World) VersionOf(program, flag string) string {
	w.t.Helper()
	w.needs(program)
	path := program
	if _, err := exec.LookPath(program); err != nil {
		path = "/usr/sbin/" + program
	}
	out, err := exec.Command(path, flag).CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s %s: %v", program, flag, err)
	}
	return strings.Fields(string(out) + " ?")[0]
}
