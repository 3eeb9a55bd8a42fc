package packaging

import (
	"bytes"
	"debug/elf"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unpacked returns a directory with the files of a package.
func unpacked(t *testing.T, deb string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "unpacked")
	command(t, "", nil, "dpkg-deb", "-x", deb, dir)
	return dir
}

// filesOf returns the names of all files of a directory, as dpkg names them.
func filesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// field returns what the package says of itself.
func field(t *testing.T, deb, name string) string {
	t.Helper()
	return strings.TrimSpace(command(t, "", nil, "dpkg-deb", "-f", deb, name))
}

// Debian's own judge has nothing against the packages: no error and no warning, and no exception that is not needed.
func TestLintianFindsNothing(t *testing.T) {
	for _, deb := range []string{older(t), foreign(t)} {
		out := command(t, "", nil, "lintian", "--allow-root", "--display-info", "--fail-on", "error,warning", deb)
		if strings.Contains(out, "unused-override") || strings.Contains(out, "mismatched-override") {
			t.Errorf("%s", out)
		}
		t.Logf("%s:\n%s", filepath.Base(deb), out)
	}
}

// Everything belongs to root, nothing is anybody's to write, and only the program can be run.
func TestNobodyMayWriteWhatIsInstalled(t *testing.T) {
	line := regexp.MustCompile(`^(\S+) (\S+) +\d+ \S+ \S+ \./(.*)$`)
	for l := range strings.Lines(command(t, "", nil, "dpkg-deb", "-c", older(t))) {
		m := line.FindStringSubmatch(strings.TrimSpace(l))
		if m == nil {
			t.Fatalf("%q", l)
		}
		want := "-rw-r--r--"
		switch {
		case strings.HasSuffix(m[3], "/") || m[3] == "":
			want = "drwxr-xr-x"
		case m[3] == "usr/bin/lessor":
			want = "-rwxr-xr-x"
		}
		if m[1] != want || m[2] != "root/root" {
			t.Errorf("%s: %s %s", m[3], m[1], m[2])
		}
	}
	if got := strings.TrimSpace(command(t, "", nil, "dpkg-deb", "-I", older(t), "conffiles")); got != "/etc/lessor/lessor.yaml" {
		t.Errorf("what dpkg asks before it replaces: %q", got)
	}
	// What asks during an installation is debconf's, and nothing does.
	for _, script := range []string{"preinst", "postinst", "prerm", "postrm"} {
		if strings.Contains(command(t, "", nil, "dpkg-deb", "-I", older(t), script), "debconf") {
			t.Errorf("%s asks questions", script)
		}
	}
}

// commands are what the program knows, as in "config apply", from its own list of everything.
func commands(t *testing.T, program string) (names []string) {
	t.Helper()
	dir := t.TempDir()
	command(t, "", nil, program, "man", "--dir", dir)
	pages, _ := filepath.Glob(dir + "/*.1")
	for _, p := range pages {
		names = append(names, strings.TrimSuffix(filepath.Base(p), ".1"))
	}
	return names
}

