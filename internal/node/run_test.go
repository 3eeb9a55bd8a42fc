package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/socket"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

const runDocument = `server: {name: west, data: /nowhere}
networks:
  all: {lease: {default: 1h}, subnets: {10.0.0.0/16: {relays: [127.0.0.1], pools: [{range: 10.0.1.0-10.0.8.255}]}}}
`

// pastOfTests is where the servers of tests write what happens; empty: nowhere.
var pastOfTests string

// running is a whole node on the loopback interface, with its store on a simulated disk.
type running struct {
	node *Node
	fs   *memfs.FS
	port uint16
	stop func() error
}

func run(t *testing.T, fs *memfs.FS) *running {
	t.Helper()
	r, err := tryRun(t, fs, false)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryRun(t *testing.T, fs *memfs.FS, accept bool) (*running, error) {
	t.Helper()
	return runAt(t, fs, accept, runDocument, "127.0.0.1")
}

// runAt runs the server of a document on an address of the loopback interface.
func runAt(t *testing.T, fs *memfs.FS, accept bool, document, address string) (*running, error) {
	t.Helper()
	return runFile(t, fs, accept, "run.yaml", document, address)
}

// runFile is runAt for a document that is said to come from a file.
func runFile(t *testing.T, fs *memfs.FS, accept bool, file, document, address string) (*running, error) {
	t.Helper()
	doc, problems := config.Parse(file, []byte(document))
	if doc == nil {
		t.Fatal(problems)
	}
	r := &running{fs: fs, port: freePort(t)}
	n, err := New(Config{
		AcceptLostRecords: accept, Document: doc, Version: "test", Log: slog.New(slog.DiscardHandler), Past: pastOfTests,
		Store: store.Config{FS: fs, NewID: store.ID{1, address[len(address)-1]}, SegmentSize: 64 << 10},
		Sockets: func(c *socket.Config) {
			c.Bind, c.Port, c.UnicastOnly, c.Interfaces = netip.MustParseAddr(address), r.port, true, []string{"lo"}
		},
	})
	if err != nil {
		return nil, err
	}
	r.node = n
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- n.Run(ctx, func(string) { close(ready) }) }()
	<-ready
	r.stop = func() error { cancel(); return <-ended }
	return r, nil
}

func freePort(t *testing.T) uint16 {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return uint16(c.LocalAddr().(*net.UDPAddr).Port)
}

// relay speaks for clients from behind a relay that answers on its own port (RFC 8357).
type relay struct {
	conn *net.UDPConn
	to   netip.AddrPort
}

func newRelay(t *testing.T, port uint16) *relay {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &relay{c, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)}
}

// errSilence is a server that does not answer in time.
var errSilence = errors.New("no answer")

// ask sends a message of client number n and returns the reply to it.
func (r *relay) ask(typ dhcpv4.MessageType, n uint32, a netip.Addr, wait time.Duration) (*dhcpv4.Message, error) {
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: n<<8 | uint32(typ), GIAddr: netip.MustParseAddr("127.0.0.1"), CHAddr: [16]byte{2}}
	binary.BigEndian.PutUint32(h.CHAddr[2:], n)
	var b dhcpv4.Builder
	b.Begin(nil, &h, 1400)
	b.Add(option.CodeMessageType, []byte{byte(typ)})
	if typ == dhcpv4.Request {
		ip := a.As4()
		b.Add(option.CodeRequestedAddress, ip[:])
		b.Add(option.CodeServerIdentifier, []byte{127, 0, 0, 1})
	}
	packet, _ := b.Finish([]byte{option.RelaySourcePort, 0})
	if _, err := r.conn.WriteToUDPAddrPort(packet, r.to); err != nil {
		return nil, err
	}
	end := time.Now().Add(wait)
	for {
		buf := make([]byte, 2048)
		r.conn.SetReadDeadline(end)
		k, err := r.conn.Read(buf)
		if err != nil {
			return nil, errSilence
		}
		var m dhcpv4.Message
		if err := m.Parse(buf[:k]); err != nil {
			return nil, err
		}
		if m.XID == h.XID { // else the late answer to an earlier question
			return &m, nil
		}
	}
}

