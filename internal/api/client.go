package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// maxLine is the longest line of a stream, and maxAnswer the longest answer that is not one, in octets.
const (
	maxLine   = 1 << 20
	maxAnswer = 64 << 20
)

// dialTime is how long a connection to another machine may take.
const dialTime = 10 * time.Second

// Client asks a server through its socket, over TCP, or in its own process. It is safe for concurrent use.
type Client struct {
	where string // the socket's path, or the base of its addresses: what is said where it does not answer
	base  string
	token string
	http  http.Client
	slow  http.Client // for what may take as long as a change of the configuration
}

// NewClient returns a Client of the server whose socket is at path. It connects when it is asked something.
func NewClient(path string) *Client {
	var d net.Dialer
	return newClient(path, "http://lessor", func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) }, nil)
}

// NewRemote returns a Client of the server at base, as https://dhcp.example:8067, that shows a token. trust says whom a server's certificate
// must come from; nil: from whom the system trusts.
func NewRemote(base *url.URL, token string, trust *tls.Config) *Client {
	d := net.Dialer{Timeout: dialTime}
	c := newClient(base.Redacted(), strings.TrimSuffix(base.Scheme+"://"+base.Host+base.EscapedPath(), "/"), d.DialContext, trust)
	c.token = token
	return c
}

// NewInProcess returns a Client of a server in this process, whose Handler h is. What it asks is asked by id.
func NewInProcess(h http.Handler, id access.Identity) *Client {
	c := &Client{where: "this server", base: "http://lessor", http: http.Client{Transport: InProcess(h, id)}}
	c.slow = c.http
	return c
}

func newClient(where, base string, dial func(ctx context.Context, network, addr string) (net.Conn, error), trust *tls.Config) *Client {
	transport := func(patience time.Duration) http.Client {
		return http.Client{CheckRedirect: notElsewhere, Transport: &http.Transport{
			DialContext:           dial,
			TLSClientConfig:       trust,
			TLSHandshakeTimeout:   dialTime,
			ResponseHeaderTimeout: patience,
			DisableCompression:    true,
			MaxIdleConns:          1,
			IdleConnTimeout:       time.Second,
		}}
	}
	return &Client{where: where, base: base, http: transport(answerTime), slow: transport(changeTime)}
}

// notElsewhere keeps a token from being shown to another server.
func notElsewhere(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// slowly returns a Client of the same server that waits as long for an answer as a change of the configuration may take.
func (c *Client) slowly() *Client {
	return &Client{where: c.where, base: c.base, token: c.token, http: c.slow, slow: c.slow}
}

// NoServerError says that no server answers at a socket, and what to do about it.
type NoServerError struct {
	Socket string
	Remedy string
	Err    error
}

func (e *NoServerError) Error() string {
	if distrusted(e.Err) {
		return "the server on " + e.Socket + " is not believed: " + e.Remedy
	}
	return "no server answers on " + e.Socket + ": " + e.Remedy
}

func (e *NoServerError) Unwrap() error { return e.Err }

// noServer returns err with what an operator can do about it.
func (c *Client) noServer(err error) error {
	e := &NoServerError{Socket: c.where, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Remedy = "is `lessor serve` running? If its data directory is another one, give --config FILE or --socket PATH"
	case errors.Is(err, fs.ErrPermission):
		e.Remedy = "you may not open it: ask as the user that the server runs as, or as root (sudo)"
	case strings.HasPrefix(c.where, "http"):
		e.Remedy = remoteRemedy(err)
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Remedy = "the server that made the socket is gone: start `lessor serve`, and see its log for why it ended"
	default:
		e.Remedy = err.Error()
	}
	return e
}

// Status returns what node.Reporter's Status does. Errors: *NoServerError, *Problem, or that of ctx.
func (c *Client) Status(ctx context.Context) (node.Status, error) {
	var st node.Status
	return st, c.get(ctx, "/api/v1/status", nil, &st)
}

// Lease returns what node.Reporter's Lease does.
func (c *Client) Lease(ctx context.Context, addr netip.Addr) (node.LeaseDetail, bool, error) {
	var d node.LeaseDetail
	err := c.get(ctx, "/api/v1/leases/"+url.PathEscape(addr.String()), nil, &d)
	if p, ok := errors.AsType[*Problem](err); ok && p.Status == http.StatusNotFound {
		return d, false, nil
	}
	return d, err == nil, err
}

// Explain returns what node.Reporter's Explain does; what is wrong with r is a *Problem.
func (c *Client) Explain(ctx context.Context, r node.ExplainRequest) (policy.Explanation, error) {
	var x policy.Explanation
	return x, c.get(ctx, "/api/v1/explain", explainQuery(r), &x)
}

// Leases calls each with every binding that f lets through, in no particular order, until each returns an error,
// which Leases returns.
func (c *Client) Leases(ctx context.Context, f node.LeaseFilter, each func(node.LeaseRow) error) error {
	return lines(ctx, c, "/api/v1/leases", leaseQuery(f), each)
}

// Events calls each with every event that f lets through, until each returns an error, which Events returns, or ctx
// ends. A server that stops ends it with a *NoServerError. begun, if not nil, is called once nothing is missed any more.
func (c *Client) Events(ctx context.Context, f node.EventFilter, begun func(), each func(node.Event) error) error {
	return c.EventsAfter(ctx, f, "", begun, each)
}

// EventsAfter is Events, but begins with what happened after the event of that id and is still kept; "0": with all that is kept.
func (c *Client) EventsAfter(ctx context.Context, f node.EventFilter, after string, begun func(), each func(node.Event) error) error {
	q := eventQuery(f)
	set(q, "after", after)
	resp, err := c.ask(ctx, "/api/v1/events", q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if begun != nil {
		begun()
	}
	ended, err := eachLine(resp.Body, each)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case ended && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)):
		return &NoServerError{Socket: c.where, Remedy: "the server stopped", Err: err}
	}
	return err
}

