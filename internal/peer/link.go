package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Link is one connection to a member, who has proved to be it. Its methods may be called from any goroutine.
type Link struct {
	member   binding.Member
	protocol Protocol
	inbound  bool
	remote   netip.AddrPort
	since    time.Time
	limits   *Limits
	conn     net.Conn // what is spoken on: TLS, or TCP itself
	raw      net.Conn // what is closed in the end

	closing chan struct{} // closed with cause set
	queue   queue

	mu    sync.Mutex // guards what follows
	cause error
	hard  *time.Timer // of a closing link: ends it whatever the partner does
	heard bool        // a whole message came
}

// Member returns who is at the other end.
func (l *Link) Member() binding.Member { return l.member }

// Protocol returns what is spoken.
func (l *Link) Protocol() Protocol { return l.protocol }

// Inbound reports whether the other end made the connection.
func (l *Link) Inbound() bool { return l.inbound }

// Remote returns where the other end is.
func (l *Link) Remote() netip.AddrPort { return l.remote }

// String returns the link in words, for logs.
func (l *Link) String() string {
	if l.inbound {
		return fmt.Sprintf("%v from %s at %v", l.protocol, l.member, l.remote)
	}
	return fmt.Sprintf("%v to %s at %v", l.protocol, l.member, l.remote)
}

// Send queues one whole message and returns at once. After it msg belongs to the link. It returns false, and the message
// is not sent, if the link is closing, if so much is queued that the partner cannot be reading, or if msg is no message of
// the protocol by its length.
func (l *Link) Send(msg []byte) bool {
	return l.protocol.sound(msg) && l.queue.put(msg)
}

// Close ends the link for the cause, which Down will say; the first cause counts. What was queued before is still
// written, for Limits.Linger at most; what arrives is not handed up any more.
func (l *Link) Close(cause error) {
	if cause == nil {
		cause = errNoCause
	}
	l.begin(cause, l.limits.Linger)
}

// fail ends the link at once.
func (l *Link) fail(cause error) {
	l.begin(cause, 0)
}

// begin makes the link a closing one that is closed after linger at the latest, if it is none yet.
func (l *Link) begin(cause error, linger time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause != nil {
		return
	}
	l.cause = cause
	l.queue.shut()
	close(l.closing)
	if linger == 0 {
		l.raw.Close()
		return
	}
	l.hard = time.AfterFunc(linger, func() { l.raw.Close() })
}

// end closes the connection, and returns why.
func (l *Link) end() error {
	l.raw.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hard != nil {
		l.hard.Stop()
	}
	return l.cause
}

func (l *Link) isClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

func (l *Link) wasHeard() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard
}

// refusal returns a refusal of this link.
func (l *Link) refusal(r Reason, detail string) *Refusal {
	return &Refusal{Reason: r, Remote: l.remote, Member: l.member, Inbound: l.inbound, Detail: detail}
}

// run hands the link's events up until it is down, but not that it is, and returns why. Afterwards the connection is
// closed and nothing of it is running. It calls heard at the first message.
func (l *Link) run(ctx context.Context, up chan<- Event, heard func()) error {
	if !deliver(ctx, up, Up{l, l.protocol, l.inbound, l.remote}) {
		l.fail(ErrStopped)
	}
	stop := context.AfterFunc(ctx, func() { l.Close(ErrStopped) })
	written := make(chan struct{})
	go func() {
		defer close(written)
		l.write()
	}()
	l.read(up, heard)
	<-written
	stop()
	return l.end()
}

// deliver hands an event up; false if ctx ended before anybody took it.
func deliver(ctx context.Context, up chan<- Event, e Event) bool {
	select {
	case up <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// read hands messages up until the connection has no more.
func (l *Link) read(up chan<- Event, heard func()) {
	f := framer{protocol: l.protocol}
	first := time.Now().Add(l.limits.First)
	for {
		msg, err := l.next(&f, first)
		switch {
		case l.isClosing():
			l.discard()
			return
		case err != nil:
			l.fail(l.blame(err, &f))
			return
		}
		if first != (time.Time{}) {
			first = time.Time{}
			l.mu.Lock()
			l.heard = true
			l.mu.Unlock()
			heard()
		}
		select {
		case up <- Message{l, msg, time.Now()}:
		case <-l.closing:
			l.discard()
			return
		}
	}
}

// next reads one message. first is when one must be there; zero: there was one before. A message that has begun must be
// whole within Limits.Stall.
func (l *Link) next(f *framer, first time.Time) ([]byte, error) {
	deadline, begun := first, false
	for {
		msg, err := f.next()
		if msg != nil || err != nil {
			return msg, err
		}
		if !begun && f.partial() {
			begun = true
			if stall := time.Now().Add(l.limits.Stall); deadline.IsZero() || stall.Before(deadline) {
				deadline = stall
			}
		}
		l.conn.SetReadDeadline(deadline)
		n, err := l.conn.Read(f.room())
		f.read(n)
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// discard reads until the partner has closed its side too, so that what was written last is not lost to a reset; no
// longer than Close said.
func (l *Link) discard() {
	l.conn.SetReadDeadline(time.Time{})
	var b [least]byte
	for {
		if _, err := l.conn.Read(b[:]); err != nil {
			return
		}
	}
}

// blame returns what an error of reading means.
func (l *Link) blame(err error, f *framer) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrPartnerClosed
	case isAlert(err):
		return l.refusal(RefusedByPartner, alertOf(err))
	case isTimeout(err) && f.partial():
		return l.refusal(Stalled, fmt.Sprintf("%d octets of it came", len(f.buf)-f.from))
	case isTimeout(err) && !l.wasHeard():
		return l.refusal(Silent, fmt.Sprintf("for %v", l.limits.First))
	case isFraming(err):
		return l.refusal(misframed(l.protocol, f.buf[f.from:], err))
	}
	return network(err)
}

// network returns what an error of the network means, in words.
func network(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ErrReset
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return ErrLost
	}
	return fmt.Errorf("the connection broke: %w", err)
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout() && !errors.Is(err, syscall.ETIMEDOUT)
}
