package world

import (
	_ "embed"
	"syscall"
)

//go:embed scripts/udhcpc.sh
var udhcpcScript string

// udhcpc is busybox's client. It writes nothing down, so a new start asks anew.
type udhcpc struct {
	station
	script string
}

func newUdhcpc(s station) *udhcpc {
	return &udhcpc{station: s, script: s.host.w.Script(s.host.Role+"-"+s.dev+"/udhcpc.sh", udhcpcScript)}
}

func (c *udhcpc) Kind() string { return "udhcpc" }

func (c *udhcpc) Start() {
	args := []string{"busybox", "udhcpc", "-f", "-v", "-i", c.dev, "-s", c.script, "-t", "4", "-T", "1", "-A", "2", "-R"}
	if c.opt.CheckConflict {
		args = append(args, "-a")
	}
	if c.opt.Hostname != "" {
		args = append(args, "-x", "hostname:"+c.opt.Hostname)
	}
	for _, o := range []string{"router", "subnet", "dns", "domain", "hostname", "ntpsrv", "staticroutes", "search"} {
		args = append(args, "-O", o)
	}
	c.proc = c.host.startWith("udhcpc", []string{"TOLD=" + c.path("told")}, args...)
}

func (c *udhcpc) Renew() { c.proc.Signal(syscall.SIGUSR1) }

// Release ends the client too: with -R it gives the lease back when it is told to end.
func (c *udhcpc) Release() {
	c.host.w.t.Helper()
	c.proc.Stop(softly)
}

func (c *udhcpc) Told() map[string]string { return c.environment("") }
