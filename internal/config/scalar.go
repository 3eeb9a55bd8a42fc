package config

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// scalar returns the text of n; false after it has said that n is no single value.
func (p *parser) scalar(n *yaml.Node, what, example string) (string, bool) {
	switch {
	case isNull(n):
		p.fail(n, what+" has no value", "write "+example+", or take the key out")
	case n.Kind == yaml.AliasNode: // refuseTree says it
	case n.Kind != yaml.ScalarNode:
		p.fail(n, fmt.Sprintf("%s must be one value, not %s", what, kindOf(n)), "write "+example)
	default:
		return n.Value, true
	}
	return "", false
}

// text returns a value that is printable and at most most octets long.
func (p *parser) text(n *yaml.Node, what, example string, most int) string {
	s, ok := p.scalar(n, what, example)
	if !ok {
		return ""
	}
	switch {
	case s == "":
		p.fail(n, what+" is empty", "write "+example)
	case len(s) > most:
		p.fail(n, fmt.Sprintf("%s has %d octets: at most %d fit", what, len(s), most), "shorten it")
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		p.fail(n, what+" holds a character that cannot be printed", "take it out")
	default:
		return s
	}
	return ""
}

// name checks the key that names a network or a host.
func (p *parser) name(k *yaml.Node, what string) string {
	s := k.Value
	switch {
	case len(s) > MaxName:
		p.fail(k, fmt.Sprintf("the name of %s has %d octets: at most %d are allowed", what, len(s), MaxName), "shorten it")
	case strings.TrimSpace(s) != s, strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }), !utf8.ValidString(s):
		p.fail(k, fmt.Sprintf("%s cannot name %s", clip(s), what), "use printable characters, without a space at either end")
	}
	return s
}

var memberName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// member returns a server's name, which must be a label of a DNS name, since certificates carry it.
func (p *parser) member(n *yaml.Node, s string) binding.Member {
	if !memberName.MatchString(s) {
		p.fail(n, clip(s)+" cannot name a server", "use letters, digits and hyphens, as in west")
		return ""
	}
	return binding.Member(s)
}

// interfaceName returns the name of a network interface.
func (p *parser) interfaceName(n *yaml.Node) (string, bool) {
	s, ok := p.scalar(n, "an interface", "eth0")
	if !ok {
		return "", false
	}
	// What Linux accepts: dev_valid_name.
	if s == "" || len(s) > 15 || s == "." || s == ".." || strings.ContainsFunc(s, func(r rune) bool {
		return r == '/' || r == ':' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	}) {
		p.fail(n, clip(s)+" is not the name of an interface", "write a name of at most 15 characters, as `ip link` shows it")
		return "", false
	}
	return s, true
}

// interfaceNames returns the names in the list n, each once.
func (p *parser) interfaceNames(n *yaml.Node) []string {
	var names []string
	seen := map[string]bool{}
	for _, e := range p.list(n, "interfaces") {
		s, ok := p.interfaceName(e)
		if !ok {
			continue
		}
		if seen[s] {
			p.fail(e, "interface "+s+" stands twice in this list", "leave one of them")
			continue
		}
		seen[s] = true
		names = append(names, s)
	}
	return names
}

// flag returns a yes or no.
func (p *parser) flag(n *yaml.Node, what string) bool {
	s, ok := p.scalar(n, what, "true or false")
	if !ok {
		return false
	}
	switch {
	case s == "true" || s == "false":
		return s == "true"
	case strings.EqualFold(s, "true"), strings.EqualFold(s, "yes"), strings.EqualFold(s, "on"):
		p.fail(n, fmt.Sprintf("%s must be true or false, not %s", what, clip(s)), "write true")
	case strings.EqualFold(s, "false"), strings.EqualFold(s, "no"), strings.EqualFold(s, "off"):
		p.fail(n, fmt.Sprintf("%s must be true or false, not %s", what, clip(s)), "write false")
	default:
		p.fail(n, fmt.Sprintf("%s must be true or false, not %s", what, clip(s)), "write true or false")
	}
	return false
}

