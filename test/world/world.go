package world

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// prefix begins the name of every namespace and directory that a World makes, so that Sweep knows its own.
const prefix = "lsr-"

var serial atomic.Int64

// World is what one test made: namespaces, segments, processes, captures, and a directory for their files.
type World struct {
	t testing.TB
	// Dir holds configurations, logs and the state of clients and servers. It is short, since unix sockets live in it.
	Dir string

	id       string
	mu       sync.Mutex
	spaces   []*Namespace
	ours     []*Process
	captures []*Capture
	ports    int
	segments int
}

// New begins a world that ends with the test. It fails the test where namespaces cannot be made: a test of the real
// thing that silently does nothing would be worth nothing.
func New(t testing.TB) *World {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test makes network namespaces, so it must run as root")
	}
	id := fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), serial.Add(1))
	dir := filepath.Join(os.TempDir(), id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w := &World{t: t, Dir: dir, id: id}
	t.Cleanup(w.end)
	return w
}

// T is the test that the world belongs to.
func (w *World) T() testing.TB { return w.t }

// Path returns the name of a file in the world's directory.
func (w *World) Path(elem ...string) string {
	return filepath.Join(append([]string{w.Dir}, elem...)...)
}

// Write puts a file into the world's directory, and returns its name.
func (w *World) Write(name, content string) string {
	w.t.Helper()
	return w.write(name, content, 0o644)
}

// Script is Write for a file that can be run.
func (w *World) Script(name, content string) string {
	w.t.Helper()
	return w.write(name, content, 0o755)
}

func (w *World) write(name, content string, mode os.FileMode) string {
	w.t.Helper()
	path := w.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// Robbed is how many times as long things take at most on a machine from which others take the processors as on one's own. What comes
// to a state that is waited for may come so much later; how fast something is, tests measure otherwise.
const Robbed = 4

// Eventually fails the test unless holds comes true, on a machine of one's own within d. What was waited for is said in the operator's
// words.
func (w *World) Eventually(d time.Duration, what string, holds func() bool) {
	w.t.Helper()
	d *= Robbed
	deadline := time.Now().Add(d)
	for !holds() {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %v: %s", d, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// end takes the world down, newest first, and shows what the processes said where the test failed.
func (w *World) end() {
	for _, p := range w.ours {
		for _, bad := range []string{"panic:", "fatal error:", "DATA RACE"} {
			if strings.HasSuffix(p.name, ": lessor") && strings.Contains(p.Log(), bad) {
				w.t.Errorf("%s says %q", p.name, bad)
			}
		}
	}
	if w.t.Failed() {
		w.report()
	}
	for _, c := range w.captures {
		c.close()
	}
	for i := len(w.ours) - 1; i >= 0; i-- {
		w.ours[i].Kill()
	}
	unmountUnder(w.Dir)
	for i := len(w.spaces) - 1; i >= 0; i-- {
		remove(w.spaces[i].Name)
	}
	if w.t.Failed() && os.Getenv("LESSOR_KEEP") != "" {
		for i, p := range w.ours {
			w.Write(fmt.Sprintf("%d.log", i), p.name+"\n"+p.Log())
		}
		w.t.Logf("kept %s", w.Dir)
		return
	}
	if err := os.RemoveAll(w.Dir); err != nil {
		w.t.Errorf("the world's directory stays behind: %v", err)
	}
}

// report logs the end of what every process wrote, and the packets that were seen.
func (w *World) report() {
	for _, p := range w.ours {
		log := p.Log()
		if at := strings.Index(log, "DATA RACE"); at >= 0 {
			w.t.Logf("--- %s\n%.8000s", p.name, log[at:])
		}
		w.t.Logf("--- %s (%s)\n%s", p.name, p.state(), tail(withoutLeases(log), 60))
	}
	for _, c := range w.captures {
		w.t.Logf("--- packets seen on %s\n%s", c.where, tail(c.String(), 80))
	}
}

// withoutLeases leaves out what a server says of single leases, of which under load there are thousands of lines.
func withoutLeases(log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"msg":"lease `) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// tail returns the last n lines of s.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	if len(lines) > n {
		lines = append([]string{fmt.Sprintf("… %d lines before", len(lines)-n)}, lines[len(lines)-n:]...)
	}
	return strings.Join(lines, "\n")
}

// run runs a command to its end and returns what it wrote.
func run(args ...string) (string, error) {
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// must is run for what has to work.
func (w *World) must(args ...string) string {
	w.t.Helper()
	out, err := run(args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}
