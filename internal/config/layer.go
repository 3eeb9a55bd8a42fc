package config

// Layer is one of the fourteen places where a value may come from (DESIGN §4). The numbers are those of the native
// order, the weakest first. The zero value is invalid.
type Layer uint8

const (
	_                Layer = iota
	HostRequirements       // what RFC 1122, RFC 1123 and their successors give every host
	EnterpriseLayer        // the whole document
	IntranetLayer          // a named set of shared networks
	ServerClassLayer       // a named set of members
	ServerLayer            // one member
	SharedNetwork          // the link that the client is on
	SubnetLayer            // the address's subnet
	PoolLayer              // the range that the address comes from
	UserClass              // option 77, or an expression
	VendorClass            // option 60 or 124, or an expression
	HardwareClass          // hardware type, address prefix or mask, or an expression
	DomainLayer            // the client's DNS domain
	HostLayer              // a reservation
	ClientLayer            // what the client suggests
)

// Layers is how many layers there are.
const Layers = int(ClientLayer)

var layerNames = [...]string{
	HostRequirements: "host requirements", EnterpriseLayer: "enterprise", IntranetLayer: "intranet",
	ServerClassLayer: "server class", ServerLayer: "server", SharedNetwork: "shared network", SubnetLayer: "subnet",
	PoolLayer: "pool", UserClass: "user class", VendorClass: "vendor class", HardwareClass: "hardware class",
	DomainLayer: "domain", HostLayer: "host", ClientLayer: "client",
}

// String returns the layer's name in DESIGN §4's words.
func (l Layer) String() string {
	if int(l) < len(layerNames) && layerNames[l] != "" {
		return layerNames[l]
	}
	return "invalid"
}
