package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// runningPair is two whole nodes on the loopback interface, with keys in files, that talk over TLS.
type runningPair struct {
	t     *testing.T
	doc   string
	dir   string
	disks map[binding.Member]*memfs.FS
	nodes map[binding.Member]*running
}

var pairAddress = map[binding.Member]string{"west": "127.0.0.1", "east": "127.0.0.2"}

const pairGroup = `
group:
  name: campus
  members: {west: {peer: "127.0.0.1:%d"}, east: {peer: "127.0.0.2:%d"}}
  failover: {mclt: 10m, receive-timer: 3s, startup: 1s, reconnect: 200ms, split: 256}
networks:
  all: {lease: {default: 1h}, subnets: {10.0.0.0/16: {relays: [127.0.0.1], pools: [{range: 10.0.1.0-10.0.8.255}]}}}
`

func newRunningPair(t *testing.T) *runningPair {
	p := &runningPair{
		t: t, dir: t.TempDir(), nodes: map[binding.Member]*running{},
		disks: map[binding.Member]*memfs.FS{"west": memfs.New(0), "east": memfs.New(0)},
	}
	p.doc = fmt.Sprintf(pairGroup, freeTCPPort(t, "127.0.0.1"), freeTCPPort(t, "127.0.0.2"))
	west := keys.Dir(filepath.Join(p.dir, "west"))
	a, err := west.Init("campus", "west", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Export(keys.Dir(filepath.Join(p.dir, "east")), "east", time.Now()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for name := range p.nodes {
			p.stop(name)
		}
	})
	return p
}

