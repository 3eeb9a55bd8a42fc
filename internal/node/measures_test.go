package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

func TestATallyPutsEachValueIntoTheFirstBucketThatHoldsIt(t *testing.T) {
	var w tally
	for _, d := range []time.Duration{0, -time.Second, 50 * time.Microsecond, 50*time.Microsecond + 1, 10 * time.Second, time.Hour} {
		w.wait(d)
	}
	h := w.seconds()
	if h.Bounds[0] != 0.00005 || h.Bounds[len(h.Bounds)-1] != 10 || len(h.Counts) != len(h.Bounds)+1 {
		t.Error(h.Bounds, len(h.Counts))
	}
	if h.Counts[0] != 3 || h.Counts[1] != 1 || h.Counts[len(h.Counts)-2] != 1 || h.Counts[len(h.Counts)-1] != 1 || h.Total() != 6 {
		t.Error(h.Counts)
	}
	if want := 3610.000100001; h.Sum < want-1e-9 || h.Sum > want+1e-9 {
		t.Errorf("sum %v", h.Sum)
	}
	var c tally
	for _, n := range []int{1, 2, 3, 4096, 5000} {
		c.crowd(n)
	}
	if h := c.pieces(); h.Counts[0] != 1 || h.Counts[1] != 1 || h.Counts[2] != 1 || h.Counts[len(h.Counts)-1] != 1 || h.Sum != 9102 {
		t.Error(h)
	}
}

