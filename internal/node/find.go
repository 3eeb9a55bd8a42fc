package node

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"slices"
	"unicode/utf8"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

var _ Finder = (*Node)(nil)

// MarshalJSON writes an empty list where there is nothing, never null.
func (p LeasePage) MarshalJSON() ([]byte, error) {
	type plain LeasePage
	notNilSlice(&p.Leases)
	return json.Marshal(plain(p))
}

// findStride is how many bindings are looked at closely before the clock is.
const findStride = 64

// sameHardware is how many bindings of one hardware address an index is asked for; of more, all bindings are looked at.
const sameHardware = 512

// LeasePage implements Finder.
func (n *Node) LeasePage(ctx context.Context, q LeaseQuery) (LeasePage, error) {
	q.Limit = min(cmp.Or(q.Limit, DefaultPage), MaxPage)
	limit := q.Limit
	q.Limit++ // whether there is a next page
	p := LeasePage{Leases: make([]FoundLease, 0, limit)}
	err := n.FindLeases(ctx, q, func(l FoundLease) error {
		if len(p.Leases) == limit {
			p.Next = p.Leases[limit-1].Address
			return nil
		}
		p.Leases = append(p.Leases, l)
		return nil
	})
	if err != nil {
		return LeasePage{}, err
	}
	return p, n.do(ctx, func(*Effects) { p.Total = n.core.table.Len() })
}

// FindLeases implements Finder.
func (n *Node) FindLeases(ctx context.Context, q LeaseQuery, each func(FoundLease) error) error {
	f, err := newFinding(&q)
	if err != nil {
		return err
	}
	return n.showAll(ctx, f, each)
}

// showAll calls each with what f means.
func (n *Node) showAll(ctx context.Context, f *finding, each func(FoundLease) error) error {
	if f.search.whole.IsZero() && f.search.id == nil {
		return n.find(ctx, f, each)
	}
	known := false
	if err := n.do(ctx, func(*Effects) { known = f.byIndex(n.core) }); err != nil {
		return err
	}
	if known {
		return f.show(each)
	}
	return n.find(ctx, f, each)
}

// finding is a walk over bindings in the order of their addresses.
type finding struct {
	query  *LeaseQuery
	search search
	next   netip.Addr // where it goes on
	last   netip.Addr // the last that may be meant
	left   int        // how many are still to be shown, negative: all
	looked int        // how many were looked at in order
	found  int        // and how many of these are meant
	bounds *policy.Policy
	rows   []FoundLease

	atFirst, room int // looksAtFirst and maxGathered; tests have others
}

func newFinding(q *LeaseQuery) (*finding, error) {
	f := &finding{query: q, next: netip.IPv4Unspecified(), last: netip.AddrFrom4([4]byte{255, 255, 255, 255}), left: -1, atFirst: looksAtFirst, room: maxGathered}
	var err error
	if f.search, err = parseSearch(q.Search); err != nil {
		return nil, err
	}
	switch {
	case q.Limit < 0:
		return nil, refused("a limit of %d is none: write a number from 1 on", q.Limit)
	case q.Limit > 0:
		f.left = q.Limit
	}
	if a := q.After.Unmap(); a.IsValid() {
		if f.next = a.Next(); !f.next.IsValid() {
			f.left = 0
		}
	}
	f.within(q.Prefix)
	f.within(f.search.prefix)
	return f, nil
}

// within leaves out what is not in p.
func (f *finding) within(p netip.Prefix) {
	if p.IsValid() {
		f.between(p.Masked().Addr(), lastOf(p))
	}
}

func (f *finding) between(first, last netip.Addr) {
	if f.next.Less(first) {
		f.next = first
	}
	if last.Less(f.last) {
		f.last = last
	}
}

// lastOf returns the last address of p.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// step looks at some bindings; false if none are left.
func (f *finding) step(c *Core) bool {
	if f.left == 0 || !f.next.IsValid() || f.last.Less(f.next) {
		return false
	}
	f.onNetwork(c.policy)
	next, more := c.table.Ascend(f.next, findStride, func(b *binding.Binding) bool {
		if f.last.Less(b.Addr()) {
			return false
		}
		f.looked++
		if f.look(c, b) {
			f.found++
		}
		return f.left != 0
	})
	f.next = next
	return more && f.left != 0 && !f.last.Less(next)
}

// onNetwork leaves out, once, what lies beyond the subnets of the network that is asked for.
func (f *finding) onNetwork(p *policy.Policy) {
	if f.query.Network == "" || f.bounds == p {
		return
	}
	first := f.bounds == nil
	f.bounds = p
	network := p.NetworkNamed(f.query.Network)
	if network == nil || !first {
		return // what passes is looked at one by one in any case
	}
	low, high := f.last, netip.IPv4Unspecified()
	for _, s := range network.Subnets {
		if a := s.Prefix.Addr(); a.Less(low) {
			low = a
		}
		if a := lastOf(s.Prefix); a.Is4() && high.Less(a) {
			high = a
		}
	}
	f.between(low, high)
}

// look adds b to what is shown if it is meant, and reports whether it is.
func (f *finding) look(c *Core, b *binding.Binding) bool {
	if !c.passes(&f.query.LeaseFilter, b) {
		return false
	}
	l := FoundLease{}
	if !f.search.isZero() {
		matched, found := f.search.in(b)
		if matched == "" {
			return false
		}
		l.Matched = matched
		if found != nil {
			l.Found = legible(found)
		}
	}
	if l.LeaseRow = c.row(b); l.Found == l.Hostname {
		l.Found = ""
	}
	f.rows = append(f.rows, l)
	f.left--
	return true
}

// means reports whether b is meant.
func (f *finding) means(c *Core, b *binding.Binding) bool {
	if !c.passes(&f.query.LeaseFilter, b) {
		return false
	}
	if f.search.isZero() {
		return true
	}
	matched, _ := f.search.in(b)
	return matched != ""
}

// legible returns octets as text where they are printable ASCII, else in hexadecimal.
func legible(b []byte) string {
	for _, c := range b {
		if c < ' ' || c >= utf8.RuneSelf || c == 0x7f {
			return hex.EncodeToString(b)
		}
	}
	return string(b)
}

// byIndex finds what a whole hardware address or client identifier is of; false if that is nothing, or too much.
func (f *finding) byIndex(c *Core) bool {
	found, all := c.table.ByHardware(f.search.whole, sameHardware)
	client := binding.Client{ID: f.search.id}
	for cur := c.table.ByClient(&client); all; {
		b, ok := c.table.Next(&cur)
		if !ok {
			break
		}
		found, all = append(found, b.Prefix), len(found) < sameHardware
	}
	if !all || len(found) == 0 {
		return false
	}
	slices.SortFunc(found, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	for _, p := range found {
		if a := p.Addr(); f.left == 0 || a.Less(f.next) || f.last.Less(a) {
			continue
		}
		if b, ok := c.table.Get(p); ok {
			f.look(c, &b)
		}
	}
	return true
}

// show hands on what was found.
func (f *finding) show(each func(FoundLease) error) error {
	for i := range f.rows {
		if err := each(f.rows[i]); err != nil {
			return err
		}
	}
	return nil
}
