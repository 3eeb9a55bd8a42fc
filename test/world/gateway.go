package world

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Gateway is a scripted relay that speaks for many subnets, and for the clients behind it.
type Gateway struct {
	w    *World
	conn *net.UDPConn
}

// Gateway makes the host a relay whose own addresses are all those of behind: what servers send there is heard.
func (n *Namespace) Gateway(behind netip.Prefix) *Gateway {
	n.w.t.Helper()
	n.IP("route", "add", "local", behind.String(), "dev", "lo")
	g := &Gateway{w: n.w}
	err := n.Do(func() (err error) {
		g.conn, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 67})
		return err
	})
	if err != nil {
		n.w.t.Fatalf("gateway: %v", err)
	}
	g.conn.SetReadBuffer(4 << 20)
	n.w.t.Cleanup(func() { g.conn.Close() })
	return g
}

// atOnce is how many questions are open at a time, and again is when one is asked once more.
const (
	atOnce = 16
	again  = 700 * time.Millisecond
)

// AskAll asks a server each of the questions, and returns the answers in the same order; nil where none came within
// d of the last question. A question is repeated while it is open, since a datagram may be lost.
func (g *Gateway) AskAll(server netip.Addr, questions []*dhcpv4.DHCPv4, d time.Duration) []*dhcpv4.DHCPv4 {
	g.w.t.Helper()
	answers := make([]*dhcpv4.DHCPv4, len(questions))
	for begin := 0; begin < len(questions); begin += atOnce {
		end := min(begin+atOnce, len(questions))
		g.ask(server, questions[begin:end], answers[begin:end], d)
	}
	return answers
}

func (g *Gateway) ask(server netip.Addr, questions, answers []*dhcpv4.DHCPv4, d time.Duration) {
	open := map[dhcpv4.TransactionID]int{}
	for i, q := range questions {
		open[q.TransactionID] = i
	}
	buf := make([]byte, 65536)
	for deadline := time.Now().Add(d); len(open) > 0 && time.Now().Before(deadline); {
		for _, i := range open {
			g.send(server, questions[i].ToBytes())
		}
		for until := time.Now().Add(again); len(open) > 0; {
			g.conn.SetReadDeadline(until)
			n, from, err := g.conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				break
			}
			m, err := dhcpv4.FromBytes(append([]byte(nil), buf[:n]...))
			if err != nil || m.OpCode != dhcpv4.OpcodeBootReply || from.Addr().Unmap() != server {
				continue
			}
			if i, ok := open[m.TransactionID]; ok && m.ClientHWAddr.String() == questions[i].ClientHWAddr.String() {
				answers[i] = m
				delete(open, m.TransactionID)
			}
		}
	}
}

func (g *Gateway) send(server netip.Addr, payload []byte) {
	g.w.t.Helper()
	if _, err := g.conn.WriteToUDPAddrPort(payload, netip.AddrPortFrom(server, 67)); err != nil {
		g.w.t.Fatalf("gateway: %v", err)
	}
}
