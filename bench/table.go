package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// table writes what was measured, for people.
func table(p *plan, single, double []*contender, losses []*loss, under []*flood, again []*recovery, images []*imaged, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", circumstances())
	fmt.Fprintf(&b, `Relayed unicast; one network 10.0.0.0/8 with the pool %s-%s (dhcpd: %d addresses of it, since its cost of a new lease grows
with those that are free); lease 1 h. Each server sat %d times, and each pair %d, in turn with the others, each time with an empty store on the disk:
first clients got leases for %v, then each of new clients, renewals of those that have a lease, and a mix (16 renewals, 2 new, 2 released).
Highest rate: at most 1 %% unanswered in %v; %d runs a sitting look for it, up by a half until one does not hold, then up by a quarter or down by a fifth. The rest is the median
(least to most) of runs of %v at half of it. Exchanges begin evenly, each by itself, so that a server at half of its
rate seldom finds two messages at once; times count from when an exchange was due. × says how many times the rate Lessor has, and
how many times its processor time the other one takes. Syncs: as the servers count them; ≈: flushes of the
disk by anybody. Written: what goes to the partner included.

`, poolFirst, poolLast, dhcpdPool, p.rounds, (p.rounds+1)/2, p.effort.warm, p.effort.step, p.effort.steps, p.effort.length)
	if len(single)+len(double) > 0 {
		rows(&b, single, double)
	}
	takeoverTable(&b, losses, p.resend)
	floodTable(&b, under)
	recoveryTable(&b, again)
	snapshotTable(&b, images)
	if len(p.absent) > 0 {
		fmt.Fprintf(&b, "\nNot installed, so not measured: %s.\n", strings.Join(p.absent, ", "))
	}
	b.WriteString("\n")
	if said := versions(single, double, losses, under); said != "" {
		fmt.Fprintf(&b, "Versions: %s. ", said)
	}
	fmt.Fprintf(&b, "Measured in %v. Again: `make bench`; `bench/run --thorough`; `bench/run --help`.\n", took.Round(time.Second))
	return b.String()
}

// circumstances are when and where it was measured.
func circumstances() string {
	commit, _ := exec.Command("git", "describe", "--always", "--dirty").Output()
	load, _ := os.ReadFile("/proc/loadavg")
	return fmt.Sprintf("%s, commit %s, %s, %d processors, %s, load average %s at the end. Servers and load share the machine.",
		time.Now().UTC().Format(time.DateOnly), strings.TrimSpace(string(commit)), processorName(), runtime.NumCPU(), kernel(),
		strings.Join(strings.Fields(string(load) + " ? ?")[:2], ", "))
}

// rows writes one table of all modes, servers and pairs.
func rows(b *strings.Builder, single, double []*contender) {
	fmt.Fprintln(b, "| what | server | on disk before the ACK | highest rate, /s | × | CPU an exchange there, µs | at half of it, µs | × | p50, ms | p99, ms | p999, ms | syncs an exchange | written, octets | RSS, MB | clients |")
	fmt.Fprintln(b, "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, part := range []struct {
		title string
		all   []*contender
	}{{"", single}, {"a pair, ", double}} {
		for _, m := range load.Modes {
			for _, c := range part.all {
				if of := c.of[m]; of != nil {
					line(b, part.title+titles[m], c, of, oursIn(part.all, m))
				}
			}
		}
	}
}

var titles = map[load.Mode]string{load.New: "new clients", load.Renew: "renewals", load.Mixed: "mixed", load.Release: "released"}

// oursIn returns what Lessor showed in that mode, nil if nothing.
func oursIn(all []*contender, m load.Mode) *series {
	for _, c := range all {
		if c.name == ours && c.of[m] != nil && len(c.of[m].half) > 0 {
			return c.of[m]
		}
	}
	return nil
}

