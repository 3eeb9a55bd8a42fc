package pair

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// membership is what `lessor config status` says of members.
type membership struct {
	Head, Tip, Agreed, Partner string
	Pending                    []struct{ Key string }
	Leaves                     *struct {
		Member string
		From   time.Time
	}
}

func (l *lab) membership(m *world.Member) (s membership, ok bool) {
	out, code := m.Command("config", "status", "--json")
	return s, code == 0 && json.Unmarshal([]byte(out), &s) == nil
}

// partners asks a server with whom it shares its addresses.
func (l *lab) partners(m *world.Member) (names []string, ok bool) {
	out, code := m.Command("status", "--json")
	var s struct{ Partners []struct{ Partner string } }
	if code != 0 || json.Unmarshal([]byte(out), &s) != nil {
		return nil, false
	}
	for _, p := range s.Partners {
		names = append(names, p.Partner)
	}
	return names, true
}

// shown writes what a member serves by into a file, with some things said otherwise.
func (l *lab) shown(m *world.Member, name string, edits ...string) string {
	l.t.Helper()
	text, code := m.Command("config", "show", "tip")
	changed := strings.NewReplacer(edits...).Replace(text)
	if code != 0 || changed == text {
		l.t.Fatalf("config show: %d: nothing of %q is in\n%s", code, edits, text)
	}
	return l.Write(name, changed)
}

// command runs a command at a member, which must succeed or not, and say some things.
func (l *lab) command(m *world.Member, want int, says string, args ...string) string {
	l.t.Helper()
	out, code := m.Command(args...)
	if code != want || !strings.Contains(out, says) {
		l.t.Fatalf("lessor %s at %s: exit code %d, and not %d with %q:\n%s", strings.Join(args, " "), m.Host.Role, code, want, says, out)
	}
	return out
}

// A member dies for good. It is taken out of the group: the other one goes on alone, with all addresses once nobody can hold what the
// dead one gave. Then a machine that never served takes its place under a name of its own.
func TestADeadMemberIsReplaced(t *testing.T) {
	t.Parallel()
	const mclt, guard = 12 * time.Second, 3 * time.Second
	l := newLab(t, world.PairSetup{MCLT: mclt, Guard: guard, Lease: mclt, Pool: "10.1.16.0-10.1.16.39"},
		world.Life{Clients: 8, Pause: time.Second, Renew: 1})
	for _, m := range l.Both() {
		l.Eventually(20*time.Second, "each server has its share", func() bool { return l.shares(m) })
	}
	l.settled(10 * time.Second)
	l.Converged(20 * time.Second)

	out := l.shown(l.West, "without-east.yaml", "east: {peer: 10.9.0.2:647}", "")
	l.command(l.West, 1, "not declared down", "config", "apply", out, "--yes")
	l.East.Kill()
	l.West.Becomes(2*time.Second, "COMMUNICATIONS-INTERRUPTED")
	l.command(l.West, 1, "not declared down", "config", "apply", out, "--yes")

	l.ledger.Phase("east is down")
	var declared time.Time
	l.Eventually(40*time.Second, "the operator's word is taken", func() bool {
		declared = time.Now()
		_, code := l.West.Command("partner-down", "east", "--yes")
		return code == 0
	})
	l.command(l.West, 1, "must never be started again", "config", "apply", out)
	l.command(l.West, 0, "east leaves the group at", "config", "apply", out, "--yes")
	s, _ := l.membership(l.West)
	safe := declared.Add(mclt + guard)
	if s.Leaves == nil || s.Leaves.Member != "east" || s.Leaves.From.Before(safe.Add(-time.Second)) || len(s.Pending) == 0 {
		t.Errorf("east leaves: %+v; not before %v", s, safe)
	}
	l.command(l.West, 0, "takes effect by itself at", "status")
	before := l.held()
	l.newcomers(14) // 36 clients of 40 addresses
	l.aloneFrom(safe, before)

	l.ledger.Phase("west is alone")
	l.settled(60 * time.Second)
	if n := len(l.ledger.Held()); n != 36 {
		t.Errorf("%d of 36 clients have an address", n)
	}
	for _, p := range l.West.Pools() {
		if p.PartnerFree != 0 || p.Free != 4 {
			t.Errorf("of 40 addresses, 36 of which are leased, %v are free, and %v another's", p.Free, p.PartnerFree)
		}
	}
	l.clean("west is alone")
	l.West.Kill() // what was decided is on the disk
	l.West.Begin(false)
	if names, ok := l.partners(l.West); !ok || len(names) != 0 {
		t.Errorf("after a start west shares its addresses with %v", names)
	}
	l.replace()
}

