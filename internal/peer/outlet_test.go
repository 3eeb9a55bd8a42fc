package peer

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

// Whoever takes what the group says may stand still for ever: connections, messages and ends of failover links come as if he did not,
// and Run ends. Here nobody ever takes anything from group.
func TestAGroupThatIsNotReadHoldsNothingUp(t *testing.T) {
	b := newBench(t, "west", "east")
	p, err := Listen(silent(b.config("west", "east")))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	west := &running{p, t, make(chan Event), cancel, make(chan error, 1)} // without room, so that nothing waits in it
	group := make(chan Event, 1)                                          // room for its Up, so that the link reads
	go func() { west.done <- p.Run(ctx, west.events, group) }()
	t.Cleanup(west.stop)

	east := b.run(b.config("east", "west"))
	var flood, link *Link
	for flood == nil || link == nil {
		if u, ok := east.next().(Up); ok && u.Protocol == Group {
			flood = u.Link
		} else if ok {
			link = u.Link
		}
	}
	sent := 0
	for flood.Send(bytes.Repeat([]byte{1}, MaxFrame)) { // until no more fits
		sent++
	}
	if sent < 4 {
		t.Fatalf("only %d frames were sent", sent)
	}
	there := west.upOf(Failover4, true)
	for round := range 3 {
		for n := range 100 {
			if !link.Send(message(2000, byte(n))) {
				t.Fatalf("round %d, message %d: not sent", round, n)
			}
			m, ok := west.next().(Message)
			if !ok || m.Link != there || !bytes.Equal(m.Bytes, message(2000, byte(n))) {
				t.Fatalf("round %d, message %d: %+v", round, n, m)
			}
			there.Send(message(12, 0))
			if m, ok := east.next().(Message); !ok || m.Link != link {
				t.Fatalf("round %d, answer %d: %+v", round, n, m)
			}
		}
		link.Close(nil)
		if there, err = west.replaced(there); err != ErrPartnerClosed {
			t.Errorf("round %d: down because of %v", round, err)
		}
		link = east.upOf(Failover4, false)
	}
	if n := len(group); n != 1 {
		t.Errorf("%d events wait for who takes what the group says, who never took one", n)
	}
	begin := time.Now()
	west.stop()
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("Run took %v to end", took)
	}
}

// What the group says does not come where failover's messages do, nor the other way round.
func TestEachProtocolHasItsOutlet(t *testing.T) {
	b := newBench(t, "west", "east")
	p, err := Listen(silent(b.config("west", "east")))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	west := &running{p, t, make(chan Event, 16), cancel, make(chan error, 1)}
	group := &running{p, t, make(chan Event, 16), cancel, nil}
	go func() { west.done <- p.Run(ctx, west.events, group.events) }()
	t.Cleanup(west.stop)
	east := b.run(b.config("east", "west"))
	for protocol, from := range map[Protocol]*running{Failover4: west, Group: group} {
		l := from.next().(Up).Link
		if l.Protocol() != protocol {
			t.Fatalf("a link of %v is up where %v is taken", l.Protocol(), protocol)
		}
		if !l.Send(message(20, 1)) {
			t.Fatal("not sent")
		}
		l.Close(nil)
		if next, _ := from.replaced(l); next.Protocol() != protocol {
			t.Errorf("a link of %v is up where %v is taken", next.Protocol(), protocol)
		}
	}
	east.drain()
}

// A member that would have links in a protocol that nobody listens to does not run.
func TestSomebodyMustTakeWhatTheGroupSays(t *testing.T) {
	b := newBench(t, "west", "east", "isc")
	p, err := Listen(silent(b.config("west", "east")))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context(), make(chan Event), nil); err == nil || !strings.Contains(err.Error(), "lessor-group/1") {
		t.Errorf("Run: %v", err)
	}
	cfg := silent(b.config("west", "isc"))
	cfg.listen = nil
	cfg.Listen = b.at("isc")
	b.listeners["isc"].Close()
	if p, err = Listen(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Run(ctx, make(chan Event), nil); err != nil {
		t.Errorf("with an ISC dhcpd alone: %v", err)
	}
}