func (c *Client) get(ctx context.Context, path string, q url.Values, into any) error {
	resp, err := c.ask(ctx, path, q)
	if err != nil {
		return err
	}
	return c.read(resp, into)
}

// read reads an answer that is no stream, and ends it.
func (c *Client) read(resp *http.Response, into any) error {
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.where, err)
	}
	return nil
}

// lines reads a stream that has an end.
func lines[T any](ctx context.Context, c *Client, path string, q url.Values, each func(T) error) error {
	resp, err := c.ask(ctx, path, q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	ended, err := eachLine(resp.Body, each)
	if ended && err != nil {
		return fmt.Errorf("the answer of %s was cut short: %w", c.where, err)
	}
	return err
}

// eachLine calls each with every line until each returns an error, which is returned with ended false, or the stream
// ends: then ended is true and the error is why, nil if it ended in order.
func eachLine[T any](r io.Reader, each func(T) error) (ended bool, err error) {
	return eachLineOf(r, maxLine, each)
}

// eachLineOf is eachLine for lines of at most so many octets.
func eachLineOf[T any](r io.Reader, most int, each func(T) error) (ended bool, err error) {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, flushAt), most)
	for s.Scan() {
		if len(s.Bytes()) == 0 { // a sign of life
			continue
		}
		var v T
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			return true, err
		}
		if err := each(v); err != nil {
			return false, err
		}
	}
	return true, s.Err()
}

// ask sends one question and returns the answer if it is one. The caller closes its body.
func (c *Client) ask(ctx context.Context, path string, q url.Values) (*http.Response, error) {
	req, err := c.request(ctx, http.MethodGet, path, q, nil)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, req)
}

// request returns a request; path is spelt as in an address.
func (c *Client) request(ctx context.Context, method, path string, q url.Values, body []byte) (*http.Request, error) {
	u := c.base + path
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u, r)
	if err == nil && c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, err
}

// send sends a request and returns the answer if it is one. The caller closes its body.
func (c *Client) send(ctx context.Context, req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		return nil, c.noServer(err)
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated {
		return resp, nil
	}
	defer resp.Body.Close()
	p := &Problem{Status: resp.StatusCode, Title: resp.Status}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(p); err != nil {
		p.Detail = fmt.Sprintf("%s answered %s", c.where, resp.Status)
	}
	return nil, p
}
