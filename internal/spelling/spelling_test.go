package spelling

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestSlipsOfTheFingersAreNear(t *testing.T) {
	names := []string{"status", "stale", "leases", "lease", "config", "partner-down"}
	for word, want := range map[string]string{
		"statsu": "status", "stauts": "status", "lesaes": "leases", "confg": "config", "partnerdown": "partner-down", "leese": "lease",
		"frobnicate": "", "": "", strings.Repeat("status", 20): "", "zz": "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestABeginningIsMeantWhereItIsOnly(t *testing.T) {
	names := []string{"Floor-one", "floor-two", "vendor-class-identifier"}
	for word, want := range map[string]string{"vendor-class": "vendor-class-identifier", "floor-": "", "FLOOR-ONE": "Floor-one", "flor-two": "floor-two", "": "", "printers": ""} {
		if got := Meant(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestADistanceIsOne(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	word := func() string {
		b := make([]byte, r.IntN(7))
		for i := range b {
			b[i] = "abc"[r.IntN(3)]
		}
		return string(b)
	}
	for range 5000 {
		a, b := word(), word()
		d := Distance(a, b, 100)
		if d != Distance(b, a, 100) || d == 0 != (a == b) || d > max(len(a), len(b)) {
			t.Fatalf("%q and %q: %d, and the other way %d", a, b, d, Distance(b, a, 100))
		}
		if limit := 1 + r.IntN(4); min(Distance(a, b, limit), limit) != min(d, limit) {
			t.Fatalf("%q and %q: %d, but with limit %d %d", a, b, d, limit, Distance(a, b, limit))
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "ab", 1}, {"abc", "xbc", 1}, {"abc", "xyz", 3}, {"a", "abcdef", 4}} {
		if got := Distance(c.a, c.b, 4); got != c.want {
			t.Errorf("%s, %s: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
