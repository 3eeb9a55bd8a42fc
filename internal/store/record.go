package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// The fields of a binding's record: a tag, a length, and a value. A reader skips tags that it does not know, so a later
// version may add fields that an earlier one can do without; a field that it cannot do without takes a new format.
// Numbers are never used again for something else. Tag 0 ends the record.
const (
	fieldPrefix   = 1  // bits, then 4 or 16 octets of address
	fieldState    = 2  // 1 octet
	fieldCause    = 3  // 1 octet
	fieldClientID = 4  // as sent
	fieldHardware = 5  // type, then the address
	fieldStarts   = 6  // a time: seconds since 1970, as a signed varint; absent if never
	fieldExpires  = 7  // a time
	fieldCLTT     = 8  // a time
	fieldChanged  = 9  // a time
	fieldOwner    = 10 // a member's name
	fieldHome     = 11 // a member's name
	fieldVersion  = 12 // a digest
	fieldShared   = 13 // the digest of a blob: Facts.Shared
	fieldOwn      = 14 // Facts.Own, as it is
	fieldResult   = 15 // the digest of a blob
	fieldReasons  = 16 // the digest of a blob

	// Since format 2: a server that leaves these out would forget what it has promised.
	fieldPotential = 17 // a time
	fieldAcked     = 18 // a time
	fieldOurs      = 19 // a varint
	fieldTheirs    = 20 // a varint
	fieldMarks     = 21 // 1 octet
	fieldPast      = 22 // as it is; a server that leaves it out says less about what went wrong, no more
)

// recordBound returns a length that the record of x does not exceed.
func recordBound(x *binding.Binding, maxBlob int) int {
	n := 240 + 5*3 + len(x.Client.ID) + len(x.Owner) + len(x.Home) + 3 + min(len(x.Past), binding.MaxPast)
	if len(x.Facts.Own) <= maxBlob {
		n += len(x.Facts.Own)
	}
	return n
}

// storable reports whether a reader will accept the record of x.
func storable(x *binding.Binding) bool {
	return x.Prefix.IsValid() && x.Prefix == x.Prefix.Masked() && !x.Prefix.Addr().Is4In6() &&
		x.State >= binding.Free && x.State <= binding.Abandoned
}

// appendRecord appends the record of x. Blobs and facts longer than maxBlob are left out, as if they
// were unknown.
func appendRecord(dst []byte, x *binding.Binding, maxBlob int) []byte {
	dst = appendPrefix(dst, x.Prefix)
	dst = append(dst, fieldState, 1, byte(x.State))
	if x.Cause != 0 {
		dst = append(dst, fieldCause, 1, byte(x.Cause))
	}
	dst = appendField(dst, fieldClientID, x.Client.ID)
	if h := &x.Client.Hardware; h.Type != 0 || h.Len != 0 {
		dst = append(dst, fieldHardware, 1+h.Len, h.Type)
		dst = append(dst, h.Bytes()...)
	}
	dst = appendTime(dst, fieldStarts, x.Starts)
	dst = appendTime(dst, fieldExpires, x.Expires)
	dst = appendTime(dst, fieldCLTT, x.CLTT)
	dst = appendTime(dst, fieldChanged, x.Changed)
	dst = appendName(dst, fieldOwner, x.Owner)
	dst = appendName(dst, fieldHome, x.Home)
	if !x.Version.IsZero() {
		dst = appendField(dst, fieldVersion, x.Version[:])
	}
	dst = appendBlobName(dst, fieldShared, x.Facts.Shared, maxBlob)
	if len(x.Facts.Own) <= maxBlob {
		dst = appendField(dst, fieldOwn, x.Facts.Own)
	}
	dst = appendBlobName(dst, fieldResult, x.Result, maxBlob)
	dst = appendBlobName(dst, fieldReasons, x.Reasons, maxBlob)
	dst = appendSync(dst, &x.Sync)
	if len(x.Past) <= binding.MaxPast {
		dst = appendField(dst, fieldPast, x.Past)
	}
	return dst
}

func appendSync(dst []byte, y *binding.Sync) []byte {
	dst = appendTime(dst, fieldPotential, y.Potential)
	dst = appendTime(dst, fieldAcked, y.Acked)
	dst = appendSequence(dst, fieldOurs, y.Ours)
	dst = appendSequence(dst, fieldTheirs, y.Theirs)
	if y.Marks != 0 {
		dst = append(dst, fieldMarks, 1, byte(y.Marks))
	}
	return dst
}

func appendSequence(dst []byte, tag byte, s binding.Sequence) []byte {
	if s == 0 {
		return dst
	}
	at := len(dst) + 1
	dst = binary.AppendUvarint(append(dst, tag, 0), uint64(s))
	dst[at] = byte(len(dst) - at - 1)
	return dst
}

func appendPrefix(dst []byte, p netip.Prefix) []byte {
	if a := p.Addr(); a.Is4() {
		b := a.As4()
		dst = append(dst, fieldPrefix, 5, byte(p.Bits()))
		return append(dst, b[:]...)
	}
	b := p.Addr().As16()
	dst = append(dst, fieldPrefix, 17, byte(p.Bits()))
	return append(dst, b[:]...)
}

func appendField(dst []byte, tag byte, v []byte) []byte {
	if len(v) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(append(dst, tag), uint64(len(v)))
	return append(dst, v...)
}

func appendName(dst []byte, tag byte, m binding.Member) []byte {
	if m == "" {
		return dst
	}
	dst = binary.AppendUvarint(append(dst, tag), uint64(len(m)))
	return append(dst, m...)
}

// earliest is the first second that can be stored.
const earliest = -1 << 40

