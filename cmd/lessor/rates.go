package main

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

type ratesCommand struct {
	whichServer `embed:""`
	Span        string    `enum:"seconds,minutes" default:"seconds" help:"Each second of the last 5 minutes, or each minute of the last day: seconds, minutes."`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object; with --watch, one a line."`
}

func (ratesCommand) Help() string {
	return `What came, what was sent and what was dropped in a second: now, at most, and over time; how long answers and commits took; how many leases there were. Each bar of a picture is as high as its share of the most that there was.

Examples:

  lessor rates --watch
  lessor rates --span minutes --json | jq '.drops | keys'`
}

// Run shows the rates.
func (x ratesCommand) Run(ctx context.Context, c *console) error {
	client, err := x.client()
	if err != nil {
		return err
	}
	of := node.Seconds
	if x.Span == "minutes" {
		of = node.Minutes
	}
	return c.watch(ctx, x.Watch, x.JSON, func(c *console, w *bufio.Writer) error {
		r, err := client.Rates(ctx, of)
		switch {
		case err != nil:
			return unlessInterrupted(ctx, err)
		case x.JSON:
			return writeJSON(w, r)
		}
		return writeRates(c, w, &r)
	})
}

func writeRates(c *console, w *bufio.Writer, r *node.Rates) error {
	if len(r.Times) == 0 || r.Step <= 0 {
		c.note("nothing was measured yet")
		return nil
	}
	t := table{head: []string{"", "NOW", "MOST", fmt.Sprintf("LAST %s", span(r.Times[len(r.Times)-1].Sub(r.Times[0].Time)+time.Duration(r.Step)*time.Second))}, right: map[int]bool{1: true, 2: true}, least: []int{3, 2}}
	for _, part := range []struct {
		name string
		of   map[string][]uint32
	}{{"received", r.Received}, {"sent", r.Sent}, {"dropped", r.Drops}} {
		for _, name := range slices.Sorted(maps.Keys(part.of)) {
			values := perStep(part.of[name], r.Step)
			t.add(cell{text: part.name + " " + printable(name)}, cell{text: rateText(last(values))}, cell{text: rateText(slices.Max(append(values, 0)))}, cell{pictureOf(values), dim})
		}
	}
	for _, part := range []struct {
		name string
		of   []float64
	}{{"answer, a half within", r.AnswerP50}, {"answer, 99 % within", r.AnswerP99}, {"commit, a half within", r.CommitP50}, {"commit, 99 % within", r.CommitP99}} {
		if slices.ContainsFunc(part.of, func(f float64) bool { return f >= 0 }) {
			t.add(cell{text: part.name}, cell{text: msText(newest(part.of))}, cell{text: msText(slices.Max(part.of))}, cell{pictureOf(part.of), dim})
		}
	}
	for _, part := range []struct {
		name string
		of   []uint32
	}{{"leases", r.Active}, {"stale clients", r.Stale}} {
		if values := perStep(part.of, 1); len(values) > 0 {
			t.add(cell{text: part.name}, cell{text: fmt.Sprint(last(values))}, cell{text: fmt.Sprint(slices.Max(values))}, cell{pictureOf(values), dim})
		}
	}
	return t.write(c, w, "")
}

// perStep returns counters as what happened in a second.
func perStep(all []uint32, step int64) []float64 {
	out := make([]float64, len(all))
	for i, n := range all {
		out[i] = float64(n) / float64(step)
	}
	return out
}

func last(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1]
}

func rateText(f float64) string {
	if f == float64(int64(f)) {
		return fmt.Sprintf("%.0f/s", f)
	}
	return fmt.Sprintf("%.2f/s", f)
}

func msText(f float64) string {
	if f < 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f ms", f)
}

// pictureOf draws values as bars beside each other; the highest of each stretch is shown.
func pictureOf(all []float64) string {
	if len(all) == 0 {
		return "-"
	}
	n := min(len(all), 2*maxBars)
	heights := make([]uint64, n)
	most := slices.Max(all)
	for i := range heights {
		part := all[i*len(all)/n : (i+1)*len(all)/n]
		if most > 0 {
			heights[i] = uint64(max(slices.Max(part), 0) / most * 1000)
		}
	}
	return drawn(heights, 1000)
}
