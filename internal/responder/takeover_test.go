package responder

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/pool"
)

// duoDocument is what both members have but for the routers of the subnet.
const duoDocument = `group: {name: campus, members: {west: {peer: 10.9.0.1:647, class: core}, east: {peer: 10.9.0.2:647}}}
server-classes: {core: {options: {log-servers: [10.9.0.5]}}}
servers:
  west: {next-server: 10.9.0.1, server-hostname: w, boot-file-name: west.0, lease: {default: 30m}, options: {tftp-server-name: west.example, ntp-servers: {set: [10.9.0.11], on-takeover: local}}}
  east: {next-server: 10.9.0.2, boot-file-name: east.0, lease: {default: 45m}, options: {tftp-server-name: east.example, ntp-servers: {set: [10.9.0.12], on-takeover: local}, time-servers: [10.9.0.2]}}
networks:
  lan: {conflict-probe: 0s, subnets: {10.0.0.0/24: {options: {routers: [ROUTER]}, pools: [{range: 10.0.0.50-10.0.0.99}]}}}
`

// duo is two members with one table of bindings, as it is when every update has arrived.
type duo struct {
	tb      testing.TB
	members map[binding.Member]*stage
	table   *binding.Table
	pools   *pool.Pools
	now     time.Time
}

var duoAddresses = map[binding.Member]netip.Addr{"west": netip.MustParseAddr("10.0.0.1"), "east": netip.MustParseAddr("10.0.0.2")}

var duoLinks = map[binding.Member][]netip.Prefix{
	"west": {netip.PrefixFrom(duoAddresses["west"], 24)}, "east": {netip.PrefixFrom(duoAddresses["east"], 24)},
}

func isEither(a netip.Addr) bool { return a == duoAddresses["west"] || a == duoAddresses["east"] }

func newDuo(tb testing.TB) *duo {
	d := &duo{tb: tb, members: map[binding.Member]*stage{}, table: binding.NewTable(), now: epoch}
	for name := range duoAddresses {
		d.members[name] = &stage{buf: make([]byte, 0, 2048)}
		d.serve(name, policyOf(tb, duoDocument, "10.0.0.254"))
	}
	d.pools = pool.New(d.members["west"].Policy.Ranges(), nil, d.table)
	return d
}

func policyOf(tb testing.TB, document, router string) *policy.Policy {
	tb.Helper()
	doc, problems := config.Parse("duo.yaml", []byte("server: {name: east, data: /nowhere}\n"+strings.Replace(document, "ROUTER", router, 1)))
	if doc == nil {
		tb.Fatal(problems)
	}
	return policy.Compile(doc)
}

// serve lets a member answer by p.
func (d *duo) serve(name binding.Member, p *policy.Policy) {
	d.members[name].Responder = Responder{Self: name, Policy: p, Guard: time.Minute}
}

// ask has a member hear a packet, broadcast on its link or sent to it, and takes over what it decides.
func (d *duo) ask(name binding.Member, packet []byte, unicast bool) *Answer {
	d.tb.Helper()
	a := d.hear(name, packet, unicast)
	for i := range a.Changes {
		b := a.Changes[i].Binding
		b.Client.ID, b.Facts.Own = append([]byte(nil), b.Client.ID...), append([]byte(nil), b.Facts.Own...)
		var from binding.State
		if old, had := d.table.Get(b.Prefix); had {
			from = old.State
		}
		d.table.Put(b, a.Changes[i].Due)
		d.pools.Changed(b.Addr(), from, b.State)
	}
	return a
}

func (d *duo) hear(name binding.Member, packet []byte, unicast bool) *Answer {
	s, own := d.members[name], duoAddresses[name]
	if err := s.msg.Parse(packet); err != nil {
		d.tb.Fatal(err)
	}
	s.req = Request{
		Msg: &s.msg, Interface: 1, ServerID: own, Own: isEither, Unicast: unicast,
		From:    netip.AddrPortFrom(s.msg.CIAddr, dhcpv4.ClientPort),
		Arrival: policy.Arrival{Interface: "eth0", Addrs: duoLinks[name], OnLink: true},
	}
	s.out.Reset()
	s.Answer(d.now, &s.req, View{Bindings: d.table, Pools: d.pools}, Terms{Known: true, New: true, Commit: true}, s.buf, &s.out)
	return &s.out
}

