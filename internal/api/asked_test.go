package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// steward is a node that shows what was, and on which single leases and hosts are changed.
type steward struct {
	versions
	page    node.LeasePage
	past    node.LeaseHistory
	host    map[string]node.HostRow
	after   node.EventID
	refused error
}

func (s *steward) FindLeases(_ context.Context, q node.LeaseQuery, each func(node.FoundLease) error) error {
	s.note(q)
	for _, l := range s.page.Leases {
		if err := each(l); err != nil {
			return err
		}
	}
	return s.refused
}

func (s *steward) LeasePage(_ context.Context, q node.LeaseQuery) (node.LeasePage, error) {
	s.note(q)
	return s.page, s.refused
}

func (s *steward) AddressHistory(_ context.Context, a netip.Addr, limit int) (node.LeaseHistory, error) {
	s.note(fmt.Sprint(a, limit))
	return s.past, s.refused
}

func (s *steward) ClientHistory(_ context.Context, a netip.Addr, _ int) (node.LeaseHistory, bool, error) {
	return s.past, a == row.Address, s.refused
}

func (s *steward) Timeline(context.Context) (node.Timeline, error) { return node.Timeline{}, s.refused }

func (s *steward) Rates(_ context.Context, span node.RateSpan) (node.Rates, error) {
	return node.Rates{Step: map[node.RateSpan]int64{node.Seconds: 1, node.Minutes: 60}[span]}, s.refused
}

func (s *steward) PoolTrends(context.Context) ([]node.PoolTrend, error) {
	return []node.PoolTrend{{Verdict: "steady"}}, s.refused
}

func (s *steward) Map(_ context.Context, p netip.Prefix) (node.Map, error) {
	return node.Map{Prefix: p, Cell: 32}, s.refused
}

func (s *steward) EventsAfter(ctx context.Context, f node.EventFilter, after node.EventID) (<-chan node.Event, error) {
	s.after = after
	out := make(chan node.Event, 1)
	out <- node.Event{ID: node.EventID{Epoch: 7, Number: after.Number + 1}, Kind: node.ServerReady}
	close(out)
	return out, s.refused
}

func (s *steward) Release(_ context.Context, a netip.Addr, r node.ReleaseRequest) error {
	s.note(r)
	return s.refused
}

func (s *steward) Hosts(_ context.Context, each func(node.HostRow) error) error {
	for _, h := range s.host {
		if err := each(h); err != nil {
			return err
		}
	}
	return s.refused
}

func (s *steward) Host(_ context.Context, name string) (node.HostRow, bool, error) {
	h, ok := s.host[name]
	return h, ok, s.refused
}

func (s *steward) HostPut(_ context.Context, h node.HostEdit, r node.ApplyRequest) (node.Applied, error) {
	s.note(h)
	s.note(r)
	return s.applied, s.refused
}

func (s *steward) HostDelete(_ context.Context, name, against string, r node.ApplyRequest) (node.Applied, error) {
	s.note(name)
	s.note(against)
	return s.applied, s.refused
}

func aSteward() *steward {
	return &steward{versions: *aVersioned(), host: map[string]node.HostRow{"printer 1/2?": {Name: "printer 1/2?", Options: map[string]string{}}},
		past: node.LeaseHistory{Changes: []node.LeaseChange{{Address: row.Address, Happened: "granted"}}, Before: []node.LeaseChange{}},
		page: node.LeasePage{Leases: []node.FoundLease{{LeaseRow: row, Matched: "hostname"}}, Next: row.Address, Total: 7}}
}

