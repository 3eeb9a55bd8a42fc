package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// peer is a way to run a DHCP server.
type peer struct {
	name string
	// durable says whether a lease is on the disk before its ACK leaves.
	durable string
	program string
	version []string // arguments that make it print its version
	// start are the rates at which the search for the highest begins.
	start map[string]float64
	// command writes what it needs into dir, and returns what to run. leases is how many there may be.
	command func(program, dir string, leases int) (args, env []string, err error)
}

// peers are all that can be compared.
func peers(lessor string) []peer {
	kea := func(threads int) func(string, string, int) ([]string, []string, error) {
		return func(program, dir string, _ int) ([]string, []string, error) {
			env := []string{"KEA_PIDFILE_DIR=" + dir, "KEA_LOCKFILE_DIR=" + dir, "KEA_LOGGER_DESTINATION=stderr"}
			conf, err := write(dir, "kea.json", keaConf(dir, threads))
			return []string{program, "-c", conf}, env, err
		}
	}
	return []peer{
		{"Lessor", "yes", lessor, []string{"version"}, rates(12000, 20000), lessorCommand},
		{"responder without leases", "yes", "/proc/self/exe", nil, rates(18000, 25000), responderCommand},
		{"Kea memfile, one thread", "no, never synced", "kea-dhcp4", []string{"-v"}, rates(3000, 4000), kea(0)},
		{"Kea memfile, two threads", "no, never synced", "kea-dhcp4", []string{"-v"}, rates(5000, 6000), kea(2)},
		{"ISC dhcpd", "yes", "dhcpd", []string{"--version"}, rates(400, 3000), dhcpdCommand},
		{"dnsmasq", "yes", "dnsmasq", []string{"--version"}, rates(300, 400), dnsmasqCommand},
	}
}

// responderCommand runs this program as the responder, the limit of what can be done.
func responderCommand(_, dir string, _ int) ([]string, []string, error) {
	self, err := os.Executable()
	return []string{self, "-respond", filepath.Join(dir, "journal")}, nil, err
}

func rates(fresh, renew float64) map[string]float64 {
	return map[string]float64{"new": fresh, "renew": renew}
}

// installed returns the program's path and version; false if it is not there.
func (p *peer) installed() (path, version string, ok bool) {
	path, err := exec.LookPath(p.program)
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, p.program))
		}
	}
	if err != nil {
		return "", "", false
	}
	if p.version == nil {
		return path, "", true
	}
	out, _ := exec.Command(path, p.version...).CombinedOutput()
	return path, versionIn(string(out)), true
}

var versionNumber = regexp.MustCompile(`v?\d+\.\d+\S*`)

func versionIn(s string) string {
	if ours, ok := strings.CutPrefix(s, "lessor "); ok {
		return strings.Fields(ours)[0]
	}
	if v := versionNumber.FindString(s); v != "" {
		return strings.TrimRight(v, ",;)")
	}
	return strings.TrimSpace(strings.SplitN(s, "\n", 2)[0])
}

func write(dir, name, text string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

func lessorCommand(program, dir string, _ int) ([]string, []string, error) {
	conf, err := write(dir, "lessor.yaml", fmt.Sprintf(`server:
  name: bench
  interfaces: [eth0]
  data: %s
enterprise:
  lease: {default: 1h}
networks:
  all:
    subnets:
      10.0.0.0/8:
        pools: [{range: %s-%s}]
`, filepath.Join(dir, "data"), poolFirst, poolLast))
	return []string{program, "serve", "--config", conf, "--log-level", "warn"}, nil, err
}

func keaConf(dir string, threads int) string {
	return fmt.Sprintf(`{"Dhcp4": {
  "interfaces-config": {"interfaces": ["eth0"], "dhcp-socket-type": "udp", "re-detect": false},
  "lease-database": {"type": "memfile", "persist": true, "name": "%s/leases.csv", "lfc-interval": 0},
  "multi-threading": {"enable-multi-threading": %v, "thread-pool-size": %d, "packet-queue-size": 64},
  "valid-lifetime": 3600, "sanity-checks": {"lease-checks": "none"},
  "expired-leases-processing": {"reclaim-timer-wait-time": 0},
  "loggers": [{"name": "kea-dhcp4", "severity": "ERROR", "output_options": [{"output": "stderr"}]}],
  "subnet4": [{"id": 1, "subnet": "10.0.0.0/8", "pools": [{"pool": "%s - %s"}]}]
}}
`, dir, threads > 0, threads, poolFirst, poolLast)
}

// dhcpdCommand gives dhcpd a pool of no more than it needs, since its cost of a new lease grows with those that are
// free, and no check of its own before an offer.
func dhcpdCommand(program, dir string, leases int) ([]string, []string, error) {
	last := min(leases*13/10+512, poolSize) - 1
	conf, err := write(dir, "dhcpd.conf", fmt.Sprintf(`ddns-update-style none; authoritative; ping-check false;
default-lease-time 3600; max-lease-time 3600; dhcp-cache-threshold 0;
subnet 10.0.0.0 netmask 255.0.0.0 { range %s 10.%d.%d.%d; }
`, poolFirst, 16+last>>16, last>>8&255, last&255))
	if err != nil {
		return nil, nil, err
	}
	file, err := write(dir, "dhcpd.leases", "")
	return []string{program, "-4", "-f", "-q", "--no-pid", "-cf", conf, "-lf", file, "eth0"}, nil, err
}

func dnsmasqCommand(program, dir string, _ int) ([]string, []string, error) {
	return []string{program, "-C", "/dev/null", "-k", "-p", "0", "-i", "eth0", "--no-ping", "--quiet-dhcp", "--dhcp-authoritative",
		"-u", "root", "--dhcp-range=" + poolFirst + "," + poolLast + ",255.0.0.0,1h", "--dhcp-lease-max=1000000",
		"--dhcp-leasefile=" + filepath.Join(dir, "leases"), "--pid-file=" + filepath.Join(dir, "pid")}, nil, nil
}
