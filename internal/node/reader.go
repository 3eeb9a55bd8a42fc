package node

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/socket"
	"golang.org/x/sys/unix"
)

const (
	// readSlots is how many datagrams are read at once; what comes beyond waits in the kernel.
	readSlots = 128
)

// arrivals are the datagrams of one read, parsed.
type arrivals struct {
	batch    *socket.Batch
	messages []dhcpv4.Message
	packets  []Packet
	n        int
	pressure pressure
}

func newArrivals() *arrivals {
	return &arrivals{
		batch: socket.NewBatch(readSlots), messages: make([]dhcpv4.Message, readSlots), packets: make([]Packet, readSlots),
	}
}

// manyPackets is how many of one read take about as long to decide as their sync does: beyond, the committer syncs while the next
// are decided.
const manyPackets = 48

// Where busyPackets or more come during one sync, the next ones are waited for a little: a sync costs as much processor time as deciding
// a dozen packets, and the wait is about as long as one. It ends when so few come even then.
const (
	busyPackets = 3
	gatherFor   = 100 * time.Microsecond
)

// yieldAfter is how long one goroutine answers packets before it lets the scheduler look elsewhere. The runtime takes its processor from
// one that does not for 10 ms, and from then on wakes its monitor with each of its system calls.
const yieldAfter = 5 * time.Millisecond

// answer decides what packets mean, until the sockets are closed. An idle server commits each answer at once, a busy one what came
// during a sync with the next: while one runs, packets wait in the kernel, where they wake nobody. Only where so many come that
// deciding takes its time is that done beside the sync.
func (n *Node) answer() {
	a, yielded := newArrivals(), time.Now()
	for wait := true; a.receive(n.sockets, wait) == nil; {
		n.deciding.Lock()
		for n.broken != nil && !n.over { // until the store is open again
			n.free.Wait()
		}
		if n.over {
			n.deciding.Unlock()
			return
		}
		if a.n > 0 {
			n.packets(a)
		}
		if a.n < manyPackets {
			n.commitNext()
		}
		n.carryOn()
		for n.busy && n.current.full() {
			n.free.Wait()
		}
		wait = !n.mayCommit()
		n.deciding.Unlock()
		if wait && a.n >= busyPackets && a.n < manyPackets {
			gather()
		}
		if t := time.Now(); t.Sub(yielded) > yieldAfter {
			runtime.Gosched()
			yielded = t
		}
	}
}

// gather waits, with the thread and not with the scheduler, whose timers are no finer than a millisecond.
func gather() {
	t := unix.NsecToTimespec(int64(gatherFor))
	_ = unix.Nanosleep(&t, nil) // a signal may end it: then it was shorter
}

// commitNext commits what is in hand once nobody else does.
func (n *Node) commitNext() {
	n.gathering = true
	for n.busy {
		n.free.Wait()
	}
	n.gathering = false
	n.commit()
}

// receive fills a with what is there, and waits for it if told to; of that nothing may be for this server.
func (a *arrivals) receive(s *socket.Sockets, wait bool) error {
	receive := s.Take
	if wait {
		receive = s.Receive
	}
	if _, err := receive(a.batch); err != nil {
		return err
	}
	a.n = 0
	now := a.pressure.look(s, len(a.batch.Datagrams()))
	for _, d := range a.batch.Datagrams() {
		p, m := &a.packets[a.n], &a.messages[a.n]
		*p = Packet{Msg: m, From: d.From, To: d.To, Unicast: d.Unicast, Interface: d.Interface, At: d.At}
		if err := m.Parse(d.Bytes); err != nil {
			p.Malformed = malformed(err)
		} else {
			p.Shed = a.pressure.shed(m, now, d.At)
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
