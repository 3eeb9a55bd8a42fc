package web

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// seeds of what a client may call itself, and more are made of them.
var seeds = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><script>alert(1)</script>`, `<svg/onload=alert(1)>`, `javascript:alert(1)`,
	`{{.Visitor.CSRF}}`, `${alert(1)}`, `<!--`, `-->`, `]]>`, `</textarea>`, `&lt;script&gt;`, `&#x3c;script`, "\x1b[31mred\x1b[0m", "\x00\x01\x02", "\u202egpj.exe", "\u200b\u2066x\u2069", "a\r\nSet-Cookie: x=1",
	"\xff\xfe\xfd", "\xc0\xbcscript>", strings.Repeat("A", 5000), strings.Repeat("\u0301", 200), "=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "../../etc/passwd", `\"`, "`", `<a href="javascript:alert(1)">x</a>`,
	`<base href=//evil.example>`, `<meta http-equiv=refresh content=0;url=//evil.example>`, `hx-get="/failover"`, `<div hx-post="/failover/maintenance" hx-trigger="load">`, `<style>*{display:none}</style>`,
	"\ufeff", "\u2028\u2029", "\U000e0041\U000e0042", "٠١٢", "‮", "%s%n%d", "%00", "nul\x00l", "<iframe srcdoc='<script>1</script>'>", "&quot;onfocus=1 autofocus", "\\u003cscript\\u003e",
}

// hostile returns n texts: the seeds, and mixtures of them.
func hostile(n int, r *rand.Rand) (all []string) {
	all = append(all, seeds...)
	for len(all) < n {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			s := seeds[r.IntN(len(seeds))]
			from := r.IntN(len(s) + 1)
			b.WriteString(s[from : from+r.IntN(len(s)-from+1)])
			b.WriteByte(byte(r.IntN(256)))
		}
		all = append(all, b.String())
	}
	return all[:n]
}

// bad are what no page may have because of what a client said.
var bad = []string{"<script>alert", "<img src=x", "<svg/onload", "<a href=\"javascript", "<base", "<meta http-equiv=refresh", "<div hx-post=\"/failover/maintenance\" hx-trigger", "<style>", "<iframe", "' onmouseover='", "\x1b", "\x00", "\u202e", "\u200b", "\u2066", "\ufeff", "\u2028"}

// Whatever a client says of itself is shown, and does nothing.
func TestAThousandHostileTexts(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	texts := hostile(1000, rand.New(rand.NewPCG(seed, 7)))
	for len(texts) > 0 {
		few := texts[:min(50, len(texts))]
		texts = texts[len(few):]
		x := newExample()
		x.leases, x.stale, x.history.Changes = nil, nil, nil
		for i, s := range few {
			row := x.detail.LeaseRow
			row.Address = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			row.Hostname = s
			x.leases = append(x.leases, node.FoundLease{LeaseRow: row, Matched: "vendor-class", Found: s})
			x.stale = append(x.stale, node.StaleRow{Address: row.Address, Hostname: s, Differs: []node.Difference{{Name: "host-name", Has: s, HasText: s, WouldHave: s, WouldText: s}}})
			x.history.Changes = append(x.history.Changes, node.LeaseChange{Time: before(0), Address: row.Address, State: "active", Happened: "granted", Cause: s, Hardware: s})
			said := node.SaidOption{Name: "option-224", Code: 224, Value: s, Text: s}
			x.detail.Facts.Options = append(x.detail.Facts.Options, said)
			x.detail.Options = append(x.detail.Options, node.ToldOption{SaidOption: said, Layer: "host", Object: s, Differs: true, Today: &node.TodayOption{Value: s, Text: s}})
			x.explain.Notes = append(x.explain.Notes, s)
			x.status.Alarms = append(x.status.Alarms, node.Alarm{Title: s, Text: s, Remedy: s, Severity: node.Warning})
			x.status.Drops[s] = 1
			x.line.Transitions = append(x.line.Transitions, node.StateTransition{Time: before(0), Member: "west", State: "NORMAL", Cause: s})
		}
		x.detail.Hostname, x.detail.Cause = few[0], few[0]
		x.status.Config.Refused, x.status.Partners[0].Cause, x.status.Partners[0].Trouble, x.status.Waiting = few[0], few[0], few[0], few[0]
		x.conflict = &node.ConfigConflict{Ours: node.VersionRow{Version: "a", Author: few[0], Comment: few[0]}, Theirs: node.VersionRow{Version: "b", Author: few[0], Comment: few[0]}}
		x.report = node.WhatIfReport{Total: 9, Lost: 1, LostBy: []node.LostReason{{Why: few[0], Clients: 1}}, Notes: few, Reservations: []node.ReservationCollision{{Host: few[0]}}}
		for _, s := range few {
			client := node.ClientExample{Address: x.detail.Address, Hostname: s, Why: s, Differs: []node.Difference{{Name: s, HasText: s, WouldText: s}}}
			x.conflict.Concerned = append(x.conflict.Concerned, client)
			x.conflict.Conflicts = append(x.conflict.Conflicts, version.Conflict{Key: s, Base: s, A: s, B: s})
			x.report.Options = append(x.report.Options, node.ChangedPart{Name: s, Clients: 1, Classes: []node.ClassCount{{Class: s, Clients: 1}}, Examples: []node.ClientExample{client}})
			x.report.LostBy[0].Examples = append(x.report.LostBy[0].Examples, client)
		}
		h := visit(x, "administrator")
		for _, s := range few[:5] { // the squares of a map
			x.detail.Hostname = s
			tame(t, "/network", get(t, h, "/network?prefix=198.51.100.0/24").Body.String(), []string{s})
		}
		for _, path := range append(everyPage, "/configuration/resolve?take=east") {
			tame(t, path, get(t, h, path).Body.String(), few)
		}
		tame(t, "what-if", send(t, h, "POST", "/configuration/what-if", url.Values{"document": few[:1], "comment": few[:1]}.Encode()).Body.String(), few)
		tame(t, "check", send(t, h, "POST", "/configuration/check", url.Values{"document": {"a: {\n" + few[0]}}.Encode()).Body.String(), few)
	}
}

