package main

import (
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

func TestProcessorTimeIsReadBehindTheName(t *testing.T) {
	stat := "4242 (odd ) name (x) S 1 4242 4242 0 -1 4194560 1500 0 3 0 123 77 0 0 20 0 9 0 100 200 300"
	if d, err := cpuIn(stat); err != nil || d != 2*time.Second {
		t.Errorf("%v, %v", d, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1", "1 (x) S 1 1 1 0 -1 0 0 0 0 0 a b 0"} {
		if d, err := cpuIn(bad); err == nil {
			t.Errorf("%q read as %v", bad, d)
		}
	}
	if n := numberIn("Name:\tx\nVmRSS:\t  4096 kB\n", "VmRSS:"); n != 4096 {
		t.Errorf("memory %d", n)
	}
}

func TestVersionsAreFoundInWhatProgramsSay(t *testing.T) {
	for said, want := range map[string]string{
		"isc-dhcpd-4.4.3-P1\n": "4.4.3-P1",
		"2.2.0\n":              "2.2.0",
		"Dnsmasq version 2.90  Copyright (c) 2000-2024 Simon Kelley\n": "2.90",
		"lessor v0.1.0-3-g1a2b3c4 (go1.26.8, linux/amd64)\n":           "v0.1.0-3-g1a2b3c4",
	} {
		if got := versionIn(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

func run(cpu time.Duration, lost uint64, achieved float64) *trial {
	return &trial{rate: 1000, cpu: cpu, report: &load.Report{Begun: 1000, Lost: lost, Achieved: achieved, P50: 1e6, P99: 2e6}}
}

func TestARateHoldsWithOnePercentUnanswered(t *testing.T) {
	for _, c := range []struct {
		t    *trial
		want bool
	}{
		{run(1, 0, 1000), true}, {run(1, 10, 990), true}, {run(1, 11, 989), false}, {run(1, 0, 940), false},
		{&trial{rate: 1, report: &load.Report{Begun: 1, Achieved: 1, Doubled: 1}}, false},
		{&trial{rate: 1, report: &load.Report{Begun: 1, Achieved: 1, Refused: 1}}, false},
	} {
		if got := c.t.holds(); got != c.want {
			t.Errorf("%+v holds: %v", c.t.report, got)
		}
	}
}

func TestTheTableShowsMediansAndRatios(t *testing.T) {
	ours := &contender{peer: &peer{name: "Lessor", durable: "yes"}, mode: "new", version: "1", best: 10000,
		half: []*trial{run(40e3, 0, 1), run(20e3, 0, 1), run(30e3, 0, 1)}}
	theirs := &contender{peer: &peer{name: "Kea", durable: "no"}, mode: "new", version: "2", best: 4000, half: []*trial{run(120e3, 0, 1)}}
	broken := &contender{peer: &peer{name: "dhcpd"}, mode: "new", failed: errBroken{}}
	got := table(&plan{rounds: 3, length: time.Second}, []*contender{ours, theirs, broken})
	for _, want := range []string{"| Lessor | yes | 10000 | 30 (20 to 40) | 1.00 (1.00 to 1.00) | 2.0 (2.0 to 2.0) |",
		"Lessor: 2.5× the rate of Kea at 0.25× its CPU.", "| dhcpd | | it / broke |"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

type errBroken struct{}

func (errBroken) Error() string { return "it |\nbroke" }
