package group

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

func TestEqualFilesAreOneGroupAtOnce(t *testing.T) {
	a, b := newPair(t, first, "# a comment\n"+first)
	link(Up, a, b)
	settled(t, a, b)
	if a.state.Head.IsZero() || a.state != b.state && (a.state.Head != b.state.Head || a.state.Agreed != b.state.Agreed || a.state.Agreed != a.state.Head) {
		t.Errorf("west %+v, east %+v", a.state, b.state)
	}
}

func TestAMemberWithoutAHistoryAdoptsTheOthersWhole(t *testing.T) {
	a, b := newPair(t, first, edit(first, "v0", "v9"))
	out, err := a.Found()
	if a.do(out); err != nil || a.head() == "" {
		t.Fatal(err)
	}
	if err := a.apply(edit(first, "root-path: v0", "root-path: v1")); err != nil {
		t.Fatal(err)
	}
	link(Up, a, b)
	settled(t, a, b)
	if a.state.Head != b.state.Head || a.state.Tip != a.state.Head || !strings.Contains(b.head(), "root-path: v1") || !b.Status().FileDiffers {
		t.Errorf("west %+v, east %+v", a.state, b.state)
	}
	// Its file never applies itself, not even when it changes: nobody knows what it was written against.
	if err := b.load(edit(first, "v0", "v8")); err != ErrNoParent || !strings.Contains(b.head(), "root-path: v1") {
		t.Errorf("error %v", err)
	}
	if err := b.load(string(b.stored(b.state.Head).Document)); err != nil || b.Status().FileDiffers {
		t.Errorf("error %v", err)
	}
	if err := b.load(edit(b.text, "root-path: v1", "root-path: v2")); err != nil {
		t.Errorf("error %v", err)
	}
	if settled(t, a, b); a.state.Head != b.state.Head || !strings.Contains(a.head(), "root-path: v2") {
		t.Errorf("west %+v, east %+v", a.state, b.state)
	}
}

// A history that has arrived in part is none: it is asked for again, of whoever is there then.
func TestAHistoryThatArrivesInPartIsNone(t *testing.T) {
	for _, crash := range []bool{false, true} {
		a, b := newPair(t, first, first)
		out, err := a.Found()
		if a.do(out); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := a.apply(edit(first, "root-path: v0", fmt.Sprint("root-path: v", i+1))); err != nil {
				t.Fatal(err)
			}
		}
		link(Lost, a)
		link(Up, a, b)
		for b.History.Len() < 2 {
			a.deliver()
			b.deliver()
		}
		link(Away, a, b)
		if crash {
			b.start()
		}
		link(Up, a, b)
		if settled(t, a, b); a.state.Head != b.state.Head || !strings.Contains(b.head(), "root-path: v3") {
			t.Errorf("west %+v, east %+v", a.state, b.state)
		}
	}
	a, b := newPair(t, first, edit(first, "v0", "v9"))
	out, err := a.Found()
	if a.do(out); err != nil || a.apply(edit(first, "root-path: v0", "root-path: v1")) != nil {
		t.Fatal(err)
	}
	link(Lost, a)
	link(Up, a, b)
	for b.History.Len() < 1 {
		a.deliver()
		b.deliver()
	}
	link(Away, a, b)
	if out, err = b.Found(); err != nil || out.Adopted == nil || b.History.Len() != 1 {
		t.Errorf("%+v: %v", out, err)
	}
}