func TestPagesOfLeasesNameTheNext(t *testing.T) {
	s := aSteward()
	c := serve(t, New(s, quiet))
	q := node.LeaseQuery{LeaseFilter: node.LeaseFilter{Network: "floor 1"}, Search: "ph&one", After: netip.MustParseAddr("10.0.0.1"), Limit: 5}
	if page, err := c.LeasePage(t.Context(), q); err != nil || !reflect.DeepEqual(page, s.page) || !reflect.DeepEqual(s.told, []any{q}) {
		t.Errorf("%+v, %v, told %+v", page, err, s.told)
	}
	s.page.Next, s.told = netip.Addr{}, nil
	if page, err := c.LeasePage(t.Context(), node.LeaseQuery{}); err != nil || page.Next.IsValid() || s.told[0].(node.LeaseQuery).Limit != node.DefaultPage {
		t.Errorf("%+v, %v, told %+v", page, err, s.told)
	}
	s.told = nil
	var got []node.FoundLease
	if err := c.FindLeases(t.Context(), node.LeaseQuery{}, func(l node.FoundLease) error { got = append(got, l); return nil }); err != nil || !reflect.DeepEqual(got, s.page.Leases) || len(s.told) != 1 {
		t.Errorf("%+v, %v, told %+v", got, err, s.told)
	}
	s.refused = &node.RequestError{Text: "too long"}
	if _, err := c.LeasePage(t.Context(), q); err == nil || err.Error() != "too long" {
		t.Errorf("%v", err)
	}
}

func TestOnlyTheKeysThatAreAskedForAreTold(t *testing.T) {
	f := &fake{rows: []node.LeaseRow{row}}
	c := serve(t, New(f, quiet))
	for query, want := range map[string]string{
		"fields=hostname,address":            `{"hostname":"phone-1","address":"198.51.100.50"}` + "\n",
		"fields=cltt":                        `{"cltt":"2026-11-22T12:00:00Z"}` + "\n",
		"fields=address,expires&format=csv":  "address,expires\n198.51.100.50,2026-11-22T13:00:00Z\n",
		"fields=address&format=sse":          "data: {\"address\":\"198.51.100.50\"}\n\n",
		"fields=address&format=jsonl":        `{"address":"198.51.100.50"}` + "\n",
		"fields=adress":                      "did you mean address?",
		"fields=address,address":             "twice",
		"fields=":                            `"config_version":"c0ffee"`,
		"format=xml":                         "csv",
		"fields=address&stat=active":         "did you mean state?",
		"fields=" + strings.Repeat("a", 700): "there is no key",
	} {
		if _, body := raw(t, c, "GET /api/v1/leases?"+query+" HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.Contains(body, want) {
			t.Errorf("%s: %s", query, body)
		}
	}
}

func TestCSVIsNoFormulaAndNoCommand(t *testing.T) {
	f := &fake{}
	for _, s := range hostile {
		r := row
		r.Hostname = s
		f.rows = append(f.rows, r)
	}
	for _, s := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"} {
		r := row
		r.Hostname = s
		f.rows = append(f.rows, r)
	}
	c := serve(t, New(f, quiet))
	resp, body := raw(t, c, "GET /api/v1/leases HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(rows) != len(f.rows)+1 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/csv") {
		t.Fatalf("%d rows, %v, %v", len(rows), err, resp.Header)
	}
	at := 0
	for i, name := range rows[0] {
		if name == "hostname" {
			at = i
		}
	}
	for _, r := range rows[1:] {
		if r[0] != "198.51.100.50" || strings.ContainsFunc(r[at], Steers) || strings.ContainsAny(r[at][:min(1, len(r[at]))], "=+-@\t\r") || strings.HasPrefix(r[at], "＝") {
			t.Errorf("%q", r)
		}
	}
	if _, body := raw(t, serve(t, New(&fake{}, quiet)), "GET /api/v1/leases?format=csv HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(body, "address,state,") {
		t.Errorf("no heading of an empty list: %q", body)
	}
}

