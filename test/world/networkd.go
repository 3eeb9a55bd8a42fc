package world

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// networkd is systemd's client, run without systemd. It has no command to renew without a bus, so T1 must pass.
type networkd struct {
	station
}

func newNetworkd(s station) *networkd { return &networkd{station: s} }

func (c *networkd) Kind() string { return "networkd" }

func (c *networkd) Start() {
	w := c.host.w
	lines := []string{"[Match]", "Name=" + c.dev, "[Network]", "DHCP=ipv4", "LinkLocalAddressing=no", "IPv6AcceptRA=no",
		"[DHCPv4]", "ClientIdentifier=mac", "UseDNS=no", "UseHostname=no", "UseTimezone=no"}
	if c.opt.CheckConflict {
		lines = append(lines, "SendDecline=yes")
	}
	if c.opt.Hostname != "" {
		lines = append(lines, "SendHostname=yes", "Hostname="+c.opt.Hostname)
	}
	lines = append(lines, c.opt.Lines...)
	at := c.host.Role + "-" + c.dev + "/"
	w.Write(at+"run/systemd/network/10-world.network", strings.Join(lines, "\n")+"\n")
	w.must("mkdir", "-p", c.path("run/systemd/netif/links"), c.path("run/systemd/netif/leases"), c.path("run/systemd/netif/lldp"))
	w.must("chown", "-R", "systemd-network:", c.path("run/systemd/netif"))
	// networkd takes a writable /sys for the sign of a container's host side, and then leaves the links to udev.
	own := fmt.Sprintf("mount --bind %s /run && mount --bind /sys /sys && mount -o remount,ro,bind /sys && "+
		"exec /lib/systemd/systemd-networkd", c.path("run"))
	c.proc = c.host.startWith("networkd", []string{"SYSTEMD_LOG_TARGET=console", "SYSTEMD_LOG_LEVEL=debug"}, "sh", "-c", own)
}

// Renew does nothing: at T1 networkd renews by itself.
func (c *networkd) Renew() {}

// Release ends the client: it gives its lease back when it is told to end.
func (c *networkd) Release() {
	c.host.w.t.Helper()
	c.proc.Signal(syscall.SIGTERM)
	c.proc.Wait(softly)
}

// Told reads the lease that networkd wrote down.
func (c *networkd) Told() map[string]string {
	files, _ := os.ReadDir(c.path("run/systemd/netif/leases"))
	told := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(c.path("run/systemd/netif/leases/" + f.Name()))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
				told[strings.ToLower(k)] = v
			}
		}
	}
	return told
}