func TestFilesThatDifferNeedAPerson(t *testing.T) {
	for _, take := range []binding.Member{"west", "east", ""} {
		a, b := newPair(t, first, edit(first, "v0", "v9"))
		link(Up, a, b)
		settled(t, a, b)
		if a.head() != "" || b.head() != "" || a.Status().Trouble != FilesDiffer || b.Status().Trouble != FilesDiffer {
			t.Fatalf("west %+v, east %+v", a.Status(), b.Status())
		}
		if take == "" { // or one file is changed
			if err := b.load(first); err != nil {
				t.Fatal(err)
			}
		} else {
			out, err := a.Take(take)
			if a.do(out); err != nil {
				t.Fatal(err)
			}
		}
		settled(t, a, b)
		want := "root-path: v0"
		if take == "east" {
			want = "root-path: v9"
		}
		if a.state.Head != b.state.Head || !strings.Contains(a.head(), want) || a.Status().Trouble != 0 || b.Status().Trouble != 0 {
			t.Errorf("%s: west %+v, east %+v", take, a.Status(), b.Status())
		}
	}
}

func TestTwoGroupsRefuseEachOther(t *testing.T) {
	a, b := newPair(t, first, edit(first, "v0", "v9"))
	for _, m := range []*member{a, b} {
		out, err := m.Found()
		if m.do(out); err != nil {
			t.Fatal(err)
		}
	}
	link(Up, a, b)
	settled(t, a, b)
	if a.Status().Trouble != Unrelated || b.Status().Trouble != Unrelated || a.state.Head == b.state.Head {
		t.Errorf("west %+v, east %+v", a.Status(), b.Status())
	}
}

// together returns a pair that serves by one head.
func together(t *testing.T) (a, b *member) {
	a, b = newPair(t, first, first)
	link(Up, a, b)
	settled(t, a, b)
	return a, b
}

func TestTheReceiverAdoptsFirst(t *testing.T) {
	a, b := together(t)
	old := a.state.Head
	if err := a.apply(edit(first, "root-path: v0", "root-path: v1")); err != nil {
		t.Fatal(err)
	}
	if a.state.Head != old || a.Status().Waits == "" {
		t.Fatal("its maker does not wait")
	}
	for b.state.Head == old {
		if !a.deliver() && !b.deliver() {
			t.Fatal("nothing arrives")
		}
		if b.state.Head != old && a.state.Head != old {
			t.Fatal("its maker was first")
		}
	}
	if a.state.Agreed != old || b.state.Agreed != old {
		t.Error("safety stands on it before both serve by it")
	}
	if settled(t, a, b); a.state.Head != b.state.Head || a.state.Agreed != a.state.Head || b.state.Agreed != b.state.Head {
		t.Errorf("west %+v, east %+v", a.state, b.state)
	}
}

func TestABranchIsServedByOnlyOnceTheLinkIsLost(t *testing.T) {
	a, b := together(t)
	old := a.state.Head
	link(Away, a, b)
	if err := a.apply(edit(first, "root-path: v0", "root-path: v1")); err != nil || a.state.Head != old {
		t.Fatalf("head %v: %v", a.state.Head, err)
	}
	link(Lost, a, b)
	if a.state.Head == old || a.state.Agreed != old || b.state.Head != old {
		t.Errorf("west %+v, east %+v", a.state, b.state)
	}
	link(Up, a, b)
	if settled(t, a, b); a.state.Head != b.state.Head || b.state.Agreed != a.state.Head {
		t.Errorf("no fast-forward: west %+v, east %+v", a.state, b.state)
	}
}

func TestWhatSafetyStandsOnWaitsForBoth(t *testing.T) {
	a, b := together(t)
	pending := func(m *member) (keys string) {
		all, err := m.Pending()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			keys += c.Key + " "
		}
		return keys
	}
	link(Lost, a, b)
	if err := a.apply(edit(first, "campus,", "campus, failover: {mclt: 2h},", "merit-dump: v0", "merit-dump: v1")); err != nil {
		t.Fatal(err)
	}
	if a.state.Head != a.state.Tip || pending(a) != "group.failover.mclt " || pending(b) != "" {
		t.Errorf("pending at west %q, at east %q", pending(a), pending(b))
	}
	a.start()
	if pending(a) != "group.failover.mclt " {
		t.Errorf("after a restart %q", pending(a))
	}
	link(Away, b)
	link(Up, a, b)
	if settled(t, a, b); pending(a) != "" || pending(b) != "" || a.state.Agreed != b.state.Tip {
		t.Errorf("pending at west %q, at east %q", pending(a), pending(b))
	}
}

