package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the expected texts and the schema instead of comparing them")

// documents returns the documents in testdata/dir.
func documents(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents in testdata/%s: %v", dir, err)
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// expect compares got with the file name, or writes it there.
func expect(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := string(read(t, name)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestGoodDocumentsHaveNoProblems(t *testing.T) {
	for _, file := range documents(t, "good") {
		d, problems := Parse(filepath.Base(file), read(t, file))
		if d == nil || len(problems) > 0 {
			t.Errorf("%s:\n%v", file, problems)
		}
	}
}

func TestBadDocumentsAreToldWhatIsWrong(t *testing.T) {
	for _, file := range documents(t, "bad") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			d, problems := Parse(filepath.Base(file), read(t, file))
			if d != nil || !problems.Errors() {
				t.Errorf("the document is taken")
			}
			expect(t, strings.TrimSuffix(file, ".yaml")+".txt", problems.String()+"\n")
		})
	}
}

func TestDoubtfulDocumentsAreTakenWithAWarning(t *testing.T) {
	for _, file := range documents(t, "doubtful") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			d, problems := Parse(filepath.Base(file), read(t, file))
			if d == nil || problems.Errors() || len(problems) == 0 {
				t.Errorf("taken: %v, problems: %d", d != nil, len(problems))
			}
			expect(t, strings.TrimSuffix(file, ".yaml")+".txt", problems.String()+"\n")
		})
	}
}

// TestProblemsOfExpressionsStandInsideOfThem compares only the places: what is wrong is package class's to say.
func TestProblemsOfExpressionsStandInsideOfThem(t *testing.T) {
	for _, file := range documents(t, "expressions") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			d, problems := Parse(filepath.Base(file), read(t, file))
			if d != nil || !problems.Errors() {
				t.Errorf("the document is taken")
			}
			for i := range problems {
				if problems[i].Message == "" || problems[i].Remedy == "" {
					t.Errorf("it does not say what is wrong, or what would be right: %v", problems[i])
				}
				problems[i].Message, problems[i].Remedy = "…", ""
			}
			expect(t, strings.TrimSuffix(file, ".yaml")+".txt", problems.String()+"\n")
		})
	}
}

func TestLongWordsAreCutInMessages(t *testing.T) {
	for in, want := range map[string]string{
		"west":                     `"west"`,
		"\x1b[31m":                 `"\x1b[31m"`,
		strings.Repeat("é", 60):    `"` + strings.Repeat("é", 60) + `"`,
		strings.Repeat("é", 61):    `"` + strings.Repeat("é", 60) + `…"`,
		strings.Repeat("x", 1<<20): `"` + strings.Repeat("x", 60) + `…"`,
	} {
		if got := clip(in); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
