package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// hosting is a server with hosts.
func hosting(t *testing.T) (f *whole, socket string) {
	t.Helper()
	f = aWhole()
	socket, _ = answeringAs(t, f)
	t.Setenv("LESSOR_SOCKET", socket)
	return f, socket
}

func TestHostsReadWell(t *testing.T) {
	f, _ := hosting(t)
	golden(t, "hosts.txt", lessor(t, "hosts").out)
	golden(t, "host.txt", lessor(t, "hosts", "printer1").out+"\n"+lessor(t, "hosts", "show", "lobby").out+"\n"+lessor(t, "hosts", "show", "scanner").out)
	for _, args := range [][]string{{"hosts", "--json"}, {"hosts", "list", "--json"}} {
		got := lessor(t, args...)
		var h node.HostRow
		if got.code != exitDone || strings.Count(got.out, "\n") != 3 || json.NewDecoder(strings.NewReader(got.out)).Decode(&h) != nil || h.Name != "lobby" || !h.Pending || strings.Contains(got.out, "\x1b") {
			t.Errorf("%v: %+v", args, got)
		}
	}
	if got := lessorWith(t, onTerminal(60, 24), "hosts"); got.code != exitDone || !strings.Contains(got.out, "198.51.100.9") {
		t.Errorf("%+v", got)
	} else {
		for line := range strings.Lines(got.out) {
			if columns(strings.TrimSuffix(line, "\n")) > 60 {
				t.Errorf("too wide: %q", line)
			}
		}
	}
	f.hosts = nil
	if got := lessor(t, "hosts"); got.code != exitDone || got.out != "" || !strings.Contains(got.err, "lessor hosts set NAME") {
		t.Errorf("%+v", got)
	}
}

func TestAHostThatIsNotThereIsSaidWithTheOneThatWasMeant(t *testing.T) {
	f, _ := hosting(t)
	for args, want := range map[string]string{
		"hosts printr1":             "did you mean printer1?",
		"hosts show printr1 --json": "did you mean printer1?",
		"hosts lst":                 "did you mean lessor hosts list?",
		"hosts nobody":              "`lessor hosts` lists them",
		"hosts remove printr1":      "did you mean printer1?",
		"hosts set printr1 --address 198.51.100.11": "did you mean printer1?; to make it",
	} {
		if got := lessor(t, strings.Fields(args)...); got.code != exitNo || !strings.Contains(got.err, want) || got.out != "" {
			t.Errorf("lessor %s: %+v", args, got)
		}
	}
	for args, want := range map[string]string{
		"hosts remvoe printer1":                            "did you mean lessor hosts remove?",
		"hosts set printer1":                               "Give flags",
		"hosts set printer1 {} --address 1.2.3.4":          "leave out the flags",
		"hosts set printer1 --address nowhere":             "198.51.100.50",
		"hosts set printer1 --option host-name":            "host-name=printer1",
		"hosts set printer1 --hardwar 02:00:00:00:00:07":   "did you mean --hardware?",
		"hosts set printer1 --address 1.2.3.4 --against x": "names no version",
		"hosts --watch --json":                             "lessor events --json",
	} {
		if got := lessor(t, strings.Fields(args)...); got.code != exitUsage || !strings.Contains(got.err, want) || got.out != "" {
			t.Errorf("lessor %s: %+v", args, got)
		}
	}
	for _, command := range [][]string{{"set"}, {"remove"}, {"show"}} {
		args := append([]string{"hosts"}, append(command, "")...)
		if command[0] == "set" {
			args = append(args, "--hardware", "02:00:00:00:00:07")
		}
		if got := lessor(t, args...); got.code != exitUsage || !strings.Contains(got.err, "Its name is empty") {
			t.Errorf("%q: %+v", args, got)
		}
	}
	if len(f.edits)+len(f.removed) > 0 {
		t.Errorf("the server was told %+v %+v", f.edits, f.removed)
	}
}

