package main

import (
	"bufio"
	"context"

	"github.com/lessor-dhcp/lessor/internal/node"
)

type timelineCommand struct {
	whichServer `embed:""`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object; with --watch, one a line."`
}

func (timelineCommand) Help() string {
	return `Both servers' states on one time line, the latest first, each with how long it lasted and why it began. docs/failover.md explains the states. It goes back over restarts.

Examples:

  lessor timeline
  lessor timeline --json | jq '.transitions[] | select(.state == "PARTNER-DOWN")'`
}

// Run shows the states.
func (x timelineCommand) Run(ctx context.Context, c *console) error {
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, x.JSON, func(c *console, w *bufio.Writer) error {
		all, err := client.Timeline(ctx)
		switch {
		case err != nil:
			return unlessInterrupted(ctx, err)
		case x.JSON:
			return writeJSON(w, all)
		case len(all.Transitions) == 0:
			c.note("this server stands alone: there are no states of two")
			return nil
		}
		return writeTimeline(c, w, &all)
	})
}

func writeTimeline(c *console, w *bufio.Writer, all *node.Timeline) error {
	t := table{head: []string{"WHEN", "SERVER", "STATE", "FOR", "WHY"}, right: map[int]bool{3: true}, least: []int{4, 3, 0}, brief: map[int]func(string) string{0: briefTime}}
	next := map[string]node.Instant{} // when a server left the state
	rows := make([][]cell, 0, len(all.Transitions))
	for i := len(all.Transitions) - 1; i >= 0; i-- {
		x := &all.Transitions[i]
		lasted := "now"
		if until, over := next[string(x.Member)]; over {
			lasted = span(max(until.Sub(x.Time.Time), 0))
		}
		next[string(x.Member)] = x.Time
		rows = append(rows, []cell{{text: when(x.Time, c.now())}, {text: printable(string(x.Member))}, {printable(x.State), styleOf(x.State)}, {text: lasted}, {text: orDash(printable(x.Cause))}})
	}
	t.rows = rows
	t.fit(c, historyWidth, 4)
	return t.write(c, w, "")
}
