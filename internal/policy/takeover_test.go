package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// takeoverDocument writes a document with what the servers, the group and the subnet say.
func takeoverDocument(group, west, east, subnet string) string {
	return "group: {name: campus, members: {west: {peer: 10.9.0.1:647}, east: {peer: 10.9.0.2:647}}" + group + "}\n" +
		"servers: {west: {" + west + "}, east: {" + east + "}}\n" +
		"networks: {lan: {subnets: {10.0.0.0/24: {" + subnet + "pools: [{range: 10.0.0.10-10.0.0.19}]}}}}\n" +
		"hosts: {pc: {hardware: 02:00:00:00:00:01, address: 10.0.0.15}}\n"
}

// shown is what a client is told, in a line: lifetime, boot fields, options by name.
func shown(p *Policy, d *Decision, f *Facts) string {
	next, name, file := d.Boot()
	s := []string{d.Lifetime.String()}
	if next.IsValid() {
		s = append(s, "next "+next.String())
	}
	if len(name) > 0 {
		s = append(s, "sname "+string(name))
	}
	if len(file) > 0 {
		s = append(s, "file "+string(file))
	}
	for _, v := range d.sent(f) {
		if v.Code != 1 && v.Code != 28 {
			value, _ := d.text(p, uint8(v.Code))
			s = append(s, fmt.Sprintf("%03d %s", v.Code, value))
		}
	}
	return strings.Join(s, ", ")
}

var takeoverList = said{55: "\x01\x03\x06\x0f\x1c\x2a\x42\x43\x17\x04"} // mask, routers, DNS, domain, broadcast, NTP, TFTP, file, TTL, time

