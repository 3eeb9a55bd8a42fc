package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// twoServers is what the page of the two servers shows.
type twoServers struct {
	node.Status
	Now     time.Time
	Visitor Visitor
	Lanes   []lane
	// Ticks are the moments that the time line names.
	Ticks []tick
	Whole node.Instant // from when on the time line is whole
	// States are all changes of a state, the latest first.
	States []node.StateTransition
	Spans  []choice
}

// choice is one value of a filter.
type choice struct {
	Value, Name string
	Chosen      bool
}

func (p *pages) failoverRoutes(mux *http.ServeMux) {
	mux.Handle("GET /failover", p.page(p.failover))
	mux.Handle("GET /failover/partner-down", p.page(p.askPartnerDown))
	mux.Handle("POST /failover/partner-down", p.change(p.partnerDown))
	mux.Handle("GET /failover/maintenance", p.page(p.askMaintenance))
	mux.Handle("POST /failover/maintenance", p.change(p.maintenance))
}

// timeSpans are what the time line may show.
var timeSpans = []struct {
	name, says string
	long       time.Duration
}{{"", "an hour", time.Hour}, {"15m", "15 minutes", 15 * time.Minute}, {"24h", "a day", 24 * time.Hour}, {"7d", "a week", 7 * 24 * time.Hour}}

func (p *pages) failover(w http.ResponseWriter, r *http.Request) error {
	f, err := p.failoverNow(r)
	if err != nil {
		return err
	}
	t, err := p.Service(r).Timeline(r.Context())
	if known(err) != nil {
		return err
	}
	chosen := timeSpans[0]
	for _, s := range timeSpans {
		if r.URL.Query().Get("span") == s.name {
			chosen = s
		}
	}
	for _, s := range timeSpans {
		f.Spans = append(f.Spans, choice{Value: s.name, Name: s.says, Chosen: s == chosen})
	}
	f.Whole = t.Since
	f.Lanes = lanes(&t, f.Now.Add(-chosen.long), f.Now)
	f.Ticks = ticks(f.Now, chosen.long)
	for i := len(t.Transitions) - 1; i >= 0 && len(f.States) < 50; i-- {
		f.States = append(f.States, t.Transitions[i])
	}
	return p.show(w, r, "failover", "/failover", f)
}

func (p *pages) failoverNow(r *http.Request) (f twoServers, err error) {
	f.Now = p.Now()
	f.Visitor, _ = p.Visitor(r)
	f.Status, err = p.Service(r).Status(r.Context())
	return f, err
}

func (p *pages) askPartnerDown(w http.ResponseWriter, r *http.Request) error {
	f, err := p.failoverNow(r)
	if err != nil {
		return err
	}
	return p.show(w, r, "partner-down", "/failover", f)
}

func (p *pages) askMaintenance(w http.ResponseWriter, r *http.Request) error {
	f, err := p.failoverNow(r)
	if err != nil {
		return err
	}
	return p.show(w, r, "maintenance", "/failover", f)
}

func (p *pages) partnerDown(r *http.Request) (string, error) {
	ask := node.PartnerDownRequest{
		Partner: r.PostFormValue("partner"), Reason: strings.TrimSpace(r.PostFormValue("reason")),
		NeverServed: r.PostFormValue("never-served") != "", Force: r.PostFormValue("force") != "",
	}
	if r.PostFormValue("sure") == "" {
		return "", wrong("Nothing was done", "Say that the other server does not run: tick the box, once you made sure.")
	}
	_, err := p.Service(r).PartnerDown(r.Context(), ask)
	return "/failover", err
}

func (p *pages) maintenance(r *http.Request) (string, error) {
	_, err := p.Service(r).Maintenance(r.Context(), r.PostFormValue("pause") == "on")
	return "/failover", err
}
