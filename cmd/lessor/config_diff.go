package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
)

type configDiffCommand struct {
	whichServer `embed:""`
	A           string `arg:"" complete:"document" help:"The one: head, tip, agreed, partner, at least 6 digits of a version, or a file (- for standard input)."`
	B           string `arg:"" complete:"document" help:"The other one."`
	JSON        bool   `name:"json" help:"Print one JSON object a line, one for each change."`
}

func (configDiffCommand) Help() string {
	return `Shows what differs by the keys of the document, whatever the layout of the two: - is what A says, + what B says. The server: section is the machine's own, and is not looked at. Of two files no server is asked.

A file whose name could be a version's is named with its directory: ./abcdef12.

Examples:

  lessor config diff head campus.yaml
  lessor config diff 0123abcd head
  lessor config diff head partner
  lessor config diff old.yaml new.yaml --json | jq -r .key`
}

// Run shows what differs.
func (x configDiffCommand) Run(ctx context.Context, c *console) error {
	changes, of, err := x.changes(ctx, c)
	if err != nil {
		return err
	}
	return c.buffered(func(w *bufio.Writer) error {
		for i := range changes {
			if !x.JSON {
				writeChange(c, w, "", &changes[i], of)
			} else if err := writeJSON(w, &changes[i]); err != nil {
				return err
			}
		}
		if len(changes) == 0 && !x.JSON {
			c.note("no difference")
		}
		return nil
	})
}

// changes returns what differs, and of what its lines are counted.
func (x configDiffCommand) changes(ctx context.Context, c *console) (all []configversion.Change, of sides, err error) {
	if x.A == "-" && x.B == "-" {
		return nil, of, usageError{fmt.Errorf("only one of the two can be standard input"), "lessor config diff --help"}
	}
	if !isVersionName(x.A) || !isVersionName(x.B) {
		a, err := x.document(ctx, c, x.A)
		if err != nil {
			return nil, of, err
		}
		b, err := x.document(ctx, c, x.B)
		if err != nil {
			return nil, of, err
		}
		return configversion.Diff(a, b), sides{a.File, b.File}, nil
	}
	client, err := x.client()
	if err != nil {
		return nil, of, err
	}
	a, err := x.version(ctx, client, x.A)
	if err != nil {
		return nil, of, err
	}
	b, err := x.version(ctx, client, x.B)
	if err != nil {
		return nil, of, err
	}
	all, err = client.ConfigDiff(ctx, a, b)
	return all, sides{versionSide(a), versionSide(b)}, versionMeant(ctx, client, err, a, b)
}

// version returns the name of a version in digits, also of the head: a line is one of a version that can be named tomorrow.
func (x configDiffCommand) version(ctx context.Context, client *api.Client, name string) (string, error) {
	id, err := versionOf(ctx, client, name)
	if err != nil || id != "" {
		return id, err
	}
	st, err := client.ConfigStatus(ctx)
	return st.Head, err
}

// document returns what a version or a file says. What is wrong with a file is written as check does.
func (x configDiffCommand) document(ctx context.Context, c *console, name string) (*config.Document, error) {
	if !isVersionName(name) {
		src, err := readDocument(name, c.in)
		if err != nil {
			return nil, err
		}
		return documentOf(c, fileName(name), src)
	}
	client, err := x.client()
	if err != nil {
		return nil, err
	}
	id, err := versionOf(ctx, client, name)
	if err != nil {
		return nil, err
	}
	v, err := client.ConfigShow(ctx, id)
	if err != nil {
		return nil, err
	}
	return documentOf(c, versionSide(v.Version), []byte(v.Text))
}

// documentOf reads a document that may say which version it was written against.
func documentOf(c *console, name string, src []byte) (*config.Document, error) {
	_, src, err := configversion.Against(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: `lessor config show` has the line as it should be", name, err)
	}
	doc, problems := config.Parse(name, src)
	if doc == nil {
		c.writeProblems(problems, "")
		return nil, errNo
	}
	return doc, nil
}

// fileName returns what a file is called in messages.
func fileName(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}
