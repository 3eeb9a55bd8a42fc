package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// networkMap is what the page of a subnet shows: all subnets, and one of them, or a part of it, cell by cell.
type networkMap struct {
	Now     time.Time
	Subnets []subnetLine
	Prefix  string
	Colour  string
	Colours []choice
	*node.Map
	Cells []cell
	// Counts are what the addresses of the whole are doing, of what there is any.
	Tallies []tally
	// Owners and Ages say what the colours are, where those say that.
	Owners []choice
	Ages   []choice
	// Stream is where it is heard that something happened.
	Stream string
}

// subnetLine is one subnet, and how full its pools are.
type subnetLine struct {
	Network string
	Prefix  netip.Prefix
	Pools   node.PoolStatus // added up
	Chosen  bool
}

// cell is one square of a map.
type cell struct {
	ID, Path string
	// Class colours it, Sign is in it for who does not tell colours apart, Says is what a person hears and sees of it.
	Class, Sign, Says string
}

func (p *pages) networkRoutes(mux *http.ServeMux) {
	mux.Handle("GET /network", p.page(p.network))
}

// colours are what the cells of a map may be coloured by.
var colours = []choice{{Value: "", Name: "state"}, {Value: "owner", Name: "owner"}, {Value: "age", Name: "age"}}

func (p *pages) network(w http.ResponseWriter, r *http.Request) error {
	service, q := p.Service(r), r.URL.Query()
	st, err := service.Status(r.Context())
	if err != nil {
		return err
	}
	m := networkMap{Now: p.Now(), Prefix: q.Get("prefix"), Colour: q.Get("colour"), Subnets: subnetsOf(st.Pools, q.Get("prefix"))}
	for _, c := range colours {
		m.Colours = append(m.Colours, choice{c.Value, c.Name, c.Value == m.Colour})
	}
	if m.Prefix == "" && len(m.Subnets) > 0 {
		m.Prefix = m.Subnets[0].Prefix.String()
		m.Subnets[0].Chosen = true
	}
	if m.Prefix == "" {
		return p.show(w, r, "network", "/network", m)
	}
	prefix, err := netip.ParsePrefix(m.Prefix)
	if err != nil {
		return wrong("That is no prefix", "A prefix is written as in 198.51.100.0/24.")
	}
	drawn, err := service.Map(r.Context(), prefix.Masked())
	if err != nil {
		return err
	}
	m.Map = &drawn
	m.Cells = cellsOf(&drawn, m.Colour, m.Now)
	m.Tallies = countsOf(&drawn.Counts)
	m.Owners, m.Ages, m.Stream = ownersOf(&drawn), agesOf(), happeningsIn(drawn.Network)
	return p.show(w, r, "network", "/network", m)
}

// happenings are the kinds of events after which a map looks otherwise.
var happenings = strings.Join([]string{node.LeaseGranted.String(), node.LeaseReleased.String(), node.LeaseEnded.String(), node.LeaseDeclined.String(),
	node.ConflictSeen.String(), node.BindingConflict.String(), node.ConfigAdopted.String()}, ",")

// happeningsIn is the stream of what happens in a network; empty: in all of them.
func happeningsIn(network string) string {
	return query("/api/v1/events", "kind", happenings, "network", network)
}

