package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// remembering is a fake that knows what was before.
type remembering struct {
	*fake
	node.Historian
	rates  node.Rates
	trends []node.PoolTrend
	kept   []node.Event
}

// EventsAfter gives what happened before, and then what is said.
func (r *remembering) EventsAfter(ctx context.Context, f node.EventFilter, after node.EventID) (<-chan node.Event, error) {
	kept := make(chan node.Event, len(r.kept))
	for _, e := range r.kept {
		if e.ID.Epoch > after.Epoch || e.ID.Number > after.Number {
			kept <- e
		}
	}
	if len(r.kept) == 0 {
		return nil, &node.RequestError{Text: "nothing is kept"}
	}
	context.AfterFunc(ctx, func() { close(kept) })
	return kept, nil
}

func (r *remembering) Rates(context.Context, node.RateSpan) (node.Rates, error) { return r.rates, nil }

func (r *remembering) PoolTrends(context.Context) ([]node.PoolTrend, error) { return r.trends, nil }

// aPair is a server of two that has something to say of everything.
func aPair() *remembering {
	st := aStatus
	st.Partners = []node.PartnerStatus{{
		Partner: "east", Role: "primary", State: "NORMAL", PartnerState: "COMMUNICATIONS-INTERRUPTED", Since: minutes(-180), PartnerSince: minutes(-2),
		Connected: true, Unacked: 3, Skew: -0.04,
	}, {Partner: "far", State: "RECOVER-WAIT", PartnerState: "unknown", Since: minutes(-5), Trouble: "10.9.0.2:647: connection refused"}}
	st.Stale = &node.StaleSummary{Clients: 12}
	st.Config.Group = &node.GroupConfigStatus{Head: "0123", PartnerHead: "4567"}
	r := &remembering{fake: &fake{status: st}, rates: node.Rates{
		Step:     1,
		Received: map[string][]uint32{"DHCPDISCOVER": {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "DHCPREQUEST": {100, 90, 80, 70, 60, 50, 40, 30, 20, 10}},
		Sent:     map[string][]uint32{"DHCPACK": {1, 1}}, Drops: map[string][]uint32{"no-free-address": {0, 0, 0, 0, 4}},
		AnswerP50: []float64{0.4, -1}, AnswerP99: []float64{12.3, -1}, CommitP50: []float64{-1}, CommitP99: []float64{-1},
	}}
	for i, p := range st.Pools {
		t := node.PoolTrend{PoolStatus: p, Verdict: "steady"}
		if i == 1 {
			t.Verdict, t.PerHour, t.EmptyAt = "filling", 120.5, minutes(185)
		}
		r.trends = append(r.trends, t)
	}
	return r
}

var someEvents = []node.Event{
	{Time: minutes(-3), Kind: node.FailoverState, Level: slog.LevelWarn, Message: "this server is in another state", Partner: "east", State: "NORMAL"},
	{Time: minutes(-1), Kind: node.LeaseDeclined, Level: slog.LevelWarn, Message: "somebody uses the address", Hostname: "\x1b]0;owned\a", Address: addr("198.51.100.7")},
	{Time: minutes(0), Kind: node.StoreAlarm, Level: slog.LevelError, Message: "no room"},
}

// seen is the overview of a pair, with some events.
func seen(t *testing.T, r *remembering) *overview {
	t.Helper()
	v := &overview{events: someEvents}
	v.take(news{at: noon, status: r.status, rates: &r.rates, trends: r.trends})
	return v
}

func TestTopReadsWell(t *testing.T) {
	socket, _ := answeringAs(t, aPair())
	golden(t, "top.txt", lessor(t, "top", "--socket", socket, "--once").out)
	v := seen(t, aPair())
	golden(t, "top-40x16.txt", strings.Join(v.frame(&console{}, 40, 16), "\n")+"\n")
	golden(t, "top-80x24.txt", strings.Join(v.frame(&console{}, 80, 24), "\n")+"\n")
	golden(t, "top-colour.txt", strings.ReplaceAll(strings.Join(v.frame(&console{colour: true}, 120, 30), "\n")+"\n", "\x1b", `\e`))
}

// The page has the screen as it is, of 100 columns and 30 lines.
func TestThePageOfTopShowsTheScreen(t *testing.T) {
	const page = "../../docs/top.md"
	r := aPair()
	r.status.Partners = r.status.Partners[:1]
	r.status.Partners[0].PartnerState, r.status.Partners[0].PartnerSince = "NORMAL", minutes(-120)
	r.status.Config.Group.PartnerHead = r.status.Config.Group.Head
	r.rates.Received, r.rates.Sent, r.rates.Drops = anHour()
	r.rates.AnswerP50, r.rates.AnswerP99, r.rates.CommitP50, r.rates.CommitP99 = []float64{0.4}, []float64{12}, []float64{0.3}, []float64{10}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "```text\n")
	shown, after, end := strings.Cut(rest, "```\n")
	if !ok || !end {
		t.Fatalf("%s has no screen", page)
	}
	lines := seen(t, r).frame(&console{}, 100, 30)
	if len(lines) != 30 {
		t.Fatalf("%d lines", len(lines))
	}
	want := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(page, []byte(before+"```text\n"+want+"```\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if shown != want {
		t.Errorf("%s (go test -update writes it) shows\n%s\nand it is\n%s", page, shown, want)
	}
}

// anHour is what came and went in the last minute of a busy morning.
func anHour() (received, sent, dropped map[string][]uint32) {
	received, sent, dropped = map[string][]uint32{}, map[string][]uint32{}, map[string][]uint32{}
	for i := range 60 {
		n := uint32(30 + 20*math.Sin(float64(i)/8))
		received["DHCPREQUEST"], received["DHCPDISCOVER"] = append(received["DHCPREQUEST"], n), append(received["DHCPDISCOVER"], n/8)
		sent["DHCPACK"], sent["DHCPOFFER"] = append(sent["DHCPACK"], n), append(sent["DHCPOFFER"], n/8)
		dropped["no-free-address"] = append(dropped["no-free-address"], uint32(i)/50)
	}
	return received, sent, dropped
}

// What happened before it was begun is shown too, once, in both forms.
func TestTopBeginsWithTheLastEvents(t *testing.T) {
	r := aPair()
	for i, e := range someEvents {
		e.ID = node.EventID{Epoch: 1, Number: uint64(i + 1)}
		r.kept = append(r.kept, e)
	}
	socket, _ := answeringAs(t, r)
	if got := lessor(t, "top", "--socket", socket, "--once"); strings.Count(got.out, "somebody uses the address") != 1 || strings.Contains(got.out, "\x1b") {
		t.Error(got)
	}
	var o overviewJSON
	if got := lessor(t, "top", "--socket", socket, "--once", "--json"); json.Unmarshal([]byte(got.out), &o) != nil || len(o.Events) != len(someEvents) {
		t.Error(got)
	}
}

// A question mark says which keys there are, as far as they fit; any key goes back.
func TestTopSaysItsKeys(t *testing.T) {
	v := seen(t, aPair())
	whole := strings.Join(v.frame(&console{}, 100, 30), "\n")
	for _, k := range keysIn([]byte("?")) {
		v.press(k)
	}
	golden(t, "top-keys.txt", strings.Join(v.frame(&console{}, 60, 20), "\n")+"\n")
	if v.press(keyDown); v.helping || v.from != 0 {
		t.Error("the key went to the pools", v.from)
	}
	if got := strings.Join(v.frame(&console{}, 100, 30), "\n"); got != whole {
		t.Error(got)
	}
	v.press(keyHelp)
	if !v.press(keyQuit) {
		t.Error("q does not end it")
	}
}

func TestTopIsJSONForPrograms(t *testing.T) {
	socket, _ := answeringAs(t, aPair())
	got := lessor(t, "top", "--socket", socket, "--once", "--json")
	var o overviewJSON
	if err := json.Unmarshal([]byte(got.out), &o); err != nil || strings.Count(got.out, "\n") != 1 {
		t.Fatal(err, got)
	}
	if o.Status.Server != "west" || o.Rates == nil || *o.Rates.AnswerP99 != 12.3 || o.Rates.CommitP50 != nil || len(o.Trends) != 1 || o.Trends[0].PerHour != 120.5 {
		t.Errorf("%s", got.out)
	}
	if want := (30 + 5 + 6 + 7 + 8 + 9 + 120.) / 5; math.Abs(o.Rates.Received-want) > 1e-9 {
		t.Errorf("received %v a second, not %v", o.Rates.Received, want)
	}
}

// A server that knows nothing of before is shown all the same.
func TestTopOfAServerWithoutRates(t *testing.T) {
	socket, _ := answering(t, &fake{status: aStatus})
	got := lessor(t, "top", "--socket", socket)
	if got.code != exitDone || !strings.Contains(got.out, "does not say how much comes and goes") || strings.Contains(got.out, "\x1b") {
		t.Error(got)
	}
}

func TestTopWithoutAServerSaysSo(t *testing.T) {
	got := lessor(t, "top", "--socket", t.TempDir()+"/none.sock")
	if got.code != exitNoServer || !strings.Contains(got.err, "no server answers") {
		t.Error(got)
	}
	if got := lessor(t, "top", "--every", "1ms"); got.code != exitUsage || !strings.Contains(got.err, "too often") {
		t.Error(got)
	}
}

// No frame is wider or higher than the terminal, whatever there is to show and however small it is; nothing that came from outside steers it.
func TestAFrameFitsAnyTerminal(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 3_000 {
		v := &overview{}
		v.take(news{at: noon, status: anyStatus(rng), rates: anyRates(rng), trends: nil})
		for range rng.IntN(5) {
			v.happened(node.Event{Kind: node.LeaseDeclined, Message: anyText(rng), Hostname: anyText(rng), Time: minutes(0)})
		}
		if rng.IntN(3) == 0 {
			v.take(news{at: noon.Add(time.Minute), err: errors.New(anyText(rng))})
		}
		for range rng.IntN(4) {
			v.press(key(1 + rng.IntN(int(keyHelp))))
		}
		width, height := 1+rng.IntN(150), 1+rng.IntN(60)
		lines := v.frame(&console{}, width, height)
		if len(lines) > height {
			t.Fatalf("%d lines on a terminal of %d", len(lines), height)
		}
		for _, l := range lines {
			if n := columns(l); n > width {
				t.Fatalf("a line of %d columns on a terminal of %d: %q", n, width, l)
			}
			if i := strings.IndexFunc(l, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				t.Fatalf("a line has something that a terminal does not only show: %q", l)
			}
		}
	}
}

func anyText(rng *rand.Rand) string {
	words := []string{"phone", "\x1b[2J", "漢字漢字", "\n", "\a", "\xff", "a\u202eb", "x y", strings.Repeat("long", 40), `\`, "é"}
	var b strings.Builder
	for range rng.IntN(4) {
		b.WriteString(words[rng.IntN(len(words))])
	}
	return b.String()
}

func anyStatus(rng *rand.Rand) node.Status {
	st := node.Status{Server: "west", Version: anyText(rng), Ready: rng.IntN(2) == 0, Waiting: anyText(rng), Config: node.ConfigStatus{Head: anyText(rng)}}
	for range rng.IntN(3) {
		st.Partners = append(st.Partners, node.PartnerStatus{Partner: "east", State: anyText(rng), Connected: rng.IntN(2) == 0, Trouble: anyText(rng)})
	}
	for range rng.IntN(80) {
		p := node.PoolStatus{Network: anyText(rng), Range: anyText(rng), Size: rng.Uint64(), Free: rng.Uint64(), PartnerFree: rng.Uint64() >> uint(rng.IntN(64))}
		if rng.IntN(4) == 0 {
			p.Size = 0
		}
		st.Pools = append(st.Pools, p)
	}
	for range rng.IntN(20) {
		st.Alarms = append(st.Alarms, node.Alarm{Code: anyText(rng), Title: anyText(rng), Severity: node.Critical, Text: anyText(rng)})
	}
	return st
}

func anyRates(rng *rand.Rand) *node.Rates {
	r := &node.Rates{Step: 1, Received: map[string][]uint32{}}
	for i := range rng.IntN(5) {
		l := make([]uint32, rng.IntN(300))
		for k := range l {
			l[k] = rng.Uint32() >> uint(rng.IntN(32))
		}
		r.Received[fmt.Sprint(i, anyText(rng))] = l
	}
	r.AnswerP50 = []float64{rng.Float64() * 1e6}
	r.AnswerP99 = r.AnswerP50
	return r
}

func TestKeysGoThroughThePools(t *testing.T) {
	v := &overview{}
	st := node.Status{}
	for i := range 100 {
		st.Pools = append(st.Pools, node.PoolStatus{Network: fmt.Sprintf("n%02d", i), Size: 100, Free: uint64(i)})
	}
	v.take(news{at: noon, status: st})
	first := func() string {
		for _, l := range v.frame(&console{}, 80, 24) {
			if strings.HasPrefix(l, "  n") && strings.Contains(l, "free") {
				return strings.Fields(l)[0]
			}
		}
		return ""
	}
	for i, step := range []struct {
		keys, want string
	}{{"", "n00"}, {"\x1b[B", "n01"}, {"jj", "n03"}, {"\x1b[A", "n02"}, {"kkkkkk", "n00"}, {"\x1b[6~", "page"}, {"\x1b[5~", "n00"}, {"G", "end"}, {"\x1b[H", "n00"}} {
		for _, k := range keysIn([]byte(step.keys)) {
			if v.press(k) {
				t.Fatal("it ended")
			}
		}
		want := step.want
		switch want {
		case "page":
			want = fmt.Sprintf("n%02d", v.room-1)
		case "end":
			want = fmt.Sprintf("n%02d", 100-v.room)
		}
		if got := first(); got != want || v.room < 5 {
			t.Errorf("step %d: %s, not %s; %d pools are shown", i, got, want, v.room)
		}
	}
	if !v.press(keyQuit) {
		t.Error("q does not end it")
	}
}

func TestKeysAreRead(t *testing.T) {
	for in, want := range map[string]string{
		"q": "[1]", "\x1b[A\x1bOB": "[2 3]", "x\x1b[1;5Cq": "[1]", "\x1b": "[]", "\x1b[": "[]", "\x1b[99999": "[]", "\x1b[5~\x1b[6~\x1b[F": "[4 5 7]", "é\x00": "[]",
	} {
		if got := fmt.Sprint(keysIn([]byte(in))); got != want {
			t.Errorf("%q: %s, not %s", in, got, want)
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte("\x1b[A\x1b[1;5Cq\x1b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := len(keysIn(b)); n > len(b) {
			t.Errorf("%d keys in %d octets", n, len(b))
		}
	})
}

func TestSparklinesAndBars(t *testing.T) {
	if got := sparkline([]float64{9, 9, 0, 1, 4, 8}, 4); got != "▁▂▅█" {
		t.Error(got)
	}
	if got := sparkline(nil, 4); got != "" {
		t.Error(got)
	}
	if got := sparkline([]float64{0, 0}, 4); got != "▁▁" {
		t.Error(got)
	}
	for part, want := range map[float64]string{0: "····", 1: "████", 0.5: "██··", 0.0001: "▏···", 2: "████", -1: "····", 0.99: "████"} {
		if got := bar(part, 4); got != want {
			t.Errorf("%v: %s, not %s", part, got, want)
		}
	}
}

// Both servers' free addresses count, also where there are more than a number holds.
func TestHowFullAPoolIs(t *testing.T) {
	for _, p := range []struct {
		p    node.PoolStatus
		used float64
		free uint64
	}{
		{node.PoolStatus{Size: 100, Free: 20, PartnerFree: 30}, 0.5, 50}, {node.PoolStatus{}, 0, 0},
		{node.PoolStatus{Size: math.MaxUint64, Free: math.MaxUint64, PartnerFree: 5}, 0, math.MaxUint64},
	} {
		if got, free := usedOf(p.p), freeOf(p.p); got != p.used || free != p.free {
			t.Errorf("%+v: %v, %d", p.p, got, free)
		}
	}
}

func TestARateThatIsShorterEndsNowToo(t *testing.T) {
	if got := fmt.Sprint(sumOf(map[string][]uint32{"a": {1, 2, 3}, "b": {10}})); got != "[1 2 13]" {
		t.Error(got)
	}
}

func TestTheNewestEventsAreKept(t *testing.T) {
	v := &overview{}
	for i := range keptEvents + 5 {
		v.happened(node.Event{XID: uint32(i)})
	}
	if len(v.events) != keptEvents || v.events[0].XID != 5 || v.events[keptEvents-1].XID != keptEvents+4 {
		t.Error(len(v.events), v.events[0].XID)
	}
}
