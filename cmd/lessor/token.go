package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
)

type tokenCommand struct {
	Create tokenCreateCommand `cmd:"" help:"Make a token, and print it this once."`
	List   tokenListCommand   `cmd:"" help:"List the tokens of this server."`
	Revoke tokenRevokeCommand `cmd:"" help:"End a token, and the sessions that were begun with it."`
}

func (tokenCommand) Help() string {
	return `A token is what a program or a person shows who asks a server over TCP, and what one signs in with on its pages. Each server has its own.`
}

type tokenCreateCommand struct {
	whichServer `embed:""`
	Role        string `required:"" enum:"viewer,operator,administrator" placeholder:"ROLE" help:"What who shows it may do: viewer, operator or administrator."`
	Name        string `placeholder:"TEXT" help:"What it is for, in a line; default: its identifier."`
	Expires     string `default:"90d" placeholder:"DURATION" help:"How long it is good, as in 12h or 90d; at most ten years."`
	JSON        bool   `name:"json" help:"Print one JSON object."`
}

func (tokenCreateCommand) Help() string {
	return `The token is printed this once: the server keeps its digest only. A viewer may look at everything but tokens and the log of changes; an operator may also release and rehome leases, reserve addresses, and say what the partner does; an administrator may do everything.

Examples:

  lessor token create --role viewer --name prometheus --expires 365d
  lessor token create --role operator --json`
}

// Run makes a token.
func (x tokenCreateCommand) Run(ctx context.Context, c *console) error {
	role, err := access.ParseRole(x.Role)
	if err != nil {
		return usageError{err, "lessor token create --help"}
	}
	life, err := parseLife(x.Expires)
	if err != nil {
		return usageError{fmt.Errorf("--expires: %w", err), "lessor token create --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	t, err := client.CreateToken(ctx, role, x.Name, life)
	if err != nil {
		return err
	}
	if x.JSON {
		return c.json(t)
	}
	if _, err = fmt.Fprintln(c.out, t.Token); err != nil {
		return err
	}
	c.note("Token %s is good until %s, and is not shown again.", t.ID, absolute(t.Expires))
	switch {
	case t.API == "":
		c.note("This server listens on no TCP address: write one under server: api: listen, and start it again.")
	case t.Fingerprint != "":
		c.note("Ask by: lessor status --api %s --fingerprint %s", t.API, t.Fingerprint)
	default:
		c.note("Ask by: lessor status --api %s", t.API)
	}
	return nil
}

// parseLife reads how long a token is good: a duration as Go writes it, or in days.
func parseLife(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); err == nil {
			n = min(max(n, 0), 1_000_000)
			d = time.Duration(n) * 24 * time.Hour
			if n > 36500 {
				d = access.MaxLife + 1
			}
		}
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no duration: write it as in 12h or 90d", text)
	case d < access.MinLife || d > access.MaxLife:
		return 0, errors.New("a token is good for a minute at least, and for ten years at most")
	}
	return d, nil
}

type tokenListCommand struct {
	whichServer `embed:""`
	JSON        bool `name:"json" help:"Print one JSON object a line."`
}

func (tokenListCommand) Help() string {
	return `Those that have ended are listed for 30 days more.

Examples:

  lessor token list
  lessor token list --json | jq -r 'select(.role == "administrator") | .id'`
}

// Run lists the tokens.
func (x tokenListCommand) Run(ctx context.Context, c *console) error {
	client, err := x.client()
	if err != nil {
		return err
	}
	all, err := client.Tokens(ctx)
	if err != nil {
		return err
	}
	return c.buffered(func(w *bufio.Writer) error {
		t := table{head: []string{"TOKEN", "NAME", "ROLE", "MADE BY", "MADE", "EXPIRES", "LAST USED"}}
		for _, row := range all {
			if x.JSON {
				if err := writeJSON(w, row); err != nil {
					return err
				}
				continue
			}
			ends := cell{text: when(row.Expires, c.now())}
			if !row.Expires.After(c.now()) {
				ends = cell{"ended", red}
			}
			t.add(cell{row.ID, bold}, cell{text: printable(row.Name)}, cell{text: row.Role}, cell{text: printable(row.By)}, cell{text: when(row.Created, c.now())},
				ends, cell{text: cmp.Or(when(row.LastUsed, c.now()), "-")})
		}
		if len(all) == 0 {
			c.note("no tokens")
			return nil
		}
		if x.JSON {
			return nil
		}
		return t.write(c, w, "")
	})
}

type tokenRevokeCommand struct {
	whichServer `embed:""`
	ID          string `arg:"" name:"token" help:"The identifier of the token, as lessor token list has it; the token itself is taken, too."`
	JSON        bool   `name:"json" help:"Print one JSON object: what the token was."`
}

func (tokenRevokeCommand) Help() string {
	return `It is accepted no more from then on.

Example:

  lessor token revoke k3v7q2mx`
}

// Run ends a token.
func (x tokenRevokeCommand) Run(ctx context.Context, c *console) error {
	id := x.ID
	if parts := strings.Split(id, "_"); len(parts) > 1 { // somebody who has only the token itself is right to be in a hurry
		id = parts[1]
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	t, err := client.RevokeToken(ctx, id)
	if err != nil {
		return err
	}
	if x.JSON {
		return c.json(t)
	}
	_, err = fmt.Fprintf(c.out, "Token %s (%s, %s) is not accepted any more.\n", t.ID, printable(t.Name), t.Role)
	return err
}
