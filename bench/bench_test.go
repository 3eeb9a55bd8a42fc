package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// bare takes every program away but those given, and returns where these are.
func bare(t *testing.T, programs ...string) string {
	dir, dirs := t.TempDir(), serverDirs
	for _, name := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho 1.2\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	serverDirs = nil
	t.Cleanup(func() { serverDirs = dirs })
	return dir
}

// Whoever has none of the other servers, or only some, measures what there is, and reads what there is not.
func TestWhatIsNotInstalledIsNamedAndLeftOut(t *testing.T) {
	lessor := filepath.Join(bare(t, "dnsmasq", "lessor"), "lessor")
	p := plan{lessor: lessor, parts: quick}
	if err := p.missing(); err != nil || !slices.Equal(p.absent, []string{"kea-dhcp4", "dhcpd"}) {
		t.Errorf("absent: %v, %v", p.absent, err)
	}
	for _, x := range []struct {
		all  []peer
		want string
	}{{alone(lessor), "Lessor, responder without leases, durable, responder without leases, dnsmasq"}, {pairs(lessor), "Lessor"}} {
		var here []string
		for _, c := range contenders(x.all, "", nil) {
			here = append(here, c.name)
		}
		if got := strings.Join(here, ", "); got != x.want {
			t.Errorf("here: %s", got)
		}
	}
	if got := table(&p, nil, nil, nil, nil, nil, nil, 0); !strings.Contains(got, "Not installed, so not measured: kea-dhcp4, dhcpd.") {
		t.Errorf("the table does not say it:\n%s", got)
	}
	if p.only = "kea"; p.missing() == nil {
		t.Error("with nothing to measure a table would be written")
	}
	if p.parts, p.only = "alone", "dnsmasq"; p.missing() != nil || len(p.absent) > 0 {
		t.Errorf("absent although nobody asked: %v", p.absent)
	}
}

