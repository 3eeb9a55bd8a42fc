package isc

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A pool of 4,096 addresses, of which each is told for itself: the two come to NORMAL and to fair shares, and go on.
func TestALargePool(t *testing.T) {
	t.Parallel()
	p := &pair{floor: newFloor(t), t: t, primary: true}
	p.setup = dhcpdAt(false, eastPeer, westPeer)
	p.setup.Link, p.setup.Ranges = netip.MustParsePrefix("10.1.0.0/16"), []string{"10.1.16.0-10.1.31.255"}
	p.isc = p.east.Peer("eth0", &p.setup)
	doc := strings.Replace(document(true), link.String(), p.setup.Link.String(), 1)
	p.lessorBy(strings.Replace(doc, pool(), p.setup.Ranges[0], 1))
	p.normal()
	p.did("both are in NORMAL")
	const half = 4096 / 2
	p.eventually(90*time.Second, "the shares are fair", func() bool {
		s := p.status()
		q := s.Pools[0]
		return q.Free+q.PartnerFree == 4096 && q.PartnerFree > half-half/5 && s.Partners[0].Unacked == 0
	})
	p.did("the shares are fair")
	c, d := p.mine(), p.theirs()
	p.known(c, p.acquire(c, westLan))
	p.known(d, p.acquire(d, eastLan))

	// A lost database of that size is told again in no time.
	kill(p, lessor{})
	dhcpd{}.is(p, interrupted)
	wipeLessor(p)
	lessor{}.begin(p)
	began := time.Now()
	lessor{}.is(p, "RECOVER-WAIT")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("to be told of everything took %v", took)
	}
	p.normal()
	q := p.status().Pools[0]
	if q.PartnerFree < half-half/5 || q.Size != 4096 {
		t.Errorf("after that the pool is %+v", q)
	}
	check := checklist{us: westPeer.Addr(), primary: true, pool: p.setup.Link.Contains}
	for _, wrong := range check.check(p.tap.messages(), time.Now()) {
		t.Error(wrong)
	}
	for _, wrong := range ledger(p.wire.Packets()) {
		t.Error(wrong)
	}
	if p.isc.Ended() {
		t.Error("dhcpd does not run any more")
	}
}
