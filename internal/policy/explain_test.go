package policy

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

const explained = `group: {name: campus, members: {west: {class: core}}}
enterprise: {lease: {default: 4h}, next-server: 10.9.0.1, options: {root-path: enterprise, time-servers: [10.9.0.1]}}
intranets: {lab: {networks: [lan], options: {root-path: intranet}}}
server-classes: {core: {options: {root-path: core}}}
servers: {west: {options: {root-path: west}, next-server: 10.9.0.2}}
networks:
  other: {subnets: {10.1.0.0/24: {pools: [{range: 10.1.0.10-10.1.0.19, allow: [phones]}]}}}
  lan:
    options: {root-path: lan, time-servers: {append: [10.9.0.2]}}
    subnets:
      10.0.0.0/24:
        lease: {default: 2h}
        options: {root-path: subnet}
        pools:
          - {range: 10.0.0.10-10.0.0.19, options: {root-path: pool}, deny: [phones]}
          - {range: 10.0.0.20-10.0.0.29, allow: [phones, known]}
classes:
  phones: {kind: vendor, match: 'vendor_class.startsWith("Phone")', options: {root-path: phones, merit-dump: {unset: true}}, lease: {default: 30m}}
  users: {kind: user, match: 'user_class == "u"', options: {root-path: users}}
  odd: {kind: hardware, match: 'option[93] == 7 || hardware.size() > 99', options: {root-path: odd}}
domains: {corp.example: {options: {root-path: domain}}}
hosts: {pc: {hardware: 02:00:00:00:00:01, address: 10.0.0.9, options: {root-path: host}}}
accept: {host-name: true}
`

func fact(code uint16, v string) binding.Fact { return binding.Fact{Code: code, Value: []byte(v)} }