// duration returns a time span of at least 0, in Go's spelling; false after it has said what is wrong.
func (p *parser) duration(n *yaml.Node, what string) (time.Duration, bool) {
	s, ok := p.scalar(n, what, "a duration such as 1h30m")
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		p.fail(n, fmt.Sprintf("%s is not a duration", clip(s)), "write "+meantDuration(s))
		return 0, false
	case d < 0:
		p.fail(n, fmt.Sprintf("%s must not be negative", what), "write "+brief(-d))
		return 0, false
	}
	return d, true
}

// meantDuration returns how to write what s probably means.
func meantDuration(s string) string {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return brief(time.Duration(n)*time.Second) + ": a number alone has no unit"
	}
	days, isDays := strings.CutSuffix(s, "d")
	weeks, isWeeks := strings.CutSuffix(s, "w")
	if n, err := strconv.ParseUint(days, 10, 16); err == nil && isDays {
		return fmt.Sprintf("%dh: days have no unit of their own", n*24)
	}
	if n, err := strconv.ParseUint(weeks, 10, 16); err == nil && isWeeks {
		return fmt.Sprintf("%dh: weeks have no unit of their own", n*7*24)
	}
	return "a number and h, m or s, as in 4h, 1h30m or 20s"
}

// brief returns d without the zero units that Duration.String ends in: 1h, not 1h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if cut, ok := strings.CutSuffix(s, "m0s"); ok {
		s = cut + "m"
	}
	if cut, ok := strings.CutSuffix(s, "h0m"); ok {
		s = cut + "h"
	}
	return s
}

// lifetime returns how long a lease is to last: whole seconds within MinLease and MaxLease, or infinite.
func (p *parser) lifetime(n *yaml.Node, what string) time.Duration {
	if n.Kind == yaml.ScalarNode && n.Value == "infinite" {
		return binding.Infinite
	}
	d, ok := p.duration(n, what)
	switch {
	case !ok:
		return 0
	case d < MinLease:
		p.fail(n, fmt.Sprintf("%s must be at least %s: a client needs time to renew", what, brief(MinLease)), "write "+brief(MinLease)+" or more")
	case d > MaxLease:
		p.fail(n, what+" is longer than the protocol can say (136 years)", "write infinite")
	case d%time.Second != 0:
		p.fail(n, what+" must be whole seconds", "write "+brief(d.Round(time.Second)))
	default:
		return d
	}
	return 0
}

// address returns an IPv4 address that a host may have; false after it has said what is wrong.
func (p *parser) address(n *yaml.Node, what string) (netip.Addr, bool) {
	s, ok := p.scalar(n, what, "an address such as 10.0.0.1")
	if !ok {
		return netip.Addr{}, false
	}
	a, wrong, remedy := parseAddress(s)
	if wrong != "" {
		p.fail(n, wrong, remedy)
		return netip.Addr{}, false
	}
	return a, true
}

// parseAddress returns the address that s spells, or what is wrong with it.
func parseAddress(s string) (a netip.Addr, wrong, remedy string) {
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil && strings.Contains(s, "/"):
		return a, clip(s) + " is a prefix, not an address", "leave out what begins with the /"
	case err != nil:
		return a, clip(s) + " is not an IPv4 address", "write four numbers of 0 to 255 without leading zeros, as in 10.0.0.53"
	case !a.Is4():
		return a, clip(s) + ": not yet: IPv6 comes with DHCPv6", "write an IPv4 address"
	case a.IsUnspecified(), a.IsMulticast(), a.IsLoopback(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return a, s + " is not the address of a host", "write the address of one machine, as in 10.0.0.53"
	}
	return a, "", ""
}

// octets returns what colon-separated or plain hexadecimal digits spell.
func octets(s string) ([]byte, bool) {
	sep := ":"
	if strings.Contains(s, "-") {
		sep = "-"
	}
	if !strings.Contains(s, sep) {
		b, err := hex.DecodeString(s)
		return b, err == nil && len(b) > 0
	}
	var b []byte
	for part := range strings.SplitSeq(s, sep) {
		v, err := strconv.ParseUint(part, 16, 8)
		if err != nil || len(part) > 2 {
			return nil, false
		}
		b = append(b, byte(v))
	}
	return b, true
}
