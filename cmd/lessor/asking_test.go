package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/lessor-dhcp/lessor/internal/access"
)

// Whatever asks a running server says which in the same words, and answers programs, too.
func TestEveryCommandThatAsksAServerHasTheSameFlags(t *testing.T) {
	asking := 0
	commands(t, func(n *kong.Node) {
		if !asksServer(n) {
			return
		}
		asking++
		for _, name := range append(serverFlags(), "json") {
			i := slices.IndexFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == name })
			if i < 0 {
				t.Errorf("lessor %s has no --%s", nameOf(n), name)
				continue
			}
			if f := n.Flags[i]; f.Short != 0 || len(f.Tag.Envs) > 0 {
				t.Errorf("lessor %s: --%s has a short name, or a variable of the environment, that is not the same everywhere", nameOf(n), name)
			}
		}
	})
	if asking < 30 {
		t.Errorf("only %d commands ask a server", asking)
	}
}

// operations says by which commands what is done over REST is done; none: a browser, a monitor or a program needs it, a person does not.
var operations = map[string][]string{
	"audit": {"audit"}, "audit-verify": {"audit"}, "config": {"config show"}, "config-apply": {"config apply"}, "config-diff": {"config diff"}, "config-history": {"config history"},
	"config-resolve": {"config resolve"}, "config-rollback": {"config rollback"}, "config-status": {"config status"}, "config-version": {"config show"}, "what-if": {"config apply", "config rollback"},
	"drift": {"drift"}, "events": {"events"}, "explain": {"explain"}, "hosts": {"hosts list"}, "host": {"hosts show"}, "host-create": {"hosts set"}, "host-put": {"hosts set"}, "host-delete": {"hosts remove"},
	"leases": {"leases"}, "lease": {"lease"}, "lease-history": {"history"}, "release": {"release"}, "maintenance": {"maintenance"}, "map": {"map"}, "partner-down": {"partner-down"},
	"partners": {"partners"}, "pools": {"pools"}, "pool-trends": {"pools"}, "rates": {"rates"}, "rehome": {"rehome"}, "stale": {"stale"}, "status": {"status"}, "timeline": {"timeline"},
	"tokens": {"token list"}, "token": {"token list"}, "token-create": {"token create"}, "token-revoke": {"token revoke"},
	"healthz": nil, "readyz": nil, "metrics": nil, "openapi-json": nil, "openapi-yaml": nil,
}

func TestWhatRESTDoesTheCommandLineDoesAndTheOtherWayRound(t *testing.T) {
	var asking []string
	commands(t, func(n *kong.Node) {
		if asksServer(n) && n.Name != "top" { // which shows what others say
			asking = append(asking, nameOf(n))
		}
	})
	used := map[string]bool{}
	doc := readDoc(t, "openapi.yaml")
	for _, m := range regexp.MustCompile(`(?m)^\s+operationId: (\S+)$`).FindAllStringSubmatch(doc, -1) {
		by, known := operations[m[1]]
		if !known {
			t.Errorf("no command does what the operation %s does: make one, and say so here", m[1])
		}
		for _, name := range by {
			used[name] = true
			if !slices.Contains(asking, name) {
				t.Errorf("%s is done by lessor %s, which is no command that asks a server", m[1], name)
			}
		}
	}
	for _, name := range asking {
		if !used[name] {
			t.Errorf("lessor %s does what cannot be done over REST", name)
		}
	}
}

// notRun are the commands whose examples work on more than a server: networks, daemons, keys, the machine's directories.
var notRun = []string{"serve", "check-store", "demo", "bench", "group init", "group join", "group invite", "group export", "group renew", "group show", "man"}

// example is a line of a command's help, as it is typed.
type example struct {
	command string
	args    []string
	in      string // the file that it reads from
	fails   bool   // it ends by itself, also where it would go on for ever
}

