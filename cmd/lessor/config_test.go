package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

func TestADocumentIsPrintedToBeEdited(t *testing.T) {
	k := aKeeping()
	socket := keepingAt(t, k)
	k.group.Tip = tipID
	for arg, want := range map[string]string{"": "", "head": "", "tip": tipID, "0123456": "0123456"} {
		got := lessor(t, append([]string{"config", "show", "--socket", socket}, strings.Fields(arg)...)...)
		if got.code != exitDone || got.out != k.shown[want].Text || got.err != "" {
			t.Errorf("%q: %+v", arg, got)
		}
	}
	var v node.VersionShown
	if got := lessor(t, "config", "show", "--socket", socket, "--json"); json.Unmarshal([]byte(got.out), &v) != nil || !reflect.DeepEqual(v, k.shown[""]) {
		t.Errorf("%+v", got)
	}
	k.group.PartnerHead = ""
	for arg, code := range map[string]int{"abcdef01": exitNo, "partner": exitNo, "north": exitUsage, "01234": exitUsage, headID + "0": exitUsage} {
		if got := lessor(t, "config", "show", arg, "--socket", socket); got.code != code || got.out != "" {
			t.Errorf("%q: %+v", arg, got)
		}
	}
}

// What goes into a file says the same as the version; what goes to a terminal does not steer it.
func TestADocumentSteersNoTerminal(t *testing.T) {
	k := aKeeping()
	text := "version: " + headID + "\n# \u202e\u0085 ü\n\tx: 'a\\b'\r\n"
	k.shown[""] = node.VersionShown{Text: text}
	socket := keepingAt(t, k)
	if got := lessor(t, "config", "show", "--socket", socket); got.out != text {
		t.Errorf("%q", got.out)
	}
	got := lessorWith(t, &console{terminal: true}, "config", "show", "--socket", socket)
	if strings.ContainsAny(got.out, "\u202e\u0085") || !strings.Contains(got.out, `# \u202e\u0085 ü`) || !strings.Contains(got.out, `'a\b'`) {
		t.Errorf("%q", got.out)
	}
	k.shown[""] = node.VersionShown{Text: "a: 1\n\tb\n"}
	if got := lessorWith(t, &console{terminal: true}, "config", "show", "--socket", socket); got.out != "a: 1\n\tb\n" {
		t.Errorf("%q", got.out)
	}
}

func TestHistoryReadsWell(t *testing.T) {
	k := aKeeping()
	k.history = append(k.history, node.VersionRow{Version: tipID, Author: "\x1b]0;x\a", Member: "w\u202est", Comment: strings.Repeat("why ", 60), Time: minutes(-9000), Parents: []string{headID}, Agreed: true, PartnerHead: true, Tip: true})
	socket := keepingAt(t, k)
	golden(t, "config-history.txt", lessor(t, "config", "history", "--socket", socket).out)
	got := lessor(t, "config", "history", "--socket", socket, "--json", "-n", "2")
	if got.code != exitDone || strings.Count(got.out, "\n") != 2 || !strings.Contains(got.out, `"version":"`+tipID+`"`) {
		t.Errorf("%+v", got)
	}
	for _, n := range []string{"0", "-1", "1000000"} {
		if got := lessor(t, "config", "history", "--socket", socket, "--limit="+n); got.code != exitUsage {
			t.Errorf("%s: %+v", n, got)
		}
	}
	k.history = nil
	if got := lessor(t, "config", "history", "--socket", socket); got.code != exitDone || got.err != "no versions\n" {
		t.Errorf("%+v", got)
	}
}

