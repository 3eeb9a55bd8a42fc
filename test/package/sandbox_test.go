package packaging

import (
	"regexp"
	"strconv"
	"strings"
)

// most is the greatest exposure that systemd may find in the unit (of 10).
const most = 1.8

// testSandbox looks at the process that serves, and at the unit that it serves under.
func (s *site) testSandbox() {
	s.t.Helper()
	s.chapter("What the server may do")
	out := s.sh("systemd-analyze security --offline=true --no-pager /lib/systemd/system/lessor.service | tail -1")
	m := regexp.MustCompile(`level for lessor\.service: ([0-9.]+)`).FindStringSubmatch(out)
	if m == nil {
		s.t.Fatalf("no exposure in %q", out)
	}
	if exposure, err := strconv.ParseFloat(m[1], 64); err != nil || exposure > most {
		s.t.Errorf("the unit's exposure is %s, and %v is the most", m[1], most)
	}
	pid := s.mainPID()
	s.is("stat -c %U:%G /proc/"+pid, "lessor:lessor")
	// CAP_NET_BIND_SERVICE and CAP_NET_RAW, and no way to more.
	s.is("awk '/^Cap(Prm|Eff|Bnd)/ { print $2 }' /proc/"+pid+"/status | sort -u", "0000000000002400")
	s.is("awk '/^(NoNewPrivs|Seccomp):/ { print $2 }' /proc/"+pid+"/status | xargs", "1 2")
	s.is("awk '/^Max core file size/ { print $5 }' /proc/"+pid+"/limits", "0")
	s.is("stat -c '%U:%G %a' /var/lib/lessor /run/lessor | xargs", "lessor:lessor 700 lessor:lessor 750")
	for file := range strings.Lines(s.quietly("find /var/lib/lessor /run/lessor -perm /o+rwx; find /var/lib/lessor -type f -perm /g+rwx")) {
		s.t.Errorf("others may use %s", strings.TrimSpace(file))
	}
	s.testGroup()
	// Nothing was refused to it that it would have needed.
	s.is("journalctl -u lessor -o cat | grep -ciE 'operation not permitted|capabilit' || true", "0")
}

// testGroup has users ask the server: one who is in its group, and one who is not.
func (s *site) testGroup() {
	s.t.Helper()
	s.is("stat -c '%U:%G %a' /run/lessor/lessor.sock", "lessor:lessor 660")
	s.quietly("useradd --groups lessor alice && useradd mallory")
	s.is("runuser -u alice -- lessor leases --json | grep -c "+s.addr.String(), "1")
	s.is("runuser -u mallory -- lessor leases >/dev/null 2>&1; echo $?", "3")
	s.quietly("userdel alice && userdel mallory")
}
