package config

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/class"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// The sub-options of option 82 that hosts and classes match by (RFC 3046 §2.0, RFC 3993).
const (
	circuitID    = 1
	remoteID     = 2
	subscriberID = 6
)

// simpleMatch is a match that is written as a map, while it is read.
type simpleMatch struct{ terms []term }

// term is one key of it: one of its values must fit.
type term struct {
	key   string
	match *class.Match
	// text is the values in canonical form: equal text, equal meaning.
	text string
}

func matchKeys() *object[simpleMatch] {
	one := func(name, doc string, s shape, read func(p *parser, v *yaml.Node) (*class.Match, string)) key[simpleMatch] {
		return key[simpleMatch]{name: name, doc: doc, shape: listOf(s), read: func(p *parser, m *simpleMatch, _, v *yaml.Node) {
			if t, ok := p.alternatives(v, name, read); ok {
				m.terms = append(m.terms, t)
			}
		}}
	}
	text := func(name, doc string, most int, match func(value []byte, whole bool) *class.Match) key[simpleMatch] {
		return one(name, doc, identifierShape(), func(p *parser, v *yaml.Node) (*class.Match, string) {
			value, whole, ok := p.pattern(v, name, most)
			if !ok {
				return nil, ""
			}
			return match(value, whole), canonicalPattern(value, whole)
		})
	}
	relayed := func(name, doc string, code uint8) key[simpleMatch] {
		return text(name, doc, 255, func(b []byte, whole bool) *class.Match { return class.Relay(code, b, whole) })
	}
	return &object[simpleMatch]{
		name: "match", what: "match", where: "classes: NAME: match", example: `match: {vendor-class: "Phone*"}`,
		keys: []key[simpleMatch]{
			one("hardware", "How its hardware address begins: octets, or as many bits of them as stand after a /; a hardware type may stand before it: 6/02:00:5e.",
				stringShape("", "02:00:5e"), (*parser).matchHardware),
			one("hardware-type", "The number of its hardware type: 1 is Ethernet, 6 IEEE 802.", shape{"type": "integer", "minimum": 1, "maximum": 255}, (*parser).matchHardwareType),
			text("vendor-class", "Its vendor class (option 60); with a star at the end, how that begins.", option.MaxLength, func(b []byte, whole bool) *class.Match {
				return class.Option(option.CodeVendorClass, b, whole)
			}),
			text("user-class", "One of its user classes (option 77); with a star at the end, how that begins.", option.MaxLength, class.UserClass),
			one("enterprise", "The number of an enterprise that option 124 names.", shape{"type": "integer", "minimum": 0, "maximum": 1<<32 - 1}, (*parser).matchEnterprise),
			relayed("circuit-id", "The relay's circuit (option 82.1); with a star at the end, how that begins.", circuitID),
			relayed("remote-id", "The relay's remote end (option 82.2); with a star at the end, how that begins.", remoteID),
			relayed("subscriber-id", "The relay's subscriber (option 82.6); with a star at the end, how that begins.", subscriberID),
			one("domain", "Its domain, or one above that.", stringShape("", "corp.example"), (*parser).matchDomain),
			one("relay", "The address of its relay (giaddr), or a prefix that this is in.", stringShape("", "10.0.0.1"), (*parser).matchRelay),
			{name: "options", doc: "Options that it must send, each with that very value, by name.", shape: ref("matched-options"), read: (*parser).matchOptions},
		},
	}
}

// simpleMatch returns what the map v matches, and its canonical form; nil after it has said what is wrong.
func (p *parser) simpleMatch(v *yaml.Node) (*class.Match, string) {
	var m simpleMatch
	before := p.problems.count(Error)
	fields(p, p.tables.match, v, &m)
	if p.problems.count(Error) > before || p.full() {
		return nil, ""
	}
	if len(m.terms) == 0 {
		p.fail(v, "match has no conditions", `write {vendor-class: "Phone*"}, or match: "true" for everybody`)
		return nil, ""
	}
	slices.SortStableFunc(m.terms, func(a, b term) int { return strings.Compare(a.key, b.key) })
	var text strings.Builder
	all := make([]*class.Match, len(m.terms))
	for i, t := range m.terms {
		if i > 0 {
			text.WriteString(", ")
		}
		all[i] = t.match
		text.WriteString(t.key + ": " + t.text)
	}
	if len(all) == 1 {
		return all[0], "{" + text.String() + "}"
	}
	return class.All(all...), "{" + text.String() + "}"
}