// kinds are all messages to which a client with a lease of a is answered by the member named to.
func kinds(to binding.Member, a netip.Addr, list string) map[string][]byte {
	asked, sid := string(a.AsSlice()), string(duoAddresses[to].AsSlice())
	has := dhcpv4.Header{CIAddr: a}
	return map[string][]byte{
		"DISCOVER":               message(dhcpv4.Discover, dhcpv4.Header{}, 55, list),
		"REQUEST, SELECTING":     message(dhcpv4.Request, dhcpv4.Header{}, 50, asked, 54, sid, 55, list),
		"REQUEST, RENEWING":      message(dhcpv4.Request, has, 55, list),
		"REQUEST, REBINDING":     message(dhcpv4.Request, has, 55, list),
		"REQUEST, INIT-REBOOT":   message(dhcpv4.Request, dhcpv4.Header{}, 50, asked, 55, list),
		"INFORM":                 message(dhcpv4.Inform, has, 55, list),
		"DISCOVER, in a hurry":   message(dhcpv4.Discover, dhcpv4.Header{}, 80, "", 55, list),
		"REQUEST, after a pause": message(dhcpv4.Request, dhcpv4.Header{}, 50, asked, 55, list),
	}
}

func unicast(kind string) bool { return kind == "REQUEST, RENEWING" || kind == "INFORM" }

// says is what the reply tells a client, in a line.
func says(tb testing.TB, a *Answer) string {
	tb.Helper()
	var m dhcpv4.Message
	if a.Reply == nil {
		return fmt.Sprint("nothing: ", a.Drop)
	}
	if err := m.Parse(a.Reply); err != nil {
		tb.Fatal(err)
	}
	s := []string{fmt.Sprintf("%v file %s", m.SIAddr, m.BootFile())}
	for _, c := range []uint8{option.CodeServerIdentifier, option.CodeLeaseTime, option.CodeRouters, option.CodeTimeServers, option.CodeLogServers, option.CodeNTPServers, option.CodeTFTPServerName} {
		v, ok := m.Option(uint16(c))
		switch {
		case !ok:
		case c == option.CodeLeaseTime:
			s = append(s, (time.Duration(binary.BigEndian.Uint32(v)) * time.Second).String())
		case c == option.CodeTFTPServerName:
			s = append(s, string(v))
		default:
			s = append(s, fmt.Sprintf("%d %v", c, netip.AddrFrom4([4]byte(v))))
		}
	}
	return strings.Join(s, ", ")
}

const duoList = "\x01\x03\x07\x2a\x42" // mask, routers, log, NTP, TFTP

// lease has the client get an address from west.
func (d *duo) lease(list string) netip.Addr {
	d.tb.Helper()
	return d.leaseFrom("west", list)
}

func (d *duo) leaseFrom(name binding.Member, list string) netip.Addr {
	d.tb.Helper()
	var m dhcpv4.Message
	if err := m.Parse(d.ask(name, message(dhcpv4.Discover, dhcpv4.Header{}, 55, list), false).Reply); err != nil {
		d.tb.Fatal(err)
	}
	if a := d.ask(name, kinds(name, m.YIAddr, list)["REQUEST, SELECTING"], false); len(a.Changes) != 1 {
		d.tb.Fatal(a.Drop, a.Note)
	}
	return m.YIAddr
}

var (
	root   = binding.Digest{1}
	westID = binding.Digest{2}
	eastID = binding.Digest{3}
)

