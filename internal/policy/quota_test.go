package policy

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/pool"
)

// What a narrower part of the document says of a quota holds, key by key.
func TestAQuotaHoldsForThePoolsBelowIt(t *testing.T) {
	doc, problems := config.Parse("quota.yaml", []byte(`server: {name: west}
enterprise: {quota: {port: 50%, interface: 7}}
networks:
  a:
    quota: {relay: 100%}
    subnets:
      10.1.0.0/24: {quota: {port: 1%}, pools: [{range: 10.1.0.1-10.1.0.9, quota: {port: 20}}, {range: 10.1.0.10-10.1.0.19}]}
      10.2.0.0/24: {pools: [{range: 10.2.0.1-10.2.0.9, quota: {interface: 100%}}]}
  b: {subnets: {10.3.0.0/24: {pools: [{range: 10.3.0.1-10.3.0.9}]}}}
`))
	if doc == nil {
		t.Fatal(problems)
	}
	n, part := func(n uint64) pool.Share { return pool.Share{Addresses: n} }, func(p uint8) pool.Share { return pool.Share{Percent: p} }
	want := []pool.Quota{
		{Port: n(20), Relay: part(100), Interface: n(7)}, {Port: part(1), Relay: part(100), Interface: n(7)},
		{Port: part(50), Relay: part(100), Interface: part(100)}, {Port: part(50), Interface: n(7)},
	}
	for i, q := range Compile(doc).Pools() {
		if q.Quota != want[i] {
			t.Errorf("%s: %+v, want %+v", q.Name(), q.Quota, want[i])
		}
	}
}
