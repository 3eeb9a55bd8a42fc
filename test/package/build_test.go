package packaging

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// source copies the tree, without its history, to a directory of that name.
func source(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(shared, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	command(t, "", nil, "sh", "-c", `tar -C ../.. --exclude=./.git --exclude=./build --exclude=./bench/out -c . | tar -C "$1" -xm`, "sh", dir)
	return dir
}

// deb builds the package for a machine in a copy of the source, and returns its file.
func deb(t *testing.T, dir, machine string, env ...string) string {
	t.Helper()
	out := command(t, dir, append([]string{"SOURCE_DATE_EPOCH=1790000000"}, env...), "scripts/deb", machine)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return filepath.Join(dir, lines[len(lines)-1])
}

// firstSource is a copy of the source in which older was built.
var firstSource string

// older returns version 1.0.0 of the package.
func older(t *testing.T) string {
	t.Helper()
	if firstSource == "" {
		firstSource = source(t, "a")
	}
	return built(t, thisMachine(t))
}

// foreign returns version 1.0.0 of the package for the other kind of machine.
func foreign(t *testing.T) string {
	t.Helper()
	older(t)
	return built(t, otherMachine(t))
}

// built returns version 1.0.0 for a machine, which is built once.
func built(t *testing.T, machine string) string {
	t.Helper()
	file := filepath.Join(firstSource, "build/lessor_1.0.0_"+machine+".deb")
	if _, err := os.Stat(file); err == nil {
		return file
	}
	if got := deb(t, firstSource, machine, "VERSION=1.0.0", "TZ=Pacific/Auckland", "LC_ALL=C"); got != file {
		t.Fatalf("%s was built, not %s", got, file)
	}
	return file
}

// newer returns version 1.1.0, whose example of a configuration is another one.
func newer(t *testing.T) string {
	t.Helper()
	older(t)
	example := filepath.Join(firstSource, "packaging/lessor.yaml")
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(example, append(text, "# What 1.1.0 adds to the example.\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(example, text, 0o644)
	return deb(t, firstSource, thisMachine(t), "VERSION=1.1.0")
}

// The same source gives the same octets: in another directory, by another user's umask, in another time zone and language, with files of another
// time, and whatever the builder has in his environment.
func TestThePackageIsTheSameWhoeverBuildsIt(t *testing.T) {
	b := source(t, "a-directory/of/a/longer/name")
	command(t, b, nil, "find", ".", "-exec", "touch", "-h", "-d", "2001-02-03", "{}", "+")
	command(t, b, nil, "chmod", "-R", "go-rwx", ".")
	for first, machine := range map[string]string{older(t): thisMachine(t), foreign(t): otherMachine(t)} {
		second := deb(t, b, machine, "VERSION=1.0.0", "TZ=America/St_Johns", "LC_ALL=C.UTF-8", "GOFLAGS=-ldflags=-w", "GOAMD64=v3", "GOARM64=v9.0",
			"XZ_OPT=-0", "DPKG_DEB_THREADS_MAX=2")
		x, err := os.ReadFile(first)
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(second)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(first) != filepath.Base(second) || !bytes.Equal(x, y) {
			t.Fatalf("%s (%d octets) and %s (%d octets) differ", first, len(x), second, len(y))
		}
		if out, err := exec.Command("grep", "-rlF", "-e", shared, "-e", "/pkg/mod/", unpacked(t, first)).Output(); err == nil {
			t.Errorf("the builder's directories are in the package: %s", out)
		}
	}
}

// git's names in the order of time are versions in the order of dpkg.
func TestVersionsGrow(t *testing.T) {
	dir := t.TempDir()
	script, err := os.ReadFile("../../scripts/deb")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "scripts"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "scripts/deb"), script, 0o755); err != nil {
		t.Fatal(err)
	}
	git := func(second int, args ...string) {
		date := fmt.Sprintf("2026-11-01T12:00:%02dZ", second)
		command(t, dir, []string{"GIT_AUTHOR_DATE=" + date, "GIT_COMMITTER_DATE=" + date, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b.example",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b.example"}, append([]string{"git"}, args...)...)
	}
	var versions []string
	note := func() {
		versions = append(versions, strings.TrimSpace(command(t, dir, nil, "scripts/deb", "--version")))
	}
	git(0, "init", "-q")
	git(0, "add", ".")
	git(0, "commit", "-q", "-m", "a")
	note()
	for i, tag := range []string{"", "v1.0.0-rc.1", "", "v1.0.0", "", "", "v1.0.1"} {
		git(i+1, "commit", "-q", "--allow-empty", "-m", "b")
		if tag != "" {
			git(i+1, "tag", tag)
		}
		note()
	}
	if err := os.WriteFile(filepath.Join(dir, "scripts/deb"), append(script, "# changed\n"...), 0o755); err != nil {
		t.Fatal(err)
	}
	note()
	t.Log(versions)
	for i := 1; i < len(versions); i++ {
		command(t, "", nil, "dpkg", "--compare-versions", versions[i-1], "lt", versions[i])
	}
	if versions[2] != "1.0.0~rc.1" || versions[4] != "1.0.0" || versions[7] != "1.0.1" || versions[8] != "1.0.1+dirty" {
		t.Fatalf("%q", versions)
	}
}