// tame fails the test where a page has something in it that a text put there to do something.
func tame(t *testing.T, path, body string, of []string) {
	t.Helper()
	if !utf8.ValidString(body) || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
		t.Errorf("%s: no whole page of UTF-8, by one of %q", path, of)
	}
	for _, b := range bad {
		if i := strings.Index(body, b); i >= 0 {
			t.Fatalf("%s has %q, by one of %q:\n%s", path, b, of, body[max(0, i-200):min(len(body), i+200)])
		}
	}
}

// What is asked for comes back as it is, and does nothing either.
func TestHostileQuestions(t *testing.T) {
	x := newExample()
	x.leases = nil
	h, outside := visit(x, "operator"), visit(x, "")
	for _, s := range hostile(80, rand.New(rand.NewPCG(1, 1))) {
		for _, path := range []string{"/leases", "/events", "/failover", "/sign-in"} {
			for _, key := range []string{"search", "client", "span", "next", "state"} {
				r := query(path, key, s)
				w := get(t, h, r)
				if path == "/sign-in" {
					w = get(t, outside, r)
				}
				tame(t, r, w.Body.String(), []string{s})
			}
		}
	}
}

// A name of a million characters is no question: it is refused in words, whoever asks for it, and wherever.
func TestAMillionCharactersAreRefusedInWords(t *testing.T) {
	h, long := visit(newExample(), "viewer"), strings.Repeat("a", 1_000_000)
	for _, path := range []string{"/leases?search=" + long, "/leases?list=yes&search=" + long, "/leases/" + long, "/network?prefix=" + long} {
		w := get(t, h, path)
		if body := w.Body.String(); w.Code != 400 || len(body) > 20_000 || !strings.Contains(body, `class="remedy`) {
			t.Errorf("%.30s…: %d, %d octets", path, w.Code, len(body))
		}
	}
	for _, path := range []string{"/leases/198.51.100.57/reserve", "/leases/198.51.100.57/release", "/failover/partner-down"} {
		if w := send(t, visit(newExample(), "operator"), "POST", path, "sure=yes&name="+long+"&reason="+long); w.Code/100 != 4 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for _, path := range []string{"/events?client=", "/events?address=", "/events?kind=", "/failover?span=", "/sign-in?next="} {
		if w := get(t, h, path+long); w.Code >= 500 {
			t.Errorf("%s…: %d", path, w.Code)
		}
	}
}

func TestShownTextSteersNothing(t *testing.T) {
	for in, want := range map[string]string{
		"printer": "printer", "Straße": "Straße", "\x1b[31m": "‹1b›[31m", "a\u202eb": "a‹202e›b", "tab\there": "tab‹09›here", "": "",
	} {
		if got := shown(in); got != want {
			t.Errorf("%q is shown as %q", in, got)
		}
	}
	if got := shown(strings.Repeat("x", 10000)); len(got) > 400 {
		t.Errorf("%d octets are shown", len(got))
	}
	if got := clean("one\n\ttwo\x07\n"); got != "one\n    two‹07›\n" {
		t.Errorf("got %q", got)
	}
}

func FuzzSearch(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, "active")
	}
	h := visit(newExample(), "viewer")
	f.Fuzz(func(t *testing.T, search, state string) {
		r := query("/leases", "search", search, "state", state, "list", "yes")
		if w := get(t, h, r); w.Code >= 500 {
			t.Errorf("%s: %d", r, w.Code)
		}
		if got := fmt.Sprint(shown(search)); !utf8.ValidString(got) {
			t.Errorf("%q is shown as %q", search, got)
		}
	})
}
