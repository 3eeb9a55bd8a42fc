package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// table writes what was measured, for people.
func table(p *plan, all []*contender) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Measured\n\n%s, %s, %d processors, %s. Server and load share them.\n", time.Now().UTC().Format(time.DateOnly),
		processorName(), runtime.NumCPU(), kernel())
	fmt.Fprintf(&b, "Relayed unicast; one network 10.0.0.0/8 with the pool %s-%s, lease 1 h; each run begins with an empty store on\n"+
		"the disk and takes %v; runs of all servers are interleaved. Highest rate: at most 1 %% unanswered, %d steps. The rest is the\n"+
		"median (least to most) of %d runs at half of that rate. Times count from when an exchange was due.\n", poolFirst, poolLast, p.length,
		p.steps, p.rounds)
	modes := []string{}
	for _, c := range all {
		if !slices.Contains(modes, c.mode) {
			modes = append(modes, c.mode)
		}
	}
	for _, m := range modes {
		mode(&b, p, m, all)
	}
	fmt.Fprintf(&b, "\nVersions: %s.\n", versions(all))
	fmt.Fprintf(&b, "\nTo measure here: `make bench`, or `bench/run --quick`.\n")
	return b.String()
}

func mode(b *strings.Builder, p *plan, m string, all []*contender) {
	title := map[string]string{"new": "New clients (DISCOVER, OFFER, REQUEST, ACK)",
		"renew": fmt.Sprintf("Renewals (REQUEST, ACK) of %d clients", p.clients)}[m]
	fmt.Fprintf(b, "\n## %s\n\n", title)
	fmt.Fprintln(b, "| server | on disk before the ACK | highest rate, /s | CPU an exchange, µs | p50, ms | p99, ms | written an exchange, octets | RSS, MB | others used, CPUs |")
	fmt.Fprintln(b, "|---|---|---|---|---|---|---|---|---|")
	for _, c := range all {
		if c.mode != m {
			continue
		}
		if len(c.half) == 0 {
			why := "no rate held"
			if c.failed != nil {
				why = strings.Join(strings.Fields(strings.ReplaceAll(c.failed.Error(), "|", "/")), " ")
			}
			fmt.Fprintf(b, "| %s | | %s | | | | | | |\n", c.name, why)
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", c.name, c.durable, c.highest(),
			spread(c.half, "%.0f", func(t *trial) float64 { return micros(t.cpu) }),
			spread(c.half, "%.2f", func(t *trial) float64 { return micros(t.report.P50) / 1000 }),
			spread(c.half, "%.1f", func(t *trial) float64 { return micros(t.report.P99) / 1000 }),
			spread(c.half, "%.0f", func(t *trial) float64 { return float64(t.written) }),
			spread(c.half, "%.0f", func(t *trial) float64 { return float64(t.memory >> 20) }),
			spread(c.half, "%.2f", func(t *trial) float64 { return t.others }))
	}
	ratios(b, m, all)
}

// ratios says how Lessor compares.
func ratios(b *strings.Builder, m string, all []*contender) {
	i := slices.IndexFunc(all, func(c *contender) bool { return c.mode == m && c.name == "Lessor" && len(c.half) > 0 })
	if i < 0 {
		return
	}
	ours := all[i]
	var said []string
	for _, c := range all {
		if c.mode == m && c != ours && len(c.half) > 0 {
			said = append(said, fmt.Sprintf("%.1f× the rate of %s at %.2f× its CPU", ours.best/c.best, c.name, micros(cpu(ours))/micros(cpu(c))))
		}
	}
	if len(said) > 0 {
		fmt.Fprintf(b, "\nLessor: %s.\n", strings.Join(said, "; "))
	}
}

func cpu(c *contender) time.Duration {
	return median(c.half, func(t *trial) time.Duration { return t.cpu })
}

func median[T cmp.Ordered](of []*trial, what func(*trial) T) T {
	v := make([]T, len(of))
	for i, t := range of {
		v[i] = what(t)
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// spread writes the median, the least and the most.
func spread(of []*trial, format string, what func(*trial) float64) string {
	v := make([]float64, len(of))
	for i, t := range of {
		v[i] = what(t)
	}
	return fmt.Sprintf(format+" ("+format+" to "+format+")", median(of, what), slices.Min(v), slices.Max(v))
}

func versions(all []*contender) string {
	var said []string
	for _, c := range all {
		if c.version == "" {
			continue
		}
		name, _, _ := strings.Cut(c.name, ",")
		if s := name + " " + c.version; !slices.Contains(said, s) {
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