// What a client of west gets from east by one version.
func TestWhatIsLocalIsTheAnsweringMembers(t *testing.T) {
	const tftp, ours = "options: {tftp-server-name: west.example}", "options: {tftp-server-name: east.example}"
	for _, c := range []struct{ what, group, west, east, subnet, want string }{
		{"as west would", "", tftp, ours, "", "4h0m0s, 066 west.example"},
		{"as west would, who has nothing", "", "", ours, "", "4h0m0s"},
		{"the group is local", ", on-takeover: local", tftp, ours, "", "4h0m0s, 066 east.example"},
		{"the group is local, and east has nothing", ", on-takeover: local", tftp, "", "", "4h0m0s"},
		{"the option is local", "", "options: {tftp-server-name: {set: west.example, on-takeover: local}}", ours, "", "4h0m0s, 066 east.example"},
		{"the option is local, and east has none", "", "options: {tftp-server-name: {set: west.example, on-takeover: local}}", "", "", "4h0m0s"},
		{"only east has one", "", "", "options: {tftp-server-name: {set: east.example, on-takeover: local}}", "", "4h0m0s, 066 east.example"},
		{"the layer is local", "", tftp + ", on-takeover: local", ours, "", "4h0m0s, 066 east.example"},
		{"the option says more than its layer", "", "on-takeover: local, options: {tftp-server-name: {set: west.example, on-takeover: home}, ntp-servers: [10.0.0.1]}", ours, "", "4h0m0s, 066 west.example"},
		{"the layer says more than the group", ", on-takeover: local", tftp + ", on-takeover: home", ours, "", "4h0m0s, 066 west.example"},
		{"the mark is that of what wins", "", "options: {routers: [10.0.0.1]}", "options: {routers: [10.0.0.2]}", "on-takeover: local, options: {routers: [10.0.0.254]}, ", "4h0m0s, 003 10.0.0.254"},
		{"west takes it away locally", "", "options: {domain-name: {unset: true, on-takeover: local}}", "options: {domain-name: east.example}", "", "4h0m0s, 015 east.example"},
		{"west takes it away", "", "options: {domain-name: {unset: true}}", "options: {domain-name: east.example}", "", "4h0m0s"},
		{"boot fields", "", "next-server: 10.9.0.1, boot-file-name: w.0, server-hostname: w", "next-server: 10.9.0.2, boot-file-name: e.0", "", "4h0m0s, next 10.9.0.1, sname w, file w.0"},
		{"boot fields of a local layer", "", "on-takeover: local, next-server: 10.9.0.1, boot-file-name: w.0, server-hostname: w", "next-server: 10.9.0.2, boot-file-name: e.0", "", "4h0m0s, next 10.9.0.2, file e.0"},
		{"boot fields that east alone has", "", "", "on-takeover: local, next-server: 10.9.0.2, boot-file-name: e.0, server-hostname: e", "", "4h0m0s, next 10.9.0.2, sname e, file e.0"},
		{"a lifetime", "", "lease: {default: 1h}", "lease: {default: 2h}", "", "1h0m0s"},
		{"a lifetime of a local layer", "", "on-takeover: local, lease: {default: 1h}", "lease: {default: 2h}", "", "2h0m0s"},
		{"a lifetime of a local layer, where east has none", "", "on-takeover: local, lease: {default: 1h}", "", "", "4h0m0s"},
		{"a lifetime that east alone has", "", "", "lease: {default: 2h}", "", "4h0m0s"},
		{"a local lifetime that east alone has", "", "", "on-takeover: local, lease: {default: 2h}", "", "2h0m0s"},
		{"a host requirement is no member's", "", "", "options: {default-ip-ttl: 32}", "", "4h0m0s, 023 64"},
		{"a host requirement where all is local", ", on-takeover: local", "", "options: {default-ip-ttl: 32}", "", "4h0m0s, 023 32"},
	} {
		p := compiled(t, takeoverDocument(c.group, c.west, c.east, c.subnet))
		list := takeoverList
		if !strings.Contains(c.what, "requirement") {
			list = said{55: "\x01\x03\x06\x0f\x1c\x2a\x42\x43\x04"}
		}
		f := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, list)
		var west, d Decision
		p.Resolve("west", f, &west)
		b := granted("west", p, &west, f)
		p.Place("east", f, &d)
		h := p.SettleHeld("east", f, b, &d)
		if got := shown(p, &d, f); got != c.want || h.Home != "west" || h.Rule != "" {
			t.Errorf("%s: %s, want %s; %+v", c.what, got, c.want, h)
		}
		p.Place("west", f, &d)
		p.SettleHeld("west", f, b, &d)
		if got, want := result(&d, f), result(&west, f); got != want {
			t.Errorf("%s: at home it is told something else", c.what)
		}
	}
}

// Who is at home where the document does not say so any more.
func TestAHomeThatIsGoneIsTheAnsweringMembers(t *testing.T) {
	p := compiled(t, takeoverDocument("", "lease: {default: 1h}", "lease: {default: 2h}", ""))
	f := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, takeoverList)
	for _, c := range []struct {
		home, self, want binding.Member
		lifetime         time.Duration
	}{
		{"west", "east", "west", time.Hour}, {"east", "west", "east", 2 * time.Hour}, {"west", "west", "west", time.Hour},
		{"north", "east", "east", 2 * time.Hour}, {"", "east", "east", 2 * time.Hour}, {"north", "south", "south", 4 * time.Hour},
	} {
		var d Decision
		p.Place(c.self, f, &d)
		b := &binding.Binding{Client: f.Client, Home: c.home}
		b.Prefix, _ = ip("10.0.0.12").Prefix(32)
		if h := p.SettleHeld(c.self, f, b, &d); h.Home != c.want || d.Lifetime != c.lifetime {
			t.Errorf("home %s, answered by %s: %+v, %v", c.home, c.self, h, d.Lifetime)
		}
	}
}

