package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/api"
)

// demoSide is a segment of the demo's network, and the server on it.
type demoSide int

const (
	demoWest demoSide = iota
	demoEast
)

func (s demoSide) String() string  { return [...]string{"west", "east"}[s] }
func (s demoSide) other() demoSide { return 1 - s }
func (s demoSide) address() string { return [...]string{"198.51.100.2", "198.51.100.3"}[s] }
func (s demoSide) bridge() string  { return [...]string{"segment-w", "segment-e"}[s] }
func (s demoSide) device() string  { return [...]string{"w0", "e0"}[s] }
func (s demoSide) file() string    { return s.String() + ".yaml" }
func (s demoSide) addresses() []string {
	return []string{s.address() + "/24", fmt.Sprintf("203.0.113.%d/24", s+2)}
}

// The namespaces of the demo. Their names are fixed, so that somebody who plays can name them, and a demo that was killed is
// cleared away by the next.
const (
	demoPrefix = "lessor-demo-"
	demoWire   = demoPrefix + "wire" // where the bridges are, and nobody lives
	demoHomes  = demoPrefix + "people"
)

func (s demoSide) namespace() string { return demoPrefix + s.String() }

func demoNamespaces() []string {
	return []string{demoWire, demoWest.namespace(), demoEast.namespace(), demoHomes}
}

// demoStage is the network that the demo makes, and the two servers in it.
type demoStage struct {
	*console
	program string // this one
	ip      string // the command
	dir     string
	lock    *os.File
	servers [2]*exec.Cmd
	gone    [2]chan struct{}
}

// newDemoStage makes sure that there is what the demo needs, and takes away what a demo that was killed has left behind.
func newDemoStage(c *console) (*demoStage, error) {
	s := &demoStage{console: c}
	var err error
	if s.ip, err = findIP(); err != nil {
		return nil, err
	}
	if s.program, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("this program's own file: %w", err)
	}
	if s.lock, err = lockDemo("/run/lessor-demo.lock"); err != nil {
		return nil, err
	}
	s.clear()
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), demoPrefix+"*"))
	for _, dir := range left {
		os.RemoveAll(dir)
	}
	if s.dir, err = os.MkdirTemp("", demoPrefix); err == nil {
		err = s.network()
	}
	if err != nil {
		return nil, errors.Join(err, s.strike())
	}
	return s, nil
}

// findIP looks where ip(8) is also for a root whose path does not have it.
func findIP() (string, error) {
	for _, name := range []string{"ip", "/usr/sbin/ip", "/sbin/ip"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("the demo needs the command ip, which is not here: install iproute2 (Debian, Ubuntu: apt-get install iproute2)")
}

// lockDemo keeps a second demo from taking away the namespaces of the first. The kernel gives it back when this process ends.
func lockDemo(file string) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, errors.New("another demo runs on this machine: end it first, by Ctrl-C where it runs")
	}
	return f, nil
}

// run runs ip(8).
func (s *demoStage) run(args ...string) error {
	out, err := exec.Command(s.ip, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// all runs several.
func (s *demoStage) all(commands ...string) error {
	for _, c := range commands {
		if err := s.run(strings.Fields(c)...); err != nil {
			return err
		}
	}
	return nil
}

// network makes the two segments, the bridge between them, and a port for everybody.
func (s *demoStage) network() error {
	for _, n := range demoNamespaces() {
		if err := s.all("netns add "+n, "-n "+n+" link set lo up"); err != nil {
			return fmt.Errorf("network namespaces cannot be made here (a container without that right?): %w", err)
		}
	}
	in := "-n " + demoWire + " "
	for _, side := range []demoSide{demoWest, demoEast} {
		// Without forward_delay 0 a bridge is deaf for 15 s.
		if err := s.all(in+"link add "+side.bridge()+" type bridge forward_delay 0 stp_state 0 mcast_snooping 0",
			in+"link set "+side.bridge()+" up"); err != nil {
			return err
		}
		if err := s.plug(side.namespace(), "eth0", side, side.addresses()...); err != nil {
			return err
		}
		if err := s.plug(demoHomes, side.device(), side); err != nil {
			return err
		}
	}
	return s.all(in+"link add bridge type veth peer name bridge-far", in+"link set bridge master "+demoWest.bridge()+" up",
		in+"link set bridge-far master "+demoEast.bridge()+" up")
}

// plug gives a namespace a device on a segment.
func (s *demoStage) plug(namespace, device string, side demoSide, addresses ...string) error {
	port := "to-" + device + "-" + strings.TrimPrefix(namespace, demoPrefix)
	port = port[:min(len(port), 15)] // IFNAMSIZ
	commands := []string{
		"-n " + demoWire + " link add " + port + " type veth peer name " + device + " netns " + namespace,
		"-n " + demoWire + " link set " + port + " master " + side.bridge() + " up",
		"-n " + namespace + " link set " + device + " up",
	}
	for _, a := range addresses {
		commands = append(commands, "-n "+namespace+" addr add "+a+" broadcast + dev "+device)
	}
	return s.all(commands...)
}

// bridge lets the bridge fail, or heals it. Nobody's own cable is touched.
func (s *demoStage) bridge(up bool) error {
	state := "down"
	if up {
		state = "up"
	}
	return s.run("-n", demoWire, "link", "set", "bridge", state)
}

// inside calls f on a thread that is in the namespace. Sockets that f opens stay there.
func inside(namespace string, f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	there, err := os.Open("/run/netns/" + namespace)
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter %s: %w", namespace, err)
	}
	failed := f()
	// A thread that does not find home stays locked, and ends with its goroutine.
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
		return errors.Join(failed, fmt.Errorf("leave %s: %w", namespace, err))
	}
	runtime.UnlockOSThread()
	return failed
}

