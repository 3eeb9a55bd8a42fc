package web

import (
	"net/http"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// clash is two versions, or two files without a history, that a person must make one, side by side: this server's on the left.
type clash struct {
	Sides [2]clashSide
	Rows  []clashRow
	// Clients is how many leases get something else by the one than by the other, -1 where that is not counted; Concerned are
	// the first of them.
	Clients   int
	Concerned []node.ClientExample
}

// clashSide is whose version it is that one side has: what it serves by.
type clashSide struct {
	Holder binding.Member
	node.VersionRow
}

// Source says of what the side's lines are counted.
func (s clashSide) Source() policy.Source { return policy.Source{Version: s.Version} }

// clashRow is one thing that the two say differently.
type clashRow struct {
	Key, Base, Reason, Problem string
	// Says is what each side says; empty: nothing. Lines are where, in its version; 0: nowhere.
	Says  [2]string
	Lines [2]int
}

// clashOf returns what a person is to make one, as it is shown, nil if there is nothing. self is this server.
func clashOf(self binding.Member, st *node.GroupConfigStatus) *clash {
	x := &clash{Clients: -1}
	x.Sides[0].Holder, x.Sides[1].Holder = self, st.Partner
	switch c := st.Conflict; {
	case c != nil:
		x.Sides[0].VersionRow, x.Sides[1].VersionRow = c.Ours, c.Theirs
		x.Clients, x.Concerned = c.Clients, c.Concerned
		oursFirst := c.Ours.Version <= c.Theirs.Version // A is the version with the lower name
		for _, k := range c.Conflicts {
			x.Rows = append(x.Rows, clashRowOf(&k, oursFirst))
		}
	case len(st.Differs) > 0:
		for _, d := range st.Differs {
			x.Rows = append(x.Rows, clashRow{Key: d.Key, Says: [2]string{d.Before, d.After}})
		}
	default:
		return nil
	}
	return x
}

func clashRowOf(k *version.Conflict, oursFirst bool) clashRow {
	row := clashRow{Key: k.Key, Base: k.Base, Reason: k.Reason.String(), Says: [2]string{k.A, k.B}, Lines: [2]int{k.ALine, k.BLine}}
	if k.Problem != nil {
		row.Problem = k.Problem.Message
	}
	if !oursFirst {
		row.Says[0], row.Says[1] = row.Says[1], row.Says[0]
		row.Lines[0], row.Lines[1] = row.Lines[1], row.Lines[0]
	}
	return row
}

// resolution is what the page shows that asks whose values are to hold.
type resolution struct {
	configuration
	// Take is whose values would hold: the side of that number, and Other the one whose are given up.
	Take, Other int
}

// Kept and Dropped are the two versions.
func (x resolution) Kept() clashSide    { return x.Clash.Sides[x.Take] }
func (x resolution) Dropped() clashSide { return x.Clash.Sides[x.Other] }

func (p *pages) resolutionOf(r *http.Request, take string) (x resolution, err error) {
	if x.configuration, err = p.configurationAt(r, ""); err != nil {
		return x, err
	}
	if x.Clash == nil {
		return x, wrong("There is no conflict any more", "Somebody has ended it: look at the configuration as it is now.")
	}
	for i, s := range x.Clash.Sides {
		if string(s.Holder) == take && take != "" {
			x.Take, x.Other = i, 1-i
			return x, nil
		}
	}
	return x, wrong("No member of that name has a version here", "Choose one of the two sides.")
}

func (p *pages) askResolve(w http.ResponseWriter, r *http.Request) error {
	x, err := p.resolutionOf(r, r.URL.Query().Get("take"))
	if err != nil {
		return err
	}
	return p.show(w, r, "resolve", "/configuration", x)
}

func (p *pages) resolve(w http.ResponseWriter, r *http.Request) error {
	take, ask := r.PostFormValue("take"), said(r)
	_, err := p.Service(r).ConfigResolve(r.Context(), binding.Member(take), ask)
	if yes := needsYes(err); yes != nil {
		x, err := p.resolutionOf(r, take)
		if err != nil {
			return err
		}
		x.Confirm, x.Comment = yes, ask.Comment
		return p.show(w, r, "resolve", "/configuration", x)
	}
	if err != nil {
		return err
	}
	sendTo(w, r, "/configuration")
	return nil
}
