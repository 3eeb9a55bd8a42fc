package node

import (
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// A server that stood still begins anew in whatever state it was: without a connection it has nothing to wait for, and the other one
// may have been told since that it is down.
func TestWhoStoodStillBeginsAnewInEveryState(t *testing.T) {
	for _, connected := range []bool{true, false} {
		p := newPair(t)
		p.link()
		p.pass(time.Minute)
		if !connected {
			p.cut("a cable")
			p.pass(time.Minute)
		}
		west := p.sides[0]
		before := west.core.relation.endpoint.State()
		p.now = p.now.Add(5 * time.Minute) // and nobody asks it anything
		p.handle(west, Tick{})
		if s := west.core.relation.endpoint.State(); s != failover.Startup {
			t.Errorf("connected %v: from %v it goes on in %v", connected, before, s)
		}
	}
}

// A disk without room is no standstill: the server knows of every moment of it.
func TestAFullDiskIsNoStandstill(t *testing.T) {
	p := newPair(t)
	p.link()
	p.pass(time.Minute)
	p.cut("no room")
	west := p.sides[0]
	p.handle(west, StoreRoom{Full: true})
	for range 30 {
		p.now = p.now.Add(10 * time.Second)
		p.handle(west, Tick{})
	}
	p.handle(west, StoreRoom{})
	p.handle(west, Tick{})
	if s := p.states(); !strings.Contains(s, failover.CommunicationsInterrupted.String()) || strings.Contains(s, failover.Startup.String()) {
		t.Errorf("the two are in %s", s)
	}
}

// One that stood still while its disk was full begins anew when there is room: it answered nobody before.
func TestWhoStoodStillOnAFullDiskBeginsAnew(t *testing.T) {
	p := newPair(t)
	p.link()
	p.pass(time.Minute)
	p.cut("no room")
	west := p.sides[0]
	p.handle(west, StoreRoom{Full: true})
	p.now = p.now.Add(5 * time.Minute)
	p.handle(west, Tick{})
	p.handle(west, StoreRoom{Full: true})
	p.handle(west, &Partner{failover.Reconfigured{Config: west.core.relation.config}}) // the versions found room already
	p.handle(west, &Partner{failover.PoolsChanged{}})
	p.handle(west, StoreRoom{})
	if s := west.core.relation.endpoint.State(); s != failover.Startup {
		t.Errorf("it goes on in %v", s)
	}
}

// What was granted before a reload keeps the guard that it was granted under, also where the two servers reckon when it is free.
func TestAShorterGuardIsNotForWhatWasGrantedBefore(t *testing.T) {
	p := newPair(t)
	west := p.sides[0]
	was := west.core.guard
	to := west.core.relation.config
	to.Guard = was / 2
	p.handle(west, &Partner{failover.Reconfigured{Config: to}})
	if is := west.core.relation.config.Guard; is != was {
		t.Errorf("the guard was %v and is %v", was, is)
	}
}
