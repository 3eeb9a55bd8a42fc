package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// pseudoTerminal is a terminal whose keys a test presses, and whose screen it reads.
type pseudoTerminal struct {
	t             *testing.T
	master, slave *os.File

	mu   sync.Mutex // guards what follows
	seen bytes.Buffer
}

func newTerminal(t *testing.T, width, height int) *pseudoTerminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &pseudoTerminal{t: t, master: master, slave: slave}
	t.Cleanup(func() { slave.Close(); master.Close() })
	p.resize(width, height)
	go p.read()
	return p
}

func (p *pseudoTerminal) read() {
	b := make([]byte, 4096)
	for {
		n, err := p.master.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.seen.Write(b[:n])
		p.mu.Unlock()
	}
}

func (p *pseudoTerminal) resize(width, height int) {
	if err := unix.IoctlSetWinsize(int(p.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(width), Row: uint16(height)}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pseudoTerminal) press(keys string) {
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pseudoTerminal) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// await waits until what is on the terminal is as it should be.
func (p *pseudoTerminal) await(what string, is func(string) bool) string {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s := p.screen()
		if is(s) {
			return s
		}
		if time.Now().After(end) {
			p.t.Fatalf("never %s:\n%q", what, s)
		}
	}
}

func (p *pseudoTerminal) termios() unix.Termios {
	t, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return *t
}

// TestTopChild is the other process of the tests below, and nothing by itself.
func TestTopChild(t *testing.T) {
	if socket := os.Getenv("LESSOR_TEST_TOP"); socket != "" {
		os.Args = []string{"lessor", "top", "--socket", socket, "--every", "200ms"}
		main()
	}
}

