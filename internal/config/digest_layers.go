package config

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
)

// number writes n as a value of so many octets.
func (c *canonical) number(n uint64, octets int) {
	b := binary.BigEndian.AppendUint64(nil, n)
	c.value(b[8-octets:])
}

// setting writes an option of a scope. A plain value is its octets, as in the first documents; what has another form is
// a map.
func (c *canonical) setting(o *Setting) {
	c.number(uint64(o.Def.Code), 2)
	if o.Form == Set && o.OnTakeover == 0 {
		c.value(o.Value)
		return
	}
	c.open('{')
	c.text("form", o.Form.String())
	c.takeover("on-takeover", o.OnTakeover)
	if o.Form != Unset {
		c.key("value")
		c.value(o.Value)
	}
	c.open('}')
}

func (c *canonical) takeover(key string, t Takeover) {
	switch t {
	case TakeoverHome:
		c.text(key, "home")
	case TakeoverLocal:
		c.text(key, "local")
	}
}

// named writes the objects of a layer, which ascend by name.
func (c *canonical) named(key string, all []Named) {
	if len(all) == 0 {
		return
	}
	c.key(key)
	c.open('{')
	for i := range all {
		c.key(all[i].Name)
		c.open('{')
		c.scope(&all[i].Scope)
		c.open('}')
	}
	c.open('}')
}

// intranets writes which networks each has in ascending order, since it is a set.
func (c *canonical) intranets(all []Intranet) {
	if len(all) == 0 {
		return
	}
	c.key("intranets")
	c.open('{')
	for i := range all {
		n := &all[i]
		c.key(n.Name)
		c.open('{')
		c.texts("networks", slices.Sorted(slices.Values(n.Networks)))
		c.scope(&n.Scope)
		c.open('}')
	}
	c.open('}')
}

// classes writes a list, since the order of classes says which is stronger.
func (c *canonical) classes(all []Class) {
	if len(all) == 0 {
		return
	}
	c.key("classes")
	c.open('[')
	for i := range all {
		x := &all[i]
		c.key(x.Name)
		c.open('{')
		c.text("kind", x.Kind.String())
		if x.simple {
			c.text("conditions", x.Text)
		} else {
			c.text("match", x.Text)
		}
		if x.Priority != 0 {
			c.text("priority", strconv.Itoa(x.Priority))
		}
		c.scope(&x.Scope)
		c.open('}')
	}
	c.open(']')
}

// group writes the members in ascending order of name, and always the primary: the order in which they are written says
// nothing else. A group that says nothing is not there.
func (c *canonical) group(g *Group) {
	failover := c.failover(&g.Failover)
	if g.Name == "" && len(g.Members) == 0 && len(failover) == 0 && g.OnTakeover != TakeoverLocal {
		return
	}
	c.key("group")
	c.open('{')
	if len(failover) > 0 {
		c.key("failover")
		c.open('{')
		for _, f := range failover {
			c.text(f.key, f.value)
		}
		c.open('}')
	}
	if len(g.Members) > 0 {
		c.key("members")
		c.open('{')
		for _, m := range slices.SortedFunc(slices.Values(g.Members), func(a, b Member) int { return cmp.Compare(a.Name, b.Name) }) {
			c.member(&m)
		}
		c.open('}')
	}
	c.text("name", cmp.Or(g.Name, DefaultGroup))
	if g.OnTakeover == TakeoverLocal { // home is what holds where nothing is said
		c.takeover("on-takeover", g.OnTakeover)
	}
	c.text("primary", string(g.Primary))
	c.open('}')
}

func (c *canonical) member(m *Member) {
	c.key(string(m.Name))
	c.open('{')
	c.text("class", m.Class)
	if m.Peer.IsValid() {
		c.text("peer", m.Peer.String())
	}
	if m.Protocol != ProtocolLessor {
		c.text("protocol", m.Protocol)
	}
	c.open('}')
}

// entry is a key and its value.
type entry struct{ key, value string }

// failover returns what is not as it is where the document says nothing.
func (c *canonical) failover(f *Failover) (all []entry) {
	d := defaultFailover()
	for _, x := range []struct {
		key        string
		is, unsaid string
	}{
		{"auto-partner-down", f.AutoPartnerDown.String(), d.AutoPartnerDown.String()},
		{"guard", f.Guard.String(), d.Guard.String()},
		{"load-balance-secs", strconv.Itoa(f.LoadBalanceSecs), strconv.Itoa(d.LoadBalanceSecs)},
		{"max-skew", f.MaxSkew.String(), d.MaxSkew.String()},
		{"max-unacked", strconv.Itoa(f.MaxUnacked), strconv.Itoa(d.MaxUnacked)},
		{"mclt", f.MCLT.String(), d.MCLT.String()},
		{"receive-timer", f.ReceiveTimer.String(), d.ReceiveTimer.String()},
		{"reconnect", f.Reconnect.String(), d.Reconnect.String()},
		{"relationship", f.Relationship, d.Relationship},
		{"split", strconv.Itoa(f.Split), strconv.Itoa(d.Split)},
		{"startup", f.Startup.String(), d.Startup.String()},
	} {
		if x.is != x.unsaid {
			all = append(all, entry{x.key, x.is})
		}
	}
	return all
}

// precedence writes the orders themselves, whatever they are called. The native order is not there: it is what holds
// where nothing is said.
func (c *canonical) precedence(x *Precedence) {
	if x.equal(profiles["native"]) {
		return
	}
	c.key("precedence")
	c.open('{')
	for _, habit := range []struct {
		key string
		has bool
	}{
		{"basics-unasked", x.BasicsUnasked}, {"derived-last", x.DerivedLast}, {"force-sticks", x.ForceSticks}, {"own-mask", x.OwnMask},
		{"reserved-outside-pools", x.ReservedOutsidePools},
	} {
		if habit.has {
			c.flag(habit.key, &habit.has)
		}
	}
	c.order("options", x.Options)
	c.order("parameters", x.Parameters)
	c.open('}')
}

func (c *canonical) order(key string, o Order) {
	c.key(key)
	c.open('[')
	for _, place := range o {
		c.open('[')
		for _, l := range place {
			c.key(l.String())
		}
		c.open(']')
	}
	c.open(']')
}
