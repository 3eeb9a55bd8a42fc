package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

var aStatus = node.Status{
	Server: "west", Version: "v1.2.3", Ready: true, Started: minutes(-3000), Uptime: 180000,
	Config: node.ConfigStatus{Head: "0123456789abcdef0123456789abcdef", Since: minutes(-5), File: "/etc/lessor/lessor.yaml",
		Refused: "lessor.yaml:7:3: error: ...\n  7 | x\n    | ^", RefusedAt: minutes(-2)},
	Pools: []node.PoolStatus{
		{Network: "floor1", Subnet: prefix("198.51.100.0/24"), Range: "198.51.100.50-198.51.100.240", Size: 191, Active: 190, Grace: 1},
		{Network: "floor2", Subnet: prefix("10.20.0.0/16"), Range: "10.20.1.0-10.20.255.254", Size: 65279, Active: 1204, Offered: 3, Abandoned: 2, Reserved: 1, Free: 64069},
	},
	Interfaces: []node.InterfaceStatus{
		{Name: "eth0", Up: true, Network: "floor1", Addresses: []netip.Prefix{prefix("198.51.100.1/24"), prefix("203.0.113.1/24")}},
		{Name: "eth1"},
	},
	Alarms: []node.Alarm{{Code: "pool-exhausted", Title: "A pool is exhausted", Severity: node.Critical, Since: minutes(-61),
		Text: "floor1: all 191 addresses of 198.51.100.50-198.51.100.240 are in use", Remedy: "add a range, or shorten the lease"}},
	ClassesFailed: []node.ClassFailure{{Class: "pxe", Line: 59, FileLine: 60, Source: policy.Source{Version: "c0ffeec0ffeec0ffee", File: "/etc/lessor/lessor.yaml"}, Count: 41, Last: minutes(-3), Error: "option client-system (93) of this client: its 3 octets are no list of numbers of two octets each"}},
	Received:      map[string]uint64{"DHCPREQUEST": 12, "DHCPDISCOVER": 1234567, "DHCPINFORM": 0},
	Sent:          map[string]uint64{"DHCPACK": 12},
	Bindings:      map[string]int{"total": 1398, "active": 1394, "abandoned": 2, "released": 0, "expired": 2},
	Store: node.StoreStatus{Dir: "/var/lib/lessor", State: "open", Commits: 99, JournalBytes: 5 << 20, Segments: 1,
		Snapshot: minutes(-600), SnapshotBytes: 1536,
		Recovered: node.RecoveryStatus{DamagedCount: 1, Damaged: []string{"segment 3, offset 4096: 198.51.100.7"}}},
}

func TestStatusReadsWell(t *testing.T) {
	socket, _ := answering(t, &fake{status: aStatus})
	golden(t, "status.txt", lessor(t, "status", "--socket", socket).out)
	golden(t, "status.json", lessor(t, "status", "--socket", socket, "--json").out)
	got := lessorWith(t, &console{colour: true}, "status", "--socket", socket)
	golden(t, "status-colour.txt", strings.ReplaceAll(got.out, "\x1b", `\e`))
}

func TestStatusOfAServerThatWaits(t *testing.T) {
	socket, _ := answering(t, &fake{status: node.Status{Server: "west", Waiting: "for east: no contact yet",
		Store:    node.StoreStatus{State: "full"},
		Partners: []node.PartnerStatus{{Partner: "east", Role: "primary", State: "NORMAL", PartnerState: "NORMAL", Since: minutes(-1), Unacked: 3}}}})
	golden(t, "status-waiting.txt", lessor(t, "status", "--socket", socket).out)
}

func TestLeasesReadWell(t *testing.T) {
	hidden := aRow("198.51.100.50", "abandoned", "", node.Instant{})
	hidden.Hardware, hidden.ClientID, hidden.Network = "", "", ""
	byID := aRow("198.51.100.51", "expired", "\x1b]0;owned\a", minutes(-1))
	byID.Hardware = ""
	socket, _ := answering(t, &fake{rows: []node.LeaseRow{
		aRow("198.51.100.200", "active", "phone-1", minutes(192)), // not in order of address
		hidden, byID,
		aRow("198.51.100.9", "active", strings.Repeat("long", 60), node.At(binding.Forever)),
	}})
	golden(t, "leases.txt", lessor(t, "leases", "--socket", socket).out)
	golden(t, "leases.json", lessor(t, "leases", "--socket", socket, "--json").out)
	if got := lessor(t, "leases", "--socket", socket, "--address", "198.51.100.200"); strings.Count(got.out, "\n") != 2 {
		t.Errorf("--address: got %s", got.out)
	}
	if got := lessor(t, "leases", "--socket", socket, "--address", "10.0.0.0/8"); got.code != exitDone || got.out != "" || got.err != "no leases\n" {
		t.Errorf("no leases: got %+v", got)
	}
}

