package isc

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// service are the cells in which both servers run, and hear each other.
var service = []cell{
	{name: "handshake and balance", run: balance},
	{name: "a lease granted by Lessor", run: grantedByLessor},
	{name: "a lease granted by dhcpd", run: grantedByISC},
	{name: "renewal at the other server", run: renewalAtTheOther},
	{name: "rebinding while the granter is deaf", run: rebinding},
	{name: "a lease grows from the MCLT to its whole length", run: growth},
	{name: "release", run: released},
	{name: "decline", run: declined},
	{name: "expiry", run: expiry},
	{name: "load balancing, and its overrides", run: loadBalancing},
	{name: "every address in use, then given back", run: exhausted},
}

// balance: both empty they come to NORMAL without a wait, and each owns half.
func balance(p *pair) {
	if took := time.Since(p.floor.born); took > mclt+guard {
		p.t.Logf("it took %v from both being started to NORMAL", took)
	}
	p.agree()
	// Each side keeps what it has once the shares are within a tenth of what is free.
	p.eventually(30*time.Second, "each owns about half", func() bool {
		s := p.status().Pools[0]
		return s.Free+s.PartnerFree == size && near(s.Free) && near(float64(count(p.isc, "free")))
	})
	s := p.status().Partners[0]
	if want := map[bool]string{true: "primary", false: "secondary"}[p.primary]; s.Role != want || s.MCLT != int(mclt/time.Second) || !s.Connected {
		p.t.Errorf("status says %+v", s)
	}
	if _, db := p.isc.Database(); p.primary && db.MCLT != "12" {
		p.t.Errorf("dhcpd took %q as the MCLT", db.MCLT)
	}
	// Nothing is left to say: what is said after that are signs of life.
	p.eventually(20*time.Second, "every update is acknowledged", func() bool { return p.status().Partners[0].Unacked == 0 })
	said := len(p.tap.messages())
	time.Sleep(6 * time.Second)
	for _, m := range p.tap.messages()[said:] {
		if m.kind != kindContact {
			p.t.Errorf("nothing happens, but there is %s", m.String())
		}
	}
}

// near reports whether a share is within a tenth of all of what is fair.
func near(share float64) bool { return share >= size/2-size/10 && share <= size/2+size/10 }

// times compares what the two have of a lease, and what its client was told: by the last of those who told it something, since a
// dhcpd that hears of Lessor's lease before it comes to the REQUEST that chose Lessor answers that, too.
func times(p *pair, ack world.Packet) {
	p.t.Helper()
	a, want := ack.Address(), ack.At.Add(ack.Message.IPAddressLeaseTime(0))
	for _, q := range p.wire.Since(0, func(q world.Packet) bool { return q.Is(dhcpv4.MessageTypeAck) && q.Address() == a }) {
		if until := q.At.Add(q.Message.IPAddressLeaseTime(0)); until.After(want) {
			want = until
		}
	}
	db, _ := p.isc.Database()
	for who, ends := range map[string]time.Time{"Lessor": p.rows()[a].Expires, "dhcpd": db[a].Ends} {
		if d := ends.Sub(want); d < -2*time.Second || d > 2*time.Second {
			p.t.Errorf("%s has %v until %v, its client until %v", who, a, ends, want)
		}
	}
}

// identified is a client identifier as clients send it that are no Ethernet card.
func identified(text string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptClientIdentifier(append([]byte{0}, text...)))
}

func grantedByLessor(p *pair) {
	c := p.mine()
	ack := p.acquire(c, westLan)
	if got := ack.Message.IPAddressLeaseTime(0); got != mclt {
		p.t.Errorf("the first lease is %v long", got)
	}
	p.known(c, ack)
	times(p, ack)
	// One with an identifier is known by it, too. By hash it may be either's.
	d := p.people.Scripted("eth0", nil)
	d.MAC = p.born.of(p.primary)
	for n := byte('a'); ; n++ {
		id := "kiosk-" + string(n)
		if (bucketOf(append([]byte{0}, id...)) < 128) == p.primary {
			ack = p.acquire(d, westLan, identified(id))
			p.known(d, ack)
			if db, _ := p.isc.Database(); db[ack.Address()].UID != `"\000`+id+`"` {
				p.t.Errorf("dhcpd has the identifier %s of %s", db[ack.Address()].UID, id)
			}
			break
		}
	}
	p.agree()
}

