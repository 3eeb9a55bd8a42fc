package main

import (
	"context"
	"io"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
)

type configShowCommand struct {
	whichServer `embed:""`
	Version     string `arg:"" complete:"version" optional:"" default:"head" help:"The version: head (default), tip, agreed, partner, or at least 6 of its digits."`
	JSON        bool   `name:"json" help:"Print one JSON object: what is known of the version, and the document in it."`
}

func (configShowCommand) Help() string {
	return `Prints the document as it was written, without the server: section, which is the machine's own. Its first line says which version it is: what you make of it is applied as a change to that version, and merged with what others change meanwhile.

Examples:

  lessor config show > campus.yaml
  lessor config show tip
  lessor config show 0123abcd --json | jq -r .author`
}

// Run prints a version.
func (x configShowCommand) Run(ctx context.Context, c *console) error {
	client, err := x.client()
	if err != nil {
		return err
	}
	id, err := versionOf(ctx, client, x.Version)
	if err != nil {
		return err
	}
	v, err := client.ConfigShow(ctx, id)
	switch {
	case err != nil:
		return versionMeant(ctx, client, err, id)
	case x.JSON:
		return c.json(v)
	}
	text := v.Text
	if c.terminal {
		text = shownDocument(text)
	}
	_, err = io.WriteString(c.out, text)
	return err
}

// shownDocument returns a document as a terminal may show it. What goes into a file stays as it is, so that it says the same.
func shownDocument(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return api.Steers(r) && r != '\n' && r != '\t' && r != '\r' }) {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(shown(strings.TrimRight(line, "\r\n")))
		b.WriteByte('\n')
	}
	return b.String()
}
