package policy

import (
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// told is what a client was told in its last ACK, as its binding has it. Everything aliases the binding.
type told struct {
	parameters     parameters
	lifetime       time.Duration
	lifetimeReason []byte
	values         []Value // in ascending order of code
	has            Codes   // of values
	noRoom         Codes   // what the client would have been told, had there been room
	// list is what the client asked for then; nil: everything.
	list []byte
	// more says that it was told things beside what it had been told before that.
	more bool
}

// read fills t with what the client of b was told; false if that is not known.
func (t *told) read(b *binding.Binding) bool {
	*t = told{values: t.values[:0]}
	if b.Result == nil {
		return false
	}
	header, options, ok := binding.CutResult(b.Result.Bytes)
	if !ok {
		return false
	}
	t.lifetime = header.Lifetime
	t.parameters.nextServer, t.parameters.serverHostname, t.parameters.bootFile = header.NextServer, header.ServerName, header.BootFile
	for len(options) > 0 {
		code, v, rest, ok := binding.CutTLV(options)
		if !ok {
			return false
		}
		options = rest
		if code > 255 || len(t.values) > 0 && code <= t.values[len(t.values)-1].Code { // in another order it is not ours
			return false
		}
		t.values = append(t.values, Value{Code: code, Bytes: v, form: config.Set})
		t.has.Add(uint8(code))
	}
	t.list = RequestList(&b.Facts)
	if b.Reasons != nil {
		t.readReasons(b.Reasons.Bytes)
	}
	return true
}

// readReasons finds why the client was told each.
func (t *told) readReasons(all []byte) {
	run, last := all, -1 // the reasons of one thing stand together
	for {
		r, rest, ok := binding.CutReason(all)
		if !ok {
			return
		}
		if int(r.Code) != last {
			run, last = all, int(r.Code)
		}
		n := len(run) - len(rest)
		t.note(&r, run[:n:n])
		all = rest
	}
}

// note takes over why the client was told one thing; run are all reasons of it as far as they were read.
func (t *told) note(r *binding.EncodedReason, run []byte) {
	q := &t.parameters
	switch r.Code {
	case binding.ReasonLifetime:
		t.lifetimeReason = run
	case binding.ReasonNextServer:
		q.nextServerReason = run
	case binding.ReasonServerHostname:
		q.serverHostnameReason = run
	case binding.ReasonBootFile:
		q.bootFileReason = run
	case binding.ReasonTaken:
		t.more = string(r.Rule) == binding.RuleAskedMore
	default:
		t.noteOption(r, run)
	}
}

func (t *told) noteOption(r *binding.EncodedReason, run []byte) {
	if r.Code > 255 {
		return
	}
	v := t.get(uint8(r.Code))
	switch {
	case v == nil:
		if string(r.Rule) == binding.RuleNoRoom {
			t.noRoom.Add(uint8(r.Code))
		}
		return
	case len(run) == len(r.Whole): // the strongest
		v.Layer = layerNamed(r.Layer)
	}
	v.reason = run
	v.Forced = v.Forced || string(r.Rule) == config.Force.String()
}

// layerNamed returns the layer of that name where the layer matters: 0 for the others.
func layerNamed(name []byte) config.Layer {
	for _, l := range [...]config.Layer{config.HostRequirements, config.ClientLayer} {
		if string(name) == l.String() {
			return l
		}
	}
	return 0
}

// get returns what the client was told in an option, nil if nothing.
func (t *told) get(code uint8) *Value {
	if !t.has.Has(code) {
		return nil
	}
	i, _ := slices.BinarySearchFunc(t.values, uint16(code), func(v Value, c uint16) int { return int(v.Code) - int(c) })
	return &t.values[i]
}

// asked reports whether the client asked for an option then, so that it would have been told it, had there been one.
func (t *told) asked(code uint8, p *Policy) bool {
	switch {
	case t.noRoom.Has(code):
		return false
	case t.list == nil, code == option.CodeSubnetMask:
		return true
	}
	return slices.Contains(t.list, code) || p.habits.BasicsUnasked && slices.Contains(basics[:], code)
}
