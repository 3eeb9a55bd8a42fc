package ledger

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

const document = `
group: {name: campus, members: {west: {peer: "10.9.0.1:647"}, east: {peer: "10.9.0.2:647"}}}
enterprise: {lease: {default: 4h}, options: {domain-name: corp.example, ntp-servers: [10.0.0.123]}}
servers: {west: {options: {log-servers: [10.0.0.5]}, next-server: 10.0.0.1}, east: {options: {log-servers: [10.0.0.6]}, next-server: 10.0.0.2}}
classes: {phones: {kind: vendor, match: 'vendor_class == "Phone"', options: {tftp-server-name: boot.example}}}
networks:
  floor1: {subnets: {10.0.0.0/24: {options: {routers: [10.0.0.1]}, pools: [{range: 10.0.0.50-10.0.0.99}]}}}
  floor2: {subnets: {10.0.2.0/24: {pools: [{range: 10.0.2.50-10.0.2.99}]}}}
`

func compile(t testing.TB, self string, replace ...string) *policy.Policy {
	t.Helper()
	doc, problems := config.Parse("ledger.yaml", []byte("server: {name: "+self+"}"+strings.NewReplacer(replace...).Replace(document)))
	if doc == nil {
		t.Fatal(problems)
	}
	return policy.Compile(doc)
}

func id(s string) binding.Digest { return binding.DigestOf([]byte(s)) }

func named(p *policy.Policy, name string, before ...string) *policy.Policy {
	all := map[binding.Digest]struct{}{}
	for _, b := range before {
		all[id(b)] = struct{}{}
	}
	return p.Named(id(name), all)
}

var (
	list   = binding.Fact{Code: option.CodeParameterRequestList, Value: []byte{1, 3, option.CodeLogServers, 15, 42, 66}}
	phone  = binding.Fact{Code: option.CodeVendorClass, Value: []byte("Phone")}
	vendor = binding.Fact{Code: option.CodeVendorClass, Value: []byte("Fridge")}
)

// grant is a lease of a as the member as answers it by p, at the home home.
func grant(t testing.TB, p *policy.Policy, as, home binding.Member, a string, said ...binding.Fact) binding.Binding {
	t.Helper()
	addr := netip.MustParseAddr(a)
	facts := binding.Facts{Link: p.SubnetOf(addr).Network.Name, Options: said}
	b := binding.Binding{
		Prefix: netip.PrefixFrom(addr, 32), State: binding.Active, Home: home, Version: p.Version, Cause: binding.Granted,
		Client: binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, addr.As4()[3]})}, Expires: time.Unix(1e9, 0),
		Facts: binding.StoredFacts{Shared: binding.NewBlob(facts.AppendShared(nil, func(uint16) bool { return false }))},
	}
	f, ok := p.FactsOf(&b)
	if !ok {
		t.Fatal("no facts")
	}
	var d policy.Decision
	p.Place(as, f, &d)
	p.SettleHeld(as, f, &binding.Binding{Prefix: b.Prefix, Home: home}, &d)
	told := d.Told(f)
	b.Result = binding.NewBlob(d.AppendResult(nil, f, &told))
	b.Reasons = binding.NewBlob(d.AppendParameterReasons(nil, addr))
	return b
}

