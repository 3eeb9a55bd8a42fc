package isc

import (
	"os"
	"time"
)

// recoveries are the cells in which a server loses its disk, is said to be down, or both went on without each other.
var recoveries = []cell{
	{name: "Lessor is told that dhcpd is down, which returns", run: dhcpdDown},
	{name: "dhcpd is told that Lessor is down, which returns", run: lessorDown},
	{name: "dhcpd loses its database", run: dhcpdWiped},
	{name: "Lessor loses its database", run: lessorWiped},
	{name: "both lose their databases, one after the other", run: bothWiped},
	{name: "conflict: Lessor was told so wrongly", run: func(p *pair) { conflict(p, true, false) }},
	{name: "conflict: dhcpd was told so wrongly", run: func(p *pair) { conflict(p, false, true) }},
	{name: "conflict: both were told so wrongly", run: func(p *pair) { conflict(p, true, true) }},
	{name: "the link is cut while dhcpd recovers", run: cutInRecovery},
}

// down is PARTNER-DOWN as dhcpd spells it.
const down = "partner-down"

// crowded has more new clients than a server's own share get an address from it, which it may only give once the wait of
// PARTNER-DOWN is over.
func crowded(p *pair, s side, n int) []resident {
	p.t.Helper()
	var all []resident
	for range n {
		c := p.mine()
		ack := p.acquireAny(c)
		if server(ack) != s.lan() {
			p.t.Errorf("%v was served by %v", c.MAC, server(ack))
		}
		if got := ack.Message.IPAddressLeaseTime(0); got > mclt {
			p.t.Errorf("in PARTNER-DOWN it granted %v at first", got)
		}
		all = append(all, resident{c, ack})
	}
	return all
}

func dhcpdDown(p *pair) {
	all := residents(p)
	if out, code := p.lessor.Command("partner-down", "east", "--yes"); code == 0 {
		p.t.Errorf("partner-down was not refused while dhcpd answers: %s", out)
	}
	kill(p, dhcpd{})
	lessor{}.is(p, interrupted)
	// As long as clients were seen to choose dhcpd not long ago, it may be serving: that is refused, too.
	p.eventually(settle, "Lessor believes that dhcpd is down", func() bool {
		_, code := p.lessor.Command("partner-down", "east", "--yes")
		return code == 0
	})
	lessor{}.is(p, down)
	all = serves(p, lessor{}, all)
	time.Sleep(mclt + guard + time.Second)
	all = append(all, crowded(p, lessor{}, size/2+1)...)
	dhcpd{}.begin(p)
	p.normal()
	still(p, all)
}

func lessorDown(p *pair) {
	all := residents(p)
	kill(p, lessor{})
	dhcpd{}.is(p, interrupted)
	p.isc.SetState(relationship, down)
	dhcpd{}.is(p, down)
	all = serves(p, dhcpd{}, all)
	time.Sleep(mclt + time.Second)
	all = append(all, crowded(p, dhcpd{}, size/2+1)...)
	lessor{}.begin(p)
	p.normal()
	still(p, all)
}

func dhcpdWiped(p *pair) {
	all := residents(p)
	kill(p, dhcpd{})
	lessor{}.is(p, interrupted)
	all = serves(p, lessor{}, all)
	p.isc.Wipe()
	p.withheld = true
	dhcpd{}.begin(p)
	p.normal()
	still(p, all)
}

func lessorWiped(p *pair) {
	all := residents(p)
	kill(p, lessor{})
	dhcpd{}.is(p, interrupted)
	all = serves(p, dhcpd{}, all)
	wipeLessor(p)
	began := time.Now()
	lessor{}.begin(p)
	p.normal()
	if took := time.Since(began); took < mclt {
		p.t.Errorf("Lessor lost its database, and was in NORMAL after %v: it may have promised what nobody remembers", took)
	}
	still(p, all)
}

func wipeLessor(p *pair) {
	p.t.Helper()
	if err := os.RemoveAll(p.lessor.Data); err != nil {
		p.t.Fatal(err)
	}
	p.withheld = true
	p.did("Lessor's data directory is gone")
}

func bothWiped(p *pair) {
	all := residents(p)
	kill(p, dhcpd{})
	lessor{}.is(p, interrupted)
	p.isc.Wipe()
	p.withheld = true
	dhcpd{}.begin(p)
	p.normal()
	still(p, all)
	kill(p, lessor{})
	dhcpd{}.is(p, interrupted)
	wipeLessor(p)
	lessor{}.begin(p)
	p.normal()
	still(p, all)
}

// conflict: the link is cut, and an operator says of a server that lives that it is down. Both serve on, and when they meet
// they come to terms by themselves. Nobody's share was given away yet, so nobody loses an address.
func conflict(p *pair, lessorTold, dhcpdTold bool) {
	all := residents(p)
	p.cut()
	p.both(interrupted, interrupted)
	if lessorTold {
		out, code := p.lessor.Command("partner-down", "east", "--yes", "--force", "--reason", "the cell about conflicts")
		if code != 0 {
			p.t.Fatalf("partner-down --force: %d: %s", code, out)
		}
		lessor{}.is(p, down)
	}
	if dhcpdTold {
		p.isc.SetState(relationship, down)
		dhcpd{}.is(p, down)
	}
	all = apart(p, all)
	p.mend()
	p.normal()
	still(p, all)
	met := false
	for _, m := range p.tap.messages() {
		met = met || m.kind == kindState && m.u8(optState) == stateConflict
	}
	if !met {
		p.t.Log("they came to NORMAL without POTENTIAL-CONFLICT")
	}
}

// cutInRecovery: dhcpd lost its database, and the link is cut while it is told of it.
func cutInRecovery(p *pair) {
	all := residents(p)
	kill(p, dhcpd{})
	lessor{}.is(p, interrupted)
	p.isc.Wipe()
	p.withheld = true
	dhcpd{}.begin(p)
	p.eventually(settle, "dhcpd asks for everything", func() bool {
		for _, m := range p.tap.messages() {
			if m.from == eastPeer.Addr() && m.kind == kindRequestAll && m.at.After(all[1].ack.At) {
				return true
			}
		}
		return false
	})
	p.cut()
	p.eventually(settle, "Lessor has lost dhcpd", func() bool { return !p.status().Partners[0].Connected })
	for i, r := range all {
		all[i].ack = p.rebind(r.c, r.address(), westLan)
	}
	p.mend()
	p.normal()
	still(p, all)
}