func TestBranchesMergeOrConflict(t *testing.T) {
	a, b := together(t)
	link(Lost, a, b)
	if a.apply(edit(first, "root-path: v0", "root-path: v1")) != nil || b.apply(edit(first, "merit-dump: v0", "merit-dump: v2")) != nil {
		t.Fatal("refused")
	}
	link(Up, a, b)
	if settled(t, a, b); a.state.Head != b.state.Head || !strings.Contains(a.head(), "root-path: v1") || !strings.Contains(a.head(), "merit-dump: v2") {
		t.Fatalf("west\n%s\neast\n%s", a.head(), b.head())
	}
	link(Lost, a, b)
	both := a.head()
	if a.apply(edit(both, "root-path: v1", "root-path: v3")) != nil || b.apply(edit(both, "root-path: v1", "root-path: v4")) != nil {
		t.Fatal("refused")
	}
	link(Up, a, b)
	settled(t, a, b)
	if x, y := a.Status(), b.Status(); x.Head == y.Head || len(x.Conflicts) != 1 || fmt.Sprint(x.Conflicts) != fmt.Sprint(y.Conflicts) {
		t.Fatalf("west %+v, east %+v", x, y)
	}
	// A third change extends its branch, and is served by; the conflict stays.
	if err := a.apply(edit(a.head(), "merit-dump: v2", "merit-dump: v5")); err != nil {
		t.Fatal(err)
	}
	if settled(t, a, b); !strings.Contains(a.head(), "merit-dump: v5") || strings.Contains(b.head(), "v5") || len(b.Status().Conflicts) != 1 {
		t.Fatalf("west\n%s\neast\n%s", a.head(), b.head())
	}
	a.start() // a restart knows of the conflict
	if len(a.Status().Conflicts) != 1 {
		t.Fatal("forgotten")
	}
	link(Away, b)
	link(Up, a, b)
	settled(t, a, b)
	out, err := b.Resolve("west", by("ann"))
	if b.do(out); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	if a.state.Head != b.state.Head || !strings.Contains(a.head(), "root-path: v3") || !strings.Contains(a.head(), "merit-dump: v5") || len(a.Status().Conflicts)+len(b.Status().Conflicts) > 0 {
		t.Errorf("west\n%s\neast\n%s", a.head(), b.head())
	}
}

func TestAStaleChangeMergesOrIsRefused(t *testing.T) {
	a, b := together(t)
	old := a.state.Head
	if err := b.apply(edit(first, "root-path: v0", "root-path: v1")); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	n := a.History.Len()
	out, err := a.Apply(parsed(t, edit(first, "root-path: v0", "root-path: v2")), old, by("ann"))
	a.do(out)
	if stale, ok := err.(*StaleError); !ok || len(stale.Conflicts) != 1 || a.History.Len() != n || a.state.Tip != b.state.Tip {
		t.Fatalf("error %v", err)
	}
	out, err = a.Apply(parsed(t, edit(first, "merit-dump: v0", "merit-dump: v2")), old, by("ann"))
	if a.do(out); err != nil {
		t.Fatal(err)
	}
	if settled(t, a, b); a.state.Head != b.state.Head || !strings.Contains(a.head(), "root-path: v1") || !strings.Contains(a.head(), "merit-dump: v2") {
		t.Errorf("west\n%s\neast\n%s", a.head(), b.head())
	}
}

