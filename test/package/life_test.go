package packaging

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

const configuration = `server: {name: west}
networks:
  lan:
    subnets:
      10.0.0.0/24:
        lease: {default: 10m}
        options: {routers: [10.0.0.1], domain-name: before.example}
        pools: [{range: 10.0.0.100-10.0.0.199}]
`

// site is a machine with a client beside it.
type site struct {
	*machine
	host   *world.Namespace // the client's
	client world.Client
	addr   netip.Addr
}

// newSite makes a machine and a host, joined by a wire.
func newSite(t *testing.T) *site {
	w := world.New(t)
	server, host := w.Host("west"), w.Host("client")
	lan := w.Segment()
	lan.Attach(server, "eth0", "10.0.0.1/24")
	lan.Attach(host, "eth0")
	return &site{machine: boot(w, server), host: host}
}

// give copies a package onto the machine.
func (s *site) give(name, deb string) {
	s.t.Helper()
	octets, err := os.ReadFile(deb)
	if err != nil {
		s.t.Fatal(err)
	}
	s.put("/root/"+name, string(octets))
}

// leases starts the client, and waits until it has an address.
func (s *site) leases() {
	s.t.Helper()
	s.client = s.host.Client("udhcpc", "eth0", world.Options{Hostname: "phone"})
	s.client.Start()
	s.addr = s.host.LeasedIn("eth0", netip.MustParsePrefix("10.0.0.0/24"), time.Minute)
}

// row returns what the server has of the client's lease.
func (s *site) row() (world.Row, bool) {
	out, err := s.try("lessor leases --json --address " + s.addr.String())
	var r world.Row
	if err != nil || json.Unmarshal([]byte(out), &r) != nil {
		return r, false
	}
	return r, r.State == "active"
}

// keeps fails the test unless the server has the client's lease as it was.
func (s *site) keeps() {
	s.t.Helper()
	if _, ok := s.row(); !ok {
		out, _ := s.try("lessor leases")
		s.t.Fatalf("the lease of %v is not kept:\n%s", s.addr, out)
	}
}

// renews has the client renew, and fails the test unless it keeps its address, and the server knows that it did.
func (s *site) renews() {
	s.t.Helper()
	before, ok := s.row()
	if !ok {
		s.t.Fatalf("the server does not have the lease of %v", s.addr)
	}
	time.Sleep(time.Until(before.CLTT.Add(1100 * time.Millisecond))) // leases are counted in seconds
	s.client.Renew()
	s.w.Eventually(time.Minute, "the client renews", func() bool {
		after, ok := s.row()
		return ok && after.CLTT.After(before.CLTT)
	})
	if now := s.host.LeasedIn("eth0", netip.MustParsePrefix("10.0.0.0/24"), time.Second); now != s.addr {
		s.t.Fatalf("the client has %v, and had %v", now, s.addr)
	}
}

// another waits until the unit is active with another process than pid.
func (s *site) another(pid string, within time.Duration) {
	s.t.Helper()
	s.w.Eventually(within, "the server is started again", func() bool {
		now, err := s.try("systemctl show -P MainPID lessor && systemctl is-active lessor")
		return err == nil && !strings.HasPrefix(now, "0\n") && !strings.HasPrefix(now, pid+"\n")
	})
}

func (s *site) mainPID() string {
	return s.quietly("systemctl show -P MainPID lessor")
}

