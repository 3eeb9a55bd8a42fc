package node

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
	"golang.org/x/sys/unix"
)

// gate counts the syncs of commits, and while it is shut lets them go on one by one.
type gate struct {
	shut  atomic.Bool
	syncs atomic.Int64
	begun chan struct{}
	goOn  chan struct{}
}

func (g *gate) disk() *memfs.FS {
	fs := memfs.New(0)
	fs.Before = func(op memfs.Op) error {
		if op.Kind != memfs.Datasync || !strings.HasPrefix(op.Name, "journal-") || strings.HasSuffix(op.Name, ".tmp") {
			return nil // not of a commit
		}
		g.syncs.Add(1)
		if g.shut.Load() {
			g.begun <- struct{}{}
			<-g.goOn
		}
		return nil
	}
	return fs
}

// grouped is a server, clients of one relay that each have an address on offer, and the disk between them.
type grouped struct {
	*running
	*gate
	t     *testing.T
	relay *relay
	addrs []netip.Addr
	asked int // as many of them have asked for it
}

func newGrouped(t *testing.T, clients int) *grouped {
	g := &grouped{gate: &gate{begun: make(chan struct{}), goOn: make(chan struct{})}, t: t}
	g.running = run(t, g.disk())
	g.relay = newRelay(t, g.port)
	before := g.syncs.Load()
	for n := range clients {
		offer, err := g.relay.ask(dhcpv4.Discover, uint32(n), netip.Addr{}, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		g.addrs = append(g.addrs, offer.YIAddr)
	}
	g.expect(before, 0, "offers")
	return g
}

// open lets the sync that waits, and all that come, go on.
func (g *grouped) open() {
	g.shut.Store(false)
	g.goOn <- struct{}{}
}

// next lets the sync that waits go on, and waits for the next one.
func (g *grouped) next() {
	g.goOn <- struct{}{}
	<-g.begun
}

// ask has the next n clients ask for their addresses. They do not wait for the answers.
func (g *grouped) ask(n int) {
	for range n {
		if _, err := g.relay.ask(dhcpv4.Request, uint32(g.asked), g.addrs[g.asked], -time.Second); err != errSilence {
			g.t.Fatal(err)
		}
		g.asked++
	}
}

// answers waits until n clients have heard that they have their addresses.
func (g *grouped) answers(n int) {
	g.relay.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for range n {
		buf := make([]byte, 2048)
		k, err := g.relay.conn.Read(buf)
		var m dhcpv4.Message
		if err != nil || m.Parse(buf[:k]) != nil || m.Type() != dhcpv4.Ack {
			g.t.Fatalf("of %d answers one is missing: %v, %v", n, err, m.Type())
		}
	}
}

// silent fails the test if there is an answer that nobody took yet.
func (g *grouped) silent() {
	g.t.Helper()
	c, err := g.relay.conn.SyscallConn()
	if err != nil {
		g.t.Fatal(err)
	}
	if err := c.Control(func(fd uintptr) {
		if _, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_DONTWAIT|unix.MSG_PEEK); err != unix.EAGAIN {
			g.t.Errorf("an answer left before its sync (%v)", err)
		}
	}); err != nil {
		g.t.Fatal(err)
	}
}

// until waits until the server says that something holds, which it does also while a sync goes on.
func (g *grouped) until(holds func(*Status) bool) {
	g.t.Helper()
	told := make(chan error, 1)
	go func() {
		for {
			s, err := g.node.Status(g.t.Context())
			if err != nil || holds(&s) {
				told <- err
				return
			}
		}
	}()
	select {
	case err := <-told:
		if err != nil {
			g.t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		g.t.Fatal("nothing is decided while a sync goes on")
	}
}

// expect fails the test unless there were so many syncs since before.
func (g *grouped) expect(before int64, syncs int64, of string) {
	g.t.Helper()
	if got := g.syncs.Load() - before; got != syncs {
		g.t.Errorf("%s: %d syncs instead of %d", of, got, syncs)
	}
}

// A server with nothing else to do answers each request after one sync.
func TestAnIdleServerAnswersInOneSync(t *testing.T) {
	g := newGrouped(t, 10)
	for range 10 {
		before := g.syncs.Load()
		g.ask(1)
		g.answers(1)
		g.expect(before, 1, "one request")
	}
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
}

// Whatever comes during one sync is made durable by the next one, whether it is few or many that come.
func TestABusyServerFillsItsBatches(t *testing.T) {
	for _, many := range []int{2, manyPackets - 1, manyPackets, readSlots} {
		g := newGrouped(t, 1+many)
		before := g.syncs.Load()
		g.shut.Store(true)
		g.ask(1)
		<-g.begun
		g.ask(many)
		g.silent()
		g.open()
		g.answers(1 + many)
		g.expect(before, 2, "one request, and all that came during its sync")
		if err := g.stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// While a sync goes on, what more came than is read at once is decided, and nobody hears of any of it before the sync of that is over.
func TestTheNextBatchIsDecidedDuringASync(t *testing.T) {
	const many = readSlots + 20
	g := newGrouped(t, 1+many)
	before := g.syncs.Load()
	g.shut.Store(true)
	g.ask(1)
	<-g.begun
	g.ask(many)
	g.next()
	g.answers(1)
	g.until(func(s *Status) bool { return s.Received["DHCPREQUEST"] == 1+many })
	g.silent()
	g.expect(before, 2, "what was decided before the second sync is over")
	g.open()
	g.answers(many)
	if got := g.syncs.Load() - before; got > 3 {
		t.Errorf("%d syncs", got)
	}
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
}

// What an operator wants is decided while the answer to a client is being synced, and is durable with the next sync, not before.
func TestAnOperatorIsDecidedDuringASync(t *testing.T) {
	g := newGrouped(t, 2)
	g.ask(1)
	g.answers(1)
	before := g.syncs.Load()
	g.shut.Store(true)
	g.ask(1)
	<-g.begun
	released := make(chan error, 1)
	go func() { released <- g.node.Release(t.Context(), g.addrs[0], ReleaseRequest{}) }()
	g.until(func(s *Status) bool { return s.Bindings["active"] == 1 }) // of two
	g.silent()
	g.next()
	g.answers(1)
	select {
	case err := <-released:
		t.Errorf("the operator was told before the sync: %v", err)
	default:
	}
	g.open()
	if err := <-released; err != nil {
		t.Error(err)
	}
	g.expect(before, 2, "an answer, and what an operator wanted")
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
}