func TestADifferenceReadsWell(t *testing.T) {
	k := aKeeping()
	k.changes, k.group.PartnerHead = edits, otherID
	socket := keepingAt(t, k)
	golden(t, "config-diff.txt", lessor(t, "config", "diff", "0123456", "head", "--socket", socket).out)
	golden(t, "config-diff-colour.txt", strings.ReplaceAll(lessorWith(t, &console{colour: true}, "config", "diff", "head", "partner", "--socket", socket).out, "\x1b", `\e`))
	if fmt.Sprint(k.named) != "[0123456.."+headID+" "+headID+".."+otherID+"]" {
		t.Errorf("asked for %q", k.named)
	}
	golden(t, "config-diff.json", lessor(t, "config", "diff", "head", "partner", "--socket", socket, "--json").out)
	k.changes = nil
	if got := lessor(t, "config", "diff", "head", "agreed", "--socket", socket); got.code != exitDone || got.out != "" || got.err != "no difference\n" {
		t.Errorf("%+v", got)
	}
}

func TestADifferenceOfFilesNeedsNoServer(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, dir, "old.yaml", "server: {name: west}\nenterprise: {options: {domain-name: a.example}}\n")
	write(t, dir, "new.yaml", "# other\n\nserver: {name: east}\nenterprise: {options: {domain-name: b.example}}\n")
	write(t, dir, "abcdef12", "enterprise: {options: {domain-name: c.example}}\n")
	want := "enterprise.options.domain-name  (old.yaml:2 → new.yaml:4)\n  - a.example\n  + b.example\n"
	if got := lessor(t, "config", "diff", "old.yaml", "new.yaml"); got.code != exitDone || got.out != want {
		t.Errorf("%+v", got)
	}
	if got := lessor(t, "config", "diff", "old.yaml", "./abcdef12"); !strings.Contains(got.out, "+ c.example") {
		t.Errorf("%+v", got)
	}
	in := &console{in: strings.NewReader("version: " + headID + "\nenterprise: {options: {domain-name: a.example}}\n")}
	if got := lessorWith(t, in, "config", "diff", "-", "old.yaml"); got.code != exitDone || got.out != "" {
		t.Errorf("%+v", got)
	}
	socket := keepingAt(t, aKeeping())
	if got := lessor(t, "config", "diff", "head", "new.yaml", "--socket", socket); got.code != exitDone || got.out != "enterprise.options.domain-name  (version 0123456789ab:3 → new.yaml:4)\n  - corp.example\n  + b.example\n" {
		t.Errorf("%+v", got)
	}
	write(t, dir, "bad.yaml", "enterprice: {}\nnetworks: 7\n")
	write(t, dir, "line.yaml", "version: seven\n")
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"bad.yaml new.yaml", exitNo, "bad.yaml:1:1: error"},
		{"bad.yaml new.yaml", exitNo, "2 errors"},
		{"line.yaml new.yaml", exitNo, "line.yaml: version"},
		{"absent.yaml new.yaml", exitNo, "no such file"},
		{"- -", exitUsage, "only one"},
		{"new.yaml", exitUsage, "expected"},
		{"new.yaml head --socket ./none", exitNoServer, "no server"},
	} {
		if got := lessor(t, append([]string{"config", "diff"}, strings.Fields(c.args)...)...); got.code != c.code || !strings.Contains(got.err, c.says) || got.out != "" {
			t.Errorf("%s: %+v", c.args, got)
		}
	}
}

