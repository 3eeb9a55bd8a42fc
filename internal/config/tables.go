package config

import (
	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/pool"
)

// What later keys come with.
const (
	withDHCPv6 = "DHCPv6"
)

// tables are the keys of every map of the document.
type tables struct {
	document    *object[Document]
	server      *object[Server]
	api         *object[API]
	apiTLS      *object[TLS]
	tls         *object[TLS]
	group       *object[Group]
	member      *object[Member]
	failover    *object[Failover]
	enterprise  *object[Scope]
	intranet    *object[Intranet]
	serverClass *object[Named]
	oneServer   *object[Named]
	lease       *object[Lease]
	network     *object[Network]
	subnet      *object[Subnet]
	pool        *object[Pool]
	quota       *object[pool.Quota]
	class       *object[Class]
	match       *object[simpleMatch]
	domain      *object[Named]
	host        *object[Host]
	accept      *object[Accept]
	suggested   *object[Accept]
	precedence  *object[Precedence]
	definition  *object[definition]
}

func newTables() *tables {
	return &tables{
		document: documentKeys(), server: serverKeys(), api: apiKeys(), apiTLS: apiTLSKeys(), tls: tlsKeys(), group: groupKeys(), member: memberKeys(),
		failover: failoverKeys(), enterprise: enterpriseKeys(), intranet: intranetKeys(), serverClass: serverClassKeys(),
		oneServer: oneServerKeys(), lease: leaseKeys(), network: networkKeys(), subnet: subnetKeys(), pool: poolKeys(), quota: quotaKeys(),
		class: classKeys(), match: matchKeys(), domain: domainKeys(), host: hostKeys(), accept: acceptKeys(),
		suggested: suggestedKeys(), precedence: precedenceKeys(), definition: definitionKeys(),
	}
}

// sections returns all tables, from the outside in.
func (t *tables) sections() []section {
	return []section{
		t.document, t.server, t.enterprise, t.network, t.subnet, t.pool, t.host, t.class, t.match, t.group, t.member, t.failover,
		t.intranet, t.serverClass, t.oneServer, t.domain, t.lease, t.quota, t.accept, t.suggested, t.precedence, t.definition, t.api, t.apiTLS, t.tls,
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
			{name: "group", doc: "The servers that act as one. A single server needs none.", shape: ref("group"),
				read: func(p *parser, d *Document, k, v *yaml.Node) {
					d.Group.Position = position(k)
					fields(p, p.tables.group, v, &d.Group)
				}},
			{name: "intranets", doc: "Sets of shared networks by name (layer 3).", shape: mapOf("intranet"), read: (*parser).readIntranets},
			{name: "server-classes", doc: "What holds on the members of a class, by its name (layer 4).", shape: mapOf("server-class"),
				read: func(p *parser, d *Document, _, v *yaml.Node) {
					d.ServerClasses = p.named(v, p.tables.serverClass, "server-classes", "a server class")
				}},
			{name: "servers", doc: "What holds on one member, by its name (layer 5).", shape: mapOf("one-server"), read: (*parser).readServers},
			{name: "classes", doc: "Sets of clients by name, the strongest first (layers 9 to 11).", shape: mapOf("class"), read: (*parser).readClasses},
			{name: "domains", doc: "What holds for the clients of a DNS domain, by its name (layer 12).", shape: mapOf("domain"), read: (*parser).readDomains},
			{name: "precedence", doc: "The order of the layers: a profile, a list of layers with the strongest first, or a map of one of these for options and one for parameters.",
				shape: precedenceShape(), read: (*parser).readPrecedence},
			{name: "version", doc: "The version that this was written against, as `lessor config show` prints it.", shape: versionShape(),
				read: func(p *parser, _ *Document, k, _ *yaml.Node) {
					// Who reads a document for the group's history takes the line out before (package version): it is no part of what the
					// document says.
					p.fail(k, "version: says what this was written against, once, at the beginning of a line of its own", "leave that line as `lessor config show` prints it, or take it out")
				}},
		},
	}
}
