package world

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Between is a machine on the cable between the two servers that has stolen the keys of both. Each takes it for the other one.
// It passes on what they say, remembers it, and can say something itself.
type Between struct {
	pair *Pair

	mu    sync.Mutex
	lines []*tapped
	heard []Heard
	hush  func(from *Member, msg []byte) bool
	edit  func(from *Member, msg []byte) []byte
}

// Heard is one message of the failover protocol that was passed on.
type Heard struct {
	From  *Member
	At    time.Time
	Bytes []byte
}

// Type is the message's type (draft §6.1).
func (h Heard) Type() byte { return h.Bytes[2] }

// tapped is one connection between the two, in two halves. Only the failover protocol is looked into.
type tapped struct {
	to [2]*half // towards west, towards east
}

// half is the way to one of the two servers.
type half struct {
	mu   sync.Mutex
	conn net.Conn
}

func (h *half) write(b []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.conn.Write(b)
	return err
}

// Between puts such a machine between two servers that are not started yet.
func (p *Pair) Between() *Between {
	p.t.Helper()
	b := &Between{pair: p}
	p.Link.Cut()
	for i, m := range p.Both() {
		other := p.Other(m)
		posing := p.Host("as" + other.Host.Role) // on m's end of the cable, as the other one
		m.link.Attach(posing, "peer0", netip.PrefixFrom(other.peer(), 24).String())
		l, err := posing.Listen(other.Port())
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { l.Close() })
		go b.accept(l, i)
	}
	p.t.Cleanup(b.Break)
	return b
}

// accept takes connections of one of the two, for the other one.
func (b *Between) accept(l net.Listener, i int) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go b.join(c, i)
	}
}

// join makes a connection to the one that is called, as the one that calls, and passes on what both say.
func (b *Between) join(c net.Conn, i int) {
	defer c.Close()
	caller := b.pair.Both()[i]
	called := b.pair.Other(caller)
	from := tls.Server(c, &tls.Config{
		Certificates: []tls.Certificate{*called.Papers()}, ClientAuth: tls.RequireAnyClientCert, NextProtos: []string{SpeaksFailover, SpeaksGroup},
	})
	from.SetDeadline(time.Now().Add(5 * time.Second))
	if from.Handshake() != nil {
		return
	}
	from.SetDeadline(time.Time{})
	var posing *Namespace
	for _, n := range b.pair.spaces {
		if n.Role == "as"+caller.Host.Role {
			posing = n
		}
	}
	raw, err := posing.Visit(called.Port())
	if err != nil {
		return
	}
	defer raw.Close()
	to, err := Greet(raw, caller.Papers(), nil, from.ConnectionState().NegotiatedProtocol)
	if err != nil {
		return
	}
	x := &tapped{}
	x.to[i], x.to[1-i] = &half{conn: from}, &half{conn: to}
	if from.ConnectionState().NegotiatedProtocol == SpeaksFailover {
		b.mu.Lock()
		b.lines = append(b.lines, x)
		b.mu.Unlock()
	}
	var both sync.WaitGroup
	both.Go(func() { b.pass(from, caller, x.to[1-i]); raw.Close() })
	both.Go(func() { b.pass(to, called, x.to[i]); c.Close() })
	both.Wait()
	b.mu.Lock()
	b.lines = slices.DeleteFunc(b.lines, func(o *tapped) bool { return o == x })
	b.mu.Unlock()
}

// pass passes on what one of the two says.
func (b *Between) pass(from *tls.Conn, who *Member, to *half) {
	if from.ConnectionState().NegotiatedProtocol != SpeaksFailover {
		io.Copy(to.conn, from)
		return
	}
	for {
		msg := make([]byte, 2, 64)
		if _, err := io.ReadFull(from, msg); err != nil {
			return
		}
		msg = append(msg, make([]byte, max(0, int(binary.BigEndian.Uint16(msg))-2))...)
		if _, err := io.ReadFull(from, msg[2:]); err != nil || len(msg) < 12 {
			return
		}
		if msg = b.note(who, msg); msg == nil {
			continue
		}
		if to.write(msg) != nil {
			return
		}
	}
}

// mostHeard bounds what is remembered.
const mostHeard = 20_000

// note remembers a message, and returns what is to be passed on in its place; nil: nothing.
func (b *Between) note(from *Member, msg []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.heard) < mostHeard {
		b.heard = append(b.heard, Heard{from, time.Now(), msg})
	}
	if b.hush != nil && b.hush(from, msg) {
		return nil
	}
	if b.edit != nil {
		return b.edit(from, msg)
	}
	return msg
}

// Edit has the machine pass on what change makes of each message; nil: as it is.
func (b *Between) Edit(change func(from *Member, msg []byte) []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.edit = change
}

// Heard returns what one of the two has said so far, of one type.
func (b *Between) Heard(from *Member, types ...byte) (all []Heard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range b.heard {
		if h.From == from && (len(types) == 0 || slices.Contains(types, h.Type())) {
			all = append(all, h)
		}
	}
	return all
}

// Hush has the machine keep to itself what drop says of; nil: nothing.
func (b *Between) Hush(drop func(from *Member, msg []byte) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hush = drop
}

// Tell says something to one of the two, as the other one, on the connection that they made last. It is an error if there is none.
func (b *Between) Tell(to *Member, octets []byte) error {
	b.mu.Lock()
	var h *half
	if n := len(b.lines); n > 0 {
		h = b.lines[n-1].to[slices.Index(b.pairs(), to)]
	}
	b.mu.Unlock()
	if h == nil {
		return net.ErrClosed
	}
	return h.write(octets)
}

func (b *Between) pairs() []*Member { both := b.pair.Both(); return both[:] }

// Break ends all connections that the two have now.
func (b *Between) Break() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.lines {
		for _, h := range x.to {
			h.conn.Close()
		}
	}
}
