package failover

import (
	"net/netip"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func TestFlightsEndInAnyOrderAndOnce(t *testing.T) {
	var f flights
	f.init()
	at := func(i int) place { return placeOf(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 32)) }
	for round := range 2 { // the second uses the memory of the first again
		for i := range 4 {
			f.begin(flightID{7, at(i)}, flight{ours: binding.Sequence(i + 1)})
		}
		f.await()
		for left, i := range []int{2, 0, 3, 1} {
			if _, ok := f.end(flightID{8, at(i)}); ok {
				t.Error("an answer to a message that was not sent ends something")
			}
			fl, ok := f.end(flightID{7, at(i)})
			if !ok || fl.ours != binding.Sequence(i+1) || f.len() != 3-left || f.dumped != 3-left || f.flying(at(i).prefix(), fl.ours) {
				t.Fatalf("round %d, binding %d: %v %+v, %d left, %d awaited", round, i, ok, fl, f.len(), f.dumped)
			}
			if _, again := f.end(flightID{7, at(i)}); again {
				t.Error("a binding is answered twice")
			}
		}
		if len(f.sent) != 0 || len(f.latest) != 0 || len(f.spare) != 1 {
			t.Errorf("%d messages, %d places, %d spare are left", len(f.sent), len(f.latest), len(f.spare))
		}
	}
}