func examples(t *testing.T) (all []example) {
	commands(t, func(n *kong.Node) {
		if slices.Contains(notRun, nameOf(n)) {
			return
		}
		for _, line := range pageOf(model(t), n).examples {
			line, _, _ = strings.Cut(strings.TrimPrefix(line, "source <("), ")")
			if !strings.HasPrefix(line, "lessor ") {
				continue
			}
			in := ""
			if _, file, reads := strings.Cut(line, "< "); reads {
				in = strings.TrimSpace(file)
			}
			all = append(all, example{nameOf(n), words(line[:cutAt(line, "|<>")])[1:], in, false})
		}
	})
	return all
}

func TestEveryExampleRuns(t *testing.T) {
	f := aWhole()
	socket, url := admittingTo(t, f)
	made := lessor(t, "token", "create", "--socket", socket, "--role", "administrator")
	token := write(t, t.TempDir(), "token", made.out)
	dir := t.TempDir()
	t.Chdir(dir)
	const campus = "server: {name: west, data: /nowhere}\nnetworks:\n  floor1: {subnets: {198.51.100.0/24: {pools: [{range: 198.51.100.50-198.51.100.240}]}}}\n  floor2: {subnets: {10.20.0.0/16: {relays: [10.20.0.1], pools: [{range: 10.20.1.0-10.20.2.254}]}}}\n"
	for _, name := range []string{"lessor.yaml", "campus.yaml", "old.yaml", "new.yaml"} {
		write(t, dir, name, campus)
	}
	write(t, dir, "printer1.yaml", "{hardware: 02:00:00:00:00:07}\n")
	ran := 0
	for _, way := range []struct {
		name string
		env  map[string]string
	}{
		{"socket", map[string]string{"LESSOR_SOCKET": socket, "LESSOR_API": ""}},
		{"tcp", map[string]string{"LESSOR_SOCKET": "", "LESSOR_API": url, "LESSOR_TOKEN": strings.TrimSpace(read(t, token))}},
	} {
		t.Run(way.name, func(t *testing.T) {
			for k, v := range way.env {
				t.Setenv(k, v)
			}
			for _, x := range examples(t) {
				ran++
				if x.command == "token revoke" { // its own example names a token that there never was
					made := strings.TrimSpace(lessor(t, "token", "create", "--role", "viewer").out)
					x.args[len(x.args)-1] = strings.Split(made, "_")[1]
				}
				if i := slices.Index(x.args, "/etc/lessor/lessor.yaml"); i >= 0 {
					x.args[i] = "lessor.yaml"
				}
				got := runExample(t, x)
				if got.code != exitDone || strings.Contains(got.err, "lessor:") {
					t.Errorf("lessor %s: exit code %d\n%s%s", strings.Join(x.args, " "), got.code, got.out, got.err)
				}
				if strings.Contains(got.out+got.err, "\x1b") {
					t.Errorf("lessor %s: an escape that nobody asked for", strings.Join(x.args, " "))
				}
			}
		})
	}
	if ran < 100 {
		t.Errorf("only %d examples were run", ran)
	}
	if len(f.edits) == 0 || len(f.removed) == 0 || len(f.released) == 0 || len(f.told) == 0 || len(f.down) == 0 || len(f.pauses) == 0 {
		t.Errorf("some were not carried out: %d %d %d %d %d %d", len(f.edits), len(f.removed), len(f.released), len(f.told), len(f.down), len(f.pauses))
	}
}

// runExample runs an example. What has no end is ended once it has said something.
func runExample(t *testing.T, x example) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	in := io.Reader(strings.NewReader(""))
	if x.in != "" {
		in = bytes.NewReader([]byte(read(t, x.in)))
	}
	endless := !x.fails && (x.command == "events" || x.command == "top" || slices.ContainsFunc(x.args, func(a string) bool { return strings.HasPrefix(a, "--watch") || a == "--follow" }))
	var out, errs bytes.Buffer
	c := &console{in: in, out: &out, err: &errs, now: func() time.Time { return noon }}
	if endless {
		time.AfterFunc(300*time.Millisecond, cancel)
	}
	code := run(ctx, c, x.args)
	return result{code, out.String(), errs.String()}
}

