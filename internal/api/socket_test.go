package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// rawRequest sends bytes to the socket of c and returns the answer; its body's Close closes the connection.
func rawRequest(c *Client, request string) (*http.Response, error) {
	conn, err := net.Dial("unix", c.where)
	if err != nil {
		return nil, err
	}
	go fmt.Fprint(conn, request) // the server may answer before it has read it all
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	resp.Body = connBody{resp.Body, conn}
	return resp, nil
}

type connBody struct {
	body interface{ Read([]byte) (int, error) }
	conn net.Conn
}

func (b connBody) Read(p []byte) (int, error) { return b.body.Read(p) }
func (b connBody) Close() error               { return b.conn.Close() }

func TestTheSocketIsTheServersAlone(t *testing.T) {
	dir := t.TempDir()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := os.Stat(SocketIn(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
}

func TestASocketOfADeadServerIsReplaced(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", SocketIn(dir))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	again, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestSomebodysFileIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(SocketIn(dir), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Listen(dir)
	if err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("got %v", err)
	}
	if b, err := os.ReadFile(SocketIn(dir)); string(b) != "precious" {
		t.Errorf("the file now holds %q, %v", b, err)
	}
}

func TestAPathThatIsTooLongSaysSo(t *testing.T) {
	_, err := Listen(filepath.Join(t.TempDir(), strings.Repeat("d", 120)))
	if err == nil || !strings.Contains(err.Error(), "shorter name") {
		t.Errorf("got %v", err)
	}
}

func TestNoServerSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	dead, err := net.Listen("unix", filepath.Join(dir, "dead"))
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	dead.Close()
	for path, says := range map[string]string{
		filepath.Join(dir, "nothing"): "is `lessor serve` running?",
		filepath.Join(dir, "dead"):    "start `lessor serve`",
	} {
		_, err := NewClient(path).Status(t.Context())
		if e, ok := errors.AsType[*NoServerError](err); !ok || !strings.Contains(e.Error(), says) || !strings.Contains(e.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestWhoHoldsConnectionsOfTheSocketKeepsNobodyOut(t *testing.T) {
	c := serve(t, New(&fake{}, quiet))
	for i := range 1000 {
		conn, err := net.Dial("unix", c.where)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: lessor\r\nX-Slow: ")
		}
	}
	for range 5 {
		begun := time.Now()
		if _, err := c.Status(t.Context()); err != nil {
			t.Error(err)
		}
		if waited := time.Since(begun); waited > headerTime*4/5 {
			t.Errorf("answered after %v, when the others had to go in any case", waited)
		}
	}
}

func TestWhatSteersATerminalIsEscapedAndMeansTheSame(t *testing.T) {
	for _, s := range hostile {
		b, err := AppendJSON(nil, node.LeaseRow{Hostname: s})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range string(b) {
			if Steers(r) {
				t.Errorf("%q: %U is in %q", s, r, b)
			}
		}
		var got node.LeaseRow
		if err := json.Unmarshal(b, &got); err != nil || got.Hostname != strings.ToValidUTF8(s, "\ufffd") && !strings.Contains(s, "\xff") {
			t.Errorf("%q: came back as %q, %v", s, got.Hostname, err)
		}
	}
}

var hostile = []string{
	"", "plain", "\x1b]0;owned\a", "\x1b[2J", "\u009b31m", "a\r\nb", "\x00", "\x7f", "\u202egnp.exe", "\u2066x\u2069",
	"\u200b", "\ufeff", "\u2028", "\u2029", "\U000e0041\U000e007f", "\xff\xfe", "\"},{\"", "\\u001b", "<script>alert(1)</script>",
	"=cmd|' /C calc'!A0", "$(reboot)", "`reboot`", "'; drop table leases; --", "日本", "🙂", strings.Repeat("\x1b", 300),
}

func FuzzJSONNeverSteers(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := AppendJSON(nil, s)
		if err != nil {
			t.Fatal(err)
		}
		var was, is string
		plain, _ := json.Marshal(s)
		if json.Unmarshal(plain, &was) != nil || json.Unmarshal(b, &is) != nil || was != is {
			t.Errorf("%q became %q", was, is)
		}
		for _, r := range string(b) {
			if Steers(r) {
				t.Errorf("%U is in %q", r, b)
			}
		}
	})
}

// asking sends a GET through the whole handler and returns the answer.
func asking(h http.Handler, path, query string) *recorder {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}, Body: http.NoBody}
	w := &recorder{header: http.Header{}}
	h.ServeHTTP(w, r.WithContext(access.With(context.Background(), access.Identity{Name: "viewer", Role: access.Viewer})))
	return w
}

// FuzzFilters: any query is refused in words, or means the same when it is asked again.
func FuzzFilters(f *testing.F) {
	for _, s := range []string{"client=02:00:00:00:00:01&state=active", "address=10.0.0.0/8", "kind=nak,conflict&level=warn", "packets=1", "address=::ffff:10.0.0.1", "client=6/02:00", "%zz=1", "a;b=c"} {
		f.Add(s)
	}
	node := &fake{asked: make(chan any, 1), feed: make(chan node.Event), over: true}
	h := New(node, quiet).Handler()
	again := map[string]func(any) url.Values{
		"leases": func(f any) url.Values { return leaseQuery(f.(leaseFilter)) },
		"events": func(f any) url.Values { return eventQuery(f.(eventFilter)) },
	}
	f.Fuzz(func(t *testing.T, query string) {
		for path, back := range again {
			w := asking(h, base+path, query)
			if w.status >= 500 || w.status == http.StatusNotFound {
				t.Fatalf("%s?%q: %d %s", path, query, w.status, w.body.Bytes())
			}
			if w.status != http.StatusOK {
				continue
			}
			was := <-node.asked
			if w := asking(h, base+path, back(was).Encode()); w.status != http.StatusOK {
				t.Fatalf("%s?%q: again %d %s", path, query, w.status, w.body.Bytes())
			}
			if is := <-node.asked; fmt.Sprint(is) != fmt.Sprint(was) {
				t.Errorf("%s?%q: %+v came back as %+v", path, query, was, is)
			}
		}
	})
}

type (
	leaseFilter = node.LeaseFilter
	eventFilter = node.EventFilter
)

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