func grantedByISC(p *pair) {
	c := p.theirs()
	ack := p.acquire(c, eastLan)
	p.known(c, ack)
	times(p, ack)
	// The same by the command line, as an operator sees it.
	row := p.lessor.HasActive(ack.Address(), c.MAC)
	if row.Home != "east" {
		p.t.Errorf("the home of %v is %q", ack.Address(), row.Home)
	}
	d := p.people.Scripted("eth0", nil)
	d.MAC = p.born.of(!p.primary)
	for n := byte('a'); ; n++ {
		id := "kiosk-" + string(n)
		if (bucketOf(append([]byte{0}, id...)) < 128) != p.primary {
			ack = p.acquire(d, eastLan, identified(id))
			p.known(d, ack)
			if got := p.rows()[ack.Address()].ClientID; got != colons(append([]byte{0}, id...)) {
				p.t.Errorf("Lessor has the identifier %s", got)
			}
			break
		}
	}
	p.agree()
}

// renewalAtTheOther: each server renews what the other has granted, and the granter hears of it.
func renewalAtTheOther(p *pair) {
	c, d := p.mine(), p.theirs()
	of, od := p.acquire(c, westLan), p.acquire(d, eastLan)
	p.known(c, of)
	p.known(d, od)
	p.known(c, p.renewAt(c, of.Address(), eastLan))
	p.known(d, p.renewAt(d, od.Address(), westLan))
	// And back.
	p.known(c, p.renewAt(c, of.Address(), westLan))
	p.known(d, p.renewAt(d, od.Address(), eastLan))
	p.agree()
}

func rebinding(p *pair) {
	c, d := p.mine(), p.theirs()
	of, od := p.acquire(c, westLan), p.acquire(d, eastLan)
	p.known(c, of)
	p.known(d, od)
	p.deafen(p.west)
	p.known(c, p.rebind(c, of.Address(), eastLan))
	p.hear(p.west)
	p.deafen(p.east)
	p.known(d, p.rebind(d, od.Address(), westLan))
	p.hear(p.east)
	// When both hear it, both may answer; the address is the same, and one of the answers is known to both.
	for _, one := range []struct {
		c *world.Scripted
		a netip.Addr
	}{{c, of.Address()}, {d, od.Address()}} {
		p.rebind(one.c, one.a, netip.Addr{})
	}
	p.agree()
}

// growth: the first lease is an MCLT long; once the other has acknowledged it, the next is whole.
func growth(p *pair) {
	for who, at := range map[*world.Scripted]netip.Addr{p.mine(): westLan, p.theirs(): eastLan} {
		ack := p.acquire(who, at)
		if got := ack.Message.IPAddressLeaseTime(0); got != mclt {
			p.t.Errorf("the first lease at %v is %v long", at, got)
		}
		p.known(who, ack)
		time.Sleep(3 * time.Second) // dhcpd acknowledges within 2 s
		ack = p.renewAt(who, ack.Address(), at)
		if got := ack.Message.IPAddressLeaseTime(0); got < whole-time.Minute {
			p.t.Errorf("the second lease at %v is %v long", at, got)
		}
		p.known(who, ack)
		times(p, ack)
	}
	p.agree()
}

// gone are the states of an address that nobody holds.
var gone = []string{"free", "backup"}

func released(p *pair) {
	c, d := p.mine(), p.theirs()
	of, od := p.acquire(c, westLan), p.acquire(d, eastLan)
	p.known(c, of)
	p.known(d, od)
	p.release(c, of)
	p.release(d, od)
	p.ends(of.Address(), gone, gone)
	p.ends(od.Address(), gone, gone)
	p.agree()
	// The client that comes again gets the same, as long as the address is still the answerer's.
	p.known(c, p.acquire(c, westLan))
	p.known(d, p.acquire(d, eastLan))
}

func declined(p *pair) {
	c, d := p.mine(), p.theirs()
	of, od := p.acquire(c, westLan), p.acquire(d, eastLan)
	p.known(c, of)
	p.known(d, od)
	p.decline(c, of)
	p.decline(d, od)
	for _, a := range []netip.Addr{of.Address(), od.Address()} {
		p.ends(a, []string{"abandoned"}, []string{"abandoned"})
	}
	if again := p.acquire(c, westLan); again.Address() == of.Address() {
		p.t.Errorf("%v was declined, and given again", of.Address())
	}
	if again := p.acquire(d, eastLan); again.Address() == od.Address() {
		p.t.Errorf("%v was declined, and given again", od.Address())
	}
	p.agree()
}

// expiry: leases that nobody renews end on both, and go back to be given away.
func expiry(p *pair) {
	var held []world.Packet
	for range 3 {
		for _, s := range []side{lessor{}, dhcpd{}} {
			c := s.client(p)
			held = append(held, p.acquire(c, s.lan()))
			p.shortened(c, held[len(held)-1])
		}
	}
	time.Sleep(mclt)
	for _, ack := range held {
		p.ends(ack.Address(), gone, gone)
	}
	p.agree()
	p.fair()
}