// Every answer of east to a client of west, by what each of the two knows.
func TestEveryAnswerToAKnownClientIsItsHomes(t *testing.T) {
	const as = "10.9.0.1 file west.0, 54 10.0.0.2, 30m0s, 3 %s%s, 7 10.9.0.5, 42 10.9.0.12, west.example"
	after := func(ids ...binding.Digest) map[binding.Digest]struct{} {
		m := map[binding.Digest]struct{}{}
		for _, id := range ids {
			m[id] = struct{}{}
		}
		return m
	}
	for _, c := range []struct {
		what       string
		router     string // of east's version
		before     map[binding.Digest]struct{}
		id         binding.Digest
		more, want string // what is asked for beside duoList
		rule       string
		version    binding.Digest
	}{
		{"one version", "10.0.0.254", after(root), westID, "", fmt.Sprintf(as, "10.0.0.254", ""), "", westID},
		{"east has a later version", "10.0.0.253", after(root, westID), eastID, "", fmt.Sprintf(as, "10.0.0.253", ""), "", eastID},
		{"east has the version before", "10.0.0.253", nil, root, "", fmt.Sprintf(as, "10.0.0.254", ""), binding.RuleToldBefore, westID},
		{"east is on a branch of its own", "10.0.0.253", after(root), eastID, "", fmt.Sprintf(as, "10.0.0.254", ""), binding.RuleToldBefore, westID},
		{"one version, and more is asked for", "10.0.0.254", after(root), westID, "\x04", fmt.Sprintf(as, "10.0.0.254", ""), "", westID},
		{"a branch, and more is asked for that west has", "10.0.0.253", after(root), eastID, "\x1c", fmt.Sprintf(as, "10.0.0.254", ""), binding.RuleAskedMore, westID},
		{"a branch, and more is asked for that east alone has", "10.0.0.253", after(root), eastID, "\x04", fmt.Sprintf(as, "10.0.0.254", ""), binding.RuleToldBefore, westID},
	} {
		for kind := range kinds("east", netip.AddrFrom4([4]byte{10, 0, 0, 50}), "") {
			d := newDuo(t)
			d.serve("west", policyOf(t, duoDocument, "10.0.0.254").Named(westID, after(root)))
			a := d.lease(duoList)
			d.serve("east", policyOf(t, duoDocument, c.router).Named(c.id, c.before))
			before, _ := d.table.Get(host(a))
			if kind == "REQUEST, after a pause" { // the lease is over, and its guard is not
				b := before
				b.State = binding.Expired
				d.table.Put(b, time.Time{})
			}
			answer := d.ask("east", kinds("east", a, duoList+c.more)[kind], unicast(kind))
			want := c.want
			if kind == "INFORM" {
				want = strings.Replace(want, "30m0s, ", "", 1)
			}
			if got := says(t, answer); got != want {
				t.Errorf("%s, %s:\n %s, want\n %s", c.what, kind, got, want)
			}
			now, _ := d.table.Get(host(a))
			if len(answer.Changes) == 0 {
				if now.Version != before.Version || answer.Type == dhcpv4.Ack && kind != "INFORM" {
					t.Errorf("%s, %s: an answer without a commit", c.what, kind)
				}
				continue
			}
			if now.Home != "west" || now.Version != c.version || taken(&now) != c.rule {
				t.Errorf("%s, %s: home %s, version %v, %q", c.what, kind, now.Home, now.Version, taken(&now))
			}
			if c.rule == binding.RuleToldBefore && c.more == "" && d.withoutLocal(&now) != d.withoutLocal(&before) {
				t.Errorf("%s, %s: another result is stored", c.what, kind)
			}
			for _, code := range []uint16{3, 66, binding.ReasonLifetime, binding.ReasonNextServer, binding.ReasonBootFile, binding.ReasonServerHostname} {
				if was := reasonsFor(&before, code); was == "" || c.rule == binding.RuleToldBefore && reasonsFor(&now, code) != was {
					t.Errorf("%s, %s: %d for another reason: %s, was %s", c.what, kind, code, reasonsFor(&now, code), was)
				}
			}
			// Back at home it has what home has.
			if back := says(t, d.ask("west", kinds("west", a, duoList)["REQUEST, RENEWING"], true)); c.version == westID && back != strings.NewReplacer("54 10.0.0.2", "54 10.0.0.1", "42 10.9.0.12", "42 10.9.0.11").Replace(fmt.Sprintf(as, "10.0.0.254", "")) {
				t.Errorf("%s, %s: and back at home %s", c.what, kind, back)
			}
		}
	}
}

// taken returns how the client of b came to what it was told, where that is no version's.
func taken(b *binding.Binding) string {
	rs, _ := binding.DecodeReasons(b.Reasons.Bytes)
	for _, r := range rs {
		if r.Code == binding.ReasonTaken {
			return r.Rule
		}
	}
	return ""
}

