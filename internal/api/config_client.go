package api

import (
	"context"
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
	return a, c.slowly().post(ctx, "/api/v1/config/apply", changeOf(r), &a)
}

// ConfigRollback makes the next version say what an earlier one does.
func (c *Client) ConfigRollback(ctx context.Context, id string, r node.ApplyRequest) (a node.Applied, err error) {
	q := changeOf(r)
	q.Document, q.File, q.Version = "", "", id
	return a, c.slowly().post(ctx, "/api/v1/config/rollback", q, &a)
}

// ConfigResolve ends a conflict by what a member's version says.
func (c *Client) ConfigResolve(ctx context.Context, take binding.Member, r node.ApplyRequest) (a node.Applied, err error) {
	q := changeOf(r)
	q.Document, q.File, q.Take = "", "", take
	return a, c.slowly().post(ctx, "/api/v1/config/resolve", q, &a)
}

func changeOf(r node.ApplyRequest) *change {
	return &change{Document: string(r.Document), File: r.File, Comment: r.Comment, Yes: r.Yes, From: r.From[:min(len(r.From), MaxFrom)]}
}
