package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// everyPage are the addresses of all pages.
var everyPage = []string{
	"/", "/leases", "/leases?search=host", "/leases/198.51.100.57", "/leases/198.51.100.57/release", "/leases/198.51.100.57/reserve", "/stale",
	"/failover", "/failover?span=24h", "/failover/partner-down", "/failover/maintenance", "/events", "/network", "/network?prefix=198.51.100.0/24&colour=owner", "/network?prefix=10.20.0.0/16&colour=age",
	"/configuration", "/configuration?version=3f9ac1&against=head", "/configuration/edit", "/configuration/rollback?version=3f9ac1", "/events?client=x&packets=yes", "/nowhere",
}

func TestEveryPageIsShown(t *testing.T) {
	h := visit(newExample(), "administrator")
	for _, path := range everyPage {
		w := get(t, h, path)
		want := http.StatusOK
		if path == "/nowhere" {
			want = http.StatusNotFound
		}
		body := w.Body.String()
		if w.Code != want || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
			t.Errorf("%s: %d\n%s", path, w.Code, body)
		}
		if strings.Contains(body, "<no value>") || strings.Contains(body, "%!") || strings.Contains(body, "ZgotmplZ") {
			t.Errorf("%s shows what is no value:\n%s", path, body)
		}
		if n := strings.Count(body, "<h1"); n != 1 {
			t.Errorf("%s has %d first headings", path, n)
		}
	}
}

// A line that a page names is a link to the page of the version that it is a line of, where it has that number.
func TestALineLeadsToWhereItStands(t *testing.T) {
	h := visit(newExample(), "viewer")
	told, now := strings.Repeat("3f9ac1", 10), strings.Repeat("4a", 16)
	body := get(t, h, "/leases/198.51.100.57").Body.String()
	for _, want := range []string{
		`href="/configuration?version=` + told + `#L22">line 22 of 3f9ac13f9ac1</a>`, `href="/configuration?version=` + told + `#L9">line 9 of`,
		`href="/configuration?version=` + now + `#L31">line 31 of 4a4a4a4a4a4a</a>`, `href="/configuration?version=` + now + `#L18">`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in\n%s", want, body)
		}
	}
	if page := get(t, h, "/configuration?version="+told).Body.String(); !strings.Contains(page, `<li id="L1">version: 3f9ac1</li><li id="L2">enterprise:`) {
		t.Errorf("its lines are\n%s", page)
	}
}

// A content security policy forbids what would stand in a page, so nothing may.
func TestNoPageHasAScriptOrAStyleInIt(t *testing.T) {
	h := visit(newExample(), "operator")
	forbidden := regexp.MustCompile(`(?i)<style|<script(?: [^>]*)?>[^<]|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals='js|https?://[^w]`)
	for _, path := range append(everyPage, "/sign-in") {
		body := get(t, h, path).Body.String()
		if m := forbidden.FindString(body); m != "" {
			t.Errorf("%s has %q", path, m)
		}
		csp := get(t, h, path).Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
}

// An identifier stands once in a page, and every label is somebody's.
func TestIdentifiersAreUnique(t *testing.T) {
	h := visit(newExample(), "operator")
	ids, fors := regexp.MustCompile(` id="([^"]*)"`), regexp.MustCompile(` (?:for|aria-labelledby|aria-controls|aria-describedby)="([^"]*)"`)
	for _, path := range everyPage {
		body, seen := get(t, h, path).Body.String(), map[string]bool{}
		for _, m := range ids.FindAllStringSubmatch(body, -1) {
			if seen[m[1]] {
				t.Errorf("%s has two elements %q", path, m[1])
			}
			seen[m[1]] = true
		}
		for _, m := range fors.FindAllStringSubmatch(body, -1) {
			for _, id := range strings.Fields(m[1]) {
				if !seen[id] {
					t.Errorf("%s points to %q, which is not there", path, id)
				}
			}
		}
	}
}

func TestNobodySeesAPageWithoutSigningIn(t *testing.T) {
	h := visit(newExample(), "")
	for _, path := range everyPage {
		w := get(t, h, path)
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/sign-in") || strings.Contains(w.Body.String(), "printer-3") {
			t.Errorf("%s: %d to %q", path, w.Code, to)
		}
	}
	if w := get(t, h, "/leases?search=a%26b"); w.Header().Get("Location") != "/sign-in?next=%2Fleases%3Fsearch%3Da%2526b" {
		t.Errorf("the way back is %q", w.Header().Get("Location"))
	}
	if w := get(t, h, "/", "HX-Request", "true"); w.Header().Get("HX-Redirect") != "/sign-in" {
		t.Errorf("a part of a page: %d %v", w.Code, w.Header())
	}
	if w := get(t, h, "/sign-in?next=/leases"); w.Code != 200 || !strings.Contains(w.Body.String(), `value="/leases"`) {
		t.Errorf("sign-in: %d %s", w.Code, w.Body)
	}
}