// From the first installation to the purge, with a client that keeps its address all the while.
func TestLifeOfAnInstallation(t *testing.T) {
	s := newSite(t)
	s.give("lessor_1.0.0.deb", older(t))
	s.give("lessor_1.1.0.deb", newer(t))
	clean := s.files()

	s.chapter("The first installation starts nothing, since there is nothing to serve")
	s.says(s.sh("dpkg -i /root/lessor_1.0.0.deb"), "nobody is served yet")
	s.is("systemctl is-enabled lessor", "disabled")
	s.is("systemctl is-active lessor", "inactive")
	s.is("systemctl is-system-running", "running")
	s.is("stat -c '%U:%G %a' /var/lib/lessor", "lessor:lessor 700")
	s.is("stat -c '%U:%G %a' /etc/lessor/lessor.yaml", "root:root 644")
	s.is("lessor version | cut -d' ' -f1,2", "lessor 1.0.0")
	s.sh("systemd-analyze verify --man=no lessor.service")

	s.chapter("Whom to serve is written, and the server is started")
	s.put("/etc/lessor/lessor.yaml", configuration)
	s.sh("lessor check /etc/lessor/lessor.yaml")
	s.sh("systemctl enable --now lessor")
	s.leases()
	s.keeps()
	s.sh("lessor leases")
	s.w.Eventually(time.Minute, "the service manager has heard how it is", func() bool {
		out, _ := s.try("systemctl show -P StatusText lessor")
		return strings.Contains(out, "serving 1 network")
	})
	s.says(s.sh("systemctl status --lines=0 lessor"), "man:lessor(1)")
	s.testSandbox()

	s.chapter("A reload is over when systemctl returns")
	s.put("/etc/lessor/lessor.yaml", strings.ReplaceAll(configuration, "before.example", "after.example"))
	pid := s.mainPID()
	s.sh("systemctl reload lessor && lessor config show | grep domain-name")
	s.is("lessor config show | grep -c after.example", "1")
	s.renews()
	if got := s.client.Told()["domain"]; got != "after.example" {
		t.Fatalf("after the reload the client was told %q", got)
	}

	s.chapter("A file that is wrong is refused where the reload was asked for")
	s.put("/etc/lessor/lessor.yaml", strings.ReplaceAll(configuration, "pools:", "pool:"))
	s.fails("systemctl reload lessor")
	s.says(s.sh("journalctl -u lessor -o cat -n 20 | grep -A2 lessor.yaml"), "pool")
	s.is("systemctl is-active lessor", "active")
	s.renews()
	s.put("/etc/lessor/lessor.yaml", strings.ReplaceAll(configuration, "before.example", "after.example"))
	s.sh("systemctl reload lessor")
	if now := s.mainPID(); now != pid {
		t.Fatalf("a reload made process %s of %s", now, pid)
	}

	s.testWrongStart()
	s.testFullDisk()
	s.testFailures()
	s.testUpgrades()
	s.testRemoval(clean)
	s.keep()
}

// testWrongStart restarts the server by a file that is wrong.
func (s *site) testWrongStart() {
	s.chapter("A restart by a file that is wrong fails, and says where; with the file mended, the server comes back by itself")
	good := s.quietly("cat /etc/lessor/lessor.yaml") + "\n"
	s.put("/etc/lessor/lessor.yaml", strings.ReplaceAll(good, "pools:", "pool:"))
	s.fails("systemctl restart lessor")
	s.status("/etc/lessor/lessor.yaml:8:9")
	s.put("/etc/lessor/lessor.yaml", good)
	s.serves()
	s.renews()
}

// testFullDisk starts the server with a data directory on a disk that has no room. What a disk does that fills up later is in test/e2e.
func (s *site) testFullDisk() {
	s.chapter("A disk without room: the start fails and says so; with room, the server comes by itself")
	s.quietly("systemctl stop lessor && mount -t tmpfs -o size=16k,mode=0700 lessor /var/lib/lessor && chown lessor:lessor /var/lib/lessor")
	s.fails("systemctl start lessor")
	s.status("no room|no space left")
	s.quietly("mount -o remount,size=200M /var/lib/lessor")
	s.serves()
	s.quietly("systemctl stop lessor && umount /var/lib/lessor && systemctl start lessor")
	s.keeps()
	s.renews()
}

// status waits until the newest lines of the journal say so of a server that does not start. systemctl status shows them, too, but none
// while the service manager is about to begin anew.
func (s *site) status(what string) {
	s.t.Helper()
	const line = "systemctl status --lines=0 lessor; journalctl -u lessor -o cat -n 12 --no-pager"
	out := ""
	s.w.Eventually(time.Minute, line+" says "+what, func() bool {
		out, _ = s.try(line)
		return regexp.MustCompile(what).MatchString(out)
	})
	s.write(line, out)
}

// serves waits until the server runs, with nobody having started it.
func (s *site) serves() {
	s.t.Helper()
	s.w.Eventually(time.Minute, "it serves again", func() bool {
		out, err := s.try("systemctl is-active lessor")
		return err == nil && strings.TrimSpace(out) == "active"
	})
}

