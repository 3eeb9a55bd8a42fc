package isc

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

func lines(all []string) string { return strings.Join(all, "\n") }

// holding is what a client was told that it has, and until when it believes so.
type holding struct {
	mac   string
	until time.Time
}

// ledger goes through what clients said and were told, and names every address that two clients held at the same time,
// and every client that was told no about what it held. rebooted are messages that ask for an address that the client
// has given up; a no to those is right.
func ledger(seen []world.Packet) (wrong []string) {
	holds := map[netip.Addr]holding{}
	asked := map[string]world.Packet{} // the last REQUEST of each client and transaction
	for _, p := range seen {
		mac := p.Message.ClientHWAddr.String()
		key := mac + p.Message.TransactionID.String()
		switch p.Message.MessageType() {
		case dhcpv4.MessageTypeRequest, dhcpv4.MessageTypeDiscover:
			asked[key] = p
		case dhcpv4.MessageTypeAck:
			lease := p.Message.IPAddressLeaseTime(0)
			request, ok := asked[key]
			if lease == 0 || !ok {
				continue // the answer to an INFORM
			}
			a, h := p.Address(), holding{mac, request.At.Add(lease)}
			if other, held := holds[a]; held && other.mac != mac && request.At.Before(other.until) {
				wrong = append(wrong, fmt.Sprintf("%v was given to %s, and %s holds it until %v: %v", a, mac, other.mac, other.until.Format("15:04:05.000"), p))
			}
			holds[a] = h
		case dhcpv4.MessageTypeNak:
			for a, h := range holds {
				if h.mac == mac && p.At.Before(h.until) && names(asked[key], a) {
					wrong = append(wrong, fmt.Sprintf("%s was told no about %v, which it holds: %v", mac, a, p))
				}
			}
		case dhcpv4.MessageTypeRelease:
			a, _ := netip.AddrFromSlice(p.Message.ClientIPAddr.To4())
			giveUp(holds, a, mac)
		case dhcpv4.MessageTypeDecline:
			a, _ := netip.AddrFromSlice(p.Message.RequestedIPAddress().To4())
			giveUp(holds, a, mac)
		}
	}
	return wrong
}

func giveUp(holds map[netip.Addr]holding, a netip.Addr, mac string) {
	if holds[a].mac == mac {
		delete(holds, a)
	}
}

// names reports whether a REQUEST is about the address.
func names(p world.Packet, a netip.Addr) bool {
	if p.Message == nil {
		return false
	}
	return p.Message.ClientIPAddr.Equal(world.IP4(a)) || p.Message.RequestedIPAddress().Equal(world.IP4(a))
}
