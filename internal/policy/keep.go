package policy

import (
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// keep lets d, which is settled as the client's home, say what the client was told (d.told), but for what is marked local: that is
// as own has it, which is d's own half where the two members do not differ. It returns how the client comes to what d says.
func (p *Policy) keep(f *Facts, d *Decision, own *settled) (rule string) {
	k := keeping{policy: p, facts: f, listed: RequestList(f.Options), told: &d.told, home: &d.options, own: &own.options}
	k.kept = k.home.spare[:0]
	k.keepHomes()
	k.keepOwns()
	k.keepTold()
	k.home.mirrored = false
	k.home.replace(k.kept)
	k.home.oldWindowsRoutes()
	p.keepParameters(f, d, own)
	if k.more || d.told.more {
		return binding.RuleAskedMore
	}
	return binding.RuleToldBefore
}

// keeping is the choice among what the client was told, what its home would tell it, and what this member has.
type keeping struct {
	policy    *Policy
	facts     *Facts
	listed    []byte // what the client asks for now; nil: everything
	told      *told
	home, own *options
	kept      []Value
	more      bool // it is told what it had not asked for before
}

// keepHomes chooses for what the client's home would say now.
func (k *keeping) keepHomes() {
	for i := range k.home.values {
		v := &k.home.values[i]
		code := uint8(v.Code)
		switch was, own := k.told.get(code), k.own.get(code); {
		case ofOneMessage(code):
			k.kept = append(k.kept, *v)
		case k.policy.Local(v) || own != nil && k.policy.Local(own):
			if own != nil {
				k.kept = append(k.kept, *own)
			}
		case was != nil && v.Layer == config.ClientLayer && was.Layer == config.ClientLayer: // its own word, then and now
			k.kept = append(k.kept, *v)
		case was != nil:
			k.again(was, v)
		case k.told.asked(code, k.policy):
			k.home.index[code] = taken
		case code == option.CodeMSClasslessStaticRoutes && k.home.mirrored: // it follows what becomes of 121
		case code == option.CodeClasslessStaticRoutes && k.home.mirrored && k.told.get(option.CodeMSClasslessStaticRoutes) != nil:
			k.again(k.told.get(option.CodeMSClasslessStaticRoutes), v)
			k.kept[len(k.kept)-1].Code = option.CodeClasslessStaticRoutes
		case k.listed == nil || slices.Contains(k.listed, code) || k.told.noRoom.Has(code):
			k.more = k.more || k.sent(v)
			k.kept = append(k.kept, *v)
		}
	}
}

// keepOwns chooses for what this member alone would say.
func (k *keeping) keepOwns() {
	if k.own == k.home {
		return
	}
	for i := range k.own.values {
		v := &k.own.values[i]
		if k.ownAlone(uint8(v.Code), v) {
			k.kept = append(k.kept, *v)
		}
	}
}

// ownAlone reports whether an option that the home does not give is as this member has it: v, nil for nothing.
func (k *keeping) ownAlone(code uint8, v *Value) bool {
	t := &k.policy.takeovers
	return k.home.get(code) == nil && (v != nil && t.local(v.Takeover) || k.home.unsetIs(uint16(code), t) || v == nil && t.local(0))
}

// keepTold chooses for what the client was told and its home would not tell it.
func (k *keeping) keepTold() {
	for i := range k.told.values {
		was := &k.told.values[i]
		code := uint8(was.Code)
		if !ofOneMessage(code) && k.home.get(code) == nil && !k.ownAlone(code, k.own.get(code)) {
			k.again(was, nil)
		}
	}
}

// again lets the client be told was once more, of which its home would say now v, nil for nothing.
func (k *keeping) again(was, v *Value) {
	w := *was
	if list := k.told.list; list != nil {
		w.Forced = w.Forced || !slices.Contains(list, uint8(was.Code)) // it was told without asking
		w.OnlyAsked = was.Layer == config.HostRequirements || was.reason == nil && v != nil && v.OnlyAsked || k.twin(was)
	}
	w.Forced = w.Forced || v != nil && v.Forced
	k.kept = append(k.kept, w)
}

// twin reports whether v is option 249, and says what 121 says.
func (k *keeping) twin(v *Value) bool {
	routes := k.told.get(option.CodeClasslessStaticRoutes)
	return v.Code == option.CodeMSClasslessStaticRoutes && routes != nil && string(routes.Bytes) == string(v.Bytes)
}

// sent reports whether the client is sent v (AppendSent).
func (k *keeping) sent(v *Value) bool {
	switch code := uint8(v.Code); {
	case v.Forced:
		return true
	case k.listed != nil:
		return slices.Contains(k.listed, code)
	default:
		return !v.OnlyAsked && unlisted(code, k.facts)
	}
}

// ofOneMessage reports whether an option says what the client's message said, or belongs to one message.
func ofOneMessage(code uint8) bool {
	return NotInResult(code) || code == option.CodeClientUUID || code == option.CodeSubnetSelection
}

// keepParameters is keep for what is no option.
func (p *Policy) keepParameters(f *Facts, d *Decision, own *settled) {
	t, h, o := &p.takeovers, &d.parameters, &own.parameters
	from := func(local bool) *parameters {
		if local {
			return o
		}
		return &d.told.parameters
	}
	h.takeNextServer(owns, from(t.either(h.nextServer.IsValid(), h.nextServerTakeover, o.nextServer.IsValid(), o.nextServerTakeover)))
	h.takeBootFile(owns, from(t.either(len(h.bootFile) > 0, h.bootFileTakeover, len(o.bootFile) > 0, o.bootFileTakeover)))
	h.takeServerHostname(owns, from(t.either(len(h.serverHostname) > 0, h.serverHostnameTakeover, len(o.serverHostname) > 0, o.serverHostnameTakeover)))
	switch {
	case t.either(d.bounds.written(), d.bounds.takeover, own.bounds.written(), own.bounds.takeover):
		if own != &d.settled {
			d.Lifetime, d.LifetimeReason = p.lifetime(f, &own.bounds)
		}
	case d.told.lifetime > 0:
		d.Lifetime, d.LifetimeReason = d.told.lifetime, d.told.lifetimeReason
	}
}
