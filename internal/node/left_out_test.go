package node

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// What a client's message had no room for is stored as that, counted, and no difference today.
func TestOptionsWithoutRoomAreNoDifference(t *testing.T) {
	s := &stage{now: epoch}
	var routes []string
	for range 120 {
		routes = append(routes, "{to: 10.0.0.0/8, via: 10.0.0.1}")
	}
	if got := s.config("enterprise: {options: {root-path: /r, classless-static-route: [" + strings.Join(routes, ", ") + "]}}\nnetworks: {lan: {conflict-probe: 0s, subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.19}]}}}}\n"); !strings.HasPrefix(got, "1 networks") {
		t.Fatal(got)
	}
	s.links("eth0=10.0.0.1/24")
	s.play("request hw=02:00:00:00:00:01 req=10.0.0.10 sid=10.0.0.1 prl=121,17")
	b, ok := s.core.table.Get(host(netip.MustParseAddr("10.0.0.10")))
	if !ok || b.State != binding.Active {
		t.Fatal("no lease was granted")
	}
	d := s.core.detail(&b)
	if len(d.LeftOut) != 1 || d.LeftOut[0].Name != "classless-static-route" || d.LeftOut[0].Layer != "enterprise" || d.LeftOut[0].Line == 0 {
		t.Fatalf("left out: %+v", d.LeftOut)
	}
	if d.Today = s.core.today(&d, &b); d.Today.Differs || len(d.Today.New) > 0 {
		t.Errorf("today differs: %+v", d.Today)
	}
	if s.core.counts.OptionsLeftOut != 1 {
		t.Errorf("counted %d", s.core.counts.OptionsLeftOut)
	}
}
