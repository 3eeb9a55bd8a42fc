package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

type demoCommand struct {
	Quick bool `help:"Without pauses for reading, and end when the story does."`
}

func (demoCommand) Help() string {
	return `The story of two servers and the bridge, in about two minutes: two servers, each on its own segment of one shared network, and 129 clients; the configuration is changed at one of them, the bridge between the segments fails before the other has heard of it, and clients move from one side to the other. Everything is real but the people: two ` + "`lessor serve`" + ` of this program, in network namespaces of the demo's own. Nothing outside of them is touched.

At a terminal everything goes on running at the end, to play with, until Ctrl-C. Otherwise, and with --quick, the demo ends by itself, with exit code 0 if all went as told.

It needs root, and the command ip (Debian: iproute2).

Examples:

  lessor demo
  lessor demo --quick`
}

// Run tells the story.
func (x demoCommand) Run(ctx context.Context, c *console) error {
	d := &demo{console: c, paced: c.interactive && !x.Quick}
	return d.run(ctx)
}

// demo is one telling of the story.
type demo struct {
	*console
	// paced says that somebody reads along, and may want to play in the end.
	paced  bool
	stage  *demoStage
	people *demoPeople
	scenes int
	moved  []*demoClient
	root   string // the version of the beginning
	made   string // that of the change
}

func (d *demo) run(ctx context.Context) (err error) {
	if err := mayMakeNamespaces(os.Geteuid()); err != nil {
		return err
	}
	if d.stage, err = newDemoStage(d.console); err != nil {
		return err
	}
	// Also where somebody is tired of it: what was made is taken away, and that is no failure.
	defer func() {
		if d.people != nil {
			d.people.leave()
		}
		err = errors.Join(err, d.stage.strike())
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			fmt.Fprintln(d.out, "\nThe demo was ended, and everything that it made is gone.")
			err = nil
		}
	}()
	for _, scene := range []func(context.Context) error{d.prologue, d.found, d.arrive, d.change, d.answer, d.move, d.meet, d.drain} {
		if err := scene(ctx); err != nil {
			return d.explain(ctx, err)
		}
	}
	return d.end(ctx)
}

func mayMakeNamespaces(uid int) error {
	if uid != 0 {
		return errors.New("the demo makes network namespaces, so it needs root\n  → sudo lessor demo")
	}
	return nil
}

// explain adds to an error what the servers said last, since the directory with their logs is about to go.
func (d *demo) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, s := range []demoSide{demoWest, demoEast} {
		if text := d.stage.logOf(s); text != "" {
			fmt.Fprintf(d.err, "--- what %v said last\n%s", s, shownLines(text))
		}
	}
	return err
}

// head begins a scene.
func (d *demo) head(title string) {
	d.scenes++
	fmt.Fprintf(d.out, "\n%s\n\n", d.paint(bold, fmt.Sprintf("%d · %s", d.scenes, title)))
}

// say tells a paragraph.
func (d *demo) say(format string, args ...any) {
	for _, line := range wrapped(fmt.Sprintf(format, args...), pageWidth) {
		fmt.Fprintln(d.out, line)
	}
}

// note tells what is seen, in lines as they are.
func (d *demo) note(format string, args ...any) {
	fmt.Fprintf(d.out, "  "+format+"\n", args...)
}

// pause leaves a reader time.
func (d *demo) pause(ctx context.Context, t time.Duration) error {
	if !d.paced {
		return ctx.Err()
	}
	return sleep(ctx, t)
}

func sleep(ctx context.Context, t time.Duration) error {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// until waits until holds does, for at most t; what is what is then missing.
func until(ctx context.Context, t time.Duration, what string, holds func() bool) error {
	for deadline := time.Now().Add(t); !holds(); {
		if time.Now().After(deadline) {
			return fmt.Errorf("the story goes no further: not within %v: %s", t, what)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// width is that of a terminal, for one line that is written again and again.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 20 {
			return int(size.Col)
		}
	}
	return pageWidth
}
