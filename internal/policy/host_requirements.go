package policy

import (
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// hostRequirements are the parameters of RFC 2131 appendix A with the values that RFC 1122 and RFC 1123 give a host
// that is told nothing else. A client that asks for one by name gets it (RFC 2131 §4.3.1); nobody else does.
var hostRequirements = func() scope {
	var vs []Value
	for _, r := range []struct {
		code  option.Code
		value []byte
	}{
		{option.CodeIPForwarding, []byte{0}},                         // RFC 1122 §3.1
		{option.CodeNonLocalSourceRouting, []byte{0}},                // RFC 1122 §3.3.5
		{option.CodeMaxDgramReassembly, []byte{2, 64}},               // RFC 1122 §3.3.2: 576
		{option.CodeDefaultIPTTL, []byte{64}},                        // RFC 1122 §3.2.1.7, the value of RFC 1340
		{option.CodePathMTUAgingTimeout, []byte{0, 0, 2, 88}},        // RFC 1191 §6.3: 600 s
		{option.CodeAllSubnetsLocal, []byte{0}},                      // RFC 1122 §3.3.3
		{option.CodePerformMaskDiscovery, []byte{0}},                 // RFC 1122 §3.2.2.9
		{option.CodeMaskSupplier, []byte{0}},                         // RFC 1122 §3.2.2.9
		{option.CodeRouterDiscovery, []byte{1}},                      // RFC 1256 §5.1
		{option.CodeRouterSolicitationAddress, []byte{224, 0, 0, 2}}, // RFC 1256 §5.1
		{option.CodeTrailerEncapsulation, []byte{0}},                 // RFC 1122 §2.3.1
		{option.CodeArpCacheTimeout, []byte{0, 0, 0, 60}},            // RFC 1122 §2.3.2.1
		{option.CodeIeee8023Encapsulation, []byte{0}},                // RFC 1122 §2.3.3: RFC 894
		{option.CodeDefaultTCPTTL, []byte{64}},                       // RFC 1122 §4.2.2.1
		{option.CodeTCPKeepaliveInterval, []byte{0, 0, 0, 0}},        // RFC 1122 §4.2.3.6: none unless asked for
		{option.CodeTCPKeepaliveGarbage, []byte{0}},                  // RFC 1122 §4.2.3.6
	} {
		v := newValue(uint16(r.code), r.value, config.HostRequirements, "", 0, "default")
		v.OnlyAsked = true
		vs = append(vs, v)
	}
	return scope{layer: config.HostRequirements, values: vs}
}()
