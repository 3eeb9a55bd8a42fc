package node

import (
	"slices"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// West serves a client by its side of a conflict, and loses its disk. The conflict is over, east says so and names what is lost, and
// the client is to be told what the head says.
func TestAVersionThatIsLostWithItsOnlyMember(t *testing.T) {
	p := newRunningPair(t)
	p.together()
	change := func(name binding.Member, replace ...string) Applied {
		t.Helper()
		shown, err := p.nodes[name].node.ConfigShow(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		a, err := p.nodes[name].node.ConfigApply(t.Context(), ApplyRequest{Document: []byte(strings.NewReplacer(replace...).Replace(shown.Text)), Author: "alice", Yes: true})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return a
	}
	apply := func(name binding.Member, replace ...string) string {
		t.Helper()
		if a := change(name, replace...); !a.Adopted {
			t.Fatalf("%s: %+v", name, a)
		}
		return p.config(name).Head
	}
	p.stop("east")
	p.until("west", "COMMUNICATIONS-INTERRUPTED")
	side := apply("west", hour, twoHours)
	leased, err := newRelay(t, p.nodes["west"].port).lease(7)
	if err != nil {
		t.Fatal(err)
	}
	p.stop("west")
	p.start("east")
	p.until("east", "COMMUNICATIONS-INTERRUPTED")
	head := apply("east", hour, "default: 4h")
	p.start("west")
	p.until("west", "NORMAL")
	p.eventually("a conflict", func() bool { return p.config("west").Conflict != nil && p.config("east").Conflict != nil })
	p.knows("east", leased)
	cause := func() (cause string) {
		_ = p.nodes["east"].node.Stale(t.Context(), StaleFilter{}, func(r *StaleRow) error { cause = r.Cause; return nil })
		return cause
	}
	if got := cause(); got != "granted under another version" {
		t.Errorf("east says of the client: %q", got)
	}

	p.stop("west")
	p.disks["west"] = memfs.New(0)
	p.start("west")
	p.eventually("one head", p.sameHead(head))
	p.eventually("east says what is lost", func() bool { return len(p.config("east").Lost) == 1 })
	if l := p.config("east").Lost[0]; l.Version != side || l.Author != "alice" || l.Member != "west" || !l.Conflict || !l.Here {
		t.Errorf("%+v", l)
	}
	_, s := p.status("east")
	if !slices.ContainsFunc(s.Alarms, func(a Alarm) bool {
		return a.Code == "config-lost" && strings.Contains(a.Text, side[:12]) && strings.Contains(a.Remedy, "lessor config diff head "+side[:12])
	}) {
		t.Errorf("%+v", s.Alarms)
	}
	if changes, err := p.nodes["east"].node.ConfigDiff(t.Context(), "head", side[:12]); err != nil || len(changes) != 1 {
		t.Errorf("what it said: %v %+v", err, changes)
	}
	p.eventually("the client is to be told what the head says", func() bool { return cause() == "configuration changed" })
	change("east", "default: 4h", "default: 3h")
	p.eventually("a change ends the alarm", func() bool { return len(p.config("east").Lost) == 0 })
}
