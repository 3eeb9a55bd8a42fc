package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// suite is the oldest Debian that the package is for: what its systemd (252) does not know, the unit must not need.
const suite = "bookworm"

// image returns a tar file with a small Debian, which is made once.
func image(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs("../../build/root-" + suite + ".tar")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	half := fmt.Sprintf("%s.%d.tar", strings.TrimSuffix(path, ".tar"), os.Getpid())
	defer os.Remove(half)
	command(t, "", nil, "mmdebstrap", "--quiet", "--variant=minbase", "--include=systemd,dbus,init-system-helpers", suite, half)
	if err := os.Rename(half, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// command runs a command to its end in dir, with env beside this process's own, and returns what it wrote. It must succeed.
func command(t testing.TB, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
