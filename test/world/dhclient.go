package world

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"time"
)

//go:embed scripts/dhclient.sh
var dhclientScript string

// softly is how long a client may take to end when it is asked to.
const softly = 10 * time.Second

// dhclient is ISC's client. It has no command to renew: T1 must pass. Started again with its lease file it is in
// INIT-REBOOT.
type dhclient struct {
	station
	script, conf string
}

func newDhclient(s station) *dhclient {
	at := s.host.Role + "-" + s.dev + "/"
	// Without a short retry a lost first DISCOVER would cost the test most of its time.
	conf := "timeout 30;\nretry 2;\nreboot 5;\ninitial-interval 1;\nbackoff-cutoff 2;\n" +
		"request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, host-name, ntp-servers, " +
		"domain-search, interface-mtu;\n"
	if s.opt.Hostname != "" {
		conf += fmt.Sprintf("send host-name %q;\n", s.opt.Hostname)
	}
	conf += strings.Join(s.opt.Lines, "\n") + "\n"
	return &dhclient{station: s, script: s.host.w.Script(at+"dhclient.sh", dhclientScript), conf: s.host.w.Write(at+"dhclient.conf", conf)}
}

func (c *dhclient) Kind() string { return "dhclient" }

func (c *dhclient) args(more ...string) []string {
	return append([]string{"dhclient", "-4", "-v", "-cf", c.conf, "-lf", c.path("leases"), "-pf", c.path("pid"), "-sf", c.script}, more...)
}

func (c *dhclient) Start() {
	env := []string{"TOLD=" + c.path("told")}
	if c.opt.CheckConflict {
		env = append(env, "CHECK=yes")
	}
	if len(c.opt.Onlink) > 0 {
		env = append(env, "ONLINK="+strings.Join(c.opt.Onlink, " "))
	}
	// dhclient clears the environment of its script except for what -e hands over.
	args := c.args("-d")
	for _, e := range env {
		args = append(args, "-e", e)
	}
	c.proc = c.host.Start("dhclient", append(args, c.dev)...)
}

// Crash waits until the lease is written down: dhclient configures the interface first, and would forget the lease if it
// were killed in between.
func (c *dhclient) Crash() {
	c.host.w.t.Helper()
	if len(c.host.Addresses(c.dev)) > 0 {
		c.host.w.Eventually(softly, "dhclient writes its lease down", func() bool {
			b, err := os.ReadFile(c.path("leases"))
			return err == nil && strings.Contains(string(b), "lease {")
		})
	}
	c.station.Crash()
}

// Renew does nothing: at T1 dhclient renews by itself.
func (c *dhclient) Renew() {}

// Release ends the client, which in the foreground writes no process number down, and has another one give back what
// its lease file holds.
func (c *dhclient) Release() {
	c.host.w.t.Helper()
	c.proc.Kill()
	c.host.Run(c.args("-r", "-e", "TOLD="+c.path("told"), c.dev)...)
}

func (c *dhclient) Told() map[string]string { return c.environment("new_") }
