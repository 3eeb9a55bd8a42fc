package class

import (
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/option"
)

func TestWhatIsWrongIsToldWithItsPlace(t *testing.T) {
	c := NewCompiler(option.Standard())
	for _, x := range []struct {
		text    string // ^ stands before the place
		message string
		remedy  string
	}{
		{`^`, "empty", "write a condition"},
		{`^vendor_clas == "a"`, "there is nothing called vendor_clas", "did you mean vendor_class?"},
		{`^vendor-class == "a"`, "there is nothing called vendor-class", "did you mean vendor_class?"},
		{"known &&\n  \"é\" == ^hostname", "nothing called hostname", "did you mean host_name?"},
		{`vendor_class.^startWith("x")`, "nothing called startWith", "did you mean startsWith?"},
		{`^option(93) == 7`, "option is no function", "write brackets: option[…]"},
		{`user_classes.^exists("a")`, "exists is not used so", "user_classes.exists(c,"},
		{`^vendor_class`, "of type string, and not true or false", "compare it"},
		{`^option[19]`, "whatever a client sends", "option[19] == true"},
		{`known && ^5`, "type int stands where true or false belongs", "compare it"},
		{`vendor_class ^== 5`, "== cannot be used with (string, int)", "docs/classes.md"},
		{`vendor_class.startsWith^(5)`, "startsWith cannot be used on a value of type string with (int)", ""},
		{`vendor_class &&^`, "it ends too early", ""},
		{`vendor_class ^= "a"`, "nothing may follow here", "write == to compare"},
		{`known ^and relayed`, "nothing may follow here", "write && for and"},
		{`known ^or relayed`, "nothing may follow here", "write || for or"},
		{`not ^known`, "nothing may follow here", "write ! for not"},
		{`vendor_class == ^"a`, "unterminated string", "close the quotes"},
		{`(known^`, "expected ')'", "close the parenthesis"},
		{"known && ^`a` == 1", "unexpected quoted identifier", ""},
		{`option[^"client-sistem"] == 7`, `no option is called "client-sistem"`, "did you mean client-system?"},
		{`has(^option.rooters)`, `no option is called "rooters"`, "did you mean routers?"},
		{`relay[^"circuit"] == "x"`, `no sub-option of option 82 is called "circuit"`, "did you mean circuit-id?"},
		{`relay[^256] == "x"`, "no sub-option 256 of option 82", "from 0 to 255"},
		{`option[^0] == 1`, "there is no option 0", "from 1 to 254"},
		{`^255 in option`, "there is no option 255", "from 1 to 254"},
		{`option[^1.5] == 1`, "by its number or its name", `option["NAME"]`},
		{`option[^53] == 1`, "dhcp-message-type (53) belongs to one packet", "another"},
		{`^52 in option`, "belongs to one packet", ""},
		{`^option["dhcp-server-identifier"] == "10.0.0.1"`, "belongs to one packet", ""},
		{`option[^57] > 500`, "belongs to one packet", ""},
		{`option[^"authenticate"] == b"a"`, "belongs to one packet", ""},
		{`option[93] == ^"x"`, "client-system (93) is [uint16], and never equals a text", "a number"},
		{`^7.5 == option[12]`, "host-name (12) is string, and never equals a number", "a text"},
		{`option[26] in [1500, ^"a"]`, "never equals a text", "a number"},
		{`"x" in ^option[26]`, "interface-mtu (26) is uint16, and not a list", "option[26] == …"},
		{`^"x" in option[93]`, "never equals a text", ""},
		{`option[97] == ^"x"`, "uuid-guid (97) is binary", `b"\x00\x01"`},
		{`^option[93] > 6`, "is a list", "option[93][0]"},
		{`^option[93].startsWith("x")`, "startsWith is of texts", "option[93] == …"},
		{`^option[6].startsWith("10.")`, "startsWith is of texts", "option[6].exists(x, x.startsWith(…))"},
		{`vendor_class.matches(^"(")`, "no regular expression: missing closing )", "re2"},
		{`vendor_class.matches(^host_name)`, "the pattern of matches must be a text", "write the pattern out"},
		{`vendor_class.matches(^host_name + "a")`, "the pattern of matches must be a text", ""},
		{`known && ^vendor_class.matches("a{1000}")`, "costs up to", "loop"},
		{`^user_classes.exists(a, user_classes.exists(b, a == b))`, "costs up to", "loop"},
		{`user_classes.exists(option, option == "x")`, "option is the name of a variable already", "something else"},
		{`google.protobuf.Int32Value^{value: 1} == 1`, "makes no messages", ""},
	} {
		text, at := strings.Replace(x.text, "^", "", 1), strings.Index(x.text, "^")
		m, problems := c.Expression(text)
		if m != nil || len(problems) == 0 {
			t.Errorf("%s is compiled", text)
			continue
		}
		p := problems[0]
		if !strings.Contains(p.Message, x.message) || !strings.Contains(p.Remedy, x.remedy) {
			t.Errorf("%s: %s (%s)", text, p.Message, p.Remedy)
		}
		if at >= 0 && p.Offset != at && !strings.HasPrefix(x.text, "^option[\"dhcp-server") {
			t.Errorf("%s: the place is %d", x.text, p.Offset)
		}
	}
}

