package api

import (
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// maxValue is the longest value of a filter, in octets: a client identifier spelt out.
const maxValue = 3 * binding.MaxClientID

// fields sets one thing of a filter from the text of its query parameter.
type fields map[string]func(text string) error

// read takes every parameter of the query. A parameter that is unknown, given twice or too long is an error, since a
// filter that is silently ignored shows too much.
func (f fields) read(q url.Values) error {
	for name, values := range q {
		set, known := f[name]
		switch {
		case !known:
			return badRequest("there is no parameter %q; there are %s", name, strings.Join(f.names(), ", "))
		case len(values) != 1:
			return badRequest("parameter %s is given %d times; give it once", name, len(values))
		case len(values[0]) > maxValue:
			return badRequest("parameter %s is longer than %d octets", name, maxValue)
		}
		if values[0] == "" {
			continue
		}
		if err := set(values[0]); err != nil {
			return err
		}
	}
	return nil
}

func (f fields) names() []string {
	var out []string
	for name := range f {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// parseLeaseFilter reads the query of GET /leases.
func parseLeaseFilter(q url.Values) (f node.LeaseFilter, err error) {
	err = fields{
		"client":  func(s string) error { f.Client = node.ParseClient(s); return nil },
		"network": func(s string) error { f.Network = s; return nil },
		"address": func(s string) (err error) { f.Prefix, err = ParsePrefix(s); return err },
		"state": func(s string) error {
			var ok bool
			if f.State, ok = binding.ParseState(s); !ok {
				return badRequest("%q is not a state; states are %s", s, strings.Join(StateNames(), ", "))
			}
			return nil
		},
	}.read(q)
	return f, err
}

// leaseQuery is the inverse of parseLeaseFilter.
func leaseQuery(f node.LeaseFilter) url.Values {
	q := url.Values{}
	set(q, "client", f.Client.String())
	set(q, "network", f.Network)
	if f.Prefix.IsValid() {
		q.Set("address", f.Prefix.String())
	}
	if f.State != 0 {
		q.Set("state", f.State.String())
	}
	return q
}

// parseEventFilter reads the query of GET /events.
func parseEventFilter(q url.Values) (f node.EventFilter, err error) {
	err = fields{
		"client":  func(s string) error { f.Client = node.ParseClient(s); return nil },
		"network": func(s string) error { f.Network = s; return nil },
		"address": func(s string) (err error) { f.Address, err = parseAddr(s); return err },
		"kind":    func(s string) (err error) { f.Kinds, err = ParseKinds(s); return err },
		"level":   func(s string) (err error) { f.Level, err = ParseLevel(s); return err },
		"packets": func(s string) (err error) {
			if f.Packets, err = strconv.ParseBool(s); err != nil {
				return badRequest("packets is true or false, not %q", s)
			}
			return nil
		},
	}.read(q)
	return f, err
}

// eventQuery is the inverse of parseEventFilter.
func eventQuery(f node.EventFilter) url.Values {
	q := url.Values{}
	set(q, "client", f.Client.String())
	set(q, "network", f.Network)
	if f.Address.IsValid() {
		q.Set("address", f.Address.String())
	}
	var kinds []string
	for _, k := range f.Kinds {
		kinds = append(kinds, k.String())
	}
	set(q, "kind", strings.Join(kinds, ","))
	if f.Level != slog.LevelInfo {
		q.Set("level", f.Level.String())
	}
	if f.Packets {
		q.Set("packets", "true")
	}
	return q
}

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

// ParsePrefix reads an address, which means itself alone, or a prefix such as 198.51.100.0/24.
func ParsePrefix(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	a, err := parseAddr(s)
	if err != nil {
		return netip.Prefix{}, badRequest("%q is neither an address nor a prefix: write 198.51.100.50 or 198.51.100.0/24", s)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, badRequest("%q is not an address: write it as in 198.51.100.50", s)
	}
	return a.Unmap(), nil
}

// ParseKinds reads names of kinds of event, separated by commas.
func ParseKinds(s string) ([]node.EventKind, error) {
	var out []node.EventKind
	for name := range strings.SplitSeq(s, ",") {
		k, ok := node.ParseEventKind(strings.TrimSpace(name))
		if !ok {
			return nil, badRequest("%q is not a kind of event; kinds are %s", name, strings.Join(node.EventKinds(), ", "))
		}
		out = append(out, k)
	}
	return out, nil
}

// ParseLevel reads debug, info, warn or error.
func ParseLevel(s string) (slog.Level, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(s)); err != nil {
		return l, badRequest("%q is not a level; levels are debug, info, warn, error", s)
	}
	return l, nil
}

// StateNames returns the names of the states of a binding.
func StateNames() []string {
	return []string{
		binding.Free.String(), binding.Active.String(), binding.Expired.String(),
		binding.Released.String(), binding.Abandoned.String(),
	}
}
