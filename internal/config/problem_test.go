package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAProblemShowsItsLineACaretAndWhatIsRight(t *testing.T) {
	_, problems := Parse("lessor.yaml", []byte("networks:\n  lan:\n    subnet: {}\n    subnets: {10.0.0.0/24: }\n"))
	want := `lessor.yaml:3:5: error: a network has no key "subnet"
  3 |     subnet: {}
    |     ^
  → did you mean subnets?`
	if got := problems.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestAProblemOfTheWholeDocumentHasNoLine(t *testing.T) {
	_, problems := Parse("lessor.yaml", nil)
	if len(problems) != 1 || problems[0].Line != 0 || strings.Contains(problems[0].String(), "|") {
		t.Errorf("got %v", problems)
	}
}

func TestAProblemSurvivesJSON(t *testing.T) {
	_, problems := Parse("lessor.yaml", []byte("sever: {}\n"))
	b, err := json.Marshal(problems[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"severity":"error"`, `"file":"lessor.yaml"`, `"line":1`, `"column":1`, `"source":"sever: {}"`, `"remedy":"did you mean server?"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
	var back Problem
	if err := json.Unmarshal(b, &back); err != nil || back != problems[0] {
		t.Errorf("got %+v, %v; want %+v", back, err, problems[0])
	}
}

func TestEveryProblemSaysWhatWouldBeRight(t *testing.T) {
	for _, dir := range []string{"bad", "doubtful"} {
		for _, file := range documents(t, dir) {
			_, problems := Parse(filepath.Base(file), read(t, file))
			for _, p := range problems {
				if p.Remedy == "" || p.Message == "" {
					t.Errorf("no remedy:\n%v", p)
				}
			}
		}
	}
}

// TestTheCaretStandsUnderItsCharacter holds for every problem of every document in testdata, also on cut lines.
func TestTheCaretStandsUnderItsCharacter(t *testing.T) {
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	for _, file := range documents(t, "bad") {
		src := read(t, file)
		_, problems := Parse(filepath.Base(file), src)
		lines := strings.Split(breaks.Replace(string(trimBOM(src))), "\n")
		for _, p := range problems {
			if p.Source == "" {
				continue
			}
			line, shown := []rune(lines[p.Line-1]), []rune(p.Source)
			if p.Caret < 1 || p.Caret > len(shown)+1 {
				t.Errorf("the caret is at %d of %d characters:\n%v", p.Caret, len(shown), p)
				continue
			}
			if p.Caret <= len(shown) && p.Column <= len(line) && shown[p.Caret-1] != printable(line[p.Column-1]) {
				t.Errorf("the caret is under %q, not %q:\n%v", shown[p.Caret-1], line[p.Column-1], p)
			}
			if utf8.RuneCountInString(p.Source) > sourceWidth+2 {
				t.Errorf("the line is not cut:\n%v", p)
			}
		}
	}
}

func TestProblemsBeyondTheLimitAreOnlyCounted(t *testing.T) {
	var b strings.Builder
	b.WriteString("hosts:\n")
	for i := range 50_000 {
		fmt.Fprintf(&b, "  h%d: {hardware: x, address: x, nonsense: x, options: {nonsense: x}}\n", i)
	}
	d, problems := Parse("many.yaml", []byte(b.String()))
	if d != nil || len(problems) != MaxProblems+1 {
		t.Fatalf("document %v, %d problems", d != nil, len(problems))
	}
	if last := problems[MaxProblems]; !strings.Contains(last.Message, "more problems than the 200 shown") {
		t.Errorf("the last says %q", last.Message)
	}
}

func TestWarningsDoNotCrowdOutErrors(t *testing.T) {
	var b strings.Builder
	b.WriteString("networks: {lan: {subnets: {10.0.0.0/24: }}}\nhosts:\n")
	for i := range 300 {
		fmt.Fprintf(&b, "  h%d: {circuit-id: p%d, address: 10.1.%d.%d}\n", i, i, i>>7, 1+i&127)
	}
	b.WriteString("  z: {hardware: x}\n")
	_, problems := Parse("many.yaml", []byte(b.String()))
	if problems.count(Warning) != MaxProblems || problems.count(Error) != 1 {
		t.Errorf("%d warnings, %d errors: %v", problems.count(Warning), problems.count(Error), problems[len(problems)-1])
	}
}
