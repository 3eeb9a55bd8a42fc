package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os/user"
	"reflect"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// versions is a node that keeps versions and compares.
type versions struct {
	fake
	group    node.GroupConfigStatus
	shown    node.VersionShown
	applied  node.Applied
	history  []node.VersionRow
	changes  []version.Change
	fails    error // what every question about versions is answered with
	told     []any // what reached the node
	steps    int   // of a comparison
	report   *node.WhatIfReport
	drifted  *node.DriftReport
	staleAll []node.StaleRow
}

func (v *versions) note(x any) error { v.told = append(v.told, x); return v.fails }

func (v *versions) ConfigStatus(context.Context) (node.GroupConfigStatus, error) { return v.group, nil }

func (v *versions) ConfigShow(_ context.Context, id string) (node.VersionShown, error) {
	return v.shown, v.note("show " + id)
}

func (v *versions) ConfigHistory(_ context.Context, limit int) ([]node.VersionRow, error) {
	return v.history[:min(len(v.history), limit)], v.note(limit)
}

func (v *versions) ConfigDiff(_ context.Context, a, b string) ([]version.Change, error) {
	return v.changes, v.note(a + ".." + b)
}

func (v *versions) ConfigApply(_ context.Context, r node.ApplyRequest) (node.Applied, error) {
	return v.applied, v.note(r)
}

func (v *versions) ConfigRollback(_ context.Context, id string, r node.ApplyRequest) (node.Applied, error) {
	v.note(id)
	return v.applied, v.note(r)
}

func (v *versions) ConfigResolve(_ context.Context, take binding.Member, r node.ApplyRequest) (node.Applied, error) {
	v.note(take)
	return v.applied, v.note(r)
}

func (v *versions) Stale(_ context.Context, f node.StaleFilter, each func(*node.StaleRow) error) error {
	if err := v.note(f); err != nil {
		return err
	}
	for i := range v.staleAll {
		if err := each(&v.staleAll[i]); err != nil {
			return err
		}
	}
	return nil
}

func (v *versions) WhatIf(_ context.Context, doc *config.Document, progress func(done, total int)) (*node.WhatIfReport, error) {
	for i := range v.steps {
		progress(i, v.steps)
	}
	return v.report, v.note(doc.File)
}

func (v *versions) Drift(_ context.Context, with binding.Member, progress func(done, total int)) (*node.DriftReport, error) {
	for i := range v.steps {
		progress(i, v.steps)
	}
	return v.drifted, v.note(with)
}

func (v *versions) Rehome(_ context.Context, a netip.Addr, to binding.Member) error {
	return v.note(fmt.Sprint(a, " ", to))
}

const headID = "0123456789abcdef0123456789abcdef"

func aVersioned() *versions {
	return &versions{
		group: node.GroupConfigStatus{Head: headID, Tip: headID, Agreed: headID, Partner: "east", Link: "up", PartnerHead: headID, Pending: []version.Change{}, Versions: 3},
		shown: node.VersionShown{VersionRow: node.VersionRow{Version: headID, Parents: []string{}, Author: "ann", Member: "west", Time: node.At(noon), Head: true},
			Text: "version: " + headID + "\ngroup: {name: campus}\n"},
		applied: node.Applied{Version: headID, Head: headID, Changed: true, Adopted: true, Pending: []version.Change{}, Notes: []string{"server: was ignored"},
			Changes: []version.Change{{Key: "group.name", Kind: version.Changed, Before: "a", After: "b", BeforeLine: 1, AfterLine: 2, Safety: true}}},
	}
}

