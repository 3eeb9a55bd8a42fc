package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
)

// trailAsked are the parameters of GET /audit.
type trailAsked struct {
	Since  string `query:"since" maxLength:"40" doc:"Only what was written at that time or later." example:"2026-11-22T12:00:00Z"`
	After  uint64 `query:"after" doc:"Only what has a higher number." example:"41"`
	Follow bool   `query:"follow" doc:"Go on with what is written from now on, until either side ends it."`
	FormatAsked
}

// verifyAsked are the parameters of GET /audit/verify.
type verifyAsked struct {
	Hash string `query:"hash" maxLength:"64" doc:"A record's hash that was noted elsewhere: that record must be there still."`
}

// toldRecord is a line of the log as a stream has it.
type toldRecord struct{ access.Record }

// Name returns the record's number, for who comes again.
func (t toldRecord) Name() string { return strconv.FormatUint(t.Seq, 10) }

func (a *surface) addTrail() {
	s := a.server
	askStream[access.Record](a, operation{method: http.MethodGet, path: base + "audit", id: "audit", tag: tagAccess, role: access.Administrator, room: s.streams, fails: []int{501},
		summary: "The log of changes", about: "Who changed what, from where, and what it was before and after, the oldest first; of what is kept in this server. As `lessor audit --json`."}, finite, s.trail)
	ask(a, operation{method: http.MethodGet, path: base + "audit/verify", id: "audit-verify", tag: tagAccess, role: access.Administrator, room: s.compares, fails: []int{501},
		summary: "Whether the log of changes holds together", about: "Each record has the digest of the one before: what was changed, taken out or put in between is named. As `lessor audit --verify`."},
		func(_ context.Context, in *verifyAsked) (access.Verdict, error) {
			who, err := s.admitting()
			if err != nil {
				return access.Verdict{}, err
			}
			return access.Verify(who.dir, in.Hash)
		})
}

// trail streams the log.
func (s *Server) trail(ctx context.Context, in *trailAsked, t *stream) error {
	who, err := s.admitting()
	if err != nil {
		return err
	}
	if who.Trail == nil {
		return cannotRecord(who.Why)
	}
	q := access.Query{After: in.After}
	if in.Since != "" {
		if q.Since, err = time.Parse(time.RFC3339, in.Since); err != nil {
			return badRequest("since: %.100q is no time: write it as in 2026-11-22T12:00:00Z", in.Since)
		}
	}
	ticker := time.NewTicker(s.beat)
	defer ticker.Stop()
	for {
		grown := who.Trail.Grown()
		err := who.Trail.Read(q, func(r access.Record) error {
			q.After = r.Seq
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return t.add(toldRecord{r})
		})
		if err != nil || !in.Follow {
			return err
		}
		if err := t.flush(); err != nil {
			return err
		}
		select {
		case <-grown:
		case <-ticker.C:
			if err := t.beat(); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Audit calls each with every record of the log that q lets through, the oldest first, and, if follow is true, with what is written from then on,
// until each returns an error, which Audit returns, or ctx ends.
func (c *Client) Audit(ctx context.Context, q access.Query, follow bool, each func(access.Record) error) error {
	v := url.Values{}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339))
	}
	if q.After > 0 {
		v.Set("after", strconv.FormatUint(q.After, 10))
	}
	if !follow {
		return lines(ctx, c, base+"audit", v, each)
	}
	v.Set("follow", "true")
	resp, err := c.ask(ctx, base+"audit", v)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	ended, err := eachLine(resp.Body, each)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case ended && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)):
		return &NoServerError{Socket: c.where, Remedy: "the server stopped", Err: err}
	}
	return err
}

// VerifyAudit says whether the server's log holds together, and whether it has the record with that hash, if one is named.
func (c *Client) VerifyAudit(ctx context.Context, hash string) (v access.Verdict, err error) {
	q := url.Values{}
	set(q, "hash", hash)
	return v, c.slowly().get(ctx, base+"audit/verify", q, &v)
}
