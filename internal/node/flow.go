package node

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// maxFlowDepth is how deep a value on a command line may nest; no option needs half of it.
const maxFlowDepth = 8

// ParseInput reads an option's value as it stands on one line of a document: [1, 3, 6], {hex: "0a0b"}, "text", 7. What
// begins with none of [ { " ' is one text, whatever it holds, so that nobody has to quote twice. The error says what is
// wrong in the operator's words.
func ParseInput(text string) (option.Input, error) {
	text = strings.TrimSpace(text)
	if text == "" || !strings.ContainsRune(`[{"'`, rune(text[0])) {
		return option.Input{Kind: option.Scalar, Scalar: text}, nil
	}
	r := flowReader{rest: text}
	in, err := r.value(0)
	if err == nil && strings.TrimSpace(r.rest) != "" {
		err = fmt.Errorf("%q stands behind the end of the value", clip(r.rest))
	}
	return in, err
}

// flowReader reads values in YAML's flow notation, as far as options need it.
type flowReader struct{ rest string }

func (r *flowReader) skip() { r.rest = strings.TrimLeft(r.rest, " \t") }

// cut takes c off the front, after spaces; false if something else is there.
func (r *flowReader) cut(c byte) bool {
	r.skip()
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *flowReader) value(depth int) (option.Input, error) {
	switch {
	case depth > maxFlowDepth:
		return option.Input{}, fmt.Errorf("nested deeper than %d", maxFlowDepth)
	case r.cut('['):
		return r.list(depth)
	case r.cut('{'):
		return r.entries(depth)
	}
	s, err := r.scalar(",]}")
	return option.Input{Kind: option.Scalar, Scalar: s}, err
}

func (r *flowReader) list(depth int) (option.Input, error) {
	in := option.Input{Kind: option.List}
	for !r.cut(']') {
		if r.rest == "" {
			return in, fmt.Errorf("a list is not closed: ] is missing")
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return in, err
		}
		in.List = append(in.List, v)
		if !r.cut(',') && !strings.HasPrefix(r.rest, "]") {
			return in, fmt.Errorf("a list is not closed: , or ] is missing before %q", clip(r.rest))
		}
	}
	return in, nil
}

func (r *flowReader) entries(depth int) (option.Input, error) {
	in := option.Input{Kind: option.Map}
	for !r.cut('}') {
		if r.rest == "" {
			return in, fmt.Errorf("a map is not closed: } is missing")
		}
		key, err := r.scalar(":,}")
		if err != nil {
			return in, err
		}
		if !r.cut(':') {
			return in, fmt.Errorf("after the key %q a colon is missing", clip(key))
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return in, err
		}
		in.Map = append(in.Map, option.Entry{Key: key, Value: v})
		if !r.cut(',') && !strings.HasPrefix(r.rest, "}") {
			return in, fmt.Errorf("a map is not closed: , or } is missing before %q", clip(r.rest))
		}
	}
	return in, nil
}

// scalar reads a quoted text, or a plain one up to any of end.
func (r *flowReader) scalar(end string) (string, error) {
	r.skip()
	if r.rest != "" && (r.rest[0] == '"' || r.rest[0] == '\'') {
		return r.quoted()
	}
	n := strings.IndexAny(r.rest, end)
	if n < 0 {
		n = len(r.rest)
	}
	s := strings.TrimRight(r.rest[:n], " \t")
	r.rest = r.rest[n:]
	if s == "" {
		return "", fmt.Errorf("a value is missing before %q", clip(r.rest))
	}
	return s, nil
}

// quoted reads a text in quotes: in double ones with escapes, in single ones a quote is written twice.
func (r *flowReader) quoted() (string, error) {
	if r.rest[0] == '"' {
		q, err := strconv.QuotedPrefix(r.rest)
		if err != nil {
			return "", fmt.Errorf("a text is not closed, or has an escape that is none: %s", clip(r.rest))
		}
		r.rest = r.rest[len(q):]
		return strconv.Unquote(q)
	}
	var b strings.Builder
	for s := r.rest[1:]; ; {
		n := strings.IndexByte(s, '\'')
		if n < 0 {
			return "", fmt.Errorf("a text is not closed: %s", clip(r.rest))
		}
		b.WriteString(s[:n])
		if s = s[n+1:]; !strings.HasPrefix(s, "'") {
			r.rest = s
			return b.String(), nil
		}
		b.WriteByte('\'')
		s = s[1:]
	}
}

// clip returns as much of s as an error message repeats.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
