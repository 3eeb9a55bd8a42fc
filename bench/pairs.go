package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// Each pair has its own defaults for how soon it notices that the other one is gone, as its makers meant it.

// sideName is what each side of a pair of Lessors is called; the first is the primary.
func sideName(side int) string { return [2]string{"west", "east"}[side] }

func lessorPairCommand(at *place) ([]string, []string, error) {
	conf, err := at.write("lessor.yaml", lessorPairDocument(at))
	if err != nil {
		return nil, nil, err
	}
	return []string{at.program, "serve", "--config", conf, "--log-level", "warn"}, nil, at.keys()
}

func lessorPairDocument(at *place) string {
	return fmt.Sprintf(`server: {name: %s, interfaces: [eth0], data: %s}
group:
  name: bench
  members: {west: {peer: %s:647}, east: {peer: %s:647}}
enterprise: {lease: {default: 1h}%s}
networks: {all: {subnets: {10.0.0.0/8: {pools: [{range: %v-%v}]}}}}
%s`, sideName(at.side), at.file("data"), serverAddr(0), serverAddr(1), at.enterprise, at.first, at.last, at.more)
}

// keys gives the side a certificate of the authority that the first side's place has; which is made first.
func (at *place) keys() error {
	data := at.file("data")
	if keys.In(data).Present() {
		return nil
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	now := time.Now()
	if at.side == 0 {
		authority, err := keys.NewAuthority("bench", now)
		if err != nil {
			return err
		}
		if err := os.Mkdir(at.file("east"), 0o700); err != nil {
			return err
		}
		if err := authority.Export(keys.In(at.file("east")), binding.Member("east"), now); err != nil {
			return err
		}
		return authority.Export(keys.In(data), binding.Member("west"), now)
	}
	return os.Rename(filepath.Join(filepath.Dir(at.dir), "0", "east", "keys"), filepath.Join(data, "keys"))
}

func lessorNormal(at *place) bool {
	s, err := at.standing()
	return err == nil && len(s.Partners) == 1 && s.Partners[0].State == "NORMAL" && s.Partners[0].PartnerState == "NORMAL" && s.Partners[0].Connected
}

// dhcpdPairCommand has the parameters of ISC's own example where there is one.
func dhcpdPairCommand(at *place) ([]string, []string, error) {
	role := "primary; mclt 3600; split 128;"
	if at.side == 1 {
		role = "secondary;"
	}
	return at.dhcpd(fmt.Sprintf(`ddns-update-style none; authoritative; ping-check false;
default-lease-time 3600; max-lease-time 3600; dhcp-cache-threshold 0;
failover peer "bench" { %s address %s; peer address %s; port 647; peer port 647;
  max-response-delay 30; max-unacked-updates 10; load balance max seconds 3; }
subnet 10.0.0.0 netmask 255.0.0.0 { pool { failover peer "bench"; range %v %v; } }
`, role, serverAddr(at.side), serverAddr(1-at.side), at.first, at.sizeable()))
}

func dhcpdNormal(at *place) bool {
	b, _ := os.ReadFile(at.file("dhcpd.leases"))
	i := bytes.LastIndex(b, []byte("my state "))
	return i >= 0 && bytes.HasPrefix(b[i:], []byte("my state normal"))
}

// keaPairCommand has the documented defaults of Kea's high availability.
func keaPairCommand(mode string) func(*place) ([]string, []string, error) {
	return func(at *place) ([]string, []string, error) {
		role, pools := "standby", fmt.Sprintf(`{"pool": "%v - %v"}`, at.first, at.last)
		if mode == "load-balancing" {
			role = "secondary"
			pools = `{"pool": "10.16.0.0 - 10.23.255.255", "client-class": "HA_server1"}, {"pool": "10.24.0.0 - 10.31.255.255", "client-class": "HA_server2"}`
		}
		hooks := keaHooks()
		return at.kea(fmt.Sprintf(`{"Dhcp4": {
  %s
  "multi-threading": {"enable-multi-threading": true, "thread-pool-size": 2, "packet-queue-size": 64},
  "hooks-libraries": [{"library": "%s/libdhcp_lease_cmds.so"}, {"library": "%s/libdhcp_ha.so", "parameters": {"high-availability": [{
    "this-server-name": "server%d", "mode": "%s", "heartbeat-delay": 10000, "max-response-delay": 60000, "max-ack-delay": 10000, "max-unacked-clients": 10,
    "multi-threading": {"enable-multi-threading": true, "http-dedicated-listener": true, "http-listener-threads": 2, "http-client-threads": 2},
    "peers": [{"name": "server1", "url": "http://%s:8000/", "role": "primary"}, {"name": "server2", "url": "http://%s:8000/", "role": "%s"}]}]}}],
  "loggers": [{"name": "kea-dhcp4", "severity": "ERROR", "output_options": [{"output": "stderr"}]},
    {"name": "kea-dhcp4.ha-hooks", "severity": "INFO", "output_options": [{"output": "stderr"}]}],
  "subnet4": [{"id": 1, "subnet": "10.0.0.0/8", "pools": [%s]}]
}}
`, at.keaCommon(), hooks, hooks, 1+at.side, mode, serverAddr(0), serverAddr(1), role, pools))
	}
}

// keaHooks is where Kea's libraries are.
func keaHooks() string {
	found, _ := filepath.Glob("/usr/lib/*/kea/hooks")
	return append(found, "/usr/lib/kea/hooks")[0]
}

var keaServing = regexp.MustCompile(`HA_STATE_TRANSITION.* to (HOT-STANDBY|LOAD-BALANCING)`)

func keaNormal(at *place) bool {
	b, _ := os.ReadFile(at.file("log"))
	return keaServing.Match(b)
}
