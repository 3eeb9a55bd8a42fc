package config

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// checkHosts says which hosts have the same address or cannot be told apart, and which addresses are of no use.
func (p *parser) checkHosts(all []placed) {
	byAddress := make(map[netip.Addr]*Host, len(p.doc.Hosts))
	byIdentity := make(map[string]*Host, len(p.doc.Hosts))
	var key []byte
	for i := range p.doc.Hosts {
		if p.full() {
			return
		}
		h := &p.doc.Hosts[i]
		network := p.checkHostAddress(h, all, byAddress)
		if !h.identified() {
			continue
		}
		key = append(h.appendIdentity(key[:0]), network...)
		first, ok := byIdentity[string(key)]
		if !ok {
			byIdentity[string(key)] = h
			continue
		}
		second := h
		if second.Position.before(first.Position) {
			first, second = second, first
		}
		where := ""
		if network != "" {
			where = " on network " + clip(network)
		}
		p.add(Error, second.Position, fmt.Sprintf("host %s matches the same client as host %s on line %d%s", clip(second.Name), clip(first.Name), first.Position.Line, where),
			"make one host of them, or give one of them another identifier")
	}
}

// checkHostAddress checks the address of h, and returns the name of the network that it is on, "" if on none.
func (p *parser) checkHostAddress(h *Host, all []placed, byAddress map[netip.Addr]*Host) string {
	if !h.Address.IsValid() {
		return ""
	}
	if first, ok := byAddress[h.Address]; ok {
		second := h
		if second.Position.before(first.Position) {
			first, second = second, first
		}
		p.add(Error, second.AddressPosition, fmt.Sprintf("address %v is kept for host %s already, on line %d", h.Address, clip(first.Name), first.AddressPosition.Line), "give it to one of them")
	} else {
		byAddress[h.Address] = h
	}
	s, ok := find(all, h.Address)
	if !ok {
		p.add(Warning, h.AddressPosition, fmt.Sprintf("address %v of host %s is in no subnet: it is never given", h.Address, clip(h.Name)), "add its subnet to a network, or correct it")
		return ""
	}
	switch u := usable(s.Prefix); {
	case h.Address.Less(u.first):
		p.add(Error, h.AddressPosition, fmt.Sprintf("%v is the address of the subnet %v itself: no host can have it", h.Address, s.Prefix), fmt.Sprintf("write one of %v", u))
	case u.last.Less(h.Address):
		p.add(Error, h.AddressPosition, fmt.Sprintf("%v is the broadcast address of subnet %v: no host can have it", h.Address, s.Prefix), fmt.Sprintf("write one of %v", u))
	}
	return s.network.Name
}

// appendIdentity appends what two hosts share exactly when they match the same clients.
func (h *Host) appendIdentity(dst []byte) []byte {
	dst = append(dst, h.Hardware.Type, h.Hardware.Len)
	dst = append(dst, h.Hardware.Bytes()...)
	for _, id := range [...][]byte{h.ClientID, h.CircuitID, h.RemoteID, h.SubscriberID} {
		if id == nil {
			dst = append(dst, 0, 0)
			continue
		}
		dst = append(append(dst, 1, byte(len(id))), id...)
	}
	for _, o := range h.Options {
		dst = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(dst, o.Code), uint32(len(o.Value)))
		dst = append(dst, o.Value...)
	}
	return append(dst, 0, 0)
}