// What a client of west that was told by one branch gets from east, which serves by another.
func TestWhatIsToldAgain(t *testing.T) {
	const old = "lease: {default: 1h}, next-server: 10.9.0.1, options: {tftp-server-name: west.example, ntp-servers: [10.0.0.1], "
	list := func(codes ...byte) said { return said{55: string(codes)} }
	const domain, ttl, ntp, tftp = 15, 23, 42, 66
	for _, c := range []struct {
		what             string
		group, west      string // east's version of the document
		then, now        said
		want             string
		rule             string
		before, eastSays string // added to what west said then; what east says for itself
	}{
		{"the same is asked", "", "options: {tftp-server-name: new.example, time-servers: [10.0.0.9]}", list(1, ntp, tftp, 4), list(1, ntp, tftp, 4), "1h0m0s, next 10.9.0.1, 042 10.0.0.1, 066 west.example", binding.RuleToldBefore, "", ""},
		{"less is asked", "", "", list(1, ntp, tftp), list(1, tftp), "1h0m0s, next 10.9.0.1, 066 west.example", binding.RuleToldBefore, "", ""},
		{"more is asked", "", "options: {time-servers: [10.0.0.9], tftp-server-name: new.example}", list(1, tftp), list(1, tftp, 4), "1h0m0s, next 10.9.0.1, 004 10.0.0.9, 066 west.example", binding.RuleAskedMore, "", ""},
		{"more is asked, and there is none", "", "", list(1, tftp), list(1, tftp, domain), "1h0m0s, next 10.9.0.1, 066 west.example", binding.RuleToldBefore, "", ""},
		{"everything was asked", "", "options: {domain-name: new.example}", nil, list(1, ntp, domain), "1h0m0s, next 10.9.0.1, 042 10.0.0.1", binding.RuleToldBefore, "", ""},
		{"everything is asked, some was", "", "options: {domain-name: new.example}", list(1, ntp, 4), said{}, "1h0m0s, next 10.9.0.1, 015 new.example, 042 10.0.0.1", binding.RuleAskedMore, "", ""},
		{"a host requirement is not for who asks for nothing", "", "", list(1, 28, ttl, ntp), said{}, "1h0m0s, next 10.9.0.1, 042 10.0.0.1", binding.RuleToldBefore, "", ""},
		{"a value where now there is a host requirement", "", "", nil, said{}, "1h0m0s, next 10.9.0.1, 023 99, 042 10.0.0.1, 066 west.example", binding.RuleToldBefore, "default-ip-ttl: 99", ""},
		{"forced then", "", "", list(1), list(1), "1h0m0s, next 10.9.0.1, 015 old.example", binding.RuleToldBefore, "domain-name: {force: old.example}", ""},
		{"forced and asked then, and not asked now", "", "", list(1, domain), list(1), "1h0m0s, next 10.9.0.1, 015 old.example", binding.RuleToldBefore, "domain-name: {force: old.example}", ""},
		{"forced now alone", "", "options: {domain-name: {force: new.example}}", list(1), list(1), "1h0m0s, next 10.9.0.1", binding.RuleToldBefore, "", ""},
		{"local then is not looked at", "", "options: {tftp-server-name: new.example}", list(1, tftp), list(1, tftp), "1h0m0s, next 10.9.0.1, 066 was.example", binding.RuleToldBefore, "", "tftp"},
		{"local now", "", "options: {tftp-server-name: {set: new.example, on-takeover: local}}", list(1, tftp), list(1, tftp), "1h0m0s, next 10.9.0.1, 066 east.example", binding.RuleToldBefore, "", "options: {tftp-server-name: east.example}"},
		{"local at east", "", "options: {tftp-server-name: new.example}", list(1, tftp), list(1, tftp), "1h0m0s, next 10.9.0.1, 066 east.example", binding.RuleToldBefore, "", "options: {tftp-server-name: {set: east.example, on-takeover: local}}"},
		{"local boot fields and lifetime", "", "on-takeover: local, next-server: 10.9.0.7, lease: {default: 7h}", list(1, ntp), list(1, ntp), "2h0m0s, next 10.9.0.2, 042 10.0.0.1", binding.RuleToldBefore, "", "next-server: 10.9.0.2, lease: {default: 2h}"},
		{"a local group", ", on-takeover: local", "options: {tftp-server-name: new.example}", list(1, ntp, tftp), list(1, ntp, tftp), "2h0m0s, 066 east.example", "", "", "lease: {default: 2h}, options: {tftp-server-name: east.example}"},
		{"a local group with one thing that is home's", ", on-takeover: local", "options: {tftp-server-name: {set: new.example, on-takeover: home}}", list(1, ntp, tftp), list(1, ntp, tftp), "4h0m0s, 066 west.example", binding.RuleToldBefore, "", ""},
	} {
		before := old
		if c.eastSays == "tftp" {
			before, c.eastSays = strings.Replace(old, "tftp-server-name: west.example", "tftp-server-name: {set: was.example, on-takeover: local}", 1), ""
		}
		p := compiled(t, takeoverDocument("", before+c.before+"}", "", "")).Named(binding.Digest{1}, nil)
		q := compiled(t, takeoverDocument(c.group, c.west, c.eastSays, "")).Named(binding.Digest{2}, nil)
		then, now := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, c.then), q.on("10.0.0.0", binding.Client{Hardware: mac(1)}, c.now)
		var d Decision
		p.Resolve("west", then, &d)
		b := granted("west", p, &d, then)
		q.Place("east", now, &d)
		h := q.SettleHeld("east", now, b, &d)
		version := binding.Digest{1}
		if c.rule == "" {
			version = binding.Digest{2}
		}
		if got := shown(q, &d, now); got != c.want || h.Rule != c.rule || h.Version != version || h.Home != "west" {
			t.Errorf("%s: %s, want %s; %+v", c.what, got, c.want, h)
		}
		// The other member of the same branch says what it would say anew.
		q.Named(binding.Digest{2}, map[binding.Digest]struct{}{{1}: {}}).Place("east", now, &d)
		if h := q.Named(binding.Digest{2}, map[binding.Digest]struct{}{{1}: {}}).SettleHeld("east", now, b, &d); h.Rule != "" || h.Version != (binding.Digest{2}) {
			t.Errorf("%s: a version that comes from the other: %+v", c.what, h)
		}
	}
}

