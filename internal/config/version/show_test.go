package version

import (
	"strings"
	"testing"
)

func TestWhatIsShownCanBeApplied(t *testing.T) {
	v := root(t, campus)
	shown := v.Show()
	if !strings.HasPrefix(string(shown), "version: "+v.ID().String()+"\ngroup:") {
		t.Errorf("shown\n%s", shown)
	}
	id, rest, err := Against(shown)
	if d := parsed(t, string(rest)); err != nil || id != v.ID() || d.Digest != v.Meaning || strings.Count(string(rest), "\n") != strings.Count(string(shown), "\n") {
		t.Errorf("%v, %v:\n%s", id, err, rest)
	}
	if id, _, err := Against(append([]byte("\xef\xbb\xbf"), shown...)); err != nil || id != v.ID() { // as some editors write a file
		t.Errorf("behind a byte order mark: %v, %v", id, err)
	}
	quotedID := "# a comment\nversion: \"" + v.ID().String() + "\" # of yesterday\n" + campus
	if id, rest, err := Against([]byte(quotedID)); err != nil || id != v.ID() || strings.Contains(string(rest), "version") {
		t.Errorf("%v, %v", id, err)
	}
	if id, rest, err := Against([]byte(campus)); err != nil || !id.IsZero() || string(rest) != campus {
		t.Errorf("%v, %v", id, err)
	}
	if _, _, err := Against([]byte("version: yesterday\n" + campus)); err == nil || !strings.Contains(err.Error(), "32 hexadecimal digits") {
		t.Errorf("error %v", err)
	}
}
