package pool

import (
	"bytes"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// AppendPort appends what names a client's port: the circuit and remote id in what a relay or a switch says of it (RFC 3046 §3.1, §3.2),
// and the relay, if there is one, since another one's may have the same name. It appends nothing if neither is there.
func AppendPort(dst, info []byte, relay netip.Addr) []byte {
	begin := len(dst)
	for _, wanted := range [...]uint8{option.RelayCircuitID, option.RelayRemoteID} {
		for rest := info; ; {
			code, v, more, ok := option.CutSub(rest)
			if !ok {
				break
			}
			if rest = more; code == wanted {
				if len(v) > 0 {
					dst = append(append(dst, code, byte(len(v))), v...)
				}
				break
			}
		}
	}
	if len(dst) > begin && relay.Is4() {
		octets := relay.As4()
		dst = append(dst, octets[:]...)
	}
	return dst
}

// holds reports whether somebody has an address in that state, or is why nobody can.
func holds(s binding.State) bool {
	switch s {
	case binding.Active, binding.Expired, binding.Released, binding.Abandoned:
		return true
	case binding.Free:
	}
	return false
}

// Moved is to be told of every change of a binding before it is Put: what there was, the zero Binding for nothing, and what there will
// be. It counts what the clients at each relay and port hold, as the facts of the bindings have it. A renewal costs next to nothing.
func (p *Pools) Moved(was, is *binding.Binding) {
	before, after := holds(was.State), holds(is.State)
	if !before && !after || before && after && sameWhere(&was.Facts, &is.Facts) {
		return
	}
	k := keyOf(is.Addr())
	id, within := p.idOf(k)
	if !within || p.isReserved(k) {
		return
	}
	if before {
		p.leaves(id, p.where(id, &was.Facts))
	}
	if after {
		p.comes(id, p.where(id, &is.Facts))
	}
}

// sameWhere reports whether both say the same of where their client is.
func sameWhere(a, b *binding.StoredFacts) bool {
	if a.Shared == b.Shared && bytes.Equal(a.Own, b.Own) { // as of nearly every renewal
		return true
	}
	if a.Shared != b.Shared && (a.Shared == nil || b.Shared == nil || a.GIAddr() != b.GIAddr()) {
		return false
	}
	return bytes.Equal(a.OwnOption(uint16(option.CodeRelayInformation)), b.OwnOption(uint16(option.CodeRelayInformation)))
}

// where returns the names under which an address of pool id is counted whose binding has these facts; 0 for what is not known.
func (p *Pools) where(id ID, f *binding.StoredFacts) (names [levels]uint64) {
	if f.Shared == nil { // nobody knows where its client was heard
		return names
	}
	relay := f.GIAddr()
	names[gate], names[port] = p.gateOf(id, relay), p.portOf(id, f, relay)
	return names
}

func (p *Pools) gateOf(id ID, relay netip.Addr) uint64 {
	if !relay.Is4() {
		return nameOf(p.direct, id, gate)
	}
	octets := relay.As4()
	return nameOf(max(p.seed.Octets(octets[:]), 1), id, gate)
}

func (p *Pools) portOf(id ID, f *binding.StoredFacts, relay netip.Addr) uint64 {
	info := f.OwnOption(uint16(option.CodeRelayInformation))
	if info == nil {
		return 0
	}
	if p.octets = AppendPort(p.octets[:0], info, relay); len(p.octets) == 0 {
		return 0
	}
	return nameOf(max(p.seed.Octets(p.octets), 1), id, port)
}

func (p *Pools) comes(id ID, names [levels]uint64) {
	if names[gate] != 0 {
		if _, first := p.held[gate].add(names[gate]); first {
			p.pools[id].gates++
		}
	}
	if names[port] != 0 {
		p.held[port].add(names[port])
	}
}

func (p *Pools) leaves(id ID, names [levels]uint64) {
	if names[gate] != 0 && p.held[gate].take(names[gate]) {
		p.pools[id].gates--
	}
	if names[port] != 0 {
		p.held[port].take(names[port])
	}
}

// counting counts bindings that are read one after another, of which many have their shared facts in common.
type counting struct {
	shared *binding.Blob
	id     ID
	tally  uint32 // of the gate of shared, in pool id; 0: none
	relay  netip.Addr
	ports  []uint64 // where the addresses are held
}

// count counts a binding of an address of pool id that is kept for no host.
func (c *counting) count(p *Pools, id ID, b *binding.Binding) {
	if !holds(b.State) || b.Facts.Shared == nil {
		return
	}
	if c.tally == 0 || c.shared != b.Facts.Shared || c.id != id {
		c.shared, c.id, c.relay = b.Facts.Shared, id, b.Facts.GIAddr()
		var first bool
		if c.tally, first = p.held[gate].add(p.gateOf(id, c.relay)); first {
			p.pools[id].gates++
		}
	} else {
		p.held[gate].slots.At(c.tally).n++
	}
	if name := p.portOf(id, &b.Facts, c.relay); name != 0 {
		c.ports = append(c.ports, name)
	}
}

// mixed makes different names of one source for each pool and level.
func mixed(id ID, level int) uint64 {
	return (uint64(id)*levels + uint64(level) + 1) * 0x9e3779b97f4a7c15
}

// nameOf returns how a source with that hash is known of a pool; it is never 0.
func nameOf(hash uint64, id ID, level int) uint64 {
	if n := hash ^ mixed(id, level); n != 0 {
		return n
	}
	return 1
}
