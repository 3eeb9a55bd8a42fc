package node

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

func versionNamed(s string) binding.Digest { return binding.DigestOf([]byte(s)) }

// version is the pair's document with something replaced, under a name of the group's history.
func (p *pair) version(m *member, name string, before []string, replace ...string) *policy.Policy {
	p.t.Helper()
	doc, problems := config.Parse("pair.yaml", []byte("server: {name: "+string(m.name)+"}\n"+strings.NewReplacer(replace...).Replace(pairDocument)))
	if doc == nil {
		p.t.Fatal(problems)
	}
	all := map[binding.Digest]struct{}{}
	for _, b := range before {
		all[versionNamed(b)] = struct{}{}
	}
	return policy.Compile(doc).Named(versionNamed(name), all)
}

func (p *pair) adopt(m *member, to *policy.Policy) {
	p.handle(m, Adopt{Policy: to})
	for m.core.Sweeping() {
		p.handle(m, Sweep{})
	}
}

func (p *pair) renew(m *member, client byte, a netip.Addr) {
	p.t.Helper()
	p.only(m, func() {
		answers := p.ask(client, dhcpv4.Request, a, nil)
		if len(answers) != 1 || answers[0].Type() != dhcpv4.Ack {
			p.t.Fatalf("client %d renews with %s: %v", client, m.name, answers)
		}
	})
}

func (p *pair) listed(m *member) map[netip.Addr]string {
	all := map[netip.Addr]string{}
	m.core.ledger.book.Scan(0, 1<<20, func(e ledger.Entry) { all[e.Prefix.Addr()] = e.Cause.String() })
	return all
}

// While the two are apart, west serves by a newer version. A client hears it, and then moves to east's segment, where it is told the
// older one: the one case that no server can know. At the heal both name it, and nobody else, until it is answered again.
func TestAClientThatWasToldOlderWhileApartIsNamed(t *testing.T) {
	for _, c := range []struct {
		name  string
		merge bool // east makes a branch of its own, by which the client is told; the two merge later
		early bool // the members serve by the common head before the bindings are told
	}{{"one side", false, false}, {"one side, the versions first", false, true}, {"both sides", true, false}, {"both sides, the versions first", true, true}} {
		t.Run(c.name, func(t *testing.T) { toldOlder(t, c.merge, c.early) })
	}
}

func toldOlder(t *testing.T, merge, early bool) {
	p := newPair(t)
	west, east := p.sides[0], p.sides[1]
	for _, m := range p.sides {
		p.adopt(m, p.version(m, "one", nil))
	}
	p.link()
	p.pass(30 * time.Second)
	has := map[byte]netip.Addr{}
	for client := byte(1); client <= 6; client++ {
		ack, ok := p.take(client)
		if !ok {
			t.Fatal("no lease")
		}
		has[client] = ack.YIAddr
	}
	p.pass(10 * time.Second)
	p.cut("the bridge failed")
	p.pass(time.Minute)

	var lineage Descent
	descends := func(name string, parents ...string) {
		v := Descendant{ID: versionNamed(name), Document: versionNamed("document " + name)}
		for _, p := range parents {
			v.Parents = append(v.Parents, versionNamed(p))
		}
		lineage.Versions = append(lineage.Versions, v)
	}
	descends("one")
	descends("two", "one")
	p.adopt(west, p.version(west, "two", []string{"one"}, "corp.example", "west.example"))
	head, before, says := "two", []string{"one"}, []string{"corp.example", "west.example"}
	if merge {
		descends("three", "one")
		descends("four", "two", "three")
		p.adopt(east, p.version(east, "three", []string{"one"}, "10.0.0.2", "10.0.0.3"))
		head, before, says = "four", []string{"one", "two", "three"}, append(says, "10.0.0.2", "10.0.0.3")
	}
	for client := byte(1); client <= 3; client++ {
		p.renew(west, client, has[client]) // they hear the new one
	}
	p.pass(time.Minute)
	p.renew(east, 3, has[3]) // and this one has moved
	p.renew(east, 4, has[4])
	p.pass(time.Minute)

	meet := func() {
		for _, m := range p.sides {
			p.adopt(m, p.version(m, head, before, says...))
		}
	}
	for _, m := range p.sides { // a version travels before what was told by it
		p.handle(m, lineage)
	}
	if early {
		meet()
	}
	p.link()
	p.pass(30 * time.Second)
	if !early {
		meet()
	}
	for _, m := range p.sides {
		got := p.listed(m)
		b, _ := m.table.Get(host(has[3]))
		if got[has[3]] != "told older while apart" || b.Cause != binding.ToldOlder {
			t.Errorf("%s has the client that moved as %q, its binding %q", m.name, got[has[3]], b.Cause)
		}
		for client, a := range has {
			if client != 3 && got[a] == "told older while apart" {
				t.Errorf("%s says so of client %d, too", m.name, client)
			}
		}
		if !merge && (got[has[1]] != "" || got[has[2]] != "") || got[has[5]] != "configuration changed" || got[has[6]] != "configuration changed" {
			t.Errorf("%s: %v, of %v", m.name, got, has)
		}
		if err := m.core.Audit(); err != nil {
			t.Error(m.name, err)
		}
	}
	// It survives a restart, and ends with the next answer, whoever gives it.
	for _, m := range p.sides {
		p.start(m)
		p.adopt(m, p.version(m, head, before, says...))
		if got := p.listed(m); got[has[3]] != "told older while apart" {
			t.Errorf("after a restart %s says %v", m.name, got)
		}
	}
	p.link()
	p.pass(30 * time.Second)
	for client := byte(1); client <= 6; client++ {
		if answers := p.ask(client, dhcpv4.Request, has[client], nil); len(answers) == 0 {
			t.Errorf("client %d hears nothing", client)
		}
	}
	p.pass(30 * time.Second)
	for _, m := range p.sides {
		if got := p.listed(m); len(got) != 0 {
			t.Errorf("everybody renewed, and %s says %v", m.name, got)
		}
		if err := m.core.Audit(); err != nil {
			t.Error(m.name, err)
		}
	}
}

