package world

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Binary is the program under test: what the environment variable LESSOR_BINARY names, or else what Main has built.
var Binary string

// Main is the TestMain of packages that test the program. It removes what killed runs left behind, and builds the
// program unless there is one already.
func Main(m *testing.M) {
	Sweep()
	os.Exit(runWithBinary(m))
}

func runWithBinary(m *testing.M) int {
	if Binary = os.Getenv("LESSOR_BINARY"); Binary != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "lessor-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755) // the program also runs as another user
	Binary = filepath.Join(dir, "lessor")
	build := exec.Command("go", "build", "-o", Binary, "./cmd/lessor")
	build.Dir = "../.."
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "lessor does not build:", err)
		return 1
	}
	return m.Run()
}

// Build builds the program with these flags for the linker, and returns its name.
func (w *World) Build(name, ldflags string) string {
	w.t.Helper()
	program := filepath.Join(w.t.TempDir(), name)
	build := exec.Command("go", "build", "-ldflags", ldflags, "-o", program, "./cmd/lessor")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("lessor does not build: %v\n%s", err, out)
	}
	os.Chmod(filepath.Dir(program), 0o755)
	return program
}
