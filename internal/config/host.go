package config

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func hostKeys() *object[Host] {
	scope := func(h *Host) *Scope { return &h.Scope }
	octets := func(name, doc string, at func(*Host) *[]byte) key[Host] {
		return key[Host]{name: name, doc: doc, shape: identifierShape(), read: func(p *parser, h *Host, _, v *yaml.Node) {
			*at(h) = p.relayID(v, name)
		}}
	}
	return &object[Host]{
		name: "host", what: "a host", where: "hosts: NAME", example: "printer1: {hardware: 02:00:00:00:00:07}", scope: scope,
		keys: join([]key[Host]{
			{name: "hardware", doc: "The client's hardware address; a type other than Ethernet stands before it: 6/02:00:00:00:00:07.",
				shape: stringShape("", "02:00:00:00:00:07"), read: (*parser).readHardware},
			{name: "client-id", doc: `The client identifier (option 61) in hexadecimal, its type first, or {text: "..."}.`,
				shape: clientIDShape(), read: (*parser).readClientID},
			octets("circuit-id", `The relay's circuit (option 82.1) as text, or {hex: "0a0b"}.`, func(h *Host) *[]byte { return &h.CircuitID }),
			octets("remote-id", `The relay's remote end (option 82.2) as text, or {hex: "0a0b"}.`, func(h *Host) *[]byte { return &h.RemoteID }),
			octets("subscriber-id", `The relay's subscriber (option 82.6) as text, or {hex: "0a0b"}.`, func(h *Host) *[]byte { return &h.SubscriberID }),
			{name: "match-options", doc: "Options that the client must send, each with that very value, by name.", shape: ref("matched-options"),
				read: (*parser).readMatchOptions},
			{name: "address", doc: "The address that is kept for the client.", shape: addressShape(),
				read: func(p *parser, h *Host, _, v *yaml.Node) {
					h.Address, _ = p.address(v, "address")
					h.AddressPosition = position(v)
				}},
			{name: "duid", later: withDHCPv6},
			{name: "prefixes", later: withDHCPv6},
		}, scopeKeys(scope)),
	}
}

func (p *parser) readHosts(d *Document, _, v *yaml.Node) {
	d.Hosts = make([]Host, 0, p.count(v))
	p.entries(v, "hosts", "hosts: {printer1: {hardware: 02:00:00:00:00:07}}", func(k, v *yaml.Node) {
		h := Host{Name: p.name(k, "a host"), Scope: Scope{Position: position(k)}}
		before := len(p.problems)
		fields(p, p.tables.host, v, &h)
		if len(p.problems) == before && !h.identified() {
			p.fail(k, "host "+clip(h.Name)+" matches no client: it has no identifier", "write hardware, client-id, circuit-id, remote-id, subscriber-id or match-options")
		}
		d.Hosts = append(d.Hosts, h)
	})
}

func (h *Host) identified() bool {
	return !h.Hardware.IsZero() || h.ClientID != nil || h.CircuitID != nil || h.RemoteID != nil ||
		h.SubscriberID != nil || len(h.Options) > 0
}

const hardwareRemedy = "write it as in 02:00:00:00:00:07"

func (p *parser) readHardware(h *Host, _, v *yaml.Node) {
	s, ok := p.scalar(v, "hardware", "02:00:00:00:00:07")
	if !ok {
		return
	}
	htype, digits := uint64(1), s
	if t, rest, typed := strings.Cut(s, "/"); typed {
		var err error
		if htype, err = strconv.ParseUint(t, 10, 8); err != nil || htype == 0 {
			p.fail(v, clip(t)+" is not the number of a hardware type", "write a number of 1 to 255 before the /; 1 is Ethernet")
			return
		}
		digits = rest
	}
	b, ok := octets(digits)
	switch {
	case !ok || !strings.ContainsAny(digits, ":-") && len(b) != 6:
		p.fail(v, clip(s)+" is not a hardware address", hardwareRemedy)
	case len(b) > binding.MaxHardware:
		p.fail(v, fmt.Sprintf("the hardware address has %d octets: at most %d fit", len(b), binding.MaxHardware), hardwareRemedy)
	case htype == 1 && len(b) != 6:
		p.fail(v, fmt.Sprintf("the Ethernet address has %d octets, not 6", len(b)), hardwareRemedy+"; for other hardware write its type before it: 32/02:00:…")
	default:
		h.Hardware = binding.HardwareOf(uint8(htype), b)
	}
}

func (p *parser) readClientID(h *Host, _, v *yaml.Node) {
	if v.Kind == yaml.MappingNode {
		h.ClientID = p.identifier(v, "client-id", binding.MaxClientID)
		return
	}
	s, ok := p.scalar(v, "client-id", "01:02:00:00:00:00:08")
	if !ok {
		return
	}
	b, ok := octets(s)
	switch {
	case !ok:
		p.fail(v, clip(s)+" is not hexadecimal", "write octets as in 01:02:00:00:00:00:08, or {text: "+clip(s)+"}")
	case len(b) > binding.MaxClientID:
		p.fail(v, fmt.Sprintf("the client identifier has %d octets: at most %d fit", len(b), binding.MaxClientID), "shorten it")
	default:
		h.ClientID = b
	}
}

// relayID returns a sub-option of option 82: text as it is, or a map as identifier reads it.
func (p *parser) relayID(v *yaml.Node, what string) []byte {
	if v.Kind == yaml.MappingNode {
		return p.identifier(v, what, 255)
	}
	s, ok := p.scalar(v, what, "ge-0/0/1")
	switch {
	case !ok:
	case s == "":
		p.fail(v, what+" is empty", "write ge-0/0/1, or {hex: \"0a0b\"}")
	case len(s) > 255:
		p.fail(v, fmt.Sprintf("%s has %d octets: at most 255 fit", what, len(s)), "shorten it")
	default:
		return []byte(s)
	}
	return nil
}

// identifier returns what {text: "..."} or {hex: "..."} spells.
func (p *parser) identifier(v *yaml.Node, what string, most int) []byte {
	remedy := `write {text: "lobby"} or {hex: "0a0b"}`
	if len(v.Content) != 2 || v.Content[0].Value != "text" && v.Content[0].Value != "hex" {
		p.fail(v, what+" must be one text or one hex", remedy)
		return nil
	}
	s, ok := p.scalar(v.Content[1], what, "lobby")
	if !ok {
		return nil
	}
	b := []byte(s)
	if v.Content[0].Value == "hex" {
		var err error
		if b, err = hex.DecodeString(strings.ReplaceAll(s, ":", "")); err != nil {
			p.fail(v.Content[1], clip(s)+" is not hexadecimal", `write pairs of digits, as in "0a0b"`)
			return nil
		}
	}
	switch {
	case len(b) == 0:
		p.fail(v.Content[1], what+" is empty", remedy)
	case len(b) > most:
		p.fail(v.Content[1], fmt.Sprintf("%s has %d octets: at most %d fit", what, len(b), most), "shorten it")
	default:
		return b
	}
	return nil
}
