package story

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// keaPair is two Kea with its high-availability hook, in load balancing.
type keaPair struct {
	process [2]*world.Process
	conf    [2]string
}

type object = map[string]any

// keaConf is the file of one of the two. Each has a subnet of its own to give to new clients, since Kea's two servers may not
// give from one range.
func keaConf(f *floor, s side, c config) string {
	option := func(name, data string) object { return object{"name": name, "data": data} }
	subnet := func(id int, prefix, pool, class string, options ...object) object {
		return object{"id": id, "subnet": prefix, "option-data": options, "pools": []object{{"pool": pool, "client-class": class}}}
	}
	of198 := []object{}
	if c.router != "" {
		of198 = append(of198, option("routers", c.router))
	}
	peer := func(name string, addr any, role string) object {
		return object{"name": name, "url": fmt.Sprintf("http://%v:8000/", addr), "role": role, "auto-failover": true}
	}
	ha := object{
		"this-server-name": s.String(), "mode": "load-balancing", "heartbeat-delay": 1000, "max-response-delay": 5000,
		"max-ack-delay": 1000, "max-unacked-clients": 0, "peers": []object{peer("west", westAddr, "primary"), peer("east", eastAddr, "secondary")},
		"multi-threading": object{"enable-multi-threading": true, "http-dedicated-listener": true, "http-listener-threads": 2, "http-client-threads": 2},
	}
	hooks := keaHooks(f)
	whole := object{"Dhcp4": object{
		"interfaces-config": object{"interfaces": []string{fmt.Sprintf("eth0/%v", [...]any{westAddr, eastAddr}[s])}},
		"lease-database":    object{"type": "memfile", "persist": true, "name": f.Path(s.String()+".kea", "leases.csv"), "lfc-interval": 0},
		"authoritative":     true, "valid-lifetime": int(lifetime.Seconds()), "renew-timer": int(lifetime.Seconds()) / 2,
		"rebind-timer": int(lifetime.Seconds()) * 7 / 8, "multi-threading": object{"enable-multi-threading": true, "thread-pool-size": 2},
		"control-socket": object{"socket-type": "unix", "socket-name": f.Path(s.String()+".kea", "control")},
		"hooks-libraries": []object{{"library": hooks + "/libdhcp_lease_cmds.so"},
			{"library": hooks + "/libdhcp_ha.so", "parameters": object{"high-availability": []object{ha}}}},
		"option-def": []object{{"name": "boot-server", "code": 1, "space": "vendor-encapsulated-options-space", "type": "ipv4-address"}},
		"option-data": []object{option("domain-name", "corp.example"), option("tftp-server-name", c.boot),
			{"name": "vendor-encapsulated-options"},
			{"name": "boot-server", "space": "vendor-encapsulated-options-space", "data": c.vendor}},
		"shared-networks": []object{{"name": "floor1", "interface": "eth0", "subnet4": []object{
			subnet(1, "198.51.100.0/24", "198.51.100.50 - 198.51.100.149", "HA_west", of198...),
			subnet(2, "203.0.113.0/24", "203.0.113.50 - 203.0.113.149", "HA_east", option("routers", "203.0.113.1")),
		}}},
		"loggers": []object{{"name": "kea-dhcp4", "severity": "INFO", "output_options": []object{{"output": "stderr"}}}},
	}}
	text, err := json.Marshal(whole)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

// keaHooks is the directory of Kea's libraries, which is another one on each architecture.
func keaHooks(f *floor) string {
	found, _ := filepath.Glob("/usr/lib/*/kea/hooks/libdhcp_ha.so")
	if len(found) == 0 {
		f.t.Fatal("libdhcp_ha.so is not installed: run scripts/install-test-packages test as root")
	}
	return filepath.Dir(found[0])
}

func (p *keaPair) begin(f *floor) {
	f.t.Helper()
	for s, c := range []config{asWest, asEast} {
		p.conf[s] = f.Write(side(s).String()+".kea/kea.json", keaConf(f, side(s), c))
		dir := filepath.Dir(p.conf[s])
		p.process[s] = f.servers[s].Start("kea-dhcp4", "env", "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir, "kea-dhcp4", "-c", p.conf[s])
		p.process[s].Says(10*time.Second, `DHCP4_STARTED`)
	}
	p.both(f, "LOAD-BALANCING", [2]int{}, time.Minute)
}

var keaTransition = regexp.MustCompile(`HA_STATE_TRANSITION .* to ([A-Z-]+) state`)

// both waits until both say that they have come to the state, after what they had said at the marks.
func (p *keaPair) both(f *floor, state string, marks [2]int, d time.Duration) {
	f.t.Helper()
	began := time.Now()
	in := func(s side) string {
		all := keaTransition.FindAllStringSubmatch(p.process[s].Log()[marks[s]:], -1)
		if len(all) == 0 {
			return ""
		}
		return all[len(all)-1][1]
	}
	f.eventually(d, func() string {
		return fmt.Sprintf("both Kea are in %s; they are in %q and %q", state, in(west), in(east))
	}, func() bool {
		return in(west) == state && in(east) == state
	})
	f.say("both Kea are in %s, after %.1f s", state, time.Since(began).Seconds())
}

func (p *keaPair) marks() (m [2]int) {
	return [2]int{len(p.process[west].Log()), len(p.process[east].Log())}
}

// edit has the server read its file again.
func (p *keaPair) edit(f *floor, s side, c config) {
	f.t.Helper()
	if err := os.WriteFile(p.conf[s], []byte(keaConf(f, s, c)), 0o644); err != nil {
		f.t.Fatal(err)
	}
	marks := p.marks()
	marks[s.other()] = 0 // the other one need not change its state
	p.process[s].Signal(syscall.SIGHUP)
	p.process[s].SaysAfter(marks[s], 10*time.Second, `DHCP4_DYNAMIC_RECONFIGURATION_SUCCESS|HA_STATE_TRANSITION`)
	p.both(f, "LOAD-BALANCING", marks, time.Minute)
}

func (p *keaPair) apart(f *floor) {
	f.t.Helper()
	p.both(f, "PARTNER-DOWN", [2]int{}, 30*time.Second)
}

func (p *keaPair) together(f *floor) {
	f.t.Helper()
	p.both(f, "LOAD-BALANCING", p.marks(), time.Minute)
}

func TestTheStoryOfTwoKea(t *testing.T) {
	t.Parallel()
	f := newFloor(t)
	seen := f.play(&keaPair{})
	tellsOwn(t, seen)
	// Together again, each answers the clients of its own half only: these wait until they rebind.
	if o := seen["together: those who moved renew with east"]; o.answered != 0 {
		t.Errorf("docs/story.md says that east does not answer the renewals of west's clients: %v", o)
	}
	if o := seen["together: those who moved rebind"]; o.router != o.asked {
		t.Errorf("docs/story.md says that west answers when they rebind: %v", o)
	}
}
