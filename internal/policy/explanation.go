package policy

import "net/netip"

// Explanation is what one client would get, and why. Its JSON is that of `lessor explain --json`.
type Explanation struct {
	// Server is the member that answers, Version the digest of the configuration.
	Server  string `json:"server"`
	Version string `json:"version"`
	// Source says of what text the lines are counted.
	Source Source `json:"source"`
	// Address is the one that the client has, would get, or has reserved; nil: none is known.
	Address *netip.Addr `json:"address"`
	Network string      `json:"network"`
	Subnet  string      `json:"subnet"`
	Pool    string      `json:"pool"` // empty: the address is in none, or the client may use none
	Host    string      `json:"host"`
	Domain  string      `json:"domain"`
	// Classes are those that the client is in, the strongest first.
	Classes []string       `json:"classes"`
	Lease   ExplainedLease `json:"lease"`
	// Options are those that the client is told, all that it may ask for where it has no request list, in ascending
	// order of code. Unset are those that a layer takes away.
	Options []ExplainedOption `json:"options"`
	Unset   []ExplainedOption `json:"unset"`
	// Parameters are what some layer sets that is no option.
	Parameters []ExplainedParameter `json:"parameters"`
	// Pools are all of the link, in the order in which they are tried.
	Pools []ExplainedPool `json:"pools"`
	// Failed are the classes whose expression failed for this client.
	Failed []FailedClass `json:"failed"`
	Notes  []string      `json:"notes"`
	// Result is the digest of what the client would be told (DESIGN §1).
	Result string `json:"result"`
}

// Origin is where in the document a value comes from.
type Origin struct {
	Layer  string `json:"layer"`  // in DESIGN §4's words
	Object string `json:"object"` // the layer's object; empty for layers of which there is one
	Line   int    `json:"line"`   // of the source; 0: nowhere
	// FileLine is the same line in the source's file, where that says what the version does; 0: it does not.
	FileLine int    `json:"file_line,omitempty"`
	Rule     string `json:"rule"` // set, append, …; derived, default, suggested
}

// ExplainedOption is one option and why.
type ExplainedOption struct {
	Name  string `json:"name"`
	Code  uint16 `json:"code"`
	Value any    `json:"value"` // as a document has it; null where a layer takes the option away
	Text  string `json:"text"`  // one line for people
	Origin
	Forced   bool   `json:"forced,omitempty"`      // sent whether it is asked for or not
	Takeover string `json:"on-takeover,omitempty"` // where the option says it itself
	// Parts are the values that it is made of, the strongest first, where several layers have a part in it.
	Parts []ExplainedValue `json:"parts,omitempty"`
	// Losers are what weaker layers say, the strongest first.
	Losers []ExplainedValue `json:"losers"`
}

// ExplainedValue is what one layer says.
type ExplainedValue struct {
	Origin
	Value any    `json:"value"`
	Text  string `json:"text"`
}

// ExplainedLease is the lifetime. Durations are spelt as in a document.
type ExplainedLease struct {
	Lifetime string           `json:"lifetime"`
	Seconds  uint32           `json:"seconds"` // 4294967295 never ends
	Default  string           `json:"default"`
	Min      string           `json:"min"`
	Max      string           `json:"max"`
	Origin                    // of Lifetime
	Losers   []ExplainedValue `json:"losers"` // of the default
}

// ExplainedParameter is something that is no option.
type ExplainedParameter struct {
	Name  string `json:"name"` // as in a document: next-server
	Value any    `json:"value"`
	Origin
	Losers []ExplainedValue `json:"losers"`
}

// ExplainedPool is one pool of the client's link.
type ExplainedPool struct {
	Range  string `json:"range"`
	Subnet string `json:"subnet"`
	// Refused says why the client may not use it; empty: it may.
	Refused string `json:"refused,omitempty"`
}

// FailedClass is a class whose expression failed.
type FailedClass struct {
	Class string `json:"class"`
	Line  int    `json:"line"`
	// FileLine is the same line in the source's file, where that says what the version does; 0: it does not.
	FileLine int    `json:"file_line,omitempty"`
	Error    string `json:"error"`
}

// InFile has the explanation say which lines of a file those are that it names, which says what its version does.
func (e *Explanation) InFile(file string, lineOf func(int) int) {
	e.Source.File = file
	e.origins(func(o *Origin) { o.FileLine = lineOf(o.Line) })
	for i := range e.Failed {
		e.Failed[i].FileLine = lineOf(e.Failed[i].Line)
	}
}

// origins calls each with all that has an origin.
func (e *Explanation) origins(each func(*Origin)) {
	values := func(all []ExplainedValue) {
		for i := range all {
			each(&all[i].Origin)
		}
	}
	for _, all := range [][]ExplainedOption{e.Options, e.Unset} {
		for i := range all {
			each(&all[i].Origin)
			values(all[i].Parts)
			values(all[i].Losers)
		}
	}
	for i := range e.Parameters {
		each(&e.Parameters[i].Origin)
		values(e.Parameters[i].Losers)
	}
	each(&e.Lease.Origin)
	values(e.Lease.Losers)
}
