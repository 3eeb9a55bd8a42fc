package web

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// strip is the history of one address on a time line.
type strip struct {
	Address netip.Addr
	Pieces  []stripPiece
}

// stripPiece is a time in which an address was in one state for one client, as parts of a hundred of the time shown.
type stripPiece struct {
	State, Class, Hardware string
	From, Until            node.Instant
	X, Width               float64
}

// maxStrips is how many addresses of one client are laid beside one another.
const maxStrips = 6

// stripsOf lays what became of addresses on one time line, from the earliest that is known until now, the address of the latest change
// first. mine is the hardware of whom the page is about: what others had is told apart.
func stripsOf(h *node.LeaseHistory, mine string, now time.Time) (all []strip, from time.Time) {
	changes := slices.Concat(h.Changes, h.Before)
	slices.SortStableFunc(changes, func(a, b node.LeaseChange) int { return a.Time.Compare(b.Time.Time) })
	changes = slices.DeleteFunc(changes, func(c node.LeaseChange) bool { return c.Time.IsZero() || c.Time.After(now) || !c.Address.IsValid() })
	if len(changes) == 0 || !changes[0].Time.Before(now) {
		return nil, now
	}
	from = changes[0].Time.Time
	for i := len(changes) - 1; i >= 0 && len(all) < maxStrips; i-- {
		a := changes[i].Address
		if !slices.ContainsFunc(all, func(s strip) bool { return s.Address == a }) {
			all = append(all, strip{Address: a, Pieces: piecesOf(changes, a, mine, from, now)})
		}
	}
	return all, from
}

// piecesOf returns what the changes of one address make of the time: a renewal goes on with what was.
func piecesOf(changes []node.LeaseChange, a netip.Addr, mine string, from, now time.Time) (all []stripPiece) {
	for _, c := range changes {
		if c.Address != a {
			continue
		}
		if n := len(all); n > 0 {
			last := &all[n-1]
			if last.State == c.State && cmp.Or(c.Hardware, last.Hardware) == last.Hardware {
				continue
			}
			last.Until = c.Time
		}
		p := stripPiece{State: c.State, Class: c.State, Hardware: c.Hardware, From: c.Time, Until: node.At(now)}
		if c.State == "active" && c.Hardware != "" && mine != "" && c.Hardware != mine {
			p.Class = "other"
		}
		all = append(all, p)
	}
	for i := range all {
		p := &all[i]
		p.X = within(p.From.Time, from, now)
		p.Width = max(within(p.Until.Time, from, now)-p.X, .3)
	}
	return all
}
