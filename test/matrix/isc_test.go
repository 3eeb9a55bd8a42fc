package matrix

import (
	"fmt"
	"slices"
	"strings"
)

// dhcpdConf writes the plan for ISC dhcpd. What belongs to a server class or a server stands in groups around the
// shared network, inside that of the intranet, since dhcpd knows one server only: itself.
func (p *plan) dhcpdConf() string {
	var b strings.Builder
	b.WriteString("authoritative; ddns-update-style none; ping-check off; dhcp-cache-threshold 0;\n")
	for _, o := range optionsInOrder {
		if o.own() {
			fmt.Fprintf(&b, "option %s code %d = %s;\n", o.isc, o.code, o.iscType())
		}
	}
	b.WriteString(iscStatements(p.whole[enterprise]))
	b.WriteString("subnet 172.16.0.0 netmask 255.255.255.0 { }\n")
	for _, s := range p.sites {
		for c := class1; c <= class6; c++ {
			if s.uses(c) {
				fmt.Fprintf(&b, "class %q { match if %s;\n%s}\n", s.className(c), s.iscMatch(c), iscStatements(s.says[c]))
			}
		}
	}
	for _, s := range p.sites {
		around := [...]says{s.says[intranet], p.whole[serverClass], p.whole[server]}
		for _, said := range around {
			fmt.Fprintf(&b, "group {\n%s", iscStatements(said))
		}
		fmt.Fprintf(&b, "shared-network %s {\n%s", s.name(), iscStatements(s.says[sharedNetwork]))
		fmt.Fprintf(&b, "subnet %v netmask 255.255.255.0 {\n%s", s.prefix().Addr(), iscStatements(s.says[subnet]))
		fmt.Fprintf(&b, "pool { range %v;\n%s} } } } } }\n", s.poolAddr(), iscStatements(s.says[pool]))
		if s.says[host] != nil || s.reserve != unreserved {
			fmt.Fprintf(&b, "host h-%s { hardware ethernet %s;\n", s.name(), s.mac())
			if s.reserve != unreserved {
				fmt.Fprintf(&b, "fixed-address %v;\n", s.reserved())
			}
			b.WriteString(iscStatements(s.says[host]) + "}\n")
		}
	}
	return b.String()
}

func iscStatements(said says) string {
	var lines []string
	for i, v := range said {
		var l string
		switch i {
		case nextServer:
			l = "next-server " + nextServerValue(v)
		case bootFile:
			l = fmt.Sprintf("filename %q", bootFileValue(v))
		case serverName:
			l = fmt.Sprintf("server-name %q", serverNameValue(v))
		case leaseDefault:
			l = fmt.Sprintf("default-lease-time %d", i.seconds(v))
		case leaseMin:
			l = fmt.Sprintf("min-lease-time %d", i.seconds(v))
		case leaseMax:
			l = fmt.Sprintf("max-lease-time %d", i.seconds(v))
		default:
			o := options[uint8(i)]
			l = [...]string{"option", "append", "prepend"}[v.form] + " " + o.isc + " " + o.iscValue(v)
		}
		lines = append(lines, l+";\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func (s *site) iscMatch(c place) string {
	switch c {
	case class1:
		return fmt.Sprintf("option vendor-class-identifier = %q", s.vendorClass())
	case class2, class5:
		return fmt.Sprintf("substring(option user-class, 1, 4) = %q", s.userClass())
	case class3:
		return "substring(hardware, 1, 5) = " + s.mac()[:14]
	case class4:
		return fmt.Sprintf("substring(option vendor-class-identifier, 0, 4) = %q", s.vendorClass())
	}
	return "hardware = 1:" + s.mac()
}
