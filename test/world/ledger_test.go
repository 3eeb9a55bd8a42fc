package world

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	ten  = netip.MustParseAddr("10.1.0.10")
	west = netip.MustParseAddr("10.1.0.1")
	east = netip.MustParseAddr("10.1.0.2")
)

func promise(mac string, a netip.Addr, ago, lease time.Duration) Promise {
	at := time.Now().Add(-ago)
	return Promise{MAC: mac, Address: a, Asked: at, Again: at, Lease: lease, By: west}
}

func TestALedgerNamesWhatIsWrong(t *testing.T) {
	held := promise("02:00:00:00:00:01", ten, time.Second, time.Minute)
	over := promise("02:00:00:00:00:01", ten, time.Hour, time.Minute)
	for name, c := range map[string]struct {
		happens func(l *Ledger)
		want    string
	}{
		"given to two": {func(l *Ledger) {
			l.granted(held, nil, ForNew, held.Asked, 1, "begin")
			l.granted(promise("02:00:00:00:00:02", ten, 0, time.Minute), nil, ForNew, held.Asked, 1, "begin")
		}, "10.1.0.10 was given to 02:00:00:00:00:02"},
		"given again after its end": {func(l *Ledger) {
			l.granted(over, nil, ForNew, over.Asked, 1, "begin")
			l.granted(promise("02:00:00:00:00:02", ten, 0, time.Minute), nil, ForNew, held.Asked, 1, "begin")
		}, ""},
		"given again after a release": {func(l *Ledger) {
			l.granted(held, nil, ForNew, held.Asked, 1, "begin")
			l.released(held)
			l.granted(promise("02:00:00:00:00:02", ten, 0, time.Minute), nil, ForNew, held.Asked, 1, "begin")
		}, ""},
		"moved": {func(l *Ledger) {
			l.granted(held, nil, ForNew, held.Asked, 1, "begin")
			l.granted(promise(held.MAC, ten.Next(), 0, time.Minute), &held, ForReboot, held.Asked, 1, "begin")
		}, "02:00:00:00:00:01 held 10.1.0.10"},
		"refused": {func(l *Ledger) {
			l.granted(held, nil, ForNew, held.Asked, 1, "begin")
			l.refused(&held, held.MAC, east)
		}, "was told no by 10.1.0.2 about 10.1.0.10"},
		"refused without an address": {func(l *Ledger) { l.refused(nil, held.MAC, east) }, ""},
	} {
		l := NewLedger("begin")
		c.happens(l)
		got := strings.Join(l.Wrongs(), "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestAServerThatForgetsIsFound(t *testing.T) {
	p := promise("02:00:00:00:00:01", ten, 0, time.Hour)
	row := Row{Address: ten, State: "active", Hardware: p.MAC, Expires: p.Until()}
	another, released, shorter := row, row, row
	another.Hardware, released.State, shorter.Expires = "02:00:00:00:00:02", "released", p.Until().Add(-time.Minute)
	for name, c := range map[string]struct {
		rows []Row
		by   netip.Addr
		want int
	}{
		"known":              {[]Row{row}, netip.Addr{}, 0},
		"not known":          {nil, netip.Addr{}, 1},
		"granted by another": {nil, east, 0},
		"another's":          {[]Row{another}, west, 1},
		"released":           {[]Row{released}, west, 1},
		"ends too soon":      {[]Row{shorter}, west, 1},
	} {
		if got := Unknown([]Promise{p}, c.rows, c.by); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A server that is known to be good serves a town behind a wire that does all that a wire can do wrong. Everybody comes to
// an address, and keeps it.
func TestATownLivesBehindABadWire(t *testing.T) {
	t.Parallel()
	w := New(t)
	server, town := w.Host("server"), w.Host("town")
	near, far := w.Segment(), w.Segment()
	near.Attach(server, "eth0", "10.1.0.1/24")
	far.Attach(town, "eth0")
	server.Plain("eth0")
	faults := Faults{Delay: 5 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.05, Duplicate: 0.05, Corrupt: 0.05}
	wire := w.Wire(near, far, 1, faults)
	server.Dnsmasq("eth0", "10.1.0.50,10.1.0.149,255.255.255.0,120")
	ledger := NewLedger("bad wire")
	folk := town.Town("eth0", ledger, Life{Clients: 20, Pause: 200 * time.Millisecond, Renew: 8, Reboot: 2, Release: 1}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { folk.Live(ctx); close(ended) }()
	defer func() { cancel(); <-ended }()

	w.Eventually(30*time.Second, "some hundred renewals", func() bool { return len(ledger.Of("bad wire").Waits[ForRenewal]) > 200 })
	folk.Settle(true)
	wire.Set(Faults{})
	w.Eventually(20*time.Second, "everybody has an address", func() bool { return folk.Waiting() == 0 })
	tally := wire.Tally()
	t.Logf("%v\n%v", tally, ledger)
	for _, wrong := range ledger.Wrongs() {
		t.Error(wrong)
	}
	if n := len(ledger.Held()); n < 20 {
		t.Errorf("%d of 20 clients have an address", n)
	}
	if tally.Lost == 0 || tally.Duplicated == 0 || tally.Corrupted == 0 || tally.Overtaken == 0 {
		t.Errorf("the wire was not bad: %v", tally)
	}

	// A wire that is cut carries nothing.
	before := wire.Tally().Frames
	wire.Cut()
	folk.Everybody(ForRenewal)
	time.Sleep(50 * time.Millisecond)
	if after := wire.Tally().Frames; after != before || folk.Waiting() == 0 {
		t.Errorf("%d frames passed a cut wire, %d clients wait", after-before, folk.Waiting())
	}
}