func TestAnUnchangedFileChangesNothing(t *testing.T) {
	a, b := together(t)
	if err := b.apply(edit(first, "root-path: v0", "root-path: v1")); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	head := a.state.Head
	a.start()
	if a.load("# another comment\n"+first) != nil || a.state.Tip != head || !a.Status().FileDiffers {
		t.Errorf("tip %v, head %v", a.state.Tip, head)
	}
	// A change of the file is merged with what the other member changed since.
	link(Away, b)
	link(Up, a, b)
	settled(t, a, b)
	if err := a.load(edit(first, "merit-dump: v0", "merit-dump: v7")); err != nil {
		t.Fatal(err)
	}
	if settled(t, a, b); a.state.Head != b.state.Head || !strings.Contains(b.head(), "root-path: v1") || !strings.Contains(b.head(), "merit-dump: v7") {
		t.Errorf("west\n%s\neast\n%s", a.head(), b.head())
	}
}

func TestWhatTheOlderReleaseCannotReadIsNotServedBy(t *testing.T) {
	a, b := together(t)
	old := a.state.Head
	newer, err := version.Child(parsed(t, edit(first, "root-path: v0", "root-path: v1")), by("ann"), old)
	if err != nil {
		t.Fatal(err)
	}
	newer.Format = version.Format + 1
	var out Output
	if err := a.store(&out, newer); err != nil { // as a newer release would
		t.Fatal(err)
	}
	a.State.Tip, a.documents[newer.ID()] = newer.ID(), parsed(t, edit(first, "root-path: v0", "root-path: v1"))
	a.settle(&out)
	a.do(out)
	settled(t, a, b)
	if a.state.Head != old || b.state.Head != old || a.Status().Trouble != PartnerCannotRead || b.Status().Trouble != CannotRead || !strings.Contains(a.Status().Waits, "formats up to 1") {
		t.Errorf("west %+v, east %+v", a.Status(), b.Status())
	}
	link(Lost, a, b)
	if a.state.Head != newer.ID() || b.state.Head != old {
		t.Errorf("apart: west %+v, east %+v", a.state, b.state)
	}
	link(Up, a, b)
	if settled(t, a, b); a.state.Head != newer.ID() || b.state.Head != old || b.Status().Trouble != CannotRead || a.closed != nil || b.closed != nil {
		t.Errorf("together: west %+v, east %+v", a.Status(), b.Status())
	}
}

func TestAFileThatIsAVersionOfTheOthersIsKnownForIt(t *testing.T) {
	a, b := newPair(t, first, first)
	out, err := a.Found()
	if a.do(out); err != nil {
		t.Fatal(err)
	}
	if err := a.apply(edit(first, "root-path: v0", "root-path: v1")); err != nil {
		t.Fatal(err)
	}
	link(Up, a, b)
	settled(t, a, b)
	// So what is changed in it is merged with what was changed since.
	if err := b.load(edit(first, "merit-dump: v0", "merit-dump: v7")); err != nil {
		t.Fatal(err)
	}
	if settled(t, a, b); a.state.Head != b.state.Head || !strings.Contains(a.head(), "root-path: v1") || !strings.Contains(a.head(), "merit-dump: v7") {
		t.Errorf("west\n%s\neast\n%s", a.head(), b.head())
	}
}

func TestAConflictEndsWhereOneSideGivesWayWhileApart(t *testing.T) {
	a, b := together(t)
	link(Lost, a, b)
	if a.apply(edit(first, "root-path: v0", "root-path: v3")) != nil || b.apply(edit(first, "root-path: v0", "root-path: v4")) != nil {
		t.Fatal("refused")
	}
	link(Up, a, b)
	settled(t, a, b)
	link(Lost, a, b)
	if len(a.Status().Conflicts) != 1 {
		t.Fatalf("the conflict is forgotten: %+v", a.Status())
	}
	if err := a.apply(edit(first, "root-path: v0", "root-path: v4")); err != nil || len(a.Status().Conflicts) != 0 || !a.state.Rival.IsZero() {
		t.Errorf("%+v: %v", a.Status(), err)
	}
	link(Up, a, b)
	if settled(t, a, b); a.state.Head != b.state.Head || len(b.Status().Conflicts) != 0 {
		t.Errorf("west %+v, east %+v", a.Status(), b.Status())
	}
}

