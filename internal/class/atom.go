package class

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"unicode/utf8"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// atom is one comparison of something about the client with what is written.
type atom struct {
	subject  subject
	relation relation
	texts    [][]byte // what the subject is compared with, where it is a text
	set      map[string]struct{}
	numbers  []int64 // where it is a number
	def      option.Def
	prefix   netip.Prefix // of gateways
	bits     int          // of hardware addresses: how many bits of texts[0] count
}

// subject is what is compared. It is comparable.
type subject struct {
	kind subjectKind
	text textual // of textVariable
	code uint8   // of options and sub-options
	fold fold
}

type subjectKind uint8

const (
	_                subjectKind = iota
	textVariable                 // a variable of the language that is a text
	optionText                   // option[N], a text; null if absent, an error if malformed
	optionNumber                 // option[N], a number or a list of numbers; likewise
	relayText                    // relay[N]; null if absent
	hardwareType                 // the number
	optionPresent                // N in option
	relayPresent                 // N in relay
	knownClient                  // known
	relayedClient                // relayed
	userClasses                  // one of the user classes; an error if there are too many
	anyUserClass                 // one of the user classes, however many
	optionOctets                 // an option as sent; never where absent
	optionTextOctets             // the same of a text, without the zeros at its end
	relayOctets                  // a sub-option as sent; never where absent
	hardwarePrefix               // the first bits of the hardware address
	enterprises                  // one of the enterprises in option 124
	gatewayPrefix                // giaddr
	domainSuffix                 // the client's domain
)

// fold is what is done with a text before it is compared. A text that is no UTF-8 cannot be folded here.
type fold uint8

const (
	asWritten fold = iota
	lowered        // lowerAscii()
	uppered        // upperAscii()
)

type relation uint8

const (
	_          relation = iota
	equals              // one of those that are written
	startsWith          // texts[0]
	endsWith
	infix
	holds // a list of numbers has numbers[0] among its elements
)

// smallSet is up to how many texts are compared one by one.
const smallSet = 8

// newTexts returns the atom that compares subject with texts.
func newTexts(s subject, r relation, texts ...[]byte) atom {
	a := atom{subject: s, relation: r, texts: texts}
	if r == equals && len(texts) > smallSet {
		a.set = make(map[string]struct{}, len(texts))
		for _, t := range texts {
			a.set[string(t)] = struct{}{}
		}
	}
	return a
}

// canFail reports whether what a client sent may make the comparison fail.
func (a *atom) canFail() bool {
	switch a.subject.kind {
	case optionText, optionNumber, userClasses:
		return true
	case relayText:
		return a.relation != equals
	case textVariable:
		return a.subject.text == fqdnText
	}
	return false
}

func (a *atom) eval(v *view) verdict {
	c := v.client
	switch a.subject.kind {
	case textVariable:
		text, ok := v.text(a.subject.text)
		if !ok {
			return failed
		}
		return a.compare(text)
	case optionText:
		return a.optionText(c)
	case optionNumber:
		return a.optionNumber(c)
	case relayText:
		text, ok := c.relay(a.subject.code)
		return a.nullable(text, ok)
	case hardwareType:
		return verdictOf(slices.Contains(a.numbers, int64(c.Identity.Hardware.Type)))
	case optionPresent:
		_, ok := c.option(option.Code(a.subject.code))
		return verdictOf(ok)
	case relayPresent:
		_, ok := c.relay(a.subject.code)
		return verdictOf(ok)
	case knownClient:
		return verdictOf(c.Known)
	case relayedClient:
		return verdictOf(c.GIAddr.IsValid())
	}
	return a.evalSimple(v)
}

// evalSimple is eval for what only the simple matches look at, and for the user classes.
func (a *atom) evalSimple(v *view) verdict {
	c := v.client
	switch a.subject.kind {
	case userClasses, anyUserClass:
		return a.userClass(c)
	case optionOctets:
		sent, ok := c.option(option.Code(a.subject.code))
		return verdictOf(ok && a.compare(sent) == yes)
	case optionTextOctets:
		sent, ok := c.option(option.Code(a.subject.code))
		return verdictOf(ok && a.compare(trimText(sent)) == yes)
	case relayOctets:
		sent, ok := c.relay(a.subject.code)
		return verdictOf(ok && a.compare(sent) == yes)
	case hardwarePrefix:
		return verdictOf(a.hardware(c))
	case enterprises:
		return verdictOf(a.enterprise(c))
	case gatewayPrefix:
		return verdictOf(a.prefix.Contains(c.GIAddr))
	case domainSuffix:
		domain, _ := v.text(domainText)
		at := len(domain) - len(a.texts[0])
		return verdictOf(at >= 0 && bytes.Equal(domain[at:], a.texts[0]) && (at == 0 || domain[at-1] == '.'))
	}
	panic("class: a subject that nobody knows")
}

