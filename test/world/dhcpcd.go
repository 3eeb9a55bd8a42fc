package world

import (
	"fmt"
	"strconv"
	"strings"
)

// dhcpcd is Roy Marples' client, as a daemon. Started again with its lease file it is in INIT-REBOOT.
type dhcpcd struct {
	station
	conf string
}

func newDhcpcd(s station) *dhcpcd {
	at := s.host.Role + "-" + s.dev + "/"
	conf := []string{"noipv4ll", "duid", "ipv4only", "reboot 5", "nohook resolv.conf, hostname, ntp, timesyncd",
		"option subnet_mask, routers, domain_name_servers, domain_name, host_name, ntp_servers, domain_search",
		"waitip 4"}
	if !s.opt.CheckConflict {
		conf = append(conf, "noarp")
	}
	if s.opt.Hostname != "" {
		conf = append(conf, "hostname "+s.opt.Hostname, "env force_hostname=NO")
	}
	conf = append(conf, s.opt.Lines...)
	return &dhcpcd{station: s, conf: s.host.w.Write(at+"dhcpcd.conf", strings.Join(conf, "\n")+"\n")}
}

func (c *dhcpcd) Kind() string { return "dhcpcd" }

func (c *dhcpcd) Start() {
	// ip netns exec gives every process mounts of its own, so these are seen by the client alone. Its state is kept in
	// the world's directory, for the next start.
	c.host.w.must("mkdir", "-p", c.path("lib"), c.path("run"))
	own := fmt.Sprintf("mount --bind %s /var/lib/dhcpcd && mount -t tmpfs tmpfs /run/dhcpcd && exec dhcpcd -4 -B -d -f %s %s",
		c.path("lib"), c.conf, c.dev)
	c.host.w.must("mkdir", "-p", "/run/dhcpcd")
	c.proc = c.host.Start("dhcpcd", "sh", "-c", own)
}

// command speaks to the running client, from inside its mounts.
func (c *dhcpcd) command(flag string) {
	c.host.w.t.Helper()
	c.host.w.must("nsenter", "-t", strconv.Itoa(c.proc.PID()), "-m", "-n", "dhcpcd", "-4", flag, "-f", c.conf, c.dev)
}

func (c *dhcpcd) Renew() { c.host.w.t.Helper(); c.command("-N") }

func (c *dhcpcd) Release() {
	c.host.w.t.Helper()
	c.command("-k")
	c.proc.Wait(softly)
}

// Told asks the client for its lease.
func (c *dhcpcd) Told() map[string]string {
	out, err := run("nsenter", "-t", strconv.Itoa(c.proc.PID()), "-m", "-n", "dhcpcd", "-4", "-U", "-f", c.conf, c.dev)
	if err != nil {
		return nil
	}
	told := map[string]string{}
	for line := range strings.Lines(out) {
		if k, v, ok := strings.Cut(strings.TrimRight(line, "\n"), "="); ok {
			told[k] = strings.Trim(v, "'")
		}
	}
	return told
}
