package group

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// member is a machine and what a crash leaves of it.
type member struct {
	t       *testing.T
	name    binding.Member
	partner *member
	*Machine
	records  [][]byte // durable
	state    State    // durable
	text     string   // of its file
	out      []Message
	adopted  []version.ID
	isUp     bool
	closed   error
	messages int // sent
}

const first = `group: {name: campus, members: {west: {peer: 10.9.0.1}, east: {peer: 10.9.0.2}}}
enterprise: {options: {root-path: v0, merit-dump: v0}}
networks: {n: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.99}]}}}}
`

func parsed(t *testing.T, text string) *config.Document {
	t.Helper()
	d, problems := config.Parse("lessor.yaml", []byte(text))
	if d == nil {
		t.Fatalf("%s\n%v", text, problems)
	}
	return d
}

func newPair(t *testing.T, west, east string) (a, b *member) {
	a, b = &member{t: t, name: "west", text: west}, &member{t: t, name: "east", text: east}
	a.partner, b.partner = b, a
	a.start()
	b.start()
	return a, b
}

// start begins a machine from what is durable, and reads its file.
func (m *member) start() {
	m.t.Helper()
	h, err := version.Load(m.records, m.state.Head)
	if err != nil {
		m.t.Fatal(err)
	}
	state, err := DecodeState(m.state.Append(nil))
	if err != nil {
		m.t.Fatal(err)
	}
	if m.Machine, err = New(Config{Self: m.name, Partner: m.partner.name, History: h, State: state, Load: m.stored}); err != nil {
		m.t.Fatal(err)
	}
	m.isUp, m.out = false, nil
	m.load(m.text)
}

func (m *member) load(text string) error {
	m.t.Helper()
	m.text = text
	out, err := m.File(parsed(m.t, text), version.ID{}, by("file"))
	m.do(out)
	return err
}

func by(author string) version.By {
	return version.By{Author: author, Time: time.Unix(1_795_000_000, 0)}
}

// do carries out what a step says, and checks what must always hold.
func (m *member) do(out Output) {
	m.t.Helper()
	for _, v := range out.Store {
		m.records = append(m.records, v.Append(nil))
		m.History.Release(v.ID())
	}
	before := m.state
	m.state = out.State
	s := m.state
	if !before.Head.IsZero() && !m.History.Descends(s.Head, before.Head) || !s.Head.IsZero() && !m.History.Descends(s.Tip, s.Head) {
		m.t.Fatalf("%s: head %v and tip %v after head %v", m.name, s.Head, s.Tip, before.Head)
	}
	if !s.Agreed.IsZero() {
		if !m.History.Descends(s.Head, s.Agreed) || m.partner.Machine != nil && m.partner.name != "" && m.Partner != "" && !m.partner.History.Descends(m.partner.state.Head, s.Agreed) {
			m.t.Fatalf("%s: version %v is agreed, and not what both serve by", m.name, s.Agreed)
		}
	}
	if (out.Adopted != nil) != (before.Head != s.Head) {
		m.t.Fatalf("%s: adopted %v, and the head was %v and is %v", m.name, out.Adopted != nil, before.Head, s.Head)
	}
	if out.Adopted != nil && m.link == Up && !before.Head.IsZero() && m.partner.stored(s.Head) == nil {
		m.t.Fatalf("%s serves by %v, which %s has not stored", m.name, s.Head, m.partner.name)
	}
	if out.Close != nil {
		m.closed = out.Close
	}
	m.out = append(m.out, out.Send...)
	m.messages += len(out.Send)
}

// stored returns a version that a crash of m would leave; nil if it would not.
func (m *member) stored(id version.ID) *version.Version {
	for _, b := range m.records {
		if v, err := version.Decode(b); err == nil && v.ID() == id {
			return v
		}
	}
	return nil
}

// deliver gives m's oldest message to its partner; false if there is none.
func (m *member) deliver() bool {
	m.t.Helper()
	if len(m.out) == 0 || m.link != Up || m.partner.link != Up {
		return false
	}
	msg := m.out[0]
	m.out = m.out[1:]
	if some, ok := msg.(Versions); ok {
		msg = Versions{[]*version.Version{m.stored(some.All[0].ID())}}
	}
	m.partner.do(m.partner.Heard(msg))
	return true
}

func link(to Link, all ...*member) {
	for _, m := range all {
		m.out = nil
		m.do(m.LinkChanged(to))
	}
}

// settled delivers everything.
func settled(t *testing.T, a, b *member) {
	t.Helper()
	for n := 0; ; n++ {
		first, second := a.deliver(), b.deliver()
		if a.closed != nil || b.closed != nil {
			t.Fatalf("closed: west %v, east %v", a.closed, b.closed)
		}
		if !first && !second {
			return
		}
		if n == 200 {
			t.Fatal("they talk for ever")
		}
	}
}

func (m *member) apply(text string) error {
	out, err := m.Apply(parsed(m.t, text), version.ID{}, by(string(m.name)))
	m.do(out)
	return err
}

// head returns what the member serves by.
func (m *member) head() string {
	if m.state.Head.IsZero() {
		return ""
	}
	return string(m.stored(m.state.Head).Document)
}

func edit(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }

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

func TestRandomHistoriesOfAPair(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	merged, conflicting := 0, 0
	for range 40 {
		a, b := together(t)
		for range 60 {
			m := []*member{a, b}[r.IntN(2)]
			switch r.IntN(12) {
			case 0:
				link(Away, a, b)
			case 1:
				link(Lost, m) // one side may know it before the other
			case 2, 3:
				if a.link == Up && b.link == Up {
					break
				}
				link(Away, a, b)
				link(Up, a, b)
			case 4: // a crash: what is on its way is lost, and its partner sees the connection end
				m.start()
				link(Away, m.partner)
			case 5, 6:
				key := []string{"root-path", "merit-dump"}[r.IntN(2)]
				tip := string(m.stored(m.state.Tip).Document)
				at := strings.Index(tip, key+": v") + len(key) + 3
				_ = m.apply(tip[:at] + fmt.Sprint(r.IntN(4)) + tip[at+1:])
			case 7:
				if !m.state.Rival.IsZero() && r.IntN(3) == 0 {
					out, err := m.Resolve([]binding.Member{"west", "east"}[r.IntN(2)], by("ann"))
					if m.do(out); err != nil {
						t.Fatal(err)
					}
				}
			default:
				m.deliver()
			}
		}
		link(Away, a, b)
		link(Up, a, b)
		settled(t, a, b)
		x, y := a.Status(), b.Status()
		switch {
		case a.closed != nil || b.closed != nil:
			t.Fatalf("closed: %v, %v", a.closed, b.closed)
		case len(x.Conflicts) > 0 || len(y.Conflicts) > 0:
			conflicting++
			if fmt.Sprint(x.Conflicts) != fmt.Sprint(y.Conflicts) || x.Rival != y.Tip || y.Rival != x.Tip || x.Head != x.Tip || y.Head != y.Tip {
				t.Fatalf("west %+v\neast %+v", x, y)
			}
		case x.Head != y.Head || x.Head != x.Tip || y.Head != y.Tip || x.Agreed != x.Head || y.Agreed != y.Head:
			t.Fatalf("west %+v\neast %+v", x, y)
		}
		for _, id := range a.History.Log(x.Head, 1000) {
			if a.History.Get(id).IsMerge() {
				merged++
			}
		}
	}
	t.Logf("%d merges, %d pairs ended in conflict", merged, conflicting)
	if merged == 0 || conflicting == 0 {
		t.Error("merges or conflicts are not tried")
	}
}
