package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"good", "bad", "doubtful", "expressions"} {
		files, _ := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Add([]byte(named))
	f.Add([]byte(layered))
	f.Fuzz(func(t *testing.T, src []byte) {
		d, problems := Parse("fuzz.yaml", src)
		if (d == nil) != problems.Errors() {
			t.Fatalf("document %v with %v", d != nil, problems)
		}
		lines := 1 + strings.Count(string(src), "\n") + strings.Count(string(src), "\r") + strings.Count(string(src), "\u0085") +
			strings.Count(string(src), "\u2028") + strings.Count(string(src), "\u2029")
		for i, p := range problems {
			if p.Line < 0 || p.Line > lines+1 || p.Line > 0 && p.Column < 1 {
				t.Fatalf("a problem at %d:%d of %d lines: %v", p.Line, p.Column, lines, p)
			}
			if i > 0 && p.Line != 0 && p.Line < problems[i-1].Line {
				t.Fatalf("out of order: %v", problems)
			}
			if s := p.String(); len(s) > 4096 || strings.ContainsAny(s, "\x00\x07\x1b\r\t") {
				t.Fatalf("not fit for a terminal: %q", s)
			}
		}
		samePieces(t, "fuzz.yaml", src, len(src)%50)
		if d == nil {
			return
		}
		again, _ := Parse("again.yaml", src)
		if d.Digest.IsZero() || again.Digest != d.Digest || d.Registry == nil || d.Server.Data == "" {
			t.Fatalf("an incomplete document: %+v", d)
		}
	})
}