// alternatives reads one value, or a list of which one must fit.
func (p *parser) alternatives(v *yaml.Node, key string, read func(p *parser, v *yaml.Node) (*class.Match, string)) (term, bool) {
	if v.Kind != yaml.SequenceNode {
		m, text := read(p, v)
		return term{key, m, text}, m != nil
	}
	if len(v.Content) == 0 {
		p.fail(v, key+": the list is empty", "write what the client must have, or take the key out")
		return term{}, false
	}
	t := term{key: key}
	var ms []*class.Match
	var texts []string
	for _, e := range v.Content {
		m, text := read(p, e)
		switch {
		case m == nil:
		case slices.Contains(texts, text):
			p.fail(e, key+": "+text+" stands twice in this list", "leave one of them")
		default:
			ms, texts = append(ms, m), append(texts, text)
		}
	}
	if len(ms) != len(v.Content) {
		return term{}, false
	}
	slices.Sort(texts) // one of them must fit: their order says nothing
	if t.match, t.text = ms[0], texts[0]; len(ms) > 1 {
		t.match, t.text = class.Any(ms...), "["+strings.Join(texts, ", ")+"]"
	}
	return t, true
}

// pattern returns the octets that a value must have, or, where a text ends in a star, begin with.
func (p *parser) pattern(v *yaml.Node, what string, most int) (value []byte, whole, ok bool) {
	if v.Kind == yaml.MappingNode {
		b := p.identifier(v, what, most)
		return b, true, b != nil
	}
	s, ok := p.scalar(v, what, `"Phone*"`)
	if !ok {
		return nil, false, false
	}
	s, star := strings.CutSuffix(s, "*")
	switch {
	case s == "" && !star:
		p.fail(v, what+" is empty", `write "Phone*", or "*" for all that have one`)
	case len(s) > most:
		p.fail(v, fmt.Sprintf("%s has %d octets: at most %d fit", what, len(s), most), "shorten it")
	default:
		return []byte(s), !star, true
	}
	return nil, false, false
}

// canonicalPattern spells what pattern returned: a text, with a star at the end if it is a beginning, or else octets.
func canonicalPattern(value []byte, whole bool) string {
	s := string(value)
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || whole && strings.HasSuffix(s, "*") {
		if s = fmt.Sprintf(`{hex: "%x"}`, value); !whole {
			s = "{begins: " + s + "}" // it can be written only where it is text
		}
		return s
	}
	if !whole {
		s += "*"
	}
	return strconv.Quote(s)
}

// matchHardware reads [TYPE/]OCTETS[/BITS].
func (p *parser) matchHardware(v *yaml.Node) (*class.Match, string) {
	s, ok := p.scalar(v, "hardware", "02:00:5e")
	if !ok {
		return nil, ""
	}
	remedy := "write how it begins, as in 02:00:5e, 02:00:5e:00:00:00/25 or 6/02:00:5e"
	digits, htype, bits := s, uint64(0), -1
	var err error
	if before, rest, cut := strings.Cut(digits, "/"); cut && !strings.ContainsAny(before, ":-") {
		if htype, err = strconv.ParseUint(before, 10, 8); err != nil || htype == 0 {
			p.fail(v, clip(before)+" is not the number of a hardware type", "write a number of 1 to 255 before the /; 1 is Ethernet")
			return nil, ""
		}
		digits = rest
	}
	if before, after, cut := strings.Cut(digits, "/"); cut {
		if bits, err = strconv.Atoi(after); err != nil || bits < 0 {
			p.fail(v, clip(after)+" is not a number of bits", remedy)
			return nil, ""
		}
		digits = before
	}
	b, ok := octets(digits)
	switch {
	case !ok:
		p.fail(v, clip(s)+" is not the beginning of a hardware address", remedy)
		return nil, ""
	case len(b) > binding.MaxHardware:
		p.fail(v, fmt.Sprintf("hardware has %d octets: at most %d fit", len(b), binding.MaxHardware), remedy)
		return nil, ""
	case bits > 8*len(b):
		p.fail(v, fmt.Sprintf("hardware has %d bits, fewer than %d", 8*len(b), bits), "write as many octets as the bits reach")
		return nil, ""
	}
	return p.hardware(v, uint8(htype), b, bits)
}

