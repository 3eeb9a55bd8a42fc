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
	// sits returns the addresses that the one who gives the commands must not lose; nil: none is known.
	sits func() []netip.Addr
	// interactive says that a person is there to be asked: in and err are terminals.
	interactive bool
	// become has the process go on as another user.
	become func(uid, gid int) error
}

// systemConsole is the console of this process.
func systemConsole() *console {
	return &console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, now: time.Now,
		colour:   isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		terminal: isTerminal(os.Stdout), sits: operatorSits,
		interactive: isTerminal(os.Stdin) && isTerminal(os.Stderr), become: becomeUser,
	}
}

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