// serve starts a server. What it says is in a file beside its configuration.
func (s *demoStage) serve(side demoSide) error {
	log, err := os.Create(s.path(side.String() + ".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.ip, "netns", "exec", side.namespace(), s.program, "serve", "--config", side.file())
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is the demo's
	if err := cmd.Start(); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() { cmd.Wait(); close(gone) }()
	s.servers[side], s.gone[side] = cmd, gone
	return nil
}

// client asks a server.
func (s *demoStage) client(side demoSide) *api.Client {
	return api.NewClient(s.socket(side))
}

func (s *demoStage) socket(side demoSide) string { return api.SocketIn(s.path(side.String())) }

func (s *demoStage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *demoStage) write(name, text string) error {
	return os.WriteFile(s.path(name), []byte(text), 0o644)
}

// show runs a command of this program on a server's machine, and shows both.
func (s *demoStage) show(ctx context.Context, side demoSide, args ...string) error {
	fmt.Fprintf(s.out, "%s lessor %s\n", s.paint(dim, side.String()+"$"), strings.Join(shellWords(args), " "))
	cmd := s.command(ctx, side, args...)
	cmd.Stdout, cmd.Stderr = s.out, s.out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("lessor %s at %v: %w", strings.Join(args, " "), side, err)
	}
	fmt.Fprintln(s.out)
	return nil
}

// quiet runs a command without showing it, and returns what it wrote.
func (s *demoStage) quiet(ctx context.Context, side demoSide, args ...string) ([]byte, error) {
	cmd := s.command(ctx, side, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("lessor %s at %v: %w: %s", strings.Join(args, " "), side, err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}

func (s *demoStage) command(ctx context.Context, side demoSide, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.ip, append([]string{"netns", "exec", side.namespace(), s.program}, args...)...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LESSOR_SOCKET="+s.socket(side))
	return cmd
}

// shellWords are arguments as a shell wants them.
func shellWords(args []string) []string {
	all := make([]string, len(args))
	for i, a := range args {
		if all[i] = a; strings.ContainsAny(a, " '") {
			all[i] = strconv.Quote(a)
		}
	}
	return all
}

// logOf returns the last lines that a server wrote.
func (s *demoStage) logOf(side demoSide) string {
	text, err := os.ReadFile(s.path(side.String() + ".log"))
	if err != nil {
		return ""
	}
	lines := strings.SplitAfter(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "")
}

// strike ends the servers and takes everything away that was made.
func (s *demoStage) strike() error {
	for side, cmd := range s.servers {
		if cmd == nil {
			continue
		}
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.gone[side]:
		case <-time.After(8 * time.Second):
			cmd.Process.Kill()
			<-s.gone[side]
		}
	}
	s.clear()
	var err error
	if s.dir != "" {
		err = os.RemoveAll(s.dir)
	}
	s.lock.Close()
	return err
}

// clear takes the demo's namespaces away, and ends what still runs in them: of a demo that was killed, or of somebody who
// played.
func (s *demoStage) clear() {
	for _, n := range demoNamespaces() {
		if _, err := os.Stat("/run/netns/" + n); err != nil {
			continue
		}
		out, _ := exec.Command(s.ip, "netns", "pids", n).Output()
		for _, field := range strings.Fields(string(out)) {
			if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		s.run("netns", "del", n)
	}
}
