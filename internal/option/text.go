package option

import (
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// MaxText is the most octets that Text returns, the mark of what was left out included.
const MaxText = 1024

// maxTextOf is the most octets that are decoded for a text: more cannot come out of one message.
const maxTextOf = 2048

// cutMark stands where a text was cut.
const cutMark = "…"

// Text returns the octets as one line for people. It never fails: what does not fit the type is shown in hexadecimal.
// Control characters are escaped and at most MaxText octets are returned, whatever arrived.
func (d Def) Text(b []byte) string { return string(d.AppendText(nil, b)) }

// AppendText appends what Text returns.
func (d Def) AppendText(dst, b []byte) []byte {
	p := printer{dst, len(dst) + MaxText - len(cutMark), false}
	if len(b) > maxTextOf || d.Type.Kind == Binary || d.Check(b) != nil {
		p.hex(b)
	} else {
		p.octets(d.Type, b)
	}
	if p.cut {
		return append(p.dst, cutMark...)
	}
	return p.dst
}

// octets appends a value that was checked. What can be long is decoded piece by piece, and not beyond what is shown.
func (p *printer) octets(t Type, b []byte) {
	switch {
	case t.List:
		p.pieces(b, t.cut, func(piece []byte) { p.value(codecs[t.Kind].decode(t, piece), false) })
	case t.Kind == Routes:
		p.pieces(b, cutRoute, func(piece []byte) { p.value(decodeRoutes(t, piece).([]any)[0], false) })
	case t.Kind == VendorClasses || t.Kind == VendorOptions:
		p.text("{")
		p.pieces(b, cutBlock, func(piece []byte) { p.block(t.Kind, piece) })
		p.text("}")
	default:
		p.value(t.decode(b), true)
	}
}

// block shows what one enterprise says, as decoding it would.
func (p *printer) block(k Kind, b []byte) {
	number, data, _, _ := CutEnterprise(b)
	p.text(strconv.FormatUint(uint64(number), 10))
	if k == VendorClasses {
		p.text(": [")
		p.pieces(data, cutCounted, func(v []byte) { p.inner(v[1:]) })
		p.text("]")
		return
	}
	p.text(": {")
	p.pieces(data, cutSub, func(v []byte) {
		p.text(strconv.Itoa(int(v[0])) + ": ")
		p.inner(v[2:])
	})
	p.text("}")
}

// inner shows a value as innerValue does.
func (p *printer) inner(v []byte) {
	if isPrintable(v) {
		p.characters(string(v), true)
	} else {
		p.hex(v)
	}
}

func cutCounted(b []byte) (int, error) {
	v, _, ok := CutCounted(b)
	if !ok {
		return 0, errBlock
	}
	return 1 + len(v), nil
}

func cutSub(b []byte) (int, error) {
	_, v, _, ok := CutSub(b)
	if !ok {
		return 0, errBlock
	}
	return 2 + len(v), nil
}

// pieces shows what cut cuts off b, one after another.
func (p *printer) pieces(b []byte, cut func([]byte) (int, error), show func([]byte)) {
	for i := 0; len(b) > 0 && !p.cut; i++ {
		n, err := cut(b)
		if err != nil {
			return
		}
		if i > 0 {
			p.text(", ")
		}
		show(b[:n])
		b = b[n:]
	}
}

func cutRoute(b []byte) (int, error) {
	_, _, n, err := CutRoute(b)
	return n, err
}

func cutBlock(b []byte) (int, error) {
	_, _, rest, ok := CutEnterprise(b)
	if !ok {
		return 0, errBlock
	}
	return len(b) - len(rest), nil
}

// printer appends to dst until it has most octets; what comes then is left out.
type printer struct {
	dst  []byte
	most int
	cut  bool
}

func (p *printer) text(s string) {
	if p.cut || len(p.dst)+len(s) > p.most {
		p.cut = true
		return
	}
	p.dst = append(p.dst, s...)
}

func (p *printer) hex(b []byte) {
	if n := (p.most - len(p.dst)) / 2; len(b) > n {
		p.dst, p.cut = hex.AppendEncode(p.dst, b[:max(n, 0)]), true
		return
	}
	p.dst = hex.AppendEncode(p.dst, b)
}

// value appends what Decode returned; top says that it stands alone.
func (p *printer) value(v any, top bool) {
	switch v := v.(type) {
	case string:
		p.characters(v, !top)
	case bool:
		p.text(strconv.FormatBool(v))
	case int64:
		p.text(strconv.FormatInt(v, 10))
	case []any:
		p.list(v, top)
	case map[string]any:
		p.entries(v)
	}
}

func (p *printer) list(l []any, top bool) {
	if !top {
		p.text("[")
	}
	for i, v := range l {
		if p.cut {
			return
		}
		if i > 0 {
			p.text(", ")
		}
		p.value(v, false)
	}
	if !top {
		p.text("]")
	}
}

func (p *printer) entries(m map[string]any) {
	if h, ok := m["hex"].(string); ok && len(m) == 1 {
		p.hexText(h)
		return
	}
	if t, ok := m["text"].(string); ok && len(m) == 1 {
		p.characters(t, true)
		return
	}
	p.text("{")
	for i, k := range sortedKeys(m) {
		if p.cut {
			return
		}
		if i > 0 {
			p.text(", ")
		}
		p.text(k + ": ")
		p.value(m[k], false)
	}
	p.text("}")
}

// hexText appends as many digits as there is room for.
func (p *printer) hexText(h string) {
	if n := p.most - len(p.dst); len(h) > n {
		p.text(h[:max(n, 0)&^1])
		p.cut = true
		return
	}
	p.text(h)
}

// sortedKeys puts numbers in the order of numbers.
func sortedKeys(m map[string]any) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		x, errX := strconv.Atoi(a)
		y, errY := strconv.Atoi(b)
		if errX == nil && errY == nil {
			return x - y
		}
		if a < b {
			return -1
		}
		return 1
	})
}

// characters appends a text with everything escaped that could change the line it stands in; quoted where asked for
// and where it could be taken for something else.
func (p *printer) characters(s string, quote bool) {
	quote = quote && !plainWord(s)
	if quote {
		p.text(`"`)
	}
	for len(s) > 0 && !p.cut {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\\' || r == '"' && quote:
			p.text(`\` + s[:n])
		case r == utf8.RuneError && n == 1:
			p.text(`\x` + hex.EncodeToString([]byte(s[:1])))
		case unicode.IsPrint(r):
			p.text(s[:n])
		default:
			q := strconv.QuoteRune(r)
			p.text(q[1 : len(q)-1])
		}
		s = s[n:]
	}
	if quote {
		p.text(`"`)
	}
}

// plainWord reports whether s needs no quotes among other values.
func plainWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' || c == '/' || c == ':') {
			return false
		}
	}
	return s != ""
}
