package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	done chan error
	at   *place
	log  string
}

// start runs one side in its namespace, with what is in its place.
func (p *peer) start(l *lab, at *place) (*process, error) {
	args, env, err := p.command(at)
	if err != nil {
		return nil, err
	}
	// ip(8) executes the server in its own place, so the process is the server's.
	cmd := exec.Command("ip", append([]string{"netns", "exec", l.servers[at.side]}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	s := &process{cmd: cmd, done: make(chan error, 1), at: at, log: at.file("log")}
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.done <- cmd.Wait() }()
	return s, nil
}

// kill ends it as kill -9 does.
func (s *process) kill() {
	s.cmd.Process.Kill()
	err := <-s.done
	s.done <- err
}

// stop ends the server, by force if it takes more than ten seconds.
func (s *process) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.done:
		s.done <- err
	case <-time.After(10 * time.Second):
		s.kill()
	}
}

// ended reports an end that nobody asked for.
func (s *process) ended() error {
	select {
	case err := <-s.done:
		s.done <- err
		text, _ := os.ReadFile(s.log)
		return fmt.Errorf("ended by itself: %v: %s", err, last(string(text), 400))
	default:
		return nil
	}
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// usage is what a process has used up to now.
type usage struct {
	cpu         time.Duration
	memory      int // resident, octets
	written     int // octets
	descriptors int
}

func (s *process) usage() (u usage, err error) {
	pid := strconv.Itoa(s.cmd.Process.Pid)
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return u, err
	}
	if u.cpu, err = cpuIn(string(stat)); err != nil {
		return u, err
	}
	status, _ := os.ReadFile("/proc/" + pid + "/status")
	io, _ := os.ReadFile("/proc/" + pid + "/io")
	u.memory = numberIn(string(status), "VmRSS:") << 10
	u.written = numberIn(string(io), "wchar:")
	open, _ := os.ReadDir("/proc/" + pid + "/fd")
	u.descriptors = len(open)
	return u, nil
}

// clockTick is the unit of /proc/PID/stat (USER_HZ, which Linux has fixed).
const clockTick = 10 * time.Millisecond

// cpuIn returns the user's and the system's time of all threads in the text of /proc/PID/stat (proc(5)).
func cpuIn(stat string) (time.Duration, error) {
	i := strings.LastIndexByte(stat, ')') // the name before it may hold anything
	f := strings.Fields(stat[i+1:])
	if i < 0 || len(f) < 13 {
		return 0, errors.New("the kernel does not tell the process's time")
	}
	user, err := strconv.Atoi(f[11])
	system, err2 := strconv.Atoi(f[12])
	return time.Duration(user+system) * clockTick, errors.Join(err, err2)
}

func numberIn(text, key string) int {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == key {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}

// busy returns the time that all processors have been busy since the machine started.
func busy() time.Duration {
	stat, _ := os.ReadFile("/proc/stat")
	f := strings.Fields(strings.SplitN(string(stat), "\n", 2)[0])
	total := 0
	for i, s := range f {
		if n, err := strconv.Atoi(s); err == nil && i != 4 && i != 5 && i < 9 { // neither idle nor waiting for a disk
			total += n
		}
	}
	return time.Duration(total) * clockTick
}

// flushes returns how often the disk under dir was told to write what it has, by anybody; false if the kernel does not say.
func flushes(dir string) (uint64, bool) {
	var st unix.Stat_t
	if unix.Stat(dir, &st) != nil {
		return 0, false
	}
	text, _ := os.ReadFile("/proc/diskstats")
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 18 && f[0] == strconv.Itoa(int(unix.Major(st.Dev))) && f[1] == strconv.Itoa(int(unix.Minor(st.Dev))) {
			n, err := strconv.ParseUint(f[18], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
