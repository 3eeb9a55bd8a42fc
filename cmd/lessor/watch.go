package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/lessor-dhcp/lessor/internal/api"
)

// watchFlag says that something is shown again and again, and how often: --watch, or --watch=5s. Zero: once.
type watchFlag time.Duration

// between is how long what is watched stays where nothing else is said, and the least and the most that can be said.
const (
	between      = 2 * time.Second
	leastBetween = 200 * time.Millisecond
	mostBetween  = 24 * time.Hour
)

// IsBool implements kong.BoolMapperValue: the flag needs no value.
func (w *watchFlag) IsBool() bool { return true }

// Decode implements kong.MapperValue.
func (w *watchFlag) Decode(k *kong.DecodeContext) error {
	*w = watchFlag(between)
	if k.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	text := k.Scan.Pop().String()
	d, err := time.ParseDuration(text)
	if err != nil || d < leastBetween || d > mostBetween {
		return fmt.Errorf("%q is no time from %v to %v: write it as in 5s", text, leastBetween, mostBetween)
	}
	*w = watchFlag(d)
	return nil
}

// errWatchJSON says why lists are not watched as JSON.
var errWatchJSON = errors.New("--watch with --json would not say where one list ends: `lessor events --json` tells of each change as it happens")

// watch has show write something, once, or again and again until the person ends it. A server that stops ends it where
// out is no terminal; on one it is waited for.
func (c *console) watch(ctx context.Context, every watchFlag, asJSON bool, show func(c *console, w *bufio.Writer) error) error {
	if every == 0 {
		return c.buffered(func(w *bufio.Writer) error { return show(c, w) })
	}
	seen := repainted{console: c, every: time.Duration(every)}
	for first := true; ; first = false {
		page, err := seen.draw(show)
		_, away := errors.AsType[*api.NoServerError](err)
		switch {
		case ctx.Err() != nil:
			return seen.end()
		case away && !first && c.cursor && !asJSON:
			page = c.paint(yellow, shown(err.Error())) + "\n"
		case err != nil:
			return err
		}
		if err := seen.show(page, asJSON); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return seen.end()
		case <-time.After(time.Duration(every)):
		}
	}
}

// repainted is what is watched, where it can be painted over: in place, with a mark on what has changed.
type repainted struct {
	*console
	every   time.Duration
	painted bool
	before  []string // the lines that were painted, without what steers the terminal
}

// draw has show write a page, remarks included.
func (s *repainted) draw(show func(c *console, w *bufio.Writer) error) (string, error) {
	var page bytes.Buffer
	c := *s.console
	w := bufio.NewWriter(&page)
	c.out, c.interactive = w, false
	if s.cursor {
		c.err = w
	}
	err := show(&c, w)
	w.Flush()
	return page.String(), err
}

// show shows a page: in place of the one before, or, where that cannot be done, below a line that says when.
func (s *repainted) show(page string, asJSON bool) (err error) {
	switch {
	case asJSON:
		_, err = fmt.Fprint(s.out, page)
	case s.cursor:
		_, err = fmt.Fprint(s.out, s.paintOver(page))
	default:
		_, err = fmt.Fprintf(s.out, "--- %s\n%s", s.now().UTC().Format(time.RFC3339), page)
	}
	return err
}

// end leaves the page as it is, and the cursor below it.
func (s *repainted) end() error {
	if s.painted {
		fmt.Fprintln(s.out)
	}
	return nil
}

// The size of a terminal that does not say it.
const usualWidth, usualHeight = 80, 24

// paintOver returns what makes the terminal show a page in place of the one before. What does not fit is counted.
func (s *repainted) paintOver(page string) string {
	width, height := s.size()
	if width <= 0 || height <= 0 {
		width, height = usualWidth, usualHeight
	}
	lines := strings.Split(strings.TrimSuffix(page, "\n"), "\n")
	if most := max(height-2, 1); len(lines) > most {
		rest := len(lines) - most + 1
		lines = append(lines[:most-1:most-1], s.console.paint(dim, "… and "+count(rest, "more line")))
	}
	bare := make([]string, len(lines))
	for i := range lines {
		lines[i] = clippedPainted(lines[i], width)
		bare[i] = withoutPaint(lines[i])
	}
	var b strings.Builder
	if !s.painted {
		b.WriteString("\x1b[2J")
	}
	b.WriteString("\x1b[H")
	head := clipped(fmt.Sprintf("%s, again every %v; Ctrl-C ends it", s.now().UTC().Format(time.TimeOnly), s.every), width)
	b.WriteString(s.console.paint(dim, head) + "\x1b[K")
	marks := make([][]bool, len(lines))
	if s.painted {
		marks = changedWords(s.before, bare)
	}
	for i, line := range lines {
		b.WriteString("\r\n" + marked(line, marks[i]) + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	s.before, s.painted = bare, true
	return b.String()
}
