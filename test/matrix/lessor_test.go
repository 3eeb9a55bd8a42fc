package matrix

import (
	"encoding/json"
	"fmt"
	"strings"
)

// lessorDocument writes the plan as Lessor's document. name is the server's, and what stands in JSON is YAML too.
func (p *plan) lessorDocument(profile, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "precedence: %s\n", profile)
	fmt.Fprintf(&b, "group: {name: matrix, members: {%s: {class: core}}}\n", name)
	fmt.Fprintf(&b, "enterprise: %s\n", flow(p.lessorScope(p.whole[enterprise], map[string]any{"authoritative": true})))
	fmt.Fprintf(&b, "server-classes: {core: %s}\n", flow(p.lessorScope(p.whole[serverClass], nil)))
	if s := p.whole[server]; s != nil {
		fmt.Fprintf(&b, "servers: {%s: %s}\n", name, flow(p.lessorScope(s, nil)))
	}
	if p.accept != "" {
		fmt.Fprintf(&b, "accept: %s\n", p.accept)
	}
	b.WriteString("option-definitions:\n")
	for _, o := range optionsInOrder {
		if o.own() {
			fmt.Fprintf(&b, "  %s: %s\n", o.kea, flow(map[string]any{"code": o.code, "type": o.lessorType()}))
		}
	}
	b.WriteString("networks:\n  backbone: {subnets: {172.16.0.0/24: {}}}\n")
	for _, s := range p.sites {
		fmt.Fprintf(&b, "  %s: %s\n", s.name(), flow(p.lessorNetwork(s)))
	}
	p.lessorNamed(&b, "intranets", func(s *site, line func(string, map[string]any)) {
		if said := s.says[intranet]; said != nil {
			line("i-"+s.name(), p.lessorScope(said, map[string]any{"networks": []string{s.name()}}))
		}
	})
	p.lessorNamed(&b, "classes", func(s *site, line func(string, map[string]any)) {
		for c := class1; c <= class6; c++ {
			if s.uses(c) {
				line(s.className(c), p.lessorScope(s.says[c], s.lessorMatch(c)))
			}
		}
	})
	p.lessorNamed(&b, "hosts", func(s *site, line func(string, map[string]any)) {
		if s.says[host] != nil || s.reserve != unreserved {
			m := map[string]any{"hardware": s.mac()}
			if s.reserve != unreserved {
				m["address"] = s.reserved().String()
			}
			line("h-"+s.name(), p.lessorScope(s.says[host], m))
		}
	})
	return b.String()
}

// flow is a value in JSON, without the escapes that YAML would not need.
func flow(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// lessorNamed writes a section of named objects, in the order of the plan, and nothing where there are none.
func (p *plan) lessorNamed(b *strings.Builder, section string, each func(*site, func(string, map[string]any))) {
	head := section + ":\n"
	for _, s := range p.sites {
		each(s, func(name string, v map[string]any) {
			fmt.Fprintf(b, "%s  %s: %s\n", head, name, flow(v))
			head = ""
		})
	}
}

func (p *plan) lessorNetwork(s *site) map[string]any {
	pools := []any{p.lessorScope(s.says[pool], map[string]any{"range": s.poolAddr().String() + "-" + s.poolAddr().String()})}
	subnets := map[string]any{s.prefix().String(): p.lessorScope(s.says[subnet], map[string]any{"pools": pools})}
	return p.lessorScope(s.says[sharedNetwork], map[string]any{"subnets": subnets})
}

// lessorScope adds what is said to the other keys of an object.
func (p *plan) lessorScope(said says, more map[string]any) map[string]any {
	m := map[string]any{}
	for k, v := range more {
		m[k] = v
	}
	opts, lease := map[string]any{}, map[string]any{}
	for i, v := range said {
		switch i {
		case nextServer:
			m["next-server"] = nextServerValue(v)
		case bootFile:
			m["boot-file-name"] = bootFileValue(v)
		case serverName:
			m["server-hostname"] = serverNameValue(v)
		case leaseDefault:
			lease["default"] = fmt.Sprintf("%ds", i.seconds(v))
			if p.triples {
				lease["min"] = fmt.Sprintf("%ds", leaseMin.seconds(v))
				lease["max"] = fmt.Sprintf("%ds", leaseMax.seconds(v))
			}
		case leaseMin:
			lease["min"] = fmt.Sprintf("%ds", i.seconds(v))
		case leaseMax:
			lease["max"] = fmt.Sprintf("%ds", i.seconds(v))
		default:
			o := options[uint8(i)]
			switch v.form {
			case set:
				opts[o.kea] = o.lessorValue(v)
			case appended:
				opts[o.kea] = map[string]any{"append": o.lessorValue(v)}
			case prepended:
				opts[o.kea] = map[string]any{"prepend": o.lessorValue(v)}
			}
		}
	}
	if len(opts) > 0 {
		m["options"] = opts
	}
	if len(lease) > 0 {
		m["lease"] = lease
	}
	return m
}

func nextServerValue(v value) string { return fmt.Sprintf("203.0.113.%d", v.n) }
func bootFileValue(v value) string   { return fmt.Sprintf("boot/%02d", v.n) }
func serverNameValue(v value) string { return fmt.Sprintf("name-%02d", v.n) }

// lessorMatch is the class's kind and condition: half of them are simple, half are expressions.
func (s *site) lessorMatch(c place) map[string]any {
	switch c {
	case class1:
		return map[string]any{"kind": "vendor", "match": map[string]any{"vendor-class": s.vendorClass()}}
	case class2:
		return map[string]any{"kind": "user", "match": map[string]any{"user-class": s.userClass()}}
	case class3:
		return map[string]any{"kind": "hardware", "match": map[string]any{"hardware": s.mac()[:14]}}
	case class4:
		return map[string]any{"kind": "vendor", "match": fmt.Sprintf("vendor_class.startsWith(%q)", s.vendorClass())}
	case class5:
		return map[string]any{"kind": "user", "match": fmt.Sprintf("%q in user_classes", s.userClass())}
	}
	return map[string]any{"kind": "hardware", "match": fmt.Sprintf("hardware == %q", s.mac())}
}

func (s *site) className(c place) string { return fmt.Sprintf("c%d-%s", c-class1+1, s.name()) }
