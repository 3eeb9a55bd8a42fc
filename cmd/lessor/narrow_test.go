package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// onTerminal is a console whose output is a terminal of that size.
func onTerminal(width, height int) *console {
	return &console{terminal: true, cursor: true, size: func() (int, int) { return width, height }, now: func() time.Time { return noon }}
}

func TestATableFitsTheTerminal(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	text := func(most int) string {
		b := make([]rune, 1+r.IntN(most))
		for i := range b {
			b[i] = []rune("aB7.é楼層 😀")[r.IntN(9)]
		}
		return strings.TrimSpace(string(b)) + "x"
	}
	for range 500 {
		tab := table{head: []string{"FIRST", "STATE", "COUNT", "LONG HEADING", "E"}, right: map[int]bool{2: true}}
		for range 1 + r.IntN(8) {
			tab.addText(text(12), text(8), fmt.Sprint(r.IntN(1e6)), text(60), text(30))
		}
		width := 28 + r.IntN(150)
		var out bytes.Buffer
		tab.write(onTerminal(width, 24), &out, "  ")
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if columns(line) > width && !strings.HasPrefix(line, "  (no room here for ") {
				t.Fatalf("%d columns on a terminal of %d:\n%s", columns(line), width, out.String())
			}
			if strings.ContainsAny(line, "\t") {
				t.Fatalf("a tab in %q", line)
			}
		}
		var piped bytes.Buffer
		tab.write(&console{}, &piped, "")
		for _, row := range tab.rows {
			for _, x := range row {
				if !strings.Contains(piped.String(), x.text) {
					t.Fatalf("%q is not whole in a pipe:\n%s", x.text, piped.String())
				}
			}
		}
	}
}

func TestWhatIsLeastImportantGivesWayFirst(t *testing.T) {
	tab := table{head: []string{"ADDRESS", "HOST NAME", "EXPIRES"}, least: []int{1, 2}, brief: map[int]func(string) string{2: briefTime}}
	tab.addText("198.51.100.50", "a-host-with-a-long-name", "2026-11-22T15:12:00Z (in 3h12m)")
	for width, want := range map[int]string{
		0:  "198.51.100.50  a-host-with-a-long-name  2026-11-22T15:12:00Z (in 3h12m)\n",
		80: "198.51.100.50  a-host-with-a-long-name  2026-11-22T15:12:00Z (in 3h12m)\n",
		60: "198.51.100.50  a-host-with-a-long-name  in 3h12m\n",
		40: "198.51.100.50  a-host-with-a-…  in 3h12m\n",
		30: "198.51.100.50  in 3h12m\n(no room here for HOST NAME)\n",
		14: "198.51.100.50\n(no room here for HOST NAME, EXPIRES)\n",
	} {
		c := onTerminal(width, 24)
		var out bytes.Buffer
		tab.write(c, &out, "")
		if _, got, _ := strings.Cut(out.String(), "\n"); got != want {
			t.Errorf("on %d columns:\n%swant\n%s", width, out.String(), want)
		}
	}
	if tab.rows[0][2].text != "2026-11-22T15:12:00Z (in 3h12m)" {
		t.Error("writing changed the table")
	}
}

func TestColumnsOfATerminalAreCounted(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "é": 1, "e\u0301": 1, "楼層": 4, "😀": 2, "ｱ": 1, "Ａ": 2, "한국": 4, "\u200b": 0, "→…": 2} {
		if got := columns(s); got != want {
			t.Errorf("%q: got %d, want %d", s, got, want)
		}
	}
	if got := clipped("楼層楼層", 4); got != "楼…" {
		t.Errorf("got %q", got)
	}
}

func TestColourIsForThoseWhoWantIt(t *testing.T) {
	for env, want := range map[string]bool{"": true, "NO_COLOR=1": false, "CLICOLOR=0": false, "CLICOLOR=1": true} {
		name, value, _ := strings.Cut(env, "=")
		if got := mayColour(func(s string) string {
			if s == name {
				return value
			}
			return ""
		}); got != want {
			t.Errorf("%s: got %v", env, got)
		}
	}
}

func TestProgressIsShownToWhoWaits(t *testing.T) {
	now := noon
	var said bytes.Buffer
	c := &console{err: &said, interactive: true, now: func() time.Time { return now }}
	step, end := c.progress("leases compared")
	step(1, 10)
	end()
	if said.Len() > 0 {
		t.Errorf("at once: %q", said.String())
	}
	step, end = c.progress("leases compared")
	now = now.Add(patience)
	step(2, 10)
	end()
	if got := said.String(); !strings.HasPrefix(got, "\r2 of 10 leases compared") || !strings.HasSuffix(got, "\r") {
		t.Errorf("after a while: %q", got)
	}
	if step, _ := (&console{}).progress("x"); step != nil {
		t.Error("progress without a terminal")
	}
}
