package node

import (
	"fmt"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// today says what the client of b, which d shows, would be told now, and notes in d's options how they differ.
func (c *Core) today(d *LeaseDetail, b *binding.Binding) *LeaseToday {
	as := c.ledger.judge.HomeOf(b)
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
	t.compare(d, e.Options, c.compare(b))
	return t
}

// compare says how b's client stands, or stood when its lease ended. What it returns is valid until the next binding is judged.
func (c *Core) compare(b *binding.Binding) ledger.Comparison {
	held := *b
	held.State = binding.Active
	return c.ledger.judge.Compare(&held)
}

// compare sets the options of now beside those that the client was told.
func (t *LeaseToday) compare(d *LeaseDetail, now []policy.ExplainedOption, found ledger.Comparison) {
	t.Differs = found.Standing == ledger.Stale
	differs := func(code uint16) bool {
		return slices.ContainsFunc(found.Differences, func(x ledger.Difference) bool { return x.Code == code })
	}
	for i := range d.Options {
		o := &d.Options[i]
		at := slices.IndexFunc(now, func(x policy.ExplainedOption) bool { return x.Code == o.Code })
		if at >= 0 {
			o.Today = todayOption(&now[at])
		} else if echoed(o) {
			o.Today = &TodayOption{Value: o.Value, Text: o.Text}
		}
		o.Differs = differs(o.Code)
	}
	for i := range now {
		if x := &now[i]; differs(x.Code) && !slices.ContainsFunc(d.Options, func(o ToldOption) bool { return o.Code == x.Code }) {
			t.New = append(t.New, ToldOption{
				SaidOption: SaidOption{Name: x.Name, Code: x.Code}, Today: todayOption(x), Differs: true,
			})
		}
	}
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
