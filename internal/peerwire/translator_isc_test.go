package peerwire

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// The capture's two servers are "west", the primary, and "east".
func TestWhatISCSaidMeansThis(t *testing.T) {
	all := capture(t)
	p := newPair(ISC)
	client := binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 1})}
	byID := binding.Client{ID: unhex("010200 0000000a"), Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 10})}
	at := func(s int64) time.Time { return time.Unix(0x6b02bdef+s, 0).UTC() } // of the first message
	prefix := netip.MustParsePrefix
	for _, c := range []struct {
		seconds, sender string // of the first such message
		want            failover.Message
	}{
		{"3.007", "primary", failover.Connect{Hello: failover.Hello{
			Relationship: "lab-rel", MaxUnacked: 10, ReceiveTimer: 30 * time.Second, MCLT: time.Minute, Buckets: failover.Split(128),
		}}},
		{"3.007", "secondary", failover.ConnectAck{Hello: failover.Hello{
			Relationship: "lab-rel", MaxUnacked: 12, ReceiveTimer: 24 * time.Second,
		}}},
		{"3.008", "primary", failover.Report{State: failover.Recover, Starting: true, Since: at(-3)}},
		{"54.886", "secondary", telling(binding.Binding{
			Prefix: prefix("10.99.1.13/32"), State: binding.Active, Client: client, Starts: at(52), Changed: at(52), CLTT: at(52), Expires: at(112),
			Sync: binding.Sync{Potential: at(682)},
		})},
		{"92.220", "secondary", telling(binding.Binding{
			Prefix: prefix("10.99.1.10/32"), State: binding.Active, Client: byID, Starts: at(90), Changed: at(90), CLTT: at(90), Expires: at(150),
			Sync: binding.Sync{Potential: at(720)},
		})},
		// The primary tells that a lease of the secondary's has ended: a potential expiry long past, and no CLTT.
		{"114.892", "primary", telling(binding.Binding{
			Prefix: prefix("10.99.1.13/32"), State: binding.Expired, Client: client, Starts: at(52), Changed: at(112), Expires: at(112),
			Sync: binding.Sync{Potential: at(112)},
		})},
		{"116.991", "primary", telling(binding.Binding{
			Prefix: prefix("10.99.1.13/32"), State: binding.Free, Owner: "east", Client: client, Changed: at(114), Expires: at(112),
			Sync: binding.Sync{Potential: at(114)},
		})},
		{"131.457", "secondary", telling(binding.Binding{
			Prefix: prefix("10.99.1.21/32"), State: binding.Abandoned, Changed: at(123), CLTT: at(123), Expires: at(86529), Sync: binding.Sync{Potential: at(86529)},
		})},
		{"141.576", "secondary", telling(binding.Binding{
			Prefix: prefix("10.99.1.10/32"), State: binding.Released, Client: byID, Starts: at(117), Changed: at(139), Expires: at(139), CLTT: at(133),
			Sync: binding.Sync{Potential: at(139)},
		})},
		{"155.983", "secondary", telling(binding.Binding{ // an offer that was not taken
			Prefix: prefix("10.99.1.12/32"), State: binding.Free, Owner: "west", Changed: at(153), CLTT: at(147), Expires: at(267),
			Client: binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 0x15})}, Sync: binding.Sync{Potential: at(267)},
		})},
	} {
		to, table := p.west, p.wests
		if c.sender == "primary" {
			to, table = p.east, p.easts
		}
		m := find(t, all, c.seconds, c.sender)
		var r failover.Received
		if err := to.Parse(m.b, table, &r); err != nil {
			t.Fatalf("%s: %v", c.seconds, err)
		}
		if !reflect.DeepEqual(r.Message, c.want) {
			t.Errorf("%s, %s:\n%+v\n%+v", c.seconds, c.sender, r.Message, c.want)
		}
	}
}

func telling(b binding.Binding) failover.Message {
	return failover.BindingUpdate{Updates: []failover.Update{{Binding: b}}}
}

func find(t *testing.T, all []captured, seconds, sender string) captured {
	t.Helper()
	for _, c := range all {
		if c.seconds == seconds && c.sender == sender {
			return c
		}
	}
	t.Fatalf("nothing was captured at %s", seconds)
	return captured{}
}

