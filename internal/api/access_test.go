package api

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/access"
)

// admitted is a server of f whose operators show tokens, behind a gate, at a time that the test says.
type admitted struct {
	*Access
	gate   *Gate
	h      http.Handler
	server *Server
	time   time.Time
}

func admit(t *testing.T, f *fake, encrypted bool) *admitted {
	t.Helper()
	a := &admitted{Access: OpenAccess(t.TempDir(), slog.New(slog.DiscardHandler)), time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	a.now = func() time.Time { return a.time }
	t.Cleanup(func() { a.Close() })
	a.server = New(f, quiet)
	a.server.Admit(a.Access)
	a.gate = &Gate{Access: a.Access, TLS: encrypted}
	a.h = a.gate.Handler(a.server.Handler())
	return a
}

func (a *admitted) token(t *testing.T, role access.Role) string {
	t.Helper()
	text, _, err := a.Tokens.Create(access.Identity{Name: "root", Role: access.Administrator}, access.NewToken{Role: role}, a.time)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// send sends a request with headers, as NAME VALUE in turn.
func (a *admitted) send(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8067"+target, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.RemoteAddr = "192.0.2.1:4711"
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.h.ServeHTTP(w, r)
	return w
}

func (a *admitted) records(t *testing.T) (all []access.Record) {
	t.Helper()
	if err := a.Trail.Read(access.Query{}, func(r access.Record) error { all = append(all, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// Each operation is refused to nobody and to every role below its own. Which role that is, is said here once more, as a statement of policy.
func TestRolesAndOperations(t *testing.T) {
	a := admit(t, &fake{}, false)
	tokens := map[access.Role]string{access.Viewer: a.token(t, access.Viewer), access.Operator: a.token(t, access.Operator)}
	seen := 0
	for path, item := range a.server.surface().huma.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodDelete: item.Delete} {
			if op == nil {
				continue
			}
			needs := wantedRole(method, path)
			target := strings.NewReplacer("{", "", "}", "").Replace(path)
			if needs == 0 {
				if w := a.send(method, target, ""); w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden {
					t.Errorf("%s %s: nobody got %d", method, path, w.Code)
				}
				continue
			}
			seen++
			if w := a.send(method, target, ""); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: nobody got %d", method, path, w.Code)
			}
			for role := access.Viewer; role < needs; role++ {
				if w := a.send(method, target, "", "Authorization", "Bearer "+tokens[role]); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), needs.String()) {
					t.Errorf("%s %s: %v got %d %s", method, path, role, w.Code, w.Body)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d operations were found", seen)
	}
	if all := a.records(t); len(all) != 0 {
		t.Errorf("%d records of what nobody did", len(all))
	}
}

func wantedRole(method, path string) access.Role {
	switch name := strings.TrimPrefix(path, base); {
	case path == "/healthz" || path == "/readyz":
		return 0
	case strings.HasPrefix(name, "tokens"), strings.HasPrefix(name, "audit"):
		return access.Administrator
	case method == http.MethodGet, name == "config/what-if":
		return access.Viewer
	case strings.HasPrefix(name, "config/"):
		return access.Administrator
	}
	return access.Operator
}

func TestATokenLetsIn(t *testing.T) {
	a := admit(t, &fake{}, false)
	text := a.token(t, access.Viewer)
	for name, test := range map[string]struct {
		headers []string
		want    int
	}{
		"good":            {[]string{"Authorization", "Bearer " + text}, 200},
		"lower case":      {[]string{"Authorization", "bearer " + text}, 200},
		"nothing":         {nil, 401},
		"wrong":           {[]string{"Authorization", "Bearer " + strings.Replace(text, "lessor_", "lessor_a", 1)}, 401},
		"basic":           {[]string{"Authorization", "Basic " + text}, 401},
		"twice":           {[]string{"Authorization", "Bearer " + text, "Authorization", "Bearer " + text}, 401},
		"empty":           {[]string{"Authorization", ""}, 401},
		"in the cookie":   {[]string{"Cookie", "lessor=" + text}, 401},
		"as a parameter":  {[]string{"X-Token", text}, 401},
		"a long one":      {[]string{"Authorization", "Bearer " + strings.Repeat("a", 1<<20)}, 401},
		"beside a cookie": {[]string{"Authorization", "Bearer " + text, "Cookie", "lessor=x"}, 200},
	} {
		if w := a.send("GET", "/api/v1/status", "", test.headers...); w.Code != test.want {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
	a.time = a.time.Add(access.DefaultLife)
	if w := a.send("GET", "/api/v1/status", "", "Authorization", "Bearer "+text); w.Code != 401 || !strings.Contains(w.Body.String(), "has ended") {
		t.Errorf("at its end: %d %s", w.Code, w.Body)
	}
}

// Who guesses is told to wait; who shows a good token from the same address is let in at once.
func TestWhoGuessesIsHeldBackAndNobodyElse(t *testing.T) {
	a := admit(t, &fake{}, false)
	good := a.token(t, access.Viewer)
	wrong := strings.Repeat("a", len(good))
	codes := map[int]int{}
	for range 1000 {
		w := a.send("GET", "/api/v1/status", "", "Authorization", "Bearer "+wrong)
		codes[w.Code]++
		if w.Code == 429 && w.Header().Get("Retry-After") == "" {
			t.Fatal("nothing says how long")
		}
	}
	if codes[401] != 5 || codes[429] != 995 {
		t.Errorf("got %v", codes)
	}
	if w := a.send("GET", "/api/v1/status", "", "Authorization", "Bearer "+good); w.Code != 200 {
		t.Errorf("the good one: %d %s", w.Code, w.Body)
	}
	if all := a.records(t); len(all) == 0 || len(all) > 30 || all[0].Outcome != access.Refused || all[0].From != "192.0.2.1" {
		t.Errorf("%d records: %+v", len(all), all[:min(1, len(all))])
	}
	if b := a.send("GET", "/api/v1/status", "", "Authorization", "Bearer "+wrong).Body.String(); strings.Contains(b, wrong) {
		t.Errorf("what was shown is said again: %s", b)
	}
}

func TestASiteOfAnotherNameIsRefused(t *testing.T) {
	a := admit(t, &fake{}, false)
	a.gate.Names = []string{"dhcp.example"}
	text := a.token(t, access.Viewer)
	for host, want := range map[string]int{
		"127.0.0.1:8067": 200, "localhost:9000": 200, "LOCALHOST": 200, "[::1]:8067": 200, "127.1.2.3": 200, "dhcp.example": 200, "dhcp.example.:80": 200,
		"evil.example": 421, "evil.example:8067": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "192.0.2.1": 421, "[::1": 200,
		"": 421, "127.0.0.1@evil.example": 421, strings.Repeat("h", 10000): 421,
	} {
		if w := a.send("GET", "/api/v1/status", "", "Host", host, "Authorization", "Bearer "+text); w.Code != want {
			t.Errorf("%.40q: got %d", host, w.Code)
		}
	}
	if w := a.send("GET", "/healthz", "", "Host", "evil.example"); w.Code == 421 {
		t.Error("a monitor may ask by any name")
	}
}

// signedIn signs in as a browser does, and returns the cookie.
func (a *admitted) signedIn(t *testing.T, text string) *http.Cookie {
	t.Helper()
	w := a.send("POST", "/sign-in", url.Values{"token": {text}, "next": {"/leases?search=x"}}.Encode(), "Content-Type", formType, "Sec-Fetch-Site", "same-origin")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/leases?search=x" || len(w.Result().Cookies()) != 1 {
		t.Fatalf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
	return w.Result().Cookies()[0]
}

func TestASessionOfABrowser(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		a := admit(t, &fake{}, encrypted)
		text := a.token(t, access.Administrator)
		c := a.signedIn(t, text)
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != encrypted || c.Path != "/" || c.Domain != "" || strings.HasPrefix(c.Name, "__Host-") != encrypted || strings.Contains(c.Value, text) {
			t.Errorf("got %+v", c)
		}
		cookie := c.Name + "=" + c.Value
		if w := a.send("GET", "/api/v1/status", "", "Cookie", cookie); w.Code != 200 || (w.Header().Get("Strict-Transport-Security") != "") != encrypted {
			t.Errorf("got %d %v", w.Code, w.Header())
		}
		if w := a.send("GET", "/api/v1/status", "", "Cookie", cookie+"; "+cookie); w.Code != 401 {
			t.Errorf("two of that name: %d", w.Code)
		}
		a.send("POST", "/sign-out", "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site")
		if w := a.send("GET", "/api/v1/status", "", "Cookie", cookie); w.Code != 200 {
			t.Errorf("another site signed out: %d", w.Code)
		}
		if w := a.send("POST", "/sign-out", "", "Cookie", cookie, "Sec-Fetch-Site", "same-origin"); w.Code != http.StatusSeeOther {
			t.Errorf("got %d", w.Code)
		}
		if w := a.send("GET", "/api/v1/status", "", "Cookie", cookie); w.Code != 401 {
			t.Errorf("signed out: %d", w.Code)
		}
		other := a.signedIn(t, text)
		a.Tokens.Revoke(a.Tokens.List()[0].ID)
		if w := a.send("GET", "/api/v1/status", "", "Cookie", other.Name+"="+other.Value); w.Code != 401 {
			t.Errorf("the token is revoked: %d", w.Code)
		}
	}
}

func TestWhatAnotherSiteHasABrowserSendChangesNothing(t *testing.T) {
	f := &fake{}
	a := admit(t, f, false)
	text := a.token(t, access.Administrator)
	c := a.signedIn(t, text)
	cookie, csrf := c.Name+"="+c.Value, access.CSRF(c.Value)
	for name, test := range map[string]struct {
		headers []string
		let     bool
	}{
		"a page of ours":           {[]string{"Sec-Fetch-Site", "same-origin", CSRFHeader, csrf}, true},
		"an old browser":           {[]string{"Origin", "http://127.0.0.1:8067", CSRFHeader, csrf}, true},
		"no header of the session": {[]string{"Sec-Fetch-Site", "same-origin"}, false},
		"that of another session":  {[]string{"Sec-Fetch-Site", "same-origin", CSRFHeader, access.CSRF("other")}, false},
		"another site":             {[]string{"Sec-Fetch-Site", "cross-site", CSRFHeader, csrf}, false},
		"a sister site":            {[]string{"Sec-Fetch-Site", "same-site", CSRFHeader, csrf}, false},
		"another port":             {[]string{"Origin", "http://127.0.0.1:9000", CSRFHeader, csrf}, false},
		"from nowhere":             {[]string{"Sec-Fetch-Site", "none", CSRFHeader, csrf}, false},
		"a program without a say":  {[]string{CSRFHeader, csrf}, false},
		"origin null":              {[]string{"Origin", "null", CSRFHeader, csrf}, false},
	} {
		w := a.send("POST", "/api/v1/maintenance", `{"on":true}`, append(test.headers, "Cookie", cookie, "Content-Type", jsonType)...)
		if (w.Code != http.StatusForbidden) != test.let {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
	if w := a.send("POST", "/api/v1/maintenance", `{"on":true}`, "Authorization", "Bearer "+text, "Content-Type", jsonType); w.Code == http.StatusForbidden {
		t.Errorf("a program with a token: %d %s", w.Code, w.Body)
	}
}

func TestSigningInIsRefused(t *testing.T) {
	a := admit(t, &fake{}, false)
	text := a.token(t, access.Viewer)
	form := url.Values{"token": {text}}.Encode()
	for name, test := range map[string]struct {
		body    string
		headers []string
		want    int
	}{
		"another site":  {form, []string{"Content-Type", formType, "Sec-Fetch-Site", "cross-site"}, 403},
		"no browser":    {form, []string{"Content-Type", formType}, 403},
		"JSON":          {`{"token":"` + text + `"}`, []string{"Content-Type", jsonType, "Sec-Fetch-Site", "same-origin"}, 415},
		"too long":      {form + "&x=" + strings.Repeat("y", maxSigning), []string{"Content-Type", formType, "Sec-Fetch-Site", "same-origin"}, 413},
		"not a form":    {"%zz", []string{"Content-Type", formType, "Sec-Fetch-Site", "same-origin"}, 400},
		"a wrong token": {"token=lessor_x", []string{"Content-Type", formType, "Sec-Fetch-Site", "same-origin"}, 401},
	} {
		if w := a.send("POST", "/sign-in", test.body, test.headers...); w.Code != test.want || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: got %d %v", name, w.Code, w.Header())
		}
	}
	w := a.send("POST", "/sign-in", "token=x&next=/pools", "Content-Type", formType, "Sec-Fetch-Site", "same-origin", "Accept", "text/html")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/sign-in?failed=1&next=%2Fpools" {
		t.Errorf("a browser: %d %v", w.Code, w.Header())
	}
}

func TestNobodyIsLedElsewhere(t *testing.T) {
	for _, next := range []string{"", "//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/\r\nX: y", "evil", "/\t/evil.example", "//"} {
		if got := localPath(next); got != "/" {
			t.Errorf("%q leads to %q", next, got)
		}
	}
	if got := localPath("/leases?x=//y"); got != "/leases?x=//y" {
		t.Errorf("got %q", got)
	}
}

// A change is in the log before it is done, and again with what became of it; no secret is.
func TestAChangeIsWrittenDown(t *testing.T) {
	a := admit(t, &fake{}, false)
	text := a.token(t, access.Administrator)
	w := a.send("POST", "/api/v1/tokens", `{"role":"viewer","name":"grafana"}`, "Authorization", "Bearer "+text, "Content-Type", jsonType)
	if w.Code != 201 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	made := w.Header().Get("Location")
	if got := a.send("GET", made, "", "Authorization", "Bearer "+text); got.Code != 200 || !strings.Contains(got.Body.String(), `"name":"grafana"`) || strings.Contains(got.Body.String(), "lessor_") {
		t.Errorf("%s: got %d %s", made, got.Code, got.Body)
	}
	if got := a.send("GET", made+"x", "", "Authorization", "Bearer "+text); got.Code != 404 || !strings.Contains(got.Body.String(), "no such token") {
		t.Errorf("another: got %d %s", got.Code, got.Body)
	}
	all := a.records(t)
	if len(all) != 2 || all[0].Outcome != access.Begun || all[1].Outcome != access.Done || all[1].Of != all[0].Seq || all[0].What != "token create" || all[0].Object != "grafana" || all[0].Role != "administrator" || all[0].From != "192.0.2.1" {
		t.Fatalf("got %+v", all)
	}
	b, err := os.ReadFile(a.dir + "/" + access.TrailName)
	if _, secret, _ := strings.Cut(w.Body.String(), `"token":"`); err != nil || strings.Contains(string(b), secret[:30]) || strings.Contains(string(b), text[20:]) {
		t.Errorf("the log has the token: %v", err)
	}
	var id string
	for _, t := range a.Tokens.List() {
		if t.Name == "grafana" {
			id = t.ID
		}
	}
	if w := a.send("DELETE", "/api/v1/tokens/"+id, "", "Authorization", "Bearer "+text); w.Code != 200 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	a.send("DELETE", "/api/v1/tokens/nonsense", "", "Authorization", "Bearer "+text)
	all = a.records(t)
	if len(all) != 6 || all[3].What != "token revoke" || all[3].Object != id || all[5].Outcome != access.Refused {
		t.Errorf("got %+v", all)
	}
}

// A disk that is full refuses changes, and nothing else.
func TestWhatCannotBeWrittenDownIsNotDone(t *testing.T) {
	a := admit(t, &fake{}, false)
	text := a.token(t, access.Administrator)
	a.Trail.Close()
	a.Trail, a.Why = nil, errors.Join(unix.ENOSPC)
	before := len(a.Tokens.List())
	w := a.send("POST", "/api/v1/tokens", `{"role":"viewer"}`, "Authorization", "Bearer "+text, "Content-Type", jsonType)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "nothing was changed") || len(a.Tokens.List()) != before {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := a.send("GET", "/api/v1/status", "", "Authorization", "Bearer "+text); w.Code != 200 {
		t.Errorf("a question: %d", w.Code)
	}
	a.signedIn(t, text)
}

// A thousand changes more are asked for than there is anything to say about: those of a wrong kind leave their traces, too.
func TestTheBodyIsStillReadOnce(t *testing.T) {
	a := admit(t, &fake{}, false)
	text := a.token(t, access.Administrator)
	for body, want := range map[string]int{`{"role":"king"}`: 400, `{"rle":"viewer"}`: 400, `{`: 400, strings.Repeat("x", maxBody+1): 413, `{"role":"viewer","seconds":1}`: 400} {
		if w := a.send("POST", "/api/v1/tokens", body, "Authorization", "Bearer "+text, "Content-Type", jsonType); w.Code != want {
			t.Errorf("%.30s: got %d %s", body, w.Code, w.Body)
		}
	}
	if n := len(a.Tokens.List()); n != 1 {
		t.Errorf("%d tokens", n)
	}
}

func TestWhoTheSocketTrusts(t *testing.T) {
	for name, test := range map[string]struct {
		cred   unix.Ucred
		groups []uint32
		want   bool
	}{
		"root":                {unix.Ucred{Uid: 0, Gid: 0}, nil, true},
		"the server's user":   {unix.Ucred{Uid: 900, Gid: 5}, nil, true},
		"its group":           {unix.Ucred{Uid: 1000, Gid: 901}, nil, true},
		"in its group":        {unix.Ucred{Uid: 1000, Gid: 1000}, []uint32{4, 901}, true},
		"somebody":            {unix.Ucred{Uid: 1000, Gid: 1000}, []uint32{4, 27}, false},
		"somebody's root gid": {unix.Ucred{Uid: 1000, Gid: 0}, nil, false},
	} {
		if got := trusted(&test.cred, func() []uint32 { return test.groups }, 900, 901); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestThePagesArePreparedForTheWorst(t *testing.T) {
	a := admit(t, &fake{}, true)
	for _, target := range []string{"/", "/api/v1/status", "/nothing", "/healthz"} {
		h := a.send("GET", target, "").Header()
		for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Permissions-Policy": "camera=()", "Strict-Transport-Security": "max-age"} {
			if !strings.Contains(h.Get(name), want) {
				t.Errorf("%s: %s: %q", target, name, h.Get(name))
			}
		}
		if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: %s", target, h.Get("Content-Security-Policy"))
		}
	}
}

// Nothing that can be said to the API names a path of the machine, or a command: no parameter and no key of a body is called so.
func TestNothingOfTheMachineCanBeNamed(t *testing.T) {
	words := []string{"path", "dir", "directory", "data", "socket", "command", "exec", "script", "url", "plugin", "library", "module", "program", "output"}
	api, seen := admit(t, &fake{}, false).server.surface().huma.OpenAPI(), 0
	check := func(op *huma.Operation, name string) {
		if seen++; slices.Contains(words, name) {
			t.Errorf("%s takes %s", op.OperationID, name)
		}
	}
	for _, item := range api.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				check(op, p.Name)
			}
			if op.RequestBody == nil {
				continue
			}
			for _, content := range op.RequestBody.Content {
				if s := content.Schema; s != nil && s.Ref != "" {
					s = api.Components.Schemas.SchemaFromRef(s.Ref)
					for key := range s.Properties {
						check(op, key)
					}
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d parameters and keys were found", seen)
	}
}