// aloneFrom waits until west has no partner any more, which must not be before it is safe; until then nobody gets what was east's.
func (l *lab) aloneFrom(safe time.Time, before map[netip.Addr]bool) {
	l.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		names, ok := l.partners(l.West)
		if s, _ := l.membership(l.West); ok && len(names) == 0 && s.Agreed == s.Head && s.Head != "" && len(s.Pending) == 0 {
			break
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("west is not alone; its partners are %v", names)
		}
	}
	if early := time.Until(safe); early > 0 {
		l.t.Errorf("west is alone %v before that is safe", early)
	}
	if n := l.West.Count(`is a member no more`); n == 0 {
		l.t.Error("no event says that east is a member no more")
	}
}

// replace has north take the place of east.
func (l *lab) replace() {
	l.t.Helper()
	file, err := os.ReadFile(l.West.Config())
	if err != nil {
		l.t.Fatal(err)
	}
	_, group, _ := strings.Cut(string(file), "\ngroup:")
	group = "group:" + strings.Replace(group, "east: {peer: 10.9.0.2:647}", "north: {peer: 10.9.0.3:647}", 1)
	north := l.Third("north", "10.1.0.3", "10.9.0.3/24", group)
	// The authority's key was on a machine that is gone: the members' keys are founded anew.
	if err := os.Rename(filepath.Join(l.West.Data, "keys"), l.Path("keys-of-before")); err != nil {
		l.t.Fatal(err)
	}
	l.West.Configure(world.Setup{Document: group, Interfaces: []string{"eth0"}})
	l.West.Host.Run(world.Binary, "group", "init", "--keys-only", "--config", l.West.Config())
	l.West.Kill()
	l.West.Begin(false)

	var token struct{ Token string }
	text := l.West.Host.Run(world.Binary, "group", "invite", "north", "--config", l.West.Config(), "--json")
	if err := json.Unmarshal([]byte(text), &token); err != nil {
		l.t.Fatalf("%v: %s", err, text)
	}
	if said, err := north.Host.Try(world.Binary, "group", "join", "--config", north.Config(), "--token", token.Token); err != nil {
		l.t.Fatalf("group join: %v: %s", err, said)
	}
	l.ledger.Phase("north joins")
	north.Begin(false)
	north.Becomes(20*time.Second, "NORMAL")
	l.West.Becomes(5*time.Second, "NORMAL")
	w, _ := l.membership(l.West)
	n, _ := l.membership(north)
	if w.Head != n.Head || w.Agreed != w.Head || n.Agreed != n.Head || w.Partner != "north" {
		l.t.Errorf("west %+v, north %+v", w, n)
	}
	l.East = north
	l.agree(30 * time.Second)
	l.ledger.Phase("west is gone, too")
	l.West.Kill()
	north.Becomes(5*time.Second, "COMMUNICATIONS-INTERRUPTED")
	held := len(l.ledger.Held())
	l.resume()
	time.Sleep(2 * mcltOfReplace) // every lease has been renewed, at north
	l.settled(30 * time.Second)
	if n := len(l.ledger.Held()); n != held {
		l.t.Errorf("of %d clients %d have an address by north", held, n)
	}
	l.clean("north serves alone")
}

const mcltOfReplace = 12 * time.Second
