package node

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

const churnDocument = `server: {name: west, data: /nowhere}
enterprise: {lease: {default: 10m}, options: {domain-name: corp.example, domain-name-servers: [10.0.0.%d]}}
networks: {all: {subnets: {10.0.0.0/8: {options: {routers: [10.0.0.1]}, pools: [{range: 10.16.0.0-10.16.15.255}]}}}}
classes: {phones: {kind: vendor, match: 'vendor_class.startsWith("Phone") && vendor_class.endsWith("7")', options: {tftp-server-name: phones.example}}}
accept: {host-name: true, lease-time: {max: 12h}}
`

// churning are clients each of which says, whenever it says something, what nobody said before, from a port of its own, and is told
// what nobody is told.
type churning struct {
	*traffic
	said int
	text []byte
}

func (x *churning) say(typ dhcpv4.MessageType, n uint32, a netip.Addr, has bool) {
	x.said++
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: n, GIAddr: netip.AddrFrom4([4]byte{10, 0, 0, 1}), CHAddr: [16]byte{2, 12}}
	binary.BigEndian.PutUint32(h.CHAddr[2:], n)
	if has {
		h.CIAddr = a
	}
	x.builder.Begin(x.octets[:0], &h, 1400)
	x.builder.Add(option.CodeMessageType, []byte{byte(typ)})
	if a.IsValid() && !has {
		x.builder.Add(option.CodeRequestedAddress, a.AsSlice())
	}
	if a.IsValid() && (!has || typ == dhcpv4.Release) {
		x.builder.Add(option.CodeServerIdentifier, serverIdentifier)
	}
	if typ != dhcpv4.Release {
		x.text = fmt.Appendf(x.text[:0], "Phone of kind %d", x.said)
		x.builder.Add(option.CodeVendorClass, x.text)
		x.builder.Add(option.CodeHostName, fmt.Appendf(x.text[:0], "host-%d", x.said))
		x.builder.Add(option.CodeLeaseTime, binary.BigEndian.AppendUint32(x.text[:0], uint32(600+x.said%1200)))
		x.builder.Add(option.CodeParameterRequestList, append(append(x.text[:0], asked...), byte(128+x.said%97), byte(128+x.said%89)))
	}
	x.text = fmt.Appendf(append(x.text[:0], option.RelayCircuitID, 0), "port %d", n)
	x.text[1] = byte(len(x.text) - 2)
	b, _ := x.builder.Finish(x.text)
	if err := x.msg.Parse(b); err != nil {
		panic(err)
	}
	x.packet = Packet{Msg: &x.msg, From: netip.AddrPortFrom(h.GIAddr, 67), To: netip.AddrFrom4([4]byte{10, 0, 0, 2}), Unicast: true, Interface: 1}
	x.out.Reset()
	x.core.Handle(x.now, &x.packet, &x.out)
}

// come has client n get a lease, another one renew, and a third one, every other time, give back what it has.
func (x *churning) come(t *testing.T, n uint32, addrs []netip.Addr) {
	at := func(n uint32) *netip.Addr { return &addrs[n%uint32(len(addrs))] }
	x.say(dhcpv4.Discover, n, netip.Addr{}, false)
	*at(n) = x.yours()
	x.say(dhcpv4.Request, n, *at(n), false)
	if got := x.out.Replies; len(got) != 1 || got[0].Type != dhcpv4.Ack {
		t.Fatalf("client %d got no lease: %v", n, x.core.answer.Drop)
	}
	if n >= 150 {
		if x.say(dhcpv4.Request, n-100, *at(n - 100), true); len(x.out.Replies) != 1 || x.out.Replies[0].Type != dhcpv4.Ack {
			t.Fatalf("client %d did not renew: %v", n-100, x.core.answer.Drop)
		}
		if n%2 == 0 {
			x.say(dhcpv4.Release, n-150, *at(n - 150), true)
		}
	}
	x.core.Handle(x.now, Durable{Commit: x.core.commit}, &x.out)
	x.core.Handle(x.now, Tick{}, &x.out)
	x.now = x.now.Add(time.Second)
}

// heap is what lives, in octets, but for the list of the latest changes of leases, which grows to its full size.
func (x *churning) heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	past := &x.core.past
	return int(m.HeapAlloc) - (len(past.rare.chunks)+len(past.renewals.chunks))*pastChunk*int(unsafe.Sizeof(pastEntry{}))
}

// Facts and results that nobody else has go with their clients, and so does all else that is kept of them: after hundreds of thousands of
// changes a server of as many leases is as large as before, also where its configuration changes meanwhile.
func TestALongHistoryLeavesNoMoreThanItsLeases(t *testing.T) {
	x := &churning{traffic: trafficOf(t, policyOf(t, fmt.Sprintf(churnDocument, 0))), text: make([]byte, 0, 512)}
	addrs := make([]netip.Addr, 256)
	const clients, settled, changed = 120000, 30000, 6000
	before, blobs := 0, 0
	for n := range uint32(clients) {
		if n%changed == 0 {
			x.core.Handle(x.now, Adopt{Policy: policyOf(t, fmt.Sprintf(churnDocument, n/changed%250))}, &x.out)
			for x.core.Sweeping() {
				x.core.Handle(x.now, Sweep{Most: 1000}, &x.out)
			}
		}
		x.come(t, n, addrs)
		if n == settled {
			before = x.heap()
			blobs, _ = x.core.table.Blobs()
		}
	}
	after := x.heap()
	known, _ := x.core.table.Blobs()
	t.Logf("%d commits; %d octets, then %d; %d blobs, then %d; %d records", x.core.commit, before, after, blobs, known, x.core.table.Len())
	if x.core.commit < 3*clients || x.core.table.Len() != 4096 {
		t.Errorf("%d commits, %d records: nothing is as it was meant", x.core.commit, x.core.table.Len())
	}
	if after > before+before/10 || known > blobs+blobs/10 {
		t.Errorf("%d octets, then %d; %d blobs, then %d", before, after, blobs, known)
	}
	if err := x.core.Audit(); err != nil {
		t.Error(err)
	}
}
