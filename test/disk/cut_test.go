package disk

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// cutLab is a lab with a crowd, which goes on from one start of the server to the next.
func cutLab(t *testing.T) (*lab, *world.Crowd, *rand.Rand) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("LESSOR_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		must(t, err)
		seed = n
	}
	t.Logf("LESSOR_SEED=%d", seed)
	l := newLab(t)
	return l, l.load.Crowd(600, 1500, "10.1.0.2", "10.1.0.1", seed), rand.New(rand.NewPCG(seed, 4))
}

// cut takes the power from the server while the crowd talks to it, gives it back, and starts the server again. It returns what the crowd
// counts on, and how many changes the disk has forgotten.
func (l *lab) cut(crowd *world.Crowd, after time.Duration) (held []world.Promise, forgotten int) {
	l.t.Helper()
	ctx, cancel := context.WithCancel(l.t.Context())
	ended := make(chan struct{})
	go func() { crowd.Talk(ctx); close(ended) }()
	time.Sleep(after)
	l.disk.Cut(func() { l.lessor.Signal(syscall.SIGKILL) })
	l.lessor.Kill()
	cancel()
	<-ended
	crowd.Drain(20 * time.Millisecond)
	for _, g := range crowd.Held() {
		held = append(held, world.Promise{MAC: g.MAC, Address: g.Address, Asked: g.Asked, Again: g.Asked, Lease: g.Lease})
	}
	return held, l.disk.Restore(l.t)
}

// Whenever the power goes, nothing is forgotten that a client was told.
func TestNoPromiseIsForgottenWhenThePowerGoes(t *testing.T) {
	t.Parallel()
	l, crowd, dice := cutLab(t)
	const cuts = 12
	compared, forgotten := 0, 0
	for i := range cuts {
		held, n := l.cut(crowd, time.Duration(50+dice.IntN(700))*time.Millisecond)
		l.lessor.Begin(false)
		for _, lost := range world.Unknown(held, l.lessor.Leases(), netip.Addr{}) {
			t.Errorf("cut %d: %s", i+1, lost)
		}
		for _, g := range crowd.Reboot(20, 5*time.Second) {
			t.Errorf("cut %d: %s asked for its address %v again and got no answer", i+1, g.MAC, g.Address)
		}
		for _, wrong := range crowd.Wrongs() {
			t.Errorf("cut %d: %s", i+1, wrong)
		}
		if t.Failed() {
			t.FailNow()
		}
		compared, forgotten = compared+len(held), forgotten+n
	}
	tally := crowd.Tally()
	if forgotten == 0 || tally.Acks < cuts*50 {
		t.Errorf("the disk has forgotten %d changes, and the crowd lived through %+v: this shows nothing", forgotten, tally)
	}
	t.Logf("%d cuts: %d promises compared, none forgotten; the disk forgot %d writes that were not synced; %+v", cuts, compared, forgotten, tally)
}

// What the test before looks for it finds where a disk says that it has what it has not.
func TestADiskThatLiesIsFoundOut(t *testing.T) {
	t.Parallel()
	l, crowd, _ := cutLab(t)
	l.disk.Lie()
	held, n := l.cut(crowd, time.Second)
	l.lessor.Begin(false)
	lost := world.Unknown(held, l.lessor.Leases(), netip.Addr{})
	if n == 0 || len(held) == 0 || len(lost) < len(held)/2 {
		t.Errorf("the disk forgot %d changes, and of %d promises %d are missed", n, len(held), len(lost))
	}
}