func TestALeaseReadsWell(t *testing.T) {
	d := node.LeaseDetail{
		LeaseRow: aRow("198.51.100.50", "active", "phone-1", minutes(192)), Changed: minutes(-90), Cause: "granted",
		Facts: &node.LeaseFacts{Link: "floor1", GIAddr: "10.20.0.1", Truncated: true, Options: []node.SaidOption{
			{Name: "host-name", Code: 12, Value: "phone-1"}, {Name: "vendor-class-identifier", Code: 60, Value: "x", Text: `Phone\x1b 7`},
		}},
		Told: true, Lifetime: 14400, NextServer: "10.9.0.1", BootFileName: "pxe.0",
		Options: []node.ToldOption{
			{SaidOption: node.SaidOption{Name: "routers", Code: 3, Value: []any{"198.51.100.1"}, Text: "198.51.100.1"}, Layer: "subnet", Object: "198.51.100.0/24", Line: 12},
			{SaidOption: node.SaidOption{Name: "subnet-mask", Code: 1, Value: "255.255.255.0"}, Layer: "subnet", Object: "198.51.100.0/24", Rule: "derived"},
		},
		Parameters: []node.ToldParameter{{Name: "lifetime", Layer: "enterprise", Line: 3, Rule: "set"}, {Name: "next-server", Layer: "server", Object: "west", Line: 9}},
		History:    []node.Happening{{Time: minutes(-9000), State: "released", Client: "02:00:00:00:00:08", Cause: "released by its client"}},
	}
	d.Options = append(d.Options,
		node.ToldOption{SaidOption: node.SaidOption{Name: "domain-name-servers", Code: 6, Value: []any{"10.9.0.53", "10.9.1.53"}, Text: "10.9.0.53, 10.9.1.53"},
			Layer: "host", Object: "printer1", Line: 40, Rule: "append", Parts: []policy.Origin{originOf("host", "printer1", 40, "append"), originOf("enterprise", "", 4, "set")},
			Today: &node.TodayOption{Value: []any{"10.9.0.54"}, Text: "10.9.0.54", Origin: originOf("domain", "corp.example", 33, "set")}, Differs: true},
		node.ToldOption{SaidOption: node.SaidOption{Name: "ntp-servers", Code: 42, Text: "10.9.0.123"}, Layer: "intranet", Object: "lab", Line: 8, Differs: true},
	)
	d.Options[0].Today = &node.TodayOption{Value: []any{"198.51.100.1"}, Text: "198.51.100.1", Origin: originOf("subnet", "198.51.100.0/24", 12, "")}
	d.Options[1].Today = &node.TodayOption{Value: "255.255.255.0", Text: "255.255.255.0", Origin: originOf("host", "printer1", 41, "set")}
	d.Today = &node.LeaseToday{Differs: true, As: "west", ConfigVersion: "c0ffee", Lifetime: 1800, NextServer: "10.9.0.1", ServerHostname: "boot", Result: "beef",
		Parameters: []node.ToldParameter{{Name: "lifetime", Layer: "hardware class", Object: "lab-kit", Line: 30}, {Name: "next-server", Layer: "server", Object: "west", Line: 9}, {Name: "server-hostname", Layer: "enterprise", Line: 2}},
		New:        []node.ToldOption{{SaidOption: node.SaidOption{Name: "time-offset", Code: 2}, Differs: true, Today: &node.TodayOption{Value: 3600, Text: "3600", Origin: originOf("server", "west", 9, "force")}}},
		Notes:      []string{"198.51.100.9 is reserved for the client on another network"},
	}
	d.Source, d.Today.Source = policy.Source{Version: "c0ffeec0ffeec0ffee"}, policy.Source{Version: "decafdecafdecaf", File: "/etc/lessor/lessor.yaml"}
	d.Today.Parameters[0].FileLine = 31
	d.Again = &node.ToldAgain{By: "east", Rule: "as told before"}
	socket, _ := answering(t, &fake{detail: d})
	golden(t, "lease.txt", lessor(t, "lease", "198.51.100.50", "--socket", socket).out)
	golden(t, "lease.json", lessor(t, "lease", "198.51.100.50", "--socket", socket, "--json").out)
	if got := lessor(t, "lease", "198.51.100.51", "--socket", socket); got.code != exitNo || !strings.Contains(got.err, "never leased") {
		t.Errorf("without a record: got %+v", got)
	}
	unknown := node.LeaseDetail{LeaseRow: aRow("10.0.0.2", "active", "", minutes(3)), Today: &node.LeaseToday{NotKnown: "what the client said is not known"}}
	socket, _ = answering(t, &fake{detail: unknown})
	golden(t, "lease-unknown.txt", lessor(t, "lease", "10.0.0.2", "--socket", socket).out)
	socket, _ = answering(t, &fake{detail: node.LeaseDetail{LeaseRow: node.LeaseRow{Address: addr("10.0.0.1"), State: "abandoned"}}})
	golden(t, "lease-bare.txt", lessor(t, "lease", "10.0.0.1", "--socket", socket).out)
}