func TestApplySaysWhatBecameOfIt(t *testing.T) {
	k := aKeeping()
	socket := keepingAt(t, k)
	file := write(t, t.TempDir(), "campus.yaml", "enterprise: {}\n")
	c := &console{sits: func() []netip.Addr { return []netip.Addr{addr("10.9.0.7")} }}
	var said bytes.Buffer
	say := func(what string, args ...string) {
		got := lessorWith(t, c, append(append([]string{"config"}, args...), "--socket", socket)...)
		fmt.Fprintf(&said, "%s: exit code %d\n%s%s\n", what, got.code, got.out, got.err)
	}
	say("adopted", "apply", file, "-m", "  why  ")
	if want := (node.ApplyRequest{Document: []byte("enterprise: {}\n"), File: k.told[0].File, Author: k.told[0].Author, Comment: "why", From: c.sits()}); !reflect.DeepEqual(k.told[0], want) || want.Author == "" || !strings.HasSuffix(want.File, "campus.yaml") {
		t.Errorf("told %+v, want %+v", k.told[0], want)
	}
	k.applied = node.Applied{Version: tipID, Head: headID, Previous: headID, Changed: true, Waits: "waits until east has it: there is no connection to east", Merged: true, Changes: edits, Pending: []configversion.Change{edits[1], {Key: "group.failover.mclt", Kind: configversion.Changed, Before: "1h", After: "30m", Safety: true}}, Notes: []string{"server: was ignored: it is the machine's own\x1b"}}
	say("waiting", "apply", file, "--yes")
	k.applied = node.Applied{Version: headID, Head: headID}
	say("the same", "apply", file)
	k.applied = node.Applied{Version: tipID, Head: tipID, Changed: true, Adopted: true}
	for i := range 40 {
		k.applied.Changes = append(k.applied.Changes, configversion.Change{Key: fmt.Sprintf("hosts.h%d", i), Kind: configversion.Added, After: "{}"})
	}
	say("back", "rollback", "0123456")
	say("resolved", "resolve", "--take", "east")
	golden(t, "config-apply.txt", said.String())
	if !k.told[1].Yes || k.told[0].Yes || fmt.Sprint(k.named) != "[0123456 east]" {
		t.Errorf("%+v, %v", k.told, k.named)
	}
	var a node.Applied
	if got := lessor(t, "config", "apply", file, "--json", "--socket", socket); json.Unmarshal([]byte(got.out), &a) != nil || !reflect.DeepEqual(a.Changes, k.applied.Changes) {
		t.Errorf("%+v", got)
	}
	in := &console{in: strings.NewReader("enterprise: {}\n")}
	if got := lessorWith(t, in, "config", "apply", "-", "--socket", socket); got.code != exitDone || k.told[len(k.told)-1].File != "standard input" {
		t.Errorf("%+v", got)
	}
}

// inTheWay are all that can be in the way of a change.
var inTheWay = map[string]error{
	"a yes": &node.ConfirmError{Why: []string{"41 clients would lose their address: 198.51.100.0/24 is in no network any more " + strings.Repeat("and so on ", 10), "the subnet that you sit on (198.51.100.0/24) would be no more\x1b"},
		Undoes: edits[:2], Tip: tipID, Remedy: "give --yes if that is what you want"},
	"others": &node.ConflictError{Parent: otherID, Tip: tipID, Conflicts: clashes[:2], Changes: edits[:1], Remedy: "edit what `lessor config show tip` prints"},
	"an error": config.Problems{
		{Severity: config.Error, File: "campus.yaml", Line: 3, Column: 4, Source: "  x: 1", Caret: 3, Message: "what is x\x1b?", Remedy: "leave it out"},
		{Severity: config.Warning, File: "campus.yaml", Message: "m"},
	},
	"a refusal": &node.RefusedError{Why: "the members have no common version yet", Remedy: "connect them"},
}

func TestWhatIsInTheWayOfAChangeReadsWell(t *testing.T) {
	k := aKeeping()
	socket := keepingAt(t, k)
	file := write(t, t.TempDir(), "campus.yaml", "enterprise: {}\n")
	var said bytes.Buffer
	for _, what := range []string{"a yes", "others", "an error", "a refusal"} {
		k.needs = []error{inTheWay[what]}
		got := lessor(t, "config", "apply", file, "--socket", socket)
		fmt.Fprintf(&said, "%s: exit code %d\n%s\n", what, got.code, got.err)
		if got.code != exitNo || got.out != "" {
			t.Errorf("%s: %+v", what, got)
		}
		k.needs = []error{inTheWay[what]}
		got = lessor(t, "config", "apply", file, "--socket", socket, "--json")
		if key := map[string]string{"a yes": "confirm", "others": "conflict", "an error": "problems"}[what]; key != "" && !strings.Contains(got.out, `"`+key+`":`) || got.code != exitNo {
			t.Errorf("%s: %+v", what, got)
		}
	}
	golden(t, "config-in-the-way.txt", said.String())
}

