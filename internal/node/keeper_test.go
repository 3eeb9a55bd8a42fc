package node

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// file is what a member's file says after the words of old were replaced.
func (p *runningPair) file(name binding.Member, replace ...string) *config.Document {
	p.t.Helper()
	doc, problems := config.Parse("test.yaml", []byte(p.server(name)+strings.NewReplacer(replace...).Replace(p.doc)))
	if doc == nil {
		p.t.Fatal(problems)
	}
	return doc.As(name)
}

func (p *runningPair) config(name binding.Member) GroupConfigStatus {
	p.t.Helper()
	s, err := p.nodes[name].node.ConfigStatus(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// eventually waits until a condition holds.
func (p *runningPair) eventually(what string, holds func() bool) {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("not within 20 s: %s\nwest: %+v\neast: %+v", what, p.config("west"), p.config("east"))
		}
	}
}

func (p *runningPair) sameHead(head string) func() bool {
	return func() bool {
		w, e := p.config("west"), p.config("east")
		return w.Head == e.Head && w.Head != "" && (head == "" || w.Head == head)
	}
}

const (
	hour     = "default: 1h"
	twoHours = "default: 2h"
	range1   = "10.0.1.0-10.0.8.255"
)

func (p *runningPair) together() {
	p.t.Helper()
	p.start("west")
	p.start("east")
	p.until("west", "NORMAL")
	p.until("east", "NORMAL")
	p.eventually("one head", p.sameHead(""))
}

// A change that one member's file brings is the other's too, survives the restart of both, and is not brought again by the
// file that was not changed.
func TestAChangeInOneFileIsTheGroups(t *testing.T) {
	p := newRunningPair(t)
	p.together()
	root := p.config("west").Head
	if err := p.nodes["west"].node.Reload(t.Context(), p.file("west", hour, twoHours), version.ID{}); err != nil {
		t.Fatal(err)
	}
	p.eventually("a new head", func() bool { return p.config("west").Head != root && p.sameHead("")() })
	head := p.config("west").Head
	if p.config("west").FileDiffers || !p.config("east").FileDiffers {
		t.Error("only east's file is another than the head")
	}
	p.stop("west")
	p.stop("east")
	p.together() // by the files as they were: west's, too, says what it said at first
	p.eventually("west's file was changed back", func() bool { return p.config("west").Head != head && p.sameHead("")() })
	shown, err := p.nodes["east"].node.ConfigShow(t.Context(), "head")
	if err != nil || !strings.Contains(shown.Text, hour) || shown.Member != "west" || len(shown.Parents) != 1 || shown.Parents[0] != head {
		t.Errorf("%v %+v", err, shown)
	}
}

// Two members without a history whose files differ serve nobody, say where, and begin when one of the two is chosen.
func TestFilesThatDifferAtTheFirstContact(t *testing.T) {
	p := newRunningPair(t)
	p.start("west")
	doc := p.doc
	p.doc = strings.ReplaceAll(p.doc, hour, twoHours)
	p.start("east")
	p.doc = doc
	p.eventually("both say what differs", func() bool { return len(p.config("west").Differs) == 1 && len(p.config("east").Differs) == 1 })
	if _, s := p.status("east"); !strings.Contains(s.Waiting, "networks.all.lease.default") || !strings.Contains(s.Waiting, "resolve --take") {
		t.Errorf("east waits for %q", s.Waiting)
	}
	if _, err := p.nodes["west"].node.ConfigResolve(t.Context(), "nobody", ApplyRequest{}); err == nil {
		t.Error("nobody is taken")
	}
	if _, err := p.nodes["west"].node.ConfigResolve(t.Context(), "east", ApplyRequest{Author: "root"}); err != nil {
		t.Fatal(err)
	}
	p.until("west", "NORMAL")
	p.until("east", "NORMAL")
	p.eventually("one head", p.sameHead(""))
	if shown, err := p.nodes["west"].node.ConfigShow(t.Context(), ""); err != nil || !strings.Contains(shown.Text, twoHours) {
		t.Errorf("%v %+v", err, shown)
	}
}

