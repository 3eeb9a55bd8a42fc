package api

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// explainAsked are the parameters of GET /explain. They have the names of the flags of `lessor explain`.
type explainAsked struct {
	As           string   `query:"as" doc:"The member that would answer; this one where none is named." example:"east"`
	Hardware     string   `query:"hardware" doc:"The client's hardware address." example:"02:00:00:00:00:07"`
	ClientID     string   `query:"client-id" doc:"Its client identifier, in hexadecimal." example:"01:02:00:00:00:00:07"`
	Relay        string   `query:"relay" doc:"The address of the relay that it is behind (giaddr)." example:"10.20.0.1"`
	Address      string   `query:"address" doc:"The address that it has, or asks for." example:"198.51.100.50"`
	Network      string   `query:"network" doc:"The shared network that it is on." example:"floor1"`
	CircuitID    string   `query:"circuit-id" doc:"What the relay says of the port (option 82.1)." example:"ge-0/0/1"`
	RemoteID     string   `query:"remote-id" doc:"What the relay says of itself (option 82.2)."`
	SubscriberID string   `query:"subscriber-id" doc:"What the relay says of the customer (option 82.6)."`
	Option       []string `query:"option,explode" doc:"An option that the client sends, as NAME=VALUE; may be given up to 64 times." example:"[\"vendor-class-identifier=Phone7\"]"`
}

// request returns what is asked.
func (in *explainAsked) request() (r node.ExplainRequest, err error) {
	r = node.ExplainRequest{As: binding.Member(in.As), Network: in.Network, CircuitID: in.CircuitID, RemoteID: in.RemoteID, SubscriberID: in.SubscriberID}
	for _, o := range in.Option {
		if o != "" { // an empty parameter is none
			r.Options = append(r.Options, o)
		}
	}
	if len(in.Option) > node.MaxSaid {
		return r, badRequest("parameter option is given %d times; at most %d are read", len(in.Option), node.MaxSaid)
	}
	if in.Hardware != "" {
		if r.Hardware, err = node.ParseHardware(in.Hardware); err != nil {
			return r, badRequest("%s", err)
		}
	}
	if in.ClientID != "" {
		if r.ClientID, err = node.ParseClientID(in.ClientID); err != nil {
			return r, badRequest("%s", err)
		}
	}
	if r.Relay, err = optionalAddr(in.Relay); err != nil {
		return r, err
	}
	r.Address, err = optionalAddr(in.Address)
	return r, err
}

func (a *surface) addExplain() {
	s := a.server
	ask(a, operation{method: http.MethodGet, path: base + "explain", id: "explain", tag: tagLeases, role: access.Viewer, room: s.answers,
		summary: "What a client would get, and why", about: "Every option with its value, the layer that sets it, the line of the configuration, and the candidates that lost. Nothing is changed. As `lessor explain --json`."},
		func(ctx context.Context, in *explainAsked) (policy.Explanation, error) {
			q, err := in.request()
			if err != nil {
				return policy.Explanation{}, err
			}
			return s.reporter.Explain(ctx, q)
		})
}

// explainQuery is the inverse of request.
func explainQuery(r node.ExplainRequest) url.Values {
	q := url.Values{}
	set(q, "as", string(r.As))
	set(q, "hardware", r.Hardware.String())
	set(q, "client-id", binding.FormatClientID(r.ClientID))
	set(q, "network", r.Network)
	set(q, "circuit-id", r.CircuitID)
	set(q, "remote-id", r.RemoteID)
	set(q, "subscriber-id", r.SubscriberID)
	for name, a := range map[string]netip.Addr{"relay": r.Relay, "address": r.Address} {
		if a.IsValid() {
			q.Set(name, a.String())
		}
	}
	for _, o := range r.Options {
		q.Add("option", o)
	}
	return q
}
