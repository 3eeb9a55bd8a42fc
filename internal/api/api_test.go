package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// fake is a node that answers what a test put into it.
type fake struct {
	mu          sync.Mutex
	status      node.Status
	rows        []node.LeaseRow
	detail      map[netip.Addr]node.LeaseDetail
	err         error // what every question is answered with
	refuses     error // and every command
	explanation policy.Explanation
	cut         int // Leases fails after so many rows; 0: never
	feed        chan node.Event
	asked       chan any // receives the filters
	over        bool     // the feed of events is at its end
}

func (f *fake) Status(context.Context) (node.Status, error) { return f.status, f.err }

func (f *fake) Leases(_ context.Context, lf node.LeaseFilter, each func(node.LeaseRow) error) error {
	f.tell(lf)
	if f.err != nil {
		return f.err
	}
	for i, r := range f.rows {
		if f.cut > 0 && i == f.cut {
			return errors.New("the table is gone")
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) Lease(_ context.Context, a netip.Addr) (node.LeaseDetail, bool, error) {
	d, ok := f.detail[a]
	return d, ok, f.err
}

func (f *fake) Explain(_ context.Context, r node.ExplainRequest) (policy.Explanation, error) {
	f.tell(r)
	return f.explanation, f.err
}

func (f *fake) Events(ctx context.Context, ef node.EventFilter) (<-chan node.Event, error) {
	f.tell(ef)
	out := make(chan node.Event)
	if f.over {
		close(out)
		return out, f.err
	}
	go func() {
		defer close(out)
		for {
			select {
			case e := <-f.feed:
				select {
				case out <- e:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, f.err
}

func (f *fake) tell(filter any) {
	if f.asked != nil {
		f.asked <- filter
	}
}

var quiet = slog.New(slog.DiscardHandler)

// serve runs s on a socket of its own and returns a client of it. Both end with the test.
func serve(t *testing.T, s *Server) *Client {
	t.Helper()
	dir := t.TempDir()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if _, err := os.Lstat(SocketIn(dir)); !os.IsNotExist(err) {
			t.Errorf("the socket is still there after Run: %v", err)
		}
	})
	return NewClient(SocketIn(dir))
}

var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	row  = node.LeaseRow{
		Address: netip.MustParseAddr("198.51.100.50"), State: "active", Hardware: "02:00:00:00:00:01",
		ClientID: "01:02:00:00:00:00:01", Hostname: "phone-1", Starts: node.At(noon), Expires: node.At(noon.Add(time.Hour)),
		PotentialExpiry: node.At(noon.Add(time.Hour)), CLTT: node.At(noon), Network: "floor1", Subnet: "198.51.100.0/24",
		Home: "west", ConfigVersion: "c0ffee", Result: "beef",
	}
)

func TestStatusArrivesAsItWasReported(t *testing.T) {
	f := &fake{status: node.Status{
		Server: "west", Version: "1.2.3", Started: node.At(noon), Uptime: 9,
		Config:     node.ConfigStatus{Head: "c0ffee", Since: node.At(noon)},
		Partners:   []node.PartnerStatus{},
		Interfaces: []node.InterfaceStatus{{Name: "eth0", Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}},
		Pools:      []node.PoolStatus{{Network: "floor1", Subnet: netip.MustParsePrefix("198.51.100.0/24"), Range: "a-b", Size: 3, Free: 3}},
		Alarms:     []node.Alarm{{Code: "disk-full", Severity: node.Critical, Since: node.At(noon)}},
		Received:   map[string]uint64{"DHCPDISCOVER": 1 << 40}, Sent: map[string]uint64{}, Drops: map[string]uint64{"malformed": 2},
		Bindings: map[string]int{"active": 1}, ClassesFailed: []node.ClassFailure{{Class: "pxe", Line: 7, Count: 3, Last: node.At(noon), Error: "3 octets"}},
	}}
	got, err := serve(t, New(f, quiet)).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, f.status) {
		t.Errorf("got %+v\nwant %+v", got, f.status)
	}
}

func TestAnEmptyStatusHasListsAndMapsNotNull(t *testing.T) {
	b, err := AppendJSON(nil, node.Status{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"partners":[]`, `"pools":[]`, `"alarms":[]`, `"interfaces":[]`, `"drops":{}`, `"classes_failed":[]`, `"received":{}`, `"sent":{}`, `"started":null`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

func TestLeaseRowsHaveTheDocumentedKeys(t *testing.T) {
	b, err := AppendJSON(nil, node.LeaseRow{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range strings.Split("address state hardware client_id hostname starts expires potential_expiry cltt network subnet home config_version result", " ") {
		if !strings.Contains(string(b), `"`+key+`":`) {
			t.Errorf("no key %s in %s", key, b)
		}
	}
}

func TestLeasesStreamWholeAndInOrder(t *testing.T) {
	f := &fake{}
	for i := range 5000 { // several pieces
		r := row
		r.Hostname = fmt.Sprint("host-", i)
		f.rows = append(f.rows, r)
	}
	var got []node.LeaseRow
	err := serve(t, New(f, quiet)).Leases(t.Context(), node.LeaseFilter{}, func(r node.LeaseRow) error {
		got = append(got, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, f.rows) {
		t.Errorf("got %d rows, or other ones, want %d", len(got), len(f.rows))
	}
}

func TestAnErrorOfTheCallerEndsTheList(t *testing.T) {
	f := &fake{rows: []node.LeaseRow{row, row, row}}
	enough, n := errors.New("enough"), 0
	err := serve(t, New(f, quiet)).Leases(t.Context(), node.LeaseFilter{}, func(node.LeaseRow) error { n++; return enough })
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("got %v after %d rows, want %v after 1", err, n, enough)
	}
}

func TestAListThatIsCutShortIsNotTakenForWhole(t *testing.T) {
	for cut, says := range map[int]string{1: "the table is gone", 2000: "cut short"} { // before and after a piece is sent
		f := &fake{cut: cut}
		for range cut + 1 {
			f.rows = append(f.rows, row)
		}
		err := serve(t, New(f, quiet)).Leases(t.Context(), node.LeaseFilter{}, func(node.LeaseRow) error { return nil })
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("cut after %d: got %v, want an error that says %q", cut, err, says)
		}
	}
}

func TestFiltersReachTheNode(t *testing.T) {
	f := &fake{asked: make(chan any, 1), feed: make(chan node.Event)}
	c := serve(t, New(f, quiet))
	for _, want := range []node.LeaseFilter{
		{},
		{Client: node.ParseClient("02:00:00:00:00:01"), Prefix: netip.MustParsePrefix("10.0.0.0/8"), State: binding.Expired, Network: "floor 1 & 2"},
		{Client: node.ParseClient("a host?"), Prefix: netip.MustParsePrefix("10.0.0.1/32")},
	} {
		if err := c.Leases(t.Context(), want, func(node.LeaseRow) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if got := <-f.asked; !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	for _, want := range []node.EventFilter{
		{},
		{Level: slog.LevelDebug, Kinds: []node.EventKind{node.LeaseRefused, node.PacketDropped}, Packets: true},
		{Level: slog.LevelError, Address: netip.MustParseAddr("10.0.0.1"), Network: "floor1", Client: node.ParseClient("01:ff")},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		err := c.Events(ctx, want, cancel, func(node.Event) error { return nil })
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if got := <-f.asked; !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestOneLeaseWhole(t *testing.T) {
	d := node.LeaseDetail{LeaseRow: row, Cause: "granted", Told: true, Lifetime: 3600,
		Parameters: []node.ToldParameter{{Name: "lifetime", Layer: "enterprise", Line: 3, Rule: "set"}},
		Facts:      &node.LeaseFacts{Link: "floor1", Options: []node.SaidOption{{Name: "host-name", Code: 12, Value: "phone-1"}}},
		Options:    []node.ToldOption{{SaidOption: node.SaidOption{Name: "routers", Code: 3, Value: []any{"198.51.100.1"}}, Layer: "subnet", Object: "198.51.100.0/24", Line: 12}},
	}
	f := &fake{detail: map[netip.Addr]node.LeaseDetail{row.Address: d}}
	c := serve(t, New(f, quiet))
	got, ok, err := c.Lease(t.Context(), row.Address)
	if err != nil || !ok || !reflect.DeepEqual(got, d) {
		t.Errorf("got %+v, %v, %v\nwant %+v", got, ok, err, d)
	}
	if _, ok, err := c.Lease(t.Context(), netip.MustParseAddr("10.9.9.9")); ok || err != nil {
		t.Errorf("an address without a record: got %v, %v, want false, nil", ok, err)
	}
}

func TestEventsArriveAsTheyHappenAndEndWithTheServer(t *testing.T) {
	f := &fake{feed: make(chan node.Event)}
	dir := t.TempDir()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(f, quiet).Run(ctx, l) }()

	want := node.Event{Time: node.At(noon), Kind: node.LeaseGranted, Level: slog.LevelInfo, Message: "lease granted", Hardware: "02:00:00:00:00:01", Address: row.Address}
	lost := node.Event{Kind: node.EventsLost, Lost: 7}
	var got []node.Event
	err = NewClient(SocketIn(dir)).Events(t.Context(), node.EventFilter{},
		func() { go func() { f.feed <- want; f.feed <- lost }() },
		func(e node.Event) error {
			if got = append(got, e); len(got) == 2 {
				stop()
			}
			return nil
		})
	if _, ok := errors.AsType[*NoServerError](err); !ok {
		t.Errorf("got %v, want a NoServerError", err)
	}
	if !reflect.DeepEqual(got, []node.Event{want, lost}) {
		t.Errorf("got %+v", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// raw sends bytes to the socket and returns what comes back until the server closes or ends an answer.
func raw(t *testing.T, c *Client, request string) (*http.Response, string) {
	t.Helper()
	resp, err := rawRequest(c, request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestBadQuestionsGetAProblemThatSaysWhatIsRight(t *testing.T) {
	c := serve(t, New(&fake{}, quiet))
	for _, test := range []struct {
		request string
		status  int
		says    string
	}{
		{"GET /api/v1/leases?state=sleeping", 400, "states are free, active, expired, released, abandoned"},
		{"GET /api/v1/leases?address=banana", 400, "198.51.100.0/24"},
		{"GET /api/v1/leases?mac=1", 400, "there are address, after, client"},
		{"GET /api/v1/leases?state=free&state=active", 400, "give it once"},
		{"GET /api/v1/leases?client=" + strings.Repeat("a", 1000), 400, "longer than"},
		{"GET /api/v1/leases/banana", 400, "is not an address"},
		{"GET /api/v1/leases/fe80::1%25eth0", 400, "is not an address"},
		{"GET /api/v1/leases/10.0.0.1", 404, "never leased"},
		{"GET /api/v1/status?x=1", 400, "no parameter"},
		{"GET /api/v1/events?kind=party", 400, "lease-granted"},
		{"GET /api/v1/events?level=loud", 400, "debug, info, warn, error"},
		{"GET /api/v1/events?packets=perhaps", 400, "true or false"},
		{"GET /", 404, "/api/v1/status"},
		{"GET /api/v2/status", 404, "/api/v1/status"},
		{"POST /api/v1/status", 405, "GET"},
		{"DELETE /api/v1/leases/10.0.0.1", 405, "GET"},
	} {
		resp, body := raw(t, c, test.request+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if resp.StatusCode != test.status || !strings.Contains(body, test.says) {
			t.Errorf("%s: got %d %s, want %d with %q", test.request, resp.StatusCode, body, test.status, test.says)
		}
		if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%s: Content-Type %q", test.request, ct)
		}
	}
}

func TestABodyIsRefusedUnread(t *testing.T) {
	c := serve(t, New(&fake{}, quiet))
	for _, header := range []string{"Content-Length: 1000000000", "Transfer-Encoding: chunked"} {
		resp, body := raw(t, c, "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n"+header+"\r\n\r\n")
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: got %d %s", header, resp.StatusCode, body)
		}
	}
}

func TestAHugeHeaderIsRefused(t *testing.T) {
	c := serve(t, New(&fake{}, quiet))
	resp, err := rawRequest(c, "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("a", 2*maxHeader)+"\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestStreamsBeyondTheLimitAreRefusedAndStatusIsStillAnswered(t *testing.T) {
	f := &fake{feed: make(chan node.Event)}
	c := serve(t, New(f, quiet))
	ctx, cancel := context.WithCancel(t.Context())
	var open, ended sync.WaitGroup
	open.Add(maxStreams)
	for range maxStreams {
		ended.Go(func() { c.Events(ctx, node.EventFilter{}, open.Done, func(node.Event) error { return nil }) })
	}
	open.Wait()
	err := c.Events(t.Context(), node.EventFilter{}, nil, func(node.Event) error { return nil })
	p, ok := errors.AsType[*Problem](err)
	if !ok || p.Status != http.StatusServiceUnavailable {
		t.Errorf("one stream too many: got %v, want 503", err)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("status beside full streams: %v", err)
	}
	cancel()
	ended.Wait()
}

func TestAReaderThatDoesNotReadIsCutOff(t *testing.T) {
	f := &fake{asked: make(chan any)}
	r := row
	r.Hostname = strings.Repeat("x", 4000)
	for range 4000 { // more than a socket's buffers hold
		f.rows = append(f.rows, r)
	}
	s := New(f, quiet)
	s.patience = 20 * time.Millisecond
	c := serve(t, s)
	conn, err := net.Dial("unix", c.where)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /api/v1/leases HTTP/1.1\r\nHost: x\r\n\r\n")
	<-f.asked
	deadline := time.After(10 * time.Second)
	for range maxStreams { // all the room is to be had once the reader is cut off
		select {
		case s.streams <- struct{}{}:
		case <-deadline:
			t.Fatal("the stream to a reader that does not read is still there")
		}
	}
}

func TestASilentStreamShowsThatItLives(t *testing.T) {
	s := New(&fake{feed: make(chan node.Event)}, quiet)
	s.beat = time.Millisecond
	c := serve(t, s)
	for _, test := range []struct{ accept, begins string }{{"text/event-stream", ":\n"}, {"*/*", "\n"}} {
		resp, err := rawRequest(c, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAccept: "+test.accept+"\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, len(test.begins))
		if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != test.begins {
			t.Errorf("%s: got %q, %v, want %q", test.accept, b, err, test.begins)
		}
		resp.Body.Close()
	}
}

func TestServerSentEventsAreFramed(t *testing.T) {
	f := &fake{feed: make(chan node.Event, 1)}
	f.feed <- node.Event{Kind: node.ServerReady, Message: "ready"}
	c := serve(t, New(f, quiet))
	resp, err := rawRequest(c, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/html, text/event-stream;q=0.9\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	want := `data: {"time":null,"kind":"ready","level":"INFO","message":"ready"}` + "\n\n"
	b := make([]byte, len(want))
	if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != want {
		t.Errorf("got %q, %v, want %q", b, err, want)
	}
	if ct := resp.Header.Get("Content-Type"); ct != eventStream {
		t.Errorf("Content-Type %q", ct)
	}
}

func TestAFailingNodeIsAProblemNotACrash(t *testing.T) {
	c := serve(t, New(&fake{err: errors.New("stopping")}, quiet))
	for what, err := range map[string]error{
		"status": func() error { _, err := c.Status(t.Context()); return err }(),
		"leases": c.Leases(t.Context(), node.LeaseFilter{}, nil),
		"lease":  func() error { _, _, err := c.Lease(t.Context(), row.Address); return err }(),
		"events": c.Events(t.Context(), node.EventFilter{}, nil, nil),
	} {
		if p, ok := errors.AsType[*Problem](err); !ok || p.Status != 500 || p.Detail != "stopping" {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func (f *fake) PartnerDown(_ context.Context, r node.PartnerDownRequest) error {
	f.tell(r)
	return f.refuses
}

func (f *fake) Maintenance(_ context.Context, on bool) error {
	f.tell(on)
	return f.refuses
}