// A client that the partner knows nothing more of gets what its home would give it by this version.
func TestWithoutAResultTheHomeDecides(t *testing.T) {
	p := compiled(t, takeoverDocument("", "lease: {default: 1h}", "lease: {default: 2h}", "")).Named(binding.Digest{2}, nil)
	f := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, takeoverList)
	for what, r := range map[string]*binding.Blob{
		"none": nil, "empty": binding.NewBlob(nil), "cut short": binding.NewBlob([]byte{1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 3, 1}),
		"another format": binding.NewBlob([]byte{9, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0}), "another order": binding.NewBlob([]byte{1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0}),
	} {
		b := &binding.Binding{Client: f.Client, Home: "west", Version: binding.Digest{1}, Result: r}
		b.Prefix, _ = ip("10.0.0.12").Prefix(32)
		var d Decision
		p.Place("east", f, &d)
		if h := p.SettleHeld("east", f, b, &d); h.Version != p.Version || h.Rule != "" || d.Lifetime != time.Hour {
			t.Errorf("%s: %+v, %v", what, h, d.Lifetime)
		}
	}
}

// What had no room in the message is not what the client was refused.
func TestWhatHadNoRoomIsResolvedAnew(t *testing.T) {
	p := compiled(t, takeoverDocument("", "options: {root-path: /old}", "", "")).Named(binding.Digest{1}, nil)
	q := compiled(t, takeoverDocument("", "options: {root-path: /new}", "", "")).Named(binding.Digest{2}, nil)
	f := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, said{55: "\x01\x11"})
	var d Decision
	p.Resolve("west", f, &d)
	b := granted("west", p, &d, f)
	var none Codes
	b.Result = binding.NewBlob(d.AppendResult(nil, f, &none))
	b.Reasons = binding.NewBlob(d.Option(17).AppendReasonAs(nil, binding.RuleNoRoom))
	q.Place("east", f, &d)
	f.Link = q.SubnetOf(ip("10.0.0.1"))
	q.Place("east", f, &d)
	if h := q.SettleHeld("east", f, b, &d); d.Option(17) == nil || string(d.Option(17).Bytes) != "/new" || h.Rule != binding.RuleAskedMore {
		t.Errorf("%+v, %v", h, d.Option(17))
	}
}