func line(b *strings.Builder, what string, c *contender, of, ours *series) {
	if len(of.half) == 0 {
		why := "not measured"
		if c.failed != nil {
			why = strings.Join(strings.Fields(strings.ReplaceAll(c.failed.Error(), "|", "/")), " ")
		}
		fmt.Fprintf(b, "| %s | %s | | %s | | | | | | | | | | | |\n", what, c.name, why)
		return
	}
	faster, dearer := "", ""
	if ours != nil && of != ours {
		if of.best > 0 {
			faster = fmt.Sprintf("%.1f", ours.best/of.best)
		}
		dearer = fmt.Sprintf("%.2f", micros(cpu(of))/micros(cpu(ours)))
	}
	there := ""
	if of.top != nil {
		there = fmt.Sprintf("%.0f", micros(of.top.cpu))
	}
	ms := func(f func(*load.Report) time.Duration) func(*trial) float64 {
		return func(t *trial) float64 { return micros(f(t.report)) / 1000 }
	}
	middle := func(format string, f func(*trial) float64) string { return fmt.Sprintf(format, median(of.half, f)) }
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", what, c.name, c.durable, of.highest(), faster, there,
		spread(of.half, "%.0f", func(t *trial) float64 { return micros(t.cpu) }), dearer,
		middle("%.2f", ms(func(r *load.Report) time.Duration { return r.P50 })),
		spread(of.half, "%.1f", ms(func(r *load.Report) time.Duration { return r.P99 })),
		middle("%.1f", ms(func(r *load.Report) time.Duration { return r.P999 })),
		syncs(of.half), middle("%.0f", func(t *trial) float64 { return float64(t.written) }),
		middle("%.0f", func(t *trial) float64 { return float64(t.memory >> 20) }),
		middle("%.0f", func(t *trial) float64 { return float64(t.report.Clients) }))
}

func syncs(of []*trial) string {
	n := median(of, func(t *trial) float64 { return t.syncs })
	switch {
	case n < 0:
		return ""
	case of[0].exact:
		return fmt.Sprintf("%.2f", n)
	default:
		return fmt.Sprintf("≈ %.2f", n)
	}
}

func takeoverTable(b *strings.Builder, losses []*loss, resend time.Duration) {
	if len(losses) == 0 {
		return
	}
	fmt.Fprintf(b, `
## When one of a pair is lost

The primary is lost %v after the begin; %d clients have leases, %d exchanges a second of the mix go to both servers, and clients ask again
after %v, doubled each time. All pairs at the same time, each with the timers that it has by default (ISC's max-response-delay, which has none, is the
30 s of its example). Silence: the longest time in which no client of the kind was answered. Longest: what a client waited at most.

| pair | lost by | known clients: silence, s | longest, s | new clients: silence, s | longest, s | unanswered | given twice |
|---|---|---|---|---|---|---|---|
`, lossAt, takeoverClients, takeoverRate, resend)
	s := func(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }
	for _, x := range losses {
		if x.failed != nil {
			fmt.Fprintf(b, "| %s | %s | %s | | | | | |\n", x.name, x.fault, strings.Join(strings.Fields(strings.ReplaceAll(x.failed.Error(), "|", "/")), " "))
			continue
		}
		r := x.report
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %d of %d | %d |\n", x.name, x.fault, s(r.Renew.Silence), s(r.Renew.Max), s(r.New.Silence), s(r.New.Max),
			r.Lost, r.Begun, r.Doubled)
	}
}

func cpu(of *series) time.Duration {
	return median(of.half, func(t *trial) time.Duration { return t.cpu })
}

// median returns the middle one; of an even number the lower of the two.
func median[T cmp.Ordered](of []*trial, what func(*trial) T) T {
	v := make([]T, len(of))
	for i, t := range of {
		v[i] = what(t)
	}
	slices.Sort(v)
	return v[(len(v)-1)/2]
}

// spread writes the median, the least and the most.
func spread(of []*trial, format string, what func(*trial) float64) string {
	v := make([]float64, len(of))
	for i, t := range of {
		v[i] = what(t)
	}
	return fmt.Sprintf(format+" ("+format+" to "+format+")", median(of, what), slices.Min(v), slices.Max(v))
}

// versions names the programs that were measured.
func versions(single, double []*contender, losses []*loss, under []*flood) string {
	all := append(slices.Clone(single), double...)
	for _, x := range losses {
		all = append(all, x.contender)
	}
	for _, x := range under {
		all = append(all, x.contender)
	}
	var said []string
	for _, c := range all {
		if s := filepath.Base(c.program) + " " + c.version; c.version != "" && !slices.Contains(said, s) {
			said = append(said, s)
		}
	}
	return strings.Join(said, ", ")
}

func processorName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	release, _, _ := strings.Cut(strings.TrimSpace(string(text)), "-")
	return "Linux " + release
}