// hardware returns the match of a type, 0 for any, and of the first bits of b, negative for all of them.
func (p *parser) hardware(v *yaml.Node, htype uint8, b []byte, bits int) (*class.Match, string) {
	if bits < 0 {
		bits = 8 * len(b)
	}
	masked := bytes.Clone(b)
	for i := range masked {
		masked[i] &= ^byte(0xff >> min(max(bits-8*i, 0), 8))
	}
	if !bytes.Equal(masked, b) {
		p.fail(v, fmt.Sprintf("hardware has bits beyond the first %d", bits), fmt.Sprintf("write %s/%d", colons(masked), bits))
		return nil, ""
	}
	masked = masked[:(bits+7)/8]
	text := colons(masked)
	if bits%8 != 0 {
		text += "/" + strconv.Itoa(bits)
	}
	if htype != 0 {
		text = strconv.Itoa(int(htype)) + "/" + text
	}
	return class.Hardware(htype, masked, bits), strconv.Quote(text)
}

func colons(b []byte) string {
	var s strings.Builder
	for i, c := range b {
		if i > 0 {
			s.WriteByte(':')
		}
		fmt.Fprintf(&s, "%02x", c)
	}
	return s.String()
}

func (p *parser) matchHardwareType(v *yaml.Node) (*class.Match, string) {
	n, ok := p.number(v, "hardware-type", 1, 255)
	if !ok {
		return nil, ""
	}
	return class.HardwareType(uint8(n)), strconv.Itoa(n)
}

func (p *parser) matchEnterprise(v *yaml.Node) (*class.Match, string) {
	n, ok := p.number(v, "enterprise", 0, 1<<32-1)
	if !ok {
		return nil, ""
	}
	return class.Enterprise(uint32(n)), strconv.Itoa(n)
}

func (p *parser) matchDomain(v *yaml.Node) (*class.Match, string) {
	if _, ok := p.scalar(v, "domain", "corp.example"); !ok {
		return nil, ""
	}
	name, ok := p.domain(v)
	if !ok {
		return nil, ""
	}
	return class.DomainSuffix(name), strconv.Quote(name)
}

func (p *parser) matchRelay(v *yaml.Node) (*class.Match, string) {
	s, ok := p.scalar(v, "relay", "10.0.0.1")
	if !ok {
		return nil, ""
	}
	if !strings.Contains(s, "/") {
		a, ok := loopback(v)
		if !ok {
			if a, ok = p.address(v, "the address of a relay"); !ok {
				return nil, ""
			}
		}
		return class.Gateway(netip.PrefixFrom(a, 32)), strconv.Quote(a.String())
	}
	q, err := netip.ParsePrefix(s)
	switch {
	case err != nil || !q.Addr().Is4():
		p.fail(v, clip(s)+" is not an IPv4 prefix", "write it as in 10.0.0.0/24")
	case q.Masked() != q:
		p.fail(v, fmt.Sprintf("%v has address bits beyond its length", q), fmt.Sprintf("write %v", q.Masked()))
	case q.Bits() == 32:
		return class.Gateway(q), strconv.Quote(q.Addr().String())
	default:
		return class.Gateway(q), strconv.Quote(q.String())
	}
	return nil, ""
}
