package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// lease is what the page of one lease shows.
type lease struct {
	node.LeaseDetail
	Now time.Time
	// Options are what the client was told, each with what it would be told now.
	Told []toldOption
	// Explained is what the client would get now, nil where that could not be said, and NotExplained why.
	Explained    *policy.Explanation
	NotExplained string
	Events       node.LeaseHistory
	Client       node.LeaseHistory
	// Strips is the time line of the address, and Elsewhere those of the client's addresses; each with the moments that it names.
	Strips, Elsewhere    []strip
	Begins, BeginsClient []tick
	Visitor              Visitor
}

// toldOption is one option of a lease, with the values of weaker layers that lost to it.
type toldOption struct {
	node.ToldOption
	Losers []policy.ExplainedValue
}

// historyLength is how many changes a lease's page shows.
const historyLength = 60

func addressOf(r *http.Request) (netip.Addr, error) {
	a, err := netip.ParseAddr(r.PathValue("address"))
	if err != nil {
		return a, wrong("That is no address", "An address is written as in 198.51.100.7.")
	}
	return a.Unmap(), nil
}

// leaseOf returns the lease that a request is about; its absence is a problem of its own.
func (p *pages) leaseOf(r *http.Request) (node.LeaseDetail, error) {
	a, err := addressOf(r)
	if err != nil {
		return node.LeaseDetail{}, err
	}
	d, known, err := p.Service(r).Lease(r.Context(), a)
	if err == nil && !known {
		err = &api.Problem{Status: http.StatusNotFound, Title: "Nobody ever had " + a.String(),
			Detail: "There is no record of this address: it was never leased here.", Remedy: "Search for the client by its name or its hardware address."}
	}
	return d, err
}

func (p *pages) lease(w http.ResponseWriter, r *http.Request) error {
	d, err := p.leaseOf(r)
	if err != nil {
		return err
	}
	v, _ := p.Visitor(r)
	l := lease{LeaseDetail: d, Now: p.Now(), Visitor: v}
	service := p.Service(r)
	if q, ok := questionOf(&d); ok {
		if x, err := service.Explain(r.Context(), q); err != nil {
			l.NotExplained = troubleOf(err).Detail
		} else {
			l.Explained = &x
		}
	}
	l.Told = withLosers(d.Options, l.Explained)
	if l.Events, err = service.AddressHistory(r.Context(), d.Address, historyLength); known(err) != nil {
		return err
	}
	if l.Client, _, err = service.ClientHistory(r.Context(), d.Address, historyLength); known(err) != nil {
		return err
	}
	var from time.Time
	l.Strips, from = stripsOf(&l.Events, d.Hardware, l.Now)
	l.Begins = ticks(l.Now, l.Now.Sub(from))
	l.Elsewhere, from = stripsOf(&l.Client, d.Hardware, l.Now)
	l.BeginsClient = ticks(l.Now, l.Now.Sub(from))
	return p.show(w, r, "lease", "/leases", l)
}

// withLosers lays beside what a client was told what lost to it, as it is now.
func withLosers(told []node.ToldOption, x *policy.Explanation) (all []toldOption) {
	for _, o := range told {
		t := toldOption{ToldOption: o}
		if x != nil {
			for _, e := range x.Options {
				if e.Code == o.Code {
					t.Losers = e.Losers
				}
			}
		}
		all = append(all, t)
	}
	return all
}

// questionOf asks what the client of a lease would get now, by what it said when it got it; false where nobody is known.
func questionOf(d *node.LeaseDetail) (q node.ExplainRequest, ok bool) {
	q = node.ExplainRequest{As: d.Home, Network: d.Network, Address: d.Address}
	var err error
	if d.Hardware != "" {
		if q.Hardware, err = node.ParseHardware(d.Hardware); err != nil {
			return q, false
		}
	}
	if d.ClientID != "" {
		if q.ClientID, err = node.ParseClientID(d.ClientID); err != nil {
			return q, false
		}
	}
	if d.Facts == nil {
		return q, d.Hardware != "" || d.ClientID != ""
	}
	if d.Facts.GIAddr != "" {
		q.Relay, _ = netip.ParseAddr(d.Facts.GIAddr)
		q.Network = ""
	}
	for _, o := range d.Facts.Options {
		say(&q, o)
	}
	return q, d.Hardware != "" || d.ClientID != ""
}

// say has the question say what the client said in an option, where that can be asked.
func say(q *node.ExplainRequest, o node.SaidOption) {
	switch o.Code {
	case 50, 52, 53, 54, 57, 61, 90: // who it is, or what belongs to one packet
		return
	case 82:
		relay, _ := o.Value.(map[string]any)
		q.CircuitID, q.RemoteID, q.SubscriberID = flow(relay["circuit-id"]), flow(relay["remote-id"]), flow(relay["subscriber-id"])
		return
	}
	b, err := json.Marshal(o.Value)
	if text := fmt.Sprintf("%d=%s", o.Code, b); err == nil && len(text) <= node.MaxSaidText && len(q.Options) < node.MaxSaid {
		q.Options = append(q.Options, text)
	}
}

// flow returns what a relay said in the form in which a question has it.
func flow(v any) string {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(strings.TrimSpace(v), "{") || strings.TrimSpace(v) != v {
			b, _ := json.Marshal(map[string]string{"text": v})
			return string(b)
		}
		return v
	case map[string]any:
		b, _ := json.Marshal(v)
		return string(b)
	}
	return ""
}
