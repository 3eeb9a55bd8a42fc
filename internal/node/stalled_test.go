package node

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// stallingDisk returns a disk whose syncs of commits stand still while the mutex is held, and a channel that says when one does.
func stallingDisk() (*memfs.FS, *sync.Mutex, <-chan struct{}) {
	fs, mu, stands := memfs.New(0), new(sync.Mutex), make(chan struct{}, 1)
	fs.Before = func(op memfs.Op) error {
		if op.Kind != memfs.Datasync || !strings.Contains(op.Name, "journal") || strings.HasSuffix(op.Name, ".tmp") {
			return nil
		}
		if !mu.TryLock() {
			select {
			case stands <- struct{}{}:
			default:
			}
			mu.Lock()
		}
		mu.Unlock()
		return nil
	}
	return fs, mu, stands
}

// A disk that stands still delays answers and loses none, and the server says meanwhile how it is.
func TestAStalledDiskDelaysAnswersAndLosesNone(t *testing.T) {
	fs, mu, stands := stallingDisk()
	r := run(t, fs)
	const clients = 60 // the journal has room for them
	var relays [clients]*relay
	var addrs [clients]netip.Addr
	for n := range relays {
		relays[n] = newRelay(t, r.port)
		offer, err := relays[n].ask(dhcpv4.Discover, uint32(n), netip.Addr{}, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		addrs[n] = offer.YIAddr
	}
	mu.Lock()
	var asking sync.WaitGroup
	for n, c := range relays {
		asking.Go(func() {
			ack, err := c.ask(dhcpv4.Request, uint32(n), addrs[n], 30*time.Second)
			if err != nil || ack.Type() != dhcpv4.Ack || ack.YIAddr != addrs[n] {
				t.Errorf("client %d: %v, %v", n, ack, err)
			}
		})
	}
	<-stands
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if s, err := r.node.Status(ctx); err != nil || s.Store.State != "open" {
		t.Errorf("while the disk stands still for a moment: %v, %q", err, s.Store.State)
	}
	events, err := r.node.Events(t.Context(), EventFilter{Kinds: []EventKind{StoreAlarm}})
	if err != nil {
		t.Fatal(err)
	}
	r.node.deciding.Lock()
	r.node.stall.since = r.node.stall.since.Add(-stalledAfter) // it seems to have stood still for so long
	r.node.deciding.Unlock()
	if s, err := r.node.Status(ctx); err != nil || s.Store.State != "stalled" || len(s.Alarms) != 1 || s.Alarms[0].Code != "disk-stalled" {
		t.Errorf("while the disk stands still: %v, %q, %+v", err, s.Store.State, s.Alarms)
	}
	if err := r.node.Alive(ctx); err != nil {
		t.Errorf("the watchdog is told that the server does not live: %v", err)
	}
	if e := <-events; !strings.Contains(e.Message, "stands still") {
		t.Errorf("what is told while the disk stands still is %+v", e)
	}
	mu.Unlock()
	asking.Wait()
	if e := <-events; !strings.Contains(e.Message, "goes on") {
		t.Errorf("what is told when the disk goes on is %+v", e)
	}
	if s, err := r.node.Status(ctx); err != nil || s.Store.State != "open" || len(s.Alarms) != 0 {
		t.Errorf("when the disk goes on: %v, %q, %+v", err, s.Store.State, s.Alarms)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for n, a := range addrs {
		mustHold(t, fs, uint32(n), a)
	}
}

// However many leases end while a disk stands still, what waits for it is bounded.
func TestLeasesThatEndWhileADiskStandsStillWait(t *testing.T) {
	x := newTraffic(t)
	const clients = mostChanges + 3*lapses/2
	for n := range uint32(clients) {
		x.lease(n)
	}
	x.out.Reset()
	end := x.now.Add(30 * 24 * time.Hour)
	for range clients/lapses + 3 {
		x.core.Handle(end, Tick{}, &x.out)
	}
	if n := len(x.out.Changes); n < mostChanges || n > mostChanges+lapses {
		t.Errorf("%d changes wait", n)
	}
	for x.core.states[binding.Active] > 0 {
		x.out.Reset()
		if x.core.Handle(end, Tick{}, &x.out); len(x.out.Changes) == 0 {
			t.Fatalf("once the disk goes on %d leases do not end", x.core.states[binding.Active])
		}
	}
}

// A server that opens its store anew lives, also while what it did beside commits does not come back from the disk.
func TestAServerThatOpensItsStoreAnewOnADiskThatStandsStillLives(t *testing.T) {
	fs := memfs.New(0)
	stands, goesOn, failed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var spare, commit sync.Once
	var begun atomic.Bool
	fs.Before = func(op memfs.Op) error {
		if !begun.Load() || op.Kind != memfs.Datasync || !strings.HasPrefix(op.Name, "journal-") {
			return nil
		}
		if strings.HasSuffix(op.Name, ".tmp") { // the next part of the journal
			spare.Do(func() { close(stands); <-goesOn })
			return nil
		}
		var err error
		select {
		case <-stands:
			commit.Do(func() { close(failed); err = syscall.EIO })
		default:
		}
		return err
	}
	r := run(t, fs)
	begun.Store(true)
	c := newRelay(t, r.port)
	for n, fails := uint32(1), false; !fails; n++ {
		if offer, err := c.ask(dhcpv4.Discover, n, netip.Addr{}, 10*time.Second); err == nil {
			_, _ = c.ask(dhcpv4.Request, n, offer.YIAddr, time.Second) // one of them is not answered
		}
		select {
		case <-failed:
			fails = true
		default:
		}
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := r.node.Alive(ctx); err != nil {
			t.Errorf("the watchdog is told that the server does not live: %v", err)
		}
		cancel()
	}
	close(goesOn)
	if _, err := c.lease(1 << 20); err != nil {
		t.Error("after the disk went on:", err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
}

// A server whose disk fails and then stands still says so, and refuses what would change something. When the disk goes on whoever asked
// meanwhile is answered.
func TestAServerWhoseDiskFailsAndThenStandsStillSaysSo(t *testing.T) {
	fs := memfs.New(0)
	var fails, failed atomic.Bool
	stands, goesOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	fs.Before = func(op memfs.Op) error {
		switch {
		case strings.HasSuffix(op.Name, ".tmp"): // what is made ahead: its failure fails no commit
		case failed.Load():
			once.Do(func() { close(stands) })
			<-goesOn
		case fails.Load() && op.Kind == memfs.Datasync && strings.HasPrefix(op.Name, "journal-"):
			failed.Store(true)
			return syscall.EIO
		}
		return nil
	}
	r := run(t, fs)
	c := newRelay(t, r.port)
	held, err := c.lease(1)
	if err != nil {
		t.Fatal(err)
	}
	events, err := r.node.Events(t.Context(), EventFilter{Kinds: []EventKind{StoreAlarm}})
	if err != nil {
		t.Fatal(err)
	}
	offer, err := c.ask(dhcpv4.Discover, 2, netip.Addr{}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	fails.Store(true)
	if _, err := c.ask(dhcpv4.Request, 2, offer.YIAddr, 250*time.Millisecond); err == nil {
		t.Error("what is not on the disk was told")
	}
	<-stands
	answered := make(chan error, 1)
	go func() {
		ack, err := newRelay(t, r.port).ask(dhcpv4.Request, 2, offer.YIAddr, 30*time.Second)
		if err == nil && ack.Type() != dhcpv4.Ack {
			err = errSilence
		}
		answered <- err
	}()
	seen := func(text string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s, err := r.node.Status(ctx)
		if err != nil || s.Store.State != "failed" || len(s.Alarms) != 1 || s.Alarms[0].Code != "store-failed" || !strings.Contains(s.Alarms[0].Text, text) {
			t.Errorf("while the disk stands still: %v, %q, %+v", err, s.Store.State, s.Alarms)
		}
		if err := r.node.Alive(ctx); err != nil {
			t.Errorf("the watchdog is told that the server does not live: %v", err)
		}
		if err := r.node.Release(ctx, held, ReleaseRequest{Reason: "test"}); err != errOpening {
			t.Errorf("an operator who gives up a lease is told %v", err)
		}
	}
	if e := <-events; !strings.Contains(e.Message, "a commit failed") {
		t.Errorf("what is told while the disk stands still is %+v", e)
	}
	seen("input/output error")
	r.node.mu.Lock()
	r.node.attempt = r.node.attempt.Add(-stalledAfter) // it seems to have taken so long
	r.node.mu.Unlock()
	seen("stands still")
	close(goesOn)
	fails.Store(false)
	failed.Store(false)
	if err := <-answered; err != nil {
		t.Error("who asked while the disk stood still:", err)
	}
	if s, err := r.node.Status(t.Context()); err != nil || s.Store.State != "open" || len(s.Alarms) != 0 {
		t.Errorf("when the disk goes on: %v, %q, %+v", err, s.Store.State, s.Alarms)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	mustHold(t, fs, 1, held)
	mustHold(t, fs, 2, offer.YIAddr)
}