func reasonsFor(b *binding.Binding, code uint16) string {
	var s []string
	rs, _ := binding.DecodeReasons(b.Reasons.Bytes)
	for _, r := range rs {
		if r.Code == code {
			s = append(s, fmt.Sprint(r))
		}
	}
	return strings.Join(s, "; ")
}

// withoutLocal returns what b's client was told, without the option that is local.
func (d *duo) withoutLocal(b *binding.Binding) string {
	r, ok := binding.DecodeResult(b.Result.Bytes)
	if !ok {
		d.tb.Fatal("no result")
	}
	s := fmt.Sprint(r.Lifetime, r.NextServer, r.BootFile)
	for _, o := range r.Options {
		if o.Code != option.CodeNTPServers {
			s += fmt.Sprint(o)
		}
	}
	return s
}

// A client that nobody knows is the answering member's own, and so is one whose lease is over and done with.
func TestAClientThatIsNotKnownIsTheAnsweringMembers(t *testing.T) {
	const own = "10.9.0.2 file east.0, 54 10.0.0.2, 45m0s, 3 10.0.0.254, 42 10.9.0.12, east.example"
	d := newDuo(t)
	a := d.lease(duoList)
	for _, state := range []binding.State{binding.Free, binding.Active} {
		b, _ := d.table.Get(host(a))
		if b.State = state; state == binding.Active {
			b.Client.Hardware.Addr[5]++ // somebody else's
		}
		d.table.Put(b, time.Time{})
		got := d.ask("east", message(dhcpv4.Discover, dhcpv4.Header{}, 80, "", 55, duoList), false)
		if said := says(t, got); said != own || len(got.Changes) != 1 || got.Changes[0].Binding.Home != "east" {
			t.Errorf("%v: %s, %+v", state, said, got.Changes)
		}
	}
}

// A home that is taken out of the group is nobody's, and the next grant finds another.
func TestAHomeThatWasTakenOutIsForgotten(t *testing.T) {
	d := newDuo(t)
	a := d.lease(duoList)
	lines := strings.SplitAfter(strings.Replace(duoDocument, "west: {peer: 10.9.0.1:647, class: core}, ", "", 1), "\n")
	alone := strings.Join(append(lines[:1:1], slices.Delete(lines[2:], 1, 2)...), "") // without the layers of west
	d.serve("east", policyOf(t, alone, "10.0.0.254"))
	got := d.ask("east", kinds("east", a, duoList)["REQUEST, REBINDING"], false)
	if said := says(t, got); !strings.HasPrefix(said, "10.9.0.2 file east.0") || got.Changes[0].Binding.Home != "east" {
		t.Errorf("%s, %+v", said, got.Changes)
	}
}

// Whoever takes an offer is answered as the offer was made, also where the version changed since.
func TestAnOfferToAKnownClientIsKept(t *testing.T) {
	d := newDuo(t)
	d.serve("west", policyOf(t, duoDocument, "10.0.0.254").Named(westID, nil))
	a := d.lease(duoList)
	older := policyOf(t, duoDocument, "10.0.0.1").Named(root, nil)
	d.serve("east", older)
	offer := says(t, d.ask("east", kinds("east", a, duoList)["DISCOVER"], false))
	d.pools.Offer(a, &d.members["east"].out.Client, d.now.Add(time.Minute))
	d.pools.NewVersion()
	d.serve("east", policyOf(t, duoDocument, "10.0.0.253").Named(eastID, map[binding.Digest]struct{}{westID: {}}))
	d.members["east"].Earlier = []*policy.Policy{older}
	got := d.ask("east", kinds("east", a, duoList)["REQUEST, SELECTING"], false)
	if ack := says(t, got); ack != offer || got.Changes[0].Binding.Version != westID {
		t.Errorf("offered %s, granted %s", offer, ack)
	}
	d.pools.Withdraw(a)
	if ack := says(t, d.ask("east", kinds("east", a, duoList)["REQUEST, RENEWING"], true)); !strings.Contains(ack, "3 10.0.0.253") {
		t.Errorf("renewed by the version since: %s", ack)
	}
}

