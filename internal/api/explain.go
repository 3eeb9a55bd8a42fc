package api

import (
	"net/netip"
	"net/url"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// saidKey is the one parameter that may be given more than once.
const saidKey = "option"

// parseExplain reads the query of GET /explain. Its parameters have the names of the flags of `lessor explain`.
func parseExplain(q url.Values) (r node.ExplainRequest, err error) {
	said := q[saidKey]
	delete(q, saidKey)
	if len(said) > node.MaxSaid {
		return r, badRequest("parameter %s is given %d times; at most %d are read", saidKey, len(said), node.MaxSaid)
	}
	text := func(to *string) func(string) error { return func(s string) error { *to = s; return nil } }
	address := func(to *netip.Addr) func(string) error {
		return func(s string) (err error) { *to, err = parseAddr(s); return err }
	}
	err = fields{
		"as":            func(s string) error { r.As = binding.Member(s); return nil },
		"hardware":      func(s string) (err error) { r.Hardware, err = node.ParseHardware(s); return asProblem(err) },
		"client-id":     func(s string) (err error) { r.ClientID, err = node.ParseClientID(s); return asProblem(err) },
		"relay":         address(&r.Relay),
		"address":       address(&r.Address),
		"network":       text(&r.Network),
		"circuit-id":    text(&r.CircuitID),
		"remote-id":     text(&r.RemoteID),
		"subscriber-id": text(&r.SubscriberID),
		saidKey:         nil, // read above
	}.read(q)
	r.Options = said
	return r, err
}

// asProblem makes what is wrong with a question a *Problem of the one who asked.
func asProblem(err error) error {
	if err == nil {
		return nil
	}
	return badRequest("%s", err)
}

// explainQuery is the inverse of parseExplain.
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
		q.Add(saidKey, o)
	}
	return q
}
