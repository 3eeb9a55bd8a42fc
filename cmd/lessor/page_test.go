package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// model is the command line as it is declared.
func model(t *testing.T) *kong.Application {
	t.Helper()
	p, err := newParser(&console{out: io.Discard, err: io.Discard}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return p.Model
}

func TestTheHelpReadsWell(t *testing.T) {
	golden(t, "help-leases.txt", lessor(t, "leases", "--help").out)
	golden(t, "help-config.txt", lessor(t, "config", "--help").out)
	golden(t, "help-config-apply.txt", lessor(t, "help", "config", "apply").out)
	if a, b := lessor(t, "config", "apply", "--help").out, lessor(t, "help", "config", "apply").out; a != b {
		t.Errorf("help and --help differ:\n%s\n%s", a, b)
	}
}

func TestEveryPageFitsAndIsWhole(t *testing.T) {
	app := model(t)
	var all func(n *kong.Node)
	all = func(n *kong.Node) {
		args := append([]string{"help"}, strings.Fields(n.Path())...)
		for _, width := range []int{40, 80, 200} {
			got := lessorWith(t, onTerminal(width, 24), args...)
			for line := range strings.Lines(got.out) {
				line = strings.TrimSuffix(line, "\n")
				asIs := strings.HasPrefix(line, "  lessor ") || strings.HasPrefix(line, "  source ") || strings.HasPrefix(line, "Usage: ") || strings.HasPrefix(line, "  # ") ||
					strings.HasPrefix(line, "`lessor ") // what is copied is not broken
				if n := columns(line); !asIs && n > max(min(width, helpWidth), 52) {
					t.Errorf("lessor %s on %d columns: a line of %d: %q", strings.Join(args, " "), width, n, line)
				}
			}
			if strings.Contains(got.out, "\x1b") {
				t.Errorf("lessor %s: an escape without colour", strings.Join(args, " "))
			}
			if n.Leaf() && (!strings.Contains(got.out, "\nExamples:\n") || !strings.Contains(got.out, "\nExit codes:\n") || n.Help == "" || !strings.HasSuffix(n.Help, ".")) {
				t.Errorf("lessor %s: something is missing:\n%s", strings.Join(args, " "), got.out)
			}
		}
		for _, f := range n.Flags {
			if f.Help == "" || !strings.HasSuffix(f.Help, ".") {
				t.Errorf("lessor %s: --%s has no sentence: %q", n.Path(), f.Name, f.Help)
			}
		}
		for _, child := range n.Children {
			all(child)
		}
	}
	all(app.Node)
}

func TestWhatIsWorthReadingIsThere(t *testing.T) {
	known := map[string]bool{}
	app := model(t)
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		known[n.FullPath()] = true
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(app.Node)
	for name := range seeAlso {
		if !known[strings.TrimSpace("lessor "+name)] {
			t.Errorf("there is no command %q", name)
		}
		for _, also := range seeAlso[name] {
			if strings.HasPrefix(also, "docs/") {
				if _, err := os.Stat("../../" + also); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			} else if !known[also] {
				t.Errorf("%s: see also %q, which is no command", name, also)
			}
		}
	}
	for name := range noMeans {
		if !known["lessor "+name] {
			t.Errorf("there is no command %q", name)
		}
	}
	for _, n := range app.Leaves(true) {
		if len(alsoOf(n)) == 0 && n.Parent.Type == kong.ApplicationNode {
			t.Errorf("lessor %s leads nowhere: seeAlso has nothing", n.Path())
		}
	}
}

func TestEveryCommandHasAManualPage(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1790000000")
	dir := filepath.Join(t.TempDir(), "man1")
	if got := lessor(t, "man", "--dir", dir); got.code != exitDone || got.out+got.err != "" {
		t.Fatalf("%+v", got)
	}
	commands(t, func(n *kong.Node) {
		b, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(n.FullPath(), " ", "-")+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		for _, want := range []string{".TH \"LESSOR\\-", "\"2026-09-21\"", ".SH \"SYNOPSIS\"", ".SH \"EXAMPLES\"", ".SH \"EXIT STATUS\"", ".SH \"SEE ALSO\""} {
			if !strings.Contains(string(b), want) {
				t.Errorf("the page of %s has no %s", nameOf(n), want)
			}
		}
		if got := lessor(t, append([]string{"man"}, strings.Fields(nameOf(n))...)...); got.out != string(b) {
			t.Errorf("lessor man %s differs from the file", nameOf(n))
		}
		if bad := regexp.MustCompile(`[^\x00-\x7e]`).FindString(string(b)); bad != "" {
			t.Errorf("the page of %s has %q", nameOf(n), bad)
		}
	})
	golden(t, "lessor-lease.1", strings.ReplaceAll(read(t, filepath.Join(dir, "lessor-lease.1")), roffText(buildVersion()), "VERSION"))
	if got := lessor(t, "man", "laese"); got.code != exitUsage || !strings.Contains(got.err, "did you mean lessor lease?") {
		t.Errorf("%+v", got)
	}
	if got := lessor(t, "man", "lease", "--dir", dir); got.code != exitUsage {
		t.Errorf("%+v", got)
	}
	if got := lessor(t, "man", "--dir", "/dev/null/x"); got.code != exitNo {
		t.Errorf("%+v", got)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMisspeltWordsGetASuggestion(t *testing.T) {
	for args, want := range map[string]string{
		"statsu":                    "did you mean lessor status?",
		"confg":                     "did you mean lessor config?",
		"apply":                     "did you mean lessor config apply?",
		"config aply":               "did you mean lessor config apply?",
		"partnerdown east":          "did you mean lessor partner-down?",
		"leases --sate active":      "did you mean --state?",
		"leases --STATE active":     "did you mean --state?",
		"leases --state activ":      "did you mean active?",
		"stale --packets":           "it is one of lessor events",
		"completion zhs":            "did you mean zsh?",
		"maintenance onn":           "did you mean on?",
		"serve --log-level debgu":   "did you mean debug?",
		"events --kind nack":        "did you mean nak?",
		"events --level wrn":        "did you mean warn?",
		"help statsu":               "did you mean lessor status?",
		"help config hsitory":       "did you mean lessor config history?",
		"bench --mode relase":       "did you mean release?",
		"config diff --jsn one two": "did you mean --json?",
	} {
		got := lessor(t, strings.Fields(args)...)
		if got.code != exitUsage || !strings.Contains(got.err, want) || strings.Count(got.err, "did you mean") > 1 {
			t.Errorf("lessor %s: got %d %s", args, got.code, got.err)
		}
	}
	for _, args := range []string{"frobnicate", "leases --frobnicate", "completion tcsh", "leases --state asleep"} {
		if got := lessor(t, strings.Fields(args)...); got.code != exitUsage || strings.Contains(got.err, "did you mean") {
			t.Errorf("lessor %s: got %d %s", args, got.code, got.err)
		}
	}
}
