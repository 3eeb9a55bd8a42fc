package node

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// times returns T1 and T2 of the last reply.
func (t *traffic) times() (renew, rebind time.Duration) {
	var m dhcpv4.Message
	if err := m.Parse(t.out.Octets(&t.out.Replies[0])); err != nil {
		panic(err)
	}
	of := func(code uint16) time.Duration {
		v, ok := m.Option(code)
		if !ok {
			return 0
		}
		return time.Duration(binary.BigEndian.Uint32(v)) * time.Second
	}
	return of(option.CodeRenewalTime), of(option.CodeRebindingTime)
}

// While a change is pending, clients come back early, but no more than fifty a second.
func TestClientsComeBackEarlyWhileAChangeIsPending(t *testing.T) {
	x := newTraffic(t)
	var addrs [400]netip.Addr
	for n := range addrs {
		addrs[n] = x.lease(uint32(n))
	}
	renew := func(n int) (t1, t2 time.Duration) {
		x.say(dhcpv4.Request, uint32(n), addrs[n], true)
		return x.times()
	}
	early := func(from, to int) (n int) {
		for i := from; i < to; i++ {
			t1, t2 := renew(i)
			switch {
			case t2 != 52*time.Minute+30*time.Second:
				t.Fatalf("T2 is %v", t2)
			case t1 == 5*time.Minute:
				n++
			case t1 != 30*time.Minute:
				t.Fatalf("T1 is %v", t1)
			}
		}
		return n
	}
	if n := early(0, 100); n != 0 {
		t.Errorf("%d come back early, and nothing is pending", n)
	}
	x.core.Handle(x.now, Changing{On: true}, &x.out)
	if n := early(0, 100); n != 50 {
		t.Errorf("%d at once come back early", n)
	}
	x.now = x.now.Add(500 * time.Millisecond)
	if n := early(0, 100); n != 25 {
		t.Errorf("%d after half a second", n)
	}
	x.now = x.now.Add(time.Hour)
	if n := early(0, 400); n != 50 {
		t.Errorf("%d after an hour: a long silence is no reason for a flood", n)
	}
	x.now = x.now.Add(time.Hour)
	for i := range 60 { // an offer promises nothing, and takes nothing from others
		x.say(dhcpv4.Discover, uint32(i), netip.Addr{}, false)
		if t1, _ := x.times(); t1 != 30*time.Minute {
			t.Fatalf("an OFFER says %v", t1)
		}
		x.say(dhcpv4.Inform, uint32(i), addrs[i], true)
	}
	if n := early(0, 100); n != 50 {
		t.Errorf("%d after offers", n)
	}
	x.core.Handle(x.now, Changing{}, &x.out)
	x.now = x.now.Add(time.Hour)
	if n := early(0, 100); n != 0 {
		t.Errorf("%d come back early, and nothing is pending any more", n)
	}
}

// A lease that is short anyway, or that never ends, stays as it is, and costs nothing of what others may have.
func TestShortAndEndlessLeasesAreNotHurried(t *testing.T) {
	for lease, want := range map[string]time.Duration{"8m": 4 * time.Minute, "90s": 45 * time.Second, "10m": 5 * time.Minute, "infinite": 0, "11m": 5 * time.Minute} {
		doc, problems := config.Parse("x", []byte("enterprise: {lease: {default: "+lease+", min: 10s}}\nnetworks: {all: {subnets: {10.0.0.0/8: {pools: [{range: 10.16.0.0-10.16.0.255}]}}}}\n"))
		if doc == nil {
			t.Fatal(problems)
		}
		x := trafficOf(t, policy.Compile(doc))
		x.core.Handle(x.now, Changing{On: true}, &x.out)
		x.lease(1)
		if t1, _ := x.times(); t1 != want {
			t.Errorf("a lease of %s: T1 is %v, want %v", lease, t1, want)
		}
		if left := x.core.hurry.rate.tokens; (left == hurriesAtOnce) != (lease != "11m") {
			t.Errorf("a lease of %s: %v more may be told", lease, left)
		}
	}
}
