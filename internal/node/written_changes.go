package node

import (
	"encoding/binary"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// A page of changes of leases is: how many members it names (1 octet), each with its length (1); how many versions (2), each with its 16
// octets; then the changes, of changeSize octets each, with the places of their member and version among those from 1 on, 0 for none.
const (
	changeSize   = 30
	changesAPage = 1 << 12
)

// changePages makes pages of changes.
type changePages struct {
	text     []byte
	entries  []byte
	members  map[uint8]uint8   // places on the page by those in leasePast
	versions map[uint16]uint16 // the same
}

// page returns entries as they are written, until the next call.
func (w *changePages) page(es []pastEntry, members []binding.Member, versions []binding.Digest) []byte {
	if w.members == nil {
		w.members, w.versions = map[uint8]uint8{}, map[uint16]uint16{}
	}
	clear(w.members)
	clear(w.versions)
	w.entries = w.entries[:0]
	names, digests := make([]byte, 0, 64), make([]byte, 0, 64)
	for i := range es {
		e := &es[i]
		member, ok := w.members[e.member]
		if !ok {
			if name := nth(members, int(e.member)); name != "" && len(name) < 256 {
				names = append(append(names, byte(len(name))), name...)
				member = uint8(1 + countSet(w.members))
			}
			w.members[e.member] = member
		}
		version, ok := w.versions[e.version]
		if !ok {
			if v := nth(versions, int(e.version)); !v.IsZero() {
				digests = append(digests, v[:]...)
				version = uint16(len(digests) / len(v))
			}
			w.versions[e.version] = version
		}
		w.entries = e.append(w.entries, member, version)
	}
	w.text = append(append(w.text[:0], uint8(countSet(w.members))), names...)
	w.text = binary.LittleEndian.AppendUint16(w.text, uint16(len(digests)/len(binding.Digest{})))
	return append(append(w.text, digests...), w.entries...)
}

// countSet counts those that have a place on the page.
func countSet(m map[uint8]uint8) (n int) {
	for _, v := range m {
		if v > 0 {
			n++
		}
	}
	return n
}

func (e *pastEntry) append(b []byte, member uint8, version uint16) []byte {
	for _, v := range [...]uint32{e.at, e.expires, e.addr, e.client} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = binary.LittleEndian.AppendUint16(b, version)
	b = append(b, e.hardware[:]...)
	return append(b, e.htype, e.hlen, uint8(e.state), e.cause, member, e.flags)
}

// pageOfChanges is a page as it is read.
type pageOfChanges struct {
	members  []binding.Member
	versions []binding.Digest
	entries  []byte
}

// readChanges reads a page of so many changes; false: it is none.
func readChanges(b []byte, count uint32) (p pageOfChanges, ok bool) {
	n, b, ok := octet(b)
	for range n {
		var length uint8
		if length, b, ok = octet(b); !ok || int(length) > len(b) {
			return p, false
		}
		p.members = append(p.members, binding.Member(b[:length]))
		b = b[length:]
	}
	if !ok || len(b) < 2 {
		return p, false
	}
	versions := int(binary.LittleEndian.Uint16(b))
	b = b[2:]
	const size = len(binding.Digest{})
	if len(b) < versions*size {
		return p, false
	}
	for i := range versions {
		p.versions = append(p.versions, binding.Digest(b[i*size:]))
	}
	p.entries = b[versions*size:]
	return p, uint64(len(p.entries)) == uint64(count)*changeSize
}

func octet(b []byte) (uint8, []byte, bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	return b[0], b[1:], true
}

// at returns a change, with the places of its member and version on the page; false: it is none.
func (p *pageOfChanges) at(i int) (e pastEntry, ok bool) {
	b := p.entries[i*changeSize:][:changeSize]
	for j, v := range [...]*uint32{&e.at, &e.expires, &e.addr, &e.client} {
		*v = binary.LittleEndian.Uint32(b[4*j:])
	}
	e.version = binary.LittleEndian.Uint16(b[16:])
	copy(e.hardware[:], b[18:])
	e.htype, e.hlen, e.state, e.cause, e.member, e.flags = b[24], b[25], binding.State(b[26]), b[27], b[28], b[29]
	return e, e.at > 0 && e.state > 0 && e.state <= binding.Abandoned && int(e.member) <= len(p.members) && int(e.version) <= len(p.versions)
}

// take adds the changes of a page, the first few left out, to what is kept; it counts those that are none.
func (p *leasePast) take(page *pageOfChanges, first int, r *pastRing, most uint64) (bad int) {
	for i := first; i < len(page.entries)/changeSize; i++ {
		e, ok := page.at(i)
		if !ok {
			bad++
			continue
		}
		e.member = uint8(numberOf(&p.members, nth(page.members, int(e.member)), 255))
		e.version = numberOf(&p.versions, nth(page.versions, int(e.version)), 1<<16-1)
		r.add(e, most)
	}
	return bad
}
