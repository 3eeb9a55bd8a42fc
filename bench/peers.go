package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// peer is a way to run a DHCP server, or a pair of them.
type peer struct {
	name string
	// durable says whether a lease is on the disk before its ACK leaves.
	durable string
	program string
	version []string // arguments that make it print its version
	sides   int      // 1, or 2 for a pair
	// command writes what it needs into the place, and returns what to run.
	command func(at *place) (args, env []string, err error)
	// normal reports whether one side of a pair has found the other; nil: it need not.
	normal func(at *place) bool
	// syncs is how many syncs one side has made; nil: it does not say.
	syncs func(at *place) (uint64, error)
}

// place is where one side runs.
type place struct {
	program, dir string
	side         int
	// first and last are the addresses that it gives.
	first, last netip.Addr
	enterprise  string // further keys of that layer in Lessor's document
	more        string // further lines of it
}

func (at *place) file(name string) string { return filepath.Join(at.dir, name) }

// ours is the name under which the others are compared.
const ours = "Lessor"

// alone are the servers that are compared.
func alone(lessor string) []peer {
	return []peer{
		{ours, "yes", lessor, []string{"version"}, 1, lessorCommand, nil, lessorSyncs},
		{"responder without leases, durable", "yes", "/proc/self/exe", nil, 1, responderCommand(true), nil, responderSyncs},
		{"responder without leases", "no", "/proc/self/exe", nil, 1, responderCommand(false), nil, responderSyncs},
		{"Kea memfile, one thread", "no, never synced", "kea-dhcp4", []string{"-v"}, 1, keaCommand(0), nil, nil},
		{"Kea memfile, two threads", "no, never synced", "kea-dhcp4", []string{"-v"}, 1, keaCommand(2), nil, nil},
		{"ISC dhcpd", "yes", "dhcpd", []string{"--version"}, 1, dhcpdCommand(""), nil, nil},
		{"ISC dhcpd, delayed-ack", "yes", "dhcpd", []string{"--version"}, 1, dhcpdCommand("delayed-ack 1000; max-ack-delay 10000;"), nil, nil},
		{"dnsmasq", "yes", "dnsmasq", []string{"--version"}, 1, dnsmasqCommand, nil, nil},
	}
}

// pairs are the pairs that are compared.
func pairs(lessor string) []peer {
	return []peer{
		{ours, "yes", lessor, []string{"version"}, 2, lessorPairCommand, lessorNormal, lessorSyncs},
		{"ISC failover", "yes", "dhcpd", []string{"--version"}, 2, dhcpdPairCommand, dhcpdNormal, nil},
		{"Kea hot standby, threads", "no, never synced", "kea-dhcp4", []string{"-v"}, 2, keaPairCommand("hot-standby"), keaNormal, nil},
		{"Kea load balancing, threads", "no, never synced", "kea-dhcp4", []string{"-v"}, 2, keaPairCommand("load-balancing"), keaNormal, nil},
	}
}

// serverDirs is where servers are that the PATH does not name.
var serverDirs = []string{"/usr/sbin", "/usr/local/sbin"}

// installed returns the program's path and version; false if it is not there.
func (p *peer) installed() (path, version string, ok bool) {
	path, err := exec.LookPath(p.program)
	for _, dir := range serverDirs {
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

func (at *place) write(name, text string) (string, error) {
	path := at.file(name)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// sizeable ends the pool of a server whose cost of a new lease grows with those that are free.
func (at *place) sizeable() netip.Addr {
	n := binary.BigEndian.Uint32(at.first.AsSlice()) + dhcpdPool - 1
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))
}

// dhcpdPool is as many as it can give in one sitting.
const dhcpdPool = 1 << 14

// responderCommand runs this program as the responder, the limit of what can be done.
func responderCommand(durable bool) func(*place) ([]string, []string, error) {
	return func(at *place) ([]string, []string, error) {
		self, err := os.Executable()
		args := []string{self, "-respond", at.dir}
		if durable {
			args = append(args, "-durable")
		}
		return args, nil, err
	}
}

func responderSyncs(at *place) (uint64, error) {
	b, err := os.ReadFile(at.file("syncs"))
	if err != nil || len(b) < 8 {
		return 0, fmt.Errorf("no count of syncs: %w", err)
	}
	return binary.LittleEndian.Uint64(b), nil
}

func lessorCommand(at *place) ([]string, []string, error) {
	conf, err := at.write("lessor.yaml", fmt.Sprintf(`server: {name: bench, interfaces: [eth0], data: %s}
enterprise: {lease: {default: 1h}%s}
networks: {all: {subnets: {10.0.0.0/8: {pools: [{range: %v-%v}]}}}}
%s`, at.file("data"), at.enterprise, at.first, at.last, at.more))
	return []string{at.program, "serve", "--config", conf, "--log-level", "warn"}, nil, err
}

// lessorStatus is what is read of `lessor status --json`.
type lessorStatus struct {
	Ready      bool           `json:"ready"`
	Bindings   map[string]int `json:"bindings"`
	Goroutines int            `json:"goroutines"`
	Partners   []struct {
		State        string `json:"state"`
		PartnerState string `json:"partner_state"`
		Unacked      int    `json:"unacked"`
		Connected    bool   `json:"connected"`
	} `json:"partners"`
	Alarms []struct {
		Code string `json:"code"`
	} `json:"alarms"`
	Stale *struct {
		Clients  int  `json:"clients"`
		Sweeping bool `json:"sweeping"`
	} `json:"stale"`
	Store struct {
		Syncs         uint64 `json:"syncs"`
		JournalBytes  int64  `json:"journal_bytes"`
		SnapshotBytes int64  `json:"snapshot_bytes"`
	} `json:"store"`
}

// status asks the server itself: a process for each question would cost more than most answers.
func (at *place) status() (s lessorStatus, err error) {
	return s, at.ask("status", &s)
}

// standing is what its server says of a pair's member, without the counts of everything that status has.
func (at *place) standing() (s lessorStatus, err error) {
	return s, at.ask("partners", &s)
}

func (at *place) ask(what string, into any) error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", at.socket())
	}
	c := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	r, err := c.Get("http://lessor/api/v1/" + what)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", what, r.Status)
	}
	return json.NewDecoder(r.Body).Decode(into)
}

