package policy

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// hostIndex finds the hosts that may match a client: for each combination of identifiers that the document's hosts ask
// for, by all of them at once. One of them would not do: every switch has a port of the same name.
type hostIndex struct {
	all       []*Host
	byAddress map[netip.Addr]*Host
	groups    []hostGroup
}

// hostGroup are the hosts that ask for the same identifiers.
type hostGroup struct {
	asks  asked
	hosts map[string]*Host // by appendKey; those that are alike are a list
}

// asked says which identifiers hosts are found by. It is comparable.
type asked struct {
	hardware, clientID, circuit, remote, subscriber bool
	codes                                           string // of options, two octets each
}

// manyGroups is how many combinations of identifiers are told apart by every option: a document with more has options in
// ever other combinations, and its further hosts are found by less and then compared one by one.
const manyGroups = 64

func (x *hostIndex) build(hosts []config.Host) {
	x.byAddress, x.all = make(map[netip.Addr]*Host, len(hosts)), make([]*Host, 0, len(hosts))
	groups := map[asked]int{}
	var key []byte
	for i := range hosts {
		c := &hosts[i]
		h := &Host{
			Name: c.Name, Address: c.Address, hardware: c.Hardware, clientID: c.ClientID, circuitID: c.CircuitID,
			remoteID: c.RemoteID, subscriberID: c.SubscriberID, options: c.Options, order: i,
		}
		h.scope = compileScope(&c.Scope, config.HostLayer, c.Name)
		h.addressReason = binding.AppendReason(nil, binding.Reason{Code: binding.ReasonAddress, Layer: config.HostLayer.String(), Object: c.Name, Line: uint32(c.AddressPosition.Line), Rule: "reserved"})
		key = x.add(h, groups, key[:0])
	}
}

// add takes h into the index. It returns key, which it writes to, for the next.
func (x *hostIndex) add(h *Host, groups map[asked]int, key []byte) []byte {
	x.all = append(x.all, h)
	if h.Address.IsValid() {
		x.byAddress[h.Address] = h
	}
	asks := h.asks()
	h.weight = asks.count()
	if h.weight == 0 { // it would match everybody
		return key
	}
	if _, ok := groups[asks]; !ok && len(x.groups) >= manyGroups {
		asks = asks.fewer()
	}
	i, ok := groups[asks]
	if !ok {
		i = len(x.groups)
		groups[asks], x.groups = i, append(x.groups, hostGroup{asks, map[string]*Host{}})
	}
	g := &x.groups[i]
	f := h.facts()
	key, _ = g.asks.appendKey(key, &f)
	h.alike, g.hosts[string(key)] = g.hosts[string(key)], h
	return key
}

// asks returns which identifiers h has.
func (h *Host) asks() asked {
	a := asked{!h.hardware.IsZero(), h.clientID != nil, h.circuitID != nil, h.remoteID != nil, h.subscriberID != nil, ""}
	for _, o := range h.options {
		a.codes += string([]byte{byte(o.Code >> 8), byte(o.Code)})
	}
	return a
}

// count returns how many identifiers are asked for.
func (a asked) count() int {
	n := len(a.codes) / 2
	for _, is := range [...]bool{a.hardware, a.clientID, a.circuit, a.remote, a.subscriber} {
		if is {
			n++
		}
	}
	return n
}

// fewer returns a combination of which there are few: without options, or with the first option alone.
func (a asked) fewer() asked {
	if first := a.codes[:min(2, len(a.codes))]; a.count() == len(a.codes)/2 {
		a.codes = first
	} else {
		a.codes = ""
	}
	return a
}

// facts returns those of a client that has the identifiers of h, and nothing else.
func (h *Host) facts() Facts {
	f := Facts{
		Client: binding.Client{ID: h.clientID, Hardware: h.hardware}, circuitID: h.circuitID, remoteID: h.remoteID, subscriberID: h.subscriberID,
	}
	if len(h.options) > 0 {
		f.Options = &binding.Facts{Options: h.options}
	}
	return f
}

// appendKey appends the identifiers that are asked for; false if the client does not have them all.
func (a *asked) appendKey(dst []byte, f *Facts) ([]byte, bool) {
	if a.hardware {
		h := &f.Client.Hardware
		if h.IsZero() {
			return dst, false
		}
		dst = append(append(dst, h.Type, h.Len), h.Bytes()...)
	}
	for _, id := range [...]struct {
		asked bool
		value []byte
	}{{a.clientID, f.Client.ID}, {a.circuit, f.circuitID}, {a.remote, f.remoteID}, {a.subscriber, f.subscriberID}} {
		if !id.asked {
			continue
		}
		if len(id.value) == 0 {
			return dst, false
		}
		dst = appendIdentifier(dst, id.value)
	}
	for codes := a.codes; len(codes) > 0; codes = codes[2:] {
		code := uint16(codes[0])<<8 | uint16(codes[1])
		v, ok := f.Options.Option(code)
		if !ok {
			return dst, false
		}
		at := len(dst)
		dst = appendSaid(append(dst, 0, 0), code, v)
		n := len(dst) - at - 2
		dst[at], dst[at+1] = byte(n>>8), byte(n)
	}
	return dst, true
}

func appendIdentifier(dst, v []byte) []byte {
	return append(append(dst, byte(len(v)>>8), byte(len(v))), v...)
}

// of returns the host entry of the client, nil if none matches.
func (x *hostIndex) of(f *Facts, d *Decision) (best *Host) {
	for i := range x.groups {
		g := &x.groups[i]
		key, ok := g.asks.appendKey(d.hostKey[:0], f)
		d.hostKey = key
		if !ok {
			continue
		}
		for h := g.hosts[string(key)]; h != nil; h = h.alike {
			if h.matches(f) && h.beats(best, f.Link.Network) {
				best = h
			}
		}
	}
	return best
}