func TestForgedVersionsCloseTheConnection(t *testing.T) {
	a, _ := together(t)
	orphan, err := version.Child(parsed(t, first), by("eve"), version.ID{1})
	if err != nil {
		t.Fatal(err)
	}
	for _, msg := range []Message{Versions{[]*version.Version{orphan}}, Told{Member: "eve"}, Want{Version: version.ID{1}}} {
		if out := a.Heard(msg); out.Close == nil || out.State != a.state || len(out.Store) > 0 {
			t.Errorf("%+v: %+v", msg, out)
		}
	}
	lying, _ := version.Child(parsed(t, edit(first, "v0", "v1")), by("eve"), a.state.Head)
	lying.Meaning[0]++
	a.do(a.Heard(Told{Member: "east", Root: a.History.Root(), Tip: lying.ID(), Head: a.state.Head}))
	if out := a.Heard(Versions{[]*version.Version{lying}}); out.Close == nil || out.Adopted != nil || out.State.Tip != a.state.Tip {
		t.Errorf("%+v", out)
	}
}

func TestAGroupOfOneServesAtOnce(t *testing.T) {
	m, err := New(Config{Self: "west", History: &version.History{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.File(parsed(t, first), version.ID{}, by("file")); err != nil {
		t.Fatal(err)
	}
	out, err := m.Found()
	if err != nil || out.Adopted == nil || out.State.Agreed != out.State.Head {
		t.Fatalf("%+v: %v", out, err)
	}
	out, err = m.File(parsed(t, edit(first, "v0", "v1")), version.ID{}, by("file"))
	if err != nil || out.Adopted == nil || len(out.Store) != 1 || out.State.Agreed != out.State.Head {
		t.Errorf("%+v: %v", out, err)
	}
}

// A member is not taken out of the group by both having the version that says so, since then it would be alive: only by Dismiss.
func TestAMemberIsTakenOutByDismissAlone(t *testing.T) {
	a, b := together(t)
	without := edit(first, ", east: {peer: 10.9.0.2}", "")
	if err := a.apply(without); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	if !a.Gone() || a.State.Agreed == a.State.Head || b.State.Agreed == b.State.Head {
		t.Fatalf("both are connected: gone %v; %+v, %+v", a.Gone(), a.State, b.State)
	}
	if _, err := a.Dismiss(); err == nil {
		t.Fatal("a member that is connected was taken out")
	}
	link(Away, a, b)
	if _, err := a.Dismiss(); err == nil {
		t.Fatal("a member was taken out whose link is not declared lost")
	}
	link(Lost, a)
	out, err := a.Dismiss()
	if a.do(out); err != nil || a.State.Agreed != a.State.Head || a.Partner != "" || a.Gone() {
		t.Fatalf("%v: %+v, partner %q", err, a.State, a.Partner)
	}
	if err := a.apply(edit(without, "v0", "v1")); err != nil || a.State.Agreed != a.State.Tip {
		t.Errorf("alone, a change is adopted at once: %v: %+v", err, a.State)
	}
}

// One that the document takes out, and one that it did not have before.
func TestADocumentRemovesWhomItsParentHad(t *testing.T) {
	a, b := together(t)
	settled(t, a, b)
	without := parsed(t, edit(first, ", east: {peer: 10.9.0.2}", ""))
	renamed := parsed(t, edit(first, "east", "north"))
	if !a.Removes(without, version.ID{}) || !a.Removes(renamed, a.State.Tip) || a.Removes(parsed(t, first), version.ID{}) {
		t.Error("it is not told who is taken out")
	}
	if err := a.apply(edit(first, ", east: {peer: 10.9.0.2}", "")); err != nil {
		t.Fatal(err)
	}
	if a.Removes(without, version.ID{}) {
		t.Error("a document takes out a member that its parent does not have")
	}
}
