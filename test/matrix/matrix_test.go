package matrix

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }

// seed is that of all random plans.
const seed = 20261122

// profile is a peer and what is expected of it.
type profile struct {
	name string
	// options and parameters are the places that the peer has, the weakest first, as precedence.go has them for Lessor.
	options, parameters []place
	// may reports whether the place can say the parameter.
	may     func(place, item) bool
	triples bool
	// forms says that an object can add to what weaker ones say.
	forms bool
	// poolOfReserved says that a reserved address within a pool's range is of that pool.
	poolOfReserved bool
	// ownMask says that the mask is always that of the subnet.
	ownMask bool
	start   func(*world.Namespace, *plan) *world.Process
}

var classes = []place{class6, class5, class4, class3, class2, class1}

var profiles = []profile{
	{
		name: "isc",
		// dhcpd looks at no more than five classes of a client (includes/dhcpd.h: PACKET_MAX_CLASSES).
		options:    slices.Concat([]place{enterprise, intranet, serverClass, server, sharedNetwork, subnet, pool}, classes[1:], []place{host}),
		parameters: slices.Concat([]place{enterprise, intranet, serverClass, server, sharedNetwork, subnet, pool}, classes[1:], []place{host}),
		may:        func(place, item) bool { return true },
		forms:      true,
		start:      func(n *world.Namespace, p *plan) *world.Process { return n.Dhcpd("eth0", p.dhcpdConf()) },
	},
	{
		name:       "kea",
		options:    slices.Concat([]place{enterprise}, classes, []place{sharedNetwork, subnet, pool, host}),
		parameters: slices.Concat([]place{enterprise, sharedNetwork, subnet}, classes, []place{host}),
		may: func(a place, i item) bool {
			return a != pool && i != leaseMin && i != leaseMax && (a != host || i != leaseDefault)
		},
		triples:        true,
		poolOfReserved: true,
		ownMask:        true,
		start:          func(n *world.Namespace, p *plan) *world.Process { return n.Kea(p.keaConf()) },
	},
}

// inOrder are the places of the profile as they stand in a configuration.
func (pr *profile) inOrder() []place {
	of := slices.Clone(pr.options)
	slices.Sort(of)
	return of
}

func (pr *profile) plan(name string) *plan {
	p := newPlan(name)
	p.triples = pr.triples
	return p
}

// everywhere lets the enterprise say all parameters, and a server class and a server some of them: which ones turns
// with by, so that each parameter is seen in all of them, and each two of them in a plan in which no third says it.
func (pr *profile) everywhere(p *plan, by int) {
	for k := range parameters {
		i := parameters[(k+by)%len(parameters)]
		for _, a := range pr.parameters {
			if a.whole() && pr.may(a, i) && (a == enterprise || a == serverClass && (k == 1 || k == 2) || a == server && k < 2) {
				p.say(nil, a, i)
			}
		}
	}
}

// plans are all that is compared with the profile's peer.
func (pr *profile) plans() (all []*plan) {
	of := pr.inOrder()
	main := pr.plan("pairs")
	pr.everywhere(main, 0)
	main.optionPairs(of)
	main.optionSingles(of)
	main.parameterSites(of, pr.may)
	main.parameterPairs(of, pr.may)
	all = append(all, main)

	random := pr.plan("random")
	pr.everywhere(random, 0)
	for _, i := range []int{0, 1, 2, 3} { // some options hold everywhere
		for _, a := range of {
			if a.whole() {
				random.say(nil, a, item(optionsInOrder[10*i+int(a)].code))
			}
		}
	}
	random.random(rand.New(rand.NewPCG(seed, 1)), 60, of, pr.may)
	all = append(all, random)

	bare := pr.plan("nothing holds everywhere")
	bare.say(nil, enterprise, leaseDefault)
	bare.parameterSites(of, pr.may)
	bare.parameterPairs(of, pr.may)
	bare.masks(of)
	all = append(all, bare)

	for _, a := range of {
		if a.whole() {
			p := pr.plan("the mask of " + a.String())
			p.say(nil, enterprise, leaseDefault)
			p.say(nil, a, item(subnetMask.code))
			p.masks(of)
			all = append(all, p)
		}
	}
	if pr.forms {
		p := pr.plan("lists that join")
		p.say(nil, enterprise, leaseDefault)
		for _, code := range []uint8{3, 4, 5, 6, 7} {
			p.say(nil, enterprise, item(code))
		}
		p.forms(rand.New(rand.NewPCG(seed, 2)), 40, of)
		all = append(all, p)
	}
	if slices.Contains(of, server) {
		for by := 1; by < len(parameters); by++ {
			p := pr.plan(fmt.Sprintf("parameters turned by %d", by))
			pr.everywhere(p, by)
			p.parameterSites(of, pr.may)
			all = append(all, p)
		}
	}
	accept := pr.plan("with accept")
	accept.accept = "{lease-time: {min: 1m, max: 20000h}}"
	pr.everywhere(accept, 0)
	accept.parameterSites(of, pr.may)
	accept.parameterPairs(of, pr.may)
	return append(all, accept)
}

const (
	peerAt   = "172.16.0.1"
	lessorAt = "172.16.0.2"
	relayAt  = "172.16.0.100"
)

// run starts the peer and Lessor with the plan, and returns what each said.
func (pr *profile) run(t *testing.T, p *plan) (peer, lessor answers) {
	lab := newLab(t)
	pr.start(lab.host("peer", peerAt), p)
	peer = p.ask(t, lab.gateway, netip.MustParseAddr(peerAt))
	pr.orderOf(t, p, peer)
	lab.lessor(p.lessorDocument(pr.name, "lessor"))
	return peer, p.ask(t, lab.gateway, netip.MustParseAddr(lessorAt))
}

// lab is a backbone with a relay, on which servers are placed.
type lab struct {
	w        *world.World
	backbone *world.Segment
	gateway  *world.Gateway
}

func newLab(t *testing.T) *lab {
	t.Helper()
	w := world.New(t)
	l := &lab{w: w, backbone: w.Segment()}
	relay := w.Host("relay")
	l.backbone.Attach(relay, "eth0", relayAt+"/24")
	l.gateway = relay.Gateway(netip.MustParsePrefix("10.0.0.0/8"))
	return l
}

// host places a server's host on the backbone.
func (l *lab) host(role, at string) *world.Namespace {
	n := l.w.Host(role)
	l.backbone.Attach(n, "eth0", at+"/24")
	n.IP("route", "add", "10.0.0.0/8", "via", relayAt)
	return n
}

func (l *lab) lessor(document string) {
	l.host("lessor", lessorAt).Serve(world.Setup{Document: document, Interfaces: []string{"eth0"}})
}
