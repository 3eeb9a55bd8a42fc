package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// aPartner is a relationship that is well.
var aPartner = node.PartnerStatus{
	Name: "campus", Partner: "east", Protocol: "lessor", Role: "primary", State: "NORMAL", Cause: "both know what the other does",
	PartnerState: "NORMAL", Since: minutes(-90), PartnerSince: minutes(-90), MCLT: 3600, Unacked: 3, InFlight: 2, Connected: true, Skew: 0.24, Uncertain: 0.01,
	Listen: netip.MustParseAddrPort("10.9.0.1:647"), KeysEnd: minutes(200000),
}

// aTroubled is one with whatever can be said of one.
func aTroubled() node.PartnerStatus {
	p := aPartner
	p.State, p.Cause, p.PartnerState, p.Connected = "PARTNER-DOWN", "the operator's word: the rack\x1b[2J burnt", "COMMUNICATIONS-INTERRUPTED", false
	p.Waiting, p.Trouble = "waiting for nobody", "connecting to 10.9.0.2:647: connection refused: nothing listens there; is its server running? A second sentence makes it long enough for two lines"
	p.OwnShareFrom, p.PartnerShareFrom, p.LargestMCLT = minutes(5), minutes(61), 7200
	p.PartnerSilent, p.Differs, p.Rejected, p.Ignored = true, []string{"enterprise.options.domain-name (a here, b there)", "hosts.a (only here)"}, 2, 1
	p.Disagree = true
	p.KeysWarning = "the certificate ends on 2026-11-30, in 8 days: renew it"
	p.Conflicts = []node.BindingConflictStatus{{Address: addr("198.51.100.50"), Kept: "02:00:00:00:00:07", Lost: "client 01:02", Cause: "both servers gave it while they could not hear each other"}}
	p.RefusedUpdates = []node.RefusedUpdate{{Time: minutes(-3), Address: addr("198.51.100.51"), Reason: 3, Cause: "the time in it is over"}}
	p.RefusedConnections = []node.RefusedConnection{
		{Reason: "stranger", Remedy: "if a member connects from there, write that address as its peer", Count: 41, Last: minutes(-1), Detail: "192.0.2.9\x1b]0;x\a connected"},
		{Reason: "garbage", Remedy: "find it, and point it elsewhere", Count: 1, Last: minutes(-7000)},
	}
	return p
}

func TestStatusOfAPairReadsWell(t *testing.T) {
	st := aStatus
	st.Alarms, st.ClassesFailed, st.Config.Refused = nil, nil, ""
	st.Pools = append([]node.PoolStatus(nil), st.Pools...)
	st.Pools[1].PartnerFree = 32000
	for name, p := range map[string]node.PartnerStatus{"well": aPartner, "troubled": aTroubled()} {
		st.Partners = []node.PartnerStatus{p}
		socket, _ := answering(t, &fake{status: st})
		golden(t, "status-pair-"+name+".txt", lessor(t, "status", "--socket", socket).out)
		golden(t, "status-pair-"+name+".json", lessor(t, "status", "--socket", socket, "--json").out)
	}
}

func TestAServerThatIsReadyAndWaitsSaysForWhat(t *testing.T) {
	socket, _ := answering(t, &fake{status: node.Status{Server: "east", Ready: true, Waiting: "waiting for west: no contact yet", Store: node.StoreStatus{State: "open"}}})
	if got := lessor(t, "status", "--socket", socket); !strings.HasPrefix(got.out, "east  ready: waiting for west: no contact yet\n") {
		t.Errorf("%s", got.out)
	}
}

func TestPartnerDownSaysWhatFollows(t *testing.T) {
	p := aTroubled()
	f := &fake{status: node.Status{Server: "west", Partners: []node.PartnerStatus{p}}}
	socket, _ := answering(t, f)
	got := lessor(t, "partner-down", "east", "--socket", socket, "--never-served", "--force", "--reason", " the rack burnt ")
	golden(t, "partner-down.txt", got.out)
	if got.code != exitDone || len(f.down) != 1 || f.down[0] != (node.PartnerDownRequest{Partner: "east", NeverServed: true, Force: true, Reason: "the rack burnt"}) {
		t.Errorf("%+v %+v", got, f.down)
	}
	f.status.Partners[0].OwnShareFrom, f.status.Partners[0].PartnerShareFrom = node.Instant{}, minutes(-1)
	if got := lessor(t, "partner-down", "east", "--socket", socket); !strings.Contains(got.out, "east's addresses are given to new clients, too.") || strings.Contains(got.out, "own share") {
		t.Errorf("%+v", got)
	}
	var back node.PartnerStatus
	if got := lessor(t, "partner-down", "east", "--socket", socket, "--json"); json.Unmarshal([]byte(got.out), &back) != nil || back.State != "PARTNER-DOWN" || back.Conflicts[0].Kept != "02:00:00:00:00:07" {
		t.Errorf("%+v", got)
	}
	f.refuses = &node.RefusedError{Why: "partner-down is refused: east answers, so it may be serving", Remedy: "stop it first"}
	if got := lessor(t, "partner-down", "east", "--socket", socket); got.code != exitNo || got.out != "" || got.err != "lessor: partner-down is refused: east answers, so it may be serving\n  → stop it first\n" {
		t.Errorf("%+v", got)
	}
}

