package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// Config returns the head and how the configuration stands. Errors of this and what follows: *NoServerError, *Problem, whose
// Unwrap is what node.Configurer returned, or that of ctx.
func (c *Client) Config(ctx context.Context) (a ConfigAnswer, err error) {
	return a, c.get(ctx, "/api/v1/config", nil, &a)
}

// ConfigStatus does what node.Configurer's does, as do those that follow.
func (c *Client) ConfigStatus(ctx context.Context) (st node.GroupConfigStatus, err error) {
	return st, c.get(ctx, "/api/v1/config/status", nil, &st)
}

// ConfigShow returns a version whole.
func (c *Client) ConfigShow(ctx context.Context, id string) (v node.VersionShown, err error) {
	if id == "" {
		id = Head
	}
	return v, c.get(ctx, "/api/v1/config/versions/"+id, nil, &v)
}

// ConfigHistory calls each with up to limit versions, the latest first, until each returns an error, which ConfigHistory returns.
func (c *Client) ConfigHistory(ctx context.Context, limit int, each func(node.VersionRow) error) error {
	return lines(ctx, c, "/api/v1/config/history", map[string][]string{"limit": {strconv.Itoa(limit)}}, each)
}

// ConfigDiff returns what differs from a to b.
func (c *Client) ConfigDiff(ctx context.Context, a, b string) ([]version.Change, error) {
	var d ConfigDifference
	return d.Changes, c.get(ctx, "/api/v1/config/diff", map[string][]string{"a": {a}, "b": {b}}, &d)
}

// ConfigApply makes a document the next version. Author is not sent: the server knows who asks.
func (c *Client) ConfigApply(ctx context.Context, r node.ApplyRequest) (a node.Applied, err error) {
	c = c.slowly()
	resp, err := c.carryDocument(ctx, "/api/v1/config/apply", &r)
	if err != nil {
		return a, err
	}
	return a, c.read(resp, &a)
}

// carryDocument sends a command with a document, and returns its answer if it is one. The document is the body, octet for octet: what
// is wrong with it is for the server to say, also where it is no text. The caller closes the answer's body.
func (c *Client) carryDocument(ctx context.Context, path string, r *node.ApplyRequest) (*http.Response, error) {
	q := url.Values{}
	set(q, "file", r.File)
	set(q, "comment", r.Comment)
	if r.Yes {
		q.Set("yes", "true")
	}
	for _, a := range r.From[:min(len(r.From), MaxFrom)] {
		q.Add("from", a.String())
	}
	req, err := c.request(ctx, http.MethodPost, path, q, append([]byte{}, r.Document...))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", yamlTypes[0])
	return c.send(ctx, req)
}

// ConfigRollback makes the next version say what an earlier one does.
func (c *Client) ConfigRollback(ctx context.Context, id string, r node.ApplyRequest) (a node.Applied, err error) {
	q := goingBack{id, r.Comment, r.Yes, r.From[:min(len(r.From), MaxFrom)]}
	return a, c.slowly().post(ctx, "/api/v1/config/rollback", q, &a)
}

// ConfigResolve ends a conflict by what a member's version says.
func (c *Client) ConfigResolve(ctx context.Context, take binding.Member, r node.ApplyRequest) (a node.Applied, err error) {
	q := resolving{take, r.Comment, r.Yes, r.From[:min(len(r.From), MaxFrom)]}
	return a, c.slowly().post(ctx, "/api/v1/config/resolve", q, &a)
}
