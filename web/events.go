package web

import (
	"net/http"
	"net/url"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// eventPage is what the page of events shows. The events themselves come to the browser from the stream of the API.
type eventPage struct {
	Kinds  []choice
	Levels []choice
	// Client, Address and Network are what they are narrowed to.
	Client, Address, Network string
	// Packets says that single packets are asked for.
	Packets bool
	// Stream is where the events come from.
	Stream string
}

func (p *pages) eventRoutes(mux *http.ServeMux) {
	mux.Handle("GET /events", p.page(p.events))
}

// filters are what narrows the events, in the words of the API.
var filters = []string{"client", "address", "network", "kind", "level"}

func (p *pages) events(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	e := eventPage{Client: q.Get("client"), Address: q.Get("address"), Network: q.Get("network"), Packets: q.Get("packets") != ""}
	stream := url.Values{}
	for _, name := range filters {
		if v := q.Get(name); v != "" {
			stream.Set(name, v)
		}
	}
	if e.Packets {
		stream.Set("packets", "true")
	}
	e.Stream = "/api/v1/events?" + stream.Encode()
	for _, kind := range node.EventKinds() {
		e.Kinds = append(e.Kinds, choice{Value: kind, Name: kind, Chosen: q.Get("kind") == kind})
	}
	for _, level := range []string{"debug", "info", "warn", "error"} {
		e.Levels = append(e.Levels, choice{Value: level, Name: level + " and graver", Chosen: q.Get("level") == level})
	}
	return p.show(w, r, "events", "/events", e)
}
