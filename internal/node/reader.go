package node

import (
	"context"
	"errors"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/socket"
)

const (
	// readSlots is how many datagrams are read at once, readAhead how many reads may wait for the decider; what comes
	// beyond waits in the kernel.
	readSlots = 128
	readAhead = 4
)

// arrivals are the datagrams of one read, parsed.
type arrivals struct {
	batch    *socket.Batch
	messages []dhcpv4.Message
	packets  []Packet
	n        int
}

func newArrivals() *arrivals {
	return &arrivals{
		batch: socket.NewBatch(readSlots), messages: make([]dhcpv4.Message, readSlots), packets: make([]Packet, readSlots),
	}
}

// read reads and parses datagrams for the decider, until the sockets are closed.
func (n *Node) read() {
	for range readAhead {
		n.spent <- newArrivals()
	}
	for {
		a, ok := n.emptyArrivals()
		if !ok {
			return
		}
		if err := a.receive(n.sockets); err != nil {
			return
		}
		select {
		case n.arrived <- a:
		case <-n.ended:
			return
		}
	}
}

func (n *Node) emptyArrivals() (*arrivals, bool) {
	select {
	case a := <-n.spent:
		return a, true
	case <-n.ended:
		return nil, false
	}
}

// receive fills a with at least one datagram.
func (a *arrivals) receive(s *socket.Sockets) error {
	if _, err := s.Receive(a.batch); err != nil {
		return err
	}
	a.n = 0
	for _, d := range a.batch.Datagrams() {
		p, m := &a.packets[a.n], &a.messages[a.n]
		*p = Packet{Msg: m, From: d.From, To: d.To, Unicast: d.Unicast, Interface: d.Interface}
		if err := m.Parse(d.Bytes); err != nil {
			p.Malformed = malformed(err)
		}
		a.n++
	}
	return nil
}

func malformed(err error) string {
	var m *dhcpv4.Malformed
	if errors.As(err, &m) {
		return m.Reason()
	}
	return "malformed"
}

// watch tells the decider of interfaces and addresses that appear and go.
func (n *Node) watch(ctx context.Context) {
	// Watch returns when ctx is done, with nil: what goes wrong meanwhile it says itself.
	_ = n.sockets.Watch(ctx, func(links []socket.Link) {
		select {
		case n.links <- links:
		case <-n.ended:
		}
	})
}

// hearAnswers tells the decider who answered a conflict probe.
func (n *Node) hearAnswers(ctx context.Context) {
	// Without CAP_NET_RAW there are no probes, which socket has said.
	_ = n.sockets.Answers(ctx, func(t socket.Target) {
		select {
		case n.answers <- t:
		case <-n.ended:
		}
	})
}
