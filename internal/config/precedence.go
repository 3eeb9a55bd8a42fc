package config

// Order is an order of all layers, the strongest first. Layers that share a place are classes: those of all their kinds
// are ranked among themselves, by priority and then by their place in the document.
type Order [][]Layer

// Precedence says how the layers meet: options, and parameters (lifetimes, boot fields and the keys beside them), each
// in an order of their own.
type Precedence struct {
	// Profile is the name of the profile, empty for a list of the document's own.
	Profile             string
	Options, Parameters Order
	Habits
}

// Habits are what the server of a profile does beside its order.
type Habits struct {
	// DerivedLast says that what follows from a subnet itself (its mask) gives way to every layer that says something,
	// rather than standing in the subnet's place.
	DerivedLast bool
	// OwnMask says that the mask is that of the subnet whatever the layers say.
	OwnMask bool
	// ReservedOutsidePools says that what a pool sets does not hold for a reserved address within its range.
	ReservedOutsidePools bool
	// BasicsUnasked says that a client gets routers, name servers and the domain's name whether it asks for them or not.
	BasicsUnasked bool
	// ForceSticks says that an option which a weaker layer forces is sent unasked also where a stronger one sets it.
	ForceSticks bool
}

var classKinds = []Layer{HardwareClass, VendorClass, UserClass}

// below is how all profiles end.
var below = []Layer{ServerLayer, ServerClassLayer, IntranetLayer, EnterpriseLayer, HostRequirements}

// order returns places in one list, each a Layer or a list of those that share it, followed by below.
func order(places ...any) (o Order) {
	for _, x := range places {
		switch x := x.(type) {
		case Layer:
			o = append(o, []Layer{x})
		case []Layer:
			o = append(o, x)
		}
	}
	for _, l := range below {
		o = append(o, []Layer{l})
	}
	return o
}

// profiles are the orders of other servers as far as this document's layers can express them (docs/layers.md).
var profiles = func() map[string]Precedence {
	native := order(ClientLayer, HostLayer, DomainLayer, HardwareClass, VendorClass, UserClass, PoolLayer, SubnetLayer, SharedNetwork)
	nested := order(ClientLayer, HostLayer, DomainLayer, classKinds, PoolLayer, SubnetLayer, SharedNetwork)
	return map[string]Precedence{
		"native": {Profile: "native", Options: native, Parameters: native},
		"isc":    {Profile: "isc", Options: nested, Parameters: nested, Habits: Habits{DerivedLast: true, ReservedOutsidePools: true}},
		"kea": {
			Profile: "kea", Habits: Habits{DerivedLast: true, OwnMask: true, BasicsUnasked: true, ForceSticks: true},
			Options:    order(ClientLayer, HostLayer, DomainLayer, PoolLayer, SubnetLayer, SharedNetwork, classKinds),
			Parameters: nested,
		},
		"cisco": {Profile: "cisco", Options: nested, Parameters: nested},
		"windows": {
			Profile:    "windows",
			Options:    order(ClientLayer, HostLayer, PoolLayer, DomainLayer, classKinds, SubnetLayer, SharedNetwork),
			Parameters: order(ClientLayer, HostLayer, PoolLayer, DomainLayer, classKinds, SubnetLayer, SharedNetwork),
		},
	}
}()
