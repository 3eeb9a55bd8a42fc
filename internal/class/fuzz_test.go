package class

import (
	"testing"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/common/debug"
	"cel.dev/cel-go/parser"

	"cel.dev/cel-go/common"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// Whatever is written is compiled or refused at a place in the text, within bounds of time, and what is compiled can be
// asked about any client.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{`vendor_class.startsWith("a") && option[93] == 7`, `user_classes.exists(c, c.matches("a+"))`, `!(known || "x" in relay)`,
		`option.exists(k, option[k] == null)`, `[1, 2].map(x, x * 2).size() > 1`, `vendor_class.split(",").join("x") == "\u00e9"`, `{1: "a"}[1] == 'b' ? known : relayed`, `duration("1h") > duration(vendor_class)`} {
		f.Add(text, []byte("\x00\x07"))
	}
	c := NewCompiler(option.Standard())
	f.Fuzz(func(t *testing.T, text string, value []byte) {
		m, problems := c.Expression(text)
		if (m == nil) == (len(problems) == 0) {
			t.Fatalf("%v, %v", m, problems)
		}
		for _, p := range problems {
			if p.Offset < 0 || p.Offset > len(text) || p.Message == "" {
				t.Fatalf("%+v", p)
			}
		}
		if m == nil {
			return
		}
		client := phone()
		for _, code := range []uint16{12, 60, 77, 81, 93, 124, 125, 43} {
			client.Options.(sent)[code] = value
		}
		start := time.Now()
		NewSet([]*Match{m}).Members(client, &Memory{}, nil)
		if d := time.Since(start); d > 2*time.Second {
			t.Fatalf("%s takes %v", text, d)
		}
	})
}

// Options may hold anything.
func FuzzMembers(f *testing.F) {
	set := setOf(f, []string{
		`vendor_class == "a" || user_class == "b"`, `user_classes.exists(c, c == "a")`, `option[93] == 7`, `7 in option[93]`, `option[93].exists(a, a == 7)`,
		`option[81].name == "a"`, `option[121].size() > 0`, `option[124]["4491"].size() > 0`, `option[125].size() > 0`, `option[43].size() > 0`, `option[82].size() > 0`,
		`option[119].exists(n, n == "a")`, `option[120].size() > 0`, `option[162].size() > 0`, `option[158].size() > 0`, `option.exists(k, option[k] == "x")`, `domain == "a"`, `fqdn == "a"`,
		`relay[1] == "a" || relay["remote-id"].startsWith("b")`, `relay.exists(k, relay[k] == "x")`, `option[61] == b"a"`, `option[97] in [b"a", b"b"]`,
	})
	f.Add([]byte("\x00\x07"), []byte("\x01\x02ab"), uint8(93))
	memory := &Memory{}
	f.Fuzz(func(t *testing.T, value, relay []byte, code uint8) {
		client := phone()
		client.Relay = relay
		for _, c := range []uint16{uint16(code), 12, 43, 60, 77, 81, 93, 119, 120, 121, 124, 125, 158, 162} {
			client.Options.(sent)[c] = value
		}
		first, failures := set.Members(client, memory, nil)
		n := len(failures)
		again, failures := set.Members(client, memory, nil)
		if len(first) != len(again) || n != len(failures) {
			t.Fatalf("%v and %d failures, then %v and %v", first, n, again, failures)
		}
		for _, f := range failures {
			if f.Err == "" || !utf8.ValidString(f.Err) || len(f.Err) > maxReason+200 {
				t.Fatalf("%q", f.Err)
			}
		}
	})
}

// The parser that is used reads an expression as the library's older one does.
func TestBothParsersAgree(t *testing.T) {
	older, err := parser.NewParser(parser.Macros(parser.AllMacros...))
	if err != nil {
		t.Fatal(err)
	}
	l := newLanguage()
	r := seeded(t)
	texts := []string{`a.b[1].c(d, !e) ? -1 : 2u`, `"\u00e9" + 'x' == r"\d"`, `1 - -2 * 3 % 4 >= 5.0e3 || true && !false`, `has(option.routers) && [1, 2,].exists_one(x, x in {1: 2})`, `b"\xff" != bytes("a")`}
	for range 500 {
		texts = append(texts, someExpression(r, 3))
	}
	for _, text := range texts {
		source := common.NewTextSource(text)
		a, errs := older.Parse(source)
		b, mine := l.parser.Parse(source)
		if len(errs.GetErrors()) > 0 || len(mine.GetErrors()) > 0 {
			t.Fatalf("%s: %v, %v", text, errs.GetErrors(), mine.GetErrors())
		}
		if x, y := debug.ToDebugString(a.Expr()), debug.ToDebugString(b.Expr()); x != y {
			t.Fatalf("%s is\n%s\nand\n%s", text, x, y)
		}
	}
}
