package config

import (
	"go.yaml.in/yaml/v4"
)

// What later keys come with.
const (
	withFailover = "failover (two servers that act as one)"
	withLayers   = "the layers"
	withGroup    = "the group (members that trust each other)"
	withREST     = "the REST interface"
	withDHCPv6   = "DHCPv6"
	withClasses  = "classes, one of the layers"
	withVersions = "versions of the configuration"
)

// tables are the keys of every map of the document.
type tables struct {
	document   *object[Document]
	server     *object[Server]
	enterprise *object[Scope]
	lease      *object[Lease]
	network    *object[Network]
	subnet     *object[Subnet]
	pool       *object[Pool]
	host       *object[Host]
	accept     *object[Accept]
	suggested  *object[Accept]
	definition *object[definition]
}

func newTables() *tables {
	return &tables{
		document: documentKeys(), server: serverKeys(), enterprise: enterpriseKeys(), lease: leaseKeys(),
		network: networkKeys(), subnet: subnetKeys(), pool: poolKeys(), host: hostKeys(), accept: acceptKeys(),
		suggested: suggestedKeys(), definition: definitionKeys(),
	}
}

// sections returns all tables, from the outside in.
func (t *tables) sections() []section {
	return []section{
		t.document, t.server, t.enterprise, t.network, t.subnet, t.pool, t.host, t.lease, t.accept, t.suggested, t.definition,
	}
}

func documentKeys() *object[Document] {
	return &object[Document]{
		name: "document", what: "the document", where: "the top level", example: "networks: {…}",
		keys: []key[Document]{
			{name: "server", doc: "What belongs to this machine only, and is never replicated.", shape: ref("server"),
				read: func(p *parser, d *Document, k, v *yaml.Node) {
					d.Server.Position = position(k)
					fields(p, p.tables.server, v, &d.Server)
				}},
			{name: "enterprise", doc: "What holds for everybody (layer 2).", shape: ref("enterprise"),
				read: func(p *parser, d *Document, k, v *yaml.Node) {
					d.Enterprise.Position = position(k)
					fields(p, p.tables.enterprise, v, &d.Enterprise)
				}},
			{name: "networks", doc: "The shared networks by name, each the subnets of one link (layers 6 to 8).",
				shape: mapOf("network"), read: (*parser).readNetworks},
			{name: "hosts", doc: "Reservations by name: who a client is, and what it gets (layer 13).",
				shape: mapOf("host"), read: (*parser).readHosts},
			{name: "accept", doc: "What a client may suggest (layer 14).", shape: ref("accept"),
				read: func(p *parser, d *Document, k, v *yaml.Node) {
					d.Accept.Position = position(k)
					fields(p, p.tables.accept, v, &d.Accept)
				}},
			{name: "option-definitions", doc: "Options that have no standard name, by the name that they get.",
				shape: mapOf("definition"),
				read:  func(*parser, *Document, *yaml.Node, *yaml.Node) {}}, // read before all others
			{name: "group", later: withFailover},
			{name: "intranets", later: withLayers},
			{name: "server-classes", later: withLayers},
			{name: "servers", later: withLayers},
			{name: "classes", later: withLayers},
			{name: "domains", later: withLayers},
			{name: "precedence", later: withLayers},
			{name: "version", later: withVersions},
		},
	}
}
