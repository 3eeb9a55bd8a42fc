package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// admitting runs a server behind a socket and, over TCP, behind a gate, until the test ends.
func admitting(t *testing.T) (socket, url string) {
	t.Helper()
	return admittingTo(t, &fake{status: node.Status{Server: "west"}})
}

func admittingTo(t *testing.T, f node.Reporter) (socket, url string) {
	t.Helper()
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	l, err := api.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	who := api.OpenAccess(dir, log)
	server := api.New(f, log)
	server.Admit(who)
	door, err := api.OpenDoor(netip.MustParseAddrPort("127.0.0.1:0"), nil, log)
	if err != nil {
		t.Fatal(err)
	}
	who.Through(door)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { server.Run(ctx, l); done <- struct{}{} }()
	gate := &api.Gate{Access: who}
	go func() { door.Run(ctx, gate.Handler(pagesAnd(server.Handler(), log))); done <- struct{}{} }()
	t.Cleanup(func() { cancel(); <-done; <-done; who.Close() })
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	return api.SocketIn(dir), door.URL()
}

func TestATokenFromItsMakingToItsEnd(t *testing.T) {
	socket, url := admitting(t)
	made := lessor(t, "token", "create", "--socket", socket, "--role", "administrator", "--name", "me", "--expires", "2d", "--json")
	var tok api.NewToken
	if err := json.Unmarshal([]byte(made.out), &tok); err != nil || made.code != exitDone || tok.API != url || tok.Role != "administrator" || tok.Name != "me" {
		t.Fatalf("got %d %s%s, %v", made.code, made.out, made.err, err)
	}
	file := write(t, t.TempDir(), "token", tok.Token+"\n")
	remote := []string{"--api", url, "--token-file", file}
	if got := lessor(t, append([]string{"status", "--json"}, remote...)...); got.code != exitDone || !strings.Contains(got.out, `"server":"west"`) {
		t.Errorf("got %d %s%s", got.code, got.out, got.err)
	}
	t.Setenv("LESSOR_TOKEN", tok.Token)
	t.Setenv("LESSOR_API", url)
	if got := lessor(t, "token", "list"); got.code != exitDone || !strings.Contains(got.out, tok.ID) || strings.Contains(got.out, tok.Token) {
		t.Errorf("got %d %s%s", got.code, got.out, got.err)
	}
	if got := lessor(t, "audit", "--socket", socket); got.code != exitDone || !strings.Contains(got.out, "token create") || strings.Contains(got.out, tok.Token) {
		t.Errorf("got %d %s%s", got.code, got.out, got.err)
	}
	if got := lessor(t, "audit", "--verify"); got.code != exitDone || !strings.Contains(got.err, "holds together") {
		t.Errorf("got %d %s%s", got.code, got.out, got.err)
	}
	if got := lessor(t, "audit", "--verify", "--hash", strings.Repeat("0", 64)); got.code != exitNo {
		t.Errorf("got %d %s%s", got.code, got.out, got.err)
	}
	if got := lessor(t, "token", "revoke", tok.Token); got.code != exitDone {
		t.Errorf("got %d %s%s", got.code, got.out, got.err)
	}
	if got := lessor(t, "status"); got.code != exitNo || !strings.Contains(got.err, "it may have been revoked") {
		t.Errorf("after its end: %d %s%s", got.code, got.out, got.err)
	}
	if got := lessor(t, "token", "revoke", "nonsense", "--socket", socket); got.code != exitNo || !strings.Contains(got.err, "no token of this server has the identifier") {
		t.Errorf("got %d %s%s", got.code, got.out, got.err)
	}
}

func TestATokenThatCannotBeUsedIsNotSent(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	good := "lessor_abcdefgh_" + strings.Repeat("a", 52)
	open := write(t, dir, "open", good)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	private := write(t, dir, "private", good)
	for name, test := range map[string]struct {
		args string
		code int
		says string
	}{
		"no token":                {"--api http://127.0.0.1:1", exitNo, "lessor token create"},
		"others may read it":      {"--api http://127.0.0.1:1 --token-file " + open, exitNo, "chmod 600"},
		"no such file":            {"--api http://127.0.0.1:1 --token-file " + filepath.Join(dir, "none"), exitNo, "no such file"},
		"something else":          {"--api http://127.0.0.1:1 --token-file " + write(t, dir, "else", "hello"), exitNo, "begins with lessor_"},
		"in the clear, elsewhere": {"--api http://192.0.2.1:8067 --token-file " + private, exitUsage, "over https only"},
		"no address":              {"--api west:8067 --token-file " + private, exitUsage, "no address of a server"},
		"in the address":          {"--api https://x:y@west:8067 --token-file " + private, exitUsage, "no more"},
		"both ways to believe":    {"--api https://127.0.0.1:1 --ca x --fingerprint y --token-file " + private, exitUsage, "one of them"},
		"no fingerprint":          {"--api https://127.0.0.1:1 --fingerprint zz --token-file " + private, exitUsage, "64 hex digits"},
		"nobody answers":          {"--api http://127.0.0.1:1 --token-file " + private, exitNoServer, "127.0.0.1:1"},
	} {
		if got := lessor(t, append([]string{"status"}, strings.Fields(test.args)...)...); got.code != test.code || !strings.Contains(got.err, test.says) || strings.Contains(got.err, good) {
			t.Errorf("%s: got %d %s", name, got.code, got.err)
		}
	}
}

func TestHowLongATokenIsGood(t *testing.T) {
	for text, good := range map[string]bool{"90d": true, "12h": true, "1m": true, "3650d": true, "3651d": false, "0d": false, "-5d": false, "30s": false, "forever": false, "1.5d": false, "99999999999999999999d": false, "": false} {
		if d, err := parseLife(text); (err == nil) != good {
			t.Errorf("%q: got %v, %v", text, d, err)
		}
	}
}
