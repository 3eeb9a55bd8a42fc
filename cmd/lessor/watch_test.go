package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestWhatIsWatchedIsPaintedInPlaceAndChangesAreMarked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := onTerminal(60, 6)
	var out bytes.Buffer
	c.out, c.err = &out, &out
	pages := []string{"floor1  7 free\nfloor2  9 free (5s ago)\n", "floor1  6 free\nnew line\nfloor2  9 free (7s ago)\n", "a\nb\nc\nd\ne\nf\n"}
	shown := 0
	err := c.watch(ctx, watchFlag(time.Millisecond), false, func(c *console, w *bufio.Writer) error {
		if shown == len(pages) {
			cancel()
			return ctx.Err()
		}
		fmt.Fprint(w, pages[shown])
		shown++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(out.String(), "\x1b", `\e`)
	parts := strings.Split(text, `\e[H`)
	for i, want := range []string{
		`\e[2J`,
		"12:00:00, again every 1ms; Ctrl-C ends it\\e[K\r\nfloor1  7 free\\e[K\r\nfloor2  9 free (5s ago)\\e[K\\e[J",
		"12:00:00, again every 1ms; Ctrl-C ends it\\e[K\r\nfloor1  \\e[7m6\\e[27m free\\e[K\r\n\\e[7mnew\\e[27m \\e[7mline\\e[27m\\e[K\r\nfloor2  9 free (7s ago)\\e[K\\e[J",
		"12:00:00, again every 1ms; Ctrl-C ends it\\e[K\r\n\\e[7ma\\e[27m\\e[K\r\n\\e[7mb\\e[27m\\e[K\r\n\\e[7mc\\e[27m\\e[K\r\n\\e[7m…\\e[27m \\e[7mand\\e[27m \\e[7m3\\e[27m \\e[7mmore\\e[27m \\e[7mlines\\e[27m\\e[K\\e[J\n",
	} {
		if i >= len(parts) || parts[i] != want {
			t.Errorf("page %d: got\n%q\nwant\n%q", i, parts[min(i, len(parts)-1)], want)
		}
	}
}

func TestWhatIsWatchedInAPipeIsStamped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	c := &console{out: &out, err: &out, now: func() time.Time { return noon }}
	shown := 0
	err := c.watch(ctx, watchFlag(time.Millisecond), false, func(_ *console, w *bufio.Writer) error {
		if shown++; shown == 2 {
			cancel()
		}
		if shown < 3 {
			fmt.Fprintln(w, "page", shown)
		}
		return nil
	})
	if got := out.String(); err != nil || got != "--- 2026-11-22T12:00:00Z\npage 1\n" {
		t.Errorf("got %v\n%s", err, got)
	}
}

func TestHowOftenIsSaidWithTheFlag(t *testing.T) {
	for _, args := range []string{"status --watch=0s", "status --watch=never", "leases --watch=25h", "drift --watch=-1s"} {
		if got := lessor(t, strings.Fields(args)...); got.code != exitUsage || !strings.Contains(got.err, "write it as in 5s") {
			t.Errorf("lessor %s: %d %s", args, got.code, got.err)
		}
	}
	for _, args := range []string{"leases --watch --json", "stale --json --watch=5s"} {
		if got := lessor(t, strings.Fields(args)...); got.code != exitUsage || !strings.Contains(got.err, "lessor events --json") {
			t.Errorf("lessor %s: %d %s", args, got.code, got.err)
		}
	}
}

func TestPaintIsKeptWhereWordsAreMarkedAndLinesCut(t *testing.T) {
	if got, want := marked("\x1b[32mready\x1b[0m  now", []bool{true, false}), "\x1b[32m\x1b[7mready\x1b[27m\x1b[0m\x1b[7m\x1b[27m  now"; got != want {
		t.Errorf("got %q", got)
	}
	if got, want := clippedPainted("\x1b[32mready\x1b[0m now", 7), "\x1b[32mready\x1b[0m …\x1b[0m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChangesAreFoundWhereLinesCome(t *testing.T) {
	before := []string{"ADDRESS STATE", "10.0.0.1 active", "10.0.0.3 active", "10.0.0.4 active"}
	after := []string{"ADDRESS STATE", "10.0.0.1 active", "10.0.0.2 active", "10.0.0.3 expired", "10.0.0.4 active"}
	if got := fmt.Sprint(changedWords(before, after)); got != "[[false false] [false false] [true true] [false true] [false false]]" {
		t.Errorf("got %s", got)
	}
	if got := fmt.Sprint(changedWords(after, before)); got != "[[false false] [false false] [false true] [false false]]" {
		t.Errorf("the other way: got %s", got)
	}
}