// lease has client n ask until it has an address.
func (r *relay) lease(n uint32) (netip.Addr, error) {
	for range 240 {
		offer, err := r.ask(dhcpv4.Discover, n, netip.Addr{}, 250*time.Millisecond)
		if err != nil {
			continue
		}
		ack, err := r.ask(dhcpv4.Request, n, offer.YIAddr, 250*time.Millisecond)
		if err == nil && ack.Type() == dhcpv4.Ack {
			return ack.YIAddr, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("client %d: no lease after 240 attempts", n)
}

// holder returns who the directory says has the address.
func holder(fs *memfs.FS, a netip.Addr) (binding.Binding, error) {
	s, err := store.Open(store.Config{FS: fs, Member: "west", SegmentSize: 64 << 10})
	if err != nil {
		return binding.Binding{}, err
	}
	defer s.Close()
	t := binding.NewTable()
	if _, err := s.Load(t, func(*binding.Binding) time.Time { return time.Time{} }); err != nil {
		return binding.Binding{}, err
	}
	b, ok := t.Get(host(a))
	if !ok {
		return b, errors.New("no record")
	}
	return b, nil
}

func mustHold(t *testing.T, fs *memfs.FS, n uint32, a netip.Addr) {
	t.Helper()
	b, err := holder(fs, a)
	if err != nil {
		t.Fatalf("client %d was told that it has %v; the disk says: %v", n, a, err)
	}
	if got := binary.BigEndian.Uint32(b.Client.Hardware.Addr[2:]); got != n || b.State != binding.Active {
		t.Fatalf("client %d was told that it has %v; the disk says client %d, %v", n, a, got, b.State)
	}
}

// TestWhatAClientWasToldSurvivesThePowerCutThatFollows cuts the power at the moment at which a client hears its ACK.
func TestWhatAClientWasToldSurvivesThePowerCutThatFollows(t *testing.T) {
	r := run(t, memfs.New(0))
	c := newRelay(t, r.port)
	rng := rand.New(rand.NewPCG(1, 2))
	for n := uint32(1); n <= 200; n++ {
		a, err := c.lease(n)
		if err != nil {
			t.Fatal(err)
		}
		mustHold(t, r.fs.Crash(rng, rng.Float64()), n, a)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestFailingEachCommitInTurnLeaksNothing lets the first, the second, … write or sync of the journal fail. Whoever was told
// of a lease has it on the disk at that moment and at the end, and the server goes on by itself.
func TestFailingEachCommitInTurnLeaksNothing(t *testing.T) {
	for k := int64(1); k <= 12; k++ {
		for _, kind := range []memfs.Kind{memfs.Write, memfs.Datasync} {
			t.Run(fmt.Sprintf("%s %d", kind, k), func(t *testing.T) { t.Parallel(); failCommit(t, kind, k) })
		}
	}
}

func failCommit(t *testing.T, kind memfs.Kind, k int64) {
	fs := memfs.New(0)
	var armed atomic.Bool
	var seen, failed atomic.Int64
	fs.Before = func(op memfs.Op) error {
		if armed.Load() && op.Kind == kind && strings.Contains(op.Name, "journal") && seen.Add(1) == k {
			failed.Add(1)
			return syscall.EIO
		}
		return nil
	}
	r := run(t, fs)
	armed.Store(true)
	c := newRelay(t, r.port)
	rng := rand.New(rand.NewPCG(uint64(k), 7))
	told := map[uint32]netip.Addr{}
	for n := uint32(1); n <= 16; n++ {
		a, err := c.lease(n)
		if err != nil {
			t.Fatal(err)
		}
		mustHold(t, fs.Crash(rng, rng.Float64()), n, a)
		told[n] = a
	}
	if failed.Load() != 1 {
		t.Fatalf("%d calls failed: the test is not what it says", failed.Load())
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for n, a := range told {
		mustHold(t, fs.Crash(rng, 0), n, a)
	}
}

// TestAFullDiskSilencesAndThenServesAgain fills the disk while clients come.
func TestAFullDiskSilencesAndThenServesAgain(t *testing.T) {
	fs := memfs.New(0)
	r := run(t, fs)
	c := newRelay(t, r.port)
	if _, err := c.lease(1); err != nil {
		t.Fatal(err)
	}
	fs.SetCapacity(1)
	told, silent := map[uint32]netip.Addr{}, false
	for n := uint32(2); n <= 2000 && !silent; n++ {
		offer, err := c.ask(dhcpv4.Discover, n, netip.Addr{}, 250*time.Millisecond)
		if err != nil {
			silent = true
			break
		}
		if ack, err := c.ask(dhcpv4.Request, n, offer.YIAddr, 250*time.Millisecond); err == nil {
			told[n] = ack.YIAddr
		} else {
			silent = true
		}
	}
	if !silent {
		t.Fatal("the server went on without room")
	}
	s, err := r.node.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Store.State != "full" || len(s.Alarms) == 0 || s.Alarms[0].Code != "disk-full" {
		t.Errorf("status says %q, alarms %v", s.Store.State, s.Alarms)
	}
	fs.SetCapacity(0)
	if _, err := c.lease(3000); err != nil {
		t.Fatal("after there was room again:", err)
	}
	for n, a := range told {
		mustHold(t, fs.Crash(rand.New(rand.NewPCG(1, 1)), 0), n, a)
		if n > 40 {
			break
		}
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestReloadsLoseNoPacket has clients come while the configuration changes, again and again: each is answered at once.
func TestReloadsLoseNoPacket(t *testing.T) {
	r := run(t, memfs.New(0))
	c := newRelay(t, r.port)
	stop, ended := make(chan struct{}), make(chan struct{})
	var reloads atomic.Int64
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			text := strings.Replace(runDocument, "default: 1h", fmt.Sprintf("default: %dm", 60+n%2), 1)
			text = strings.Replace(text, "10.0.8.255", fmt.Sprintf("10.0.8.%d", 200+n%50), 1)
			doc, problems := config.Parse("run.yaml", []byte(text))
			if doc == nil {
				t.Error(problems)
				continue
			}
			if err := r.node.Reload(t.Context(), doc, version.ID{}); err != nil {
				t.Error(err)
			}
			reloads.Add(1)
		}
	}()
	for i := uint32(0); i < 300 || reloads.Load() < 3; i++ {
		n := i%300 + 1
		offer, err := c.ask(dhcpv4.Discover, n, netip.Addr{}, 10*time.Second)
		if err != nil {
			t.Fatalf("client %d: DISCOVER: %v", n, err)
		}
		ack, err := c.ask(dhcpv4.Request, n, offer.YIAddr, 10*time.Second)
		if err != nil || ack.Type() != dhcpv4.Ack {
			t.Fatalf("client %d: REQUEST: %v", n, err)
		}
	}
	close(stop)
	<-ended
	t.Log(reloads.Load(), "reloads")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestARefusedReloadLeavesTheOldConfiguration is said in status.
func TestARefusedReloadLeavesTheOldConfiguration(t *testing.T) {
	r := run(t, memfs.New(0))
	before, err := r.node.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	doc, _ := config.Parse("run.yaml", []byte(strings.Replace(runDocument, "name: west", "name: east", 1)))
	if err := r.node.Reload(t.Context(), doc, version.ID{}); err == nil {
		t.Error("a reload under another name was taken")
	}
	r.node.Refuse(t.Context(), "line 3 is wrong")
	after, err := r.node.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.Config.Head != before.Config.Head || after.Config.Refused != "line 3 is wrong" || len(after.Alarms) != 1 || after.Alarms[0].Code != "config-refused" {
		t.Errorf("%+v %+v", after.Config, after.Alarms)
	}
	if _, err := newRelay(t, r.port).lease(1); err != nil {
		t.Error(err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestAJournalThatIsGoneIsAskedAboutOnce removes the journal of a server that was stopped in order.
func TestAJournalThatIsGoneIsAskedAboutOnce(t *testing.T) {
	fs := memfs.New(0)
	r := run(t, fs)
	if _, err := newRelay(t, r.port).lease(1); err != nil {
		t.Fatal(err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for _, name := range fs.Files() {
		if strings.HasPrefix(name, "journal") {
			if err := fs.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := tryRun(t, fs, false); err == nil || !strings.Contains(err.Error(), "--accept-lost-records") {
		t.Fatalf("it started, or did not say what to do: %v", err)
	}
	for _, accept := range []bool{true, false} {
		r, err := tryRun(t, fs, accept)
		if err != nil {
			t.Fatalf("accept %v: %v", accept, err)
		}
		if s, err := r.node.Status(t.Context()); accept && (err != nil || len(s.Alarms) != 1 || s.Alarms[0].Code != "store-damaged") {
			t.Errorf("alarms %v, %v", s.Alarms, err)
		}
		if _, err := newRelay(t, r.port).lease(2); err != nil {
			t.Error(err)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// A load in which there is an event before anything is decided begins with what is decided first: else its answers would count
// as too late from the first.
func TestALoadBeginsWithWhatIsDecided(t *testing.T) {
	n := &Node{clock: &clock{base: time.Now()}, current: &load{batch: &store.Batch{}}}
	n.current.effects.Events = append(n.current.effects.Events, Event{Kind: ConfigRefused})
	n.begin(n.clock.now())
	begun := n.current.begun
	if time.Since(begun) > time.Minute {
		t.Fatalf("it began %v", begun)
	}
	n.begin(n.clock.now())
	if n.current.begun != begun {
		t.Error("what comes later makes it younger")
	}
}

// What a file says of this machine is taken also where the rest of it is refused.
func TestTheMachinesOwnPartIsTakenWhereTheGroupsIsRefused(t *testing.T) {
	r := run(t, memfs.New(0))
	defer r.stop()
	hears := func() bool {
		for _, l := range r.node.sockets.Links() {
			if l.Name == "lo" {
				return l.Served
			}
		}
		return false
	}
	if !hears() {
		t.Fatal("clients are not heard on lo")
	}
	text := strings.Replace(runDocument, "data: /nowhere", "data: /nowhere, interfaces: [elsewhere0]", 1)
	text += "\ngroup: {name: campus, members: {west: {peer: 127.0.0.1}, east: {peer: 127.0.0.2}}}\n"
	doc, problems := config.Parse("run.yaml", []byte(text))
	if doc == nil {
		t.Fatal(problems)
	}
	if err := r.node.Reload(t.Context(), doc, version.ID{}); err == nil || !strings.Contains(err.Error(), "group.members") {
		t.Fatalf("members that begin while the server runs: %v", err)
	}
	if hears() {
		t.Error("clients are heard on an interface that the file does not name any more")
	}
	if s, err := r.node.Status(t.Context()); err != nil || len(s.Partners) != 0 {
		t.Errorf("%v: %+v", err, s.Partners)
	}
}
