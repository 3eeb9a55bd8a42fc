package groupwire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// The types of messages: the first octet of each.
const (
	told     = 1 // what a member has
	want     = 2 // a version is asked for
	versions = 3 // what was asked for
)

const (
	// MaxVersions is the most versions that one message may have.
	MaxVersions = 64
	// MaxMessage is the longest message, in octets: one version with a document and a source of the longest, and the rest.
	MaxMessage = 2*config.MaxSize + 1<<16
)

// ErrTooLong is that of a message that is longer than MaxMessage, or has more than MaxVersions.
var ErrTooLong = errors.New("the message is longer than may be sent")

// errNoDocument is that of a version without its document, with which nobody could go on: it would be in the history for ever.
var errNoDocument = errors.New("a version comes without its document")

// Append appends a message; after an error nothing was appended: ErrTooLong, or a version has no document at hand.
//
//	told: 1, member (1 + n), root, head, tip, seen, agreed, settled (16 each), format (2), flags (1), asked, gone (1 + 16 each), file (4 + n; 0: none)
//	want: 2, version (16), have (16)
//	versions: 3, how many (1), each 4 + n
//
// in network order; a version is as config/version has it. Of the flags 1 says that the version seen cannot be read, and 2 that the
// sender is clear; the others are 0.
func Append(dst []byte, m group.Message) ([]byte, error) {
	whole := dst
	switch m := m.(type) {
	case group.Told:
		dst = append(dst, told, byte(len(m.Member)))
		dst = append(dst, m.Member...)
		for _, id := range []version.ID{m.Root, m.Head, m.Tip, m.Seen, m.Agreed, m.Settled} {
			dst = append(dst, id[:]...)
		}
		dst = binary.BigEndian.AppendUint16(dst, m.Format)
		dst = append(dst, flagsOf(&m))
		for _, f := range []group.Few{m.Asked, m.Gone} {
			all := f.All()
			dst = append(dst, byte(len(all)))
			for _, id := range all {
				dst = append(dst, id[:]...)
			}
		}
		if m.File != nil && m.File.Document == nil {
			return whole, errNoDocument
		}
		dst = appendVersion(dst, m.File)
	case group.Want:
		dst = append(dst, want)
		dst = append(append(dst, m.Version[:]...), m.Have[:]...)
	case group.Versions:
		if len(m.All) > MaxVersions {
			return whole, ErrTooLong
		}
		dst = append(dst, versions, byte(len(m.All)))
		for _, v := range m.All {
			if v.Document == nil {
				return whole, errNoDocument
			}
			dst = appendVersion(dst, v)
		}
	}
	if len(dst)-len(whole) > MaxMessage {
		return whole, ErrTooLong
	}
	return dst, nil
}

// The flags of a told.
const (
	cannotRead = 1
	isClear    = 2
)

func flagsOf(m *group.Told) (flags byte) {
	if m.CannotRead {
		flags |= cannotRead
	}
	if m.Clear {
		flags |= isClear
	}
	return flags
}

// appendVersion appends a version behind its length, which is 0 of none.
func appendVersion(dst []byte, v *version.Version) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	if v != nil {
		dst = v.Append(dst)
	}
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// Parse returns the message that b is, all of it. b is not kept.
func Parse(b []byte) (group.Message, error) {
	r := reader{rest: b}
	var m group.Message
	switch t := r.octet(); {
	case r.err != nil:
	case t == told:
		m = r.told()
	case t == want:
		m = group.Want{Version: r.id(), Have: r.id()}
	case t == versions:
		m = r.versions()
	default:
		return nil, fmt.Errorf("a message of the unknown type %d", t)
	}
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d octets follow the message", len(r.rest))
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// reader takes values off octets. After an error everything is zero.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) octets(n int) []byte {
	if r.err == nil && n > len(r.rest) {
		r.err = errors.New("the message is cut short")
	}
	if r.err != nil {
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) octet() byte {
	if b := r.octets(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) id() (id version.ID) {
	copy(id[:], r.octets(len(id)))
	return id
}

func (r *reader) told() group.Message {
	m := group.Told{Member: binding.Member(r.octets(int(r.octet())))}
	m.Root, m.Head, m.Tip, m.Seen, m.Agreed, m.Settled = r.id(), r.id(), r.id(), r.id(), r.id(), r.id()
	if b := r.octets(2); b != nil {
		m.Format = binary.BigEndian.Uint16(b)
	}
	flags := r.octet()
	if flags&^(cannotRead|isClear) != 0 && r.err == nil {
		r.err = fmt.Errorf("the flags are %d", flags)
	}
	m.CannotRead, m.Clear = flags&cannotRead != 0, flags&isClear != 0
	m.Asked, m.Gone = r.few(), r.few()
	m.File = r.version()
	return m
}

// few returns some versions behind their number.
func (r *reader) few() (f group.Few) {
	n := int(r.octet())
	if n > len(f) && r.err == nil {
		r.err = ErrTooLong
	}
	for i := range min(n, len(f)) {
		if f[i] = r.id(); f[i].IsZero() && r.err == nil {
			r.err = errors.New("a version has no name")
		}
	}
	return f
}

func (r *reader) versions() group.Message {
	n := int(r.octet())
	if n > MaxVersions && r.err == nil {
		r.err = ErrTooLong
	}
	var m group.Versions
	for range n {
		v := r.version()
		if v == nil && r.err == nil {
			r.err = errors.New("a version is empty")
		}
		if r.err != nil {
			break
		}
		m.All = append(m.All, v)
	}
	return m
}

// version returns a version behind its length; nil if that is 0.
func (r *reader) version() *version.Version {
	size := r.octets(4)
	if size == nil {
		return nil
	}
	n := binary.BigEndian.Uint32(size)
	if n > MaxMessage {
		r.err = ErrTooLong
		return nil
	}
	b := r.octets(int(n))
	if len(b) == 0 {
		return nil
	}
	v, err := version.Decode(b)
	if err == nil && v.Document == nil {
		err = errNoDocument
	}
	if err != nil {
		r.err = err
		return nil
	}
	return v
}