// FuzzSettleHeld holds what came from another server to what must be true whatever it is: there is an answer, and it is written
// without more memory than before.
func FuzzSettleHeld(f *testing.F) {
	p := compiled(f, takeoverDocument("", "options: {root-path: /w, classless-static-route: [{to: 10.0.0.0/8, via: 10.0.0.1}]}", "on-takeover: local, next-server: 10.9.0.2, options: {ntp-servers: [10.0.0.1]}", "")).Named(binding.Digest{2}, nil)
	facts := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, said{55: "\x01\x03\x79\xf9\x11"})
	var d Decision
	p.Resolve("west", facts, &d)
	b := granted("west", p, &d, facts)
	f.Add(b.Result.Bytes, b.Reasons.Bytes, b.Facts.Shared.Bytes, "\x01\x79\xf9\x2a")
	f.Add(append(binding.AppendResultHeader(nil, 0, ip("10.0.0.1"), nil, nil), 0, 0, 0, 0, 0, 249, 0, 0, 0, 255, 0, 0), []byte{}, []byte{}, "")
	all := binding.AppendResultHeader(nil, binding.Infinite, ip("0.0.0.0"), []byte("s"), []byte("f"))
	for c := range uint16(256) {
		all = binding.AppendTLV(all, c, []byte{byte(c)})
	}
	f.Add(all, []byte{0, 3, 0, 0, 0, 0, 255}, []byte{1, 0, 0, 0}, "\x00\xff\x79")
	f.Fuzz(func(t *testing.T, result, reasons, shared []byte, list string) {
		b := &binding.Binding{
			Client: facts.Client, Home: "west", Version: binding.Digest{1}, Facts: binding.StoredFacts{Shared: binding.NewBlob(shared)},
			Result: binding.NewBlob(result), Reasons: binding.NewBlob(reasons),
		}
		b.Prefix, _ = ip("10.0.0.12").Prefix(32)
		now := p.on("10.0.0.0", facts.Client, said{55: list})
		p.Place("east", now, &d)
		h := p.SettleHeld("east", now, b, &d)
		told := d.Told(now)
		out := d.AppendResult(nil, now, &told)
		if _, ok := binding.DecodeResult(out); !ok || d.Lifetime <= 0 || h.Home != "west" {
			t.Fatalf("%+v, %v, %x", h, d.Lifetime, out)
		}
		var why []byte
		for i := range d.Values() {
			v := &d.Values()[i]
			if d.Option(uint8(v.Code)) != v {
				t.Fatalf("option %d is found elsewhere", v.Code)
			}
			why = v.AppendReasonAs(v.AppendReason(why), binding.RuleNoRoom)
		}
		if _, ok := binding.DecodeReasons(why); !ok {
			t.Fatalf("reasons %x", why)
		}
	})
}

