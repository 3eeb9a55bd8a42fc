package logbook

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Page is some entries that were written at once.
type Page struct {
	// Run names the run of the server that wrote it.
	Run int64
	// First is the number of the first of its entries among those of that run in this book, from 0 on: where a number is passed over, entries
	// are missing.
	First uint64
	Count uint32
	Kind  uint32 // of the entries; whoever writes says what it means
	Body  []byte
}

// MaxBody is how long a page's body is at most, in octets.
const MaxBody = 1 << 20

// headSize is the length of what stands before the body: the mark, the body's length, Run, First, Count, Kind, the body's checksum, and that
// of all before it.
const headSize = 40

var mark = []byte("LLB1")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// append adds the page to b.
func (p *Page) append(b []byte) []byte {
	at := len(b)
	b = append(b, mark...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.Body)))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Run))
	b = binary.LittleEndian.AppendUint64(b, p.First)
	b = binary.LittleEndian.AppendUint32(b, p.Count)
	b = binary.LittleEndian.AppendUint32(b, p.Kind)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(p.Body, castagnoli))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
	return append(b, p.Body...)
}

// head reads what stands before the body of the page at the beginning of b; false: there is none.
func head(b []byte) (p Page, length int, sum uint32, ok bool) {
	if len(b) < headSize || !bytes.Equal(b[:len(mark)], mark) || crc32.Checksum(b[:headSize-4], castagnoli) != binary.LittleEndian.Uint32(b[headSize-4:]) {
		return p, 0, 0, false
	}
	p.Run, p.First = int64(binary.LittleEndian.Uint64(b[8:])), binary.LittleEndian.Uint64(b[16:])
	p.Count, p.Kind = binary.LittleEndian.Uint32(b[24:]), binary.LittleEndian.Uint32(b[28:])
	length = int(binary.LittleEndian.Uint32(b[4:]))
	return p, length, binary.LittleEndian.Uint32(b[32:]), length <= MaxBody
}

// pagesIn calls each with the pages in b, whose bodies lie in b, and returns where the last whole one ends. What is no page in between is
// passed over. It takes a time that grows with the length of b alone.
func pagesIn(b []byte, each func(Page)) (end int) {
	for at := 0; at < len(b); {
		p, length, sum, ok := head(b[at:])
		if !ok {
			next := bytes.Index(b[at+1:], mark)
			if next < 0 {
				break
			}
			at += 1 + next
			continue
		}
		at += headSize
		if length > len(b)-at {
			continue // it was cut short, by a crash or by what stands behind it
		}
		body := b[at : at+length : at+length]
		at += length
		if crc32.Checksum(body, castagnoli) == sum {
			p.Body = body
			each(p)
			end = at
		}
	}
	return end
}
