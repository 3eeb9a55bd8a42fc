package failover

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// The partner has acknowledged that a lease is over, may have made its address free, and has forgotten until when the lease might have
// lasted. Whoever gets the address anew, as its former client for whom it is kept, is promised the MCLT, like anybody else.
func TestWhatThePartnerMayHaveForgottenPromisesNothing(t *testing.T) {
	x := normalWithLessor(t, Secondary, nil)
	e := x.n.ep
	c := binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 1})}
	acked := x.now.Add(time.Hour)
	was := binding.Binding{Prefix: netip.MustParsePrefix("10.0.0.1/32"), Client: c, State: binding.Expired, Expires: x.now.Add(-time.Minute)}
	was.Sync.Potential, was.Sync.Acked = acked, acked
	want := 10 * time.Hour
	if p := e.Grant(x.now, &was, &c, want); p.Lifetime != time.Hour+simMCLT {
		t.Errorf("a lease of which the partner knows is prolonged by %v", p.Lifetime)
	}
	was.Sync.Marks = binding.Ceded
	p := e.Grant(x.now, &was, &c, want)
	if p.Lifetime != simMCLT {
		t.Errorf("a lease that has ended is prolonged by %v", p.Lifetime)
	}
	now := was
	now.State, now.Expires, now.Sync.Potential = binding.Active, p.Expires, x.now.Add(time.Minute)
	e.Stamp(x.now, &was, &now)
	if !now.Sync.Acked.IsZero() || !now.Sync.Potential.Equal(acked) {
		t.Errorf("the partner knows of %v, and is told %v", now.Sync.Acked, now.Sync.Potential)
	}
}
