package option

import (
	"encoding/binary"
	"errors"
)

// maxNames is the most octets that all names of one list may have together, uncompressed. Without a bound two octets
// could stand for 255, again and again.
const maxNames = 8192

var errManyNames = errors.New("its names have more than 8192 octets together")

// CutCompressedName returns the octets at which the name at off ends, and appends the name, uncompressed, to dst. A
// pointer must lead strictly before the run of labels that it ends (RFC 1035 §4.1.4: a prior occurrence), so no loop
// exists. all is the whole list, to which pointers refer (RFC 3397 §2).
func CutCompressedName(dst, all []byte, off int) (name []byte, end int, err error) {
	begin, run, pos := len(dst), off, off
	end = -1
	for {
		if pos >= len(all) {
			return dst[:begin], 0, errName
		}
		l := int(all[pos])
		switch {
		case l >= 0xc0:
			if pos+2 > len(all) {
				return dst[:begin], 0, errName
			}
			to := int(binary.BigEndian.Uint16(all[pos:]) & 0x3fff)
			if to >= run {
				return dst[:begin], 0, errPointer
			}
			if end < 0 {
				end = pos + 2
			}
			run, pos = to, to
		case l > MaxLabel || pos+1+l > len(all) || len(dst)-begin+1+l > MaxName:
			return dst[:begin], 0, errName
		default:
			dst = append(dst, all[pos:pos+1+l]...)
			pos += 1 + l
			if l == 0 {
				if end < 0 {
					end = pos
				}
				return dst, end, nil
			}
		}
	}
}

// checkNames reports whether b is nothing but whole names, compressed or not. It does not allocate.
func checkNames(b []byte) error {
	if len(b) == 0 {
		return errEmpty
	}
	var room [MaxName]byte
	total := 0
	for off := 0; off < len(b); {
		name, end, err := CutCompressedName(room[:0], b, off)
		if err != nil {
			return err
		}
		if total += len(name); total > maxNames {
			return errManyNames
		}
		off = end
	}
	return nil
}

func decodeNames(b []byte) any {
	var room [MaxName]byte
	list := []any{}
	for off := 0; off < len(b); {
		name, end, err := CutCompressedName(room[:0], b, off)
		if err != nil {
			break
		}
		list = append(list, string(AppendNameText(nil, name)))
		off = end
	}
	return list
}

// compressor appends names to a list, each suffix that stood before as a pointer to it.
type compressor struct {
	start int            // where in dst the list begins
	seen  map[string]int // suffix as labels → its offset in the list
}

// append appends a name that CutName has passed.
func (c *compressor) append(dst, name []byte) []byte {
	for len(name) > 1 {
		if at, ok := c.seen[string(name)]; ok {
			return binary.BigEndian.AppendUint16(dst, uint16(0xc000|at))
		}
		if at := len(dst) - c.start; at < 0x4000 {
			c.seen[string(name)] = at
		}
		n := 1 + int(name[0])
		dst = append(dst, name[:n]...)
		name = name[n:]
	}
	return append(dst, 0)
}

func checkSearchList(_ Type, b []byte) error { return checkNames(b) }

func decodeSearchList(_ Type, b []byte) any { return decodeNames(b) }

func encodeSearchList(t Type, dst []byte, in Input) ([]byte, *InputError) {
	items := in.items()
	if len(items) == 0 {
		return nil, wrong("leave the option out, or write "+t.example(), "the list is empty")
	}
	total := 0
	c := compressor{len(dst), map[string]int{}}
	for i, item := range items {
		name, err := encodeName(Type{Kind: Name}, nil, item)
		if total += len(name); err == nil && total > maxNames {
			err = wrong("shorten the list", "the names have more than %d octets together", maxNames)
		}
		if err != nil {
			return nil, err.at(in, i)
		}
		dst = c.append(dst, name)
	}
	return dst, nil
}
