package version

import "bytes"

// withoutServer returns a document as it is written, but for the lines of its server section. It only looks at how lines
// begin; whether what is left says the same is for the caller to see.
func withoutServer(src []byte) []byte {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	begin := 0
	if !bytes.HasPrefix(src, []byte("server:")) {
		if begin = bytes.Index(src, []byte("\nserver:")) + 1; begin == 0 {
			return bytes.Clone(src)
		}
	}
	end := begin
	for at := begin; at < len(src); {
		next := len(src)
		if n := bytes.IndexByte(src[at:], '\n'); n >= 0 {
			next = at + n + 1
		}
		line := bytes.TrimRight(src[at:next], "\r\n")
		switch {
		case at == begin, len(line) > 0 && line[0] == ' ':
			end = next // comments and empty lines at the end belong to what follows
		case len(line) > 0 && line[0] != '#':
			next = len(src)
		}
		at = next
	}
	return append(bytes.Clone(src[:begin]), src[end:]...)
}
