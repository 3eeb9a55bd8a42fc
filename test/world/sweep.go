package world

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Sweep removes the namespaces, mounts and directories of test processes that no longer run. It is for TestMain: a run
// that was killed could not clean up after itself.
func Sweep() {
	out, err := run("ip", "netns", "list")
	if err == nil {
		for line := range strings.Lines(out) {
			if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); stale(name) {
				remove(name)
			}
		}
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, dir := range left {
		if stale(filepath.Base(dir)) {
			unmountUnder(dir)
			os.RemoveAll(dir)
		}
	}
}

// stale reports whether name was given by a test process that is gone.
func stale(name string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return false
	}
	digits, _, _ := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(digits)
	return err == nil && pid != os.Getpid() && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// remove ends every process that still runs in a namespace of ours, and the namespace.
func remove(name string) {
	for range 50 {
		out, err := run("ip", "netns", "pids", name)
		if err != nil || strings.TrimSpace(out) == "" {
			break
		}
		for _, field := range strings.Fields(out) {
			if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := run("ip", "netns", "del", name); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// unmountUnder takes down what a killed run had mounted below dir, deepest first.
func unmountUnder(dir string) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return
	}
	lines := strings.Split(string(mounts), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if f := strings.Fields(lines[i]); len(f) > 1 && strings.HasPrefix(f[1], dir+"/") {
			syscall.Unmount(f[1], syscall.MNT_DETACH)
		}
	}
}
