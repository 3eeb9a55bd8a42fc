package node

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// serving runs a server for one test.
func serving(t *testing.T) *running {
	t.Helper()
	n := run(t, memfs.New(0))
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestAnOperatorReleasesALeaseInItsClientsPlace(t *testing.T) {
	n := serving(t)
	a, err := newRelay(t, n.port).lease(1)
	if err != nil {
		t.Fatal(err)
	}
	events, err := n.node.Events(t.Context(), EventFilter{Kinds: []EventKind{LeaseReleased}})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.node.Release(t.Context(), a, ReleaseRequest{By: "ada", Reason: "the printer is gone"}); err != nil {
		t.Fatal(err)
	}
	if b, err := holder(n.fs.Crash(rand.New(rand.NewPCG(1, 2)), 0), a); err != nil || b.State == binding.Active {
		t.Errorf("on the disk it is %v, %v", b.State, err)
	}
	if e := <-events; e.Address != a || e.Reason != "operator" || e.Detail != "ada: the printer is gone" {
		t.Errorf("%+v", e)
	}
	h, err := n.node.AddressHistory(t.Context(), a, 0)
	if err != nil || len(h.Changes) != 2 || h.Changes[0].Happened != "released" || !h.Changes[0].Operator || h.Changes[1].Happened != "granted" || h.Changes[1].Operator {
		t.Errorf("%v, %+v", err, h.Changes)
	}
	var refused *RefusedError
	if err := n.node.Release(t.Context(), a, ReleaseRequest{}); !errors.As(err, &refused) || refused.Remedy == "" {
		t.Errorf("again: %v", err)
	}
	for _, bad := range []string{"0.0.0.0", "224.0.0.1", "::1"} {
		var wrong *RequestError
		if err := n.node.Release(t.Context(), netip.MustParseAddr(bad), ReleaseRequest{}); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := n.node.Release(t.Context(), a, ReleaseRequest{Reason: strings.Repeat("a", maxReason+1)}); err == nil {
		t.Error("a reason of any length is taken")
	}
}

func hostsNow(t *testing.T, n *running) map[string]HostRow {
	t.Helper()
	m := map[string]HostRow{}
	if err := n.node.Hosts(t.Context(), func(h HostRow) error { m[h.Name] = h; return nil }); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestHostsAreVersionsOfTheConfiguration(t *testing.T) {
	n := serving(t)
	if len(hostsNow(t, n)) != 0 {
		t.Fatal("there are hosts")
	}
	edit := HostEdit{Name: "printer", Create: true, Hardware: "02:00:00:00:00:07", Address: netip.MustParseAddr("10.0.9.9"), Options: map[string]string{"host-name": `"p: 1"`}}
	applied, err := n.node.HostPut(t.Context(), edit, ApplyRequest{Author: "ada", Yes: true})
	if err != nil || !applied.Changed || !applied.Adopted || !applied.Created {
		t.Fatalf("%v, %+v", err, applied)
	}
	h := hostsNow(t, n)["printer"]
	if h.Hardware != "02:00:00:00:00:07" || h.Address != edit.Address || h.Options["host-name"] != "p: 1" || h.Network != "all" || h.Held != "free" || h.Line == 0 {
		t.Errorf("%+v", h)
	}
	var refused *RefusedError
	if _, err := n.node.HostPut(t.Context(), edit, ApplyRequest{Yes: true}); !errors.As(err, &refused) {
		t.Errorf("made again: %v", err)
	}
	if len(applied.Notes) != 0 {
		t.Errorf("%q", applied.Notes)
	}
	nowhere := HostEdit{Name: "nowhere", Text: "{hardware: 02:00:00:00:00:09, address: 192.0.2.9}"}
	applied, err = n.node.HostPut(t.Context(), nowhere, ApplyRequest{Yes: true})
	if err != nil || len(applied.Notes) != 1 || applied.Notes[0] != "192.0.2.9 is in no subnet of the configuration: it is never given" {
		t.Errorf("an address in no subnet: %v, %q", err, applied.Notes)
	}
	if applied, err = n.node.HostDelete(t.Context(), "nowhere", "", ApplyRequest{Yes: true}); err != nil || len(applied.Notes) != 0 {
		t.Errorf("%v, %q", err, applied.Notes)
	}
	edit.Create, edit.Text = false, "{hardware: 02:00:00:00:00:08}"
	if applied, err = n.node.HostPut(t.Context(), edit, ApplyRequest{Yes: true}); err != nil || applied.Created {
		t.Fatalf("%v, %+v", err, applied)
	}
	if h := hostsNow(t, n)["printer"]; h.Hardware != "02:00:00:00:00:08" || h.Address.IsValid() {
		t.Errorf("%+v", h)
	}
	edit.Text = "{hardware: nonsense}"
	if _, err := n.node.HostPut(t.Context(), edit, ApplyRequest{Yes: true}); err == nil {
		t.Error("nonsense is taken")
	}
	wrongHosts(t, n)
	if _, err := n.node.HostDelete(t.Context(), "printer", "", ApplyRequest{Yes: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.node.HostDelete(t.Context(), "printer", "", ApplyRequest{Yes: true}); !errors.As(err, &refused) {
		t.Errorf("taken out again: %v", err)
	}
	if left := hostsNow(t, n); len(left) != 0 {
		t.Errorf("%v", left)
	}
}

// wrongHosts says of hosts that cannot be read what is wrong with them.
func wrongHosts(t *testing.T, n *running) {
	t.Helper()
	for _, x := range []struct {
		edit HostEdit
		says string
	}{
		{HostEdit{Hardware: "02:00:00:00:00:09"}, "which host? Its name is empty"},
		{HostEdit{Name: " ", Text: "{hardware: 02:00:00:00:00:09}"}, "which host? Its name is empty"},
		{HostEdit{Name: strings.Repeat("x", maxHostName+1), Text: "{}"}, "at most 255 octets"},
		{HostEdit{Name: "a", Text: "{hardware: 02:00:00:00:00:09"}, "host a:1:1: error: this map is not closed"},
		{HostEdit{Name: "a", Hardware: "02:00:00:00:00:09", Options: map[string]string{"routers": "[10.0.0.1"}}, `option "routers": "[10.0.0.1" is no value as a document has it: this list is not closed; its values stand`},
		{HostEdit{Name: "a", CircuitID: "{hex: 01}, address: 10.0.0.9, x: {"}, "circuit-id: "},
	} {
		if _, err := n.node.HostPut(t.Context(), x.edit, ApplyRequest{Yes: true}); err == nil || !strings.Contains(err.Error(), x.says) || strings.Contains(err.Error(), "yaml:") {
			t.Errorf("%+v: %v", x.edit, err)
		}
	}
	if _, err := n.node.HostDelete(t.Context(), "", "", ApplyRequest{}); err == nil || !strings.Contains(err.Error(), "which host?") {
		t.Errorf("no name: %v", err)
	}
}

func TestAMapShowsWhatTheCountsSay(t *testing.T) {
	n := serving(t)
	relay := newRelay(t, n.port)
	for i := range uint32(20) {
		if _, err := relay.lease(i); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []string{"10.0.0.0/16", "10.0.0.0/14", "10.0.0.0/8"} {
		m, err := n.node.Map(t.Context(), netip.MustParsePrefix(s))
		if err != nil || len(m.Blocks) != MaxCells {
			t.Fatalf("%s: %v, %d blocks", s, err, len(m.Blocks))
		}
		st, _ := n.node.Status(t.Context())
		p := &st.Pools[0]
		if m.Counts.Active != p.Active || m.Counts.Free+m.Counts.Offered+m.Counts.Reserved != p.Free+p.Offered+p.Reserved || m.Counts.PartnerFree != 0 {
			t.Errorf("%s: %+v, the pool says %+v", s, m.Counts, p)
		}
		for _, b := range m.Blocks {
			k := b.CellCounts
			if sum := k.Active + k.Grace + k.Abandoned + k.Offered + k.Reserved + k.Free + k.PartnerFree + k.Outside; sum != k.Size || k.Free > k.Size {
				t.Fatalf("%v: %+v", b.Prefix, k)
			}
		}
	}
	m, err := n.node.Map(t.Context(), netip.MustParsePrefix("10.0.1.0/24"))
	if err != nil || len(m.Addresses) != 256 || m.Network != "all" || m.Subnet != "10.0.0.0/16" || m.Up != netip.MustParsePrefix("10.0.0.0/16") {
		t.Fatalf("%v, %+v", err, m)
	}
	states := map[string]int{}
	for _, c := range m.Addresses {
		if states[c.State]++; c.State == "active" && (c.Hardware == "" || c.Age != 0) {
			t.Errorf("%+v", c)
		}
	}
	if states["active"] != int(m.Counts.Active) || states["unused"] != int(m.Counts.Free) {
		t.Errorf("%v, %+v", states, m.Counts)
	}
	for _, bad := range []string{"10.0.0.0/7", "2001:db8::/64"} {
		if _, err := n.node.Map(t.Context(), netip.MustParsePrefix(bad)); err == nil {
			t.Errorf("%s is drawn", bad)
		}
	}
}

func TestWhatIsKeptOfLeasesIsBoundedAndNeverWhatWasDiscarded(t *testing.T) {
	var p leasePast
	b := binding.Binding{Prefix: netip.MustParsePrefix("10.0.0.1/32"), State: binding.Active, Cause: binding.Granted, Client: binding.Client{ID: []byte{1}}}
	const most = keptRare + 1000
	for i := range most {
		p.note(epoch.Add(time.Duration(i)*time.Second), &b, 0, uint64(i), "west")
	}
	if rare, _ := p.since(epoch); p.rare.end-p.rare.begin != keptRare || !rare.Equal(epoch.Add(1000*time.Second)) {
		t.Errorf("%d, since %v", p.rare.end-p.rare.begin, rare)
	}
	p.discard(most - 11)
	s := pastScan{client: clientNumber(&b.Client), limit: 5}
	p.scan(&s)
	for p.step(&s) {
	}
	if len(s.found) != 5 || !s.more || !s.found[0].Time.Equal(epoch.Add((most-11)*time.Second)) {
		t.Errorf("%d, more %v, the latest %v", len(s.found), s.more, s.found[0].Time)
	}
	if all := testing.AllocsPerRun(10*pastChunk, func() { p.note(epoch, &b, 0, most, "west") }); all != 0 {
		t.Errorf("%v allocations a change", all)
	}
}

func TestAPoolThatFillsSaysWhenNothingWillBeFree(t *testing.T) {
	at := func(per float64, noise int, minutes int) PoolTrend {
		x := PoolTrend{PoolStatus: PoolStatus{Size: 1000, Free: 300, PartnerFree: 300}}
		for i := range minutes {
			x.Times = append(x.Times, At(epoch.Add(time.Duration(i)*time.Minute)))
			x.Used = append(x.Used, uint64(400+per*float64(i)+float64(i%3*noise)))
		}
		x.judge(epoch)
		return x
	}
	if x := at(2, 0, 60); x.Verdict != "filling" || !x.EmptyAt.Equal(epoch.Add(5*time.Hour)) || x.Words != "nothing free in about 5 h at this rate" {
		t.Errorf("%s %v %q", x.Verdict, x.EmptyAt, x.Words)
	}
	for _, c := range []struct {
		x    PoolTrend
		want string
	}{{at(0, 0, 60), "steady"}, {at(0, 30, 60), "steady"}, {at(-2, 0, 60), "draining"}, {at(2, 0, 9), "too-early"}} {
		if c.x.Verdict != c.want || !c.x.EmptyAt.IsZero() {
			t.Errorf("%s, want %s", c.x.Verdict, c.want)
		}
	}
	full := PoolTrend{PoolStatus: PoolStatus{Size: 10}}
	if full.judge(epoch); full.Verdict != "empty" {
		t.Error(full.Verdict)
	}
}

func TestRatesAreWhatWasCountedBetween(t *testing.T) {
	var r readings
	for i := range keptSeconds + 50 {
		x := reading{at: epoch.Add(time.Duration(i) * time.Second), drops: make([]uint64, 200)}
		x.received[1], x.sent[2] = uint64(3*i), uint64(2*i)
		x.answers[4] = uint64(i) // 0.5 to 1 ms
		r.add(&x, keptSeconds+1)
	}
	got := r.rates(1)
	if len(got.Times) != keptSeconds || got.Received["DHCPDISCOVER"][keptSeconds-1] != 3 || got.Sent["DHCPOFFER"][0] != 2 {
		t.Errorf("%d steps, %v", len(got.Times), got.Received)
	}
	if p := got.AnswerP50[7]; p < 0.5 || p > 1 || got.CommitP99[0] != -1 || len(got.Drops) != 0 {
		t.Errorf("p50 %v, p99 of commits %v", p, got.CommitP99[0])
	}
}
