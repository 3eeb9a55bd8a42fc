package dhcpv4

import (
	"fmt"
	"strconv"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// MaxFormat is the most octets that Append writes.
const MaxFormat = 8192

// String returns what Append writes with the standard options' names.
func (m *Message) String() string { return string(m.Append(nil, option.Standard())) }

// Append appends the message as lines for a trace, of at most MaxFormat octets whatever arrived: the fixed fields, then
// an option a line with its name from r. Nothing in it can change a terminal, a line or a field. It never fails.
func (m *Message) Append(dst []byte, r *option.Registry) []byte {
	end := len(dst) + MaxFormat - len(more)
	dst = fmt.Appendf(dst, "%v op=%d htype=%d hlen=%d hops=%d xid=%#08x secs=%d flags=%#04x\n",
		m.typ, m.Op, m.HType, m.HLen, m.Hops, m.XID, m.Secs, m.Flags)
	dst = fmt.Appendf(dst, "  ciaddr=%v yiaddr=%v siaddr=%v giaddr=%v chaddr=%v\n",
		m.CIAddr, m.YIAddr, m.SIAddr, m.GIAddr, m.Hardware())
	dst = appendField(dst, "sname", m.ServerName())
	dst = appendField(dst, "file", m.BootFile())
	if m.overload != 0 {
		dst = fmt.Appendf(dst, "  options also in: %s\n", [...]string{"", "file", "sname", "file and sname"}[m.overload])
	}
	for _, c := range m.Codes() {
		v, _ := m.option(c)
		d := r.ByCode(option.DHCPv4, option.Code(c))
		line := len(dst)
		dst = append(append(append(dst, "  "...), d.Name...), " ("...)
		dst = append(strconv.AppendInt(dst, int64(c), 10), "): "...)
		dst = append(d.AppendText(dst, v), '\n')
		if len(dst) > end {
			return append(dst[:line], more...)
		}
	}
	return dst
}

const more = "  …\n"

// textDef shows a field as the text options are shown.
var textDef = option.Standard().ByCode(option.DHCPv4, option.CodeTFTPServerName)

func appendField(dst []byte, name string, v []byte) []byte {
	if v == nil {
		return dst
	}
	dst = append(append(append(dst, "  "...), name...), '=')
	return append(textDef.AppendText(dst, v), '\n')
}
