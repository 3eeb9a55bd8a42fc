package world

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a program that runs in a namespace, with what it writes kept.
type Process struct {
	w     *World
	name  string
	where *Namespace
	cmd   *exec.Cmd
	out   *transcript
	gone  chan struct{}
	err   error // valid once gone is closed
}

// transcript is what a process wrote on both of its outputs. Writes and reads may meet.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// mostKept bounds the memory that one chatty process can take; what comes after is lost.
const mostKept = 16 << 20

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buf.Len() < mostKept {
		t.buf.Write(b)
	}
	return len(b), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// Start runs a program in the namespace until it ends or the world does. name is for reports.
func (n *Namespace) Start(name string, args ...string) *Process {
	n.w.t.Helper()
	return n.startWith(name, nil, args...)
}

// startWith is Start with further environment variables.
func (n *Namespace) startWith(name string, env []string, args ...string) *Process {
	n.w.t.Helper()
	// ip netns exec replaces itself by the program, so the process number is the program's own.
	args = append([]string{"ip", "netns", "exec", n.Name}, args...)
	p := &Process{w: n.w, name: n.Role + ": " + name, where: n, out: new(transcript), gone: make(chan struct{})}
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Dir = n.w.Dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p.cmd.WaitDelay = time.Second // a child that inherited the output does not hold the wait up
	if err := p.cmd.Start(); err != nil {
		n.w.t.Fatalf("%s: %v", p.name, err)
	}
	n.w.mu.Lock()
	n.w.ours = append(n.w.ours, p)
	n.w.mu.Unlock()
	go func() {
		p.err = p.cmd.Wait()
		close(p.gone)
	}()
	return p
}

// PID is the number of the program's process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns all that the process wrote so far.
func (p *Process) Log() string { return p.out.String() }

// Ended reports whether the process is gone.
func (p *Process) Ended() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

func (p *Process) state() string {
	if !p.Ended() {
		return "running"
	}
	if p.err != nil {
		return p.err.Error()
	}
	return "ended"
}

// Signal sends a signal to the program alone.
func (p *Process) Signal(s syscall.Signal) {
	if !p.Ended() {
		p.cmd.Process.Signal(s)
	}
}

// Kill ends the program and its process group at once, and waits until they are gone.
func (p *Process) Kill() {
	if p.Ended() {
		return
	}
	syscall.Kill(-p.PID(), syscall.SIGKILL)
	<-p.gone
}

// Stop asks the program to end, fails the test if it has not (Wait), and returns how it ended.
func (p *Process) Stop(d time.Duration) error {
	p.w.t.Helper()
	p.Signal(syscall.SIGTERM)
	return p.Wait(d)
}

// Wait waits until the program has ended by itself, on a machine of one's own within d, and returns how.
func (p *Process) Wait(d time.Duration) error {
	p.w.t.Helper()
	d *= Robbed
	select {
	case <-p.gone:
		return p.err
	case <-time.After(d):
		p.w.t.Fatalf("%s still runs after %v\n%s", p.name, d, tail(p.Log(), 30))
		return nil
	}
}

// Says waits until the process has written something that matches, and fails the test if it does not within d or ends
// before.
func (p *Process) Says(d time.Duration, pattern string) string {
	p.w.t.Helper()
	return p.SaysAfter(0, d, pattern)
}

// SaysAfter is Says for what is written after the first `from` octets of the log.
func (p *Process) SaysAfter(from int, d time.Duration, pattern string) string {
	p.w.t.Helper()
	d *= Robbed
	re := regexp.MustCompile(pattern)
	deadline := time.Now().Add(d)
	for {
		ended := p.Ended()
		if log := p.Log(); len(log) > from {
			if m := re.FindString(log[from:]); m != "" {
				return m
			}
		}
		if ended || time.Now().After(deadline) {
			p.w.t.Fatalf("%s did not say %q within %v (%s)\n%s", p.name, pattern, d, p.state(), tail(p.Log(), 30))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Count returns how many lines of the log hold text.
func (p *Process) Count(text string) int {
	n := 0
	for line := range strings.Lines(p.Log()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}
