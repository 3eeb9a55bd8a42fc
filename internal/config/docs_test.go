package config

import (
	"strings"
	"testing"
)

// TestTheManualIsTrue parses every document that docs/config.md shows, and looks for every key in it.
func TestTheManualIsTrue(t *testing.T) {
	text := string(read(t, "../../docs/config.md"))
	blocks := strings.Split(text, "```yaml\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("%d documents", len(blocks))
	}
	for _, b := range blocks {
		src, _, _ := strings.Cut(b, "```")
		if d, problems := Parse("config.md", []byte(src)); d == nil || len(problems) > 0 {
			t.Errorf("%s\n%v", src, problems)
		}
	}
	for _, s := range newTables().sections() {
		_, what, _ := s.place()
		for _, key := range s.known() {
			if !strings.Contains(text, key) {
				t.Errorf("%s: the key %s is not in the manual", what, key)
			}
		}
	}
}