// serving has r answer at the socket of a directory until it is stopped.
func serving(t *testing.T, r node.Reporter, dir string) (stop func()) {
	t.Helper()
	l, err := api.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		api.New(r, slog.New(slog.DiscardHandler)).Run(ctx, l)
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// topOnTerminal runs lessor top as the foreground process of a terminal.
func topOnTerminal(t *testing.T, width, height int) (*pseudoTerminal, *exec.Cmd) {
	t.Helper()
	socket, _ := answeringAs(t, aPair())
	return topOf(t, socket, width, height)
}

// topOf is topOnTerminal for the server at a socket.
func topOf(t *testing.T, socket string, width, height int) (*pseudoTerminal, *exec.Cmd) {
	t.Helper()
	p := newTerminal(t, width, height)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestTopChild$")
	cmd.Env = append(os.Environ(), "LESSOR_TEST_TOP="+socket, "TERM=xterm", "NO_COLOR=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.slave, p.slave, p.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	p.await("a frame", func(s string) bool { return strings.Contains(s, "q quits") })
	return p, cmd
}

// A server that goes away stays on the screen as it was, with since when; when it is back, so is what was missed, and nothing twice.
func TestTopOutlivesItsServer(t *testing.T) {
	before := newTerminal(t, 80, 24).termios()
	r := aPair()
	event := func(n uint64) node.Event {
		return node.Event{ID: node.EventID{Epoch: 1, Number: n}, Kind: node.StoreAlarm, Message: fmt.Sprintf("event-%d.", n), Time: minutes(0)}
	}
	r.kept = []node.Event{event(1), event(2)}
	dir := t.TempDir()
	stop := serving(t, r, dir)
	p, cmd := topOf(t, api.SocketIn(dir), 100, 40)
	newest := func(s string) string { // whole frame
		frames := strings.Split(s, toTop)
		for i := len(frames) - 1; i > 0; i-- {
			if strings.HasSuffix(frames[i], clearRest) {
				return frames[i]
			}
		}
		return ""
	}
	p.await("the events of before", func(s string) bool { return strings.Contains(newest(s), "event-2.") })
	stop()
	p.await("no answer, and all else as it was", func(s string) bool {
		f := newest(s)
		return strings.Contains(f, "no answer") && strings.Contains(f, "event-2.") && strings.Contains(f, "floor1")
	})
	r.kept = append(r.kept, event(3))
	serving(t, r, dir)
	back := newest(p.await("back, with what was missed", func(s string) bool {
		f := newest(s)
		return strings.Contains(f, "event-3.") && !strings.Contains(f, "no answer")
	}))
	for n := 1; n <= 3; n++ {
		if strings.Count(back, fmt.Sprintf("event-%d.", n)) != 1 {
			t.Errorf("%d is not there once:\n%q", n, back)
		}
	}
	p.press("?")
	p.await("the keys", func(s string) bool { return strings.Contains(newest(s), "any key goes back") })
	p.press("x?\x1b[Bq") // back, the keys again, back by an arrow, and the end
	givenBack(t, p, cmd, before)
}

// givenBack fails unless top ended well and the terminal is as it was.
func givenBack(t *testing.T, p *pseudoTerminal, cmd *exec.Cmd, before unix.Termios) {
	t.Helper()
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	p.await("given back", func(s string) bool { return strings.HasSuffix(s, leaveScreen) })
	if p.termios() != before {
		t.Errorf("the terminal is not as it was: %+v, not %+v", p.termios(), before)
	}
}

func TestTopGivesTheTerminalBack(t *testing.T) {
	for name, end := range map[string]func(*pseudoTerminal, *exec.Cmd){
		"q":       func(p *pseudoTerminal, _ *exec.Cmd) { p.press("q") },
		"Ctrl-C":  func(p *pseudoTerminal, _ *exec.Cmd) { p.press("\x03") },
		"Ctrl-D":  func(p *pseudoTerminal, _ *exec.Cmd) { p.press("\x04") },
		"SIGTERM": func(_ *pseudoTerminal, cmd *exec.Cmd) { cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			before := newTerminal(t, 80, 24).termios() // as any new one is
			p, cmd := topOnTerminal(t, 100, 30)
			if p.termios() == before {
				t.Error("keys are not read one by one")
			}
			if s := p.screen(); !strings.HasPrefix(s, enterScreen) || strings.Contains(s, "\x1b]0;") {
				t.Errorf("%q", s)
			}
			end(p, cmd)
			givenBack(t, p, cmd, before)
		})
	}
}

// The frame follows the terminal's size at once.
func TestTopFollowsTheSizeOfItsTerminal(t *testing.T) {
	before := newTerminal(t, 80, 24).termios()
	p, cmd := topOnTerminal(t, 100, 30)
	lines := func(s string) int { // of the newest whole frame
		frames := strings.Split(s, toTop)
		for i := len(frames) - 1; i > 0; i-- {
			if strings.HasSuffix(frames[i], clearRest) {
				return strings.Count(frames[i], "\r\n") + 1
			}
		}
		return 0
	}
	if n := lines(p.screen()); n != 30 {
		t.Errorf("%d lines", n)
	}
	p.resize(60, 15)
	p.await("15 lines", func(s string) bool { return lines(s) == 15 })
	p.press("q")
	givenBack(t, p, cmd, before)
}

// Ctrl-Z gives the terminal back for as long as the process is stopped.
func TestTopCanBeSuspended(t *testing.T) {
	before := newTerminal(t, 80, 24).termios()
	p, cmd := topOnTerminal(t, 100, 30)
	if err := cmd.Process.Signal(syscall.SIGTSTP); err != nil { // an orphaned group is not stopped by the key itself
		t.Fatal(err)
	}
	p.await("given back", func(s string) bool { return strings.HasSuffix(s, leaveScreen) })
	var info unix.WaitStatus
	if _, err := unix.Wait4(cmd.Process.Pid, &info, unix.WUNTRACED, nil); err != nil || !info.Stopped() {
		t.Fatal(err, info)
	}
	if p.termios() != before {
		t.Errorf("while it is stopped, the terminal is not as it was: %+v, not %+v", p.termios(), before)
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.await("taken again", func(s string) bool { return strings.Count(s, enterScreen) == 2 && strings.HasSuffix(s, clearRest) })
	p.press("q")
	givenBack(t, p, cmd, before)
}