func TestCountingCostsNoMemory(t *testing.T) {
	var all tallies
	rs := make([]Reply, 128)
	for i := range rs {
		rs[i] = Reply{Type: dhcpv4.Ack, Asked: 1}
	}
	if n := testing.AllocsPerRun(100, func() { all.answered(rs, time.Now()); all.reads.crowd(5) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestWhatAClientWaitedForIsMeasured has clients ask a whole server, and looks at what it says of that.
func TestWhatAClientWaitedForIsMeasured(t *testing.T) {
	r := run(t, memfs.New(0))
	c := newRelay(t, r.port)
	before := time.Now()
	var m Measures
	for n := range 5 {
		if _, err := c.lease(uint32(1 + n)); err != nil {
			t.Fatal(err)
		}
		m = measuresOnce(t, r.node, float64(2*n+2)) // a client may hear its answer before that is counted, and ask for the next
	}
	took := time.Since(before).Seconds()
	for _, name := range []string{"DHCPOFFER", "DHCPACK"} {
		if h := m.Answers[name]; h.Total() != m.Status.Sent[name] || h.Total() < 5 || h.Sum <= 0 || h.Sum > took {
			t.Errorf("%s: %d of %d measured, %v s of %v s", name, h.Total(), m.Status.Sent[name], h.Sum, took)
		}
	}
	if m.Commits.Total() != m.Status.Store.Syncs || m.Commits.Total() < 5 || m.Commits.Sum <= 0 || m.Changes.Sum < 5 {
		t.Errorf("%d commits of %v bindings in %v s, %d syncs", m.Commits.Total(), m.Changes.Sum, m.Commits.Sum, m.Status.Store.Syncs)
	}
	received := float64(m.Status.Received["DHCPDISCOVER"] + m.Status.Received["DHCPREQUEST"])
	if m.Reads.Sum != received || m.Sends.Sum != float64(m.Status.Sent["DHCPOFFER"]+m.Status.Sent["DHCPACK"]) {
		t.Errorf("read %v of %v, sent %v of %v", m.Reads.Sum, received, m.Sends.Sum, m.Status.Sent)
	}
	if m.Status.Config.Group == nil || m.Status.Config.Group.Head == "" {
		t.Error("nothing is said of the group's configuration")
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.node.Measures(t.Context()); !errors.Is(err, ErrStopped) {
		t.Errorf("of a server that has ended: %v", err)
	}
}

// measuresOnce returns what a node measures once it has counted so many answers.
func measuresOnce(t *testing.T, n *Node, answers float64) Measures {
	t.Helper()
	for {
		m, err := n.Measures(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Sends.Sum >= answers {
			return m
		}
	}
}

// An answer knows when its question came; one that was put off on purpose does not.
func TestAnOfferThatWaitedForItsProbeIsNotMeasured(t *testing.T) {
	x := newTraffic(t)
	x.hear(dhcpv4.Discover, 1, netip.Addr{}, nil)
	if len(x.out.Probes) != 1 || len(x.out.Replies) != 0 {
		t.Fatalf("a client on the link is answered without a probe: %+v", x.out)
	}
	x.packet.At = 77 // as if it had come then
	x.core.Handle(x.now, &x.packet, &x.out)
	x.out.Reset()
	x.now = x.now.Add(10 * time.Second)
	x.core.Handle(x.now, Tick{}, &x.out)
	if len(x.out.Replies) == 0 {
		t.Fatal("no offer after the probe")
	}
	for _, r := range x.out.Replies {
		if r.Asked != 0 {
			t.Errorf("an offer that waited for its probe is measured from %d on", r.Asked)
		}
	}
	x.say(dhcpv4.Discover, 2, netip.Addr{}, false)
	x.packet.At = 78
	x.out.Reset()
	x.core.Handle(x.now, &x.packet, &x.out)
	if len(x.out.Replies) != 1 || x.out.Replies[0].Asked != 78 {
		t.Errorf("%+v", x.out.Replies)
	}
}

// manySubnets is the policy of a document with n subnets, each with a pool.
func manySubnets(tb testing.TB, n int) *policy.Policy {
	tb.Helper()
	var b strings.Builder
	b.WriteString("server: {name: west, data: /nowhere}\nnetworks:\n")
	for i := range n {
		fmt.Fprintf(&b, "  n%d: {subnets: {10.%d.%d.0/24: {pools: [{range: 10.%d.%d.10-10.%d.%d.200}]}}}\n", i, i>>8, i&255, i>>8, i&255, i>>8, i&255)
	}
	doc, problems := config.Parse("many.yaml", []byte(b.String()))
	if doc == nil {
		tb.Fatal(problems)
	}
	return policy.Compile(doc)
}

func TestPoolsAreCountedAFewAtATime(t *testing.T) {
	p := manySubnets(t, 2*poolsAtOnce+1)
	x := trafficOf(t, p)
	var s Status
	var steps []int
	counted, more := x.core.morePools(nil, &s)
	for steps = append(steps, len(s.Pools)); more; steps = append(steps, len(s.Pools)) {
		counted, more = x.core.morePools(counted, &s)
	}
	if fmt.Sprint(steps) != fmt.Sprint([]int{poolsAtOnce, 2 * poolsAtOnce, 2*poolsAtOnce + 1}) {
		t.Error(steps)
	}
	for i, q := range p.Pools() {
		if s.Pools[i].Range != q.Name() {
			t.Fatalf("pool %d is %s, and not %s", i, s.Pools[i].Range, q.Name())
		}
	}
}

// A list that is half one configuration's and half another's would count pools twice, or not at all.
func TestPoolsOfANewPolicyAreCountedAnew(t *testing.T) {
	x := trafficOf(t, manySubnets(t, 2*poolsAtOnce))
	var s Status
	counted, more := x.core.morePools(nil, &s)
	if !more {
		t.Fatal("all at once")
	}
	x.core.Handle(x.now, Adopt{Policy: manySubnets(t, 3)}, &x.out)
	if _, more = x.core.morePools(counted, &s); more || len(s.Pools) != 3 {
		t.Errorf("%d pools, more %v", len(s.Pools), more)
	}
}

func TestLostEventsAreCounted(t *testing.T) {
	var h hub
	if _, err := h.listen(t.Context(), EventFilter{Level: slog.LevelDebug}, false); err != nil {
		t.Fatal(err)
	}
	es := make([]Event, eventBuffer+10)
	for i := range es {
		es[i].Kind = LeaseGranted
	}
	h.publish(es, 0)
	if n := h.lost.Load(); n != 10 {
		t.Errorf("%d lost", n)
	}
}

func BenchmarkMeasuresOf10000Pools(b *testing.B) {
	x := trafficOf(b, manySubnets(b, 10_000))
	b.ReportAllocs()
	for b.Loop() {
		var s Status
		x.core.status(x.now, &s)
		for p, more := x.core.morePools(nil, &s); more; p, more = x.core.morePools(p, &s) {
		}
	}
}