func TestAPersonIsAskedBeforeWhatNeedsAYes(t *testing.T) {
	k := aKeeping()
	socket := keepingAt(t, k)
	file := write(t, t.TempDir(), "campus.yaml", "enterprise: {}\n")
	for _, args := range [][]string{{"config", "apply", file}, {"config", "rollback", "0123456"}, {"config", "resolve", "--take", "east"}} {
		for answer, yes := range map[string]bool{"": false, "n\n": false, "y\n": true} {
			k.needs, k.told = []error{inTheWay["a yes"]}, nil
			got := asked(t, socket, answer, args...)
			if yes != (got.code == exitDone) || yes != (len(k.told) == 2) || !strings.Contains(got.err, "41 clients would lose") || !strings.Contains(got.err, "Do it? [y/N] ") {
				t.Errorf("%q, %q: %+v, told %+v", args, answer, got, k.told)
			}
			if yes && (k.told[0].Yes || !k.told[1].Yes) {
				t.Errorf("%q: told %+v", args, k.told)
			}
		}
	}
	// A yes that is given and not enough is not asked for again, nor is one whose answer would come from the document.
	k.needs, k.told = []error{inTheWay["a yes"]}, nil
	if got := asked(t, socket, "y\n", "config", "apply", file, "--yes"); got.code != exitNo || len(k.told) != 1 {
		t.Errorf("%+v", got)
	}
	k.needs, k.told = []error{inTheWay["a yes"]}, nil
	if got := asked(t, socket, "enterprise: {}\ny\n", "config", "apply", "-"); got.code != exitNo || len(k.told) != 1 || strings.Contains(got.err, "[y/N]") {
		t.Errorf("%+v", got)
	}
}

func TestWrongUseOfConfig(t *testing.T) {
	k := aKeeping()
	socket := keepingAt(t, k)
	dir := t.TempDir()
	file, empty := write(t, dir, "campus.yaml", "enterprise: {}\n"), write(t, dir, "empty.yaml", "")
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "expected", []string{"config", "apply"}},
		{exitNo, "no such file", []string{"config", "apply", dir + "/absent"}},
		{exitNo, "is empty", []string{"config", "apply", empty}},
		{exitUsage, "one line", []string{"config", "apply", file, "--comment", "a\nb"}},
		{exitUsage, "1025 octets", []string{"config", "apply", file, "--comment", strings.Repeat("x", 1025)}},
		{exitUsage, "expected", []string{"config", "rollback"}},
		{exitUsage, "names no version", []string{"config", "rollback", "north"}},
		{exitUsage, "changes nothing", []string{"config", "rollback", "head"}},
		{exitUsage, "changes nothing", []string{"config", "rollback", "tip"}},
		{exitUsage, "one line", []string{"config", "rollback", "0123456", "-m", "\u202e"}},
		{exitUsage, "expected", []string{"config", "diff", "head"}},
		{exitUsage, "is not an address", []string{"rehome", "here", "east"}},
		{exitUsage, "is not an address", []string{"rehome", "fe80::1%eth0", "east"}},
		{exitUsage, "expected", []string{"rehome", "10.0.0.1"}},
		{exitUsage, "causes are configuration changed", []string{"stale", "--cause", "a"}},
		{exitUsage, "neither an address", []string{"stale", "--address", "here"}},
		{exitUsage, "--rate goes with", []string{"stale", "--rate", "3/s"}},
		{exitUsage, "positive", []string{"stale", "--limit=-1"}},
	} {
		if got := lessor(t, append(c.args, "--socket", socket)...); got.code != c.code || !strings.Contains(got.err, c.says) || got.out != "" {
			t.Errorf("%q: %+v", c.args, got)
		}
	}
	if len(k.told)+len(k.named) > 0 {
		t.Errorf("the server was told %v, %v", k.told, k.named)
	}
	for _, args := range []string{"show", "status", "history", "diff head tip", "apply " + file, "rollback 0123456", "resolve", "resolve --take east"} {
		if got := lessor(t, append(strings.Fields("config "+args), "--socket", dir+"/none")...); got.code != exitNoServer {
			t.Errorf("%s without a server: %+v", args, got)
		}
	}
}

