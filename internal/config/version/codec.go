package version

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// encoding is the first octet of a version: the layout of what follows.
const encoding = 1

// Append appends the version:
//
//	encoding (1), format (2), number of parents (1), parents (16 each), meaning (16), content (32),
//	time in seconds since 1970 (8; 0 of a root), author (2 + n), member (2 + n), comment (2 + n),
//	document (4 + n; 0: not at hand), source (4 + n; 0: not known)
//
// in network order. The version's name is the digest of what stands before the document.
func (v *Version) Append(dst []byte) []byte {
	dst = v.appendHeader(dst)
	dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(v.Document))), v.Document...)
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(v.Source))), v.Source...)
}

func (v *Version) appendHeader(dst []byte) []byte {
	dst = append(dst, encoding)
	dst = binary.BigEndian.AppendUint16(dst, v.Format)
	dst = append(dst, byte(len(v.Parents)))
	for _, p := range v.Parents {
		dst = append(dst, p[:]...)
	}
	dst = append(dst, v.Meaning[:]...)
	dst = append(dst, v.Content[:]...)
	seconds := uint64(0)
	if !v.IsRoot() {
		seconds = uint64(v.Time.Unix())
	}
	dst = binary.BigEndian.AppendUint64(dst, seconds)
	for _, s := range []string{v.Author, string(v.Member), v.Comment} {
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
	}
	return dst
}

// Decode reads what Append wrote, whoever it comes from: all of b, which is not kept. A document that is not what the
// version's name is made of is refused. Whether it can be read is for Open to say.
func Decode(b []byte) (*Version, error) {
	r := reader{rest: b}
	v, err := r.head()
	if err != nil {
		return nil, err
	}
	v.Document = r.counted(4, config.MaxSize)
	v.Source = r.counted(4, config.MaxSize)
	switch {
	case r.err != nil:
		return nil, fmt.Errorf("the version %w", r.err)
	case len(r.rest) > 0:
		return nil, fmt.Errorf("%d octets follow the version", len(r.rest))
	}
	if v.Document != nil && sha256.Sum256(v.Document) != v.Content {
		return nil, fmt.Errorf("the document is not that of version %s: it is damaged or forged", v.ID().Short())
	}
	return v, nil
}

// MaxHead is how many octets stand before the document of an encoded version, at most.
const MaxHead = 1 + 2 + 1 + 2*len(ID{}) + len(binding.Digest{}) + sha256.Size + 8 + 2 + MaxAuthor + 2 + MaxMember + 2 + MaxComment

// DecodeHead reads of what Append wrote all that stands before the document, which gives the version its name: its document is not
// at hand. b may end there, or anywhere behind, and is not kept.
func DecodeHead(b []byte) (*Version, error) {
	r := reader{rest: b}
	return r.head()
}

// head takes what stands before the document.
func (r *reader) head() (*Version, error) {
	if e := r.octets(1); r.err == nil && e[0] != encoding {
		return nil, fmt.Errorf("a version in the encoding %d, of a later release", e[0])
	}
	v := &Version{Format: uint16(r.number(2))}
	for range r.number(1) {
		if r.err != nil || len(v.Parents) > 2 {
			break
		}
		v.Parents = append(v.Parents, ID(r.fixed(len(ID{}))))
	}
	v.Meaning = binding.Digest(r.fixed(len(binding.Digest{})))
	v.Content = [sha256.Size]byte(r.fixed(sha256.Size))
	seconds := r.number(8)
	v.Author = string(r.counted(2, MaxAuthor))
	v.Member = binding.Member(r.counted(2, MaxMember))
	v.Comment = string(r.counted(2, MaxComment))
	switch {
	case r.err != nil:
		return nil, fmt.Errorf("the version %w", r.err)
	case v.IsRoot() && seconds != 0:
		return nil, errors.New("a root says when it was made")
	case seconds > 1<<38:
		return nil, errors.New("the version's time is none")
	}
	if !v.IsRoot() {
		v.Time = time.Unix(int64(seconds), 0).UTC()
	}
	if err := v.check(); err != nil {
		return nil, err
	}
	return v, nil
}

// reader takes values off octets. After an error everything is zero.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) octets(n int) []byte {
	if r.err == nil && n > len(r.rest) {
		r.err = fmt.Errorf("is cut short: %d octets are missing", n-len(r.rest))
	}
	if r.err != nil {
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// fixed returns n octets, zeros after an error.
func (r *reader) fixed(n int) []byte {
	if b := r.octets(n); b != nil {
		return b
	}
	return make([]byte, n)
}

func (r *reader) number(octets int) uint64 {
	var b [8]byte
	copy(b[8-octets:], r.octets(octets))
	return binary.BigEndian.Uint64(b[:])
}

// counted returns a copy of a value with its length before it; nil if that is 0.
func (r *reader) counted(octets, most int) []byte {
	n := r.number(octets)
	if n > uint64(most) && r.err == nil {
		r.err = fmt.Errorf("has a value of %d octets: at most %d are read", n, most)
	}
	if n == 0 || r.err != nil {
		return nil
	}
	return bytes.Clone(r.octets(int(n)))
}
