package class

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// variables are what an expression may read.
var variables = map[string]*cel.Type{
	"hardware": cel.StringType, "hardware_type": cel.IntType, "client_id": cel.StringType,
	"vendor_class": cel.StringType, "user_class": cel.StringType, "user_classes": cel.ListType(cel.StringType),
	"host_name": cel.StringType, "fqdn": cel.StringType, "domain": cel.StringType,
	"circuit_id": cel.StringType, "remote_id": cel.StringType, "subscriber_id": cel.StringType,
	"relay":  cel.MapType(cel.DynType, cel.DynType),
	"giaddr": cel.StringType, "relayed": cel.BoolType, "network": cel.StringType, "known": cel.BoolType,
	"option": cel.MapType(cel.DynType, cel.DynType),
}

// textualOf returns the textual variable of that name.
func textualOf(name string) (textual, bool) {
	switch name {
	case "hardware":
		return hardwareText, true
	case "client_id":
		return clientIDText, true
	case "vendor_class":
		return vendorClassText, true
	case "user_class":
		return userClassText, true
	case "host_name":
		return hostNameText, true
	case "fqdn":
		return fqdnText, true
	case "domain":
		return domainText, true
	case "circuit_id":
		return circuitIDText, true
	case "remote_id":
		return remoteIDText, true
	case "subscriber_id":
		return subscriberIDText, true
	case "giaddr":
		return giaddrText, true
	case "network":
		return networkText, true
	}
	return 0, false
}

// ResolveName implements cel.Activation.
func (v *view) ResolveName(name string) (any, bool) {
	if t, ok := textualOf(name); ok {
		return v.box(t), true
	}
	switch name {
	case "hardware_type":
		return types.Int(v.client.Identity.Hardware.Type), true
	case "user_classes":
		return v.userClasses(), true
	case "relayed":
		return types.Bool(v.client.GIAddr.IsValid()), true
	case "known":
		return types.Bool(v.client.Known), true
	case "option":
		v.options.view = v
		return &v.options, true
	case "relay":
		v.relay.view = v
		return &v.relay, true
	}
	return nil, false
}

// Parent implements cel.Activation: there is none.
func (v *view) Parent() cel.Activation { return nil }

// box returns a textual variable as a value of the language, the one of the client before where the text is the same.
func (v *view) box(t textual) ref.Val {
	text, ok := v.text(t)
	if !ok {
		value, _ := v.client.option(option.CodeClientFQDN)
		def := v.registry.ByCode(option.DHCPv4, option.CodeClientFQDN)
		return malformed(def, def.Check(value))
	}
	if s, ok := v.boxed[t].(types.String); ok && string(s) == string(text) {
		return v.boxed[t]
	}
	v.boxed[t] = types.String(text)
	return v.boxed[t]
}
