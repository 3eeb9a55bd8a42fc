package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// In a history with versions the group's configuration is a chain of documents. Operators change one thing of them at a time.

// firstText returns the document with which the group begins, as the file of one of its members.
func (w *World) firstText(self binding.Member) string {
	s := w.set
	var b strings.Builder
	fmt.Fprintf(&b, "server: {name: %s}\n", self)
	fmt.Fprintf(&b, "group: {name: campus, members: {west: {peer: 192.0.2.1}, east: {peer: 192.0.2.2}}, failover: {mclt: %v, split: %d, "+
		"load-balance-secs: %d, receive-timer: %v, startup: %v, max-unacked: %d}}\n",
		s.MCLT, s.Split, s.BalanceSecs, s.ReceiveTimer, s.Startup, s.MaxUnacked)
	fmt.Fprintf(&b, "enterprise: {lease: {default: %v, max: %v}, rapid-commit: %v, conflict-probe: 0s, options: {domain-name: corp.example, domain-name-servers: [10.0.0.53]}}\n",
		s.Lease, max(s.Longest, s.Lease), s.Rapid)
	fmt.Fprintf(&b, "servers: {west: {options: {ntp-servers: [10.0.0.1], tftp-server-name: west}}, east: {options: {ntp-servers: [10.0.0.2], time-servers: {set: [10.0.0.2], on-takeover: local}}}}\n")
	fmt.Fprintf(&b, "networks:\n  lan: {subnets: {10.0.0.0/24: {options: {routers: [10.0.0.254]}, pools: [{range: %s}, {range: %s}]}}}\n", w.lanRange(0), w.lanRange(1))
	fmt.Fprintf(&b, "  far: {subnets: {10.9.0.0/24: {options: {routers: [10.9.0.1]}, pools: [{range: 10.9.0.%d-10.9.0.%d}]}}}\n", firstFarAddress, firstFarAddress+s.FarPool-1)
	return b.String()
}

// lanRange returns the n-th range of the first link: the first always is a pool, the other two come and go.
func (w *World) lanRange(n int) string {
	first, last := firstAddress, firstAddress+w.set.Pool-5
	switch n {
	case 1:
		first, last = last+1, last+4
	case 2:
		first, last = last+5, last+8
	}
	return fmt.Sprintf("10.0.0.%d-10.0.0.%d", first, last)
}

// An edit is what an operator does to a document: what, and with which value.
const (
	editDomain = iota
	editLease
	editRouters
	editNTP
	editOnTakeover
	editVendor
	editMCLT
	editReserve
	editReserved
	editRange
	editUnacked
	editTime
	edits
)

// edit returns the document d with edit n made in it, as text without a part of one machine's own.
func (w *World) edit(d *config.Document, n int) []byte {
	root := d.Outline()
	what, value := n%edits, n/edits
	west := []string{"west", "east"}[value%2]
	half := value / 2
	switch what {
	case editDomain:
		put(root, []string{"corp.example", "new.example", "lab.example"}[value%3], "enterprise", "options", "domain-name")
	case editLease:
		put(root, []time.Duration{w.set.Lease, max(w.set.Lease/2, 10*time.Minute)}[value%2].String(), "enterprise", "lease", "default")
	case editRouters:
		put(root, []string{"[10.0.0.254]", "[10.0.0.253]", "[10.0.0.253, 10.0.0.254]"}[value%3], "networks", "lan", "subnets", "10.0.0.0/24", "options", "routers")
	case editNTP:
		put(root, fmt.Sprintf("[10.0.0.%d]", 1+value%2+2*(half%3)), "servers", west, "options", "ntp-servers")
	case editOnTakeover:
		cut(root, "group", "on-takeover")
		if value%4 == 0 {
			put(root, "local", "group", "on-takeover")
		}
	case editVendor:
		put(root, fmt.Sprintf("{1: 10.9.0.%d}", 3+value%3), "enterprise", "options", "vendor-encapsulated-options")
	case editMCLT:
		m := w.set.MCLT
		put(root, []time.Duration{m, max(m/2, time.Minute), 2 * m}[value%3].String(), "group", "failover", "mclt")
	case editReserve:
		w.reserve(root, value)
	case editReserved:
		name := fmt.Sprintf("h%d", value%3)
		if half%3 == 0 {
			cut(root, "hosts", name)
		} else if find(root, "hosts", name) != nil {
			put(root, fmt.Sprintf("host%d.example", half%2), "hosts", name, "options", "domain-name")
		}
	case editRange:
		at := []string{"networks", "lan", "subnets", "10.0.0.0/24", "pools", w.lanRange(1 + value%2)}
		if find(root, at...) != nil {
			cut(root, at...)
		} else if pools := find(root, at[:5]...); pools != nil {
			pools.Children = append(pools.Children, config.Element{Key: at[5], Kind: config.Object})
		}
	case editUnacked:
		put(root, fmt.Sprint(1+value%7), "group", "failover", "max-unacked")
	case editTime:
		form := []string{"{set: [10.0.0.%d], on-takeover: local}", "[10.0.0.%d]", "{force: [10.0.0.%d], on-takeover: local}"}[half%3]
		put(root, fmt.Sprintf(form, 1+value%2+2*(half%2)), "servers", west, "options", "time-servers")
	}
	return root.AppendText(nil)
}