func freeTCPPort(t *testing.T, address string) int {
	t.Helper()
	l, err := net.Listen("tcp4", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (p *runningPair) start(name binding.Member) {
	p.t.Helper()
	r, err := runAt(p.t, p.disks[name], false, p.server(name)+p.doc, pairAddress[name])
	if err != nil {
		p.t.Fatal(err)
	}
	p.nodes[name] = r
}

func (p *runningPair) server(name binding.Member) string {
	f := keys.Dir(filepath.Join(p.dir, string(name))).Files()
	return fmt.Sprintf("server: {name: %s, data: /nowhere, tls: {certificate: %s, key: %s, authority: %s}}", name, f.Certificate, f.Key, f.Authority)
}

func (p *runningPair) stop(name binding.Member) {
	p.t.Helper()
	if r := p.nodes[name]; r != nil {
		delete(p.nodes, name)
		if err := r.stop(); err != nil {
			p.t.Errorf("%s: %v", name, err)
		}
	}
}

func (p *runningPair) status(name binding.Member) (PartnerStatus, Status) {
	p.t.Helper()
	s, err := p.nodes[name].node.Status(context.Background())
	if err != nil || len(s.Partners) != 1 {
		p.t.Fatalf("%s: %v, %+v", name, err, s.Partners)
	}
	return s.Partners[0], s
}

// until waits for a state.
func (p *runningPair) until(name binding.Member, state string) PartnerStatus {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		ps, _ := p.status(name)
		if ps.State == state {
			return ps
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s is not in %s: %+v", name, state, ps)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// knows waits until a server knows that an address is leased.
func (p *runningPair) knows(name binding.Member, a netip.Addr) {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; {
		if d, ok, err := p.nodes[name].node.Lease(context.Background(), a); err == nil && ok && d.State == binding.Active.String() {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s does not know of %v", name, a)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Two nodes meet, tell each other, lose each other and meet again; an operator's word is taken where it may be.
func TestTwoNodesActAsOne(t *testing.T) {
	p := newRunningPair(t)
	p.start("west")
	if _, s := p.status("west"); !strings.Contains(s.Waiting, "waiting for east") || !s.Ready {
		t.Errorf("alone, and never met: ready %v, waiting %q", s.Ready, s.Waiting)
	}
	p.start("east")
	p.until("west", "NORMAL")
	p.until("east", "NORMAL")

	a, err := newRelay(t, p.nodes["west"].port).lease(1)
	if err != nil {
		t.Fatal(err)
	}
	p.knows("east", a)

	ctx := context.Background()
	var refused *RefusedError
	for _, c := range []struct {
		cmd  PartnerDownRequest
		want string
	}{
		{PartnerDownRequest{Partner: "east"}, "may be serving"},
		{PartnerDownRequest{Partner: "west"}, "this server"},
		{PartnerDownRequest{Partner: "north"}, "not the other server"},
		{PartnerDownRequest{Partner: "east", Force: true}, "without a reason"},
	} {
		if err := p.nodes["west"].node.PartnerDown(ctx, c.cmd); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("partner-down %+v: %v", c.cmd, err)
		}
	}

	p.stop("west") // in order: it says PAUSED
	if ps := p.until("east", "COMMUNICATIONS-INTERRUPTED"); ps.PartnerState != "PAUSED" {
		t.Errorf("after west ended in order, east takes it for %s", ps.PartnerState)
	}
	if err := p.nodes["east"].node.PartnerDown(ctx, PartnerDownRequest{Partner: "west"}); err != nil {
		t.Errorf("partner-down of a server that has ended: %v", err)
	}
	p.until("east", "PARTNER-DOWN")
	p.start("west")
	p.until("west", "NORMAL")
	p.until("east", "NORMAL")
	p.knows("west", a)
}

func TestMaintenanceLeavesClientsToThePartner(t *testing.T) {
	p := newRunningPair(t)
	p.start("west")
	p.start("east")
	p.until("west", "NORMAL")
	p.until("east", "NORMAL")
	ctx := context.Background()
	west := p.nodes["west"]
	if err := west.node.Maintenance(ctx, true); err != nil {
		t.Fatal(err)
	}
	p.until("west", "PAUSED")
	p.until("east", "COMMUNICATIONS-INTERRUPTED")
	if a, err := newRelay(t, west.port).ask(1, 7, netip.Addr{}, 300*time.Millisecond); err == nil {
		t.Errorf("a paused server answered: %v", a)
	}
	if err := west.node.Maintenance(ctx, false); err != nil {
		t.Fatal(err)
	}
	p.until("west", "NORMAL")
	p.until("east", "NORMAL")
	if _, err := newRelay(t, west.port).lease(8); err != nil {
		t.Error(err)
	}
}

// An operator is told when what he said is on the disk, and not if it is not.
func TestAnOperatorIsToldWhatIsDurable(t *testing.T) {
	p := newRunningPair(t)
	var failing atomic.Bool
	disk := p.disks["west"]
	disk.Before = func(op memfs.Op) error {
		if failing.Load() && op.Kind == memfs.Datasync && strings.Contains(op.Name, "journal") {
			return syscall.EIO
		}
		return nil
	}
	p.start("west")
	west, ctx := p.nodes["west"].node, context.Background()
	p.until("west", "RECOVER")
	failing.Store(true)
	down := PartnerDownRequest{Partner: "east", NeverServed: true}
	if err := west.PartnerDown(ctx, down); err == nil {
		t.Error("it is told of what the disk did not take")
	}
	failing.Store(false)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := west.PartnerDown(ctx, down)
		if err == nil || strings.Contains(err.Error(), "in force already") { // the octets may be there, though their sync failed
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	s, err := store.Open(store.Config{FS: disk.Crash(rand.New(rand.NewPCG(1, 2)), 0), Member: "west", SegmentSize: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Load(binding.NewTable(), func(*binding.Binding) time.Time { return time.Time{} }); err != nil {
		t.Fatal(err)
	}
	b, _ := s.Relationship()
	if rec, err := failover.DecodeRecord(b); err != nil || rec.State != failover.PartnerDown {
		t.Errorf("after a power cut the record is of %v, %v", rec.State, err)
	}
}