func TestEventsReadWell(t *testing.T) {
	f := &fake{events: []node.Event{
		{Time: minutes(0), Kind: node.LeaseGranted, Message: "lease granted", Hardware: "02:00:00:00:00:07", Hostname: "phone 1", Address: addr("198.51.100.50"), Network: "floor1", Interface: "eth0", Expires: minutes(60)},
		{Time: minutes(1), Kind: node.PacketDropped, Level: slog.LevelDebug, Message: "packet dropped", Type: "DHCPREQUEST", XID: 0xbeef, Relay: addr("10.20.0.1"), Reason: "other-server", Detail: "options:\n  12 host-name \\x1b[2J\n  55 1,3\n"},
		{Time: minutes(2), Kind: node.ConfigRefused, Level: slog.LevelError, Message: "configuration refused", Reason: "line 7: \"10.0.0\" is not an address"},
		{Time: minutes(3), Kind: node.EventsLost, Level: slog.LevelWarn, Message: "events were left out", Lost: 12},
	}}
	socket, _ := answering(t, f)
	got := lessor(t, "events", "--socket", socket, "--count", "4")
	if got.code != exitDone || got.err != "listening\n" {
		t.Errorf("got %d %s", got.code, got.err)
	}
	golden(t, "events.txt", got.out)
	golden(t, "events.json", lessor(t, "events", "--socket", socket, "--count", "4", "--json").out)
	if got := lessor(t, "events", "--socket", socket, "--for", "30ms"); got.code != exitDone {
		t.Errorf("--for: got %+v", got)
	}
}

func TestEventsOfOneClientHaveItsPackets(t *testing.T) {
	f := &fake{events: []node.Event{{Kind: node.ServerReady}}}
	socket, _ := answering(t, f)
	for args, want := range map[string]bool{"--client 02:00:00:00:00:07": true, "--kind packet-dropped": true, "--packets": true, "--kind nak": false, "": false} {
		lessor(t, append([]string{"events", "--socket", socket, "--count", "1"}, strings.Fields(args)...)...)
		if f.filter.Packets != want {
			t.Errorf("%q: packets %v, want %v", args, f.filter.Packets, want)
		}
	}
}

func TestEventsEndWithTheServer(t *testing.T) {
	f := &fake{}
	socket, stop := answering(t, f)
	c := &console{out: onWrite{func() {}}, err: onWrite{func() { go stop() }}}
	if code := run(t.Context(), c, []string{"events", "--socket", socket}); code != exitNoServer {
		t.Errorf("got %d, want %d", code, exitNoServer)
	}
}

func TestManyLeasesAreSortedInRuns(t *testing.T) {
	f := &fake{}
	for i := range maxSorted + 2 { // descending
		n := maxSorted + 2 - i
		f.rows = append(f.rows, node.LeaseRow{Address: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), State: "active"})
	}
	socket, _ := answering(t, f)
	got := lessor(t, "leases", "--socket", socket)
	if n := strings.Count(got.out, "active"); n != maxSorted+2 || !strings.Contains(got.err, "sorted in runs") {
		t.Errorf("got %d leases, want %d; and said %q", n, maxSorted+2, got.err)
	}
	first, _, _ := strings.Cut(strings.SplitAfterN(got.out, "\n", 2)[1], " ")
	if first != "10.0.0.3" {
		t.Errorf("the first is %s", first)
	}
}

