package option

import (
	"strings"
	"testing"
)

// Nothing is timed here, but a step that is quadratic would not end before the test's deadline.
func TestTheLongestOptionsAreHandled(t *testing.T) {
	for _, d := range defs() {
		for _, pattern := range []string{"\x00", "\x01\x01a", "\xc0\x00", "\x00\x00\x00\x01\x02\x01\x00", "\x00\x00\x00\x01\x00", "\xff", "\x0a\x00\x00\x01", "\x00\x01a"} {
			b := []byte(strings.Repeat(pattern, MaxLength/len(pattern)/4))
			d.Text(b)
			if v, err := d.Decode(b); err == nil {
				if _, err := d.Encode(input(v)); err != nil && !strings.Contains(err.Error(), "octets") && unwritable(d, v, err) != nil {
					t.Errorf("%s: %q: %v", d.Name, pattern, err)
				}
			}
		}
		if err := d.Check(make([]byte, MaxLength+1)); err == nil {
			t.Errorf("%s: more than a message can carry is accepted", d.Name)
		}
	}
}