// me is how the one who runs the tests is named.
func me(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

func TestAVersionArrivesAsItIs(t *testing.T) {
	v := aVersioned()
	v.history = []node.VersionRow{v.shown.VersionRow, {Version: "ff", Comment: "\x1b[2J", Parents: []string{headID}}}
	v.changes = v.applied.Changes
	v.group.Conflict = &node.ConfigConflict{Clients: -1, Concerned: []node.ClientExample{}, Conflicts: []version.Conflict{{Key: "a.b", Reason: version.Order, Base: "x", A: "y", ALine: 3}}, Ours: v.history[1], Theirs: v.history[0]}
	c := serve(t, New(v, quiet))
	a, err := c.Config(t.Context())
	if err != nil || !reflect.DeepEqual(a, ConfigAnswer{&v.shown, v.group}) {
		t.Errorf("%+v, %v", a, err)
	}
	if st, err := c.ConfigStatus(t.Context()); err != nil || !reflect.DeepEqual(st, v.group) {
		t.Errorf("%+v, %v", st, err)
	}
	if s, err := c.ConfigShow(t.Context(), headID[:7]); err != nil || !reflect.DeepEqual(s, v.shown) {
		t.Errorf("%+v, %v", s, err)
	}
	var rows []node.VersionRow
	if err := c.ConfigHistory(t.Context(), 2, func(r node.VersionRow) error { rows = append(rows, r); return nil }); err != nil || !reflect.DeepEqual(rows, v.history) {
		t.Errorf("%+v, %v", rows, err)
	}
	if d, err := c.ConfigDiff(t.Context(), "", headID[:8]); err != nil || !reflect.DeepEqual(d, v.changes) {
		t.Errorf("%+v, %v", d, err)
	}
	if st, err := c.Status(t.Context()); err != nil || st.Config.Group == nil || st.Config.Group.Head != headID {
		t.Errorf("%+v, %v", st.Config, err)
	}
	if want := []any{"show ", "show 0123456", 2, headID + "..01234567"}; !reflect.DeepEqual(v.told, want) {
		t.Errorf("the node was told %v, want %v", v.told, want)
	}
}

func TestListsOfVersionsAreNeverNull(t *testing.T) {
	for _, x := range []any{node.Applied{}, node.VersionShown{}, node.GroupConfigStatus{Conflict: &node.ConfigConflict{}}, &node.ConflictError{}, &node.ConfirmError{}} {
		b, err := json.Marshal(x)
		if err != nil || strings.Contains(strings.ReplaceAll(strings.ReplaceAll(string(b), `"time":null`, ""), `"conflict":null`, ""), "null") {
			t.Errorf("%T: %s, %v", x, b, err)
		}
	}
	v := aVersioned()
	v.history = []node.VersionRow{{}}
	c := serve(t, New(v, quiet))
	for _, path := range []string{"history", "diff"} {
		if _, body := raw(t, c, "GET /api/v1/config/"+path+" HTTP/1.1\r\nHost: lessor\r\n\r\n"); strings.Contains(strings.ReplaceAll(body, `"time":null`, ""), "null") {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestADocumentIsShownAsItIsToBeEdited(t *testing.T) {
	v := aVersioned()
	v.shown.Text += "# \u202e\n"
	c := serve(t, New(v, quiet))
	for _, path := range []string{"", "/versions/head", "/versions/" + headID} {
		for accept, yaml := range map[string]bool{"application/yaml": true, "text/yaml;q=0.5": true, "application/json": false, "*/*": false, "": false, "application/json, application/yaml": false} {
			resp, body := raw(t, c, "GET /api/v1/config"+path+" HTTP/1.1\r\nHost: lessor\r\nAccept: "+accept+"\r\n\r\n")
			if resp.Header.Get("ETag") != `"`+headID+`"` || (body == v.shown.Text) != yaml || strings.HasSuffix(resp.Header.Get("Content-Type"), "yaml") != yaml {
				t.Errorf("%s as %q: %v %s", path, accept, resp.Header, body)
			}
		}
	}
	v.fails = &node.RefusedError{Why: "there is none yet"}
	if a, err := c.Config(t.Context()); err != nil || a.Head != nil || a.Status.Head != headID {
		t.Errorf("%+v, %v", a, err)
	}
	for _, ask := range []func() error{
		func() error { _, err := c.ConfigShow(t.Context(), "abcdef"); return err },
		func() error { _, err := c.ConfigDiff(t.Context(), "abcdef", "012345"); return err },
	} {
		if p, ok := errors.AsType[*Problem](ask()); !ok || p.Status != http.StatusNotFound || p.Detail != "there is none yet" {
			t.Errorf("%+v", p)
		}
	}
}

func TestAChangeReachesTheNodeWithItsAuthor(t *testing.T) {
	v := aVersioned()
	c := serve(t, New(v, quiet))
	doc := "# ü\nversion: " + headID + "\n" + strings.Repeat("# long\n", 20000)
	req := node.ApplyRequest{Document: []byte(doc), File: "campus.yaml", Author: "mallory", Comment: "why: ü", Yes: true, From: []netip.Addr{netip.MustParseAddr("10.9.0.7"), netip.MustParseAddr("2001:db8::1")}}
	a, err := c.ConfigApply(t.Context(), req)
	want := req
	want.Author = me(t)
	if err != nil || !reflect.DeepEqual(a, v.applied) || !reflect.DeepEqual(v.told, []any{want}) {
		t.Fatalf("%+v, %v; told %+v", a, err, v.told)
	}
	for _, doc := range []string{"\xff\x00\r\n", "\ufeffa: \u2028 1"} { // octet for octet: what is wrong with it is not for the way to say
		v.told, want.Document = nil, []byte(doc)
		if _, err := c.ConfigApply(t.Context(), want); err != nil || !reflect.DeepEqual(v.told, []any{want}) {
			t.Errorf("%q: %v; told %+v", doc, err, v.told)
		}
	}
	v.told, want.Document, want.File = nil, []byte{}, ""
	if a, err := c.ConfigRollback(t.Context(), headID, req); err != nil || !reflect.DeepEqual(a, v.applied) || !reflect.DeepEqual(v.told, []any{headID, want}) {
		t.Errorf("%+v, %v; told %+v", a, err, v.told)
	}
	v.told = nil
	if a, err := c.ConfigResolve(t.Context(), "east", req); err != nil || !reflect.DeepEqual(a, v.applied) || !reflect.DeepEqual(v.told, []any{binding.Member("east"), want}) {
		t.Errorf("%+v, %v; told %+v", a, err, v.told)
	}
}

// postTo returns a request with headers and a body.
func postTo(path, headers, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: lessor\r\n%sContent-Length: %d\r\n\r\n%s", path, headers, len(body), body)
}

const (
	asYAML = "Content-Type: application/yaml\r\n"
	asJSON = "Content-Type: application/json\r\n"
)

func TestADocumentMayBeTheBodyItself(t *testing.T) {
	v := aVersioned()
	c := serve(t, New(v, quiet))
	resp, body := raw(t, c, postTo("/api/v1/config/apply?comment=a+b&yes=true&from=10.0.0.1&from=10.0.0.2&file=x.yaml", asYAML, "group: {}\n"))
	want := node.ApplyRequest{Document: []byte("group: {}\n"), File: "x.yaml", Author: me(t), Comment: "a b", Yes: true, From: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}}
	if resp.StatusCode != 200 || !reflect.DeepEqual(v.told, []any{want}) {
		t.Errorf("%d %s; told %+v", resp.StatusCode, body, v.told)
	}
}

func TestAHeadThatIsAnotherOneIsNotWrittenOver(t *testing.T) {
	v := aVersioned()
	c := serve(t, New(v, quiet))
	other := strings.Repeat("f", 32)
	for _, test := range []struct {
		match, doc string
		status     int
		document   string // that reaches the node
	}{
		{`"` + headID + `"`, "group: {}", 200, "group: {}\nversion: " + headID + "\n"},
		{`"` + other + `", "` + headID + `"`, "group: {}\n", 200, "group: {}\n\nversion: " + headID + "\n"},
		{`"` + headID + `"`, "version: " + other + "\n", 200, "version: " + other + "\n"},
		{`*`, "group: {}", 200, "group: {}"},
		{`"` + headID + `"`, "version: no\n", 200, "version: no\n"}, // which the node refuses
		{`"` + other + `"`, "group: {}", 412, ""},
		{headID, "group: {}", 412, ""},
		{`W/"` + headID + `"`, "group: {}", 412, ""},
	} {
		v.told = nil
		resp, body := raw(t, c, postTo("/api/v1/config/apply", asYAML+"If-Match: "+test.match+"\r\n", test.doc))
		got := ""
		if len(v.told) > 0 {
			got = string(v.told[0].(node.ApplyRequest).Document)
		}
		if resp.StatusCode != test.status || got != test.document {
			t.Errorf("%s %q: %d %s; the node was told %q", test.match, test.doc, resp.StatusCode, body, got)
		}
		if id, _, err := version.Against([]byte(got)); test.status == 200 && strings.Contains(got, headID) && (err != nil || id.String() != headID) {
			t.Errorf("%q is written against %v, %v", got, id, err)
		}
	}
	v.group.Head = ""
	if resp, _ := raw(t, c, postTo("/api/v1/config/apply", asYAML+"If-Match: *\r\n", "group: {}")); resp.StatusCode != 412 {
		t.Errorf("* matches what is not there: %d", resp.StatusCode)
	}
}

func TestWhatIsInTheWayOfAChangeArrivesWhole(t *testing.T) {
	change := version.Change{Key: "k", Kind: version.Removed, Before: "\x1b"}
	for name, test := range map[string]struct {
		fails  error
		status int
		says   string
	}{
		"a yes":    {&node.ConfirmError{Why: []string{"3 clients lose their address", "the subnet you sit on goes"}, Undoes: []version.Change{change}, Remedy: "--yes"}, 409, "3 clients lose their address; the subnet you sit on goes\n  → --yes"},
		"others":   {&node.ConflictError{Parent: "a", Tip: "b", Conflicts: []version.Conflict{{Key: "k", Reason: version.BothChanged, A: "1", B: "2"}}, Changes: []version.Change{change}, Remedy: "edit"}, 409, "edit"},
		"an error": {config.Problems{{Severity: config.Error, File: "f", Line: 3, Column: 4, Source: "x", Caret: 1, Message: "m", Remedy: "r"}}, 422, "f:3:4: m; nothing was changed\n  → r"},
		"refused":  {&node.RefusedError{Why: "too old", Remedy: "upgrade"}, 409, "too old\n  → upgrade"},
	} {
		v := aVersioned()
		v.fails = fmt.Errorf("applying: %w", test.fails)
		_, err := serve(t, New(v, quiet)).ConfigApply(t.Context(), node.ApplyRequest{Document: []byte("a")})
		p, ok := errors.AsType[*Problem](err)
		if !ok || p.Status != test.status || !strings.Contains(p.Error(), test.says) {
			t.Fatalf("%s: %+v", name, err)
		}
		if name == "refused" {
			continue
		}
		if !reflect.DeepEqual(p.Unwrap(), test.fails) {
			t.Errorf("%s: came back as %+v", name, p.Unwrap())
		}
	}
}

func TestOfManyProblemsTheErrorsAreTold(t *testing.T) {
	var all config.Problems
	for i := range 3 * maxProblems {
		p := config.Problem{Severity: config.Warning, Line: i}
		if i%3 == 2 {
			p.Severity = config.Error
		}
		all = append(all, p)
	}
	p := wrongDocument(all)
	if len(p.Problems) != maxProblems || p.Problems[maxProblems-1].Severity != config.Error || p.Problems[1].Line != 5 || !strings.Contains(p.Detail, "1000 errors") || all[0].Line != 0 {
		t.Errorf("%d, %s", len(p.Problems), p.Detail)
	}
}

func TestAChangeThatIsNoneReachesNobody(t *testing.T) {
	v := aVersioned()
	c := serve(t, New(v, quiet))
	const apply, back, resolve, if_ = "/api/v1/config/apply", "/api/v1/config/rollback", "/api/v1/config/resolve", "/api/v1/config/what-if"
	many := strings.Repeat(`"10.0.0.1",`, MaxFrom+1)
	for name, test := range map[string]struct {
		request string
		status  int
	}{
		"GET":                   {"GET " + apply + " HTTP/1.1\r\nHost: lessor\r\n\r\n", 405},
		"a form":                {postTo(apply, "Content-Type: multipart/form-data\r\n", "x"), 415},
		"text":                  {postTo(if_, "Content-Type: text/plain\r\n", "x"), 415},
		"a rollback as YAML":    {postTo(back, asYAML, "version: x"), 415},
		"nothing":               {postTo(apply, asYAML, ""), 400},
		"no document":           {postTo(apply, asJSON, `{"file":"x"}`), 400},
		"an author":             {postTo(apply, asJSON, `{"document":"x","author":"root"}`), 400},
		"an author beside":      {postTo(apply+"?author=root", asYAML, `x`), 400},
		"a version":             {postTo(apply, asJSON, `{"document":"x","version":"`+headID+`"}`), 400},
		"a take":                {postTo(apply, asJSON, `{"document":"x","take":"west"}`), 400},
		"no text":               {postTo(apply, asJSON, "{\"document\":\"\xff\"}"), 400},
		"two objects":           {postTo(apply, asJSON, `{"document":"x"}{}`), 400},
		"JSON with parameters":  {postTo(apply+"?yes=true", asJSON, `{"document":"x"}`), 400},
		"yes, but not as true":  {postTo(apply+"?yes=sure", asYAML, `x`), 400},
		"two comments":          {postTo(apply+"?comment=a&comment=b", asYAML, `x`), 400},
		"a comment of 2 lines":  {postTo(apply+"?comment=a%0ab", asYAML, `x`), 400},
		"a comment that steers": {postTo(back, asJSON, `{"version":"`+headID+`","comment":"\u202e"}`), 400},
		"a long comment":        {postTo(resolve, asJSON, `{"take":"west","comment":"`+strings.Repeat("x", version.MaxComment+1)+`"}`), 400},
		"a name that steers":    {postTo(apply+"?file=%1b", asYAML, `x`), 400},
		"from nowhere":          {postTo(apply+"?from=here", asYAML, `x`), 400},
		"from everywhere":       {postTo(apply, asJSON, `{"document":"x","from":[`+strings.TrimSuffix(many, ",")+`]}`), 400},
		"back to nothing":       {postTo(back, asJSON, `{}`), 400},
		"back to the head":      {postTo(back, asJSON, `{"version":"head"}`), 400},
		"back to a short name":  {postTo(back, asJSON, `{"version":"01234"}`), 400},
		"back to a long name":   {postTo(back, asJSON, `{"version":"`+headID+`0"}`), 400},
		"back to no name":       {postTo(back, asJSON, `{"version":"../../etc"}`), 400},
		"back with a document":  {postTo(back, asJSON, `{"version":"`+headID+`","document":"x"}`), 400},
		"a resolution of whom":  {postTo(resolve, asJSON, `{}`), 400},
		"of a version":          {postTo(resolve, asJSON, `{"take":"east","version":"`+headID+`"}`), 400},
		"a wrong document":      {postTo(if_, asYAML, "sever: {}\nsever: {}\n"), 422},
		"a wrong version":       {postTo(if_, asYAML, "version: me\n"), 400},
		"a long document":       {fmt.Sprintf("POST %s HTTP/1.1\r\nHost: lessor\r\n%sContent-Length: %d\r\n\r\n", apply, asYAML, maxDocument+1), 413},
		"show nothing":          {"GET /api/v1/config/versions/xyz HTTP/1.1\r\nHost: lessor\r\n\r\n", 400},
		"a history without end": {"GET /api/v1/config/history?limit=0 HTTP/1.1\r\nHost: lessor\r\n\r\n", 400},
		"or too long":           {"GET /api/v1/config/history?limit=1000000 HTTP/1.1\r\nHost: lessor\r\n\r\n", 400},
		"a diff of what":        {"GET /api/v1/config/diff?a=north HTTP/1.1\r\nHost: lessor\r\n\r\n", 400},
		"a parameter":           {"GET /api/v1/config?x=1 HTTP/1.1\r\nHost: lessor\r\n\r\n", 400},
		"a cause":               {"GET /api/v1/stale?cause=none HTTP/1.1\r\nHost: lessor\r\n\r\n", 400},
		"less than nothing":     {"GET /api/v1/stale?limit=-1 HTTP/1.1\r\nHost: lessor\r\n\r\n", 400},
		"rehome what":           {postTo("/api/v1/rehome", asJSON, `{"to":"east"}`), 400},
		"rehome where":          {postTo("/api/v1/rehome", asJSON, `{"address":"10.0.0.1"}`), 400},
	} {
		resp, body := raw(t, c, test.request)
		if resp.StatusCode != test.status || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %s, want %d", name, resp.StatusCode, body, test.status)
		}
	}
	if len(v.told) > 0 {
		t.Errorf("the node was told %+v", v.told)
	}
}

func TestAServerWithoutVersionsSaysSo(t *testing.T) {
	c := serve(t, New(&fake{}, quiet))
	_, apply := c.ConfigApply(t.Context(), node.ApplyRequest{Document: []byte("x")})
	_, show := c.ConfigShow(t.Context(), "")
	_, config := c.Config(t.Context())
	_, drift := c.Drift(t.Context(), "", nil)
	for _, err := range []error{apply, show, config, drift, rehome0(t, c)} {
		if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusNotImplemented || p.Remedy == "" {
			t.Errorf("%+v", err)
		}
	}
	if st, err := c.Status(t.Context()); err != nil || st.Config.Group != nil {
		t.Errorf("%+v, %v", st, err)
	}
}

// rehome0 is a Rehome whose answer is not looked at.
func rehome0(t *testing.T, c *Client) error {
	t.Helper()
	_, err := c.Rehome(t.Context(), netip.MustParseAddr("10.0.0.1"), "east")
	return err
}

func TestOnlySoManyChangesAreUnderWay(t *testing.T) {
	v := aVersioned()
	s := New(v, quiet)
	c := serve(t, s)
	for range maxChanges {
		s.changes <- struct{}{}
	}
	_, err := c.ConfigApply(t.Context(), node.ApplyRequest{Document: []byte("x")})
	if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusServiceUnavailable {
		t.Errorf("%v", err)
	}
}

func TestWhoConnectedIsKnownOfASocketAlone(t *testing.T) {
	if got := authorOf(t.Context()); got != "unknown" {
		t.Errorf("got %q", got)
	}
	ctx := context.WithValue(t.Context(), uidKey{}, uint32(3999999999))
	if got := authorOf(ctx); got != "uid:3999999999" {
		t.Errorf("got %q", got)
	}
}

func FuzzDocumentRequests(f *testing.F) {
	f.Add("/api/v1/config/apply", "application/yaml", []byte("version: x\n"))
	f.Add("/api/v1/config/what-if", "application/json", []byte(`{"document":"a","from":["::1"]}`))
	f.Add("/api/v1/config/rollback", "application/json", []byte(`{"version":"0123456789"}`))
	f.Add("/api/v1/config/apply?yes=1&comment=%ff", "text/yaml; charset=utf-8", []byte{0xff, 0})
	h := New(aVersioned(), quiet).Handler()
	f.Fuzz(func(t *testing.T, path, kind string, body []byte) {
		r, err := http.NewRequest(http.MethodPost, "http://lessor"+path, bytes.NewReader(body))
		if err != nil || !strings.HasPrefix(r.URL.Path, "/api/v1/config/") {
			return
		}
		r.Header.Set("Content-Type", kind)
		w := &recorder{header: http.Header{}}
		h.ServeHTTP(w, r)
		if w.status >= 500 {
			t.Errorf("%s: %d %s", path, w.status, w.body.Bytes())
		}
	})
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(s int)           { w.status = s }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }
func (w *recorder) Flush()                      {}
