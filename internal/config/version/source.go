package version

import "bytes"

// withoutServer returns a document as it is written, but for the lines of its server section, and without empty lines at its
// begin: one stands there for the line that said which version it was written against, and each edit would add another. It only
// looks at how lines begin; whether what is left says the same is for the caller to see.
func withoutServer(src []byte) []byte {
	src = withoutMark(src)
	begin, end := serverLines(src)
	return withoutEmpty(append(bytes.Clone(src[:begin]), src[end:]...))
}

// withoutMark returns a document without a byte order mark.
func withoutMark(src []byte) []byte { return bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")) }

// withoutEmpty returns what follows the empty lines that a document begins with.
func withoutEmpty(src []byte) []byte {
	for {
		n := bytes.IndexByte(src, '\n')
		if n < 0 || len(bytes.TrimRight(src[:n], "\r")) > 0 {
			return src
		}
		src = src[n+1:]
	}
}

// serverLines returns where the server section of a document stands; nothing where it is not in lines of its own.
func serverLines(src []byte) (begin, end int) {
	if !bytes.HasPrefix(src, []byte("server:")) {
		if begin = bytes.Index(src, []byte("\nserver:")) + 1; begin == 0 {
			return 0, 0
		}
	}
	end = begin
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
	return begin, end
}

// Lines says which lines of a file those are that a version shows (Version.Show).
type Lines struct {
	more  int // lines of the file before the first that is shown, the server section left out, less the one that Show begins with
	begin int // the first line of the server section
	skip  int // how many it has
}

// LinesOf returns how the lines of a file go with those that a version shows that is written so. It is false where the file is not
// just that text and a server section: then no line of the one is a line of the other.
func LinesOf(file, written []byte) (l Lines, same bool) {
	file = withoutMark(file)
	begin, end := serverLines(file)
	whole := append(bytes.Clone(file[:begin]), file[end:]...)
	rest := withoutEmpty(whole)
	if !bytes.Equal(rest, written) {
		return l, false
	}
	return Lines{
		more: bytes.Count(whole[:len(whole)-len(rest)], newline) - 1, begin: bytes.Count(file[:begin], newline) + 1, skip: bytes.Count(file[begin:end], newline),
	}, true
}

var newline = []byte{'\n'}

// InFile returns the line of the file that line of what is shown is; 0 for none.
func (l Lines) InFile(line int) int {
	if line < 2 { // the first names the version
		return 0
	}
	if line += l.more; line >= l.begin {
		line += l.skip
	}
	return line
}

// LinesIn returns how the lines of a file go with those that a version shows that is made of it.
func LinesIn(file []byte) Lines {
	l, _ := LinesOf(file, withoutServer(file))
	return l
}
