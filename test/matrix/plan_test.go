package matrix

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// place is where something may be said. Classes have numbers in the order in which they stand in a document.
type place int

const (
	enterprise place = iota
	intranet
	serverClass
	server
	sharedNetwork
	subnet
	pool
	class1 // vendor
	class2 // user
	class3 // hardware
	class4 // vendor
	class5 // user
	class6 // hardware
	host
	places
)

func (p place) String() string {
	return [...]string{"enterprise", "intranet", "server class", "server", "shared network", "subnet", "pool",
		"class 1 (vendor)", "class 2 (user)", "class 3 (hardware)", "class 4 (vendor)", "class 5 (user)", "class 6 (hardware)",
		"host"}[p]
}

func (p place) isClass() bool { return p >= class1 && p <= class6 }

// whole reports whether what the place says holds in all sites.
func (p place) whole() bool { return p == enterprise || p == serverClass || p == server }

// item is what can be said: the option of that code, or a parameter.
type item int

const (
	nextServer item = 1000 + iota
	bootFile
	serverName
	leaseDefault
	leaseMin
	leaseMax
)

func (i item) String() string {
	if i < nextServer {
		return fmt.Sprintf("option %d (%s)", int(i), options[uint8(i)].kea)
	}
	return [...]string{"next-server", "boot-file-name", "server-hostname", "lease default", "lease min", "lease max"}[i-nextServer]
}

// says is what one place says: of each item the value.
type says map[item]value

// value is one of the values that an item may have, by number, and how it meets those of weaker places.
type value struct {
	n    int
	form form
}

type form int

const (
	set form = iota
	appended
	prepended
)

// seconds is the lifetime that a value of an item stands for.
func (i item) seconds(v value) int {
	switch i {
	case leaseMin:
		return 400 + 10*v.n
	case leaseMax:
		return 40000 + 1000*v.n
	}
	return 3600 + 60*v.n
}

// reservation says where the address of a site's host is. The zero value is none.
type reservation int

const (
	unreserved reservation = iota
	inPool
	outsidePool
)

// site is a shared network with one subnet, one pool of one address, and one client, which is in all of its classes.
type site struct {
	n       int
	title   string
	says    map[place]says
	asks    []uint8 // the options that the client asks for
	reserve reservation
	cases   []testCase
}

// testCase is one item that some places say, in ascending order.
type testCase struct {
	what  item
	among []place
}

// plan is all that one run of the servers is about.
type plan struct {
	name  string
	whole map[place]says // of the places that hold in all sites
	sites []*site
	// triples says that a default lifetime is said together with bounds.
	triples bool
	// accept is what Lessor's clients may suggest; the peers have no such bound.
	accept string
}

func newPlan(name string) *plan {
	return &plan{name: name, whole: map[place]says{}}
}

func (p *plan) site(title string) *site {
	s := &site{n: len(p.sites) + 1, title: title, says: map[place]says{}}
	p.sites = append(p.sites, s)
	return s
}

// say lets a place say an item, with a value that is no other place's.
func (p *plan) say(s *site, at place, i item) { p.sayAs(s, at, i, set) }

func (p *plan) sayAs(s *site, at place, i item, f form) {
	where := p.whole
	if !at.whole() {
		where = s.says
	}
	if where[at] == nil {
		where[at] = says{}
	}
	where[at][i] = at.value(f)
}

// value is what the place says of any item.
func (p place) value(f form) value { return value{int(p) + 1, f} }

// said returns what a place says of an item at a site.
func (p *plan) said(s *site, at place, i item) value {
	if at.whole() {
		return p.whole[at][i]
	}
	return s.says[at][i]
}

// among adds a case: what, said by each of the places.
func (p *plan) among(s *site, what item, at ...place) {
	for _, a := range at {
		p.say(s, a, what)
	}
	if what < nextServer {
		s.asks = append(s.asks, uint8(what))
	}
	// What holds everywhere is said here too.
	for a, said := range p.whole {
		if _, ok := said[what]; ok && !slices.Contains(at, a) {
			at = append(at, a)
		}
	}
	slices.Sort(at)
	s.cases = append(s.cases, testCase{what, at})
}

// The addresses of a site.
func (s *site) prefix() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(s.n >> 8), byte(s.n), 0}), 24)
}

func (s *site) address(last byte) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(s.n >> 8), byte(s.n), last})
}

func (s *site) giaddr() netip.Addr   { return s.address(1) }
func (s *site) poolAddr() netip.Addr { return s.address(100) }

func (s *site) reserved() netip.Addr {
	if s.reserve == inPool {
		return s.poolAddr()
	}
	return s.address(20)
}

func (s *site) name() string { return fmt.Sprintf("n%03d", s.n) }

// What the site's client says of itself.
func (s *site) mac() string         { return fmt.Sprintf("02:00:5e:%02x:%02x:01", s.n>>8, s.n&255) }
func (s *site) vendorClass() string { return fmt.Sprintf("v%03d", s.n) }
func (s *site) userClass() string   { return fmt.Sprintf("u%03d", s.n) }

