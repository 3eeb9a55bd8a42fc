package node

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

const linedDocument = `# the campus
server:
  name: west # this one
  data: /nowhere

enterprise:
  lease: {default: 1h}
  # everybody's
  next-server: 10.0.0.9
  options:
    domain-name: corp.example
    domain-name-servers: [10.0.0.53]
classes:
  all: {kind: vendor, match: {hardware: "02"}, options: {tftp-server-name: boot.example}}
  odd: {kind: user, match: 'option[93] == 7'}
networks:
  all:
    options:
      domain-name-servers: {append: [10.0.1.53]}
    subnets:
      10.0.0.0/16:
        relays: [127.0.0.1]
        options:
          routers: [10.0.0.1]
          domain-name: sub.example
        pools: [{range: 10.0.1.0-10.0.8.255}]
hosts:
  printer: {hardware: 02:00:00:00:00:77, address: 10.0.2.2}
`

// lined is a server whose configuration is in a file.
type lined struct {
	*testing.T
	*running
	path string
}

func runLined(t *testing.T) *lined {
	t.Helper()
	l := &lined{T: t, path: filepath.Join(t.TempDir(), "campus.yaml")}
	l.write(linedDocument)
	r, err := runFile(t, memfs.New(0), false, l.path, linedDocument, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	l.running = r
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func (l *lined) write(text string) {
	l.Helper()
	if err := os.WriteFile(l.path, []byte(text), 0o600); err != nil {
		l.Fatal(err)
	}
}

// read has the server read its file again, as SIGHUP does.
func (l *lined) read(text string) {
	l.Helper()
	l.write(text)
	against, src, err := version.Against([]byte(text))
	if err != nil {
		l.Fatal(err)
	}
	doc, problems := config.Parse(l.path, src)
	if doc == nil {
		l.Fatal(problems)
	}
	if err := l.node.Reload(l.Context(), doc.As("west"), against); err != nil {
		l.Fatal(err)
	}
}

// apply has the document that is shown be another one.
func (l *lined) apply(replace ...string) Applied {
	l.Helper()
	return applied(l.T, l.node, replace...)
}

func applied(t *testing.T, n *Node, replace ...string) Applied {
	t.Helper()
	text := shownOf(t, n, "head")
	a, err := n.ConfigApply(t.Context(), ApplyRequest{Document: []byte(strings.NewReplacer(replace...).Replace(text)), Author: "alice", Yes: true})
	if err != nil || !a.Changed {
		t.Fatalf("%v %+v", err, a)
	}
	return a
}

func shownOf(t *testing.T, n *Node, id string) string {
	t.Helper()
	v, err := n.ConfigShow(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return v.Text
}

// texts are what the lines of a source are to be found in.
type texts struct{ shown, file []string }

func textsOf(t *testing.T, n *Node, s policy.Source) (x texts) {
	t.Helper()
	x.shown = strings.Split(shownOf(t, n, s.Version), "\n")
	if s.File != "" {
		b, err := os.ReadFile(s.File)
		if err != nil {
			t.Fatal(err)
		}
		x.file = strings.Split(string(b), "\n")
	}
	return x
}

// has checks that a line that is named is the one that has what is meant.
func (x texts) has(t *testing.T, what string, line, fileLine int) {
	t.Helper()
	if line <= 0 || line > len(x.shown) || !strings.Contains(x.shown[line-1], what) {
		t.Errorf("line %d of what is shown has not %q:\n%s", line, what, strings.Join(x.shown, "\n"))
	}
	switch {
	case (fileLine > 0) != (x.file != nil):
		t.Errorf("%s: line %d of the file, which is %v", what, fileLine, x.file)
	case fileLine > 0 && (fileLine > len(x.file) || x.file[fileLine-1] != x.shown[line-1]):
		t.Errorf("%s: line %d of the file is not line %d of what is shown", what, fileLine, line)
	}
}

// explained checks every line that an explanation names.
func explainedAt(t *testing.T, n *Node) policy.Source {
	t.Helper()
	h, _ := ParseHardware("02:00:00:00:00:07")
	e, err := n.Explain(context.Background(), ExplainRequest{Hardware: h, Network: "all"})
	if err != nil {
		t.Fatal(err)
	}
	head, err := n.ConfigStatus(t.Context())
	if err != nil || e.Source.Version != head.Head {
		t.Fatalf("%v: explained by %+v, and the head is %s", err, e.Source, head.Head)
	}
	x, found := textsOf(t, n, e.Source), 0
	at := func(what string, o policy.Origin) {
		t.Helper()
		if o.Line > 0 && o.Rule != "derived" {
			found++
			x.has(t, what, o.Line, o.FileLine)
		}
	}
	for _, o := range e.Options {
		at(o.Name, o.Origin)
		for _, y := range append(o.Parts, o.Losers...) {
			at(o.Name, y.Origin)
		}
	}
	for _, p := range e.Parameters {
		at(p.Name, p.Origin)
	}
	at("lease", e.Lease.Origin)
	for _, c := range e.Failed {
		x.has(t, c.Class, c.Line, c.FileLine)
	}
	if found < 7 || len(e.Failed) != 0 {
		t.Errorf("only %d lines are named: %+v", found, e)
	}
	return e.Source
}

// leaseAt checks every line that is named of a lease.
func (l *lined) leaseAt(a string) LeaseDetail {
	l.Helper()
	d, ok, err := l.node.Lease(l.Context(), netip.MustParseAddr(a))
	if err != nil || !ok || d.Source.Version != d.ConfigVersion || d.Today.Source.Version != d.Today.ConfigVersion {
		l.Fatalf("%v %v %+v", ok, err, d)
	}
	told, today, found := textsOf(l.T, l.node, d.Source), textsOf(l.T, l.node, d.Today.Source), 0
	for _, o := range d.Options {
		if o.Rule == "derived" {
			continue
		}
		found++
		told.has(l.T, o.Name, o.Line, o.FileLine)
		today.has(l.T, o.Name, o.Today.Line, o.Today.FileLine)
		for _, p := range o.Parts {
			told.has(l.T, o.Name, p.Line, p.FileLine)
		}
		for _, p := range o.Today.Parts {
			today.has(l.T, o.Name, p.Line, p.FileLine)
		}
	}
	for i, p := range d.Parameters {
		what := map[string]string{"lifetime": "lease"}[p.Name] + map[string]string{"next-server": "next-server"}[p.Name]
		told.has(l.T, what, p.Line, p.FileLine)
		today.has(l.T, what, d.Today.Parameters[i].Line, d.Today.Parameters[i].FileLine)
	}
	if found < 2 || len(d.Parameters) != 2 {
		l.Errorf("only %d options and %d parameters say where they are from: %+v", found, len(d.Parameters), d)
	}
	return d
}

func TestALineThatIsShownCanBeOpened(t *testing.T) {
	l := runLined(t)
	a, err := newRelay(t, l.port).lease(7)
	if err != nil {
		t.Fatal(err)
	}
	root := explainedAt(t, l.node)
	if root.File != l.path {
		t.Errorf("by the file %q", root.File)
	}
	if d := l.leaseAt(a.String()); d.Source.File != l.path || d.Today.Source.File != l.path {
		t.Errorf("by %+v, and today by %+v", d.Source, d.Today.Source)
	}

	edited := strings.Replace(linedDocument, "# the campus", "# the campus\n# of today", 1)
	l.write(edited)
	if s := explainedAt(t, l.node); s.File != "" || s.Version != root.Version {
		t.Errorf("the file was edited and not read again, and the lines are those of %+v", s)
	}
	l.read(strings.Replace(linedDocument, "# this one", "# this one\n  interfaces: [lo]", 1))
	if s := explainedAt(t, l.node); s.File != l.path || s.Version != root.Version {
		t.Errorf("the server section alone was changed, and the lines are those of %+v", s)
	}
	l.read(edited) // which says the same in other words
	if s := explainedAt(t, l.node); s.File != "" || s.Version != root.Version {
		t.Errorf("the file says the same in other lines, and the lines are those of %+v", s)
	}

	for range 3 {
		l.apply("# everybody's\n", "# everybody's\n  # and more\n", "options:\n    domain-name:", "options:\n    ntp-servers: [10.0.0.12]\n    domain-name:", "    ntp-servers: [10.0.0.12]\n", "")
		if s := explainedAt(t, l.node); s.File != "" {
			t.Errorf("by the file %q, which says something else", s.File)
		}
	}
	if text := shownOf(t, l.node, "head"); strings.HasPrefix(strings.SplitN(text, "\n", 2)[1], "\n") {
		t.Errorf("an empty line stands below the one that names the version:\n%s", text)
	}
	if d := l.leaseAt(a.String()); d.Source.Version != root.Version || d.Source.File != "" || d.Today.Source.Version == root.Version {
		t.Errorf("by %+v, and today by %+v", d.Source, d.Today.Source)
	}

	l.write(linedDocument)
	if _, err := l.node.ConfigRollback(t.Context(), root.Version, ApplyRequest{Author: "bob", Yes: true}); err != nil {
		t.Fatal(err)
	}
	back := explainedAt(t, l.node)
	if back.Version == root.Version || shownOf(t, l.node, back.Version)[len("version: ")+32:] != shownOf(t, l.node, root.Version)[len("version: ")+32:] {
		t.Errorf("back at %+v, which is shown as\n%s", back, shownOf(t, l.node, back.Version))
	}
	l.read(linedDocument)
	if s := explainedAt(t, l.node); s.File != l.path {
		t.Errorf("the file is what is in force, and the lines are those of %+v", s)
	}
}

// What the partner made is shown with the same lines here, and where the two members are in conflict each side has those of its version.
func TestALineOfWhatThePartnerMadeCanBeOpened(t *testing.T) {
	p := newRunningPair(t)
	p.doc = strings.Replace(p.doc, "  all: {", "  # all of it\n  all: {", 1)
	p.together()
	west, east := p.nodes["west"].node, p.nodes["east"].node
	a := applied(t, west, "group:", "# by alice\nenterprise:\n  options:\n    domain-name: corp.example\n    root-path: /srv\ngroup:")
	p.eventually("one head", p.sameHead(a.Version))
	h, _ := ParseHardware("02:00:00:00:00:07")
	for _, n := range []*Node{west, east} {
		e, err := n.Explain(t.Context(), ExplainRequest{Hardware: h, Network: "all"})
		if err != nil || e.Source != (policy.Source{Version: a.Version}) {
			t.Fatalf("%v %+v", err, e.Source)
		}
		found := 0
		for _, o := range e.Options {
			if o.Layer == "enterprise" {
				found++
				textsOf(t, n, e.Source).has(t, o.Name, o.Line, o.FileLine)
			}
		}
		if found != 2 {
			t.Errorf("%d options: %+v", found, e.Options)
		}
	}

	const by = "\n    # by whoever\n"
	text := shownOf(t, east, "head")
	applied(t, west, "    root-path: /srv", by+"    root-path: /west")
	given := "# mine\n\n" + strings.Replace(text, "    root-path: /srv", "    root-path: /east", 1)
	_, err := east.ConfigApply(t.Context(), ApplyRequest{Document: []byte(given), Yes: true})
	clash, ok := errors.AsType[*ConflictError](err)
	if !ok || len(clash.Conflicts) != 1 {
		t.Fatalf("%v", err)
	}
	k := clash.Conflicts[0]
	texts{shown: strings.Split(shownOf(t, east, clash.Tip), "\n")}.has(t, "root-path: /west", k.ALine, 0)
	texts{shown: strings.Split(given, "\n")}.has(t, "root-path: /east", k.BLine, 0)
}

// Both members change the same while they are apart: each side of the conflict is told in lines of its version.
func TestTheLinesOfAConflictCanBeOpened(t *testing.T) {
	p := newRunningPair(t)
	p.together()
	p.stop("east")
	p.until("west", "COMMUNICATIONS-INTERRUPTED")
	applied(t, p.nodes["west"].node, "networks:", "# one\n# two\nnetworks:", hour, twoHours)
	p.stop("west")
	p.start("east")
	p.until("east", "COMMUNICATIONS-INTERRUPTED")
	applied(t, p.nodes["east"].node, "networks:", "# one\nnetworks:", hour, "default: 3h")
	p.start("west")
	p.eventually("a conflict", func() bool { return p.config("west").Conflict != nil && p.config("east").Conflict != nil })
	for _, name := range []binding.Member{"west", "east"} {
		n, c := p.nodes[name].node, p.config(name).Conflict
		says := map[string]string{c.Ours.Version: twoHours, c.Theirs.Version: "default: 3h"}
		if name == "east" {
			says = map[string]string{c.Ours.Version: "default: 3h", c.Theirs.Version: twoHours}
		}
		a, b := c.Ours.Version, c.Theirs.Version
		if b < a {
			a, b = b, a
		}
		for _, k := range c.Conflicts {
			textsOf(t, n, policy.Source{Version: a}).has(t, says[a], k.ALine, 0)
			textsOf(t, n, policy.Source{Version: b}).has(t, says[b], k.BLine, 0)
		}
		if len(c.Conflicts) != 1 {
			t.Errorf("%+v", c.Conflicts)
		}
	}
}

// A change says where it stands: in the version before it and in its own, and, where it would undo something, in the latest and in what was given.
func TestTheLinesOfAChangeCanBeOpened(t *testing.T) {
	l := runLined(t)
	before := shownOf(t, l.node, "head")
	a := l.apply("domain-name: sub.example", "# one more\n          domain-name: other.example")
	lineOf := func(text string, line int) string {
		return strings.Split(text+strings.Repeat("\n", line), "\n")[max(line-1, 0)]
	}
	if len(a.Changes) != 1 || a.Previous == "" || a.Previous == a.Version {
		t.Fatalf("%+v", a)
	}
	c := a.Changes[0]
	if got := lineOf(shownOf(t, l.node, a.Previous), c.BeforeLine); !strings.Contains(got, "sub.example") {
		t.Errorf("before: line %d is %q", c.BeforeLine, got)
	}
	if got := lineOf(shownOf(t, l.node, a.Version), c.AfterLine); !strings.Contains(got, "other.example") {
		t.Errorf("after: line %d is %q", c.AfterLine, got)
	}
	_, given, _ := strings.Cut(before, "\n") // which names no version
	_, err := l.node.ConfigApply(t.Context(), ApplyRequest{Document: []byte(given), Author: "bob"})
	ask, ok := errors.AsType[*ConfirmError](err)
	if !ok || len(ask.Undoes) != 1 || ask.Tip != a.Version {
		t.Fatalf("%v, %+v", err, ask)
	}
	c = ask.Undoes[0]
	if got := lineOf(shownOf(t, l.node, ask.Tip), c.BeforeLine); !strings.Contains(got, "other.example") {
		t.Errorf("what is undone: line %d is %q", c.BeforeLine, got)
	}
	if got := lineOf(given, c.AfterLine); !strings.Contains(got, "sub.example") {
		t.Errorf("what it becomes: line %d is %q", c.AfterLine, got)
	}
}

// A line that was counted in a text that is not here is not named: what is there may be anything.
func TestALineOfAnotherTextIsNotNamed(t *testing.T) {
	l := runLined(t)
	id := l.node.keeper.published.Load().Head
	d := LeaseDetail{
		LeaseRow: LeaseRow{ConfigVersion: id}, Today: &LeaseToday{ConfigVersion: id},
		Options: []ToldOption{
			{SaidOption: SaidOption{Name: "routers", Code: 3}, Layer: "subnet", Line: 22, Rule: "set"},
			{SaidOption: SaidOption{Name: "domain-name", Code: 15}, Layer: "enterprise", Line: 3, Rule: "set"},
			{SaidOption: SaidOption{Name: "domain-name", Code: 15}, Layer: "enterprise", Line: 3000, Rule: "set"},
		},
	}
	l.node.placeLease(&d)
	if shown := strings.Split(shownOf(t, l.node, id), "\n"); !strings.Contains(shown[21], "routers") {
		t.Fatalf("%q", shown)
	}
	if d.Options[0].Line != 22 || d.Options[0].FileLine == 0 || d.Options[1].Line != 0 || d.Options[1].FileLine != 0 || d.Options[2].Line != 0 {
		t.Errorf("%+v", d.Options)
	}
	d.ConfigVersion, d.Options[0].Line, d.Source = strings.Repeat("0", 32), 22, policy.Source{}
	l.node.placeLease(&d)
	if d.Options[0].Line != 0 || d.Source != (policy.Source{}) {
		t.Errorf("a version that is not here: %+v", d)
	}
}
