package main

import (
	"bufio"
	"context"
	"errors"
	"strings"

	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type configHistoryCommand struct {
	whichServer `embed:""`
	Limit       int  `short:"n" default:"20" help:"How many versions at most."`
	JSON        bool `name:"json" help:"Print one JSON object a line."`
}

func (configHistoryCommand) Help() string {
	return `The latest version is the first line. head is the one that this server serves by, tip the latest that it has, agreed the latest that both members are known to have served by, partner the one that the other member serves by; where one name is enough, the rest is left out.

Examples:

  lessor config history
  lessor config history --limit 1000 --json | jq -r .author`
}

// Run lists the versions.
func (x configHistoryCommand) Run(ctx context.Context, c *console) error {
	if x.Limit < 1 || x.Limit > configversion.MaxVersions {
		return usageError{errors.New("--limit must be positive, and at most 100000"), "lessor config history --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.buffered(func(w *bufio.Writer) error {
		if x.JSON {
			return client.ConfigHistory(ctx, x.Limit, func(r node.VersionRow) error { return writeJSON(w, r) })
		}
		t := table{head: []string{"VERSION", "", "TIME", "AUTHOR", "MADE AT", "COMMENT"}, least: []int{4, 2, 3, 5}, brief: map[int]func(string) string{2: briefTime}}
		err := client.ConfigHistory(ctx, x.Limit, func(r node.VersionRow) error {
			t.add(cell{shortName(r.Version), bold}, cell{marks(&r), green}, cell{text: when(r.Time, c.now())}, cell{text: orDash(short(printable(r.Author)))},
				cell{text: orDash(short(printable(string(r.Member))))}, cell{text: cut(remark(&r), maxShownValue)})
			return nil
		})
		if err != nil {
			return err
		}
		if len(t.rows) == 0 {
			c.note("no versions")
			return nil
		}
		t.fit(c, historyWidth, 5)
		return t.write(c, w, "")
	})
}

// historyWidth is how wide the list becomes before comments are wrapped.
const historyWidth = 130

// marks says which of the named versions a version is.
func marks(r *node.VersionRow) string {
	var all []string
	for _, m := range []struct {
		is   bool
		name string
	}{{r.Head, "head"}, {r.Tip && !r.Head, tipName}, {r.Agreed && !r.Head, agreedName}, {r.PartnerHead && !r.Head, partnerName}} {
		if m.is {
			all = append(all, m.name)
		}
	}
	return strings.Join(all, " ")
}

// remark returns what is to be said of a version: its comment, or what it is.
func remark(r *node.VersionRow) string {
	var parts []string
	switch {
	case len(r.Parents) == 0:
		parts = append(parts, "(the first version)")
	case len(r.Parents) > 1 && !strings.HasPrefix(r.Comment, "merge of "): // as it is called where nobody said anything else
		var of []string
		for _, p := range r.Parents {
			of = append(of, shortName(p))
		}
		parts = append(parts, "(merge of "+strings.Join(of, " and ")+")")
	}
	if r.Comment != "" {
		parts = append(parts, printable(r.Comment))
	}
	return strings.Join(parts, " ")
}
