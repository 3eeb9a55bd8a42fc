package node

import (
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// East's store is put back to before a change of the MCLT, and east is given another branch while west is away. The two are in conflict,
// and go by one MCLT even so: that which both had agreed on, as west knows. So they come together, and what east lacks is found out.
func TestAStoreThatWentBackBeforeAChangeOfTheMCLT(t *testing.T) {
	p := newRunningPair(t)
	p.together()
	p.stop("east")
	before := p.disks["east"].Clone()
	p.start("east")
	p.until("west", "NORMAL")
	if err := p.nodes["west"].node.Reload(t.Context(), p.file("west", "mclt: 10m", "mclt: 20m"), version.ID{}); err != nil {
		t.Fatal(err)
	}
	mclt := func() [2]int64 {
		w, _ := p.status("west")
		e, _ := p.status("east")
		return [2]int64{w.MCLT, e.MCLT}
	}
	p.eventually("both have it", func() bool { return mclt() == [2]int64{1200, 1200} })
	p.until("west", "NORMAL")

	p.stop("east")
	p.until("west", "COMMUNICATIONS-INTERRUPTED")
	change := func(name, from, to string) {
		t.Helper()
		for member, r := range p.nodes {
			if string(member) != name {
				continue
			}
			shown, err := r.node.ConfigShow(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			a, err := r.node.ConfigApply(t.Context(), ApplyRequest{Document: []byte(strings.ReplaceAll(shown.Text, from, to)), Author: "alice", Yes: true})
			if err != nil || !a.Adopted {
				t.Fatalf("%s: %v %+v", name, err, a)
			}
		}
	}
	change("west", hour, twoHours)
	p.stop("west")
	p.disks["east"] = before
	p.start("east")
	p.until("east", "COMMUNICATIONS-INTERRUPTED")
	change("east", hour, "default: 3h")
	p.start("west")
	p.eventually("a conflict", func() bool { return p.config("west").Conflict != nil && p.config("east").Conflict != nil })
	p.eventually("one MCLT", func() bool { return mclt() == [2]int64{1200, 1200} })
	p.eventually("east recovers", func() bool {
		e, _ := p.status("east")
		return e.Connected && strings.HasPrefix(e.State, "RECOVER") || e.State == "NORMAL"
	})
	if w, e := p.config("west"), p.config("east"); w.Agreed != e.Agreed {
		t.Errorf("west has %s agreed, east %s", w.Agreed, e.Agreed)
	}
}
