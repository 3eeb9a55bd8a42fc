package story

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// paper is a configuration of the two Lessors.
type paper struct {
	// router and vendor are those of subnet 198, as in config; empty: none is given.
	router, vendor string
	// boots is option 66, of which each member gives its own value to its own clients.
	boots [2]string
	// domain is option 15, of everybody.
	domain string
}

// first is what both members begin with.
var first = paper{vendor: "10.9.0.3", boots: [2]string{"boot-west", "boot-east"}, domain: "corp.example"}

// document is the group's part of a member's file.
func (p paper) document() string {
	options := []string{fmt.Sprintf("vendor-encapsulated-options: {1: {hex: %q}}", hexOctets(p.vendor))}
	if p.router != "" {
		options = append(options, fmt.Sprintf("routers: [%s]", p.router))
	}
	return fmt.Sprintf(`group:
  name: campus
  members: {west: {peer: %v:647}, east: {peer: %v:647}}
  failover: {mclt: %v, guard: 2s, receive-timer: 3s, startup: 1s, reconnect: 500ms}
enterprise:
  lease: {default: %v, min: 5s, max: 24h}
  authoritative: true
  conflict-probe: 0s
  options: {domain-name: %s}
servers:
  west: {options: {tftp-server-name: %s}}
  east: {options: {tftp-server-name: %s}}
networks:
  floor1:
    interfaces: {west: [eth0], east: [eth0]}
    subnets:
      198.51.100.0/24:
        options: {%s}
        pools: [{range: 198.51.100.50-198.51.100.149}]
      203.0.113.0/24:
        options: {routers: [203.0.113.1]}
        pools: [{range: 203.0.113.50-203.0.113.149}]
`, westAddr, eastAddr, mclt, lifetime, p.domain, p.boots[west], p.boots[east], strings.Join(options, ", "))
}

// hexOctets is an IPv4 address as a document has octets.
func hexOctets(a string) string {
	b := netip.MustParseAddr(a).As4()
	return fmt.Sprintf("%x", b[:])
}

// lessors is a floor with two Lessors.
type lessors struct {
	*floor
	pair *world.Pair
	// lessor are the servers; nil where it is another vendor's.
	lessor [2]*world.Lessor
}

// newLessors starts two Lessors with that configuration, and waits until both serve as a pair.
func newLessors(t *testing.T, p paper) *lessors {
	t.Helper()
	l := &lessors{floor: newFloor(t)}
	place := func(s side, addr netip.Addr) world.Place {
		return world.Place{Host: l.servers[s], Segment: l.segments[s], Port: l.ports[s], Address: addr, Document: p.document()}
	}
	l.pair = l.PairOver(l.bridge, "campus", place(west, westAddr), place(east, eastAddr))
	l.pair.West.Begin(true)
	l.pair.East.Begin(true)
	l.pair.Normal(30 * time.Second)
	l.lessor = [2]*world.Lessor{l.pair.West.Lessor, l.pair.East.Lessor}
	l.say("west and east serve as a pair")
	l.reports()
	return l
}

// reports shows how the configuration stands where the test fails.
func (l *lessors) reports() {
	l.t.Cleanup(func() {
		for s, m := range l.lessor {
			if l.t.Failed() && m != nil && !m.Ended() {
				status, _ := m.Command("config", "status")
				stale, _ := m.Command("stale", "--limit", "40")
				l.t.Logf("--- %v\n%s\n%s", side(s), status, stale)
			}
		}
	})
}

// ask runs a command that prints JSON against a member, which must succeed, and reads what it prints.
func ask[T any](l *lessors, s side, args ...string) T {
	l.t.Helper()
	var v T
	out, code := l.lessor[s].Command(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), &v); code != 0 || err != nil {
		l.t.Fatalf("lessor %s at %v: exit code %d, %v: %s", strings.Join(args, " "), s, code, err, out)
	}
	return v
}

// rows is ask for a command that prints an object a line.
func rows[T any](l *lessors, s side, args ...string) (all []T) {
	l.t.Helper()
	out, code := l.lessor[s].Command(append(args, "--json")...)
	if code != 0 {
		l.t.Fatalf("lessor %s at %v: exit code %d: %s", strings.Join(args, " "), s, code, out)
	}
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			l.t.Fatalf("lessor %s at %v: %v in %q", strings.Join(args, " "), s, err, lines.Text())
		}
		all = append(all, v)
	}
	return all
}

// standing is how a member's configuration stands, by `lessor config status`.
type standing struct {
	Head, Tip, Agreed, Link, Waits, Trouble string
	PartnerHead                             string `json:"partner_head"`
	Conflict                                *conflict
}

// conflict is what a person must make one version of.
type conflict struct {
	Ours, Theirs struct{ Version, Author string }
	Conflicts    []struct {
		Key  string
		A, B string
	}
	Clients int
	Remedy  string
}

func (l *lessors) standing(s side) standing {
	l.t.Helper()
	return ask[standing](l, s, "config", "status")
}

// applied is what became of a change, by `lessor config apply`.
type applied struct {
	Version, Head, Waits     string
	Changed, Adopted, Merged bool
}