func (at *place) socket() string { return at.file("data/lessor.sock") }

func lessorSyncs(at *place) (uint64, error) {
	s, err := at.status()
	return s.Store.Syncs, err
}

func keaCommand(threads int) func(*place) ([]string, []string, error) {
	return func(at *place) ([]string, []string, error) {
		return at.kea(fmt.Sprintf(`{"Dhcp4": {
  %s
  "multi-threading": {"enable-multi-threading": %v, "thread-pool-size": %d, "packet-queue-size": 64},
  "loggers": [{"name": "kea-dhcp4", "severity": "ERROR", "output_options": [{"output": "stderr"}]}],
  "subnet4": [{"id": 1, "subnet": "10.0.0.0/8", "pools": [{"pool": "%v - %v"}]}]
}}
`, at.keaCommon(), threads > 0, threads, at.first, at.last))
	}
}

func (at *place) keaCommon() string {
	return fmt.Sprintf(`"interfaces-config": {"interfaces": ["eth0"], "dhcp-socket-type": "udp", "re-detect": false},
  "lease-database": {"type": "memfile", "persist": true, "name": "%s", "lfc-interval": 0},
  "valid-lifetime": 3600, "sanity-checks": {"lease-checks": "none"},
  "expired-leases-processing": {"reclaim-timer-wait-time": 0},
  "control-socket": {"socket-type": "unix", "socket-name": "%s"},`, at.file("leases.csv"), at.file("kea.sock"))
}

func (at *place) kea(conf string) ([]string, []string, error) {
	file, err := at.write("kea.json", conf)
	env := []string{"KEA_PIDFILE_DIR=" + at.dir, "KEA_LOCKFILE_DIR=" + at.dir, "KEA_LOGGER_DESTINATION=stderr"}
	return []string{at.program, "-c", file}, env, err
}

// dhcpdCommand gives dhcpd no check of its own before an offer.
func dhcpdCommand(more string) func(*place) ([]string, []string, error) {
	return func(at *place) ([]string, []string, error) {
		return at.dhcpd(fmt.Sprintf(`ddns-update-style none; authoritative; ping-check false;
default-lease-time 3600; max-lease-time 3600; dhcp-cache-threshold 0; %s
subnet 10.0.0.0 netmask 255.0.0.0 { range %v %v; }
`, more, at.first, at.sizeable()))
	}
}

func (at *place) dhcpd(conf string) ([]string, []string, error) {
	file, err := at.write("dhcpd.conf", conf)
	if err != nil {
		return nil, nil, err
	}
	leases, err := at.write("dhcpd.leases", "")
	return []string{at.program, "-4", "-f", "-q", "--no-pid", "-cf", file, "-lf", leases, "eth0"}, nil, err
}

func dnsmasqCommand(at *place) ([]string, []string, error) {
	return []string{at.program, "-C", "/dev/null", "-k", "-p", "0", "-i", "eth0", "--no-ping", "--quiet-dhcp", "--dhcp-authoritative",
		"-u", "root", fmt.Sprintf("--dhcp-range=%v,%v,255.0.0.0,1h", at.first, at.last), "--dhcp-lease-max=2000000",
		"--dhcp-leasefile=" + at.file("leases"), "--pid-file=" + at.file("pid")}, nil, nil
}
