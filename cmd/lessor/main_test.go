package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/lessor-dhcp/lessor/internal/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// result is what one command line left behind.
type result struct {
	code     int
	out, err string
}

// lessor runs a command line in this process, at noon and without colour.
func lessor(t *testing.T, args ...string) result {
	t.Helper()
	return lessorWith(t, &console{in: strings.NewReader("")}, args...)
}

func lessorWith(t *testing.T, c *console, args ...string) result {
	t.Helper()
	t.Setenv("COLUMNS", "")
	var out, errs bytes.Buffer
	c.out, c.err, c.now = &out, &errs, func() time.Time { return noon }
	code := run(t.Context(), c, args)
	return result{code, out.String(), errs.String()}
}

// golden compares got with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (go test -update writes it):\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "good.yaml", "server: {data: "+dir+"}\n")
	bad := write(t, dir, "bad.yaml", "sever: {}\n")
	silent := []string{"--socket", filepath.Join(dir, "none.sock")}
	for _, test := range []struct {
		args string
		code int
		says string // on either stream
	}{
		{"--help", exitDone, "Usage: lessor <command>"},
		{"version", exitDone, "lessor "},
		{"version --json", exitDone, `"version":`},
		{"schema", exitDone, `"$schema"`},
		{"completion bash", exitDone, "complete -o default -F _lessor lessor"},
		{"check " + good, exitDone, "is good: 0 networks, 0 subnets, 0 pools, 0 hosts"},
		{"check " + bad, exitNo, "server"},
		{"check " + dir + "/absent", exitNo, "no such file"},
		{"", exitUsage, "expected one of"},
		{"frobnicate", exitUsage, "lessor --help"},
		{"leases --frobnicate", exitUsage, "lessor leases --help"},
		{"leases --state asleep", exitUsage, "states are free, active, expired, released, abandoned"},
		{"leases --address nowhere", exitUsage, "neither an address nor a prefix"},
		{"lease", exitUsage, "expected"},
		{"lease nowhere", exitUsage, "198.51.100.50"},
		{"events --kind party", exitUsage, "kinds are lease-granted"},
		{"events --level loud", exitUsage, "levels are debug, info, warn, error"},
		{"events --address nowhere", exitUsage, "is not an address"},
		{"events --count=-1", exitUsage, "positive"},
		{"completion tcsh", exitUsage, "bash"},
		{"check", exitUsage, "expected"},
	} {
		got := lessor(t, strings.Fields(test.args)...)
		if got.code != test.code || !strings.Contains(got.out+got.err, test.says) {
			t.Errorf("lessor %s: got %d\n%s%s\nwant %d and %q", test.args, got.code, got.out, got.err, test.code, test.says)
		}
		if test.code >= exitUsage && got.out != "" {
			t.Errorf("lessor %s: a wrong usage wrote %q to standard output", test.args, got.out)
		}
	}
	for _, command := range []string{"status", "leases", "lease 10.0.0.1", "events"} {
		got := lessor(t, append(strings.Fields(command), silent...)...)
		if got.code != exitNoServer || !strings.Contains(got.err, "is `lessor serve` running?") || !strings.Contains(got.err, silent[1]) {
			t.Errorf("lessor %s without a server: got %d %s", command, got.code, got.err)
		}
		if got = lessor(t, append(strings.Fields(command), "--config", good)...); got.code != exitNoServer || !strings.Contains(got.err, dir+"/lessor.sock") {
			t.Errorf("lessor %s --config: got %d %s", command, got.code, got.err)
		}
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestASocketIsFoundThroughAFileWithErrors(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"server: {data: " + dir + "}\nnetworks: 7\n":                                   dir,
		"# data: /nowhere\nserver:\n  name: west\n  data: \"" + dir + "\" # ours\n  [": dir,
		"server: {name: west, data: '" + dir + "', interfaces: [eth0]}\n]":             dir,
		"server: [\n": config.DefaultData,
	} {
		file := write(t, dir, "broken.yaml", text)
		if got := lessor(t, "status", "--config", file); got.code != exitNoServer || !strings.Contains(got.err, " "+want+"/lessor.sock:") {
			t.Errorf("%q: got %d %s", text, got.code, got.err)
		}
	}
}

