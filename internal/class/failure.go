package class

import (
	"fmt"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// maxReason is how long the reason of a failure may be, in octets.
const maxReason = 200

// why says in the operator's words why an expression could not be evaluated for the client in v.
func (m *Match) why(err error, v *view) string {
	text := err.Error()
	if strings.HasPrefix(text, "no such overload") {
		if name := m.absent(v.client); name != "" {
			return "this client sent no " + name + ", and null allows only == and !="
		}
		return "a value that this client sent is of another type than the expression needs (" + printable(text) + ")"
	}
	return printable(text)
}

// absent returns the first option or sub-option that the expression looks at and the client did not send.
func (m *Match) absent(c *Client) string {
	if code, ok := m.reads.options.first(func(code uint8) bool { _, ok := c.option(option.Code(code)); return !ok }); ok {
		return fmt.Sprintf("option %s (%d)", m.registry.ByCode(option.DHCPv4, option.Code(code)).Name, code)
	}
	if code, ok := m.reads.relay.first(func(code uint8) bool { _, ok := c.relay(code); return !ok }); ok {
		return fmt.Sprintf("sub-option %s (%d) of option 82", m.registry.ByCode(option.RelayAgent, option.Code(code)).Name, code)
	}
	return ""
}

// first returns the least code of s for which is says true.
func (s *codes) first(is func(uint8) bool) (uint8, bool) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			if c := uint8(w<<6 | bits.TrailingZeros64(word)); is(c) {
				return c, true
			}
		}
	}
	return 0, false
}

// cause returns why the condition could not be evaluated: the reason of the first expression in it that failed.
func (n *node) cause(v *view) string {
	if n.op == nested {
		if verdict, why := n.match.evaluate(v); verdict == failed {
			return why
		}
	}
	for _, k := range n.kids {
		if why := k.cause(v); why != "" {
			return why
		}
	}
	return ""
}

// printable returns a text that may repeat what a client sent as one line of bounded length.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '?'
		}
		if b.Len()+utf8.RuneLen(r) > maxReason {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
