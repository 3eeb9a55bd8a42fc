package isc

import (
	"testing"

	"github.com/lessor-dhcp/lessor/test/world"
)

// A dhcpd that served alone gets Lessor as its partner, as docs/isc-partner.md says: its clients are answered all the time, and
// Lessor knows every lease before it answers anybody.
func TestADhcpdThatWasAlone(t *testing.T) {
	t.Parallel()
	p := &pair{floor: newFloor(t), t: t, primary: false, withheld: true}
	p.setup = dhcpdAt(true, eastPeer, westPeer)
	p.isc = p.east.Peer("eth0", &p.setup)
	p.isc.SetState(relationship, down)
	dhcpd{}.is(p, down)
	var all []resident
	for range 5 {
		c := p.people.Scripted("eth0", p.born.of(len(all)%2 == 0))
		all = append(all, resident{c, p.acquire(c, eastLan)})
	}
	p.lessorAt()
	lessor{}.is(p, "RECOVER-WAIT")
	for i, r := range all {
		p.lessor.HasActive(r.address(), r.c.MAC)
		all[i].ack = p.rebind(r.c, r.address(), eastLan)
	}
	c := p.people.Scripted("eth0", p.born.of(false))
	all = append(all, resident{c, p.acquire(c, eastLan)}) // new ones, too
	p.normal()
	still(p, all)
	for _, c := range []*world.Scripted{p.mine(), p.theirs()} {
		p.known(c, p.acquireAny(c))
	}
	p.agree()
	p.finish()
}
