package policy

// Layer is one of the fourteen places where a value may come from (DESIGN §4). A higher number is stronger in the
// native order. The zero value is invalid.
type Layer uint8

const (
	_                Layer = iota
	HostRequirements       // what RFC 1122, RFC 1123 and their successors give every host
	Enterprise             // the whole document
	_                      // intranet
	_                      // server class
	_                      // server
	SharedNetwork          // the link that the client is on
	SubnetLayer            // the address's subnet
	PoolLayer              // the range that the address comes from
	_                      // user class
	_                      // vendor class
	_                      // hardware class
	_                      // domain
	HostLayer              // a reservation
	ClientLayer            // what the client suggests
)

var layerNames = [...]string{
	HostRequirements: "host requirements", Enterprise: "enterprise", SharedNetwork: "shared network",
	SubnetLayer: "subnet", PoolLayer: "pool", HostLayer: "host", ClientLayer: "client",
}

// String returns the layer's name in DESIGN §4's words.
func (l Layer) String() string {
	if int(l) < len(layerNames) && layerNames[l] != "" {
		return layerNames[l]
	}
	return "invalid"
}
