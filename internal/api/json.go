package api

import (
	"encoding/json"
	"unicode"
	"unicode/utf8"
)

// AppendJSON appends v as one line of JSON, without a line feed, that is safe to show: no control character and none
// that changes the direction of text or has no width stands in it, since those are written as \u escapes. Host names
// come from the network, and JSON itself allows more of them than a terminal should see.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return dst, err
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if Steers(r) { // only ever inside a string, where an escape means the same
			dst = appendEscape(dst, r)
		} else {
			dst = append(dst, b[:n]...)
		}
		b = b[n:]
	}
	return dst, nil
}

// Steers reports whether showing r may do anything but show it: control characters, and those of Unicode that
// format, reorder or hide the text around them.
func Steers(r rune) bool {
	if r < utf8.RuneSelf { // nearly all that there is
		return r < ' ' || r == 0x7f
	}
	return unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029'
}

const hexDigits = "0123456789abcdef"

func appendEscape(dst []byte, r rune) []byte {
	if r > 0xffff { // as JSON wants it: a surrogate pair
		r -= 0x10000
		dst = appendEscape(dst, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