// compare says how a text stands to those that are written.
func (a *atom) compare(text []byte) verdict {
	if a.subject.fold != asWritten {
		return a.compareFolded(text)
	}
	switch a.relation {
	case startsWith:
		return verdictOf(bytes.HasPrefix(text, a.texts[0]))
	case endsWith:
		return verdictOf(bytes.HasSuffix(text, a.texts[0]))
	case infix:
		return verdictOf(bytes.Contains(text, a.texts[0]))
	}
	if a.set != nil {
		_, ok := a.set[string(text)]
		return verdictOf(ok)
	}
	for _, t := range a.texts {
		if bytes.Equal(text, t) {
			return yes
		}
	}
	return no
}

// maxFolded is the longest text that is folded without the language's own machinery.
const maxFolded = 256

func (a *atom) compareFolded(text []byte) verdict {
	if len(text) > maxFolded || !utf8.Valid(text) {
		return unsure
	}
	var buf [maxFolded]byte
	folded := append(buf[:0], text...)
	for i, c := range folded {
		switch {
		case a.subject.fold == lowered && c >= 'A' && c <= 'Z':
			folded[i] = c + 'a' - 'A'
		case a.subject.fold == uppered && c >= 'a' && c <= 'z':
			folded[i] = c - 'a' + 'A'
		}
	}
	plain := a.plain()
	return plain.compare(folded)
}

// plain returns the atom for texts that were folded already.
func (a *atom) plain() atom {
	p := *a
	p.subject.fold = asWritten
	return p
}

// nullable compares a text that may be null, which equals no text and allows nothing else.
func (a *atom) nullable(text []byte, ok bool) verdict {
	switch {
	case ok:
		return a.compare(text)
	case a.relation == equals:
		return no
	}
	return failed
}

func (a *atom) optionText(c *Client) verdict {
	raw, ok := c.option(option.Code(a.subject.code))
	if ok && a.def.Check(raw) != nil {
		return failed
	}
	return a.nullable(trimText(raw), ok)
}

// optionNumber compares the number, the only number of a list, or looks for it among them.
func (a *atom) optionNumber(c *Client) verdict {
	raw, ok := c.option(option.Code(a.subject.code))
	if !ok {
		return no
	}
	if a.def.Check(raw) != nil {
		return failed
	}
	size := numberSize(a.def.Type.Kind)
	if len(raw) > size*maxItems {
		return failed
	}
	if a.relation == equals {
		return verdictOf(len(raw) == size && slices.Contains(a.numbers, number(a.def.Type.Kind, raw)))
	}
	for ; len(raw) >= size; raw = raw[size:] {
		if number(a.def.Type.Kind, raw) == a.numbers[0] {
			return yes
		}
	}
	return no
}

// numberSize returns how many octets a number of the kind has, 0 if it is no number.
func numberSize(k option.Kind) int {
	switch k {
	case option.Uint8:
		return 1
	case option.Uint16:
		return 2
	case option.Uint32, option.Int32:
		return 4
	}
	return 0
}

func number(k option.Kind, b []byte) int64 {
	switch k {
	case option.Uint8:
		return int64(b[0])
	case option.Uint16:
		return int64(binary.BigEndian.Uint16(b))
	case option.Int32:
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return int64(binary.BigEndian.Uint32(b))
}

// userClass compares each user class.
func (a *atom) userClass(c *Client) verdict {
	sent, _ := c.option(option.CodeUserClass)
	all := dhcpv4.UserClassesOf(sent)
	found, n := no, 0
	for class, ok := all.Next(); ok; class, ok = all.Next() {
		if n++; n > maxItems && a.subject.kind == userClasses {
			return failed
		}
		if a.compare(class) == yes {
			found = yes
		}
	}
	return found
}

// hardware compares the first bits. A client without a hardware address has none that could agree.
func (a *atom) hardware(c *Client) bool {
	h, prefix := &c.Identity.Hardware, a.texts[0]
	if len(a.numbers) > 0 && int64(h.Type) != a.numbers[0] || h.IsZero() || int(h.Len)*8 < a.bits {
		return false
	}
	addr, whole, rest := h.Bytes(), a.bits/8, a.bits%8
	return bytes.Equal(addr[:whole], prefix[:whole]) && (rest == 0 || (addr[whole]^prefix[whole])>>(8-rest) == 0)
}

func (a *atom) enterprise(c *Client) bool {
	sent, _ := c.option(option.CodeVIVendorClass)
	all := dhcpv4.EnterprisesOf(sent)
	for n, _, ok := all.Next(); ok; n, _, ok = all.Next() {
		if int64(n) == a.numbers[0] {
			return true
		}
	}
	return false
}