func TestAServerWithoutVersionsSaysWhatToDo(t *testing.T) {
	socket, _ := answering(t, &fake{})
	for _, args := range []string{"config show", "config status", "stale", "drift", "rehome 10.0.0.1 east"} {
		if got := lessor(t, append(strings.Fields(args), "--socket", socket)...); got.code != exitNo || !strings.Contains(got.err, "→") {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestHowTheConfigurationStandsReadsWell(t *testing.T) {
	for name, k := range map[string]*keeping{"well": aKeeping(), "troubled": aTroubledKeeping()} {
		socket := keepingAt(t, k)
		golden(t, "config-status-"+name+".txt", lessor(t, "config", "status", "--socket", socket).out)
		k.fake.status.Stale = &node.StaleSummary{Clients: 12, ByCause: map[string]int{"configuration changed": 10, "asked for more": 2}, Unknown: 3}
		if name == "well" {
			k.fake.status.Stale = &node.StaleSummary{}
		}
		golden(t, "status-config-"+name+".txt", lessor(t, "status", "--socket", socket).out)
	}
	socket := keepingAt(t, aTroubledKeeping())
	var st node.GroupConfigStatus
	if got := lessor(t, "config", "status", "--socket", socket, "--json"); json.Unmarshal([]byte(got.out), &st) != nil || st.Conflict.Clients != 41 || len(st.Conflict.Conflicts) != len(clashes) {
		t.Errorf("%+v", got)
	}
}

func TestAConflictReadsWell(t *testing.T) {
	k := aTroubledKeeping()
	socket := keepingAt(t, k)
	golden(t, "config-conflict.txt", lessor(t, "config", "resolve", "--socket", socket).out)
	k.group.Conflict.Clients = -1
	k.group.Conflict.Ours, k.group.Conflict.Theirs = k.group.Conflict.Theirs, k.group.Conflict.Ours
	got := lessor(t, "config", "resolve", "--socket", socket)
	if !strings.Contains(got.out, "not counted yet") || !strings.Contains(got.out, "WEST, 00ff00ff00ff:10") { // ours now has the lower name: it is A
		t.Errorf("%s", got.out)
	}
	for range 40 {
		k.group.Conflict.Conflicts = append(k.group.Conflict.Conflicts, clashes[0])
	}
	k.group.Conflict.Clients = 0
	if got := lessor(t, "config", "resolve", "--socket", socket); !strings.Contains(got.out, "… and 14 mores") && !strings.Contains(got.out, "… and 14 more:") || !strings.Contains(got.out, "No client that has a lease") {
		t.Errorf("%s", got.out)
	}
	var x node.ConfigConflict
	if got := lessor(t, "config", "resolve", "--socket", socket, "--json"); json.Unmarshal([]byte(got.out), &x) != nil || len(x.Conflicts) != 44 {
		t.Errorf("%s", got.out)
	}
	k.group.Conflict = nil
	if got := lessor(t, "config", "resolve", "--socket", socket); got.code != exitDone || got.err != "no conflict is open\n" {
		t.Errorf("%+v", got)
	}
	if got := lessor(t, "config", "resolve", "--socket", socket, "--json"); got.out != "null\n" {
		t.Errorf("%+v", got)
	}
}

func TestFilesThatDifferAtTheFirstContactReadWell(t *testing.T) {
	k := aKeeping()
	k.group = node.GroupConfigStatus{Partner: "east", Link: "up", Trouble: "west and east have no common configuration yet, and their files differ", Differs: edits}
	delete(k.shown, "")
	socket := keepingAt(t, k)
	golden(t, "config-files-differ.txt", lessor(t, "config", "resolve", "--socket", socket).out+lessor(t, "config", "status", "--socket", socket).out)
	if got := lessor(t, "config", "resolve", "--socket", socket, "--json"); !strings.HasPrefix(got.out, `{"differs":[{"key":`) {
		t.Errorf("%+v", got)
	}
	if got := lessor(t, "config", "show", "--socket", socket); got.code != exitNo || !strings.Contains(got.err, "→") {
		t.Errorf("%+v", got)
	}
}

// Whatever a document or a client says, nothing of it steers the terminal.
func TestNothingOfAConfigurationSteersATerminal(t *testing.T) {
	evil := "\x1b]0;owned\a\u202e\n\r\u009b31m"
	k := aTroubledKeeping()
	k.drifted, k.whatIf = &node.DriftReport{With: "e" + "\x1b", Remedy: evil, Because: []string{evil}, CannotKnow: []string{evil}, Groups: []node.DriftGroup{{Class: evil, Name: evil, Because: evil}}}, aReport()
	k.whatIf.Notes, k.whatIf.LostBy[0].Why, k.whatIf.Pools[0].Network, k.whatIf.Dropped[0].Subnet = []string{evil}, evil, evil, evil
	k.group.Trouble, k.group.Waits, k.group.Conflict.Remedy, k.group.Conflict.Theirs.Author = evil, evil, evil, evil
	k.group.Conflict.Conflicts = append(k.group.Conflict.Conflicts, configversion.Conflict{Key: evil, Reason: configversion.Order, A: evil, B: evil, Problem: &config.Problem{Severity: config.Error, Message: evil, Remedy: evil}})
	k.history = append(k.history, node.VersionRow{Version: evil, Author: evil, Comment: evil, Member: "\x1b", Parents: []string{evil, evil}})
	k.changes = []configversion.Change{{Key: evil, Kind: configversion.Moved, Before: evil, After: evil}, {Key: evil, Kind: configversion.Changed, Before: evil, After: evil}}
	k.stale = []node.StaleRow{{Hostname: evil, Hardware: evil, Cause: evil, Differs: []node.Difference{{Name: evil, HasText: evil, WouldHave: evil}}}}
	k.applied = node.Applied{Version: evil, Changed: true, Waits: evil, Notes: []string{evil}, Changes: k.changes, Pending: k.changes}
	k.status.Config.File = evil
	k.status.Stale = &node.StaleSummary{Clients: 1, ByCause: map[string]int{evil: 1}}
	socket := keepingAt(t, k)
	file := write(t, t.TempDir(), "campus.yaml", "enterprise: {}\n")
	for _, args := range [][]string{{"config", "status"}, {"config", "history"}, {"config", "diff", "head", "tip"}, {"config", "apply", file}, {"config", "apply", file, "--what-if"}, {"config", "resolve"}, {"stale"}, {"drift"}, {"status"}} {
		got := lessor(t, append(args, "--socket", socket)...)
		if i := strings.IndexFunc(got.out+got.err, func(r rune) bool { return r != '\n' && api.Steers(r) }); i >= 0 || got.code != exitDone {
			t.Errorf("%q: %d, %q", args, got.code, got.out+got.err)
		}
	}
}

func TestTheVersionThatWasMeantIsNamed(t *testing.T) {
	socket := keepingAt(t, aKeeping())
	for args, want := range map[string]string{
		"config show 0123456798ab":          "did you mean 0123456789ab?",
		"config rollback 0123465 --what-if": "did you mean 0123456?",
		"config show ffffffff":              "lessor config history lists them",
	} {
		got := lessor(t, append(strings.Fields(args), "--socket", socket)...)
		if got.code != exitNo || !strings.Contains(got.err, want) || strings.Contains(want, "history") && strings.Contains(got.err, "did you mean") {
			t.Errorf("lessor %s: %+v", args, got)
		}
	}
	if got := lessor(t, "config", "show", "haed", "--socket", socket); got.code != exitUsage || !strings.Contains(got.err, "did you mean head?") {
		t.Errorf("%+v", got)
	}
}