func TestNobodyIsLedElsewhere(t *testing.T) {
	for next, want := range map[string]string{
		"/leases?search=a": "/leases?search=a", "": "/", "//evil.example": "/", "https://evil.example/": "/", "/\\evil.example": "/", "javascript:alert(1)": "/", "leases": "/",
		"/\t/evil.example": "/", "/a\r\nb": "/", "/%zz": "/", "///evil.example": "/",
	} {
		if got := local(next); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

func TestAPartOfAPageIsThatPartAlone(t *testing.T) {
	h := visit(newExample(), "viewer")
	for path, id := range map[string]string{"/": "state", "/leases": "found", "/failover": "pair", "/network": "map", "/configuration/edit": "proposal"} {
		body := strings.TrimSpace(get(t, h, path, "HX-Request", "true", "HX-Target", id).Body.String())
		if strings.Contains(body, "<html") || !regexp.MustCompile(`^<\w+ id="`+id+`"`).MatchString(body) {
			t.Errorf("%s %s: %.200s", path, id, body)
		}
	}
	for _, target := range []string{"frame", "history", "x", "main"} { // whoever asks for another gets the page
		if w := get(t, h, "/leases/198.51.100.57", "HX-Request", "true", "HX-Target", target); w.Code != 200 || !strings.Contains(w.Body.String(), "<html") {
			t.Errorf("target %s: %d", target, w.Code)
		}
	}
}

func TestWhatGoesWrongHasARemedy(t *testing.T) {
	x := newExample()
	x.err = refused()
	h := visit(x, "operator")
	for _, path := range everyPage {
		if strings.HasPrefix(path, "/events") || path == "/nowhere" { // these ask nothing
			continue
		}
		w := get(t, h, path)
		if body := w.Body.String(); w.Code != http.StatusConflict || !strings.Contains(body, "the other server answers") || !strings.Contains(body, "stop it first") {
			t.Errorf("%s: %d\n%s", path, w.Code, body)
		}
	}
	w := send(t, h, "POST", "/failover/maintenance", "pause=on", "HX-Request", "true", "HX-Target", "x")
	if w.Header().Get("HX-Retarget") != "#trouble" || !strings.Contains(w.Body.String(), "stop it first") || strings.Contains(w.Body.String(), "<html") {
		t.Errorf("%v\n%s", w.Header(), w.Body)
	}
	for path, code := range map[string]int{"/leases/198.51.100.1": 404, "/leases/nonsense": 400, "/leases?state=happy": 400, "/leases?after=x": 400, "/leases?search=" + strings.Repeat("a", 300): 400} {
		x.err = nil
		if w := get(t, h, path); w.Code != code || !strings.Contains(w.Body.String(), `class="remedy`) {
			t.Errorf("%.40s: %d\n%s", path, w.Code, w.Body)
		}
	}
}

func TestChangesGoToTheService(t *testing.T) {
	x := newExample()
	h := visit(x, "operator")
	for _, c := range []struct{ path, form, done, next string }{
		{"/leases/198.51.100.57/release", "sure=yes&reason=it+is+gone", "release 198.51.100.57: it is gone", "/leases/198.51.100.57"},
		{"/leases/198.51.100.57/reserve", "sure=yes&name=printer3&by=hardware", "reserve 198.51.100.57 for printer3 02:00:00:00:00:07", "/leases/198.51.100.57"},
		{"/leases/198.51.100.57/reserve", "sure=yes&name=printer3&by=client-id", "reserve 198.51.100.57 for printer3 01:02:00:00:00:00:07", "/leases/198.51.100.57"},
		{"/configuration/apply", "document=a:%0D%0A&comment=why", `apply "a:\n" "why" false`, "/configuration"},
		{"/configuration/rollback", "version=3f9ac1", "rollback 3f9ac1", "/configuration"},
		{"/configuration/resolve", "take=east", "resolve east", "/configuration"},
		{"/failover/maintenance", "pause=on", "maintenance true", "/failover"},
		{"/failover/maintenance", "pause=off", "maintenance false", "/failover"},
		{"/failover/partner-down", "partner=east&sure=yes", "partner-down east false", "/failover"},
		{"/failover/partner-down", "partner=east&sure=yes&force=yes&reason=x", "partner-down east true", "/failover"},
	} {
		x.done = nil
		if w := send(t, h, "POST", c.path, c.form); w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.next || len(x.done) != 1 || x.done[0] != c.done {
			t.Errorf("%s %s: %d, %q\n%s", c.path, c.form, w.Code, x.done, w.Body)
		}
	}
	x.done = nil
	for path, form := range map[string]string{"/failover/partner-down": "partner=east", "/leases/198.51.100.57/reserve": "sure=yes&name=+"} {
		if w := send(t, h, "POST", path, form); w.Code != http.StatusBadRequest || x.done != nil {
			t.Errorf("%s: %d, %q", path, w.Code, x.done)
		}
	}
	if w := send(t, h, "POST", "/failover/maintenance", "pause="+strings.Repeat("a", maxForm)); w.Code/100 == 2 {
		t.Errorf("a long form: %d", w.Code)
	}
	if w := get(t, h, "/failover/maintenance?pause=on"); w.Code != 200 || len(x.done) > 1 {
		t.Errorf("looking changed something: %q", x.done)
	}
}

func TestWhoMayNotIsTold(t *testing.T) {
	h := visit(newExample(), "viewer")
	for _, path := range []string{"/leases/198.51.100.57/release", "/leases/198.51.100.57/reserve", "/failover/partner-down", "/failover/maintenance"} {
		if body := get(t, h, path).Body.String(); !strings.Contains(body, "disabled") || !strings.Contains(body, "an operator may do this") {
			t.Errorf("%s:\n%s", path, body)
		}
	}
	if body := get(t, h, "/leases/198.51.100.57").Body.String(); strings.Contains(body, "/release") {
		t.Error("a viewer is offered to release a lease")
	}
}

func TestFilesAreKeptByBrowsers(t *testing.T) {
	h := visit(newExample(), "")
	body := get(t, h, "/sign-in").Body.String()
	paths := regexp.MustCompile(`/static/[^"]+`).FindAllString(body, -1)
	if len(paths) < 4 {
		t.Fatalf("found %q", paths)
	}
	for _, path := range paths {
		w := get(t, h, path)
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if again := get(t, h, path, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again.Code)
		}
	}
	for _, path := range []string{"/static/", "/static/../web.go", "/static/nothing.js", "/static/%2e%2e/web.go"} {
		if w := get(t, h, path); w.Code == 200 {
			t.Errorf("%s is shown", path)
		}
	}
}

// What speaks against a document is shown beside it, and the document stays as it was typed.
func TestAnObjectionKeepsTheDocument(t *testing.T) {
	for name, c := range map[string]struct {
		problem *api.Problem
		says    string
	}{
		"wrong":    {&api.Problem{Status: 422, Problems: config.Problems{{Line: 7, Column: 3, Caret: 3, Source: "  poools: []", Message: "no key poools", Remedy: "write pools"}}}, "line 7, column 3"},
		"confirm":  {&api.Problem{Status: 409, Confirm: &node.ConfirmError{Why: []string{"3 clients lose their address"}}}, "3 clients lose their address"},
		"conflict": {&api.Problem{Status: 409, Conflict: &node.ConflictError{Remedy: "begin from the head", Conflicts: []version.Conflict{{Key: "enterprise.lease", A: "4h", B: "8h"}}}}, "enterprise.lease"},
	} {
		x := newExample()
		x.objection = c.problem
		h := visit(x, "administrator")
		for _, path := range []string{"/configuration/apply", "/configuration/what-if"} {
			w := send(t, h, "POST", path, "document=my+text&comment=my+reason")
			if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, c.says) || !strings.Contains(body, "my text</textarea>") || !strings.Contains(body, "my reason") {
				t.Errorf("%s, %s: %d\n%s", name, path, w.Code, body)
			}
		}
		part := send(t, h, "POST", "/configuration/apply", "document=x", "HX-Request", "true", "HX-Target", "proposal").Body.String()
		if !strings.HasPrefix(strings.TrimSpace(part), `<section id="proposal"`) || !strings.Contains(part, c.says) {
			t.Errorf("%s, a part: %s", name, part)
		}
	}
	x := newExample()
	w := send(t, visit(x, "viewer"), "POST", "/configuration/what-if", "document=x")
	if !strings.Contains(w.Body.String(), "Would lose their address") || !strings.Contains(w.Body.String(), `width="40"`) {
		t.Errorf("what-if: %s", w.Body)
	}
}
