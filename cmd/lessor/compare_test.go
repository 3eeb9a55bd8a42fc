package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// exampleOf is a client in a report.
func exampleOf(a string, differs ...node.Difference) node.ClientExample {
	return node.ClientExample{Address: addr(a), Hardware: "02:00:00:00:00:07", Hostname: "phone\x1b", Network: "floor1", Home: "west", Differs: differs}
}

var aDifference = node.Difference{Name: "routers", Has: []any{"198.51.100.1"}, HasText: "198.51.100.1", WouldHave: []any{"198.51.100.2"}, WouldText: "198.51.100.2", Why: "subnet 198.51.100.0/24, line 12"}

func aReport() *node.WhatIfReport {
	r := &node.WhatIfReport{
		Version: tipID, Head: headID, Seconds: 3.14, Total: 1000000, Unknown: 3, Changed: 129, StaleNow: 12, ByChange: 120,
		Options: []node.ChangedPart{
			{Name: "routers", Clients: 120, Classes: []node.ClassCount{{Class: "phones", Clients: 100}, {Clients: 20}}, Examples: []node.ClientExample{exampleOf("198.51.100.50", aDifference)}},
			{Name: "boot-file-name", Clients: 9, Classes: []node.ClassCount{{Class: "pxe", Clients: 9}}},
			{Name: "vendor\x1b", Clients: 1, Examples: []node.ClientExample{exampleOf("198.51.100.51", node.Difference{Name: "vendor\x1b", HasText: strings.Repeat("ab:", 60)})}},
		},
		Classes:      []node.ClassCount{{Class: "phones", Clients: 100}, {Clients: 29}},
		Lost:         41,
		LostBy:       []node.LostReason{{Why: "no subnet", Clients: 40, Examples: []node.ClientExample{exampleOf("203.0.113.9")}}, {Why: "reserved for another", Clients: 1}},
		Pools:        []node.PoolWhatIf{{Network: "floor1", Subnet: "198.51.100.0/24", Range: "198.51.100.50-198.51.100.99", Size: 50, Active: 45, Moving: 40, Missing: 35}, {Network: "floor1", Range: "203.0.113.50-203.0.113.99", Active: 40, Gone: true}},
		Reservations: []node.ReservationCollision{{Address: addr("198.51.100.60"), Host: "printer\u202e", Holder: exampleOf("198.51.100.60"), Until: minutes(60)}}, ReservationCount: 1,
		Dropped: []node.DroppedSubnet{{Network: "floor1", Subnet: "203.0.113.0/24", Clients: 40}},
		Emptied: []string{"floor2\x1b"},
		Notes:   []string{"server: is this machine's own, and was not looked at"},
	}
	for i := range 7 {
		r.Options[0].Examples = append(r.Options[0].Examples, exampleOf(fmt.Sprintf("198.51.100.%d", 70+i), aDifference))
	}
	return r
}

func TestWhatIfReadsWellAndChangesNothing(t *testing.T) {
	k := aKeeping()
	k.whatIf, k.steps = aReport(), 3
	socket := keepingAt(t, k)
	file := write(t, t.TempDir(), "campus.yaml", "version: "+headID+"\nenterprise: {}\n")
	got := lessor(t, "config", "apply", file, "--what-if", "--socket", socket)
	golden(t, "what-if.txt", got.out)
	if got.code != exitDone || got.err != "" {
		t.Errorf("%+v", got)
	}
	var r node.WhatIfReport
	if got := lessor(t, "config", "rollback", "0123456", "--what-if", "--json", "--socket", socket); json.Unmarshal([]byte(got.out), &r) != nil || r.Changed != 129 || k.named[1] != "version 0123456789ab" {
		t.Errorf("%+v, asked for %q", got, k.named)
	}
	k.whatIf = &node.WhatIfReport{Version: tipID, Head: headID, Total: 7}
	golden(t, "what-if-nothing.txt", lessor(t, "config", "apply", file, "--what-if", "--socket", socket).out)
	if got := asked(t, socket, "", "config", "apply", file, "--what-if"); strings.Contains(got.err, "\r") { // it is not yet long
		t.Errorf("%q", got.err)
	}
	bad := write(t, t.TempDir(), "bad.yaml", "enterprice: {}\n")
	if got := lessor(t, "config", "apply", bad, "--what-if", "--socket", socket); got.code != exitNo || !strings.Contains(got.err, "bad.yaml:1:1: error") || !strings.Contains(got.err, "^") {
		t.Errorf("%+v", got)
	}
	if len(k.told) > 0 {
		t.Errorf("the server was told %+v", k.told)
	}
}