func TestWrongUseOfPartnerDown(t *testing.T) {
	f := &fake{}
	socket, _ := answering(t, f)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"partner-down"}, "expected"},
		{[]string{"partner-down", "east", "--force"}, "--force needs --reason"},
		{[]string{"partner-down", "east", "--force", "--reason", "  "}, "--force needs --reason"},
		{[]string{"partner-down", "east", "--reason", strings.Repeat("x", 161)}, "161 octets"},
		{[]string{"partner-down", "east", "--reason", "a\nb"}, "one line"},
		{[]string{"maintenance"}, "expected"},
		{[]string{"maintenance", "maybe"}, "on"},
	} {
		if got := lessor(t, append(c.args, "--socket", socket)...); got.code != exitUsage || !strings.Contains(got.err, c.says) {
			t.Errorf("%q: %+v", c.args, got)
		}
	}
	if len(f.down)+len(f.pauses) > 0 {
		t.Errorf("the server was told %v, %v", f.down, f.pauses)
	}
}

// asked runs a command line at a terminal at which a person answers.
func asked(t *testing.T, socket, answer string, args ...string) result {
	t.Helper()
	return lessorWith(t, &console{in: strings.NewReader(answer), interactive: true}, append(args, "--socket", socket)...)
}

func TestAPersonIsAskedBeforeAPartnerIsDeclaredDown(t *testing.T) {
	p := aPartner
	p.State, p.Connected = "COMMUNICATIONS-INTERRUPTED", false
	f := &fake{status: node.Status{Server: "west", Partners: []node.PartnerStatus{p}}}
	socket, _ := answering(t, f)
	for _, answer := range []string{"", "\n", "n\n", "no\n", "yesterday\n"} {
		got := asked(t, socket, answer, "partner-down", "east")
		if got.code != exitNo || len(f.down) > 0 || !strings.HasSuffix(got.err, "[y/N] nothing was done\n") {
			t.Fatalf("%q: %+v", answer, got)
		}
	}
	for i, answer := range []string{"y\n", " YES \n"} {
		got := asked(t, socket, answer, "partner-down", "east")
		if i == 0 {
			golden(t, "partner-down-asks.txt", got.err)
		}
		if got.code != exitDone || len(f.down) != i+1 {
			t.Errorf("%q: %+v", answer, got)
		}
	}
	asked(t, socket, "", "partner-down", "east", "--yes")
	asked(t, socket, "", "partner-down", "north") // the server refuses it
	f.status.Partners[0].Connected = true
	asked(t, socket, "", "partner-down", "east") // and this
	if len(f.down) != 5 {
		t.Errorf("%+v", f.down)
	}
}

func TestMaintenanceSaysWhatFollows(t *testing.T) {
	f := &fake{status: node.Status{Server: "west", Partners: []node.PartnerStatus{aPartner}}}
	socket, _ := answering(t, f)
	p := &f.status.Partners[0]
	var said bytes.Buffer
	say := func(what string, got result) {
		fmt.Fprintf(&said, "%s: exit code %d\n%s%s\n", what, got.code, got.out, got.err)
	}
	say("on, in NORMAL", lessor(t, "maintenance", "on", "--socket", socket))
	p.Connected = false
	say("on, without a partner", lessor(t, "maintenance", "on", "--socket", socket))
	say("the same, asked", asked(t, socket, "n\n", "maintenance", "on"))
	p.State = "PAUSED"
	say("on again", lessor(t, "maintenance", "on", "--socket", socket))
	say("off", lessor(t, "maintenance", "off", "--socket", socket))
	p.State = "NORMAL"
	say("off again", lessor(t, "maintenance", "off", "--socket", socket))
	f.status.Partners, f.refuses = nil, &node.RefusedError{Why: "this server is alone", Remedy: "name two members"}
	say("alone", lessor(t, "maintenance", "on", "--socket", socket))
	golden(t, "maintenance.txt", said.String())
	if fmt.Sprint(f.pauses) != "[true true true false false true]" {
		t.Errorf("%v", f.pauses)
	}
}

func TestAStatusIsWatched(t *testing.T) {
	f := &fake{status: node.Status{Server: "west", Store: node.StoreStatus{State: "open"}}}
	socket, stop := answering(t, f)
	shown := 0
	c := &console{in: strings.NewReader(""), err: onWrite{func() {}}, now: time.Now, colour: true}
	c.out = onWrite{func() {
		if shown++; shown == 2 {
			go stop()
		}
	}}
	if code := run(t.Context(), c, []string{"status", "--watch", "--socket", socket}); code != exitNoServer || shown < 2 {
		t.Errorf("%d, shown %d times", code, shown)
	}
}
