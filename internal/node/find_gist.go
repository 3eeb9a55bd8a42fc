package node

import (
	"bytes"
	"encoding/hex"
	"strings"
)

// gist tells quickly, of octets in which all that can be searched for stands one behind the other, that something is not in them.
// What it does not rule out is looked at closely. The zero gist rules everything out.
type gist struct {
	// text is in lower case; a full stop in it stands for any octet, since it may be the length of a label (RFC 4702 §2.3.1). rare is the octet of
	// it that is the least to be expected, RARE the same in upper case, and at where it stands.
	text       string
	rare, RARE byte
	at         int
	// even are the octets that the digits have in them if an octet begins with the first of them, odd if one does with the second.
	even, odd []byte
	// pair are two digits of which the one ends an octet and the other begins the next.
	pair    [2]byte
	hasPair bool
	all     bool // nothing is ruled out
}

// gistOf returns what rules out what s is not found in.
func gistOf(s *search) (g gist) {
	g.text, g.all = s.text, s.text != "" && strings.Trim(s.text, ".") == ""
	g.rarest()
	n := len(s.digits)
	if n < 2 {
		return g
	}
	if !s.aligned || s.odd == 0 {
		g.even, _ = hex.DecodeString(string(s.digits[:n&^1]))
	}
	if !s.aligned || s.odd == 1 {
		if n == 2 {
			g.pair, g.hasPair = [2]byte{nibble(s.digits[0]), nibble(s.digits[1])}, true
		} else {
			g.odd, _ = hex.DecodeString(string(s.digits[1 : 1+(n-1)&^1]))
		}
	}
	return g
}

// gistOfClient returns what rules out whom p does not mean.
func gistOfClient(p *ClientPattern) gist {
	g := gist{text: p.text, even: p.octets}
	g.rarest()
	return g
}

// byFrequency are the octets of names, those that are to be expected most first.
const byFrequency = ".0e1a/o-t2in3sr4ld5cu6hm7p8g9b:yfvwk _xjqz"

func (g *gist) rarest() {
	least := -1
	for i := range len(g.text) {
		c := g.text[i]
		often := strings.IndexByte(byFrequency, c)
		if often < 0 {
			often = len(byFrequency)
		}
		if often > least {
			least, g.rare, g.at = often, c, i
		}
	}
	if g.RARE = g.rare; 'a' <= g.rare && g.rare <= 'z' {
		g.RARE -= 'a' - 'A'
	}
}

func nibble(digit byte) byte {
	if digit >= 'a' {
		return digit - 'a' + 10
	}
	return digit - '0'
}

// maybe reports whether b may have in it what is searched for.
func (g *gist) maybe(b []byte) bool {
	if g.all {
		return true
	}
	if g.text != "" && (g.spells(b, g.rare) || g.RARE != g.rare && g.spells(b, g.RARE)) {
		return true
	}
	return len(g.even) > 0 && bytes.Contains(b, g.even) || len(g.odd) > 0 && bytes.Contains(b, g.odd) || g.hasPair && g.paired(b)
}

// spells reports whether b may have the text in it, its rarest octet spelt so.
func (g *gist) spells(b []byte, rare byte) bool {
	for from := g.at; from < len(b); from++ {
		i := bytes.IndexByte(b[from:], rare)
		if i < 0 {
			return false
		}
		from += i
		if begin := from - g.at; begin+len(g.text) <= len(b) && g.like(b[begin:]) {
			return true
		}
	}
	return false
}

// like reports whether b may begin with the text; it is at least as long.
func (g *gist) like(b []byte) bool {
	for i := range len(g.text) {
		c, want := b[i], g.text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != want && want != '.' {
			return false
		}
	}
	return true
}

func (g *gist) paired(b []byte) bool {
	for i := 1; i < len(b); i++ {
		if b[i-1]&0xf == g.pair[0] && b[i]>>4 == g.pair[1] {
			return true
		}
	}
	return false
}
