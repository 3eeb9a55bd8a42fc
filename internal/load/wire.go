package load

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/lessor-dhcp/lessor/internal/socket"
)

// wire is the way to the servers.
type wire interface {
	// sender returns what sends; each is used by one goroutine.
	sender() sender
	// receive hands over what comes until the wire is closed.
	receive(to ears) error
	// lost is how many messages this machine could not send, and how many it could not take.
	lost() (sent, heard uint64)
	close()
}

// ears are what a wire hands over to.
type ears struct {
	// hear takes a message of a server.
	hear func([]byte)
	// holder returns the client that uses an address.
	holder func(addr uint32) (client uint32, ok bool)
	// behind is called after each batch.
	behind func()
}

// sender collects messages and sends them together.
type sender interface {
	// add queues q. What is queued goes out by itself where there is no more room.
	add(q question)
	flush()
}

// relayed is the way by relays: all messages come from this machine's addresses, and go to each of the servers.
type relayed struct {
	s       *socket.Sockets
	servers []netip.AddrPort
	local   []netip.Addr
	port    uint16
}

func openRelayed(cfg *Config) (*relayed, error) {
	var bind netip.Addr
	if len(cfg.Local) == 1 {
		bind = cfg.Local[0]
	}
	s, err := socket.Open(socket.Config{Listen: cfg.Local, Bind: bind, Port: cfg.SourcePort, UnicastOnly: true})
	if err != nil {
		return nil, fmt.Errorf("as a relay at %v: %w", cfg.Local[0], err)
	}
	return &relayed{s: s, servers: cfg.Servers, local: cfg.Local, port: cfg.SourcePort}, nil
}

func (w *relayed) close() { w.s.Close() }

func (w *relayed) lost() (sent, heard uint64) {
	c := w.s.Counters()
	for _, n := range c.Failed {
		sent += n
	}
	return sent, c.Overflow
}

func (w *relayed) receive(to ears) error {
	in := socket.NewBatch(128)
	for {
		if _, err := w.s.Receive(in); errors.Is(err, os.ErrClosed) {
			return err
		}
		for i := range in.Datagrams() {
			to.hear(in.Datagrams()[i].Bytes)
		}
		to.behind()
	}
}

const burstSize = 256

func (w *relayed) sender() sender {
	return &burst{w: w, octets: make([]byte, 0, burstSize*largest), out: make([]socket.Outgoing, 0, burstSize*len(w.servers))}
}

// burst is a sender of relayed.
type burst struct {
	w      *relayed
	octets []byte
	out    []socket.Outgoing
}

func (b *burst) add(q question) {
	if cap(b.octets)-len(b.octets) < largest {
		b.flush()
	}
	from := b.w.local[int(q.client)%len(b.w.local)]
	q.relay, q.portOfRelay = number(from), b.w.port != socket.ServerPort
	begin := len(b.octets)
	b.octets = q.append(b.octets)
	for _, to := range b.w.servers {
		b.out = append(b.out, socket.Outgoing{Bytes: b.octets[begin:], To: to, From: from})
	}
}

func (b *burst) flush() {
	if len(b.out) > 0 {
		b.w.s.Send(b.out)
	}
	b.octets, b.out = b.octets[:0], b.out[:0]
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func address(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
