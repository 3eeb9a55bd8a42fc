package node

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// Looking ahead is for the processor alone: what is decided is the same, and nothing is allocated.
func TestLookingAheadDecidesNothing(t *testing.T) {
	var x, y = newTraffic(t), newTraffic(t)
	var r, s read
	for n := uint32(0); n < 3200; n += uint32(len(r.addrs)) {
		for _, typ := range [...]dhcpv4.MessageType{dhcpv4.Discover, dhcpv4.Request} {
			for i := range r.addrs {
				r.put(x, i, typ, n+uint32(i), r.addrs[i])
				s.put(y, i, typ, n+uint32(i), s.addrs[i])
			}
			r.handle(x, false)
			if s.handle(y, true); !bytes.Equal(x.out.octets, y.out.octets) {
				t.Fatalf("%v of clients from %d on: the answers differ", typ, n)
			}
		}
	}
	s.packets[3].Shed, s.packets[4].Malformed, s.packets[4].Msg = responder.TooBusy, "bad-op", nil
	before := y.core.table.Len()
	if n := testing.AllocsPerRun(100, func() { y.core.lookAhead(s.packets[:]) }); n > 0 || y.core.table.Len() != before {
		t.Errorf("%v allocations, %d bindings that were %d", n, y.core.table.Len(), before)
	}
}

// BenchmarkReads is of new clients that come 32 at a time, where there are 500,000 already: what an exchange takes when what it is decided
// by is looked at together, and when it is not.
func BenchmarkReads(b *testing.B) {
	for _, together := range []bool{false, true} {
		b.Run(fmt.Sprintf("together=%v", together), func(b *testing.B) {
			x := newTraffic(b)
			n := uint32(0)
			for ; n < 500000; n++ {
				x.lease(n)
			}
			var r read
			for b.Loop() {
				for i := range r.addrs {
					r.put(x, i, dhcpv4.Discover, n+uint32(i), netip.Addr{})
				}
				r.handle(x, together)
				for i := range r.addrs {
					r.put(x, i, dhcpv4.Request, n+uint32(i), r.addrs[i])
				}
				r.handle(x, together)
				n += uint32(len(r.addrs))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(r.addrs)), "ns/exchange")
		})
	}
}

// read is packets that came together.
type read struct {
	octets   [32][]byte
	messages [32]dhcpv4.Message
	packets  [32]Packet
	addrs    [32]netip.Addr // in the replies
}

// put makes packet i what client number n says.
func (r *read) put(x *traffic, i int, typ dhcpv4.MessageType, n uint32, a netip.Addr) {
	r.octets[i] = append(r.octets[i][:0], x.octetsOf(typ, n, a, false)...)
	if err := r.messages[i].Parse(r.octets[i]); err != nil {
		panic(err)
	}
	r.packets[i] = x.packetOf(&r.messages[i])
}

func (r *read) handle(x *traffic, together bool) {
	x.out.Reset()
	if together {
		x.core.lookAhead(r.packets[:])
	}
	for i := range r.packets {
		x.core.Handle(x.now, &r.packets[i], &x.out)
		b := x.out.Octets(&x.out.Replies[i])
		r.addrs[i] = netip.AddrFrom4([4]byte(b[16:20]))
	}
}