// testFailures kills the server, and has it stand still.
func (s *site) testFailures() {
	s.chapter("A restart")
	s.sh("systemctl restart lessor")
	s.renews()

	s.chapter("The server is killed, and started again")
	pid := s.mainPID()
	s.sh("systemctl kill -s KILL lessor")
	s.another(pid, time.Minute)
	s.renews()
	s.sh("systemctl show -p NRestarts,Result lessor")

	s.chapter("A server that stands still is ended by the watchdog; one that does not, is not")
	s.put("/etc/systemd/system/lessor.service.d/watchdog.conf", "[Service]\nWatchdogSec=6s\n")
	s.sh("systemctl daemon-reload && systemctl restart lessor")
	pid = s.mainPID()
	time.Sleep(8 * time.Second) // systemd's clock is the real one
	s.is("systemctl show -P MainPID lessor", pid)
	s.sh("systemctl kill -s STOP lessor")
	s.another(pid, 2*time.Minute)
	s.sh("journalctl -u lessor -o cat | grep -i watchdog")
	s.quietly("rm -r /etc/systemd/system/lessor.service.d && systemctl daemon-reload && systemctl restart lessor")
	s.renews()
}

// testUpgrades installs a later version and the earlier one again.
func (s *site) testUpgrades() {
	s.chapter("An upgrade keeps the leases, and the file that was edited")
	edited := s.quietly("md5sum </etc/lessor/lessor.yaml")
	pid := s.mainPID()
	s.sh("dpkg --force-confold -i /root/lessor_1.1.0.deb")
	s.is("md5sum </etc/lessor/lessor.yaml", edited)
	s.is("systemctl is-active lessor", "active")
	s.is("systemctl is-enabled lessor", "enabled")
	s.is("lessor status --json | grep -o '\"version\":\"[0-9.]*' | head -1", `"version":"1.1.0`)
	if s.mainPID() == pid {
		s.t.Fatal("the upgrade left the old server running")
	}
	s.keeps()
	s.renews()

	s.chapter("And back")
	s.sh("dpkg --force-confold -i /root/lessor_1.0.0.deb")
	s.is("systemctl is-active lessor", "active")
	s.renews()

	s.chapter("An upgrade does not end a server whose file would not let it start")
	good := s.quietly("cat /etc/lessor/lessor.yaml") + "\n"
	s.put("/etc/lessor/lessor.yaml", good+"networcs: {}\n")
	pid = s.mainPID()
	s.says(s.sh("dpkg --force-confold -i /root/lessor_1.1.0.deb"), "NOT restarted")
	s.is("systemctl show -P MainPID lessor", pid)
	s.renews()
	s.put("/etc/lessor/lessor.yaml", good)
	s.sh("systemctl restart lessor")
	s.renews()

	s.chapter("An upgrade starts nothing that the administrator stopped")
	s.sh("systemctl stop lessor && dpkg --force-confold -i /root/lessor_1.1.0.deb")
	s.is("systemctl is-active lessor", "inactive")
	s.sh("systemctl start lessor")
	s.renews()
}

