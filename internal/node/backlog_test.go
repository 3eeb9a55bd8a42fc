package node

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer"
	"github.com/lessor-dhcp/lessor/internal/peerwire"
)

// What the other server says while a commit is under way waits on the connection beyond a bound, whatever becomes of it: also what is
// refused, or was heard before, of which nothing is committed.
func TestWhatThePartnerSaysIsDecidedInBoundedMemory(t *testing.T) {
	for _, c := range []struct {
		name string
		from netip.Addr
		most int // bindings that are answered by one commit
	}{
		{"of no pool", netip.MustParseAddr("11.0.0.0"), fullNotes + peerwire.MaxBindings},
		{"heard before", netip.MustParseAddr("10.0.2.0"), 10_000}, // of some 60 octets each
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newRunningPair(t)
			p.start("west")
			p.start("east")
			p.until("west", "NORMAL")
			p.until("east", "NORMAL")
			said := manyBindings(t, c.from)
			n := p.nodes["west"].node
			taken := make(chan int)
			n.control <- func() { // nothing is carried out meanwhile, as while a disk stands still
				messages := 0
				for ; !n.current.full() && messages < 1000; messages++ {
					n.partnerEvent(peer.Message{Link: n.partner.link, Bytes: said, At: time.Now()})
				}
				taken <- messages * peerwire.MaxBindings
			}
			if is := <-taken; is > c.most {
				t.Errorf("%d bindings were answered by one commit; at most %d are", is, c.most)
			} else {
				t.Logf("%d bindings were answered by one commit", is)
			}
		})
	}
}

// manyBindings returns a message of as many leases as one may have, from an address on.
func manyBindings(t *testing.T, a netip.Addr) []byte {
	t.Helper()
	now := time.Now()
	m := peerwire.Message{Type: peerwire.BndUpd, XID: 1 << 24, Time: now}
	for i := range peerwire.MaxBindings {
		u := peerwire.Update{
			Has:     peerwire.SetOf(peerwire.OptAddress, peerwire.OptStatus, peerwire.OptHardware, peerwire.OptExpires, peerwire.ExtSequence),
			Address: a, Status: peerwire.Active, Hardware: binding.Hardware{Type: 1, Len: 6}, Expires: now.Add(time.Hour),
			Detail: peerwire.Detail{Sequence: peerwire.Sequence{Epoch: 1, Number: uint64(1000 + i)}},
		}
		binary.BigEndian.PutUint32(u.Hardware.Addr[:], uint32(i+1))
		m.Updates = append(m.Updates, u)
		a = a.Next()
	}
	b, err := m.Append(nil, peerwire.Lessor, 0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
