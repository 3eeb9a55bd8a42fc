package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type auditCommand struct {
	whichServer `embed:""`
	Since       string `placeholder:"WHEN" help:"Only what was written since then: a time as 2026-11-22T12:00:00Z, or how long ago, as 12h or 7d."`
	Follow      bool   `help:"Go on with what is written from now on, until you interrupt it."`
	Verify      bool   `help:"Say whether the log holds together, instead of what is in it."`
	Hash        string `placeholder:"HASH" help:"With --verify: the record with this hash, noted earlier, must be there still."`
	JSON        bool   `name:"json" help:"Print one JSON object a line."`
}

func (auditCommand) Help() string {
	return `Every change that somebody asked this server for: who, from where, when, what, and what became of it. What is begun is written before it is done, and again with its outcome. The log is only ever added to, and each line has the digest of the one before: --verify names what was changed, taken out or put in between. To know also whether its end was cut off, note the hash that --verify prints, elsewhere, and ask for it later by --hash.

Examples:

  lessor audit --since 24h
  lessor audit --follow
  lessor audit --verify
  lessor audit --json | jq -r 'select(.what == "config apply") | .who'`
}

// Run shows the log, or what holds of it.
func (x auditCommand) Run(ctx context.Context, c *console) error {
	since, err := parseSince(x.Since, c.now())
	if err == nil && x.Hash != "" && !x.Verify {
		err = errors.New("--hash goes with --verify")
	}
	if err == nil && x.Verify && (x.Follow || x.Since != "") {
		err = errors.New("--verify looks at the whole log: leave --since and --follow out")
	}
	if err != nil {
		return usageError{err, "lessor audit --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	if x.Verify {
		v, err := client.VerifyAudit(ctx, x.Hash)
		if err != nil {
			return err
		}
		return x.verdict(c, v)
	}
	q := access.Query{Since: since}
	if x.Follow {
		err := client.Audit(ctx, q, true, func(r access.Record) error { return x.write(c, c.out, r) })
		if ctx.Err() != nil {
			return nil // interrupted: that is how it ends
		}
		return err
	}
	return c.buffered(func(w *bufio.Writer) error {
		none := true
		err := client.Audit(ctx, q, false, func(r access.Record) error {
			none = false
			return x.write(c, w, r)
		})
		if err == nil && none {
			c.note("no changes")
		}
		return err
	})
}

// parseSince reads a time, or how long ago it was.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if d, err := parseLife(text); err == nil {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("--since: %q is neither a time as 2026-11-22T12:00:00Z nor a duration as 12h or 7d", text)
}

func (x auditCommand) write(c *console, w io.Writer, r access.Record) error {
	if x.JSON {
		return writeJSON(w, r)
	}
	_, err := io.WriteString(w, recordText(c, r))
	return err
}

var outcomeStyles = map[string]style{access.Begun: dim, access.Done: green, access.Refused: yellow, access.Failed: red}

// recordText returns a record as a line, and what it says beyond that as indented ones.
func recordText(c *console, r access.Record) string {
	var b strings.Builder
	who := printable(r.Who)
	if r.Role != "" {
		who += " (" + printable(r.Role) + ")"
	}
	if r.From != "" {
		who += " from " + printable(r.From)
	}
	fmt.Fprintf(&b, "%s %s %s  %s", c.paint(dim, fmt.Sprintf("%6d", r.Seq)), c.paint(dim, absolute(node.At(r.Time))),
		c.paint(outcomeStyles[r.Outcome], fmt.Sprintf("%-7s", printable(r.Outcome))), c.paint(bold, printable(r.What)))
	if r.Object != "" {
		b.WriteString(" " + printable(r.Object))
	}
	b.WriteString("  " + who)
	if r.Of != 0 {
		fmt.Fprintf(&b, "  %s", c.paint(dim, fmt.Sprintf("of %d", r.Of)))
	}
	b.WriteByte('\n')
	for _, more := range []struct{ word, text string }{
		{"asked", string(r.Request)}, {"before", string(r.Before)}, {"after", string(r.After)}, {"version", r.Version}, {"because", r.Detail},
	} {
		if more.text != "" && (r.Outcome != access.Begun || more.word == "asked") {
			fmt.Fprintf(&b, "       %s %s\n", c.paint(dim, more.word), shown(more.text))
		}
	}
	return b.String()
}

// verdict shows what holds of the log. What does not is a no.
func (x auditCommand) verdict(c *console, v access.Verdict) error {
	if x.JSON {
		if err := c.json(v); err != nil {
			return err
		}
	} else {
		for _, w := range v.Wrong {
			c.note("%s", shown(w))
		}
		says := "no record yet"
		if v.Records > 0 {
			says = fmt.Sprintf("%s, %d to %d. The newest has the hash %s", count(int(v.Records), "record"), v.First, v.Last, printable(v.Hash))
		}
		if _, err := fmt.Fprintln(c.out, says); err != nil {
			return err
		}
		if len(v.Wrong) == 0 {
			c.note("the log holds together")
		}
	}
	if len(v.Wrong) > 0 {
		return errNo
	}
	return nil
}
