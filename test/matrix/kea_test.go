package matrix

import (
	"fmt"
	"slices"
	"strings"
)

type object = map[string]any

// keaConf writes the plan for Kea, without the places that it does not have: intranet, server class and server.
func (p *plan) keaConf() string {
	var networks, classes, defs []any
	for _, o := range optionsInOrder {
		if o.own() {
			kind, array := o.keaType()
			defs = append(defs, object{"name": o.kea, "code": o.code, "type": kind, "array": array, "space": "dhcp4"})
		}
	}
	for _, s := range p.sites {
		networks = append(networks, p.keaNetwork(s))
		for c := class1; c <= class6; c++ {
			if s.uses(c) {
				classes = append(classes, p.keaScope(s.says[c], object{"name": s.className(c), "test": s.keaTest(c)}))
			}
		}
	}
	whole := object{
		"interfaces-config": object{"interfaces": []any{"eth0"}, "dhcp-socket-type": "udp"},
		"lease-database":    object{"type": "memfile", "persist": false},
		"authoritative":     true,
		"option-def":        defs,
		"client-classes":    classes,
		"shared-networks":   networks,
		"loggers": []any{object{"name": "kea-dhcp4", "severity": "INFO",
			"output_options": []any{object{"output": "stderr"}}}},
	}
	return flow(object{"Dhcp4": p.keaScope(p.whole[enterprise], whole)})
}

func (p *plan) keaNetwork(s *site) object {
	sub := object{"id": s.n, "subnet": s.prefix().String(),
		"pools": []any{p.keaScope(s.says[pool], object{"pool": fmt.Sprintf("%v - %v", s.poolAddr(), s.poolAddr())})}}
	if s.says[host] != nil || s.reserve != unreserved {
		h := object{"hw-address": s.mac()}
		if s.reserve != unreserved {
			h["ip-address"] = s.reserved().String()
		}
		sub["reservations"] = []any{p.keaScope(s.says[host], h)}
	}
	return p.keaScope(s.says[sharedNetwork], object{"name": s.name(), "subnet4": []any{p.keaScope(s.says[subnet], sub)}})
}

// keaScope adds what is said to the other keys of an object.
func (p *plan) keaScope(said says, m object) object {
	var data []any
	for i, v := range said {
		switch i {
		case nextServer:
			m["next-server"] = nextServerValue(v)
		case bootFile:
			m["boot-file-name"] = bootFileValue(v)
		case serverName:
			m["server-hostname"] = serverNameValue(v)
		case leaseDefault:
			m["valid-lifetime"] = i.seconds(v)
			if p.triples {
				m["min-valid-lifetime"], m["max-valid-lifetime"] = leaseMin.seconds(v), leaseMax.seconds(v)
			}
		case leaseMin, leaseMax:
			panic("Kea has lifetimes as triples only")
		default:
			if v.form != set {
				panic("Kea has whole options only")
			}
			data = append(data, object{"code": int(i), "data": options[uint8(i)].keaValue(v)})
		}
	}
	slices.SortFunc(data, func(a, b any) int { return a.(object)["code"].(int) - b.(object)["code"].(int) })
	if len(data) > 0 {
		m["option-data"] = data
	}
	return m
}

func (s *site) keaTest(c place) string {
	hex := func(mac string) string { return "0x" + strings.ReplaceAll(mac, ":", "") }
	switch c {
	case class1:
		return fmt.Sprintf("option[60].hex == '%s'", s.vendorClass())
	case class2, class5:
		return fmt.Sprintf("substring(option[77].hex, 1, 4) == '%s'", s.userClass())
	case class3:
		return "substring(pkt4.mac, 0, 5) == " + hex(s.mac()[:14])
	case class4:
		return fmt.Sprintf("substring(option[60].hex, 0, 4) == '%s'", s.vendorClass())
	}
	return "pkt4.mac == " + hex(s.mac())
}