// expects is the address that the client must get.
func (s *site) expects() netip.Addr {
	if s.reserve != unreserved {
		return s.reserved()
	}
	return s.poolAddr()
}

// pairs calls f for every two of the places.
func pairs(of []place, f func(weak, strong place)) {
	for i, a := range of {
		for _, b := range of[i+1:] {
			f(a, b)
		}
	}
}

// optionPairs adds sites in which each pair of places has an option of its own: one site for as many as there are
// options. What holds in all sites has an option that no other pair of the plan has.
func (p *plan) optionPairs(of []place) {
	s, codes := p.site("options by pairs"), optionsInOrder
	pairs(of, func(a, b place) {
		if len(codes) == 0 {
			s = p.site("options by pairs")
			codes = slices.DeleteFunc(slices.Clone(optionsInOrder), func(o optionOf) bool { return p.everywhere(item(o.code)) != nil })
		}
		p.among(s, item(codes[0].code), a, b)
		codes = codes[1:]
	})
}

// optionSingles adds one site in which each place has an option that it alone says, and one that nobody says.
func (p *plan) optionSingles(of []place) {
	s, free := p.site("options alone"), []item{}
	for _, o := range optionsInOrder {
		if p.everywhere(item(o.code)) == nil {
			free = append(free, item(o.code))
		}
	}
	for i, a := range own(of) {
		p.among(s, free[i], a)
	}
	p.among(s, free[len(of)])
}

// everywhere returns the places that say the item in all sites.
func (p *plan) everywhere(i item) (at []place) {
	for a, said := range p.whole {
		if _, ok := said[i]; ok {
			at = append(at, a)
		}
	}
	return at
}

// parameters are all that can be said beside options.
var parameters = []item{nextServer, bootFile, serverName, leaseDefault, leaseMin, leaseMax}

// parameterSites adds one site where nobody says anything but those that hold everywhere, and one for each of the
// places alone.
func (p *plan) parameterSites(of []place, may func(place, item) bool) {
	p.parameterSite("parameters that hold everywhere", may)
	for _, a := range own(of) {
		p.parameterSite("parameters of "+a.String(), may, a)
	}
}

// parameterPairs adds a site for each pair of places of a site's own.
func (p *plan) parameterPairs(of []place, may func(place, item) bool) {
	pairs(own(of), func(a, b place) { p.parameterSite(fmt.Sprintf("parameters of %v and %v", a, b), may, a, b) })
}

func (p *plan) parameterSite(title string, may func(place, item) bool, at ...place) {
	s := p.site(title)
	for _, i := range parameters {
		if !slices.ContainsFunc(at, func(a place) bool { return !may(a, i) }) {
			p.among(s, i, at...)
		}
	}
}

// own returns the places that each site has for itself.
func own(of []place) []place {
	return slices.DeleteFunc(slices.Clone(of), place.whole)
}

// masks adds a site for each place, and for each pair of places, that says the subnet mask.
func (p *plan) masks(of []place) {
	p.among(p.site("nobody says the mask"), item(subnetMask.code))
	for _, a := range own(of) {
		p.among(p.site("the mask of "+a.String()), item(subnetMask.code), a)
	}
	pairs(own(of), func(a, b place) {
		p.among(p.site(fmt.Sprintf("the mask of %v and %v", a, b)), item(subnetMask.code), a, b)
	})
}

// random adds sites in which subsets of the places, drawn from dice, say each item.
func (p *plan) random(dice *rand.Rand, n int, of []place, may func(place, item) bool) {
	for range n {
		s := p.site("at random")
		s.reserve = reservation(dice.IntN(3))
		draw := func(i item) {
			most := dice.IntN(5)
			var at []place
			for _, k := range dice.Perm(len(of)) {
				if a := of[k]; len(at) < most && !a.whole() && (i < nextServer || may(a, i)) {
					at = append(at, a)
				}
			}
			p.among(s, i, at...)
		}
		for _, i := range parameters {
			draw(i)
		}
		for _, k := range dice.Perm(len(optionsInOrder))[:40] {
			draw(item(optionsInOrder[k].code))
		}
	}
}

// forms adds sites in which subsets of the places say lists, each to stand in the place of what is weaker, behind it or
// before it.
func (p *plan) forms(dice *rand.Rand, n int, of []place) {
	var lists []item
	for _, o := range optionsInOrder {
		if o.shape == addresses || o.shape == plateaus {
			lists = append(lists, item(o.code))
		}
	}
	for range n {
		s := p.site("forms at random")
		for _, k := range dice.Perm(len(lists))[:24] {
			p.among(s, lists[k])
			c := &s.cases[len(s.cases)-1]
			for _, a := range dice.Perm(len(of))[:1+dice.IntN(4)] {
				if !of[a].whole() {
					p.sayAs(s, of[a], c.what, form(dice.IntN(3)))
					c.among = append(c.among, of[a])
				}
			}
			slices.Sort(c.among)
		}
	}
}

// uses reports whether the site has the class.
func (s *site) uses(a place) bool { return s.says[a] != nil }
