package policy

import (
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Value is one option that a client gets, and why.
type Value struct {
	Code   uint16
	Bytes  []byte // as on the wire, whole
	Layer  config.Layer
	Object string // which network, subnet, … ; empty for layers of which there is one
	Line   int    // in the document; 0 if it is nowhere written
	Rule   string // "set", "append", …; "derived", "default", "suggested"
	// OnlyAsked says that only a client which names the option in its request list gets it; Forced, that a client gets
	// it whether its request list names it or not.
	OnlyAsked, Forced bool
	// Takeover says by whose configuration another member gives the option, as the option says, else its layer; 0: as the group
	// does (Policy.Local).
	Takeover config.Takeover

	form   config.Form
	def    *option.Def // how it meets others; nil unless form is Append, Prepend or Merge
	reason []byte      // the same, encoded once for binding.Reasons
}

// open reports whether weaker layers have a part in the option.
func (v *Value) open() bool {
	switch v.form {
	case config.Append, config.Prepend, config.Merge:
		return true
	}
	return false
}

func newValue(code uint16, b []byte, l config.Layer, object string, line int, rule string) Value {
	v := Value{Code: code, Bytes: b, Layer: l, Object: object, Line: line, Rule: rule, form: config.Set}
	v.reason = binding.AppendReason(nil, binding.Reason{Code: code, Layer: l.String(), Object: object, Line: uint32(line), Rule: rule})
	return v
}

// scope is what one object of a layer sets, compiled.
type scope struct {
	layer      config.Layer
	object     string
	values     []Value // in ascending order of code
	lease      config.Lease
	parameters parameters
	takeover   config.Takeover // of the object; 0: it says nothing
}

// parameters are what a layer sets that is no option: each with its reason, or nil.
type parameters struct {
	nextServer     netip.Addr
	bootFile       []byte
	serverHostname []byte

	nextServerReason, bootFileReason, serverHostnameReason, leaseReason []byte
	// Of the scope that sets each: by whose configuration another member gives it.
	nextServerTakeover, bootFileTakeover, serverHostnameTakeover config.Takeover

	authoritative, rapidCommit *bool
	probe                      *time.Duration
	lines                      map[string]config.Position // where each stands; nil for a scope that nobody wrote
}

// none reports whether the scope sets no parameter.
func (s *scope) none() bool {
	p := &s.parameters
	return s.lease.Default == 0 && s.lease.Min == 0 && s.lease.Max == 0 && !p.nextServer.IsValid() && len(p.bootFile) == 0 &&
		len(p.serverHostname) == 0 && p.authoritative == nil && p.rapidCommit == nil && p.probe == nil
}

// find returns what the scope has of an option, nil if nothing.
func (s *scope) find(code uint16) *Value {
	i, ok := slices.BinarySearchFunc(s.values, code, func(v Value, c uint16) int { return int(v.Code) - int(c) })
	if !ok {
		return nil
	}
	return &s.values[i]
}

func compileScope(s *config.Scope, l config.Layer, object string) scope {
	c := scope{layer: l, object: object, lease: s.Lease, takeover: s.OnTakeover}
	if len(s.Options) > 0 {
		c.values = make([]Value, len(s.Options))
	}
	for i := range s.Options {
		c.values[i] = compileSetting(&s.Options[i], l, object)
		if c.values[i].Takeover == 0 {
			c.values[i].Takeover = s.OnTakeover
		}
	}
	p := &c.parameters
	p.nextServer, p.bootFile, p.serverHostname = s.NextServer, []byte(s.BootFileName), []byte(s.ServerHostname)
	p.nextServerTakeover, p.bootFileTakeover, p.serverHostnameTakeover = s.OnTakeover, s.OnTakeover, s.OnTakeover
	p.authoritative, p.rapidCommit, p.probe = s.Authoritative, s.RapidCommit, s.ConflictProbe
	if c.none() {
		return c
	}
	p.lines = s.LinePositions
	reason := func(code uint16, line int) []byte {
		return binding.AppendReason(nil, binding.Reason{Code: code, Layer: l.String(), Object: object, Line: uint32(line), Rule: "set"})
	}
	p.nextServerReason = reason(binding.ReasonNextServer, s.LinePositions["next-server"].Line)
	p.bootFileReason = reason(binding.ReasonBootFile, s.LinePositions["boot-file-name"].Line)
	p.serverHostnameReason = reason(binding.ReasonServerHostname, s.LinePositions["server-hostname"].Line)
	p.leaseReason = reason(binding.ReasonLifetime, s.Lease.Position.Line)
	return c
}

func compileSetting(o *config.Setting, l config.Layer, object string) Value {
	v := newValue(uint16(o.Def.Code), o.Value, l, object, o.Position.Line, o.Form.String())
	v.form, v.Forced, v.Takeover = o.Form, o.Form == config.Force, o.OnTakeover
	if v.open() {
		def := o.Def
		v.def = &def
	}
	return v
}