// Whoever has an empty variable in the environment has said nothing.
func TestAnEmptyVariableIsNoSocket(t *testing.T) {
	t.Setenv("LESSOR_SOCKET", "")
	t.Setenv("LESSOR_API", "")
	if got := lessor(t, "status"); got.code != exitNoServer || !strings.Contains(got.err, "/lessor.sock: ") {
		t.Errorf("%+v", got)
	}
	if got := lessor(t, "status", "--socket="); got.code != exitNoServer || !strings.Contains(got.err, "/lessor.sock: ") {
		t.Errorf("%+v", got)
	}
}

func TestAFlagGoesBeforeTheEnvironment(t *testing.T) {
	socket, _ := answering(t, &fake{status: aStatus})
	t.Setenv("LESSOR_SOCKET", "/nowhere/at/all.sock")
	t.Setenv("LESSOR_API", "https://192.0.2.1:8067")
	file := write(t, t.TempDir(), "lessor.yaml", "server: {data: "+filepath.Dir(socket)+"}\n")
	for _, args := range [][]string{{"--socket", socket}, {"--config", file}} {
		if got := lessor(t, append([]string{"status"}, args...)...); got.code != exitDone {
			t.Errorf("%v: %+v", args, got)
		}
	}
	os.Unsetenv("LESSOR_SOCKET") // t.Setenv puts back what was there
	for _, args := range [][]string{{"--api", "http://127.0.0.1:1", "--socket", socket}, {"--api", "http://127.0.0.1:1", "--config", file}} {
		if got := lessor(t, append([]string{"status"}, args...)...); got.code != exitUsage || !strings.Contains(got.err, "give one of them") {
			t.Errorf("%v: %+v", args, got)
		}
	}
	os.Unsetenv("LESSOR_API")
	if got := lessor(t, "status", "--token-file", file); got.code != exitUsage || !strings.Contains(got.err, "--api URL") {
		t.Errorf("%+v", got)
	}
}

// Every command that asks says in the same way that nobody answers, and that who asks may not.
func TestEveryCommandThatAsksSaysWhatIsWrong(t *testing.T) {
	_, url := admittingTo(t, aWhole())
	wrong := write(t, t.TempDir(), "token", fmt.Sprintf("lessor_abcdefgh_%s", strings.Repeat("a", access.MaxText-len("lessor_abcdefgh_"))))
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"campus.yaml", "printer1.yaml"} {
		write(t, dir, name, "{hardware: 02:00:00:00:00:07}\n")
	}
	seen := map[string]bool{}
	for _, x := range examples(t) {
		if seen[x.command] || slices.Contains(x.args, "--config") || !asks(t, x.command) {
			continue
		}
		seen[x.command] = true
		x.args = slices.DeleteFunc(x.args, func(a string) bool { return strings.HasPrefix(a, "--watch") || a == "--once" })
		none := example{x.command, append(slices.Clone(x.args), "--socket", "/nowhere/lessor.sock"), x.in, true}
		if got := runExample(t, none); got.code != exitNoServer || !strings.Contains(got.err, "no server answers on /nowhere/lessor.sock: is `lessor serve` running?") || got.out != "" {
			t.Errorf("%v without a server: %+v", none.args, got)
		}
		stranger := example{x.command, append(slices.Clone(x.args), "--api", url, "--token-file", wrong), x.in, true}
		if got := runExample(t, stranger); got.code != exitNo || !strings.Contains(got.err, "token") || strings.Contains(got.err, strings.Repeat("a", 20)) || got.out != "" {
			t.Errorf("%v with a wrong token: %+v", stranger.args, got)
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d commands were asked", len(seen))
	}
}

func asks(t *testing.T, name string) (asks bool) {
	commands(t, func(n *kong.Node) { asks = asks || nameOf(n) == name && asksServer(n) })
	return asks
}