// A run removes what it made, and not what it found where --dir told it to work.
func TestWhatElseIsInTheDirectoryStays(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine")
	if err := os.WriteFile(mine, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p := plan{dir: dir}
	if err := p.place(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "leases"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p.end(true, nil)
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || !slices.Equal(left, []string{mine}) {
		t.Errorf("left: %v, %v", left, err)
	}
}

// What make bench installs is what it runs, and nothing that only tests need.
func TestWhatIsInstalledIsWhatIsRun(t *testing.T) {
	script, err := os.ReadFile("../scripts/install-test-packages")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^bench=\((.*)\)$`).FindSubmatch(script)
	if list == nil {
		t.Fatal("there is no list for bench")
	}
	want := []string{"ip"}
	for _, x := range append(alone(""), pairs("")...) {
		if !slices.Contains(want, x.program) && x.program != "" && x.program != "/proc/self/exe" {
			want = append(want, x.program)
		}
	}
	var got []string
	for _, entry := range strings.Fields(string(list[1])) {
		program, _, _ := strings.Cut(entry, ":")
		got = append(got, program)
	}
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("installed: %v; run: %v", got, want)
	}
}

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
	return &trial{rate: 1000, cpu: cpu, syncs: .5, exact: true, report: &load.Report{Begun: 1000, Lost: lost, Achieved: achieved, P50: 1e6, P99: 2e6}}
}

func TestARateHoldsWithOnePercentUnanswered(t *testing.T) {
	for _, c := range []struct {
		t    *trial
		want bool
	}{
		{run(1, 0, 1000), true}, {run(1, 10, 990), true}, {run(1, 11, 989), false}, {run(1, 0, 940), false},
		{&trial{rate: 1, report: &load.Report{Begun: 1, Achieved: 1, Doubled: 1}}, false},
		{&trial{rate: 1, report: &load.Report{Begun: 10, Achieved: 1, Refused: 1}}, false},
	} {
		if got := c.t.holds(); got != c.want {
			t.Errorf("%+v holds: %v", c.t.report, got)
		}
	}
}

func sat(name, durable string, best, missed float64, half ...*trial) *contender {
	return &contender{peer: &peer{name: name, durable: durable}, program: "/usr/sbin/" + name, version: "1",
		of: map[load.Mode]*series{load.New: {best: best, missed: missed, half: half}}}
}

func TestTheTableShowsMediansAndRatios(t *testing.T) {
	mine := sat(ours, "yes", 10000, 12000, run(40e3, 0, 1), run(20e3, 0, 1), run(30e3, 0, 1))
	theirs := sat("Kea", "no", 4000, 0, run(120e3, 0, 1))
	theirs.of[load.New].half[0].exact = false
	broken := sat("dhcpd", "yes", 0, 0)
	broken.failed = errors.New("it |\nbroke")
	losses := []*loss{{contender: theirs, fault: killed, report: &load.Report{Begun: 9, Lost: 1, Renew: load.Tally{Silence: 63e9, Max: 64e9}}}}
	floods := []*flood{{contender: theirs, renewals: &load.Report{Begun: 200, Lost: 1, P99: 3e6}, strangers: &load.Report{Begun: 100, Elapsed: time.Second}, before: 1 << 20, after: 2 << 20}}
	again := []*recovery{{leases: 1000, alone: &load.Report{Begun: 7, Achieved: 9}, during: &load.Report{Begun: 8}, restart: time.Second, told: 2 * time.Second}}
	images := []*imaged{{leases: 5, times: []imagedOnce{{before: &load.Report{Begun: 1}, during: &load.Report{Begun: 2, Elapsed: 3e9, P99: 4e6, Max: 5e6}, after: &load.Report{}, bytes: 6 << 20}}}}
	got := table(&plan{rounds: 3}, []*contender{mine, theirs, broken}, []*contender{mine}, losses, floods, again, images, time.Minute)
	for _, want := range []string{
		"| new clients | Lessor | yes | 10000 |  |  | 30 (20 to 40) |  | 1.00 | 2.0 (2.0 to 2.0) | 0.0 | 0.50 |",
		"| new clients | Kea | no | ≥ 4000 | 2.5 |  | 120 (120 to 120) | 4.00 | 1.00 | 2.0 (2.0 to 2.0) | 0.0 | ≈ 0.50 |",
		"| new clients | dhcpd | | it / broke |", "| a pair, new clients | Lessor |",
		"| Kea | 100 | 0.50 % of 200 | 0.00 | 3.0 | 0.0 | 1 | 2 |",
		"| meanwhile | 6 | 3.0 | 2 | 0 | 0.00 | 4.00 | 0.00 | 5.0 |",
		"| 1000 | 9 | 0 of 7 | 0.0 | 1.0 | 2.0 | 500 | 0 of 8 | 0.0 |",
		"| Kea | kill -9 | 63.00 | 64.00 | 0.00 | 0.00 | 1 of 9 | 0 |", "Versions: Lessor 1, Kea 1,",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	columns := 0
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		if n := strings.Count(line, "|"); columns != 0 && n != columns {
			t.Errorf("%d columns instead of %d: %s", n, columns, line)
		} else {
			columns = n
		}
	}
}

// A search that ended upwards, or in noise, says so.
func TestTheHighestRateIsWhatHeldBelowWhatDidNot(t *testing.T) {
	for _, c := range []struct {
		best, missed float64
		want         string
	}{{0, 100, "none held"}, {100, 0, "≥ 100"}, {100, 90, "≥ 100"}, {100, 125, "100"}} {
		if got := (&series{best: c.best, missed: c.missed}).highest(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestTheDiskTellsHowOftenItWasFlushed(t *testing.T) {
	dir := t.TempDir()
	before, ok := flushes(dir)
	if !ok {
		t.Log("the disk under the temporary directory has no counter") // as memory has none
		return
	}
	f, err := os.Create(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 3 {
		f.Write([]byte("x"))
		f.Sync()
	}
	if after, _ := flushes(dir); after < before {
		t.Errorf("%d, then %d", before, after)
	}
}

func TestAChapterReplacesItsOwn(t *testing.T) {
	page := withChapter("", "Measured", "fast\n")
	page = withChapter(page, "Soak", "flat\n\n")
	page = withChapter(page, "Measured", "faster\n\n## In a pair\n\ntoo\n")
	page = withChapter(page, "Soak", "flatter")
	if want := "# Measured\n\nfaster\n\n## In a pair\n\ntoo\n\n# Soak\n\nflatter\n"; page != want {
		t.Errorf("%q", page)
	}
}

func TestNonsenseIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	good := plan{parts: quick, modes: "new,renew,mixed", rounds: 1, most: 1, effort: effort{steps: 1, step: 1, length: 1}}
	if err := good.check(nil); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*plan){
		"parts": func(p *plan) { p.parts = "alone,everything" }, "modes": func(p *plan) { p.modes = "bogus" }, "rounds": func(p *plan) { p.rounds = 0 },
		"most": func(p *plan) { p.most = -1 }, "step": func(p *plan) { p.effort.step = 0 },
	} {
		p := good
		if change(&p); p.check(nil) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if good.check([]string{"help"}) == nil {
		t.Error("an argument is taken")
	}
}
