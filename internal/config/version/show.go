package version

import (
	"bytes"
	"fmt"
	"strings"
)

// Show returns the version as a document to be edited and applied: as it was written, where that is known, with the
// version's name on the first line.
func (v *Version) Show() []byte {
	return append([]byte("version: "+v.ID().String()+"\n"), v.Written()...)
}

// Against returns which version a document says that it was written against, and the document without that line, in
// whose place an empty one stands, so that the others keep their numbers. The ID is zero if it says nothing.
func Against(src []byte) (ID, []byte, error) {
	const key = "version:"
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")) // an editor may have put it before the line
	at := 0
	if !bytes.HasPrefix(src, []byte(key)) {
		if at = bytes.Index(src, []byte("\n"+key)) + 1; at == 0 {
			return ID{}, src, nil
		}
	}
	end := len(src)
	if n := bytes.IndexByte(src[at:], '\n'); n >= 0 {
		end = at + n
	}
	value, _, _ := strings.Cut(string(src[at+len(key):end]), " #")
	id, err := ParseID(strings.Trim(value, " \t\r\"'"))
	if err != nil {
		return ID{}, src, fmt.Errorf("version: %w", err)
	}
	return id, append(bytes.Clone(src[:at]), src[end:]...), nil
}
