package metrics

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/node"
)

var (
	records = gauge("lessor_bindings", "Records of addresses, by state.", "state")
	memory  = gauge("lessor_bindings_memory_bytes", "What the records take in memory.")
	size    = gauge("lessor_pool_size", "Addresses of a pool; the first 500 pools, and the others together.", "network", "subnet", "range")
	inState = gauge("lessor_pool_addresses", "Addresses of a pool by what they are doing; together they are lessor_pool_size.", "network", "subnet", "range", "state")
	pools   = gauge("lessor_pools", "Pools of the configuration.")
	drained = gauge("lessor_pools_exhausted", "Pools without an address that this server may give to a new client.")
	scarce  = gauge("lessor_pools_scarce", "Pools of which less than a tenth is free, on this server and its partner together.")

	staleClients = gauge("lessor_stale_clients", "Clients that hold something else than the configuration would give them, by cause.", "cause")
	staleUnknown = gauge("lessor_stale_unknown_clients", "Clients of which it is not known what they were told.")
	staleSweep   = gauge("lessor_stale_sweeping", "Whether bindings are still being compared with the newest configuration.")
	staleOldest  = gauge("lessor_stale_oldest_timestamp_seconds", "Since when a client has been stale, of the one that has for longest.")
)

func (o out) bindings(st *node.Status) {
	for s := binding.Free; s <= binding.Abandoned; s++ {
		put(o, records, st.Bindings[s.String()], s.String())
	}
	put(o, memory, st.Memory)
}

// pools gives the first MaxPools pools, in the order in which they come, so that the series stay the same, and the others as one.
func (o out) pools(all []node.PoolStatus) {
	var rest node.PoolStatus
	var none, few int
	for i := range all {
		p := &all[i]
		if p.Free == 0 {
			none++
		}
		if free := p.Free + p.PartnerFree; free < p.Size/10 || free == 0 {
			few++
		}
		if i < MaxPools {
			o.pool(p, p.Network, p.Subnet.String(), p.Range)
			continue
		}
		add(&rest, p)
	}
	if len(all) > MaxPools {
		o.pool(&rest, other, other, other)
	}
	put(o, pools, len(all))
	put(o, drained, none)
	put(o, scarce, few)
}

func (o out) pool(p *node.PoolStatus, labels ...string) {
	put(o, size, p.Size, labels...)
	for _, s := range []struct {
		state string
		n     uint64
	}{
		{"free", p.Free}, {"partner_free", p.PartnerFree}, {"offered", p.Offered}, {"active", p.Active}, {"grace", p.Grace},
		{"abandoned", p.Abandoned}, {"reserved", p.Reserved},
	} {
		put(o, inState, s.n, labels[0], labels[1], labels[2], s.state)
	}
}

// add adds p to sum; a number that does not fit stays the largest.
func add(sum, p *node.PoolStatus) {
	for _, f := range []struct {
		to   *uint64
		more uint64
	}{
		{&sum.Size, p.Size}, {&sum.Free, p.Free}, {&sum.Offered, p.Offered}, {&sum.Active, p.Active}, {&sum.Grace, p.Grace},
		{&sum.Abandoned, p.Abandoned}, {&sum.Reserved, p.Reserved}, {&sum.PartnerFree, p.PartnerFree},
	} {
		if was := *f.to; was+f.more < was {
			*f.to = ^uint64(0)
		} else {
			*f.to += f.more
		}
	}
}

func (o out) stale(s *node.StaleSummary) {
	if s == nil {
		return
	}
	for _, cause := range ledger.Causes() {
		put(o, staleClients, s.ByCause[cause.String()], cause.String())
	}
	put(o, staleUnknown, s.Unknown)
	o.flag(staleSweep, s.Sweeping)
	o.time(staleOldest, s.SinceOldest)
}