func TestExplainNamesTheWinnerAndTheLosers(t *testing.T) {
	p := compiled(t, explained)
	e, err := p.Explain(&Question{Hardware: mac(1), Options: []binding.Fact{fact(12, "pc.corp.example"), fact(60, "Phone 7"), fact(77, "u"), fact(93, "\x00\x07\x01")}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Address == nil || *e.Address != ip("10.0.0.9") || e.Network != "lan" || e.Subnet != "10.0.0.0/24" || e.Pool != "" || e.Host != "pc" || e.Domain != "corp.example" || e.Server != "west" {
		t.Errorf("%+v", e)
	}
	if got := strings.Join(e.Classes, " "); got != "phones users" {
		t.Errorf("classes %s", got)
	}
	if len(e.Failed) != 1 || e.Failed[0].Class != "odd" || e.Failed[0].Error == "" || e.Failed[0].Line == 0 {
		t.Errorf("failed %+v", e.Failed)
	}
	for _, o := range e.Options {
		switch o.Name {
		case "root-path":
			var losers []string
			for _, l := range o.Losers {
				losers = append(losers, fmt.Sprint(l.Value))
			}
			if o.Value != "host" || o.Layer != "host" || o.Object != "pc" || o.Line == 0 || strings.Join(losers, " ") != "domain phones users subnet lan west core intranet enterprise" {
				t.Errorf("%+v", o)
			}
		case "time-servers":
			if o.Text != "10.9.0.1, 10.9.0.2" || len(o.Parts) != 2 || o.Parts[0].Object != "lan" || o.Parts[1].Layer != "enterprise" || len(o.Losers) != 0 || o.Rule != "append" {
				t.Errorf("%+v", o)
			}
		case "host-name":
			if o.Layer != "client" || o.Rule != "suggested" || o.Value != "pc.corp.example" {
				t.Errorf("%+v", o)
			}
		case "merit-dump":
			t.Error("an option that is unset is told")
		}
	}
	if len(e.Unset) != 1 || e.Unset[0].Name != "merit-dump" || e.Unset[0].Object != "phones" || e.Unset[0].Value != nil {
		t.Errorf("unset %+v", e.Unset)
	}
	l := e.Lease
	if l.Lifetime != "30m" || l.Seconds != 1800 || l.Layer != "vendor class" || l.Object != "phones" || len(l.Losers) != 2 || l.Losers[0].Text != "2h" || l.Losers[1].Text != "4h" || l.Default != "30m" || l.Max != "24h" {
		t.Errorf("lease %+v", l)
	}
	if len(e.Parameters) != 1 || e.Parameters[0].Value != "10.9.0.2" || e.Parameters[0].Layer != "server" || len(e.Parameters[0].Losers) != 1 {
		t.Errorf("parameters %+v", e.Parameters)
	}
	if len(e.Pools) != 2 || e.Pools[0].Refused != "it denies class phones" || e.Pools[1].Refused != "" {
		t.Errorf("pools %+v", e.Pools)
	}
	if e.Result == "" || e.Version != p.Version.String() {
		t.Errorf("result %q, version %q", e.Result, e.Version)
	}
	text, err := json.Marshal(&e)
	if err != nil || strings.Contains(string(text), ":null,\"losers") {
		t.Errorf("%v %s", err, text)
	}
}

func TestExplainShowsWhatIsAskedFor(t *testing.T) {
	p := compiled(t, explained)
	for list, want := range map[string]string{"": "1 4 17 19 20 22 23 24 27 28 29 30 31 32 34 35 36 37 38 39", "\x11\x17": "1 17 23"} {
		q := &Question{Hardware: mac(2), Network: "lan"}
		if list != "" {
			q.Options = []binding.Fact{fact(55, list)}
		}
		e, err := p.Explain(q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range e.Options {
			got = append(got, fmt.Sprint(o.Code))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", list, got, want)
		}
	}
}

func TestExplainFindsTheLink(t *testing.T) {
	p := compiled(t, explained)
	for _, c := range []struct {
		name string
		q    Question
		want string // network, subnet, pool, or a part of the error
		note string
	}{
		{"a reservation", Question{Hardware: mac(1)}, "lan 10.0.0.0/24 ", ""},
		{"the first that it may use", Question{Hardware: mac(2)}, "lan 10.0.0.0/24 10.0.0.10-10.0.0.19", "network lan is assumed"},
		{"the first in the document", Question{Hardware: mac(2), Options: []binding.Fact{fact(60, "Phone")}}, "other 10.1.0.0/24 10.1.0.10-10.1.0.19", "network other is assumed"},
		{"by name", Question{Hardware: mac(2), Network: "lan", Options: []binding.Fact{fact(60, "Phone")}}, "lan 10.0.0.0/24 10.0.0.20-10.0.0.29", ""},
		{"by its relay", Question{Hardware: mac(2), Relay: ip("10.1.0.1")}, "other 10.1.0.0/24 ", "may use no pool"},
		{"by its relay and by name", Question{Hardware: mac(2), Relay: ip("10.1.0.1"), Network: "other"}, "other 10.1.0.0/24 ", "may use no pool"},
		{"two links", Question{Relay: ip("10.1.0.1"), Network: "lan"}, "the relay says network other", ""},
		{"no such network", Question{Network: "lam"}, "there is no network lam: the document has lan, other", ""},
		{"no such relay", Question{Relay: ip("192.0.2.1")}, "no subnet for the relay's address, 192.0.2.1", ""},
		{"no such member", Question{As: "north"}, "there is no server north: the document names west", ""},
		{"link selection", Question{Relay: ip("10.0.0.1"), Options: []binding.Fact{fact(82, "\x05\x04\x0a\x01\x00\x00")}}, "other 10.1.0.0/24 ", "may use no pool"},
		{"an address of somebody else", Question{Hardware: mac(2), Network: "lan", Address: ip("10.0.0.9")}, "lan 10.0.0.0/24 ", "reserved for host pc"},
		{"an address elsewhere", Question{Hardware: mac(2), Network: "lan", Address: ip("10.1.0.9")}, "lan 10.0.0.0/24 ", "not on network lan"},
	} {
		e, err := p.Explain(&c.q)
		got := fmt.Sprint(err)
		if err == nil {
			got = e.Network + " " + e.Subnet + " " + e.Pool
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if notes := strings.Join(e.Notes, "; "); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s: notes %q, want %q", c.name, notes, c.note)
		}
	}
}

// A binding's client is explained by what it said, and where.
func TestExplainBinding(t *testing.T) {
	p := compiled(t, explained)
	table := binding.NewTable()
	said := binding.Facts{Link: "lan", Options: []binding.Fact{fact(55, "\x11"), fact(60, "Phone 7")}}
	b := binding.Binding{
		Prefix: netip.MustParsePrefix("10.0.0.25/32"), State: binding.Active, Home: "west", Client: binding.Client{Hardware: mac(2)},
		Facts: binding.StoredFacts{Shared: table.Intern(said.AppendShared(nil, func(uint16) bool { return false }))},
	}
	e, ok := p.ExplainBinding("west", &b)
	if !ok || len(e.Options) != 2 || e.Options[1].Value != "phones" || e.Pool != "10.0.0.20-10.0.0.29" {
		t.Errorf("%v %+v", ok, e)
	}
	b.Prefix = netip.MustParsePrefix("192.0.2.1/32") // taken out of the document; the network is still there
	if e, ok = p.ExplainBinding("west", &b); !ok || e.Network != "lan" || len(e.Notes) == 0 {
		t.Errorf("%v %+v", ok, e)
	}
	b.Facts = binding.StoredFacts{}
	if _, ok = p.ExplainBinding("west", &b); ok {
		t.Error("a client of which nothing is known is explained")
	}
}
