package isc

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// storms are the cells in which what goes wrong is drawn by lot. LESSOR_SEED makes the lots those of an earlier run.
var storms = []cell{
	{name: "storm: the link flaps", run: func(p *pair) { storm(p, []string{"cut", "mend", "mend"}) }},
	{name: "storm: servers die, the link flaps", run: func(p *pair) {
		storm(p, []string{"cut", "mend", "mend", "kill lessor", "kill dhcpd", "begin", "begin", "begin"})
	}},
}

// stormy is how long a storm lasts.
const stormy = 35 * time.Second

// tempest is a storm: the pair, the lots, and the clients that were served so far.
type tempest struct {
	*pair
	dice *rand.Rand
	cut  bool
	all  []resident
}

func storm(p *pair, events []string) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("LESSOR_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	p.did("LESSOR_SEED=%d", seed)
	p.t.Logf("LESSOR_SEED=%d", seed)
	p.expected = append(p.expected, "peer holds all")
	s := &tempest{pair: p, dice: rand.New(rand.NewPCG(seed, 3))}
	for end := time.Now().Add(stormy); time.Now().Before(end); {
		s.happens(events[s.dice.IntN(len(events))])
		for range 1 + s.dice.IntN(3) {
			s.client()
			time.Sleep(time.Duration(s.dice.IntN(1200)) * time.Millisecond)
		}
	}
	s.happens("mend")
	s.happens("begin")
	p.normal()
	// Whoever holds an address keeps it.
	for i, r := range s.all {
		if time.Until(r.ack.At.Add(r.ack.Message.IPAddressLeaseTime(0))) > 3*time.Second {
			s.all[i].ack = p.rebind(r.c, r.address(), netip.Addr{})
		}
	}
	still(p, s.all)
	p.eventually(settle, "every update is acknowledged", func() bool { return p.status().Partners[0].Unacked == 0 })
	p.agree()
}

func (s *tempest) happens(what string) {
	switch what {
	case "cut":
		if !s.cut {
			s.floor.cut()
		}
		s.cut = true
	case "mend":
		if s.cut {
			s.mend()
		}
		s.cut = false
	case "kill lessor", "kill dhcpd":
		var victim side = lessor{}
		if what == "kill dhcpd" {
			victim = dhcpd{}
		}
		if !victim.process(s.pair).Ended() && !victim.other().process(s.pair).Ended() { // one at a time, so that clients are served
			kill(s.pair, victim)
		}
	case "begin":
		for _, one := range []side{lessor{}, dhcpd{}} {
			if one.process(s.pair).Ended() {
				one.begin(s.pair)
			}
		}
	}
}

// client has one client do something. Nobody answers now and then, as when both have just started.
func (s *tempest) client() {
	if n := len(s.all); n > 0 && s.dice.IntN(3) > 0 {
		i := s.dice.IntN(n)
		r := &s.all[i]
		if time.Until(r.ack.At.Add(r.ack.Message.IPAddressLeaseTime(0))) < time.Second || s.dice.IntN(8) == 0 {
			s.release(r.c, r.ack)
			s.all = append(s.all[:i], s.all[i+1:]...)
			return
		}
		s.reachable(r.c, r.address())
		if ack, ok := s.tries(r.c, renewing(r.c, r.address()), dhcpv4.MessageTypeAck); ok {
			r.ack = ack
		}
		return
	}
	if len(s.all) == size/2 {
		return
	}
	c := s.mine()
	if s.dice.IntN(2) == 0 {
		c = s.theirs()
	}
	offer, ok := s.tries(c, c.Message(dhcpv4.MessageTypeDiscover), dhcpv4.MessageTypeOffer)
	if !ok {
		return
	}
	if ack, ok := s.tries(c, c.Select(offer), dhcpv4.MessageTypeAck); ok {
		s.did("%v was given %v for %v by %v", c.MAC, ack.Address(), ack.Message.IPAddressLeaseTime(0), server(ack))
		s.all = append(s.all, resident{c, ack})
	}
}

// tries sends a message three times, and returns the answer of that type, false if there is none.
func (s *tempest) tries(c *world.Scripted, m *dhcpv4.DHCPv4, want dhcpv4.MessageType) (world.Packet, bool) {
	for range 3 {
		c.Send(m)
		for until := time.Now().Add(400 * time.Millisecond); time.Now().Before(until); {
			if answer, ok := c.Hear(m, time.Until(until)); ok && answer.Is(want) {
				return answer, true
			}
		}
	}
	return world.Packet{}, false
}