// ownersOf returns whose the addresses of a map are, with the colour of each.
func ownersOf(m *node.Map) (all []choice) {
	for i := range m.Addresses {
		name := m.Addresses[i].Owner
		if name != "" && !slices.ContainsFunc(all, func(c choice) bool { return c.Name == name }) {
			all = append(all, choice{Value: "o" + ownerClass(name), Name: name})
		}
	}
	slices.SortFunc(all, func(a, b choice) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func agesOf() (all []choice) {
	for i, says := range agesSaid {
		all = append(all, choice{Value: fmt.Sprintf("a%d", i), Name: says})
	}
	return all
}

// subnetsOf adds up the pools of each subnet.
func subnetsOf(pools []node.PoolStatus, chosen string) (all []subnetLine) {
	for _, p := range pools {
		i := slices.IndexFunc(all, func(s subnetLine) bool { return s.Prefix == p.Subnet })
		if i < 0 {
			all = append(all, subnetLine{Network: p.Network, Prefix: p.Subnet, Chosen: p.Subnet.String() == chosen})
			i = len(all) - 1
		}
		all[i].Pools.Size += p.Size
		all[i].Pools.Free += p.Free
		all[i].Pools.Active += p.Active
	}
	slices.SortStableFunc(all, func(a, b subnetLine) int {
		return cmp.Or(strings.Compare(a.Network, b.Network), a.Prefix.Addr().Compare(b.Prefix.Addr()))
	})
	return all
}

func cellsOf(m *node.Map, colour string, now time.Time) (all []cell) {
	for i := range m.Addresses {
		all = append(all, addressCell(&m.Addresses[i], colour, now))
	}
	for i := range m.Blocks {
		all = append(all, blockCell(&m.Blocks[i], colour))
	}
	return all
}

// cellSigns are what stands in a cell, by the state of its address.
var cellSigns = map[string]string{"active": "●", "expired": "◐", "released": "◐", "abandoned": "✕", "offered": "◌", "reserved": "◆", "free": "○"}

// agesSaid are the classes of age in words.
var agesSaid = [...]string{"heard within 10 minutes", "heard within an hour", "heard within a day", "heard within a week", "heard longer ago"}

func addressCell(a *node.AddressCell, colour string, now time.Time) cell {
	c := cell{ID: "c" + strings.ReplaceAll(a.Address.String(), ".", "-"), Class: a.State, Sign: cellSigns[a.State], Path: query("/leases", "search", a.Address)}
	if a.State != "unused" && a.State != "outside" && a.State != "offered" {
		c.Path = leasePath(a.Address)
	}
	says := []string{a.Address.String(), a.State}
	add := func(format string, v string) {
		if v != "" {
			says = append(says, fmt.Sprintf(format, v))
		}
	}
	add("%s", shown(a.Hostname))
	add("%s", a.Hardware)
	add("kept for %s", shown(a.Host))
	add("of %s", shown(a.Owner))
	if !a.Expires.IsZero() && a.State == "active" {
		add("ends %s", distance(now, a.Expires.Time))
	}
	if a.Age >= 0 && a.Age < len(agesSaid) {
		add("%s", agesSaid[a.Age])
	}
	if a.Stale {
		says = append(says, "has something older")
		c.Class += " stale"
	}
	switch colour {
	case "owner":
		c.Class += " by-owner o" + ownerClass(a.Owner)
	case "age":
		c.Class += fmt.Sprintf(" by-age a%d", a.Age)
	}
	c.Says = strings.Join(says, ", ")
	return c
}

// ownerClass returns one of a few colours for a member's name.
func ownerClass(name string) string {
	if name == "" {
		return ""
	}
	sum := 0
	for _, c := range []byte(name) {
		sum = sum*31 + int(c)
	}
	return fmt.Sprint(sum & 3)
}

func blockCell(b *node.BlockCell, colour string) cell {
	c := cell{ID: "c" + strings.NewReplacer(".", "-", "/", "_").Replace(b.Prefix.String()), Path: query("/network", "prefix", b.Prefix, "colour", colour)}
	used := b.Size - min(b.Size, b.Free+b.PartnerFree+b.Outside)
	in := b.Size - min(b.Size, b.Outside)
	full := percent(used, in)
	switch {
	case in == 0:
		c.Class = "outside"
	case used == 0:
		c.Class = "unused"
	default:
		c.Class = fmt.Sprintf("block f%d", min(int(full/20), 4))
	}
	if b.Abandoned > 0 {
		c.Sign = "✕"
	}
	c.Says = fmt.Sprintf("%v, %s of %s used", b.Prefix, number(used), number(in))
	return c
}

// countsOf names what there is any of.
func countsOf(k *node.CellCounts) (all []tally) {
	for _, t := range []tally{{"leased", k.Active}, {"over, not yet free", k.Grace}, {"on offer", k.Offered}, {"withheld", k.Abandoned}, {"kept for hosts", k.Reserved},
		{"free here", k.Free}, {"free, the partner's", k.PartnerFree}, {"in no pool", k.Outside}} {
		if t.Count > 0 {
			all = append(all, t)
		}
	}
	return all
}
