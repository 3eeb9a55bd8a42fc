package web

import (
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
)

func TestTimesAreSaidInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "now", 3 * time.Second: "3 s ago", 90 * time.Second: "1 min ago", 3*time.Hour + 20*time.Minute: "3 h 20 min ago", 26 * time.Hour: "1 day 2 h ago", 400 * 24 * time.Hour: "400 days ago",
		-2 * time.Hour: "in 2 h", -time.Minute: "in 1 min",
	} {
		if got := distance(noon, noon.Add(-d)); got != want {
			t.Errorf("%v: %q, not %q", d, got, want)
		}
	}
	if got := moment(noon, node.At(binding.Forever)); got != "never" {
		t.Errorf("a lease without end ends %s", got)
	}
	if got := moment(noon, node.Instant{}); got != "–" {
		t.Errorf("no time is %s", got)
	}
	if got := moment(noon, before(time.Hour)); !strings.Contains(string(got), `datetime="2026-11-23T11:00:00Z"`) {
		t.Errorf("got %s", got)
	}
}

func TestCountsAreSaidInWords(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1\u202f000", 12345678: "12\u202f345\u202f678", 1<<64 - 1: "18\u202f446\u202f744\u202f073\u202f709\u202f551\u202f615"} {
		if got := number(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

// Every state of a server is explained, and graded.
func TestEveryServerStateHasWords(t *testing.T) {
	for s := failover.Startup; s.String() != "unknown"; s++ {
		if m := serverState(s.String()); m.Text == "its state is not known" || m.Grade == "" {
			t.Errorf("%v has no words", s)
		}
	}
	if m := serverState(""); m.Name != "unknown" {
		t.Errorf("no state is %q", m.Name)
	}
}

func TestTheVerdictSaysTheWorstFirst(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*node.Status)
		grade  string
		says   string
	}{
		"well":                {func(s *node.Status) { s.Alarms = nil }, "good", "The group is well: west and east serve together"},
		"one warning":         {func(*node.Status) {}, "look", "1 thing needs a person"},
		"critical before all": {func(s *node.Status) { s.Alarms[0].Severity = node.Critical; s.Partners[0].State = "PARTNER-DOWN" }, "bad", "Some clients are not served"},
		"not heard":           {func(s *node.Status) { s.Partners[0].State = "COMMUNICATIONS-INTERRUPTED" }, "look", "west does not hear east"},
		"paused there": {func(s *node.Status) {
			s.Partners[0].State, s.Partners[0].PartnerState = "COMMUNICATIONS-INTERRUPTED", "PAUSED"
		}, "look", "east was stopped by its operator"},
		"paused here": {func(s *node.Status) { s.Partners[0].State = "PAUSED" }, "look", "east answers its clients"},
		"alone":       {func(s *node.Status) { s.Partners[0].State = "PARTNER-DOWN" }, "look", "west serves alone"},
		"recovers":    {func(s *node.Status) { s.Partners[0].State = "RECOVER" }, "wait", "asks its partner"},
		"starting":    {func(s *node.Status) { s.Ready = false }, "wait", "west is starting"},
		"no partner":  {func(s *node.Status) { s.Partners, s.Alarms = nil, nil }, "good", "All is well: west serves"},
		"waiting":     {func(s *node.Status) { s.Alarms, s.Waiting = nil, "no contact yet" }, "wait", "no contact yet"},
	} {
		x := newExample()
		c.change(&x.status)
		if v := judge(&x.status); v.Grade != c.grade || !strings.Contains(v.Sentence, c.says) {
			t.Errorf("%s: %s, %q", name, v.Grade, v.Sentence)
		}
	}
}

func TestTheTimeLineIsWhole(t *testing.T) {
	x := newExample()
	for _, l := range lanes(&x.line, noon.Add(-time.Hour), noon) {
		sum := 0.0
		for _, p := range l.Pieces {
			sum += p.Width
			if p.X < 0 || p.X+p.Width > 100.5 {
				t.Errorf("%s: a piece from %v of width %v", l.Member, p.X, p.Width)
			}
		}
		if sum < 99 || sum > 101 {
			t.Errorf("%s: the pieces make up %v of 100: %v", l.Member, sum, l.Pieces)
		}
	}
	if l := lanes(&x.line, noon.Add(-time.Minute), noon); len(l) != 2 || len(l[0].Pieces) != 1 || len(l[1].Pieces) != 1 {
		t.Errorf("the last minute: %v", l)
	}
}

func TestAHostIsCalledAsItsClient(t *testing.T) {
	x := newExample()
	for in, want := range map[string]string{"Printer-3.corp.example": "printer-3", "": "host-198-51-100-57", "<script>": "script", "---": "host-198-51-100-57", "äöü": "host-198-51-100-57"} {
		x.detail.Hostname = in
		if got := hostName(&x.detail); got != want {
			t.Errorf("%q is called %q", in, got)
		}
	}
}