func appendTime(dst []byte, tag byte, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	at := len(dst) + 1
	dst = binary.AppendVarint(append(dst, tag, 0), max(earliest, min(t.Unix(), binding.Forever.Unix())))
	dst[at] = byte(len(dst) - at - 1)
	return dst
}

func appendBlobName(dst []byte, tag byte, b *binding.Blob, maxBlob int) []byte {
	if b == nil || len(b.Bytes) > maxBlob {
		return dst
	}
	d := b.Digest()
	return appendField(dst, tag, d[:])
}

// record is a binding as stored: its blobs are named, not there.
type record struct {
	binding                 binding.Binding // Client.ID and Facts.Own alias what was read
	shared, result, reasons binding.Digest
}

// names keeps one string for each member's name.
type names map[string]binding.Member

func (n names) get(b []byte) binding.Member {
	m, ok := n[string(b)]
	if !ok {
		m = binding.Member(b)
		n[string(b)] = m
	}
	return m
}

var errCutShort = errors.New("a field is cut short")

// decode reads a record. It accepts nothing that appendRecord could not have written, but for unknown fields.
func (r *record) decode(b []byte, n names) error {
	*r = record{}
	for len(b) > 0 && b[0] != 0 {
		tag, v, rest, err := cutField(b)
		if err != nil {
			return err
		}
		if err := r.field(tag, v, n); err != nil {
			return err
		}
		b = rest
	}
	switch x := &r.binding; {
	case !x.Prefix.IsValid():
		return errors.New("no address")
	case x.State < binding.Free || x.State > binding.Abandoned:
		return fmt.Errorf("state %d is unknown", x.State)
	}
	return nil
}

func cutField(b []byte) (tag byte, v, rest []byte, err error) {
	tag = b[0]
	n, w := binary.Uvarint(b[1:])
	if w <= 0 || n > uint64(len(b)-1-w) {
		return 0, nil, nil, errCutShort
	}
	v, rest = b[1+w:1+w+int(n)], b[1+w+int(n):]
	return tag, v, rest, nil
}

func (r *record) field(tag byte, v []byte, n names) (err error) {
	x := &r.binding
	switch tag {
	case fieldPrefix:
		x.Prefix, err = decodePrefix(v)
	case fieldState:
		var b byte
		b, err = decodeOctet(v)
		x.State = binding.State(b)
	case fieldCause:
		var b byte
		b, err = decodeOctet(v)
		x.Cause = binding.Cause(b)
	case fieldClientID:
		x.Client.ID = v
	case fieldHardware:
		if len(v) < 1 || len(v) > 1+binding.MaxHardware {
			return fmt.Errorf("hardware address of %d octets", len(v)-1)
		}
		x.Client.Hardware = binding.HardwareOf(v[0], v[1:])
	case fieldStarts:
		x.Starts, err = decodeTime(v)
	case fieldExpires:
		x.Expires, err = decodeTime(v)
	case fieldCLTT:
		x.CLTT, err = decodeTime(v)
	case fieldChanged:
		x.Changed, err = decodeTime(v)
	case fieldOwner:
		x.Owner = n.get(v)
	case fieldHome:
		x.Home = n.get(v)
	case fieldVersion:
		x.Version, err = decodeDigest(v)
	case fieldShared:
		r.shared, err = decodeDigest(v)
	case fieldOwn:
		x.Facts.Own = v
	case fieldResult:
		r.result, err = decodeDigest(v)
	case fieldReasons:
		r.reasons, err = decodeDigest(v)
	default:
		return r.sync(tag, v)
	}
	return err
}

// sync reads the fields that came with format 2.
func (r *record) sync(tag byte, v []byte) (err error) {
	y := &r.binding.Sync
	switch tag {
	case fieldPotential:
		y.Potential, err = decodeTime(v)
	case fieldAcked:
		y.Acked, err = decodeTime(v)
	case fieldOurs:
		y.Ours, err = decodeSequence(v)
	case fieldTheirs:
		y.Theirs, err = decodeSequence(v)
	case fieldMarks:
		var b byte
		b, err = decodeOctet(v)
		y.Marks = binding.Marks(b)
	case fieldPast:
		if len(v) > binding.MaxPast {
			return fmt.Errorf("a past of %d octets", len(v))
		}
		r.binding.Past = v
	}
	return err
}

func decodeSequence(v []byte) (binding.Sequence, error) {
	n, w := binary.Uvarint(v)
	if w != len(v) || w <= 0 {
		return 0, errors.New("a number is out of range")
	}
	return binding.Sequence(n), nil
}

func decodePrefix(v []byte) (netip.Prefix, error) {
	if len(v) != 5 && len(v) != 17 {
		return netip.Prefix{}, fmt.Errorf("address of %d octets", len(v)-1)
	}
	a, _ := netip.AddrFromSlice(v[1:])
	p := netip.PrefixFrom(a, int(v[0]))
	if !p.IsValid() || p != p.Masked() || a.Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%v/%d is no prefix", a, v[0])
	}
	return p, nil
}

func decodeOctet(v []byte) (byte, error) {
	if len(v) != 1 {
		return 0, errCutShort
	}
	return v[0], nil
}

func decodeTime(v []byte) (time.Time, error) {
	s, w := binary.Varint(v)
	if w != len(v) || w <= 0 || s > binding.Forever.Unix() || s < earliest {
		return time.Time{}, errors.New("a time is out of range")
	}
	return time.Unix(s, 0).UTC(), nil
}

func decodeDigest(v []byte) (binding.Digest, error) {
	if len(v) != len(binding.Digest{}) {
		return binding.Digest{}, errCutShort
	}
	return binding.Digest(v), nil
}