// reserve gives a host another address, or another client; one that is not there is made.
func (w *World) reserve(root *config.Element, value int) {
	name := fmt.Sprintf("h%d", value%3)
	client := 1 + 3*(value/3%4)
	address := []int{firstAddress + 1, firstAddress + 2, 30 + value%3, firstAddress + w.set.Pool - 3}[value/12%4]
	put(root, fmt.Sprintf("02:00:00:00:00:%02x", client), "hosts", name, "hardware")
	put(root, fmt.Sprintf("10.0.0.%d", address), "hosts", name, "address")
}

// find returns the element at a path; nil if it is not there.
func find(e *config.Element, path ...string) *config.Element {
	for _, key := range path {
		i := slices.IndexFunc(e.Children, func(c config.Element) bool { return c.Key == key })
		if i < 0 {
			return nil
		}
		e = &e.Children[i]
	}
	return e
}

// put makes the element at a path say text.
func put(e *config.Element, text string, path ...string) {
	for n, key := range path {
		i := slices.IndexFunc(e.Children, func(c config.Element) bool { return c.Key == key })
		if i < 0 {
			kind := config.Object
			if n == len(path)-1 {
				kind = config.Leaf
			}
			i = len(e.Children)
			e.Children = append(e.Children, config.Element{Key: key, Kind: kind})
		}
		e = &e.Children[i]
	}
	e.Kind, e.Text, e.Children = config.Leaf, text, nil
}

// cut takes the element at a path out.
func cut(e *config.Element, path ...string) {
	if e = find(e, path[:len(path)-1]...); e != nil {
		e.Children = slices.DeleteFunc(e.Children, func(c config.Element) bool { return c.Key == path[len(path)-1] })
	}
}

// inDocument reports whether the address of a place is in a pool of a document.
func inDocument(d *config.Document, i int) bool {
	a := addressOf(i)
	for n := range d.Networks {
		for s := range d.Networks[n].Subnets {
			for p := range d.Networks[n].Subnets[s].Pools {
				if q := &d.Networks[n].Subnets[s].Pools[p]; q.First.Compare(a) <= 0 && a.Compare(q.Last) <= 0 {
					return true
				}
			}
		}
	}
	return false
}

// reservedIn returns the address that a document keeps for a client; invalid: none.
func reservedIn(d *config.Document, c *Client) netip.Addr {
	for i := range d.Hosts {
		if d.Hosts[i].Hardware == c.self.Hardware && d.Hosts[i].Address.IsValid() {
			return d.Hosts[i].Address
		}
	}
	return netip.Addr{}
}

// keptFor returns the hardware address of whom an address is kept for by a document; zero: nobody.
func keptFor(d *config.Document, a netip.Addr) binding.Hardware {
	for i := range d.Hosts {
		if d.Hosts[i].Address == a {
			return d.Hosts[i].Hardware
		}
	}
	return binding.Hardware{}
}

// anEdit draws what an operator does.
func anEdit(r *rand.Rand) int {
	what := one(r, editDomain, editDomain, editLease, editRouters, editRouters, editNTP, editNTP, editOnTakeover, editVendor, editMCLT, editReserve, editReserve,
		editReserve, editReserved, editRange, editRange, editUnacked, editTime, editTime)
	return what + edits*r.IntN(48)
}
