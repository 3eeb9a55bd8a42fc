package packaging

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// machine is a Debian under a systemd of its own, whose network is that of one host of the world.
type machine struct {
	t      testing.TB
	w      *world.World
	root   string
	leader int // its PID 1, by this machine's numbers

	transcript strings.Builder
}

// boot starts a machine that ends with the test.
func boot(w *world.World, host *world.Namespace) *machine {
	t := w.T()
	t.Helper()
	m := &machine{t: t, w: w, root: w.Path("root")}
	if err := os.Mkdir(m.root, 0o755); err != nil {
		t.Fatal(err)
	}
	command(t, "", nil, "tar", "-C", m.root, "--numeric-owner", "-xpf", image(t))
	m.put("/etc/hostname", "west\n")
	name := filepath.Base(w.Dir)
	groups := controlGroups(t, name)
	nspawn := exec.Command("sh", "-c", `for g in $CONTROL_GROUPS; do echo $$ >"$g/cgroup.procs" || exit 1; done; exec "$@"`, "sh",
		"systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--machine="+name,
		"--network-namespace-path=/run/netns/"+host.Name, "--capability=CAP_NET_ADMIN", "--directory="+m.root, "--console=pipe")
	var console bytes.Buffer
	nspawn.Env = append(os.Environ(), "CONTROL_GROUPS="+strings.Join(groups, " "))
	nspawn.Stdout, nspawn.Stderr, nspawn.WaitDelay = &console, &console, time.Second
	nspawn.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := nspawn.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- nspawn.Wait() }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the machine's journal:\n%s", m.journal())
		}
		if m.leader != 0 {
			syscall.Kill(m.leader, syscall.SIGKILL) // and with it everything in its namespaces
		} else {
			syscall.Kill(nspawn.Process.Pid, syscall.SIGKILL)
		}
		<-ended
		removeGroups(t, groups)
		os.RemoveAll("/run/systemd/nspawn/propagate/" + name)
		if t.Failed() {
			t.Logf("the machine's console:\n%s", console.String())
		}
	})
	w.Eventually(time.Minute, "the machine has booted", func() bool {
		if m.leader == 0 {
			m.leader = onlyChild(nspawn.Process.Pid)
			return false
		}
		out, _ := m.try("systemctl is-system-running")
		return strings.TrimSpace(out) == "running"
	})
	return m
}

// onlyChild returns the number of the process's only child, 0 if it has none yet.
func onlyChild(pid int) int {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(children)))
	if err != nil {
		return 0
	}
	// systemd-nspawn has a child before the one that becomes PID 1 of the machine.
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", child))
	if err != nil || strings.TrimSpace(string(comm)) != "systemd" {
		return 0
	}
	return child
}

// controlGroups makes control groups for the machine in each hierarchy that its systemd uses. Without its own, systemd-nspawn would put
// what it makes beside the topmost processes, and leave it there.
func controlGroups(t testing.TB, name string) []string {
	t.Helper()
	var made []string
	for _, top := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(top + "/cgroup.procs"); err != nil {
			continue
		}
		group := top + "/" + name
		if err := os.Mkdir(group, 0o755); err != nil {
			t.Fatal(err)
		}
		made = append(made, group)
	}
	return made
}

// removeGroups removes control groups with all below them, once the last processes have left them.
func removeGroups(t testing.TB, groups []string) {
	t.Helper()
	for _, group := range groups {
		var dirs []string
		filepath.WalkDir(group, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for i := len(dirs) - 1; i >= 0; i-- {
			for range 200 {
				if err := syscall.Rmdir(dirs[i]); err != syscall.EBUSY {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		if _, err := os.Stat(group); err == nil {
			t.Errorf("%s stays behind", group)
		}
	}
}

// try runs a line of shell on the machine, as root, and returns what it wrote.
func (m *machine) try(line string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nsenter", "-t", strconv.Itoa(m.leader), "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
		"LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER=", "sh", "-c", line)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// sh is try for what must succeed. It stands in the transcript.
func (m *machine) sh(line string) string {
	m.t.Helper()
	out, err := m.try(line)
	m.write(line, out)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return out
}

// fails is sh for what must not succeed.
func (m *machine) fails(line string) string {
	m.t.Helper()
	out, err := m.try(line)
	m.write(line, out)
	if err == nil {
		m.t.Fatalf("%s: succeeded\n%s", line, out)
	}
	return out
}

// quietly is sh without the transcript.
func (m *machine) quietly(line string) string {
	m.t.Helper()
	out, err := m.try(line)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return strings.TrimSpace(out)
}

// says fails the test unless out has text in it.
func (m *machine) says(out, text string) {
	m.t.Helper()
	if !strings.Contains(out, text) {
		m.t.Fatalf("%q is not in what was said:\n%s", text, out)
	}
}

// is fails the test unless the line prints want.
func (m *machine) is(line, want string) {
	m.t.Helper()
	out, _ := m.try(line)
	if got := strings.TrimSpace(out); got != want {
		m.t.Fatalf("%s: %q, want %q", line, got, want)
	}
}

// put writes a file of the machine.
func (m *machine) put(path, content string) {
	m.t.Helper()
	path = filepath.Join(m.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// chapter begins a part of the transcript.
func (m *machine) chapter(title string) {
	m.t.Logf("== %s", title)
	fmt.Fprintf(&m.transcript, "\n== %s\n", title)
}

func (m *machine) write(line, out string) {
	text := fmt.Sprintf("\nwest# %s\n%s", line, out)
	m.t.Log(text)
	m.transcript.WriteString(text)
}

func (m *machine) journal() string {
	out, _ := m.try("journalctl --no-pager -o short-precise -u lessor -n 80")
	return out
}
