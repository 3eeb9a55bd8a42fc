package main

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/api"
)

// console is what a command has of the world: its streams, the clock, and how it may write.
type console struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time
	colour   bool // out is a terminal whose owner has nothing against colour
	// terminal says that out is one, whatever its owner has against colour.
	terminal bool
	// cursor says that what is on it can be painted over.
	cursor bool
	// size returns how many columns and lines the terminal has; nil, or 0: out is none, or does not say.
	size func() (width, height int)
	// sits returns the addresses that the one who gives the commands must not lose; nil: none is known.
	sits func() []netip.Addr
	// interactive says that a person is there to be asked: in and err are terminals.
	interactive bool
	// become has the process go on as another user.
	become func(uid, gid int) error
}

// systemConsole is the console of this process.
func systemConsole() *console {
	c := &console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, now: time.Now,
		terminal: isTerminal(os.Stdout), sits: operatorSits,
		interactive: isTerminal(os.Stdin) && isTerminal(os.Stderr), become: becomeUser,
	}
	if c.terminal {
		c.cursor = os.Getenv("TERM") != "dumb" && os.Getenv("TERM") != ""
		c.colour = c.cursor && mayColour(os.Getenv)
		c.size = func() (width, height int) { return terminalSize(os.Stdout) }
	}
	return c
}

// mayColour reports whether the one at a terminal has nothing against colour (no-color.org, bixense.com/clicolors).
func mayColour(env func(string) string) bool { return env("NO_COLOR") == "" && env("CLICOLOR") != "0" }

func terminalSize(f *os.File) (width, height int) {
	s, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(s.Col), int(s.Row)
}

// width returns how many columns the terminal has that out is; 0: it is none, or does not say, and lines are as long as
// they are.
func (c *console) width() int {
	if c.size == nil {
		return 0
	}
	width, _ := c.size()
	return width
}

// page returns how wide a text of any length becomes: most, or less on a terminal that is narrower.
func (c *console) page(most int) int {
	if width := c.width(); width > 0 {
		return max(min(most, width), minPage)
	}
	return most
}

// minPage is how narrow a text is made for a narrow terminal; below, the terminal breaks the lines.
const minPage = 40

func becomeUser(uid, gid int) error {
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// note writes one line for the person at the terminal, beside the output.
func (c *console) note(format string, args ...any) {
	fmt.Fprintf(c.err, format+"\n", args...)
}

// buffered calls write with a buffer before out, and empties it.
func (c *console) buffered(write func(w *bufio.Writer) error) error {
	w := bufio.NewWriterSize(c.out, 64<<10)
	if err := write(w); err != nil {
		w.Flush() // what was found before the error is worth showing
		return err
	}
	return w.Flush()
}

// json writes v as one line.
func (c *console) json(v any) error { return writeJSON(c.out, v) }

func writeJSON(w io.Writer, v any) error {
	b, err := api.AppendJSON(nil, v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// style is how a terminal shows a piece of text: an SGR parameter, or empty for as it is.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// paint returns s as the terminal is to show it. Widths are counted before.
func (c *console) paint(st style, s string) string {
	if !c.colour || st == plain || s == "" {
		return s
	}
	return "\x1b[" + string(st) + "m" + s + "\x1b[0m"
}
