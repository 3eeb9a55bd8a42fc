package isc

import (
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// A lease without end is one at dhcpd, too, also after either has started again.
func TestALeaseWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, primary := range map[string]bool{"Lessor is primary": true, "Lessor is secondary": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &pair{floor: newFloor(t), t: t, primary: primary}
			p.setup = dhcpdAt(!primary, eastPeer, westPeer)
			p.isc = p.east.Peer("eth0", &p.setup)
			p.lessorBy(strings.Replace(document(primary), "{default: 1h0m0s, min: 5s, max: 1h0m0s}", "{default: infinite, min: 5s, max: infinite}", 1))
			p.normal()
			c := p.mine()
			ack := p.acquire(c, westLan)
			p.known(c, ack)
			p.eventually(10*time.Second, "the next lease has no end", func() bool {
				got := p.renewAt(c, ack.Address(), westLan).Message.Options.Get(dhcpv4.OptionIPAddressLeaseTime)
				return string(got) == "\xff\xff\xff\xff"
			})
			never := func() {
				t.Helper()
				p.eventually(settle, "neither knows an end", func() bool {
					db, _ := p.isc.Database()
					l, m := db[ack.Address()], p.rows()[ack.Address()]
					return l.State == "active" && l.Hardware == c.MAC.String() && l.Ends.IsZero() && m.State == "active" && time.Until(m.Expires) > 1000*time.Hour
				})
			}
			never()
			for _, s := range []side{lessor{}, dhcpd{}} {
				kill(p, s)
				s.other().is(p, interrupted)
				s.begin(p)
				p.normal()
				never()
			}
			p.finish()
		})
	}
}