// TestLook has of each binding how it stands to a policy, and what differs.
func TestLook(t *testing.T) {
	root := named(compile(t, "west"), "root")
	lease := grant(t, root, "west", "west", "10.0.0.50", phone, list)
	with := func(change func(b *binding.Binding)) binding.Binding { b := lease; change(&b); return b }
	reasons := func(code uint16, rule string) func(b *binding.Binding) {
		return func(b *binding.Binding) {
			b.Reasons = binding.NewBlob(binding.AppendReason(nil, binding.Reason{Code: code, Layer: "enterprise", Rule: rule}))
		}
	}
	next := func(replace ...string) *policy.Policy { return named(compile(t, "west", replace...), "next", "root") }
	truncated := with(func(b *binding.Binding) {
		f := binding.Facts{Link: "floor1", Options: []binding.Fact{list}, Truncated: true}
		b.Facts.Shared = binding.NewBlob(f.AppendShared(nil, func(uint16) bool { return false }))
	})
	for _, c := range []struct {
		name     string
		policy   *policy.Policy
		binding  binding.Binding
		standing Standing
		cause    Cause
		differs  string
	}{
		{"what was told by this version", root, lease, Current, 0, ""},
		{"an ended lease", root, with(func(b *binding.Binding) { b.State = binding.Expired }), NoLease, 0, ""},
		{"a change that does not concern the client", next("10.0.2.50", "10.0.2.60"), lease, Current, 0, ""},
		{"another value", next("corp.example", "new.example"), lease, Stale, ConfigurationChanged, "15: corp.example → new.example"},
		{"an option more", next("ntp-servers:", "time-servers: [10.0.0.9], ntp-servers:"), lease, Current, 0, ""}, // it does not ask for it
		{"an option more that it asks for", next(", routers", ""), lease, Current, 0, ""},
		{"an option that is gone", next(", ntp-servers: [10.0.0.123]", ""), lease, Stale, ConfigurationChanged, "42: 0a00007b → -"},
		{"an option of its class", next("boot.example", "tftp.example"), lease, Stale, ConfigurationChanged, "66: boot.example → tftp.example"},
		{"the same of another class", next("boot.example", "tftp.example"), grant(t, root, "west", "west", "10.0.0.51", vendor, list), Current, 0, ""},
		{"a class is left", next(`== "Phone"`, `== "Phones"`), lease, Stale, ConfigurationChanged, "66: boot.example → -"},
		{"the lifetime", next("4h", "2h"), lease, Stale, ConfigurationChanged, "lifetime: 00003840 → 00001c20"},
		{"a boot field", next("next-server: 10.0.0.1", "next-server: 10.0.0.3"), lease, Stale, ConfigurationChanged, "next-server: 0a000001 → 0a000003"},
		{"a boot field that is gone", next(", next-server: 10.0.0.1}", "}"), lease, Stale, ConfigurationChanged, "next-server: 0a000001 → -"},
		{"by a version of another branch", named(compile(t, "west", "corp.example", "new.example"), "next"), lease, Stale, OtherVersion, "15: corp.example → new.example"},
		{"by nobody's version", next("corp.example", "new.example"), with(func(b *binding.Binding) { b.Version = binding.Digest{} }), Stale, ConfigurationChanged, "15: corp.example → new.example"},
		{"there was no room", next("ntp-servers: [10.0.0.123]", "ntp-servers: [10.0.0.123], log-servers: [10.0.0.8]", "log-servers: [10.0.0.5]", "time-servers: [10.0.0.5]"),
			with(reasons(option.CodeLogServers, binding.RuleNoRoom)), Stale, ConfigurationChanged, "7: 0a000005 → 0a000008"},
		{"there was no room for what is new", next("log-servers", "time-servers"), func() binding.Binding {
			old := named(compile(t, "west", "log-servers", "time-servers"), "root")
			b := grant(t, old, "west", "west", "10.0.0.50", phone, list)
			reasons(option.CodeLogServers, binding.RuleNoRoom)(&b)
			return b
		}(), Current, 0, ""},
		{"no room then, and now it is counted no more", root, func() binding.Binding {
			b := grant(t, named(compile(t, "west", "log-servers", "time-servers"), "root"), "west", "west", "10.0.0.50", phone, list)
			reasons(option.CodeLogServers, binding.RuleNoRoom)(&b)
			return b
		}(), Current, 0, ""},
		{"it asked for more", next("corp.example", "new.example"), with(reasons(binding.ReasonTaken, binding.RuleAskedMore)), Stale, AskedForMore, "15: corp.example → new.example"},
		{"it was told again", next("corp.example", "new.example"), with(reasons(binding.ReasonTaken, binding.RuleToldBefore)), Stale, ConfigurationChanged, "15: corp.example → new.example"},
		{"told older while apart", next("corp.example", "new.example"), with(func(b *binding.Binding) { b.Cause = binding.ToldOlder }), Stale, ToldOlder, "15: corp.example → new.example"},
		{"told older, and it is the same", next("4h", "4h"), with(func(b *binding.Binding) { b.Cause = binding.ToldOlder }), Current, 0, ""},
		{"east's client", root, grant(t, root, "east", "east", "10.0.0.50", phone, list), Current, 0, ""},
		{"east's client, answered by west", root, grant(t, root, "west", "east", "10.0.0.50", phone, list), Current, 0, ""},
		{"rehomed", root, with(func(b *binding.Binding) { b.Home = "east" }), Stale, Elsewhere, "7: 0a000005 → 0a000006, next-server: 0a000001 → 0a000002"},
		{"of a home that there is not", root, with(func(b *binding.Binding) { b.Home = "south" }), Current, 0, ""},
		{"an ISC server's", root, with(func(b *binding.Binding) { b.Result, b.Facts = nil, binding.StoredFacts{} }), Unknown, 0, ""},
		{"renewed by an ISC server", next("corp.example", "new.example"), with(func(b *binding.Binding) { b.Cause = binding.ToldByPartner }), Unknown, 0, ""},
		{"what was told is lost", root, with(func(b *binding.Binding) { b.Result = nil }), Unknown, 0, ""},
		{"what was told is of a newer release", next("4h", "2h"), with(func(b *binding.Binding) { b.Result = binding.NewBlob([]byte{99, 1, 2}) }), Unknown, 0, ""},
		{"it said more than is kept", next("corp.example", "new.example"), truncated, Unknown, 0, ""},
		{"it said more than is kept, by this version", root, truncated, Current, 0, ""},
		{"its pool is gone", next("10.0.0.50-10.0.0.99", "10.0.0.60-10.0.0.99"), lease, Stale, ConfigurationChanged, NoPool},
		{"its subnet is gone", next("10.0.0.0/24", "10.7.0.0/24", "10.0.0.50-10.0.0.99", "10.7.0.50-10.7.0.99", "routers: [10.0.0.1]", "routers: [10.7.0.1]"), lease, Stale, ConfigurationChanged, NoSubnet},
		{"its network is gone", next("  floor1: {subnets: {10.0.0.0/24: {options: {routers: [10.0.0.1]}, pools: [{range: 10.0.0.50-10.0.0.99}]}}}\n", ""), lease, Stale, ConfigurationChanged, NoSubnet},
		{"its pool denies it", next("range: 10.0.0.50-10.0.0.99", "range: 10.0.0.50-10.0.0.99, deny: [phones]"), lease, Stale, ConfigurationChanged, PoolRefuses},
		{"it is kept for another", next("classes:", "hosts: {x: {hardware: 02:ff:00:00:00:01, address: 10.0.0.50}}\nclasses:"), lease, Stale, ConfigurationChanged, ReservedOther},
		{"it is kept for it", next("classes:", "hosts: {x: {hardware: 02:00:00:00:00:32, address: 10.0.0.50}}\nclasses:"), lease, Current, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j Judge
			j.Use("west", c.policy, nil)
			for range 2 { // what it remembers changes nothing
				standing, cause := j.Look(&c.binding)
				x := j.Compare(&c.binding)
				if standing != c.standing || cause != c.cause || x.Standing != standing || x.Cause != cause {
					t.Fatalf("standing %d, cause %q; compared %+v", standing, cause, x)
				}
				if got := text(&x); got != c.differs {
					t.Errorf("%q differs, want %q", got, c.differs)
				}
				j.Look(&lease)
			}
		})
	}
}