// An option that was asked for beyond what was told before stays so, and is not told for twice.
func TestAskingForMoreIsRemembered(t *testing.T) {
	d := newDuo(t)
	d.serve("west", policyOf(t, duoDocument, "10.0.0.254").Named(westID, nil))
	a := d.lease(duoList)
	d.serve("east", policyOf(t, duoDocument, "10.0.0.253").Named(eastID, nil))
	var sizes []int
	for _, list := range []string{duoList, duoList + "\x1c", duoList, duoList + "\x1c", duoList + "\x1c"} {
		d.ask("east", kinds("east", a, list)["REQUEST, REBINDING"], false)
		b, _ := d.table.Get(host(a))
		sizes = append(sizes, len(b.Reasons.Bytes))
		if want := len(sizes) > 1; (taken(&b) == binding.RuleAskedMore) != want || b.Version != westID {
			t.Errorf("after %d: %q, %v", len(sizes), taken(&b), b.Version)
		}
	}
	if sizes[1] != sizes[4] || sizes[3] != sizes[4] {
		t.Errorf("the reasons grow: %v", sizes)
	}
}

// TestTakeoverAllocatesNothing runs every kind of answer in the place of another.
func TestTakeoverAllocatesNothing(t *testing.T) {
	d := newDuo(t)
	d.serve("west", policyOf(t, duoDocument, "10.0.0.254").Named(westID, nil))
	a := d.lease(duoList)
	for name, p := range map[string]*policy.Policy{
		"as home": policyOf(t, duoDocument, "10.0.0.253").Named(eastID, map[binding.Digest]struct{}{westID: {}}),
		"again":   policyOf(t, duoDocument, "10.0.0.253").Named(eastID, nil),
	} {
		d.serve("east", p)
		for kind, packet := range kinds("east", a, duoList+"\x04\x1c") {
			if n := testing.AllocsPerRun(50, func() { d.hear("east", packet, unicast(kind)) }); n > 0 {
				t.Errorf("%s, %s: %v allocations", name, kind, n)
			}
		}
	}
}

// FuzzTakeover holds west's answers about a client of east's, whatever the datagram, to what must be true of all answers.
func FuzzTakeover(f *testing.F) {
	d := newDuo(f)
	d.serve("east", policyOf(f, duoDocument, "10.0.0.254").Named(eastID, nil))
	a := d.leaseFrom("east", duoList)
	d.serve("west", policyOf(f, duoDocument, "10.0.0.253").Named(westID, nil))
	for i, b := range seeds() {
		f.Add(b, i%2 == 0)
	}
	for kind, b := range kinds("west", a, duoList+"\x04\x1c\xf9") {
		f.Add(b, unicast(kind))
	}
	known, _ := d.table.Get(host(a))
	s := d.members["west"]
	f.Fuzz(func(t *testing.T, packet []byte, unicast bool) {
		var m dhcpv4.Message
		if m.Parse(packet) != nil {
			return
		}
		out := d.hear("west", packet, unicast)
		if err := s.audit(); err != nil {
			t.Fatalf("%v\nasked:\n%s", err, s.msg.String())
		}
		for i := range out.Changes {
			switch b := &out.Changes[i].Binding; {
			case b.State != binding.Active:
			case b.Client.Is(&known.Client) && b.Prefix == known.Prefix && s.msg.GIAddr.IsUnspecified():
				if b.Home != "east" || b.Version != eastID || taken(b) == "" {
					t.Fatalf("home %s, version %v, %q", b.Home, b.Version, taken(b))
				}
			case b.Home != "west" || b.Version != westID || taken(b) != "":
				t.Fatalf("home %s, version %v, %q of a client that is nobody's", b.Home, b.Version, taken(b))
			}
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	d := newDuo(b)
	d.serve("west", policyOf(b, duoDocument, "10.0.0.254").Named(westID, nil))
	a := d.lease(duoList)
	d.serve("east", policyOf(b, duoDocument, "10.0.0.253").Named(eastID, map[binding.Digest]struct{}{westID: {}}))
	packet := kinds("east", a, duoList)["REQUEST, REBINDING"]
	run := func(name string, by binding.Member) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.hear(by, packet, false)
			}
		})
	}
	run("at home", "west")
	run("as home", "east")
	d.serve("east", policyOf(b, duoDocument, "10.0.0.253").Named(eastID, nil))
	run("again", "east")
}