// hostile is what a machine on the link may send as a host name.
func hostile() []string {
	out := []string{"\x1b]0;owned\a", "\x1b[2J\x1b[H", "\u009b31m", "a\r\nfake 10.0.0.1 active", "\x00", "\x7f", "\b\b\b", "\u202egnp.exe",
		"\u2066x\u2069", "\u200b", "\ufeff", "\u2028", "\U000e0041", "\xff\xfe", `"},{"`, `\u001b`, "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "$(reboot)"}
	for r := range rune(0x100) {
		out = append(out, "x"+string(r)+"y", "x"+string([]byte{byte(r)})+"y", fmt.Sprintf("\x1b[%dm", r), "\x1b"+string(r))
	}
	return out
}

func TestNothingFromTheNetworkSteersATerminal(t *testing.T) {
	f := &fake{status: node.Status{Server: "west", Received: map[string]uint64{}, Store: node.StoreStatus{State: "open"}}}
	for _, s := range hostile() {
		f.rows = append(f.rows, aRow("10.0.0.1", s, s, minutes(1)))
		f.events = append(f.events, node.Event{Kind: node.LeaseGranted, Message: s, Hostname: s, Network: s, Reason: s, Detail: s})
		f.status.Alarms = append(f.status.Alarms, node.Alarm{Title: s, Text: s, Code: s, Remedy: s, Severity: node.Severity("warning")})
		f.status.Received[s] = 1
		f.status.ClassesFailed = append(f.status.ClassesFailed, node.ClassFailure{Class: s, Error: s})
		f.detail.Options = append(f.detail.Options, node.ToldOption{SaidOption: node.SaidOption{Name: s, Value: s}, Object: s})
		f.detail.Options = append(f.detail.Options, node.ToldOption{SaidOption: node.SaidOption{Name: s, Text: s}, Layer: s, Rule: s})
	}
	f.detail.Today = &node.LeaseToday{NextServer: hostile()[0], BootFileName: hostile()[3], Notes: hostile()}
	for i, s := range hostile() {
		f.detail.Options[i].Today = &node.TodayOption{Value: s, Text: s, Origin: originOf(s, s, 1, s), Parts: []policy.Origin{originOf(s, s, 1, s), {}}}
		f.detail.Options[i].Differs, f.detail.Options[i].Parts = i%2 == 0, f.detail.Options[i].Today.Parts
		f.detail.Today.New = append(f.detail.Today.New, f.detail.Options[i])
	}
	f.detail.LeaseRow, f.detail.Told = aRow("10.0.0.1", "active", hostile()[0], minutes(1)), true
	f.detail.Facts = &node.LeaseFacts{Link: hostile()[1], GIAddr: hostile()[1], Options: []node.SaidOption{{Name: hostile()[2]}}}
	socket, _ := answering(t, f)
	count := fmt.Sprint(len(f.events))
	for _, args := range []string{"status", "leases", "lease 10.0.0.1", "events --count " + count} {
		for _, format := range []string{"", " --json"} {
			got := lessor(t, strings.Fields(args+format+" --socket "+socket)...)
			if got.code != exitDone {
				t.Fatalf("%s: %s", args, got.err)
			}
			for line := range strings.Lines(got.out) {
				for _, r := range strings.TrimSuffix(line, "\n") {
					if api.Steers(r) {
						t.Errorf("%s%s: %U in %q", args, format, r, line)
					}
				}
			}
		}
	}
	if got := lessor(t, "leases", "--socket", socket); strings.Count(got.out, "\n") != len(f.rows)+1 {
		t.Errorf("%d rows became %d lines", len(f.rows), strings.Count(got.out, "\n"))
	}
}

func TestSpans(t *testing.T) {
	for secs, want := range map[uint32]string{0: "0s", 59: "59s", 60: "1m", 61: "1m1s", 3600: "1h", 3661: "1h1m", 86400: "1d", 90061: "1d1h", 0xffffffff: "infinite"} {
		if got := lifetime(secs); got != want {
			t.Errorf("%d: got %s, want %s", secs, got, want)
		}
	}
	if got := when(minutes(0), noon); got != "2026-11-22T12:00:00Z (now)" {
		t.Error(got)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range hostile()[:20] {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{printable(s), fromNetwork(s), shown(s), short(fromNetwork(s)), quoted(fromNetwork(s))} {
			for _, r := range got {
				if api.Steers(r) {
					t.Errorf("%q became %q with %U", s, got, r)
				}
			}
		}
	})
}
