package class

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// someExpression returns an expression of the shapes that are taken to pieces, and of some that are not.
func someExpression(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(3) > 0 {
		a, b := someExpression(r, depth-1), someExpression(r, depth-1)
		switch r.IntN(5) {
		case 0, 1:
			return "(" + a + " && " + b + ")"
		case 2, 3:
			return "(" + a + " || " + b + ")"
		}
		return "!" + "(" + a + ")"
	}
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	text := pick("vendor_class", "user_class", "host_name", "fqdn", "domain", "circuit_id", "remote_id", "subscriber_id", "hardware", "client_id",
		"giaddr", "network", "option[60]", "option[66]", `option["host-name"]`, "option.tftp_server_name", "relay[1]", `relay["remote-id"]`,
		"vendor_class.lowerAscii()", "host_name.upperAscii()", "vendor_class.lowerAscii()")
	if text == "option.tftp_server_name" {
		text = `option["tftp-server-name"]`
	}
	word := pick(`"Phone-7"`, `"Phone"`, `"phone"`, `"PHONE"`, `"P"`, `""`, `"kiosk"`, `"corp.example"`, `"corp"`, `"eth1"`, `"rem"`, `"02:00:5e"`, `"é"`, `"tftp"`, `"7"`, `"\u0000"`, `"HOST"`)
	number := pick("7", "9", "0", "-1", "1500", "70000")
	code := pick("93", "26", "2", `"client-system"`, `"interface-mtu"`)
	switch r.IntN(16) {
	case 0:
		return text + pick(" == ", " != ") + word
	case 1:
		return word + pick(" == ", " != ") + text
	case 2, 3:
		return text + pick(".startsWith(", ".endsWith(", ".contains(") + word + ")"
	case 4:
		return text + " in [" + word + ", " + pick(`"Phone-7"`, `"kiosk"`, `"x"`) + "]"
	case 5:
		return text + ` in ["a","b","c","d","e","f","g","h","phone","kiosk","Phone-7"]`
	case 6:
		return "option[" + code + "]" + pick(" == ", " != ") + number
	case 7:
		return number + pick(" == ", " != ") + "option[" + code + "]"
	case 8:
		return "option[" + code + "] in [" + number + ", 7]"
	case 9:
		return number + " in option[" + pick("93", "55") + "]"
	case 10:
		return pick("93", "26", "66", `"routers"`, "224", "61", "82") + " in option"
	case 11:
		return pick("1", "2", `"subscriber-id"`, "0") + " in relay"
	case 12:
		return pick("known", "relayed", "hardware_type == 1", "hardware_type in [0, 2]", "true", "false", "1 == 2", `"kiosk" in user_classes`, "has(option.routers)")
	case 13:
		return pick("option[93][0] == 7", `user_classes.exists(c, c == "lab")`, "vendor_class.size() > 5", "int(vendor_class) > 5", "option[26] > 1000", "option[19] == true", "option[224] == b'abc'",
			`option[3] == "10.0.0.1"`, "option[93] == null", "option[93] == option[26]", "7 == dyn(option[93])", `option[224] in [b"abc", b"x"]`, `relay[1] == null`)
	case 14:
		return "option[19]" + pick(" == true", " != false")
	}
	return pick(`option[93].exists(a, a == 7)`, `vendor_class.matches("^P[hX]")`, `option[81].name.endsWith("example")`, `size(option) > 3`, `option.exists(k, k == 93)`)
}

// What is taken to pieces says of every client what CEL says of the whole, and fails with the same words.
func TestTreesSayWhatCELSays(t *testing.T) {
	r := seeded(t)
	c := NewCompiler(option.Standard())
	verdicts := map[verdict]int{}
	lowered := 0
	var one, other view
	for range 400 {
		text := someExpression(r, r.IntN(4))
		m, problems := c.Expression(text)
		if m == nil {
			t.Fatalf("%s: %v", text, problems)
		}
		if m.tree.complete() {
			lowered++
		}
		reference := whole(t, c, text)
		for range 40 {
			client := someClient(r)
			want, why := one.answer(reference, client)
			got, reason := other.answer(m, client)
			if got != want || why != reason {
				t.Fatalf("%s\n%v\nis %v (%s), and CEL says %v (%s)", text, client, got, reason, want, why)
			}
			verdicts[got]++
			if m.Never() && got == yes || m.Always() && got != yes {
				t.Fatalf("%s: never %v, always %v, and %v of %v", text, m.Never(), m.Always(), got, client)
			}
		}
	}
	for _, v := range []verdict{no, yes, failed} {
		if verdicts[v] < 300 {
			t.Errorf("only %d answers were %v: the test sees too little", verdicts[v], v)
		}
	}
	if lowered < 100 {
		t.Errorf("only %d expressions were taken to pieces whole", lowered)
	}
}

// A whole set says what its matches say one by one, whatever the memory has seen before.
func TestMembersAreWhatEachMatchSays(t *testing.T) {
	r := seeded(t)
	c := NewCompiler(option.Standard())
	for range 8 {
		var ms []*Match
		for range 1 + r.IntN(90) {
			m, problems := c.Expression(someExpression(r, r.IntN(3)))
			if m == nil {
				t.Fatal(problems)
			}
			ms = append(ms, m)
		}
		set, memory := NewSet(ms), &Memory{}
		var one view
		for range 200 {
			client := someClient(r)
			got, failures := set.Members(client, memory, nil)
			want, broken := "", ""
			for i, m := range ms {
				switch v, why := one.answer(m, client); v {
				case yes:
					want += fmt.Sprint(i, " ")
				case failed:
					broken += fmt.Sprint(i, " ", why, "\n")
				}
			}
			said, told := "", ""
			for _, i := range got {
				said += fmt.Sprint(i, " ")
			}
			for _, f := range failures {
				told += fmt.Sprint(f.Index, " ", f.Err, "\n")
			}
			if said != want || told != broken && !strings.Contains(told, someReason) {
				t.Fatalf("%v\nmembers %s\nand not %s\nfailed %s\nand not %s", client, said, want, told, broken)
			}
		}
	}
}
