package config

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// editForms are documents that say the same in as many ways as people write hosts.
var editForms = []string{
	"networks: {}\n",
	"# top\nhosts:\n  a: {hardware: 02:00:00:00:00:01}   # the first\n  # about b\n  b:\n    hardware: 02:00:00:00:00:02\n    options:\n      host-name: bee # sting\n\n# tail\nnetworks: {}\n",
	"hosts: {a: {hardware: 02:00:00:00:00:01}, b: {hardware: \"02:00:00:00:00:02\", options: {host-name: 'b, {'}}}\n",
	"hosts: {}\n",
	"hosts: {a: {hardware: 02:00:00:00:00:01}}\nenterprise: {lease: {default: 4h}}\n",
	"hosts:\n",
	"hosts:\n    a: {\n      hardware: 02:00:00:00:00:01\n    }\n    \"b\": {hardware: 02:00:00:00:00:02}",
	"enterprise: {options: {domain-name: \"ö.example\"}}\r\nhosts:\r\n  a: {hardware: 02:00:00:00:00:01}\r\n",
	"hosts:\n  a: {hardware: 02:00:00:00:00:01, options: {host-name: b}}\n",
	"hosts: {\n  a: {hardware: 02:00:00:00:00:01}, # one, {two\n  b: {hardware: 02:00:00:00:00:02}\n}\n",
}

func hostsOf(t *testing.T, src []byte) map[string]string {
	t.Helper()
	all, err := HostEntries(src)
	if err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	m := map[string]string{}
	for _, h := range all {
		m[h.Name] = h.Text
	}
	return m
}

func TestAHostIsEditedAndNothingElse(t *testing.T) {
	const entry = `{hardware: 02:00:00:00:00:09, options: {host-name: "new: # one"}}`
	for _, src := range editForms {
		for _, name := range []string{"a", "b", "c", "host-name", "strange, name"} {
			before := hostsOf(t, []byte(src))
			edited, err := EditHost([]byte(src), name, entry)
			if err != nil {
				t.Errorf("%q: %s: %v", src, name, err)
				continue
			}
			got := hostsOf(t, edited)
			if got[name] != entry {
				t.Errorf("%q: %s became %q", src, name, got[name])
			}
			without, err := EditHost(edited, name, "")
			if err != nil {
				t.Errorf("%q: taking %s out of %q: %v", src, name, edited, err)
				continue
			}
			delete(before, name)
			if left := hostsOf(t, without); fmt.Sprint(left) != fmt.Sprint(before) {
				t.Errorf("%q without %s: %v, want %v", src, name, left, before)
			}
			for _, comment := range []string{"# top", "# about b", "# tail", "# one, {two"} {
				if strings.Contains(src, comment) != strings.Contains(string(edited), comment) {
					t.Errorf("%q: the comment %q is not there any more:\n%s", src, comment, edited)
				}
			}
		}
		if _, err := EditHost([]byte(src), "nobody", ""); !errors.Is(err, ErrNoHost) {
			t.Errorf("%q: %v", src, err)
		}
	}
}

