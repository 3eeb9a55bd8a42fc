package main

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

func readDoc(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryCommandAndFlagIsInTheReference(t *testing.T) {
	doc := readDoc(t, "cli.md")
	commands(t, func(n *kong.Node) {
		_, section, found := strings.Cut(doc, "\n## lessor "+nameOf(n)+"\n")
		if !found {
			t.Errorf("docs/cli.md has no section on lessor %s", nameOf(n))
			return
		}
		section, _, _ = strings.Cut(section, "\n## ")
		if n.Name == "bench" { // its many flags are explained by its --help
			return
		}
		for _, f := range n.Flags {
			if !strings.Contains(section, "--"+f.Name) && !strings.Contains(doc, "| `--"+f.Name) {
				t.Errorf("docs/cli.md does not name --%s of lessor %s", f.Name, nameOf(n))
			}
		}
	})
}

func TestEveryReasonForNoAnswerIsExplained(t *testing.T) {
	doc := readDoc(t, "operating.md")
	reasons := dhcpv4.Reasons()
	for _, r := range responder.Reasons() {
		reasons = append(reasons, r.String())
	}
	for _, r := range reasons {
		if !strings.Contains(doc, "`"+r+"`") {
			t.Errorf("docs/operating.md does not explain the reason %s", r)
		}
	}
}

func TestEveryAlarmIsExplained(t *testing.T) {
	doc := readDoc(t, "operating.md")
	files, err := filepath.Glob("../../internal/node/*.go")
	if err != nil {
		t.Fatal(err)
	}
	code, found := regexp.MustCompile(`\b(?:Code:\s*|raise\()"([a-z-]+)"`), 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range code.FindAllSubmatch(b, -1) {
			found++
			if !strings.Contains(doc, "\n### "+string(m[1])+"\n") {
				t.Errorf("docs/operating.md does not say what to do about the alarm %s", m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no alarm was found in internal/node")
	}
}

func TestEveryKindOfEventIsExplained(t *testing.T) {
	doc := readDoc(t, "operating.md")
	for _, k := range node.EventKinds() {
		if !strings.Contains(doc, "`"+k+"`") {
			t.Errorf("docs/operating.md does not explain the event %s", k)
		}
	}
}

func TestEveryKeyOfAPartnersStatusIsExplained(t *testing.T) {
	_, doc, _ := strings.Cut(readDoc(t, "cli.md"), "### How two servers stand")
	doc, _, _ = strings.Cut(doc, "\n## ")
	for i := range reflect.TypeFor[node.PartnerStatus]().NumField() {
		key, _, _ := strings.Cut(reflect.TypeFor[node.PartnerStatus]().Field(i).Tag.Get("json"), ",")
		if !strings.Contains(doc, "`"+key+"`") && !strings.Contains(doc, "`"+key+":") {
			t.Errorf("docs/cli.md does not explain %s of a partner's status", key)
		}
	}
}

// block returns the first block of a document that is fenced as what, as it stands between the fences.
func block(t *testing.T, doc, what string) string {
	t.Helper()
	_, rest, found := strings.Cut(doc, "\n```"+what+"\n")
	text, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatalf("the document has no block of %s", what)
	}
	return text
}

// words splits a line of shell that has no quotes but single ones.
func words(line string) (args []string) {
	for i, part := range strings.Split(strings.ReplaceAll(line, "\\\n", " "), "'") {
		if i%2 == 0 {
			args = append(args, strings.Fields(part)...)
			continue
		}
		args = append(args, part)
	}
	return args
}

// The example of docs/explain.md is what the program says.
func TestTheExampleOfAnExplanationIsTrue(t *testing.T) {
	doc := readDoc(t, "explain.md")
	t.Chdir(filepath.Dir(write(t, t.TempDir(), "campus.yaml", block(t, doc, "yaml"))))
	if checked := lessor(t, "check", "campus.yaml"); checked.code != exitDone || checked.err != "" {
		t.Errorf("the document is not good: %s", checked.err)
	}
	got := lessor(t, words(strings.TrimPrefix(block(t, doc, "sh"), "lessor "))...)
	if want := block(t, doc, "text"); got.code != exitDone || got.out != want {
		t.Errorf("got %d %s\n%s\nthe document has\n%s", got.code, got.err, got.out, want)
	}
}

// commandLines are the lines of a document that begin with a lessor command, in blocks of shell or between backquotes.
var commandLines = regexp.MustCompile("(?m)(?:^|`)lessor ([a-z-]+(?: [^`\n|>#&]*)?)")

func TestCommandsInTheDocumentsCanBeGiven(t *testing.T) {
	var names []string
	commands(t, func(n *kong.Node) { names = append(names, nameOf(n)) })
	for _, name := range []string{"cli.md", "operating.md", "versions.md"} {
		doc, seen := readDoc(t, name), 0
		for _, m := range commandLines.FindAllStringSubmatch(doc, -1) {
			args := words(m[1])
			if bare := len(args) == 1 || slices.Contains(names, strings.TrimSpace(m[1])); bare || strings.ContainsAny(m[1], "…[") || strings.Contains(m[1], "--help") {
				continue // a mention of the command, a pattern, or what ends before it is parsed
			}
			p, err := newParser(&console{out: io.Discard, err: io.Discard}, func(int) {})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Parse(args); err != nil {
				t.Errorf("docs/%s: lessor %s: %v", name, m[1], err)
			}
			seen++
		}
		if seen < 5 {
			t.Errorf("docs/%s: only %d commands were found", name, seen)
		}
	}
}