// What is no plain value of one layer, told by one branch and now by another.
func TestWhatIsToldAgainOfOddOptions(t *testing.T) {
	const routes, newRoutes = "classless-static-route: [{to: 10.0.0.0/8, via: 10.0.0.1}]", "classless-static-route: [{to: 10.0.0.0/8, via: 10.0.0.2}]"
	const was, is = "{to: 10.0.0.0/8, via: 10.0.0.1}", "{to: 10.0.0.0/8, via: 10.0.0.2}"
	for _, c := range []struct {
		what          string
		before, after string // the enterprise's options
		document      string // added to both
		then, now     said
		want, rule    string
	}{
		{"routes by their other number", routes, newRoutes, "", said{55: "\x01\x79"}, said{55: "\x01\xf9"}, "249 " + was, binding.RuleToldBefore},
		{"routes by their own number", routes, newRoutes, "", said{55: "\x01\xf9"}, said{55: "\x01\x79"}, "121 " + was, binding.RuleToldBefore},
		{"routes by both numbers", routes, newRoutes, "", said{55: "\x01\x79"}, said{55: "\x01\x79\xf9"}, "121 " + was + ", 249 " + was, binding.RuleToldBefore},
		{"there were no routes", "domain-name: x", newRoutes, "", said{55: "\x01\x79\xf9"}, said{55: "\x01\x79\xf9"}, "", binding.RuleToldBefore},
		{"there were no routes by their other number", "domain-name: x", newRoutes, "", said{55: "\x01\xf9"}, said{55: "\x01\x79\xf9"}, "121 " + is, binding.RuleAskedMore},
		{"routes, and everything is asked", routes, newRoutes, "", said{55: "\x01\x1c\x79\xf9"}, said{}, "121 " + was, binding.RuleToldBefore},
		{"routes that are gone", routes, "domain-name: x", "", said{55: "\x01\x0f\x79\xf9"}, said{55: "\x01\x0f\x79\xf9"}, "121 " + was + ", 249 " + was, binding.RuleToldBefore},
		{"routes that are gone, by their other number", routes, "domain-name: x", "", said{55: "\x01\x0f\x79"}, said{55: "\x01\x0f\x79\xf9"}, "121 " + was + ", 249 " + was, binding.RuleToldBefore},
		{"its own name", "domain-name: x", "domain-name: y", "accept: {host-name: true}\n", said{12: "old", 55: "\x01\x0c\x0f"}, said{12: "new", 55: "\x01\x0c\x0f"}, "012 new, 015 x", binding.RuleToldBefore},
		{"a name of the configuration's", "host-name: theirs", "domain-name: y", "accept: {host-name: true}\n", said{55: "\x01\x0c"}, said{12: "new", 55: "\x01\x0c"}, "012 theirs", binding.RuleToldBefore},
		{"forced since", "domain-name: x", "domain-name: {force: y}", "", said{55: "\x01\x0f"}, said{55: "\x01"}, "015 x", binding.RuleToldBefore},
		{"what it sent itself", "domain-name: x", "uuid-guid: {hex: 0009}", "", said{97: "\x00\x07", 55: "\x01\x61"}, said{55: "\x01\x61"}, "097 0009", binding.RuleToldBefore},
		{"what it sent itself, and nobody has", "domain-name: x", "domain-name: x", "", said{118: "\x0a\x00\x00\x07", 55: "\x01\x76"}, said{55: "\x01\x76"}, "", binding.RuleToldBefore},
		{"basics that everybody is told", "domain-name: x", "domain-name: y, routers: [10.0.0.1]", "precedence: kea\n", said{55: "\x01"}, said{55: "\x01\x03"}, "015 x", binding.RuleToldBefore},
	} {
		document := func(options string) string {
			return takeoverDocument("", "", "", "") + c.document + "enterprise: {options: {" + options + "}}\n"
		}
		p, q := compiled(t, document(c.before)).Named(binding.Digest{1}, nil), compiled(t, document(c.after)).Named(binding.Digest{2}, nil)
		then, now := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, c.then), q.on("10.0.0.0", binding.Client{Hardware: mac(1)}, c.now)
		var d Decision
		p.Resolve("west", then, &d)
		b := granted("west", p, &d, then)
		for _, self := range []binding.Member{"west", "east"} {
			q.Place(self, now, &d)
			h := q.SettleHeld(self, now, b, &d)
			got := strings.TrimPrefix(strings.TrimPrefix(shown(q, &d, now), "4h0m0s"), ", ")
			if got != c.want || h.Rule != c.rule {
				t.Errorf("%s, by %s: %s, want %s; %s", c.what, self, got, c.want, h.Rule)
			}
		}
	}
}
