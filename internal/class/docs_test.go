package class

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// The page for operators names every variable, and its examples compile.
func TestThePageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/classes.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range variables {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/classes.md does not name %s", name)
		}
	}
	c := NewCompiler(option.Standard())
	n := 0
	for _, block := range regexp.MustCompile("(?s)```cel\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		for _, text := range strings.Split(strings.TrimSpace(block[1]), "\n") {
			m, problems := c.Expression(text)
			if m == nil || m.Never() {
				t.Errorf("%s: %v", text, problems)
			}
			n++
		}
	}
	if n < 15 {
		t.Errorf("only %d examples were found", n)
	}
	for _, code := range []option.Code{52, 53, 54, 57, 90} {
		if !packetOnly(code) {
			t.Errorf("option %d may be looked at", code)
		}
	}
}
