package policy

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// takeovers says what a document marks `home` and `local`.
type takeovers struct {
	group config.Takeover // of what says nothing itself
	// someLocal says that something is marked local; noneHome that everything is, so that nobody's home counts.
	someLocal, noneHome bool
}

func (p *Policy) findTakeovers() takeovers {
	t := takeovers{group: p.Document.Group.OnTakeover}
	t.someLocal = t.group == config.TakeoverLocal
	home := !t.someLocal
	see := func(x config.Takeover) {
		t.someLocal = t.someLocal || x == config.TakeoverLocal
		home = home || x == config.TakeoverHome
	}
	for _, s := range p.scopes() {
		see(s.takeover)
		for i := range s.values {
			see(s.values[i].Takeover)
		}
	}
	t.noneHome = !home
	return t
}

// local reports whether what is marked so, 0 for not at all, is given as the answering member has it.
func (t *takeovers) local(x config.Takeover) bool {
	return x == config.TakeoverLocal || x == 0 && t.group == config.TakeoverLocal
}

// Local reports whether v is one member's own: another one that answers its clients gives them what it has itself.
func (p *Policy) Local(v *Value) bool { return p.takeovers.local(v.Takeover) }

// SomeLocal reports whether anything is one member's own, so that it matters who answers.
func (p *Policy) SomeLocal() bool { return p.takeovers.someLocal }

// HomeOf returns the member that is at home for b's client where self answers it: b.Home, or self where the document does not name
// that any more.
func (p *Policy) HomeOf(b *binding.Binding, self binding.Member) binding.Member {
	return p.homeOf(b, self)
}

// homeOf returns the member that is at home for b's client where self answers it: a home that the document does not name any
// more is nobody's.
func (p *Policy) homeOf(b *binding.Binding, self binding.Member) binding.Member {
	if b.Home == self {
		return self
	}
	if _, ok := p.members[b.Home]; ok {
		return b.Home
	}
	return self
}

// side says whose value is given.
type side uint8

const (
	nobodys side = iota
	homes
	owns
)

// choose says whose value is given where the client's home and the answering member may each have one: the home's, but for what
// is marked local. hasHome and hasOwn say who has one, home and own how it is marked.
func (t *takeovers) choose(hasHome bool, home config.Takeover, hasOwn bool, own config.Takeover) side {
	switch {
	case hasHome && !t.local(home):
		return homes
	case hasOwn && (hasHome || t.local(own)):
		return owns
	}
	return nobodys
}

// mix lets d, which is settled as the client's home, say what is marked local as d.own has it.
func (p *Policy) mix(f *Facts, d *Decision) {
	t, own := &p.takeovers, &d.own
	d.options.mix(t, &own.options)
	h, o := &d.parameters, &own.parameters
	if by := t.choose(h.nextServer.IsValid(), h.nextServerTakeover, o.nextServer.IsValid(), o.nextServerTakeover); by != homes {
		h.takeNextServer(by, o)
	}
	if by := t.choose(len(h.bootFile) > 0, h.bootFileTakeover, len(o.bootFile) > 0, o.bootFileTakeover); by != homes {
		h.takeBootFile(by, o)
	}
	if by := t.choose(len(h.serverHostname) > 0, h.serverHostnameTakeover, len(o.serverHostname) > 0, o.serverHostnameTakeover); by != homes {
		h.takeServerHostname(by, o)
	}
	if t.ownLifetime(&d.bounds, &own.bounds) {
		d.Lifetime, d.LifetimeReason = p.lifetime(f, &own.bounds)
	}
}

// either reports whether one of the two values marks it local, or the group where there is neither.
func (t *takeovers) either(hasHome bool, home config.Takeover, hasOwn bool, own config.Takeover) bool {
	return hasHome && t.local(home) || hasOwn && t.local(own) || !hasHome && !hasOwn && t.local(0)
}

// ownLifetime reports whether the client has the lifetime of the answering member: everybody has one.
func (t *takeovers) ownLifetime(home, own *bounds) bool {
	if home.written() {
		return t.local(home.takeover)
	}
	return own.written() && t.local(own.takeover)
}

// written reports whether a layer of the document sets the default. Everybody has the one that is built in.
func (b *bounds) written() bool { return b.layer > config.HostRequirements }

// takeNextServer takes o's, which may be q, or none.
func (q *parameters) takeNextServer(by side, o *parameters) {
	if by != owns {
		o = &parameters{}
	}
	q.nextServer, q.nextServerReason = o.nextServer, o.nextServerReason
}

// takeBootFile takes o's, which may be q, or none.
func (q *parameters) takeBootFile(by side, o *parameters) {
	if by != owns {
		o = &parameters{}
	}
	q.bootFile, q.bootFileReason = o.bootFile, o.bootFileReason
}

// takeServerHostname takes o's, which may be q, or none.
func (q *parameters) takeServerHostname(by side, o *parameters) {
	if by != owns {
		o = &parameters{}
	}
	q.serverHostname, q.serverHostnameReason = o.serverHostname, o.serverHostnameReason
}

// mix lets o say what is marked local as own has it.
func (o *options) mix(t *takeovers, own *options) {
	mixed := o.spare[:0]
	for i := range o.values {
		v := &o.values[i]
		if t.local(v.Takeover) {
			v = own.get(uint8(v.Code))
		}
		if v != nil {
			mixed = append(mixed, *v)
		}
	}
	for i := range own.values {
		w := &own.values[i]
		hasHome := o.get(uint8(w.Code)) != nil
		if !hasHome && (t.local(w.Takeover) || o.unsetIs(w.Code, t)) {
			mixed = append(mixed, *w)
		}
	}
	o.replace(mixed)
}

// unsetIs reports whether an option is taken away by what is marked local.
func (o *options) unsetIs(code uint16, t *takeovers) bool {
	for _, v := range o.unset {
		if v.Code == code {
			return t.local(v.Takeover)
		}
	}
	return false
}

// replace makes vs, which is o.spare's memory, o's values. What is taken away stays so.
func (o *options) replace(vs []Value) {
	if len(vs) >= taken { // there are no more codes
		vs = vs[:taken-1]
	}
	for code, at := range o.index {
		if at != taken {
			o.index[code] = 0
		}
	}
	o.values, o.spare = vs, o.values[:0]
	for i := range o.values {
		o.index[uint8(o.values[i].Code)] = uint8(i + 1)
	}
}