// TestWhatISCSaidIsSaidAgain says each message of the capture as failover understood it. But for two times it is the same:
// a potential expiry before the lease's own says nothing, and a lease began when its client was last answered.
func TestWhatISCSaidIsSaidAgain(t *testing.T) {
	for i, c := range capture(t) {
		p := newPair(ISC)
		from, to, table := p.west, p.east, p.easts
		if c.sender == "secondary" {
			from, to, table = p.east, p.west, p.wests
		}
		from.setup.Software = "isc-4.4.3-P1"
		var r failover.Received
		if err := to.Parse(c.b, table, &r); err != nil {
			t.Fatal(err)
		}
		if a, ok := r.Message.(failover.ConnectAck); ok && a.Reason == 0 {
			a.MCLT = time.Minute // which is not said
			r.Message = a
		}
		got, err := from.Append(nil, r.Sent, &r.Envelope, 0)
		want := asWeSay(t, c.b)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("message %d, %s: %v\n%x\n%x", i, c.typ, err, got, want)
		}
		if b := from.Pending(to.Pending(nil, noon), noon); b != nil || from.Unsaid(&r) {
			t.Errorf("message %d, %s: something is left: %x", i, c.typ, b)
		}
	}
}

func asWeSay(t *testing.T, b []byte) []byte {
	t.Helper()
	m := parsed(t, b, ISC)
	for i := range m.Updates {
		u := &m.Updates[i]
		u.PotentialExpiry = latest(u.Expires, u.PotentialExpiry)
		if s, _ := u.Status.State(); isLease(s) && u.Has.Has(OptCLTT) {
			u.Since = u.CLTT
		}
	}
	b, err := m.Append(nil, ISC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// toISC are what failover says, and what of it an ISC server hears.
func toISC() (all []struct {
	name       string
	said, want failover.Message
}) {
	hello := failover.Hello{
		Relationship: "campus", Member: "west", MaxUnacked: 100, ReceiveTimer: 10 * time.Second, MCLT: time.Hour, Buckets: failover.Split(64),
		Store: digest(1), PartnerStore: digest(2), Last: 5, Seen: 6, Empty: true, Unmet: true, Parts: failover.PartsOf([]failover.Part{{Name: "ranges"}}).Told(),
	}
	heard := failover.Hello{Relationship: "campus", MaxUnacked: 100, ReceiveTimer: 10 * time.Second}
	primarys := heard
	primarys.MCLT, primarys.Buckets = hello.MCLT, hello.Buckets
	full := leased()
	full.Owner = ""
	kept := func(change func(b *binding.Binding)) failover.Message {
		b := binding.Binding{
			Prefix: full.Prefix, State: full.State, Client: full.Client, Expires: full.Expires, CLTT: full.CLTT,
			Starts: full.CLTT, Changed: full.CLTT, Sync: binding.Sync{Potential: full.Sync.Potential},
		}
		change(&b)
		return telling(b)
	}
	of := func(change func(b *binding.Binding)) failover.Message {
		b := full
		change(&b)
		return telling(b)
	}
	ack := failover.Ack{Prefix: full.Prefix, Ours: 7}
	no := failover.Ack{Prefix: full.Prefix, Reason: failover.FatalConflict, Text: "it is leased"}
	add := func(name string, said, want failover.Message) {
		all = append(all, struct {
			name       string
			said, want failover.Message
		}{name, said, want})
	}
	add("CONNECT", failover.Connect{Hello: hello}, failover.Connect{Hello: primarys})
	add("CONNECTACK", failover.ConnectAck{Hello: hello}, failover.ConnectAck{Hello: heard})
	add("CONNECTACK that refuses", failover.ConnectAck{Hello: hello, Reason: failover.InvalidMCLT, Text: "no"},
		failover.ConnectAck{Hello: heard, Reason: failover.InvalidMCLT, Text: "no"})
	add("STATE", failover.Report{State: failover.RecoverWait, Since: noon, Cause: "in words"}, failover.Report{State: failover.RecoverWait, Since: noon})
	add("a lease", of(func(*binding.Binding) {}), kept(func(*binding.Binding) {}))
	add("a lease of which the partner is told no potential expiry", of(func(b *binding.Binding) { b.Sync.Potential = time.Time{} }),
		kept(func(b *binding.Binding) { b.Sync.Potential = full.Expires }))
	add("a lease without end", of(func(b *binding.Binding) { b.Expires, b.Sync.Potential = binding.Forever, binding.Forever }),
		kept(func(b *binding.Binding) { b.Expires, b.Sync.Potential = binding.Forever, binding.Forever }))
	add("a lease beyond 2038", of(func(b *binding.Binding) { b.Expires = time.Unix(1<<32, 0).UTC() }),
		kept(func(b *binding.Binding) { b.Expires, b.Sync.Potential = binding.Forever, binding.Forever }))
	add("a lease whose client was never answered here", of(func(b *binding.Binding) { b.CLTT = time.Time{} }),
		kept(func(b *binding.Binding) { b.CLTT, b.Starts, b.Changed = time.Time{}, full.Starts, full.Starts }))
	add("an end", of(func(b *binding.Binding) { b.State, b.Expires = binding.Expired, noon.Add(-1*time.Second) }),
		kept(func(b *binding.Binding) {
			b.State, b.Expires = binding.Expired, noon.Add(-1*time.Second)
			b.Changed = b.Expires
		}))
	add("a release", of(func(b *binding.Binding) { b.State = binding.Released }),
		kept(func(b *binding.Binding) { b.State, b.Changed = binding.Released, full.Expires }))
	add("a free address of the secondary's", of(func(b *binding.Binding) { b.State, b.Owner = binding.Free, "east" }), kept(func(b *binding.Binding) {
		b.State, b.Owner, b.Starts, b.Changed = binding.Free, "east", time.Time{}, full.Changed
	}))
	add("a free address of the primary's", of(func(b *binding.Binding) { b.State, b.Owner = binding.Free, "west" }), kept(func(b *binding.Binding) {
		b.State, b.Owner, b.Starts, b.Changed = binding.Free, "west", time.Time{}, full.Changed
	}))
	add("an abandoned address", of(func(b *binding.Binding) { b.State = binding.Abandoned }), kept(func(b *binding.Binding) {
		b.State, b.Starts, b.Changed, b.Client = binding.Abandoned, time.Time{}, full.Changed, binding.Client{}
	}))
	add("BNDACK", failover.BindingAck{Acks: []failover.Ack{ack}}, failover.BindingAck{Acks: []failover.Ack{{Prefix: full.Prefix}}})
	add("BNDACK that refuses", failover.BindingAck{Acks: []failover.Ack{no}}, failover.BindingAck{Acks: []failover.Ack{no}})
	add("POOLRESP", failover.PoolResponse{Given: 7}, failover.PoolResponse{Given: 7})
	add("DISCONNECT", failover.Disconnect{Reason: failover.TimeMismatch, Text: "late"}, failover.Disconnect{Reason: failover.TimeMismatch, Text: "late"})
	for _, m := range []failover.Message{
		failover.Contact{}, failover.UpdateRequest{All: true}, failover.UpdateRequest{}, failover.UpdateDone{}, failover.PoolRequest{},
	} {
		add(reflect.TypeOf(m).Name(), m, m)
	}
	return all
}

// leased is a lease with everything that failover may say of one.
func leased() binding.Binding {
	facts := binding.Facts{Link: "floor1", Options: []binding.Fact{{Code: 55, Value: []byte{1, 3}}}}
	result := binding.AppendTLV(binding.AppendResultHeader(nil, time.Hour, netip.Addr{}, nil, []byte("boot")), 1, []byte{255, 255, 255, 0})
	return binding.Binding{
		Prefix: netip.MustParsePrefix("198.51.100.50/32"), State: binding.Active, Client: binding.Client{ID: unhex("ff0001"), Hardware: ethernet},
		Starts: noon.Add(-time.Hour), Expires: noon.Add(time.Hour), CLTT: noon.Add(-time.Minute), Changed: noon.Add(-2 * time.Hour),
		Home: "west", Version: digest(7), Cause: binding.Renewed,
		Facts: binding.StoredFacts{
			Shared: binding.NewBlob(facts.AppendShared(nil, func(uint16) bool { return false })), Own: binding.AppendTLV(nil, 12, []byte("printer")),
		},
		Result:  binding.NewBlob(result),
		Reasons: binding.NewBlob(binding.AppendReason(nil, binding.Reason{Code: 1, Layer: "subnet", Rule: "derived"})),
		Sync:    binding.Sync{Potential: noon.Add(90 * time.Minute), Ours: binding.SequenceOf(4, 1001), Theirs: binding.SequenceOf(9, 3)},
	}
}

func TestAnISCServerHearsWhatTheDraftHas(t *testing.T) {
	for _, c := range toISC() {
		p := newPair(ISC)
		e := failover.Envelope{ID: 9, Message: c.said}
		b, err := p.west.Append(nil, noon, &e, 0)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err := iscReads(b); err != nil {
			t.Errorf("%s: %v: %x", c.name, err, b)
		}
		if got := together(arrive(t, p.east, p.easts, b)); got.ID != 9 || !reflect.DeepEqual(got.Message, c.want) {
			t.Errorf("%s:\n%+v\n%+v", c.name, got, c.want)
		}
	}
}

// What would end an ISC server, or be refused by it, is not said, and failover hears that it was refused.
func TestWhatCannotBeSaidToISCCountsAsRefused(t *testing.T) {
	p := newPair(ISC)
	nobody, ours, foreign, long := leased(), leased(), leased(), leased()
	nobody.Client.Hardware = binding.Hardware{}
	foreign.State, foreign.Owner = binding.Free, "north"
	long.Prefix = netip.MustParsePrefix("2001:db8::/64")
	for i, b := range []*binding.Binding{&nobody, &ours, &foreign} {
		b.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 32)
	}
	var updates []failover.Update
	for _, b := range []binding.Binding{nobody, ours, foreign, long} {
		updates = append(updates, failover.Update{Binding: b})
	}
	got := carry(t, p.west, p.east, p.easts, failover.Envelope{ID: 3, Message: failover.BindingUpdate{Updates: updates}}, 0)
	if len(got) != 1 || got[0].Message.(failover.BindingUpdate).Updates[0].Binding.Prefix != ours.Prefix {
		t.Errorf("%+v arrives", got)
	}
	var r failover.Received
	if !p.west.Unsaid(&r) || r.ID != 3 || len(r.Message.(failover.BindingAck).Acks) != 3 {
		t.Fatalf("%+v was not said", r)
	}
	for i, a := range r.Message.(failover.BindingAck).Acks {
		want := failover.Ack{
			Prefix: []netip.Prefix{nobody.Prefix, foreign.Prefix, long.Prefix}[i], Ours: ours.Sync.Ours, Reason: failover.Miscellaneous,
			Text: []string{"it lacks client-hardware-address", "it has no binding-status", "it has no address"}[i],
		}
		if a != want {
			t.Errorf("%+v\n%+v", a, want)
		}
	}
	if p.west.Unsaid(&r) {
		t.Errorf("%+v twice", r)
	}
	var no *Unsendable
	for _, m := range []failover.Message{
		failover.Report{State: failover.Startup}, failover.Report{}, failover.Disconnect{},
		failover.Connect{Hello: failover.Hello{Relationship: "x", MaxUnacked: 1, ReceiveTimer: time.Second}},
	} {
		if b, err := p.west.Append(nil, noon, &failover.Envelope{Message: m}, 0); b != nil || !isUnsendable(err, &no) {
			t.Errorf("%+v: %x, %v", m, b, err)
		}
	}
}

func isUnsendable(err error, to **Unsendable) (ok bool) {
	*to, ok = err.(*Unsendable)
	return ok
}

// An ISC server believes option 18 alone, so that it never says less than the lease itself.
func TestISCIsToldNoPotentialExpiryBeforeTheLeases(t *testing.T) {
	for _, c := range []struct{ potential, want time.Time }{
		{time.Time{}, leased().Expires}, {noon, leased().Expires}, {binding.Forever, binding.Forever}, {noon.Add(2 * time.Hour), noon.Add(2 * time.Hour)},
	} {
		p := newPair(ISC)
		b := leased()
		b.Sync.Potential = c.potential
		out, err := p.west.Append(nil, noon, &failover.Envelope{ID: 1, Message: telling(b)}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if u := parsed(t, out, ISC).Updates[0]; !u.PotentialExpiry.Equal(c.want) {
			t.Errorf("%v is said as %v", c.potential, u.PotentialExpiry)
		}
	}
}

// An ISC server hears of a run one by one, a few at a time, and failover of one answer.
func TestARunIsToldToISCAddressByAddress(t *testing.T) {
	for _, c := range []struct {
		window, most int
		refuse       string // an address
	}{{10, 5, ""}, {1, 1, ""}, {1000, 64, ""}, {10, 5, "10.0.0.255/32"}} {
		p := newPair(ISC)
		carry(t, p.east, p.west, p.wests, failover.Envelope{Message: failover.ConnectAck{Hello: failover.Hello{
			Relationship: "x", MaxUnacked: c.window, ReceiveTimer: time.Minute,
		}}}, 0)
		run := failover.Update{Last: address("10.0.1.43"), Binding: binding.Binding{
			Prefix: netip.MustParsePrefix("10.0.0.200/32"), State: binding.Free, Owner: "east", Sync: binding.Sync{Ours: 77},
		}}
		e := failover.Envelope{ID: 5, Message: failover.BindingUpdate{Updates: []failover.Update{run}}}
		if b, err := p.west.Append(nil, noon, &e, 0); b != nil || err != nil {
			t.Fatalf("%x, %v", b, err)
		}
		next, end := run.Binding.Prefix.Addr(), failover.Ack{}
		for rounds := 0; end.Ours == 0; rounds++ {
			got := arrive(t, p.east, p.easts, p.west.Pending(nil, noon))
			if len(got) == 0 || len(got) > c.most || rounds > 200 {
				t.Fatalf("%+v: %d addresses at a time", c, len(got))
			}
			for _, r := range got {
				u := r.Message.(failover.BindingUpdate).Updates
				want := binding.Binding{Prefix: netip.PrefixFrom(next, 32), State: binding.Free, Owner: "east"}
				if r.ID != 5 || len(u) != 1 || u[0].Last.IsValid() || !reflect.DeepEqual(u[0].Binding, want) {
					t.Fatalf("%+v\n%+v", u, want)
				}
				next = next.Next()
				a := failover.Ack{Prefix: want.Prefix}
				if a.Prefix.String() == c.refuse {
					a.Reason, a.Text = failover.IllegalAddress, "not mine"
				}
				for _, back := range carry(t, p.east, p.west, p.wests, failover.Envelope{ID: 5, Message: failover.BindingAck{Acks: []failover.Ack{a}}}, 0) {
					for _, a := range back.Message.(failover.BindingAck).Acks {
						end = a
					}
				}
			}
		}
		want := failover.Ack{Prefix: run.Binding.Prefix, Ours: 77}
		if c.refuse != "" {
			want.Reason, want.Text = failover.IllegalAddress, "not mine"
		}
		if end != want || next != address("10.0.1.44") || len(p.west.runs) > 0 {
			t.Errorf("%+v: it ends at %v with %+v", c, next, end)
		}
	}
}

// An ISC server without split says no buckets: its clients are its own by hash, and we answer them where it does not.
func TestAnISCServerWithoutSplitHasAllBuckets(t *testing.T) {
	m := without(connect(), OptBuckets)
	var x failover.Hello
	p := newPair(ISC)
	if err := p.east.hearHello(&m, &x); err != nil || x.Buckets != failover.Split(256) {
		t.Errorf("%v, %x", err, x.Buckets)
	}
	m = connect()
	m.Handshake.Buckets = make([]byte, 32)
	if err := p.east.hearHello(&m, &x); err != nil || x.Buckets != failover.Split(0) {
		t.Errorf("%v, %x", err, x.Buckets)
	}
}
