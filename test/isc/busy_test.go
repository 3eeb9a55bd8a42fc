package isc

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// busy are the cells with clients that are not written for the occasion.
var busy = []cell{
	{name: "real clients keep their addresses while each dies", run: realClients},
	{name: "a crowd at either server", run: crowds},
	{name: "dhcpd ended by its operator, started again", run: gentle},
	{name: "Lessor loses its database, and dies while it waits", run: diesWaiting},
}

// realClients: whoever dies, a client that renews or boots again keeps its address, from the other.
func realClients(p *pair) {
	type machine struct {
		host *world.Namespace
		c    world.Client
		a    netip.Addr
		wire *world.Capture
	}
	var all []machine
	for _, kind := range []string{"udhcpc", "dhclient"} {
		for _, n := range []string{"1", "2"} {
			host := p.Host(kind + n)
			p.lan.Attach(host, "eth0")
			all = append(all, machine{host: host, c: host.Client(kind, "eth0", world.Options{}), wire: host.Capture("eth0")})
		}
	}
	for i := range all {
		all[i].c.Start()
	}
	for i, m := range all {
		all[i].a = m.host.LeasedIn("eth0", link, 30*time.Second)
		p.did("%s has %v", m.host.Role, all[i].a)
	}
	again := func(by netip.Addr) {
		for _, m := range all {
			mark := m.wire.Mark()
			if m.c.Kind() == "udhcpc" {
				m.c.Renew()
			} else {
				m.c.Crash()
				m.c.Start()
			}
			mac := m.host.Hardware("eth0")
			p.eventually(30*time.Second, m.host.Role+" is answered by "+by.String(), func() bool {
				return len(m.wire.Since(mark, func(q world.Packet) bool {
					return q.Is(dhcpv4.MessageTypeAck) && q.From(mac) && server(q) == by && q.Address() == m.a
				})) > 0
			})
			p.did("%s was answered by %v", m.host.Role, by)
		}
	}
	for _, s := range []side{dhcpd{}, lessor{}} {
		p.eventually(settle, "both know every lease", func() bool {
			mine := p.rows()
			theirs, _ := p.isc.Database()
			for _, m := range all {
				mac := m.host.Hardware("eth0").String()
				if mine[m.a].Hardware != mac || mine[m.a].State != "active" || theirs[m.a].Hardware != mac || theirs[m.a].State != "active" {
					return false
				}
			}
			return true
		})
		kill(p, s)
		s.other().is(p, interrupted)
		again(s.other().lan())
		s.begin(p)
		p.normal()
	}
	var seen []world.Packet
	for _, m := range all {
		mac := m.host.Hardware("eth0")
		seen = append(seen, m.wire.Since(0, func(q world.Packet) bool { return q.From(mac) })...)
		if got := m.host.LeasedIn("eth0", link, time.Second); got != m.a {
			p.t.Errorf("%s had %v, and has %v", m.host.Role, m.a, got)
		}
	}
	slices.SortStableFunc(seen, func(a, b world.Packet) int { return a.At.Compare(b.At) })
	for _, wrong := range ledger(seen) {
		p.t.Error(wrong)
	}
	p.agree()
}

// crowds: at either server clients come and go, as fast as the other can be told.
func crowds(p *pair) {
	p.expected = append(p.expected, "peer holds all") // which is true now and then
	for _, at := range []netip.Addr{westLan, eastLan} {
		host := p.Host("crowd" + at.String()[7:])
		own := map[netip.Addr]string{westLan: "10.1.0.7", eastLan: "10.1.0.8"}[at]
		p.lan.Attach(host, "eth0", own+"/24")
		crowd := host.Crowd(12, 40, own, at.String(), uint64(at.As4()[3]))
		ctx, stop := context.WithTimeout(p.t.Context(), 10*time.Second)
		crowd.Talk(ctx)
		stop()
		crowd.Drain(200 * time.Millisecond)
		tally := crowd.Tally()
		p.did("at %v: %+v", at, tally)
		if tally.Acks < 20 || tally.Releases < 5 {
			p.t.Errorf("the crowd at %v hardly lived: %+v", at, tally)
		}
		for _, wrong := range crowd.Wrongs() {
			p.t.Error(wrong)
		}
		p.eventually(settle, "every update is acknowledged", func() bool { return p.status().Partners[0].Unacked == 0 })
		p.agree()
	}
}

// gentle: a dhcpd that its operator ends by OMAPI comes back in recover, although it lacks nothing.
func gentle(p *pair) {
	p.expected = append(p.expected, "shutdown", "exiting")
	p.withheld = true // it says what one says that lost everything
	all := residents(p)
	p.isc.ShutDown()
	p.isc.Wait(15 * time.Second)
	p.did("dhcpd has ended")
	lessor{}.is(p, interrupted)
	all = serves(p, lessor{}, all)
	dhcpd{}.begin(p)
	p.normal()
	still(p, all)
}

// diesWaiting: the wait of a server that lost its database is not over because it starts again.
func diesWaiting(p *pair) {
	all := residents(p)
	kill(p, lessor{})
	dhcpd{}.is(p, interrupted)
	wipeLessor(p)
	began := time.Now()
	lessor{}.begin(p)
	lessor{}.is(p, "RECOVER-WAIT")
	kill(p, lessor{})
	lessor{}.begin(p)
	// dhcpd takes what it hears of us for news about its own leases, and shortens them at first: clients renew meanwhile.
	p.eventually(settle, "NORMAL", func() bool {
		for i, r := range all {
			all[i].ack = p.rebind(r.c, r.address(), netip.Addr{})
		}
		time.Sleep(3 * time.Second)
		return strings.EqualFold(p.status().Partners[0].State, "NORMAL")
	})
	p.normal()
	if took := time.Since(began); took < mclt {
		p.t.Errorf("Lessor lost its database, and was in NORMAL after %v", took)
	}
	still(p, all)
}