func text(c *Comparison) string {
	if c.Lost != "" {
		return c.Lost
	}
	var all []string
	for _, d := range c.Differences {
		name := fmt.Sprint(d.Code)
		if d.Code == binding.ReasonLifetime {
			name = "lifetime"
		}
		if d.Code == binding.ReasonNextServer {
			name = "next-server"
		}
		value := func(v []byte) string {
			switch {
			case v == nil:
				return "-"
			case d.Code == 15 || d.Code == 66:
				return string(v)
			}
			return fmt.Sprintf("%x", v)
		}
		all = append(all, fmt.Sprintf("%s: %s → %s", name, value(d.Has), value(d.Would)))
	}
	return strings.Join(all, ", ")
}

// What is marked local may be any member's; what neither gives is stale all the same.
func TestWhatIsLocalMayBeAnyMembers(t *testing.T) {
	local := []string{"{options: {log-servers", "{on-takeover: local, options: {log-servers"}
	root := named(compile(t, "west", local...), "root")
	var j Judge
	j.Use("west", root, nil)
	for _, answered := range []binding.Member{"west", "east"} {
		b := grant(t, root, answered, "west", "10.0.0.50", list)
		if s, _ := j.Look(&b); s != Current {
			t.Errorf("answered by %s: %d, %s", answered, s, text(ptr(j.Compare(&b))))
		}
	}
	b := grant(t, root, "east", "west", "10.0.0.50", list)
	for _, c := range []struct {
		replace []string
		want    string
	}{
		{[]string{": [10.0.0.5]}", ": [10.0.0.8]}"}, ""}, // its own home's, but it has east's
		{[]string{": [10.0.0.6]}", ": [10.0.0.8]}"}, "7: 0a000006 → 0a000005"},
		{[]string{"corp.example", "new.example"}, "15: corp.example → new.example"},
	} {
		p := named(compile(t, "west", append(append([]string{}, local...), c.replace...)...), "next", "root")
		j.Use("west", p, nil)
		x := j.Compare(&b)
		if got := text(&x); got != c.want || (x.Standing == Stale) != (c.want != "") {
			t.Errorf("%v: %+v differs, want %q", c.replace, got, c.want)
		}
	}
}

func ptr[T any](x T) *T { return &x }

// An address that is kept for somebody else takes it from nobody before both members have that.
func TestAReservationThatWaitsTakesNoAddress(t *testing.T) {
	agreed := named(compile(t, "west"), "root")
	b := grant(t, agreed, "west", "west", "10.0.0.50", list)
	head := named(compile(t, "west", "classes:", "hosts: {x: {hardware: 02:ff:00:00:00:01, address: 10.0.0.50}}\nclasses:"), "next", "root")
	var j Judge
	j.Use("west", head, agreed)
	if s, _ := j.Look(&b); s != Current {
		t.Errorf("while it waits: %d", s)
	}
	j.Use("west", head, nil)
	if s, _ := j.Look(&b); s != Stale {
		t.Errorf("when both have it: %d", s)
	}
}

func TestLookAllocatesNothing(t *testing.T) {
	root := compile(t, "west")
	b := grant(t, root, "west", "west", "10.0.0.50", phone, list)
	for _, p := range []*policy.Policy{root, compile(t, "west", "corp.example", "new.example"), compile(t, "west", "10.0.0.50-", "10.0.0.60-")} {
		var j Judge
		j.Use("west", p, nil)
		if n := testing.AllocsPerRun(200, func() { j.Look(&b) }); n > 0 {
			t.Errorf("%v allocations", n)
		}
	}
}