// shortened gives a lease back that dhcpd has granted once more and whole: on a busy machine it hears of Lessor's lease before it
// comes to the REQUEST that chose Lessor, and then answers that, too.
func (p *pair) shortened(c *world.Scripted, ack world.Packet) {
	time.Sleep(300 * time.Millisecond)
	for _, q := range p.wire.Since(0, func(q world.Packet) bool { return q.Is(dhcpv4.MessageTypeAck) && q.From(c.MAC) }) {
		if q.Message.IPAddressLeaseTime(0) > mclt {
			p.release(c, ack)
			return
		}
	}
}

// fair waits until each has about half of what is free. Neither balances more often than once a minute.
func (p *pair) fair() {
	p.t.Helper()
	p.eventually(90*time.Second, "the shares are fair", func() bool {
		s := p.status().Pools[0]
		return s.Free+s.PartnerFree == size && near(s.Free)
	})
	p.agree()
}

// loadBalancing: each answers its own; where one is deaf the other helps, by the third DISCOVER or after 4 s though the client says no secs.
func loadBalancing(p *pair) {
	mark := p.wire.Mark()
	owner := map[string]netip.Addr{}
	for range 4 {
		c, d := p.mine(), p.theirs()
		owner[c.MAC.String()], owner[d.MAC.String()] = westLan, eastLan
		c.Send(c.Message(dhcpv4.MessageTypeDiscover))
		d.Send(d.Message(dhcpv4.MessageTypeDiscover))
	}
	time.Sleep(3 * time.Second)
	offers := p.wire.Since(mark, func(q world.Packet) bool { return q.Is(dhcpv4.MessageTypeOffer) })
	for _, o := range offers {
		if want := owner[o.Message.ClientHWAddr.String()]; server(o) != want {
			p.t.Errorf("%v was made an offer by %v, and is %v's", o.Message.ClientHWAddr, server(o), want)
		}
	}
	if len(offers) != len(owner) {
		p.t.Errorf("%d clients were made %d offers", len(owner), len(offers))
	}

	p.deafen(p.east)
	began := time.Now()
	c := p.theirs()
	ack := p.acquireAny(c)
	if took := time.Since(began); server(ack) != westLan || took > 6*time.Second {
		p.t.Errorf("with dhcpd deaf its client was served after %v by %v", took, server(ack))
	}
	p.known(c, ack)
	p.hear(p.east)

	// dhcpd helps by the client's word alone.
	p.deafen(p.west)
	d := p.mine()
	m := d.Message(dhcpv4.MessageTypeDiscover)
	m.NumSeconds = 5
	offer := hears(p.t, d, m, dhcpv4.MessageTypeOffer)
	if server(offer) != eastLan {
		p.t.Errorf("with Lessor deaf its client was made an offer by %v", server(offer))
	}
	p.known(d, hears(p.t, d, d.Select(offer), dhcpv4.MessageTypeAck))
	p.hear(p.west)
	p.agree()
}

// exhausted: all addresses are given, with the other's help where the own share is used up; nobody is given one twice; then all
// come back.
func exhausted(p *pair) {
	p.expected = append(p.expected, "peer holds all") // which is true now and then
	held := map[netip.Addr]*world.Scripted{}
	acks := map[netip.Addr]world.Packet{}
	for i := range size {
		c := p.mine()
		if i%2 == 0 {
			c = p.theirs()
		}
		ack := p.acquireAny(c)
		if held[ack.Address()] != nil {
			p.t.Fatalf("%v was given twice", ack.Address())
		}
		held[ack.Address()], acks[ack.Address()] = c, ack
		if i%5 == 4 { // before the first leases end
			for a, c := range held {
				if time.Since(acks[a].At) > 3*time.Second && acks[a].Message.IPAddressLeaseTime(0) <= mclt {
					acks[a] = p.renewAt(c, a, server(acks[a]))
				}
			}
		}
	}
	if s := p.status().Pools[0]; s.Active != size {
		p.eventually(10*time.Second, "Lessor counts all as active", func() bool { return p.status().Pools[0].Active == size })
	}
	c := p.mine()
	c.Unanswered(c.Message(dhcpv4.MessageTypeDiscover), 2*time.Second)
	for a, c := range held {
		p.release(c, acks[a])
	}
	p.eventually(settle, "all are free again", func() bool {
		s := p.status().Pools[0]
		return s.Free+s.PartnerFree == size
	})
	p.agree()
	p.fair()
}

// bucketOf is the hash of a client identifier.
func bucketOf(id []byte) byte { return bucket(net.HardwareAddr(id)) }

// colons spells octets as Lessor does.
func colons(b []byte) string { return net.HardwareAddr(b).String() }
