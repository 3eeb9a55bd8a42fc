package node

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// compile returns the policy of a document, with a name in the group's history unless id is zero.
func (p *pair) compile(text string, id binding.Digest, before ...binding.Digest) *policy.Policy {
	p.t.Helper()
	doc, problems := config.Parse("pair.yaml", []byte("server: {name: west}\n"+text))
	if doc == nil {
		p.t.Fatal(problems)
	}
	q := policy.Compile(doc)
	if id.IsZero() {
		return q
	}
	from := map[binding.Digest]struct{}{}
	for _, b := range before {
		from[b] = struct{}{}
	}
	return q.Named(id, from)
}

// newNormalPair returns two members that serve together.
func newNormalPair(t *testing.T) *pair {
	p := newPair(t)
	p.link()
	p.pass(30 * time.Second)
	if got := p.states(); got != "NORMAL NORMAL" {
		t.Fatal(got)
	}
	return p
}

// each lets both servers hear a client with the address a, and returns what each says of an option.
func (p *pair) each(client byte, a netip.Addr, code uint8) map[string]string {
	list := map[uint8][]byte{option.CodeParameterRequestList: {1, 3, option.CodeLogServers, option.CodeDomainName}}
	said := map[string]string{}
	for _, m := range p.ask(client, dhcpv4.Request, a, list) {
		v, _ := m.Option(uint16(code))
		if m.Type() != dhcpv4.Ack {
			v = []byte("refused")
		}
		if code == option.CodeLogServers && len(v) == 4 {
			v = []byte(netip.AddrFrom4([4]byte(v)).String())
		}
		said[serverOf(m)] = string(v)
	}
	return said
}

// only lets one server alone hear clients while f runs.
func (p *pair) only(m *member, f func()) {
	o := p.other(m)
	core := o.core
	o.core = nil
	f()
	o.core = core
	p.talk()
}

// A client of west is told west's options by east, apart and together, and keeps its home; what changed at west alone meanwhile
// east says again as it was told.
func TestAClientIsToldByEitherServerWhatItsHomeSays(t *testing.T) {
	p := newNormalPair(t)
	west, east := p.sides[0], p.sides[1]
	homes := map[byte]netip.Addr{}
	for c := byte(1); c <= 20; c++ {
		ack, ok := p.take(c)
		if !ok {
			t.Fatalf("client %d hears nothing", c)
		}
		homes[c] = ack.YIAddr
	}
	home := func(m *member, a netip.Addr) binding.Binding { b, _ := m.table.Get(host(a)); return b }
	counts := map[binding.Member]int{}
	check := func(when string, want func(server string, home binding.Member) string, code uint8) {
		t.Helper()
		for c, a := range homes {
			before := home(west, a).Home
			counts[before]++
			for server, got := range p.each(c, a, code) {
				if w := want(server, before); got != w {
					t.Errorf("%s: %s tells client %d of %s %s, want %s", when, server, c, before, got, w)
				}
			}
			for _, m := range p.sides {
				if got := home(m, a).Home; got != before {
					t.Errorf("%s: the home of client %d became %s", when, c, got)
				}
			}
		}
	}
	log := func(_ string, home binding.Member) string {
		return map[binding.Member]string{"west": "10.0.0.1", "east": "10.0.0.2"}[home]
	}
	check("together", log, option.CodeLogServers)
	if counts["west"] == 0 || counts["east"] == 0 {
		t.Fatalf("all clients are one server's: %v", counts)
	}
	p.cut("cut")
	p.pass(time.Minute)
	check("apart", log, option.CodeLogServers)

	// Both go on from the same version, each by a change of its own.
	root, westID, eastID := binding.Digest{1}, binding.Digest{2}, binding.Digest{3}
	named := func(m *member, name string, id binding.Digest, before ...binding.Digest) {
		p.handle(m, Adopt{Policy: p.compile(strings.Replace(pairDocument, "corp.example", name, 1), id, before...)})
	}
	for _, m := range p.sides {
		named(m, "corp.example", root, west.core.policy.Version)
	}
	p.link()
	p.pass(time.Minute)
	check("with a name", func(string, binding.Member) string { return "corp.example" }, option.CodeDomainName)
	p.pass(time.Minute)
	p.cut("cut")
	named(west, "west.example", westID, root)
	named(east, "east.example", eastID, root)
	p.pass(time.Minute)
	check("two branches", func(server string, _ binding.Member) string { return server + ".example" }, option.CodeDomainName)
	for c, a := range homes { // of two leases that cross, the later one is kept by both
		p.now = p.now.Add(time.Second)
		p.only(p.sides[c%2], func() { p.each(c, a, option.CodeDomainName) })
	}
	p.link()
	p.pass(2 * time.Minute)

	// Each says what was told last, whoever said it.
	for c, a := range homes {
		want := string(p.sides[c%2].name)
		for _, m := range p.sides {
			p.only(m, func() {
				if got := p.each(c, a, option.CodeDomainName)[string(m.name)]; got != want+".example" {
					t.Errorf("in a conflict %s tells client %d %s, and %s told it last", m.name, c, got, want)
				}
			})
			b, e := home(west, a), home(east, a)
			if e.Result.Digest() != b.Result.Digest() || e.Version != b.Version || b.Version != map[string]binding.Digest{"west": westID, "east": eastID}[want] {
				t.Fatalf("client %d: %v and %v", c, b.Version, e.Version)
			}
			if d := m.core.detail(&b).Again; (d != nil) != (string(m.name) != want) || d != nil && (d.By != m.name || d.Rule != binding.RuleToldBefore) {
				t.Errorf("client %d: shown is %+v", c, d)
			}
			if again := string(m.name) != want; answeredAgain(&b) != again || answeredAgain(&e) != again {
				t.Errorf("client %d was told again: %v", c, answeredAgain(&b))
			}
		}
	}

	// The conflict is resolved: everybody gets what is new.
	for _, m := range p.sides {
		named(m, "new.example", binding.Digest{4}, root, westID, eastID)
	}
	check("resolved", func(string, binding.Member) string { return "new.example" }, option.CodeDomainName)
	p.pass(time.Minute)
	p.same()
}

// answeredAgain reports whether some server told b's client what it had been told before.
func answeredAgain(b *binding.Binding) bool {
	rs, _ := binding.DecodeReasons(b.Reasons.Bytes)
	for _, r := range rs {
		if r.Code == binding.ReasonTaken {
			return true
		}
	}
	return false
}