func TestAllThatIsWrongIsTold(t *testing.T) {
	_, problems := NewCompiler(option.Standard()).Expression(`option[53] == 1 && option[93] == "x" && option["nope-nope"] == 1`)
	if len(problems) != 3 || problems[0].Offset >= problems[1].Offset || problems[1].Offset >= problems[2].Offset {
		t.Errorf("%+v", problems)
	}
}

func TestALongExpressionIsRefused(t *testing.T) {
	c := NewCompiler(option.Standard())
	for _, text := range []string{
		`vendor_class == "` + strings.Repeat("a", MaxExpression) + `"`,
		strings.Repeat("(", 2000) + "known" + strings.Repeat(")", 2000),
		strings.Repeat("[", 2000), strings.Repeat("known?", 600), strings.Repeat("1+", 2000) + "1 == 1",
		`vendor_class == "a\xff"` + "\xff",
		"user_classes" + strings.Repeat(`.map(a,a+a)`, 60) + ".size() > 1",
		"(" + strings.Repeat("vendor_class.replace('a', vendor_class) + ", 50) + "'') == 'x'",
	} {
		if m, problems := c.Expression(text); m != nil || len(problems) == 0 || len(problems) > maxProblems || problems[0].Offset > len(text) {
			t.Errorf("%.40s…: %v", text, problems)
		}
	}
	if m, problems := c.Expression(`vendor_class == "` + strings.Repeat("a", MaxExpression-18) + `"`); m == nil {
		t.Error(problems)
	}
}

// What operators write must be within the bound on cost.
func TestCommonExpressionsAreAffordable(t *testing.T) {
	c := NewCompiler(option.Standard())
	for _, text := range []string{
		`vendor_class.startsWith("PXEClient") && option[93] == 7`, `user_classes.exists(c, c.contains("kiosk"))`,
		`user_classes.exists(c, c.lowerAscii().startsWith("kiosk"))`, `vendor_class.matches("^(Cisco|Polycom|Yealink) .*[0-9]+$")`,
		`vendor_class.lowerAscii().contains("phone") || host_name.lowerAscii().startsWith("sep")`,
		`option[55].exists(o, o == 252)`, `option[55].filter(o, o > 200).size() > 2`, `hardware.substring(0, 8) in ["02:00:5e", "02:00:5f"]`,
		`circuit_id.split("/")[0] == "eth0"`, `hardware.replace(":", "") == "02005e000001"`, `option[3].all(a, a.startsWith("10."))`,
		`option[124]["4491"].exists(v, v.startsWith("docsis"))`, `fqdn.endsWith(".corp.example") ? known : relayed`,
		`relay.exists(k, k == 9)`, `size(option) > 10`, `domain == "" || host_name.size() < 4`, `bytes(circuit_id) == b"\x00\x04\xff"`,
		`option["user-class"].exists(c, c == "x")`, `int(relay[1]) > 4`, `option[43][6] == b"\x08"`,
	} {
		if m, problems := c.Expression(text); m == nil {
			t.Errorf("%s: %+v", text, problems)
		}
	}
}