// apply makes the paper the group's configuration, at that member.
func (l *lessors) apply(s side, p paper, comment string) applied {
	l.t.Helper()
	file := l.Write(fmt.Sprintf("%v-%d.yaml", s, time.Now().UnixNano()), p.document())
	a := ask[applied](l, s, "config", "apply", file, "--comment", comment)
	if !a.Changed {
		l.t.Fatalf("%s at %v changed nothing: %+v", comment, s, a)
	}
	l.say("%s, at %v: version %.12s, adopted %v, waits %q", comment, s, a.Version, a.Adopted, a.Waits)
	return a
}

// knows are the versions in a member's history.
func (l *lessors) knows(s side) map[string]bool {
	l.t.Helper()
	known := map[string]bool{}
	for _, v := range rows[struct{ Version string }](l, s, "config", "history") {
		known[v.Version] = true
	}
	return known
}

// lease is what a member has on record of an address, by `lessor lease`.
type lease struct {
	State    string
	Hardware string
	Home     string
	Version  string `json:"config_version"`
	Result   string
}

// leases are a member's records, by address.
func (l *lessors) leases(s side) map[netip.Addr]lease {
	l.t.Helper()
	all := map[netip.Addr]lease{}
	for _, r := range rows[struct {
		Address netip.Addr
		lease
	}](l, s, "leases") {
		all[r.Address] = r.lease
	}
	return all
}

// entry is one of the stale ledger.
type entry struct {
	Address  netip.Addr
	Hardware string
	Cause    string
	Home     string
	Has      string `json:"has_version"`
	Differs  []struct{ Name string }
}

// stale is a member's ledger, by hardware address; cause "": all of it.
func (l *lessors) stale(s side, cause string) map[string]entry {
	l.t.Helper()
	args := []string{"stale"}
	if cause != "" {
		args = append(args, "--cause", cause)
	}
	all := map[string]entry{}
	for _, e := range rows[entry](l, s, args...) {
		all[e.Hardware] = e
	}
	return all
}

// oneHead waits until both members serve by one version, which descends from what either served by before, and returns it.
func (l *lessors) oneHead(d time.Duration) string {
	l.t.Helper()
	began := time.Now()
	var w, e standing
	l.eventually(d, func() string { return fmt.Sprintf("one head; west has %+v, east %+v", w, e) }, func() bool {
		w, e = l.standing(west), l.standing(east)
		return w.Head == e.Head && w.Tip == w.Head && e.Tip == e.Head
	})
	l.say("both serve by %.12s, %.1f s after it was asked for", w.Head, time.Since(began).Seconds())
	return w.Head
}

// lost waits until that member has declared the link lost.
func (l *lessors) lost(s side) {
	l.t.Helper()
	l.pair.Both()[s].Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
	l.eventually(5*time.Second, func() string { return fmt.Sprintf("%v declares the link lost: %+v", s, l.standing(s)) }, func() bool {
		return l.standing(s).Link == "lost"
	})
	l.say("%v has declared the link lost", s)
}

// sameLedger waits until a member's ledger has exactly those clients whom `stale` names by their lease files, and returns it.
// Clients renew meanwhile, so both are looked at again until they fit.
func (l *lessors) sameLedger(s side, d time.Duration, what string, isStale func(client) bool) map[string]entry {
	l.t.Helper()
	var has map[string]entry
	var odd []string
	l.eventually(d, func() string {
		return fmt.Sprintf("%v's ledger has exactly %s; it has %d; odd are:\n%s", s, what, len(has), strings.Join(odd, "\n"))
	}, func() bool {
		has = l.stale(s, "")
		want := map[string]client{}
		for _, c := range l.everybody() {
			if isStale(c) {
				want[c.Hardware()] = c
			}
		}
		odd = nil
		for mac, c := range want {
			if _, is := has[mac]; !is {
				told, _ := last(l.t, c)
				odd = append(odd, fmt.Sprintf("not there: %s %s %v", c.Name(), mac, told))
			}
		}
		for mac, e := range has {
			if want[mac] == nil {
				odd = append(odd, fmt.Sprintf("there: %s %+v", mac, e))
			}
		}
		return len(odd) == 0
	})
	l.say("%v's ledger has exactly %s: %d, %v", s, what, len(has), byCause(has))
	return has
}

// byCause counts.
func byCause(all map[string]entry) map[string]int {
	n := map[string]int{}
	for _, e := range all {
		n[e.Cause]++
	}
	return n
}

// drained waits until both ledgers are empty.
func (l *lessors) drained(d time.Duration) {
	l.t.Helper()
	began := time.Now()
	var w, e map[string]entry
	l.eventually(d, func() string { return fmt.Sprintf("the ledgers are empty; west's has %v, east's %v", w, e) }, func() bool {
		w, e = l.stale(west, ""), l.stale(east, "")
		return len(w) == 0 && len(e) == 0
	})
	l.say("both ledgers are empty, %.1f s later", time.Since(began).Seconds())
}

// asleep keeps the guests from asking by themselves before T2, or lets them again.
func (l *lessors) asleep(yes bool) {
	for _, g := range l.guests.all {
		g.sleep(yes)
	}
}

// macs are the hardware addresses of clients, in order.
func macs[C client](all []C) []string {
	var names []string
	for _, c := range all {
		names = append(names, c.Hardware())
	}
	slices.Sort(names)
	return names
}

// exactly fails the test unless the entries are those clients.
func exactly[C client](t *testing.T, what string, has map[string]entry, want []C) {
	t.Helper()
	if got, want := slices.Sorted(maps.Keys(has)), macs(want); !slices.Equal(got, want) {
		t.Errorf("%s are %v, and by their own lease files %v", what, got, want)
	}
}
