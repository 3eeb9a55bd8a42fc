package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// What a terminal is told (ECMA-48, and xterm's private modes): the alternate screen, the cursor, and whether long lines break.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leaveScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	toTop       = "\x1b[H"
	clearLine   = "\x1b[K"
	clearRest   = "\x1b[J"
)

// screen is a terminal that is painted over again and again, and given back as it was.
type screen struct {
	out io.Writer
	in  *os.File // nil: nobody presses keys
	was unix.Termios
	// inside says that the terminal is ours now.
	inside bool
}

// openScreen takes the terminal; whoever does gives it back by close.
func openScreen(c *console) (*screen, error) {
	s := &screen{out: c.out}
	if f, ok := c.in.(*os.File); ok && isTerminal(f) {
		s.in = f
		t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		if err != nil {
			return nil, fmt.Errorf("the terminal: %w", err)
		}
		s.was = *t
	}
	return s, s.enter()
}

// enter makes the terminal hand over single keys, unseen; the ones that send signals go on doing so, but for the one that asks for a
// core dump, which would leave the terminal as it is.
func (s *screen) enter() error {
	if s.in != nil {
		t := s.was
		t.Lflag &^= unix.ICANON | unix.ECHO
		t.Cc[unix.VMIN], t.Cc[unix.VTIME], t.Cc[unix.VQUIT] = 1, 0, 0
		if err := unix.IoctlSetTermios(int(s.in.Fd()), unix.TCSETS, &t); err != nil {
			return fmt.Errorf("the terminal: %w", err)
		}
	}
	s.inside = true
	_, err := io.WriteString(s.out, enterScreen)
	return err
}

// close gives the terminal back as it was.
func (s *screen) close() {
	if !s.inside {
		return
	}
	s.inside = false
	io.WriteString(s.out, leaveScreen) // a terminal that is gone needs nothing
	if s.in != nil {
		unix.IoctlSetTermios(int(s.in.Fd()), unix.TCSETS, &s.was)
	}
}

// suspend gives the terminal back, has the process stopped as it was asked to, and takes the terminal when it goes on.
func (s *screen) suspend() {
	s.close()
	runtime.LockOSThread() // the signal is this thread's own, so that nothing more is done before it stops everything
	defer runtime.UnlockOSThread()
	if err := unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGSTOP); err != nil {
		return
	}
	s.enter() // what cannot be taken cannot be drawn on either, which the next frame tells
}

// draw shows lines, and nothing else.
func (s *screen) draw(lines []string) error {
	var b strings.Builder
	b.WriteString(toTop)
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(l + clearLine)
	}
	b.WriteString(clearRest)
	_, err := io.WriteString(s.out, b.String())
	return err
}

// key is a key that means something here.
type key uint8

const (
	_ key = iota
	keyQuit
	keyUp
	keyDown
	keyPageUp
	keyPageDown
	keyHome
	keyEnd
	keyHelp
)

// sequences are what terminals send for keys.
var sequences = []struct {
	octets string
	key    key
}{
	{"\x1b[A", keyUp}, {"\x1bOA", keyUp}, {"\x1b[B", keyDown}, {"\x1bOB", keyDown}, {"\x1b[5~", keyPageUp}, {"\x1b[6~", keyPageDown},
	{"\x1b[H", keyHome}, {"\x1bOH", keyHome}, {"\x1b[1~", keyHome}, {"\x1b[F", keyEnd}, {"\x1bOF", keyEnd}, {"\x1b[4~", keyEnd},
	{"q", keyQuit}, {"Q", keyQuit}, {"\x04", keyQuit}, {"k", keyUp}, {"j", keyDown}, {"b", keyPageUp}, {" ", keyPageDown}, {"g", keyHome}, {"G", keyEnd},
	{"?", keyHelp}, {"h", keyHelp},
}

// keysIn returns the keys in what a terminal sent. What means nothing is passed over.
func keysIn(b []byte) (ks []key) {
next:
	for s := string(b); s != ""; {
		for _, q := range sequences {
			if strings.HasPrefix(s, q.octets) {
				ks, s = append(ks, q.key), s[len(q.octets):]
				continue next
			}
		}
		s = s[lengthOfSequence(s):]
	}
	return ks
}

// lengthOfSequence returns how much of s is one key that nobody knows: a control sequence whole (ECMA-48 §5.4), else an octet.
func lengthOfSequence(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 1
	}
	for i := 2; i < len(s); i++ {
		if s[i] >= 0x40 && s[i] <= 0x7e {
			return i + 1
		}
	}
	return len(s)
}

// keys calls pressed with each key until ctx is done or the terminal is gone.
func (s *screen) keys(ctx context.Context, pressed func(key)) {
	if s.in == nil {
		return
	}
	ended, end, err := os.Pipe()
	if err != nil {
		return // no keys: a signal ends it
	}
	defer ended.Close()
	stop := context.AfterFunc(ctx, func() { end.Close() })
	defer func() {
		if stop() {
			end.Close()
		}
	}()
	var b [256]byte
	for ctx.Err() == nil {
		fds := []unix.PollFd{{Fd: int32(s.in.Fd()), Events: unix.POLLIN}, {Fd: int32(ended.Fd()), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil || fds[1].Revents != 0 {
			return
		}
		n, err := unix.Read(int(s.in.Fd()), b[:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			return
		}
		for _, k := range keysIn(b[:n]) {
			pressed(k)
		}
	}
}
