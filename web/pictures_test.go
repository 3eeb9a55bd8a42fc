package web

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Every picture of the pages is shown somewhere with words for who does not see it, and every picture that is shown is there.
func TestPicturesAreShownAndThere(t *testing.T) {
	shows := regexp.MustCompile(`!\[([^\]]*)\]\(((?:docs/)?pictures/[^)\s]+)\)`)
	leads := regexp.MustCompile(`\]\(((?:docs/)?pictures/[^)\s]+)\)`)
	shown := map[string]bool{}
	for _, page := range []string{"../docs/pages.md", "../README.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shows.FindAllStringSubmatch(string(text), -1) {
			if len(m[1]) < 20 {
				t.Errorf("%s: %s has %q for who does not see it", page, m[2], m[1])
			}
			shown[filepath.Base(m[2])] = true
		}
		for _, m := range leads.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s shows %s, which is not there", page, m[1])
			}
		}
	}
	files, err := filepath.Glob("../docs/pictures/*.png")
	if err != nil || len(files) < 15 {
		t.Fatalf("pictures: %q, %v", files, err)
	}
	for _, f := range files {
		if !shown[filepath.Base(f)] {
			t.Errorf("no page shows %s", f)
		}
	}
}