// While the two are apart each goes on, and when they meet again what both changed is merged.
func TestBranchesMergeWhenTheTwoMeet(t *testing.T) {
	p := newRunningPair(t)
	p.together()
	p.stop("east")
	p.until("west", "COMMUNICATIONS-INTERRUPTED")
	apply := func(name binding.Member, replace ...string) Applied {
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
	if a := apply("west", hour, twoHours); !a.Adopted || !a.Changed || len(a.Changes) != 1 {
		t.Errorf("%+v", a)
	}
	p.stop("west")
	p.start("east")
	p.until("east", "COMMUNICATIONS-INTERRUPTED")
	apply("east", "subnets:", "options: {routers: [10.0.0.1]}, subnets:")
	p.start("west")
	p.until("west", "NORMAL")
	p.eventually("one head", p.sameHead(""))
	shown, err := p.nodes["west"].node.ConfigShow(t.Context(), "")
	if err != nil || len(shown.Parents) != 2 || !strings.Contains(shown.Text, "2h") || !strings.Contains(shown.Text, "10.0.0.1") {
		t.Errorf("%v %+v", err, shown)
	}

	leased, err := newRelay(t, p.nodes["west"].port).lease(7)
	if err != nil {
		t.Fatal(err)
	}
	p.knows("east", leased)

	// And a conflict is shown by both until it is resolved on either.
	p.stop("east")
	p.until("west", "COMMUNICATIONS-INTERRUPTED")
	apply("west", "2h", "3h")
	p.stop("west")
	p.start("east")
	p.until("east", "COMMUNICATIONS-INTERRUPTED")
	apply("east", "2h", "4h")
	p.start("west")
	p.until("west", "NORMAL")
	p.eventually("a conflict", func() bool { return p.config("west").Conflict != nil && p.config("east").Conflict != nil })
	if c := p.config("east").Conflict; len(c.Conflicts) != 1 || c.Ours.Author != "alice" || c.Theirs.Member != "west" {
		t.Errorf("%+v", c)
	}
	p.eventually("whom it concerns is counted", func() bool {
		c := p.config("east").Conflict
		return c != nil && c.Clients == 1 && len(c.Concerned) == 1
	})
	if c := p.config("east").Conflict.Concerned[0]; c.Address != leased || len(c.Differs) != 1 {
		t.Errorf("it concerns %+v, not the client that has %v", c, leased)
	}
	if _, err := p.nodes["east"].node.ConfigResolve(t.Context(), "west", ApplyRequest{Author: "bob"}); err != nil {
		t.Fatal(err)
	}
	p.eventually("one head", p.sameHead(""))
	if shown, err := p.nodes["west"].node.ConfigShow(t.Context(), ""); err != nil || !strings.Contains(shown.Text, "3h") || shown.Author != "bob" {
		t.Errorf("%v %+v", err, shown)
	}
}

// What safety stands on holds on neither side of a partition before both have it.
func TestTheMCLTWaitsForBoth(t *testing.T) {
	p := newRunningPair(t)
	p.together()
	p.stop("east")
	p.until("west", "COMMUNICATIONS-INTERRUPTED")
	if err := p.nodes["west"].node.Reload(t.Context(), p.file("west", "mclt: 10m", "mclt: 20m"), version.ID{}); err != nil {
		t.Fatal(err)
	}
	p.eventually("it is pending", func() bool { return len(p.config("west").Pending) == 1 })
	if ps, _ := p.status("west"); ps.MCLT != 600 {
		t.Errorf("the MCLT is %d s before the partner has it", ps.MCLT)
	}
	p.start("east")
	p.until("west", "NORMAL")
	p.eventually("both have it", func() bool {
		w, _ := p.status("west")
		e, _ := p.status("east")
		return w.MCLT == 1200 && e.MCLT == 1200 && w.State == failover.Normal.String() && e.State == failover.Normal.String()
	})
}

// A change that was written against an earlier version is refused with what was changed since, and leaves everything as it was.
func TestAStaleChangeIsRefused(t *testing.T) {
	p := newRunningPair(t)
	p.together()
	west := p.nodes["west"].node
	old, err := west.ConfigShow(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	by := func(text string) error {
		_, err := west.ConfigApply(t.Context(), ApplyRequest{Document: []byte(text), Author: "alice"})
		return err
	}
	if err := by(strings.ReplaceAll(old.Text, hour, twoHours)); err != nil {
		t.Fatal(err)
	}
	head := p.config("west").Head
	err = by(strings.ReplaceAll(old.Text, hour, "default: 3h"))
	var conflict *ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 || len(conflict.Changes) != 1 || conflict.Conflicts[0].Key != "networks.all.lease.default" ||
		conflict.Conflicts[0].A != "2h" || conflict.Conflicts[0].B != "3h" {
		t.Errorf("%v", err)
	}
	if p.config("west").Head != head {
		t.Error("it changed something")
	}
	// What names no parent and takes back what another did needs a yes.
	_, unnamed, _ := strings.Cut(old.Text, "\n")
	var confirm *ConfirmError
	if err := by(unnamed); !errors.As(err, &confirm) || len(confirm.Undoes) != 1 {
		t.Errorf("%v", err)
	}
	if a, err := west.ConfigRollback(t.Context(), old.Version[:8], ApplyRequest{Author: "alice"}); err != nil || !a.Changed {
		t.Errorf("%v %+v", err, a)
	}
	for _, name := range []string{"", "zz", "ffffffffff"} {
		if _, err := west.ConfigShow(t.Context(), name); (err == nil) != (name == "") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A member whose versions are lost gets them from the other; a server alone goes on by what it served by.
func TestVersionsThatAreLost(t *testing.T) {
	p := newRunningPair(t)
	p.together()
	head := p.config("west").Head
	p.stop("west")
	damageVersions(t, p, "west")
	p.start("west")
	p.until("west", "NORMAL")
	p.eventually("one head", p.sameHead(head))
	if n := p.config("west").Versions; n != 1 {
		t.Errorf("west has %d versions", n)
	}
}

// Two members that both lose their versions begin anew with what they served by, and not with files that were changed by nobody since.
func TestVersionsThatBothLose(t *testing.T) {
	p := newRunningPair(t)
	p.together()
	root := p.config("west").Head
	if err := p.nodes["west"].node.Reload(t.Context(), p.file("west", hour, twoHours), version.ID{}); err != nil {
		t.Fatal(err)
	}
	p.eventually("a new head", func() bool { return p.config("west").Head != root && p.sameHead("")() })
	for _, name := range []binding.Member{"west", "east"} {
		p.stop(name)
		damageVersions(t, p, name)
	}
	p.together()
	shown, err := p.nodes["east"].node.ConfigShow(t.Context(), "head")
	if err != nil || !strings.Contains(shown.Text, twoHours) || len(shown.Parents) != 0 {
		t.Errorf("%v %+v", err, shown)
	}
	if s := p.config("west"); s.Versions != 1 || !s.FileDiffers {
		t.Errorf("%+v", s)
	}
}

// damageVersions turns bits of every file in which a stopped member keeps versions.
func damageVersions(t *testing.T, p *runningPair, name binding.Member) {
	t.Helper()
	done := 0
	for _, file := range p.disks[name].Files() {
		if b := p.disks[name].Content(file); strings.Contains(file, "version") && len(b) > 0 {
			b = slices.Clone(b)
			for i := range b {
				if i%97 == 50 {
					b[i] ^= 0x55
				}
			}
			p.disks[name].Set(file, b)
			done++
		}
	}
	if done == 0 {
		t.Fatalf("no versions among %v", p.disks[name].Files())
	}
}

// Two members that were founded as two groups never serve together, and both say why.
func TestTwoGroupsStayTwo(t *testing.T) {
	p := newRunningPair(t)
	found := func(name, other binding.Member) {
		t.Helper()
		p.start(name)
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			err := p.nodes[name].node.PartnerDown(t.Context(), PartnerDownRequest{Partner: string(other), NeverServed: true})
			if err == nil {
				break
			}
			if time.Now().After(end) {
				t.Fatal(err)
			}
		}
		p.stop(name)
	}
	found("west", "east")
	doc := p.doc
	p.doc = strings.ReplaceAll(doc, hour, twoHours)
	found("east", "west")
	p.start("east")
	p.doc = doc
	p.start("west")
	for _, name := range []binding.Member{"west", "east"} {
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			ps, s := p.status(name)
			if slices.ContainsFunc(s.Alarms, func(a Alarm) bool { return a.Code == "config-unrelated" }) {
				break
			}
			if ps.State == failover.Normal.String() || time.Now().After(end) {
				t.Fatalf("%s: %+v", name, ps)
			}
		}
	}
}
