package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type poolsCommand struct {
	whichServer `embed:""`
	Network     string    `placeholder:"NAME" complete:"network" help:"Only the pools of this shared network."`
	Trend       bool      `help:"Also how each pool filled in the last hour, and when it will be empty at this rate."`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object a line."`
}

func (poolsCommand) Help() string {
	return `FREE are the addresses that this server may give to new clients, PARTNER FREE those that are the other one's to give. Grace counts addresses whose lease is over but not yet the guard behind it; reserved ones belong to hosts, abandoned ones are used by somebody who did not get them from here.

Examples:

  lessor pools
  lessor pools --trend --watch=1m
  lessor pools --json | jq 'select(.free == 0) | .range'`
}

// Run shows the pools.
func (x poolsCommand) Run(ctx context.Context, c *console) error {
	if x.JSON && x.Watch > 0 {
		return usageError{errWatchJSON, "lessor pools --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, false, func(c *console, w *bufio.Writer) error {
		return unlessInterrupted(ctx, x.show(ctx, c, w, client))
	})
}

func (x poolsCommand) show(ctx context.Context, c *console, w *bufio.Writer, client *api.Client) error {
	if x.Trend {
		all, err := client.PoolTrends(ctx)
		if err != nil {
			return err
		}
		all, err = ofNetwork(x.Network, all, func(p *node.PoolTrend) string { return p.Network })
		switch {
		case err != nil:
			return err
		case x.JSON:
			return eachJSON(w, all)
		}
		writeTrends(c, w, all)
		return nil
	}
	all, err := client.Pools(ctx)
	if err != nil {
		return err
	}
	all, err = ofNetwork(x.Network, all, func(p *node.PoolStatus) string { return p.Network })
	switch {
	case err != nil:
		return err
	case x.JSON:
		return eachJSON(w, all)
	case len(all) == 0:
		c.note("no pools: only hosts with an address of their own are served")
		return nil
	}
	shared := slices.ContainsFunc(all, func(p node.PoolStatus) bool { return p.PartnerFree > 0 })
	if !shared {
		partners, err := client.Partners(ctx)
		if p, ok := errors.AsType[*api.Problem](err); err != nil && !(ok && p.Status == http.StatusNotImplemented) {
			return err
		}
		shared = len(partners) > 0
	}
	poolTable(all, shared).write(c, w, "")
	return nil
}

// ofNetwork returns those of one network, all where none is named.
func ofNetwork[T any](name string, all []T, networkOf func(*T) string) (some []T, err error) {
	if name == "" {
		return all, nil
	}
	var names []string
	for i := range all {
		n := networkOf(&all[i])
		if n == name {
			some = append(some, all[i])
		}
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("no pool is on a network %q%s", fromNetwork(name), printable(meant(name, names)))
	}
	return some, nil
}

func eachJSON[T any](w *bufio.Writer, all []T) error {
	for i := range all {
		if err := writeJSON(w, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

// writeTrends writes where the pools are going.
func writeTrends(c *console, w *bufio.Writer, all []node.PoolTrend) {
	if len(all) == 0 {
		c.note("no pools: only hosts with an address of their own are served")
		return
	}
	t := table{head: []string{"NETWORK", "RANGE", "SIZE", "FREE", "LAST HOUR", "AN HOUR", "WHERE IT IS GOING"}, right: map[int]bool{2: true, 3: true, 5: true}, least: []int{4, 5, 0, 2, 6},
		wraps: map[int]bool{6: true}, brief: map[int]func(string) string{4: func(s string) string { return string(thinned([]rune(s), fewBars)) }}}
	for i := range all {
		p := &all[i]
		free := cell{text: fmt.Sprint(freeOf(p.PoolStatus))}
		if freeOf(p.PoolStatus) == 0 {
			free.style = red
		}
		words := cell{text: orDash(printable(p.Words))}
		if !p.EmptyAt.IsZero() || free.style == red {
			words.style = yellow
		}
		t.add(cell{text: short(printable(p.Network))}, cell{text: printable(p.Range)}, cell{text: fmt.Sprint(p.Size)}, free,
			cell{text: bars(p.Used, p.Size)}, cell{text: fmt.Sprintf("%+.1f", p.PerHour)}, words)
	}
	t.write(c, w, "")
}

// bars draws how much of a pool was used, from nothing to all of it, in at most maxBars characters.
func bars(used []uint64, size uint64) string {
	if size == 0 || len(used) == 0 {
		return "-"
	}
	return drawn(thinned(used, maxBars), size)
}

// drawn draws each of some values as a bar, from nothing to most.
func drawn(all []uint64, most uint64) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	out := make([]rune, len(all))
	for i, n := range all {
		out[i] = levels[min(int(float64(n)/float64(most)*float64(len(levels))), len(levels)-1)]
	}
	return string(out)
}

// maxBars is how many bars a picture has, fewBars how many where there is little room.
const (
	maxBars = 20
	fewBars = 10
)

// thinned returns at most n of some values, evenly chosen, the last among them.
func thinned[T any](all []T, n int) []T {
	if len(all) <= n {
		return all
	}
	some := make([]T, n)
	for i := range some {
		some[i] = all[(i+1)*len(all)/n-1]
	}
	return some
}
