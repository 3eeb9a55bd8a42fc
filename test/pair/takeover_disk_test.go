package pair

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// passes collects the states through which a server goes until it is in NORMAL with the other.
func (l *lab) passes(m *world.Member, d time.Duration) []string {
	l.t.Helper()
	d *= world.Robbed
	var states []string
	for deadline := time.Now().Add(d); ; time.Sleep(30 * time.Millisecond) {
		r, err := m.Relation()
		if err == nil && (len(states) == 0 || states[len(states)-1] != r.State) {
			states = append(states, r.State)
		}
		if err == nil && r.State == "NORMAL" && r.PartnerState == "NORMAL" {
			return states
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%s is not in NORMAL within %v: %v, %v %v", m.Host.Role, d, states, r, err)
		}
	}
}

// sent returns how many octets the server has sent to the other one.
func sent(t *testing.T, m *world.Member) int {
	t.Helper()
	out := m.Host.Run("cat", "/sys/class/net/peer0/statistics/tx_bytes")
	n, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// empty takes everything but the keys out of the data directory.
func empty(t *testing.T, data string) {
	t.Helper()
	entries, err := os.ReadDir(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "keys" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(data, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

// A server loses its disk. It gets all from the other one, waits until nobody can hold what nobody remembers, and serves
// again; its clients are answered by the other meanwhile. After a short cut of the link, only what is new is told.
func TestAServerLosesItsDisk(t *testing.T) {
	t.Parallel()
	const mclt, guard = 15 * time.Second, 3 * time.Second
	l := newLab(t, world.PairSetup{MCLT: mclt, Guard: guard, Lease: 2 * time.Minute},
		world.Life{Clients: 400, Pause: 30 * time.Second, Renew: 1})
	l.agree(20 * time.Second)
	// The first leases are an MCLT long. Now everybody gets a whole one, and nobody asks for a minute.
	for _, town := range l.towns {
		town.Everybody(world.ForRenewal)
	}
	l.agree(20 * time.Second)

	l.apart(l.Link.Cut)
	l.newcomers(5)
	l.settled(10 * time.Second)
	west, east := sent(t, l.West), sent(t, l.East)
	l.Link.Heal()
	l.Converged(20 * time.Second)
	short := sent(t, l.West) - west + sent(t, l.East) - east

	for _, m := range []*world.Member{l.East, l.West} {
		l.ledger.Phase(m.Host.Role + " has lost its disk")
		m.Kill()
		empty(t, m.Data)
		west, east = sent(t, l.West), sent(t, l.East)
		began := time.Now()
		m.Begin(true)
		states := l.passes(m, mclt+guard+20*time.Second)
		took := time.Since(began)
		if !slices.Contains(states, "RECOVER-WAIT") || took < mclt {
			t.Errorf("%s went through %v in %v", m.Host.Role, states, took)
		}
		l.newcomers(5)
		l.agree(30 * time.Second)
		whole := sent(t, l.West) - west + sent(t, l.East) - east
		t.Logf("%s: %s in %v; %d octets for 400 leases and more, %d after a short cut with 10", m.Host.Role,
			strings.Join(states, ", "), took.Round(time.Millisecond), whole, short)
		if short*2 > whole {
			t.Errorf("after a short cut %d octets were sent, after the loss of a disk %d", short, whole)
		}
	}
	l.clean("at the end")
}

// A server's disk goes back to what it was some time ago. It finds out when it meets the other one, and recovers like one
// that lost it.
func TestAServersDiskGoesBack(t *testing.T) {
	t.Parallel()
	const mclt, guard = 12 * time.Second, 3 * time.Second
	l := newLab(t, world.PairSetup{MCLT: mclt, Guard: guard, Lease: time.Minute},
		world.Life{Clients: 60, Pause: 300 * time.Millisecond, Renew: 8, Release: 2})
	time.Sleep(2 * time.Second)
	for _, m := range []*world.Member{l.West, l.East} {
		l.ledger.Phase(m.Host.Role + "'s disk goes back")
		m.Kill()
		old := l.Path(m.Host.Role + ".old")
		if out, err := exec.Command("cp", "-a", m.Data, old).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		m.Begin(true)
		l.Normal(20 * time.Second)
		time.Sleep(3 * time.Second)
		m.Kill()
		if err := os.RemoveAll(m.Data); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(old, m.Data); err != nil {
			t.Fatal(err)
		}
		m.Begin(true)
		states := l.passes(m, mclt+guard+25*time.Second)
		t.Logf("%s: %s", m.Host.Role, strings.Join(states, ", "))
		if !slices.Contains(states, "RECOVER-WAIT") {
			t.Errorf("%s went through %v", m.Host.Role, states)
		}
		time.Sleep(2 * time.Second)
		l.clean(m.Host.Role + "'s disk went back")
	}
	l.agree(40 * time.Second)
}

// The other server is declared down. What is its own is given to others when nobody can hold it any more, and not before.
func TestThePartnersShareIsUsedWhenItIsSafe(t *testing.T) {
	t.Parallel()
	const mclt, guard = 12 * time.Second, 3 * time.Second
	l := newLab(t, world.PairSetup{MCLT: mclt, Guard: guard, Lease: mclt, Pool: "10.1.16.0-10.1.16.39"},
		world.Life{Clients: 8, Pause: time.Second, Renew: 1})
	for _, m := range l.Both() {
		l.Eventually(20*time.Second, "each server has its share", func() bool { return l.shares(m) })
	}
	l.settled(10 * time.Second)
	l.Converged(20 * time.Second)
	l.East.Kill()
	l.West.Becomes(2*time.Second, "COMMUNICATIONS-INTERRUPTED")

	l.ledger.Phase("east is gone")
	l.newcomers(14) // 36 clients of 40 addresses
	l.Eventually(20*time.Second, "west has given its own share", func() bool { return l.nothingLeft(l.West) })
	time.Sleep(10 * time.Second)
	alone := len(l.ledger.Held())
	if alone >= 30 || alone < 20 {
		t.Errorf("with its own share west serves %d of 36 clients", alone)
	}
	l.ledger.Phase("east is down")
	// It is not taken as long as a client may have chosen east in the last half minute.
	var declared time.Time
	l.Eventually(40*time.Second, "the operator's word is taken", func() bool {
		declared = time.Now()
		out, code := l.West.Command("partner-down", "east", "--yes")
		if code != 0 && !strings.Contains(out, "a client chose the server 10.1.0.2") {
			t.Fatalf("exit code %d: %s", code, out)
		}
		return code == 0
	})
	r := l.West.Becomes(2*time.Second, "PARTNER-DOWN")
	safe := declared.Add(mclt + guard)
	if r.PartnerShareFrom.Before(safe.Add(-time.Second)) {
		t.Errorf("east's share is used from %v on, and is not safe before %v", r.PartnerShareFrom, safe)
	}
	before := l.held()
	for time.Now().Before(safe.Add(-500 * time.Millisecond)) {
		if more := l.others(before); len(more) > 0 {
			t.Fatalf("%v before it was safe, %v were given", time.Until(safe), more)
		}
		time.Sleep(100 * time.Millisecond)
	}
	l.settled(50 * time.Second) // by now a client asks every 32 s
	if n := len(l.ledger.Held()); n != 36 {
		t.Errorf("%d of 36 clients have an address", n)
	}
	t.Logf("alone %d of 36 clients; all of them %v after the declaration", alone, time.Since(declared).Round(time.Millisecond))

	l.ledger.Phase("east is back")
	began := time.Now()
	l.East.Begin(true)
	states := l.passes(l.East, 30*time.Second)
	t.Logf("east: %s in %v", strings.Join(states, ", "), time.Since(began).Round(time.Millisecond))
	l.agree(30 * time.Second)
	l.noConflicts()
}

// shares reports whether free addresses are with either server, as m sees it.
func (l *lab) shares(m *world.Member) bool {
	for _, p := range m.Pools() {
		if p.Free < 10 || p.PartnerFree < 10 {
			return false
		}
	}
	return true
}

// nothingLeft reports whether m has no free address of its own.
func (l *lab) nothingLeft(m *world.Member) bool {
	for _, p := range m.Pools() {
		if p.Free > 0 {
			return false
		}
	}
	return true
}

// held are the addresses that clients hold now.
func (l *lab) held() map[netip.Addr]bool {
	all := map[netip.Addr]bool{}
	for _, p := range l.ledger.Held() {
		all[p.Address] = true
	}
	return all
}

// others are the addresses that clients hold and that are not among those.
func (l *lab) others(than map[netip.Addr]bool) (all []netip.Addr) {
	for a := range l.held() {
		if !than[a] {
			all = append(all, a)
		}
	}
	return all
}
