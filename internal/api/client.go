package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// maxLine is the longest line of a stream, and maxAnswer the longest answer that is not one, in octets.
const (
	maxLine   = 1 << 20
	maxAnswer = 64 << 20
)

// Client asks a server through its socket. It is safe for concurrent use.
type Client struct {
	socket string
	http   http.Client
}

// NewClient returns a Client of the server whose socket is at path. It connects when it is asked something.
func NewClient(path string) *Client { return newClient(path, answerTime) }

func newClient(path string, patience time.Duration) *Client {
	var d net.Dialer
	return &Client{socket: path, http: http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", path)
		},
		ResponseHeaderTimeout: patience,
		DisableCompression:    true,
		MaxIdleConns:          1,
		IdleConnTimeout:       time.Second,
	}}}
}

// slowly returns a Client of the same server that waits as long for an answer as a change of the configuration may take.
func (c *Client) slowly() *Client { return newClient(c.socket, changeTime) }

// NoServerError says that no server answers at a socket, and what to do about it.
type NoServerError struct {
	Socket string
	Remedy string
	Err    error
}

func (e *NoServerError) Error() string { return "no server answers on " + e.Socket + ": " + e.Remedy }

func (e *NoServerError) Unwrap() error { return e.Err }

// noServer returns err with what an operator can do about it.
func (c *Client) noServer(err error) error {
	e := &NoServerError{Socket: c.socket, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Remedy = "is `lessor serve` running? If its data directory is another one, give --config FILE or --socket PATH"
	case errors.Is(err, fs.ErrPermission):
		e.Remedy = "you may not open it: ask as the user that the server runs as, or as root (sudo)"
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
	resp, err := c.ask(ctx, "/api/v1/events", eventQuery(f))
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
		return &NoServerError{Socket: c.socket, Remedy: "the server stopped", Err: err}
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
		return fmt.Errorf("reading the answer of %s: %w", c.socket, err)
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
		return fmt.Errorf("the answer of %s was cut short: %w", c.socket, err)
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
	u := url.URL{Scheme: "http", Host: "lessor", Path: path, RawQuery: q.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, req)
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
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	p := &Problem{Status: resp.StatusCode, Title: resp.Status}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(p); err != nil {
		p.Detail = fmt.Sprintf("%s answered %s", c.socket, resp.Status)
	}
	return nil, p
}