func TestTheStaleLedgerReadsWell(t *testing.T) {
	k := aKeeping()
	one := node.StaleRow{Address: addr("198.51.100.50"), Hardware: "02:00:00:00:00:07", Hostname: "phone-1", Since: minutes(-61), Home: "west", HasVersion: otherID, WouldVersion: headID, Cause: "configuration changed",
		Differs: []node.Difference{aDifference, {Name: "domain-name", HasText: "\x1b[2J"}, {Name: "lifetime", Has: 3600, WouldHave: 7200}}}
	two := node.StaleRow{Address: addr("198.51.100.9"), ClientID: "01:02:03", Cause: "told older while apart"}
	k.stale = []node.StaleRow{one, two}
	k.status.Stale = &node.StaleSummary{Clients: 2, ByCause: map[string]int{one.Cause: 1, two.Cause: 1}, Unknown: 3, Sweeping: true, Swept: 10, Total: 129, SinceOldest: minutes(-61)}
	socket := keepingAt(t, k)
	golden(t, "stale.txt", lessor(t, "stale", "--socket", socket).out)
	got := lessor(t, "stale", "--socket", socket, "--cause", "told", "--client", "02:00:00:00:00:07", "--address", "198.51.100.0/24", "--limit", "7")
	if !strings.HasSuffix(got.out, "\n1 client holds something else than it would get: 1 told older while apart; 2 in all; of 3 more it is not known what they were told\nThe configuration was changed a moment ago: 10 of 129 leases have been looked at since.\n") {
		t.Errorf("%s", got.out)
	}
	if want := (node.StaleFilter{Client: node.ParseClient("02:00:00:00:00:07"), Address: prefix("198.51.100.0/24"), Cause: "told older while apart", Limit: 7}); !reflect.DeepEqual(k.filter, want) {
		t.Errorf("asked for %+v", k.filter)
	}
	if got := lessorWith(t, onTerminal(108, 24), "stale", "--socket", socket).out; strings.Contains(got, "(subnet") || !strings.Contains(got, "no room here for where a value comes from") || !strings.Contains(got, "198.51.100.2") {
		t.Errorf("where there is little room:\n%s", got)
	}
	got = lessor(t, "stale", "--socket", socket, "--json")
	var row node.StaleRow
	if json.NewDecoder(strings.NewReader(got.out)).Decode(&row) != nil || row.Address != one.Address || len(row.Differs) != 3 || strings.Count(got.out, "\n") != 2 {
		t.Errorf("%s", got.out)
	}
	k.stale, k.status.Stale = nil, nil
	if got := lessor(t, "stale", "--socket", socket); got.code != exitDone || got.out != "No client holds anything else than it would get\n" {
		t.Errorf("%+v", got)
	}
	for _, args := range [][]string{{"stale", "--converge"}, {"stale", "--converge", "--rate", "10/s"}} {
		if got := lessor(t, append(args, "--socket", socket)...); got.code != exitNo || !strings.Contains(got.err, "yet") || !strings.Contains(got.err, "→") || got.out != "" {
			t.Errorf("%+v", got)
		}
	}
}