// A document that is edited at random says what a map that is edited likewise says, and lines that are nobody's stay.
func TestRandomEditsOfHostsAgreeWithAMap(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for _, form := range editForms {
		src := []byte(form)
		model := hostsOf(t, src)
		for range 60 {
			name := string(rune('a' + r.IntN(5)))
			text := fmt.Sprintf("{hardware: 02:00:00:00:00:%02x, address: 10.0.0.%d}", r.IntN(256), r.IntN(256))
			if r.IntN(3) == 0 {
				text = ""
			}
			edited, err := EditHost(src, name, text)
			if _, there := model[name]; text == "" && !there {
				if !errors.Is(err, ErrNoHost) {
					t.Fatalf("seed %d: %v", seed, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("seed %d: %s = %q: %v in\n%s", seed, name, text, err, src)
			}
			if model[name] = text; text == "" {
				delete(model, name)
			}
			src = edited
			if got := hostsOf(t, src); fmt.Sprint(got) != fmt.Sprint(model) {
				t.Fatalf("seed %d: %v, want %v in\n%s", seed, got, model, src)
			}
		}
	}
}

func TestAnEntryThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{"a", "[a]", "{a: 1}\n---\n{b: 2}", "{a: &x 1, b: *x}", "{a: !!int 1}", "{", "\x00"} {
		if got, err := EditHost([]byte(editForms[1]), "a", text); err == nil {
			t.Errorf("%q became\n%s", text, got)
		}
	}
	for _, src := range []string{"{networks: {}}", "- a", "hosts: [a]", "hosts: {a: 1}\n---\nb: 2\n"} {
		if got, err := EditHost([]byte(src), "a", "{hardware: 02:00:00:00:00:09}"); err == nil {
			t.Errorf("%q became\n%s", src, got)
		}
	}
}

// What is wrong with an entry is said with its place and with what would be right, in no words of the library that reads it.
func TestWhatIsWrongWithAnEntryHasAPlaceAndARemedy(t *testing.T) {
	for text, want := range map[string]string{
		"{hardware: 02:00:00:00:00:07":          "host a:1:1: error: this map is not closed",
		"hardware: x\n address: y":              "host a:2:9: error: a \":\" is out of place here",
		"[a]":                                   "host a:1:1: error: a host is a map of keys",
		"{a: &x 1}":                             "host a:1:5: error: anchors and aliases",
		"{hardware: a, hardware: b}":            "host a:1:15: error: ",
		"{address: 10.0.0.1}\n---\n{b: 2}":      "host a:2:1: error: a second document begins here",
		"{hardware: \"02:00":                    "host a:1:12: error: the quote that begins here is never closed",
		"{hardware: 02:00:00:00:00:07, \tx: y}": "host a:",
	} {
		_, err := EditHost([]byte(editForms[1]), "a", text)
		problems, ok := errors.AsType[Problems](err)
		if !ok {
			if err != nil || want != "host a:" {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if got := problems.String(); !strings.HasPrefix(got, want) || !strings.Contains(got, "\n  → ") || strings.Contains(got, "yaml:") {
			t.Errorf("%q: %s\nwant %s", text, got, want)
		}
		if err := CheckHostEntry("a", text); err == nil || err.Error() != problems.String() {
			t.Errorf("%q: looked at alone: %v", text, err)
		}
	}
	for text, good := range map[string]bool{"10.0.0.1": true, "[a, b]": true, `"a, b"`: true, "{hex: \"0a\"}": true, "a: 1": true,
		"": false, "a, b": false, "1}, address: 10.0.0.9, x: {": false, "[a": false, "a # b": false, "a\n---\nb": false} {
		if err := CheckValue(text); (err == nil) != good || err != nil && strings.Contains(err.Error(), "yaml:") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEditingOneOfManyHostsTakesTimeInProportion(t *testing.T) {
	for _, sep := range []string{", ", ",\n  "} {
		var b strings.Builder
		b.WriteString("hosts: {h: {address: 10.0.0.1}")
		for i := range 4_000 {
			fmt.Fprintf(&b, "%sh%d: {address: 10.0.0.1}", sep, i)
		}
		b.WriteString("}\n")
		if edited, err := EditHost([]byte(b.String()), "h999", ""); err != nil || len(edited) >= b.Len() {
			t.Errorf("%v, %d octets", err, len(edited))
		}
	}
}

func FuzzEditHost(f *testing.F) {
	for _, src := range editForms {
		f.Add([]byte(src), "a", "{hardware: 02:00:00:00:00:09}")
		f.Add([]byte(src), "b", "")
	}
	f.Fuzz(func(t *testing.T, src []byte, name, entry string) {
		edited, err := EditHost(src, name, entry)
		if err != nil {
			return
		}
		all, err := HostEntries(edited)
		if err != nil {
			t.Fatalf("%v in\n%q", err, edited)
		}
		n := 0
		for _, h := range all {
			if h.Name == name {
				n++
			}
		}
		if entry != "" && n == 0 || entry == "" && n > 0 {
			t.Fatalf("%q stands %d times in\n%q", name, n, edited)
		}
	})
}