func TestWhatWasIsShown(t *testing.T) {
	s := aSteward()
	c := serve(t, New(s, quiet))
	if h, err := c.AddressHistory(t.Context(), row.Address, 3); err != nil || !reflect.DeepEqual(h, s.past) || s.told[0] != "198.51.100.50 3" {
		t.Errorf("%+v, %v, %v", h, err, s.told)
	}
	if _, ok, err := c.ClientHistory(t.Context(), row.Address, 3); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if _, ok, err := c.ClientHistory(t.Context(), netip.MustParseAddr("10.0.0.1"), 3); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	for span, step := range map[node.RateSpan]int64{node.Seconds: 1, node.Minutes: 60} {
		if r, err := c.Rates(t.Context(), span); err != nil || r.Step != step {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if p, err := c.PoolTrends(t.Context()); err != nil || len(p) != 1 || p[0].Verdict != "steady" {
		t.Errorf("%+v, %v", p, err)
	}
	if m, err := c.Map(t.Context(), netip.MustParsePrefix("10.0.0.0/24")); err != nil || m.Prefix.String() != "10.0.0.0/24" {
		t.Errorf("%+v, %v", m, err)
	}
	if tl, err := c.Timeline(t.Context()); err != nil || tl.Transitions == nil {
		t.Errorf("%+v, %v", tl, err)
	}
	for _, path := range []string{"map", "map?prefix=here", "rates?span=years", "leases/x/history", "leases/10.0.0.1/history?limit=0", "leases/10.0.0.1/history?limit=5000", "leases/10.0.0.1/history?of=all"} {
		if resp, body := raw(t, c, "GET /api/v1/"+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); resp.StatusCode != 400 {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	old := serve(t, New(&fake{}, quiet))
	for _, err := range []error{
		func() error { _, err := old.Timeline(t.Context()); return err }(),
		func() error { _, err := old.Map(t.Context(), netip.MustParsePrefix("10.0.0.0/24")); return err }(),
		func() error { _, err := old.LeasePage(t.Context(), node.LeaseQuery{}); return err }(),
		old.Hosts(t.Context(), nil),
	} {
		if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusNotImplemented {
			t.Errorf("a node that cannot: %v", err)
		}
	}
}

func TestAReaderThatComesAgainIsToldWhatItMissed(t *testing.T) {
	s := aSteward()
	c := serve(t, New(s, quiet))
	for header, want := range map[string]node.EventID{"Last-Event-ID: 7-41": {Epoch: 7, Number: 41}, "X: y": {}} {
		path := map[bool]string{true: "events", false: "events?after=0"}[strings.HasPrefix(header, "Last")]
		s.after = node.EventID{Epoch: 1}
		_, body := raw(t, c, "GET /api/v1/"+path+" HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"+header+"\r\n\r\n")
		if s.after != want || !strings.HasPrefix(body, fmt.Sprintf("id: 7-%d\ndata: {\"id\":\"7-%d\"", want.Number+1, want.Number+1)) {
			t.Errorf("%s: after %v, %q", header, s.after, body)
		}
	}
	if resp, body := raw(t, c, "GET /api/v1/events?after=yesterday HTTP/1.1\r\nHost: x\r\n\r\n"); resp.StatusCode != 400 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := raw(t, c, "GET /api/v1/events?format=csv HTTP/1.1\r\nHost: x\r\n\r\n"); resp.StatusCode != 400 {
		t.Errorf("what has no end as CSV: %d", resp.StatusCode)
	}
}

// What was made is named by its path (RFC 9110 §15.3.2); what was changed is not made.
func TestWhatIsMadeIsNamedByItsPath(t *testing.T) {
	s := aSteward()
	c := serve(t, New(s, quiet))
	put := strings.Replace(postTo("/api/v1/hosts/printer%201%2F2%3F", asJSON, `{"text":"{}"}`), "POST", "PUT", 1)
	for _, x := range []struct {
		request string
		created bool
		status  int
		at      string
	}{
		{postTo("/api/v1/hosts", asJSON, `{"name":"printer 1/2?","text":"{}"}`), true, 201, "/api/v1/hosts/printer%201%2F2%3F"},
		{put, true, 201, "/api/v1/hosts/printer%201%2F2%3F"},
		{put, false, 200, ""},
	} {
		s.applied.Created = x.created
		resp, body := raw(t, c, x.request)
		if resp.StatusCode != x.status || resp.Header.Get("Location") != x.at || !strings.Contains(body, `"version"`) {
			t.Errorf("%.60q: %d, Location %q, %s; want %+v", x.request, resp.StatusCode, resp.Header.Get("Location"), body, x)
		}
		if x.at == "" {
			continue
		}
		if resp, body := raw(t, c, "GET "+x.at+" HTTP/1.1\r\nHost: x\r\n\r\n"); resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", x.at, resp.StatusCode, body)
		}
	}
}

func TestHostsAreChangedAsVersions(t *testing.T) {
	s := aSteward()
	c := serve(t, New(s, quiet))
	const name = "printer 1/2?"
	if h, ok, err := c.Host(t.Context(), name); err != nil || !ok || h.Name != name {
		t.Errorf("%+v, %v, %v", h, ok, err)
	}
	if _, ok, err := c.Host(t.Context(), "nobody"); err != nil || ok {
		t.Errorf("%v, %v", ok, err)
	}
	n := 0
	if err := c.Hosts(t.Context(), func(node.HostRow) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	r := node.ApplyRequest{Comment: "why", Yes: true, From: []netip.Addr{row.Address}}
	wantR := r
	wantR.Author, wantR.File, wantR.Document = me(t), "host "+name, []byte{}
	for _, edit := range []node.HostEdit{
		{Name: name, Create: true, Hardware: "02:00:00:00:00:07", Address: row.Address, Options: map[string]string{"routers": "[10.0.0.1]"}},
		{Name: name, Text: "{hardware: 02:00:00:00:00:07}"},
		{Name: name, Change: true, Text: "{}"},
		{Name: name, If: headID, ClientID: "01", CircuitID: "a", RemoteID: "b", SubscriberID: "c"},
	} {
		s.told = nil
		if a, err := c.HostPut(t.Context(), edit, r); err != nil || !reflect.DeepEqual(a, s.applied) || !reflect.DeepEqual(s.told, []any{edit, wantR}) {
			t.Errorf("%v; told %+v\nwant %+v", err, s.told, []any{edit, wantR})
		}
	}
	s.told = nil
	if _, err := c.HostDelete(t.Context(), name, headID, r); err != nil || !reflect.DeepEqual(s.told, []any{name, headID}) {
		t.Errorf("%v, told %v", err, s.told)
	}
	s.told = nil
	for request, status := range map[string]int{
		postTo("/api/v1/hosts", asJSON, `{"text":"{}"}`):                                                             400, // no name
		postTo("/api/v1/hosts", asJSON, `{"name":"x","hardwear":"02"}`):                                              400,
		postTo("/api/v1/hosts", asJSON, `{"name":"x","options":{"a":1}}`):                                            400,
		postTo("/api/v1/hosts", asYAML, `x`):                                                                         415,
		postTo("/api/v1/hosts", asJSON, `{"name":"`+strings.Repeat("x", 60000)+`"}`):                                 400,
		postTo("/api/v1/hosts", asJSON, `{"name":"`+strings.Repeat("x", maxHost)+`"}`):                               413,
		postTo("/api/v1/hosts", asJSON+"If-Match: head\r\n", `{"name":"x"}`):                                         400,
		strings.Replace(postTo("/api/v1/hosts", asJSON, `{"name":"x"}`), "POST", "PATCH", 1):                         405,
		strings.Replace(postTo("/api/v1/hosts/x", asJSON, `{"name":"y"}`), "POST", "PUT", 1):                         400,
		"DELETE /api/v1/hosts/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc":                                 413,
		"DELETE /api/v1/hosts/x HTTP/1.1\r\nHost: x\r\nIf-Match: head\r\n\r\n":                                       400,
		"DELETE /api/v1/hosts/x?really=yes HTTP/1.1\r\nHost: x\r\n\r\n":                                              400,
		postTo("/api/v1/leases/10.0.0.1/release", asJSON, `{"reason":"a\u001bb"}`):                                   400,
		postTo("/api/v1/leases/all/release", asJSON, `{}`):                                                           400,
		"POST /api/v1/config/apply HTTP/1.1\r\nHost: x\r\n" + asYAML + "Content-Length: 104857600000\r\n\r\nversion": 413,
	} {
		if resp, body := raw(t, c, request); resp.StatusCode != status {
			t.Errorf("%.200q: %d %s, want %d", request, resp.StatusCode, body, status)
		}
	}
	if len(s.told) > 0 {
		t.Errorf("the node was told %+v", s.told)
	}
}

func TestALeaseIsReleasedByName(t *testing.T) {
	s := aSteward()
	s.detail = map[netip.Addr]node.LeaseDetail{row.Address: {LeaseRow: row}}
	c := serve(t, New(s, quiet))
	if d, err := c.Release(t.Context(), row.Address, "sold"); err != nil || d.Address != row.Address || !reflect.DeepEqual(s.told, []any{node.ReleaseRequest{Reason: "sold", By: me(t)}}) {
		t.Errorf("%+v, %v, %+v", d, err, s.told)
	}
	s.refused = &node.RefusedError{Why: "it is east's", Remedy: "ask east"}
	if _, err := c.Release(t.Context(), row.Address, ""); err == nil || err.Error() != "it is east's\n  → ask east" {
		t.Errorf("%v", err)
	}
}

func TestAMistakeNamesTheWordThatWasMeant(t *testing.T) {
	c := serve(t, New(aVersioned(), quiet))
	for request, says := range map[string]string{
		postTo("/api/v1/partner-down", asJSON, `{"partner":"east","forced":true}`):                       "did you mean force?",
		postTo("/api/v1/partner-down", asJSON, `{"partner":7,"force":"no"}`):                             "body.partner",
		postTo("/api/v1/maintenance", asJSON, `{"on":"yes"}`):                                            "write true or false",
		postTo("/api/v1/maintenance", asJSON, `{"`+strings.Repeat("k", 3000)+`":1,"on":true}`):           "there is no such key",
		"GET /api/v1/config/history?limit=many HTTP/1.1\r\nHost: x\r\n\r\n":                              "write a whole number",
		"GET /api/v1/events?packets=perhaps HTTP/1.1\r\nHost: x\r\n\r\n":                                 "write true or false",
		"GET /api/v1/leases?clinet=x HTTP/1.1\r\nHost: x\r\n\r\n":                                        "did you mean client?",
		"GET /api/v1/leases?state=actve HTTP/1.1\r\nHost: x\r\n\r\n":                                     "did you mean active?",
		"GET /api/v1/leases?client=%zz HTTP/1.1\r\nHost: x\r\n\r\n":                                      "not spelt as in an address",
		"GET /api/v1/leases?" + strings.Repeat("q", 9000) + "=1 HTTP/1.1\r\nHost: x\r\n\r\n":             "there is no parameter",
		postTo("/api/v1/partner-down", asJSON, `{"partner":"`+strings.Repeat("\\u001b", 100)+`","f":1}`): "no such key",
	} {
		_, body := raw(t, c, request)
		var p Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != 400 || !strings.Contains(p.Detail, says) || len(body) > 4096 {
			t.Errorf("%.120q: %s, want %q", request, body, says)
		}
	}
}

func TestHealthIsToldToAnybody(t *testing.T) {
	f := &fake{status: node.Status{Ready: true, Server: "west"}}
	h := New(f, quiet).Handler()
	ask := func(path string) *recorder {
		r, _ := http.NewRequest(http.MethodGet, "http://lessor"+path, nil)
		w := &recorder{header: http.Header{}}
		h.ServeHTTP(w, r)
		return w
	}
	for _, test := range []struct {
		path   string
		change func()
		status int
	}{
		{"/healthz", func() {}, 200}, {"/readyz", func() {}, 200},
		{"/readyz", func() { f.status.Waiting = "for east" }, 503}, {"/healthz", func() {}, 200},
		{"/readyz", func() { f.status.Waiting, f.status.Store.State = "", "full" }, 503},
		{"/readyz", func() { f.status.Store.State, f.status.Ready = "open", false }, 503},
		{"/healthz", func() { f.err = errors.New("secret") }, 503},
		{"/readyz", func() {}, 503},
	} {
		test.change()
		if w := ask(test.path); w.status != test.status || strings.Contains(w.body.String(), "east") || strings.Contains(w.body.String(), "secret") {
			t.Errorf("%s: %d %s, want %d", test.path, w.status, w.body.Bytes(), test.status)
		}
	}
	for _, path := range []string{"/api/v1/status", "/openapi.json", "/metrics", "/api/v1/nothing"} {
		if w := ask(path); w.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, w.status)
		}
	}
}

func TestTheDescriptionIsServed(t *testing.T) {
	c := serve(t, New(&fake{}, quiet))
	resp, body := raw(t, c, "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp.StatusCode != 200 || body != string(description) || !json.Valid(description) {
		t.Errorf("%d, %d octets", resp.StatusCode, len(body))
	}
	if resp, body := raw(t, c, "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n"); resp.StatusCode != 200 || !strings.Contains(body, "openapi: 3.1.0") {
		t.Errorf("%d %.100s", resp.StatusCode, body)
	}
	if resp, body := raw(t, c, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"); resp.StatusCode != 200 || !strings.Contains(body, "lessor_api_requests_total{") {
		t.Errorf("%d %.100s", resp.StatusCode, body)
	}
}

func TestOneIsAskedInItsOwnProcess(t *testing.T) {
	f := &fake{rows: []node.LeaseRow{row, row}, feed: make(chan node.Event), status: node.Status{Server: "west", Alarms: []node.Alarm{}}}
	viewer := access.Identity{Name: "page", Role: access.Viewer, From: "192.0.2.1"}
	c := NewInProcess(New(f, quiet).Handler(), viewer)
	if st, err := c.Status(t.Context()); err != nil || st.Server != "west" {
		t.Errorf("%+v, %v", st, err)
	}
	n := 0
	if err := c.Leases(t.Context(), node.LeaseFilter{}, func(node.LeaseRow) error { n++; return nil }); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	_, err := c.PartnerDown(t.Context(), node.PartnerDownRequest{Partner: "east"})
	if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusForbidden {
		t.Errorf("a viewer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- c.Events(ctx, node.EventFilter{}, func() { go func() { f.feed <- node.Event{Kind: node.ServerReady} }() }, func(node.Event) error { cancel(); return nil })
	}()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	f.cut, f.rows = 1000, append(make([]node.LeaseRow, 0), manyRows(2000)...)
	if err := c.Leases(t.Context(), node.LeaseFilter{}, func(node.LeaseRow) error { return nil }); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("%v", err)
	}
	resp, err := InProcess(New(f, quiet).Handler(), access.Identity{}).RoundTrip(&http.Request{Method: http.MethodGet, URL: mustURL(t, "http://lessor/api/v1/status")})
	if err != nil || resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusUnauthorized {
		t.Fatalf("nobody: %v, %v", resp, err)
	}
	b, _ := io.ReadAll(resp.Body)
	if !bytes.Contains(b, []byte("title")) {
		t.Errorf("%s", b)
	}
}

func manyRows(n int) (rows []node.LeaseRow) {
	for range n {
		rows = append(rows, row)
	}
	return rows
}
