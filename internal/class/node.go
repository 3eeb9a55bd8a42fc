package class

import "slices"

// node is a condition taken to pieces: what can be told without the language's own machinery, in a tree.
type node struct {
	op    operator
	kids  []*node // of and, or, not
	value bool    // of constant
	atom  atom
	match *Match // of nested
}

type operator uint8

const (
	_        operator = iota
	and               // no if one of kids says no, whatever the others say
	or                // yes if one of kids says yes
	not               // of its one kid
	constant          // value, whatever the client
	test              // atom
	nested            // match
	opaque            // only the language's own machinery can tell
)

// verdict is what a condition says of a client. The zero verdict is none.
type verdict uint8

const (
	_      verdict = iota
	no             // the client does not belong
	yes            // it does
	failed         // what it sent cannot be read, or does not allow what is done with it
	unsure         // it cannot be told here
)

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// eval says of the client in v what CEL would: a failure in one half of && or || does not matter where the other half
// decides alone.
func (n *node) eval(v *view) verdict {
	switch n.op {
	case constant:
		return verdictOf(n.value)
	case test:
		return n.atom.eval(v)
	case and:
		return n.all(v, no, yes)
	case or:
		return n.all(v, yes, no)
	case not:
		return n.kids[0].eval(v).negated()
	case nested:
		verdict, _ := n.match.evaluate(v)
		return verdict
	}
	return unsure
}

// all returns decides if one of the kids says so, otherwise if all of them do, and else what kept it from being told.
func (n *node) all(v *view, decides, otherwise verdict) verdict {
	result := otherwise
	for _, k := range n.kids {
		switch k.eval(v) {
		case decides:
			return decides
		case unsure:
			result = unsure
		case failed:
			if result != unsure {
				result = failed
			}
		}
	}
	return result
}

func (v verdict) negated() verdict {
	switch v {
	case yes:
		return no
	case no:
		return yes
	}
	return v
}

// complete reports whether eval never says unsure, and asks no program.
func (n *node) complete() bool {
	if n.op == opaque || n.op == nested || n.op == test && n.atom.subject.fold != asWritten {
		return false
	}
	for _, k := range n.kids {
		if !k.complete() {
			return false
		}
	}
	return true
}

// canFail reports whether eval may say failed.
func (n *node) canFail() bool {
	if n.op == opaque || n.op == nested || n.op == test && n.atom.canFail() {
		return true
	}
	for _, k := range n.kids {
		if k.canFail() {
			return true
		}
	}
	return false
}

// nests reports whether eval may ask a program.
func (n *node) nests() bool { return n.op == nested || slices.ContainsFunc(n.kids, (*node).nests) }