// A manual page for each command and the completions of three shells are there, say what the program says, and can be read.
func TestThePackageHasPagesAndCompletions(t *testing.T) {
	dir := unpacked(t, older(t))
	program := filepath.Join(dir, "usr/bin/lessor")
	pages := commands(t, program)
	if !slices.Contains(pages, "lessor") || !slices.Contains(pages, "lessor-config-apply") || len(pages) < 30 {
		t.Fatalf("the pages that the program knows: %q", pages)
	}
	for _, page := range pages {
		file := filepath.Join(dir, "usr/share/man/man1", page+".1.gz")
		text := command(t, "", nil, "gzip", "-dc", file)
		if want := command(t, "", []string{"SOURCE_DATE_EPOCH=1790000000"}, append([]string{program, "man"}, words(page)...)...); text != want {
			t.Errorf("%s is not what the program says", page)
		}
		command(t, "", nil, "sh", "-c", `gzip -dc "$1" | mandoc -T lint -W warning`, "sh", file)
	}
	for _, name := range filesOf(t, filepath.Join(dir, "usr/share/man")) {
		if !slices.Contains(pages, strings.TrimSuffix(filepath.Base(name), ".1.gz")) {
			t.Errorf("%s is about no command", name)
		}
	}
	for file, check := range map[string][]string{
		"usr/share/bash-completion/completions/lessor":    {"bash", "-n"},
		"usr/share/zsh/vendor-completions/_lessor":        {"zsh", "-n"},
		"usr/share/fish/vendor_completions.d/lessor.fish": {"fish", "--no-execute"},
	} {
		path := filepath.Join(dir, file)
		command(t, "", nil, append(check, path)...)
		shell := check[0]
		have, err := os.ReadFile(path)
		if want := command(t, "", nil, program, "completion", shell); err != nil || string(have) != want {
			t.Errorf("%s is not what the program says: %v", file, err)
		}
	}
	// The unit names pages that are there.
	unit, err := os.ReadFile(filepath.Join(dir, "usr/lib/systemd/system/lessor.service"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`man:([a-z-]+)\(1\)|file://(\S+)`).FindAllStringSubmatch(string(unit), -1)
	for _, m := range named {
		if m[1] != "" && !slices.Contains(pages, m[1]) {
			t.Errorf("the unit names the page %s, which is not there", m[1])
		}
		if m[2] != "" {
			if _, err := os.Stat(filepath.Join(dir, m[2])); err != nil {
				t.Error(err)
			}
		}
	}
	if !strings.Contains(string(unit), "Documentation=man:lessor(1)") || len(named) < 2 {
		t.Errorf("the unit's documentation: %q", named)
	}
}

// words are the words of a command, from the name of its page.
func words(page string) []string {
	switch page {
	case "lessor":
		return nil
	case "lessor-partner-down", "lessor-check-store":
		return []string{strings.TrimPrefix(page, "lessor-")}
	}
	return strings.Split(page, "-")[1:]
}

// What the files of the package say about where things are is true where it is installed.
func TestFilesNameWhatIsThere(t *testing.T) {
	dir := unpacked(t, older(t))
	place := regexp.MustCompile(`/usr/(?:share|lib|bin)/[A-Za-z0-9_./-]*[A-Za-z0-9_-]`)
	for _, name := range []string{"etc/lessor/lessor.yaml", "usr/lib/systemd/system/lessor.service", "usr/share/doc/lessor/install.md"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range place.FindAllString(string(text), -1) {
			if _, err := os.Stat(filepath.Join(dir, p)); err != nil && !strings.HasPrefix(p, "/usr/share/common-licenses") {
				t.Errorf("%s names %s: %v", name, p, err)
			}
		}
	}
	// The example says nothing until its lines lose their #, and is then good.
	example, err := os.ReadFile(filepath.Join(dir, "etc/lessor/lessor.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, keys, ok := strings.Cut(string(example), "\n\n")
	if !ok || regexp.MustCompile(`(?m)^[^#\n]`).Match(example) {
		t.Errorf("the example says something as it is:\n%s", example)
	}
	keys = regexp.MustCompile(`(?m)^# \S.*$`).ReplaceAllString(keys, "") // what is meant for people
	filled := filepath.Join(t.TempDir(), "lessor.yaml")
	if err := os.WriteFile(filled, []byte(regexp.MustCompile(`(?m)^#`).ReplaceAllString(keys, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := command(t, "", nil, filepath.Join(dir, "usr/bin/lessor"), "check", filled); !strings.Contains(out, "1 pool, 1 host") {
		t.Errorf("%s", out)
	}
}

// The package for another machine has the same files but for the program, which is one for that machine and needs nothing else there.
func TestThePackageForAnotherMachine(t *testing.T) {
	mine, other := older(t), foreign(t)
	if got := field(t, other, "Architecture"); got != otherMachine(t) {
		t.Errorf("it is for %s", got)
	}
	for _, name := range []string{"Package", "Version", "Depends", "Maintainer", "Description"} {
		if a, b := field(t, mine, name), field(t, other, name); a != b {
			t.Errorf("%s: %q and %q", name, a, b)
		}
	}
	for _, script := range []string{"preinst", "postinst", "prerm", "postrm", "conffiles"} {
		if a, b := command(t, "", nil, "dpkg-deb", "-I", mine, script), command(t, "", nil, "dpkg-deb", "-I", other, script); a != b {
			t.Errorf("%s differs", script)
		}
	}
	a, b := unpacked(t, mine), unpacked(t, other)
	if x, y := filesOf(t, a), filesOf(t, b); !slices.Equal(x, y) {
		t.Fatalf("the files differ: %q and %q", x, y)
	}
	for _, name := range filesOf(t, a) {
		x, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(b, name))
		if err != nil {
			t.Fatal(err)
		}
		if same := bytes.Equal(x, y); same != (name != "usr/bin/lessor") {
			t.Errorf("%s: alike %v", name, same)
		}
	}
	for dir, machine := range map[string]elf.Machine{a: machines[field(t, mine, "Architecture")], b: machines[otherMachine(t)]} {
		f, err := elf.Open(filepath.Join(dir, "usr/bin/lessor"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Machine != machine || f.Class != elf.ELFCLASS64 {
			t.Errorf("a program for %v, and it is to be for %v", f.Machine, machine)
		}
		if libs, _ := f.ImportedLibraries(); len(libs) > 0 || f.Section(".interp") != nil || f.Section(".symtab") != nil {
			t.Errorf("the program for %v needs %v, or has symbols", machine, libs)
		}
	}
}

// machines are what the program is built for.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// thisMachine is what Debian calls this kind of machine.
func thisMachine(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(command(t, "", nil, "dpkg", "--print-architecture"))
}

// otherMachine is the one of the two that this is not.
func otherMachine(t *testing.T) string {
	t.Helper()
	if thisMachine(t) == "arm64" {
		return "amd64"
	}
	return "arm64"
}
