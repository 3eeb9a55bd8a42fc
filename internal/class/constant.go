package class

import (
	"bytes"
	"math"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// whatever returns yes or no where a condition says so of every client, as far as that is plain to see, else none. A
// condition that is no for some clients and fails for all others is no.
func (n *node) whatever() verdict {
	switch n.op {
	case constant:
		return verdictOf(n.value)
	case nested:
		return n.match.constant
	case not:
		if v := n.kids[0].whatever(); v == no && n.kids[0].canFail() {
			return 0 // the others fail
		} else {
			return v.negated()
		}
	case test:
		if n.atom.impossible() {
			return no
		}
	case and:
		return n.together(no, yes)
	case or:
		return n.together(yes, no)
	}
	return 0
}

// together returns decides if one kid always decides, or if no client can keep all of them from it; otherwise if all
// kids are always that; else none.
func (n *node) together(decides, otherwise verdict) verdict {
	all := true
	for _, k := range n.kids {
		switch k.whatever() {
		case decides:
			return decides
		case otherwise:
		default:
			all = false
		}
	}
	if all {
		return otherwise
	}
	var claims []claim
	for _, k := range n.kids {
		claims = k.claims(claims, n.op == and)
	}
	if contradict(claims) && (decides == no || !n.canFail()) {
		return decides
	}
	return 0
}

// claim is an atom that is true of a client, or false.
type claim struct {
	*atom
	holds bool
}

// claims appends what is true of a client for which the condition is what says.
func (n *node) claims(all []claim, what bool) []claim {
	switch {
	case n.op == test:
		return append(all, claim{&n.atom, what})
	case n.op == not:
		return n.kids[0].claims(all, !what)
	case n.op == and && what, n.op == or && !what:
		for _, k := range n.kids {
			all = k.claims(all, what)
		}
	}
	return all
}

// maxClaims bounds how many claims are compared with each other.
const maxClaims = 64

// contradict reports whether no client can meet all claims.
func contradict(claims []claim) bool {
	claims = claims[:min(len(claims), maxClaims)]
	for i, a := range claims {
		if a.holds && a.relation == equals && a.noneIsLeft(claims) {
			return true
		}
		for _, b := range claims[i+1:] {
			if a.excludes(b) || b.excludes(a) {
				return true
			}
		}
	}
	return false
}

// noneIsLeft reports whether each of the values that the subject of a may have is ruled out by another claim about it.
func (a claim) noneIsLeft(claims []claim) bool {
	if !a.subject.single() {
		return false
	}
	ruledOut := func(by func(b claim) bool) bool {
		return slices.ContainsFunc(claims, func(b claim) bool { return b.subject == a.subject && by(b) })
	}
	for _, t := range a.texts {
		if !ruledOut(func(b claim) bool { return compareOnly(b.atom, t) != verdictOf(b.holds) }) {
			return false
		}
	}
	for _, n := range a.numbers {
		if !ruledOut(func(b claim) bool { return b.relation == equals && slices.Contains(b.numbers, n) != b.holds }) {
			return false
		}
	}
	return len(a.texts)+len(a.numbers) > 0
}

// compareOnly compares a text that is as folded as the atom wants it.
func compareOnly(a *atom, text []byte) verdict {
	p := a.plain()
	return p.compare(text)
}

// single reports whether a client has one value at most that the subject names, which claims are all about.
func (s subject) single() bool {
	switch s.kind {
	case textVariable, optionText, optionNumber, relayText, hardwareType, optionOctets, optionTextOctets, relayOctets:
		return true
	}
	return false
}

// excludes reports whether a rules b out.
func (a claim) excludes(b claim) bool {
	if !a.holds || a.subject.kind != b.subject.kind || a.subject != b.subject {
		return false
	}
	switch a.subject.kind {
	case knownClient, relayedClient, optionPresent, relayPresent:
		return !b.holds
	case hardwarePrefix:
		return b.holds && a.otherHardware(b.atom)
	case gatewayPrefix:
		return b.holds && !a.prefix.Overlaps(b.prefix)
	case domainSuffix:
		return b.holds && !below(a.texts[0], b.texts[0]) && !below(b.texts[0], a.texts[0])
	}
	if !a.subject.single() || len(a.texts) == 0 || len(b.texts) == 0 || a.relation == equals || b.relation == equals {
		return false
	}
	p, q := a.texts[0], b.texts[0]
	if !b.holds {
		return implies(a.relation, p, b.relation, q)
	}
	switch {
	case a.relation == startsWith && b.relation == startsWith:
		return !bytes.HasPrefix(p, q) && !bytes.HasPrefix(q, p)
	case a.relation == endsWith && b.relation == endsWith:
		return !bytes.HasSuffix(p, q) && !bytes.HasSuffix(q, p)
	}
	return false
}

// implies reports whether a text that stands in relation r to p stands in relation s to q.
func implies(r relation, p []byte, s relation, q []byte) bool {
	switch {
	case s == infix:
		return bytes.Contains(p, q)
	case s == startsWith && r == startsWith:
		return bytes.HasPrefix(p, q)
	case s == endsWith && r == endsWith:
		return bytes.HasSuffix(p, q)
	}
	return false
}

// below reports whether a domain is another or lies in it.
func below(domain, other []byte) bool {
	at := len(domain) - len(other)
	return at >= 0 && bytes.Equal(domain[at:], other) && (at == 0 || domain[at-1] == '.')
}

// otherHardware reports whether no address begins as both a and b say, or is of both types.
func (a *atom) otherHardware(b *atom) bool {
	if len(a.numbers) > 0 && len(b.numbers) > 0 && a.numbers[0] != b.numbers[0] {
		return true
	}
	bits := min(a.bits, b.bits)
	whole, rest := bits/8, bits%8
	return !bytes.Equal(a.texts[0][:whole], b.texts[0][:whole]) || rest > 0 && (a.texts[0][whole]^b.texts[0][whole])>>(8-rest) != 0
}

// impossible reports whether nothing that the subject can be fits what is written.
func (a *atom) impossible() bool {
	if !a.subject.single() || a.relation == holds {
		return false
	}
	if a.subject.isNumber() {
		least, most := a.subject.bounds(a.def)
		return !slices.ContainsFunc(a.numbers, func(n int64) bool { return n >= least && n <= most })
	}
	return !slices.ContainsFunc(a.texts, a.subject.canHold)
}

// bounds returns the least and the most that a number can be.
func (s subject) bounds(def option.Def) (least, most int64) {
	if s.kind == optionNumber {
		switch def.Type.Kind {
		case option.Uint16:
			return 0, math.MaxUint16
		case option.Uint32:
			return 0, math.MaxUint32
		case option.Int32:
			return math.MinInt32, math.MaxInt32
		}
	}
	return 0, math.MaxUint8
}

// canHold reports whether a text could stand in the subject at all: hardware addresses are lower case, with colons.
func (s subject) canHold(text []byte) bool {
	for _, c := range text {
		upper, lower := c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z'
		switch {
		case s.fold == lowered && upper, s.fold == uppered && lower:
			return false
		case s.kind != textVariable || s.fold != asWritten:
		case s.text == hardwareText || s.text == clientIDText:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && c != ':' {
				return false
			}
		case s.text == domainText && upper:
			return false
		case s.text == giaddrText && (upper || c == '/' || c == ' '):
			return false
		}
	}
	return true
}