// A client's home is changed on both, and what it has is then another home's.
func TestRehome(t *testing.T) {
	p := newPair(t)
	p.link()
	p.pass(30 * time.Second)
	ack, ok := p.take(1)
	if !ok {
		t.Fatal("no lease")
	}
	p.pass(10 * time.Second)
	a := ack.YIAddr
	was, _ := p.sides[0].table.Get(host(a))
	to := map[binding.Member]binding.Member{"west": "east", "east": "west"}[was.Home]
	west := p.sides[0]
	for _, c := range []struct {
		a  netip.Addr
		to binding.Member
	}{{a, "south"}, {a, ""}, {a.Next().Next().Next(), to}} {
		err, ok := west.core.rehome(p.now, c.a, c.to, &west.out).(*RefusedError)
		if !ok || err.Why == "" || err.Remedy == "" {
			t.Errorf("%v to %q: %v", c.a, c.to, err)
		}
	}
	if err := west.core.rehome(p.now, a, to, &west.out); err != nil {
		t.Fatal(err)
	}
	p.handle(west, Tick{})
	p.talk()
	p.pass(time.Minute)
	for _, m := range p.sides {
		b, _ := m.table.Get(host(a))
		if b.Home != to || b.State != binding.Active || !b.Expires.Equal(was.Expires) || b.Sync.Acked.IsZero() {
			t.Errorf("%s knows %+v", m.name, b)
		}
		for m.core.Sweeping() {
			p.handle(m, Sweep{})
		}
		if got := p.listed(m); got[a] != "another home or release" {
			t.Errorf("%s: %v", m.name, got)
		}
		if err := m.core.Audit(); err != nil {
			t.Error(err)
		}
	}
	p.ask(1, dhcpv4.Request, a, nil)
	p.pass(10 * time.Second)
	for _, m := range p.sides {
		if b, _ := m.table.Get(host(a)); b.Home != to || len(p.listed(m)) != 0 {
			t.Errorf("%s knows %+v, and lists %v", m.name, b, p.listed(m))
		}
	}
}

// Another vendor's server does not say what it tells clients. Of one that it answered that is not known any more, but what it only
// says again of ours is what it was.
func TestWhatAnISCServerTellsIsUnknown(t *testing.T) {
	x := newTraffic(t)
	a := x.lease(1)
	mine, _ := x.core.table.Get(host(a))
	for _, c := range []struct {
		name     string
		answered time.Duration // after us
		want     binding.Cause
	}{{"said again", 0, binding.Granted}, {"renewed", time.Minute, binding.ToldByPartner}} {
		n := mine
		n.Cause, n.CLTT = binding.ToldByPartner, mine.CLTT.Add(c.answered)
		x.core.toldOlder(failover.Tick{}, &n)
		x.core.table.Put(n, n.Expires)
		x.core.rejudge(x.now, &n)
		if s := x.core.ledger.summary(1); n.Cause != c.want || s.Unknown != int(c.answered/time.Minute) || s.Clients != 0 {
			t.Errorf("%s: %q, %+v", c.name, n.Cause, s)
		}
	}
	if err := x.core.Audit(); err != nil {
		t.Error(err)
	}
	x.say(dhcpv4.Request, 1, a, true)
	if s := x.core.ledger.summary(1); s.Unknown != 0 {
		t.Errorf("we answered it, and %+v", s)
	}
}
