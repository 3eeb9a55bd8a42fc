package option

import "strings"

// flow reads a value as an example or a remedy spells it: YAML's flow style without anchors, tags or escapes.
func flow(s string) Input {
	p := &flowParser{s}
	v := p.value("")
	if strings.TrimSpace(p.s) != "" {
		panic("left over: " + p.s)
	}
	return v
}

type flowParser struct{ s string }

func (p *flowParser) next() byte {
	p.s = strings.TrimLeft(p.s, " ")
	if p.s == "" {
		return 0
	}
	return p.s[0]
}

func (p *flowParser) value(end string) Input {
	switch p.next() {
	case '[':
		p.s = p.s[1:]
		in := Input{Kind: List}
		for p.next() != ']' {
			in.List = append(in.List, p.value(",]"))
			p.comma()
		}
		p.s = p.s[1:]
		return in
	case '{':
		p.s = p.s[1:]
		in := Input{Kind: Map}
		for p.next() != '}' {
			key, rest, _ := strings.Cut(p.s, ":")
			p.s = rest
			in.Map = append(in.Map, Entry{strings.TrimSpace(key), p.value(",}")})
			p.comma()
		}
		p.s = p.s[1:]
		return in
	case '"':
		text, rest, _ := strings.Cut(p.s[1:], `"`)
		p.s = rest
		return Input{Kind: Scalar, Scalar: text}
	}
	n := len(p.s)
	if i := strings.IndexAny(p.s, end); end != "" && i >= 0 {
		n = i
	}
	text := strings.TrimSpace(p.s[:n])
	p.s = p.s[n:]
	return Input{Kind: Scalar, Scalar: text}
}

func (p *flowParser) comma() {
	if p.next() == ',' {
		p.s = p.s[1:]
	}
}
