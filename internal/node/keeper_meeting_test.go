package node

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// links is what a server has of failover connections.
type links struct{ waits, used bool }

// linksAre waits until it has those.
func (p *runningPair) linksAre(name binding.Member, want links) {
	p.t.Helper()
	n := p.nodes[name].node
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		var is links
		_ = n.do(context.Background(), func(*Effects) { is = links{n.partner.early != nil, n.partner.link != nil} })
		if is == want {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s: the connections are %+v, and not %+v", name, is, want)
		}
	}
}

// deaf has a server hear nothing of versions until the function that is returned is called.
func (p *runningPair) deaf(name binding.Member) (hear func()) {
	k := p.nodes[name].node.keeper
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = k.do(context.Background(), func() { <-stop })
	}()
	hear = sync.OnceFunc(func() { close(stop); <-ended })
	p.t.Cleanup(hear) // before the server is stopped, also where the test fails
	return hear
}

// apart has the two lose each other, with east hearing nothing of versions when they meet again.
func (p *runningPair) apart() (hear func()) {
	p.start("west")
	p.start("east")
	p.until("west", "NORMAL")
	p.until("east", "NORMAL")
	p.stop("west")
	p.until("east", "COMMUNICATIONS-INTERRUPTED")
	return p.deaf("east")
}

// A binding update is heard once the versions are here that it may name.
func TestUpdatesWaitForTheVersionsThatTheyMayName(t *testing.T) {
	p := newRunningPair(t)
	hear := p.apart()
	p.start("west")
	p.linksAre("east", links{waits: true})
	begun := time.Now()
	hear()
	p.linksAre("east", links{used: true})
	if d := time.Since(begun); d > time.Second {
		t.Errorf("it took %v to go on once the versions were here", d)
	}
	p.until("east", "NORMAL")
	p.until("west", "NORMAL")
}

// No version comes: the two share their addresses nevertheless, a little later.
func TestUpdatesDoNotWaitForVersionsThatDoNotCome(t *testing.T) {
	p := newRunningPair(t)
	hear := p.apart()
	p.start("west")
	p.linksAre("east", links{waits: true})
	begun := time.Now()
	p.linksAre("east", links{used: true})
	if d := time.Since(begun); d > 2*time.Second {
		t.Errorf("it waited %v", d)
	}
	p.until("east", "NORMAL")
	hear()
}

// An end of a connection that waits, and a pause meanwhile, leave nothing behind.
func TestAConnectionThatWaitsMayEnd(t *testing.T) {
	p := newRunningPair(t)
	hear := p.apart()
	p.start("west")
	p.linksAre("east", links{waits: true})
	p.stop("west")
	p.linksAre("east", links{})
	p.start("west")
	p.linksAre("east", links{waits: true})
	if err := p.nodes["east"].node.Maintenance(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	hear()
	p.linksAre("east", links{})
	if err := p.nodes["east"].node.Maintenance(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	p.until("east", "NORMAL")
}
