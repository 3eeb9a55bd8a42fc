package node

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// today says what the client of b, which d shows, would be told now, and notes in d's options how they differ.
func (c *Core) today(d *LeaseDetail, b *binding.Binding) *LeaseToday {
	as := c.homeOf(b)
	t := &LeaseToday{As: as, ConfigVersion: c.policy.Version.String()}
	e, ok := c.policy.ExplainBinding(as, b)
	if !ok {
		t.NotKnown = "the network that the client was heard on is none any more, and the address is in no subnet"
		if d.Facts == nil {
			t.NotKnown = "what the client said is not known"
		}
		return t
	}
	t.Result, t.Notes, t.Lifetime = e.Result, e.Notes, e.Lease.Seconds
	l := e.Lease.Origin
	t.Parameters = append(t.Parameters, ToldParameter{Name: "lifetime", Layer: l.Layer, Object: l.Object, Line: l.Line, Rule: l.Rule})
	for _, p := range e.Parameters {
		field := map[string]*string{"next-server": &t.NextServer, "server-hostname": &t.ServerHostname, "boot-file-name": &t.BootFileName}[p.Name]
		if field == nil {
			continue
		}
		*field = fmt.Sprint(p.Value)
		t.Parameters = append(t.Parameters, ToldParameter{Name: p.Name, Layer: p.Layer, Object: p.Object, Line: p.Line, Rule: p.Rule})
	}
	t.compare(d, e.Options)
	return t
}

// homeOf returns the member that answers for b: its home, unless the document does not have that any more.
func (c *Core) homeOf(b *binding.Binding) binding.Member {
	members := c.policy.Document.Group.Members
	if b.Home == "" || !slices.ContainsFunc(members, func(m config.Member) bool { return m.Name == b.Home }) {
		return c.self
	}
	return b.Home
}

// compare sets the options of now beside those that the client was told.
func (t *LeaseToday) compare(d *LeaseDetail, now []policy.ExplainedOption) {
	for i := range d.Options {
		o := &d.Options[i]
		at := slices.IndexFunc(now, func(x policy.ExplainedOption) bool { return x.Code == o.Code })
		switch {
		case at >= 0:
			o.Today = todayOption(&now[at])
			o.Differs = !sameValue(o.Value, o.Today.Value)
		case echoed(o):
			o.Today = &TodayOption{Value: o.Value, Text: o.Text}
		default:
			o.Differs = d.Told
		}
		t.Differs = t.Differs || o.Differs
	}
	for i := range now {
		x := &now[i]
		known := slices.ContainsFunc(d.Options, func(o ToldOption) bool { return o.Code == x.Code }) ||
			slices.ContainsFunc(d.LeftOut, func(o LeftOut) bool { return o.Code == x.Code }) // there would be no room today either
		if !known {
			t.New = append(t.New, ToldOption{
				SaidOption: SaidOption{Name: x.Name, Code: x.Code}, Today: todayOption(x), Differs: true,
			})
		}
	}
	t.Differs = t.Differs || len(t.New) > 0 || t.Lifetime != d.Lifetime ||
		t.NextServer != d.NextServer || t.ServerHostname != d.ServerHostname || t.BootFileName != d.BootFileName
}

func todayOption(x *policy.ExplainedOption) *TodayOption {
	o := &TodayOption{Value: x.Value, Text: x.Text, Origin: x.Origin}
	for _, p := range x.Parts {
		o.Parts = append(o.Parts, p.Origin)
	}
	return o
}

// echoed reports whether the option only gave back what the client said (RFC 4578 §2.3, RFC 3011 §2), which it would again.
func echoed(o *ToldOption) bool {
	return o.Layer == "" && (o.Code == option.CodeClientUUID || o.Code == option.CodeSubnetSelection)
}

// sameValue compares values as reports have them; octets of no known shape are hexadecimal in the one, and {hex: …} in
// the other.
func sameValue(told, now any) bool {
	if m, ok := now.(map[string]string); ok {
		return told == m["hex"]
	}
	return reflect.DeepEqual(told, now)
}
