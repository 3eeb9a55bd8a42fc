package node_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

func TestTwoLessorsLeaveMoreUnansweredWhereNothingIsSaidOfIt(t *testing.T) {
	const text = `server: {name: west, interfaces: [eth0]}
group:
  members: {west: {peer: 10.0.0.2:647}, east: {peer: 10.0.0.3:647%s}}
%s
networks: {all: {subnets: {10.0.0.0/8: {pools: [{range: 10.1.0.0-10.2.0.0}]}}}}
`
	for _, x := range []struct {
		partner, failover string
		want              int
	}{
		{"", "", 512},
		{"", "  failover: {max-unacked: 99}", 99},
		{"", "  failover: {max-unacked: 5000}", 5000},
		{", protocol: isc-dhcpd", "", 100},
	} {
		doc, err := config.Parse("lessor.yaml", []byte(fmt.Sprintf(text, x.partner, x.failover)))
		if doc == nil { // an ISC server as the partner is warned of
			t.Fatal(err)
		}
		c, ok := node.RelationshipOf(doc, policy.Compile(doc), [16]byte{1}, 1)
		if !ok || c.MaxUnacked != x.want {
			t.Errorf("%q %q: %v, %d unanswered, not %d", x.partner, strings.TrimSpace(x.failover), ok, c.MaxUnacked, x.want)
		}
	}
}
