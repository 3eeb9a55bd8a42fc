package api

import (
	"log/slog"
	"net/netip"
	"net/url"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/spelling"
)

// maxValue is the longest value of a filter, in octets: a client identifier spelt out.
const maxValue = 3 * binding.MaxClientID

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

// meant asks whether another word was meant; it says nothing where none is near.
func meant(word string, words []string) string {
	if near := spelling.Nearest(word, words); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
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

// optionalAddr is parseAddr for what may be left out.
func optionalAddr(s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	return parseAddr(s)
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