// testRemoval removes, reinstalls and purges. clean are the files that there were before anything was installed.
func (s *site) testRemoval(clean map[string]bool) {
	s.chapter("Removed: nothing runs, and everything is kept")
	s.says(s.sh("dpkg -r lessor"), "the leases stay in /var/lib/lessor")
	s.is("ls /proc/[0-9]*/exe -l 2>/dev/null | grep -c /usr/bin/lessor || true", "0")
	s.is("test -s /etc/lessor/lessor.yaml && test -e /var/lib/lessor/identity && echo kept", "kept")

	s.chapter("Installed again: it serves as before")
	s.sh("dpkg --force-confold -i /root/lessor_1.1.0.deb")
	s.is("systemctl is-enabled lessor", "enabled")
	s.is("systemctl is-active lessor", "active")
	s.keeps()
	s.renews()

	s.chapter("Purged: nothing is left")
	s.says(s.sh("dpkg -P lessor"), "removing /var/lib/lessor")
	for path := range s.files() {
		if !clean[path] {
			s.t.Errorf("the purge leaves %s", path)
		}
	}
	s.is("systemctl is-system-running", "running")

	s.chapter("Where a configuration is there before the package, the installation starts the server")
	s.put("/etc/lessor/lessor.yaml", configuration)
	s.sh("dpkg --force-confold -i /root/lessor_1.0.0.deb")
	s.is("systemctl is-enabled lessor", "enabled")
	s.is("systemctl is-active lessor", "active")
	s.host.IP("addr", "flush", "dev", "eth0")
	s.client.Crash()
	s.leases()
	s.keeps()

	s.chapter("One that is there and wrong is not passed over in silence")
	s.quietly("dpkg -P lessor")
	s.put("/etc/lessor/lessor.yaml", strings.ReplaceAll(configuration, "pools:", "pool:"))
	s.says(s.sh("dpkg --force-confold -i /root/lessor_1.0.0.deb"), "/etc/lessor/lessor.yaml:8:9: error")
	s.is("systemctl is-enabled lessor", "disabled")
	s.is("systemctl is-active lessor", "inactive")

	s.chapter("The founder of a pair: without keys it says what is missing; `group init`, as root, leaves them to the server's user")
	s.quietly("dpkg -P lessor")
	s.put("/etc/lessor/lessor.yaml", configuration+"group:\n  name: campus\n  members: {west: {peer: 10.0.0.1:647}, east: {peer: 10.0.0.2:647}}\n")
	s.says(s.sh("dpkg --force-confold -i /root/lessor_1.1.0.deb"), "it does not start: systemctl status lessor says why")
	s.says(s.sh("journalctl -u lessor -o cat | grep -m1 'group init'"), "lessor group init")
	s.quietly("systemctl stop lessor") // which would begin anew each five seconds
	s.quietly("lessor group init --config /etc/lessor/lessor.yaml")
	s.is("find /var/lib/lessor -not -user lessor", "")
	s.sh("systemctl start lessor && lessor group show --config /etc/lessor/lessor.yaml")
	s.is("systemctl is-active lessor", "active")
}

// files returns the names of all files that packages and services may leave behind.
func (s *site) files() map[string]bool {
	s.t.Helper()
	out := s.quietly(`find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run/systemd -o -path /var/log -o -path /tmp -o -path /var/tmp -o -path /root -o -path /var/lib/dpkg -o -path /run/log -o -path '/etc/*-' \) -prune -o -print; find /run -path /run/systemd -prune -o -path /run/log -prune -o -name 'lessor*' -print`)
	all := map[string]bool{}
	for path := range strings.Lines(out) {
		all[strings.TrimSpace(path)] = true
	}
	return all
}

// page is where the transcript of a good run is kept.
const page = "../../docs/package-transcript.txt"

// keep writes the transcript to where it can be read after the test, and with LESSOR_TRANSCRIPT set to docs. What is there has to be about the same.
func (s *site) keep() {
	s.t.Helper()
	if err := os.WriteFile("../../build/package-transcript.txt", []byte(s.transcript.String()), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if os.Getenv("LESSOR_TRANSCRIPT") != "" {
		commit := strings.TrimSpace(command(s.t, "", nil, "git", "describe", "--always", "--dirty"))
		head := fmt.Sprintf("# The life of an installation, as test/package has seen it on %s, at %s: Debian %s, systemd as PID 1 of its own namespaces.\n"+
			"# LESSOR_TRANSCRIPT=1 go test -run Life ./package, in test/, writes it anew.\n", time.Now().UTC().Format(time.DateOnly), commit, suite)
		if err := os.WriteFile(page, []byte(head+s.transcript.String()), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(page)
	if err != nil {
		s.t.Fatal(err)
	}
	if have, want := chapters(string(kept)), chapters(s.transcript.String()); !slices.Equal(have, want) {
		s.t.Errorf("docs/package-transcript.txt (LESSOR_TRANSCRIPT=1 writes it) has %q, and the chapters are %q", have, want)
	}
}

// chapters are the headings of a transcript.
func chapters(transcript string) (titles []string) {
	for line := range strings.Lines(transcript) {
		if title, ok := strings.CutPrefix(line, "== "); ok {
			titles = append(titles, strings.TrimSpace(title))
		}
	}
	return titles
}
