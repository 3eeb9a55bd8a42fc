package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// offered returns the words that may stand behind a line, and what its last line says.
func offered(t *testing.T, line string) (words []string, end string) {
	t.Helper()
	args := strings.Split(line, " ")
	got := lessor(t, append([]string{completeWord, "fish"}, args...)...)
	if got.code != exitDone || got.err != "" {
		t.Fatalf("%q: %+v", line, got)
	}
	lines := strings.Split(strings.TrimSuffix(got.out, "\n"), "\n")
	for _, l := range lines[:len(lines)-1] {
		word, _, _ := strings.Cut(l, "\t")
		words = append(words, word)
	}
	return words, lines[len(lines)-1]
}

func TestWhatMayStandIsOffered(t *testing.T) {
	t.Setenv("LESSOR_SOCKET", "")
	for line, want := range map[string]string{
		"sta":                                 "status stale :",
		"config hi":                           "history :",
		"config nonsense ":                    ":",
		"leases --sta":                        "--state :",
		"leases --state a":                    "active abandoned :",
		"leases --state=a":                    "--state=active --state=abandoned :",
		"leases --state active --sta":         ":",
		"events --kind nak,conf":              "nak,conflict nak,config-adopted nak,config-refused nak,config-differs :",
		"events --level w":                    "warn :",
		"completion ":                         "bash zsh fish :",
		"check ":                              ":files",
		"check-store ":                        ":directories",
		"status --config ":                    ":files",
		"status --config=/et":                 ":files",
		"serve --config ":                     ":files",
		"man --dir ":                          ":directories",
		"help config ro":                      "rollback :",
		"explain --option tftp-server-n":      "tftp-server-name= :",
		"maintenance ":                        "on off :",
		"maintenance on ":                     "--",
		"config show --socket /nowhere ag":    "agreed :",
		"config diff --socket /nowhere head ": "head tip agreed partner :files",
		"leases -- --sta":                     ":",
		"stale --cause con":                   "configuration changed :",
		"bench --mode re":                     "renew release :",
	} {
		words, end := offered(t, line)
		got := strings.TrimSpace(strings.Join(words, " ") + " " + end)
		if want == "--" {
			if len(words) < 3 || words[0][:2] != "--" {
				t.Errorf("%q: got %s", line, got)
			}
			continue
		}
		if got = strings.TrimSuffix(got, " open"); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestEveryCommandAndFlagIsOffered(t *testing.T) {
	commands(t, func(n *kong.Node) {
		if words, _ := offered(t, nameOf(n)); !slices.Contains(words, n.Name) {
			t.Errorf("%s is not offered: %v", nameOf(n), words)
		}
		words, _ := offered(t, nameOf(n)+" --")
		for _, f := range n.Flags {
			if !strings.Contains(" "+strings.Join(words, " ")+" ", " --"+f.Name+" ") {
				t.Errorf("%s: --%s is not offered", nameOf(n), f.Name)
			}
			if s := f.Tag.Get("complete"); s != "" && sources[s] == nil {
				t.Errorf("%s: --%s is to be completed from %q, which there is not", nameOf(n), f.Name, s)
			}
		}
		for _, a := range n.Positional {
			if s := a.Tag.Get("complete"); s != "" && sources[s] == nil {
				t.Errorf("%s: %s is to be completed from %q, which there is not", nameOf(n), a.Name, s)
			}
		}
	})
}

func TestARunningServerIsAsked(t *testing.T) {
	socket, _ := answering(t, &fake{
		status: node.Status{Server: "west", Pools: aStatus.Pools, Interfaces: []node.InterfaceStatus{{Name: "eth0", Network: "lab"}, {Name: "eth1"}, {Name: "eth2", Network: "evil\x1b[2J"}},
			Partners: []node.PartnerStatus{{Partner: "east", State: "NORMAL"}}},
		rows: []node.LeaseRow{aRow("198.51.100.50", "active", "phone-1", minutes(5)), aRow("203.0.113.7", "active", "\x1b]0;x\a", minutes(5))},
	})
	t.Setenv("LESSOR_SOCKET", socket)
	for line, want := range map[string]string{
		"leases --network ":        "floor1 floor2 lab",
		"leases --network=fl":      "--network=floor1 --network=floor2",
		"partner-down ":            "east",
		"drift --with ":            "east",
		"rehome 198.51.100.50 ":    "east west",
		"explain --as w":           "west",
		"lease 198":                "198.51.100.50",
		"config resolve --take ea": "east",
	} {
		words, _ := offered(t, line)
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	os.Unsetenv("LESSOR_SOCKET") // t.Setenv puts back what was there
	if words, _ := offered(t, "leases --socket "+socket+" --network lab"); len(words) != 1 {
		t.Errorf("by --socket: got %v", words)
	}
	file := write(t, t.TempDir(), "lessor.yaml", "server: {data: "+filepath.Dir(socket)+"}\n")
	if words, _ := offered(t, "leases --config "+file+" --network lab"); len(words) != 1 {
		t.Errorf("by --config: got %v", words)
	}
}

func TestHostsAreOffered(t *testing.T) {
	f, _ := hosting(t)
	f.rows[1].State = "expired"
	for line, want := range map[string]string{
		"hosts ":                   "list show set remove lobby printer1 scanner",
		"hosts p":                  "printer1",
		"hosts show l":             "lobby",
		"hosts remove --json s":    "scanner",
		"hosts printer1 --js":      "--json",
		"hosts --wat":              "--watch",
		"hosts set --again":        "--against",
		"hosts set x --against ti": "tip",
		"map 198":                  "198.51.100.0/24",
		"rates --span ":            "seconds minutes",
		"pools --network ":         "floor1 floor2",
		"release 198.51.100.50":    "198.51.100.50",
		"help hosts re":            "remove",
	} {
		words, _ := offered(t, line)
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestVersionsAreOffered(t *testing.T) {
	k := aKeeping()
	socket := keepingAt(t, k)
	words, _ := offered(t, "config rollback --socket "+socket+" 0")
	if len(words) == 0 || words[0] != headID[:shortVersion] {
		t.Errorf("got %v", words)
	}
}

func TestMembersOfAFileAreOffered(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "group.yaml", "server: {name: west, data: "+dir+"}\ngroup: {name: campus, members: {west: {peer: 127.0.0.1}, east: {peer: 127.0.0.2}}}\n")
	if words, _ := offered(t, "group invite --config "+file+" "); len(words) != 1 || words[0] != "east" {
		t.Errorf("got %v", words)
	}
}

// A server that accepts and says nothing keeps nobody waiting who only pressed a key.
func TestAServerThatIsSilentIsNotWaitedFor(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "silent.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	began := time.Now()
	words, end := offered(t, "leases --socket "+l.Addr().String()+" --network ")
	if took := time.Since(began); len(words) > 0 || end != ":" || took > longestCompletion {
		t.Errorf("got %v %q after %v", words, end, took)
	}
	words, _ = offered(t, "config show --socket "+l.Addr().String()+" a")
	if fmt.Sprint(words) != "[agreed]" {
		t.Errorf("what needs no server: got %v", words)
	}
}

func TestALineIsSplitAsBashDoes(t *testing.T) {
	for line, want := range map[string]string{
		"lessor sta":               "lessor|sta 0",
		"lessor ":                  "lessor| 0",
		`lessor "a b" c`:           "lessor|a b|c 0",
		`lessor 'a "b`:             `lessor|a "b 39`,
		`lessor "a\"b' c`:          `lessor|a"b' c 34`,
		`lessor a\ b`:              "lessor|a b 0",
		`lessor "a\nb" `:           `lessor|a\nb| 0`,
		`lessor ''  x`:             "lessor||x 0",
		"lessor --network=\"flo":   "lessor|--network=flo 34",
		"lessor\t--client 02:00:0": "lessor|--client|02:00:0 0",
	} {
		words, quote := bashWords(line)
		if got := fmt.Sprintf("%s %d", strings.Join(words, "|"), quote); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestWhatBashInsertsDoesNothingElse(t *testing.T) {
	for _, c := range []struct {
		word, current string
		quote         byte
		want          string
	}{
		{"floor1", "fl", 0, "floor1"}, {"--state=active", "--state=a", 0, "active"}, {"02:00:5e", "02:0", 0, "00:5e"},
		{"$(reboot)", "", 0, `\$\(reboot\)`}, {"a b;c", "a", 0, `a\ b\;c`}, {"a b", "a", '"', "a b"}, {"`x`", "", '"', ""}, {"it's", "i", '\'', ""},
	} {
		got, ok := bashWord(c.word, c.current, c.quote)
		if !ok {
			got = ""
		}
		if got != c.want {
			t.Errorf("%q for %q: got %q, want %q", c.word, c.current, got, c.want)
		}
	}
}