// nameOf returns what is said to give a command: "status", "group init".
func nameOf(n *kong.Node) string { return strings.TrimPrefix(n.FullPath(), "lessor ") }

// commands calls each with every command.
func commands(t *testing.T, each func(n *kong.Node)) {
	t.Helper()
	p, err := newParser(&console{out: io.Discard, err: io.Discard}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range p.Model.Leaves(false) {
		each(n)
	}
}

func TestEveryCommandHasAHelpWithExamplesThatWork(t *testing.T) {
	commands(t, func(n *kong.Node) {
		examples := 0
		for line := range strings.Lines(n.Detail) {
			line, example := strings.CutPrefix(strings.TrimRight(line, "\n"), "  ")
			line, _, _ = strings.Cut(strings.TrimPrefix(line, "source <("), ")")
			if !example || !strings.HasPrefix(line, "lessor ") {
				continue
			}
			examples++
			args := words(line[:cutAt(line, "|<>")])[1:]
			p, err := newParser(&console{out: io.Discard, err: io.Discard}, func(int) {})
			if err != nil {
				t.Fatal(err)
			}
			k, err := p.Parse(args)
			if err != nil {
				t.Errorf("%s: %q: %v", nameOf(n), line, err)
			} else if nameOf(k.Selected()) != nameOf(n) {
				t.Errorf("%s: its example %q is one of %s", nameOf(n), line, nameOf(k.Selected()))
			}
		}
		if examples == 0 {
			t.Errorf("%s has no example", nameOf(n))
		}
	})
}

func cutAt(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}

func TestCheckTellsEverythingAtOnce(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, dir, "bad.yaml", "sever: {}\nnetworks:\n  lan:\n    subnets:\n      10.0.0.0/24:\n        pools: [{range: 10.0.0.9-10.0.0.5}]\n")
	got := lessor(t, "check", "bad.yaml")
	if got.code != exitNo || got.out != "" {
		t.Errorf("got %d and %q", got.code, got.out)
	}
	for _, want := range []string{"bad.yaml:1:1: error: ", "bad.yaml:6:", "  → ", "2 errors"} {
		if !strings.Contains(got.err, want) {
			t.Errorf("no %q in\n%s", want, got.err)
		}
	}
	got = lessor(t, "check", "bad.yaml", "--json")
	if got.code != exitNo || strings.Count(got.out, "\n") != 2 || !strings.Contains(got.out, `"severity":"error","file":"bad.yaml","line":1,"column":1`) || got.err != "" {
		t.Errorf("--json: got %d\n%s%s", got.code, got.out, got.err)
	}
	in := &console{in: strings.NewReader("server: {}\n")}
	if got := lessorWith(t, in, "check", "-"); got.code != exitDone || !strings.HasPrefix(got.out, "standard input is good") {
		t.Errorf("from standard input: got %d %s%s", got.code, got.out, got.err)
	}
}

func TestAnInterruptEndsEventsInOrder(t *testing.T) {
	socket, _ := answering(t, &fake{})
	ctx, cancel := context.WithCancel(t.Context())
	listening := onWrite{cancel}
	c := &console{in: strings.NewReader(""), out: io.Discard, err: listening, now: time.Now}
	if code := run(ctx, c, []string{"events", "--socket", socket}); code != exitDone {
		t.Errorf("got %d, want %d", code, exitDone)
	}
}

// onWrite calls a function when something is written.
type onWrite struct{ then func() }

func (n onWrite) Write(p []byte) (int, error) { n.then(); return len(p), nil }

func TestAGroupWithoutKeysIsNotServed(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "group.yaml", "server: {name: west, data: "+dir+"/data}\ngroup: {name: campus, members: {west: {peer: 127.0.0.1}, east: {peer: 127.0.0.2}}}\n")
	if got := lessor(t, "serve", "--config", file); got.code != exitNo || !strings.Contains(got.err, "lessor group init") {
		t.Errorf("got %d %s", got.code, got.err)
	}
}
