// Package shell has people type in real shells, and reads the manual pages with the programs that people have.
package shell

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }

// patience is how long a shell may take, on a machine that does much else.
const patience = 60 * time.Second

// recorder stands for the program: it answers the shells, and writes down the command lines that are given.
func recorder(t *testing.T) (dir, record string) {
	t.Helper()
	dir = t.TempDir()
	record = filepath.Join(dir, "record")
	script := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = __complete ] && exec %s \"$@\"\nfor a; do printf '<%%s>' \"$a\"; done >> %s\necho >> %s\n", world.Binary, record, record)
	if err := os.WriteFile(filepath.Join(dir, "lessor"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, record
}

// terminal starts a shell on a terminal of its own, and returns where to type.
func terminal(t *testing.T, cmd *exec.Cmd) (keys *os.File, shown func() string) {
	t.Helper()
	// Not blocking, so that closing it ends the reading.
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	master := os.NewFile(uintptr(fd), "terminal")
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	var mu sync.Mutex
	var out bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			mu.Lock()
			out.Write(b[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		master.Close()
		<-read
	})
	return master, func() string { mu.Lock(); defer mu.Unlock(); return out.String() }
}

// until waits until something is so.
func until(t *testing.T, what string, so func() bool, shown func() string) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v; the terminal shows\n%q", what, patience, shown())
		}
	}
}

func TestWhatIsTypedIsCompleted(t *testing.T) {
	for shell, begin := range map[string][]string{
		"bash": {"bash", "--norc", "--noprofile", "-i"}, "zsh": {"zsh", "-f", "-i"}, "fish": {"fish", "--no-config", "-i"},
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			dir, record := recorder(t)
			file := filepath.Join(dir, "_lessor")
			out, err := exec.Command(world.Binary, "completion", shell).Output()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, out, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "campus.yaml"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(begin[0], begin[1:]...)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + dir + ":/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + dir, "TERM=xterm", "LANG=C.UTF-8", "LESSOR_SOCKET=/nowhere"}
			keys, shown := terminal(t, cmd)
			ready := map[string]string{
				"bash": "source ./_lessor; PS1='rea''dy> '\n",
				"zsh":  "autoload -Uz compinit; compinit -u -D; source ./_lessor; PS1='rea''dy> '\n",
				"fish": "source ./_lessor; function fish_prompt; echo -n rea'dy> '; end\n",
			}[shell]
			fmt.Fprint(keys, ready)
			for i, c := range []struct{ typed, want string }{
				{"lessor config his\t\n", "<config><history>"},
				{"lessor leases --state=aba\t\n", "<leases><--state=abandoned>"},
				{"lessor leases --state aba\t\n", "<leases><--state><abandoned>"},
				{"lessor check cam\t\n", "<check><campus.yaml>"},
				{"lessor hosts rem\t\n", "<hosts><remove>"},
				{"lessor rates --sp\tminu\t\n", "<rates><--span><minutes>"},
				{"lessor events --ki\tnak,confl\t\n", "<events><--kind><nak,conflict>"},
			} {
				until(t, "a prompt", func() bool { return strings.Count(shown(), "ready> ") > i }, shown)
				fmt.Fprint(keys, c.typed)
				var got []string
				until(t, c.typed, func() bool {
					b, _ := os.ReadFile(record)
					got = strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
					return len(b) > 0 && len(got) == i+1
				}, shown)
				if got[i] != c.want {
					t.Errorf("%q: got %s, want %s", c.typed, got[i], c.want)
				}
			}
		})
	}
}

func TestManualPagesAreRight(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command(world.Binary, "man", "--dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	if out, err := exec.Command("mandoc", append([]string{"-Tlint", "-W", "warning"}, pages...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}