func TestFlagsChangeAPartOfAHost(t *testing.T) {
	f, _ := hosting(t)
	f.hosts = slices.Clone(f.hosts)
	for i, x := range []struct{ args, text string }{
		{"printer1 --address 198.51.100.11", `{hardware: "02:00:00:00:00:07", address: 198.51.100.11, options: {host-name: printer1}}`},
		{"printer1 --option host-name=p2 --option routers=[198.51.100.2]", `{hardware: "02:00:00:00:00:07", address: 198.51.100.9, options: {host-name: p2, routers: [198.51.100.2]}}`},
		{"lobby --circuit-id {hex:\u00a00a0b} --remote-id 0042", `{circuit-id: {hex: 0a0b}, address: 10.20.0.9, remote-id: "0042"}`},
		{"new1 --hardware 02:00:00:00:00:09 --option vendor={1:\u00a0x}", `{hardware: "02:00:00:00:00:09", options: {vendor: {1: x}}}`},
	} {
		args := append([]string{"hosts", "set"}, strings.Fields(strings.ReplaceAll(x.args, "\u00a0", "\x00"))...)
		for k := range args {
			args[k] = strings.ReplaceAll(args[k], "\x00", " ")
		}
		got := lessor(t, args...)
		if got.code != exitDone || len(f.edits) != i+1 {
			t.Fatalf("%s: %+v", x.args, got)
		}
		if e := f.edits[i]; strings.ReplaceAll(e.Text, "'", `"`) != x.text || e.Create || (e.Name != "new1") != (e.If == headID) {
			t.Errorf("%s: told %+v, want %s", x.args, e, x.text)
		}
	}
	f.hosts = append(f.hosts, node.HostRow{Name: "new1", Address: addr("192.0.2.9"), Text: "{hardware: 02:00:00:00:00:09, address: 192.0.2.9}"})
	f.notes = []string{"192.0.2.9 is in no subnet of the configuration: it is never given"}
	if got := lessor(t, "hosts", "set", "new1", "--address", "192.0.2.9"); got.code != exitDone || !strings.Contains(got.out, f.notes[0]) {
		t.Errorf("%+v", got)
	}
	for name, nowhere := range map[string]bool{"new1": true, "printer1": false} {
		if got := lessor(t, "hosts", name); got.code != exitDone || strings.Contains(got.out, "in no subnet of the configuration") != nowhere {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := lessor(t, "hosts", "set", "printer1", "--option", "x={"); got.code != exitNo || !strings.Contains(got.err, "no value as a configuration file has it") {
		t.Errorf("%+v", got)
	}
}

func TestAnEntryIsTheWholeHost(t *testing.T) {
	f, _ := hosting(t)
	c := &console{in: strings.NewReader("\nhardware: 02:00:00:00:00:07\naddress: 198.51.100.12\n"), interactive: true}
	if got := lessorWith(t, c, "hosts", "set", "printer1", "-", "--new", "--against", tipID, "-m", "new paper"); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	if e := f.edits[0]; e.Text != "hardware: 02:00:00:00:00:07\naddress: 198.51.100.12" || !e.Create || e.If != tipID || f.told[0].Comment != "new paper" {
		t.Errorf("told %+v %+v", e, f.told[0])
	}
	for in, want := range map[string]string{"": "is empty", "{hardware: 02:00:00:00:00:08": "host printer1:1:1: error: this map is not closed", "text": "a host is a map of keys", strings.Repeat("x", maxEntry+1): "64 KiB"} {
		if got := lessorWith(t, &console{in: strings.NewReader(in)}, "hosts", "set", "printer1", "-"); got.code != exitNo || strings.Contains(got.err, "go-yaml") || !strings.Contains(got.err, want) {
			t.Errorf("%d octets: %+v", len(in), got)
		}
	}
}

func TestAChangeOfAHostAsksWhereItNeedsAYes(t *testing.T) {
	f, _ := hosting(t)
	f.needs = []error{&node.ConfirmError{Why: []string{"198.51.100.60 is leased to 02:00:00:00:00:01 until 13:00"}}}
	c := &console{in: strings.NewReader("n\n"), interactive: true}
	if got := lessorWith(t, c, "hosts", "set", "printer1", "--address", "198.51.100.60"); got.code != exitNo || !strings.Contains(got.err, "leased to 02:00:00:00:00:01") || !strings.Contains(got.err, "nothing was changed") {
		t.Errorf("%+v", got)
	}
	f.needs = []error{&node.ConfirmError{Why: []string{"198.51.100.60 is leased"}}}
	c = &console{in: strings.NewReader("yes\n"), interactive: true}
	if got := lessorWith(t, c, "hosts", "remove", "printer1"); got.code != exitDone || len(f.removed) != 2 || !f.told[len(f.told)-1].Yes {
		t.Errorf("%+v, removed %v", got, f.removed)
	}
	f.needs = []error{&node.ConfirmError{Why: []string{"198.51.100.60 is leased"}}}
	if got := lessor(t, "hosts", "remove", "printer1", "--against", "0123456", "--json"); got.code != exitNo || !strings.Contains(got.out, `"confirm"`) || f.removed[2] != "printer1@0123456" {
		t.Errorf("%+v, removed %v", got, f.removed)
	}
}

func TestALeaseIsGivenUpOnlyByWhoIsSure(t *testing.T) {
	f, _ := hosting(t)
	c := &console{in: strings.NewReader("\n"), interactive: true}
	got := lessorWith(t, c, "release", "198.51.100.50")
	if got.code != exitNo || len(f.released) > 0 || !strings.Contains(got.err, "The client is not told") || !strings.Contains(got.err, "02:00:00:00:00:07 (phone-1)") || !strings.Contains(got.err, "nothing was done") {
		t.Errorf("%+v", got)
	}
	c = &console{in: strings.NewReader("y\n"), interactive: true}
	got = lessorWith(t, c, "release", "198.51.100.50", "--reason", " scrapped ")
	if got.code != exitDone || len(f.released) != 1 || f.released[0].Reason != "scrapped" || !strings.Contains(got.out, "The client was not told") {
		t.Errorf("%+v %+v", got, f.released)
	}
	if got := lessorWith(t, &console{in: strings.NewReader(""), interactive: true}, "release", "198.51.100.50", "-y", "--json"); got.code != exitDone || got.err != "" || !strings.HasPrefix(got.out, `{"address":"198.51.100.50"`) {
		t.Errorf("%+v", got)
	}
	for _, args := range []string{"release nowhere", "release 198.51.100.50 --reason " + strings.Repeat("x", 161)} {
		if got := lessor(t, strings.Fields(args)...); got.code != exitUsage {
			t.Errorf("%s: %+v", args, got)
		}
	}
	f.refuses = &node.RefusedError{Why: "nobody has 198.51.100.99", Remedy: "lessor leases --state active shows who has which address"}
	if got := lessor(t, "release", "198.51.100.99"); got.code != exitNo || !strings.Contains(got.err, "nobody has 198.51.100.99") || !strings.Contains(got.err, "lessor leases --state active") {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsAskedReadsWell(t *testing.T) {
	f, _ := hosting(t)
	for _, args := range []string{"pools", "pools --trend", "partners", "timeline", "rates", "map 198.51.100.48/28", "history 198.51.100.50", "leases --search ge-0"} {
		got := lessor(t, strings.Fields(args)...)
		name := strings.ReplaceAll(strings.NewReplacer(" --", "-", ".", "-", "/", "-").Replace(args), " ", "-")
		if got.code != exitDone || got.err != "" || strings.Contains(got.out, "\x1b") {
			t.Errorf("lessor %s: %+v", args, got)
		}
		golden(t, "asked-"+name+".txt", got.out)
		for _, width := range []int{40, 60, 80} {
			got := lessorWith(t, onTerminal(width, 24), strings.Fields(args)...)
			for line := range strings.Lines(got.out) {
				if columns(strings.TrimSuffix(line, "\n")) > width && !strings.HasPrefix(strings.TrimSpace(line), "(no room here for") {
					t.Errorf("lessor %s on %d columns: %q", args, width, line)
				}
			}
		}
		if got := lessor(t, append(strings.Fields(args), "--json")...); got.code != exitDone || !json.Valid([]byte(strings.Split(got.out, "\n")[0])) {
			t.Errorf("lessor %s --json: %+v", args, got)
		}
	}
	blocks := node.Map{Prefix: prefix("10.20.0.0/16"), Cell: 24, Counts: node.CellCounts{Size: 65536, Active: 300, Free: 700, Outside: 64536}}
	for i := range 256 {
		b := node.BlockCell{Prefix: prefix(fmt.Sprintf("10.20.%d.0/24", i)), CellCounts: node.CellCounts{Size: 256, Outside: 256}}
		if i < 10 {
			b.CellCounts = node.CellCounts{Size: 256, Active: uint64(i * 25), Free: 256 - uint64(i*25)}
		}
		blocks.Blocks = append(blocks.Blocks, b)
	}
	f.drawn = blocks
	golden(t, "asked-map-blocks.txt", lessor(t, "map", "10.20.0.0/16").out)
	if got := lessor(t, "pools", "--network", "flor1"); got.code != exitNo || !strings.Contains(got.err, "did you mean floor1?") {
		t.Errorf("%+v", got)
	}
	if got := lessor(t, "history", "198.51.100.77", "--client"); got.code != exitNo || !strings.Contains(got.err, "there is no record") {
		t.Errorf("%+v", got)
	}
	for _, args := range []string{"map 198.51.100.0", "map 2001:db8::/64", "history x", "history 198.51.100.50 -n 0", "rates --span hours", "leases --csv --json", "leases --limit=-1", "leases --after x", "events --after x"} {
		if got := lessor(t, strings.Fields(args)...); got.code != exitUsage {
			t.Errorf("lessor %s: %+v", args, got)
		}
	}
}

// What a pool is about to do is said whole, also where there is little room.
func TestATrendIsSaidWhole(t *testing.T) {
	f, _ := hosting(t)
	const says = "nothing free in about 3 h at this rate"
	for i := range f.trends {
		f.trends[i].Words, f.trends[i].Used = says, slices.Repeat([]uint64{0, f.trends[i].Size}, 30)
	}
	for _, width := range []int{60, 80, 100, 200} {
		got := lessorWith(t, onTerminal(width, 24), "pools", "--trend")
		var words []string
		for line := range strings.Lines(got.out) {
			if columns(strings.TrimSuffix(line, "\n")) > width {
				t.Errorf("on %d columns: %q", width, line)
			}
			words = append(words, strings.Fields(line)...)
		}
		for word := range strings.FieldsSeq(says) {
			if n := len(slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w != word })); n < len(f.trends) {
				t.Errorf("on %d columns %q is said %d times of %d pools:\n%s", width, word, n, len(f.trends), got.out)
			}
		}
		if strings.Contains(got.out, "…") {
			t.Errorf("on %d columns something is cut:\n%s", width, got.out)
		}
	}
}

func TestLeasesAreFoundInPartsAndAsCSV(t *testing.T) {
	f, _ := hosting(t)
	if got := lessor(t, "leases", "--search", "phone", "--after", "198.51.100.9", "-n", "7", "--state", "active", "--json"); got.code != exitDone || strings.Count(got.out, "\n") != 2 ||
		f.query.Search != "phone" || f.query.After != addr("198.51.100.9") || f.query.Limit != 7 || f.query.State == 0 {
		t.Errorf("%+v, asked for %+v", got, f.query)
	}
	got := lessor(t, "leases", "--csv")
	if lines := strings.Split(got.out, "\n"); got.code != exitDone || !strings.HasPrefix(got.out, "address,") || len(lines) != 4 || !strings.Contains(got.out, ",'=cmd|x,") {
		t.Errorf("%+v", got)
	}
	if got := lessor(t, "leases", "--search", "!"); got.code != exitNo || !strings.Contains(got.err, "that is not searched for") {
		t.Errorf("%+v", got)
	}
	if got := lessor(t, "events", "--after", "1764000000000-1", "--count", "1", "--json"); got.code != exitDone || !strings.Contains(got.out, `"id":"1764000000000-2"`) {
		t.Errorf("%+v", got)
	}
}