func TestManyStaleClientsAreSortedInRuns(t *testing.T) {
	var out, errs bytes.Buffer
	c := &console{out: &out, err: &errs, now: func() time.Time { return noon }}
	err := c.buffered(func(w *bufio.Writer) error {
		l := staleList{console: c, w: w, causes: map[string]int{}}
		a := addr("10.255.255.255")
		for range maxStaleSorted + 3 {
			if err := l.add(node.StaleRow{Address: a, Cause: "x"}); err != nil {
				return err
			}
			a = a.Prev()
		}
		l.write()
		l.summary(nil, true)
		return nil
	})
	if err != nil || strings.Count(out.String(), "ADDRESS") != 2 || strings.Count(errs.String(), "sorted in runs") != 1 || !strings.Contains(out.String(), fmt.Sprint(maxStaleSorted+3)+" clients hold") {
		t.Errorf("%v %s", err, errs.String())
	}
}

func TestDriftReadsWell(t *testing.T) {
	k := aKeeping()
	k.drifted = &node.DriftReport{With: "east", Protocol: "lessor", OurHead: headID, TheirHead: tipID, Seconds: 0.5, Total: 129, Unknown: 1, Clients: 41, NewClients: 7,
		Groups: []node.DriftGroup{
			{Class: "phones", Name: "routers", Because: "heads differ", Clients: 40, Examples: []node.ClientExample{exampleOf("198.51.100.50", aDifference)}},
			{Name: "tftp-server-name", Because: "servers: layers differ", Clients: 1},
		},
		Because: []string{"the two serve by different versions"}, CannotKnow: []string{"1 client of which is not known what it said\x1b"}, Remedy: "lessor config status shows what keeps them apart"}
	socket := keepingAt(t, k)
	golden(t, "drift.txt", lessor(t, "drift", "--with", "east", "--socket", socket).out)
	var r node.DriftReport
	if got := lessor(t, "drift", "--json", "--socket", socket); json.Unmarshal([]byte(got.out), &r) != nil || !reflect.DeepEqual(r.Because, k.drifted.Because) || fmt.Sprint(k.named) != "[east ]" {
		t.Errorf("%+v, asked for %q", got, k.named)
	}
	k.drifted = &node.DriftReport{With: "east", Protocol: "lessor", OurHead: headID, TheirHead: headID, SameHead: true, Total: 129}
	golden(t, "drift-none.txt", lessor(t, "drift", "--socket", socket).out)
	k.drifted = &node.DriftReport{With: "b", Protocol: "isc-dhcpd", OurHead: headID, Total: 129, CannotKnow: []string{"what dhcpd tells its clients does not travel"}}
	golden(t, "drift-isc.txt", lessor(t, "drift", "--socket", socket).out)
}

func TestRehomeSaysWhoseTheLeaseIs(t *testing.T) {
	k := aKeeping()
	k.detail = node.LeaseDetail{LeaseRow: aRow("198.51.100.50", "active", "x", minutes(60))}
	k.detail.Home = "east"
	socket := keepingAt(t, k)
	if got := lessor(t, "rehome", "198.51.100.50", "east", "--socket", socket); got.code != exitDone || got.out != "The home of 198.51.100.50 (02:00:00:00:00:07) is east.\n" || fmt.Sprint(k.named) != "[198.51.100.50 east]" {
		t.Errorf("%+v, %q", got, k.named)
	}
	var d node.LeaseDetail
	if got := lessor(t, "rehome", "198.51.100.50", "east", "--socket", socket, "--json"); json.Unmarshal([]byte(got.out), &d) != nil || d.Home != "east" {
		t.Errorf("%+v", got)
	}
	k.refuses = &node.RefusedError{Why: "the group has no member north", Remedy: "it has west and east"}
	if got := lessor(t, "rehome", "198.51.100.50", "north", "--socket", socket); got.code != exitNo || got.err != "lessor: the group has no member north\n  → it has west and east\n" {
		t.Errorf("%+v", got)
	}
}
