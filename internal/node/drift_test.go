package node

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/responder"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// apply changes what a member's head says.
func (p *runningPair) apply(name binding.Member, replace ...string) {
	p.t.Helper()
	shown, err := p.nodes[name].node.ConfigShow(p.t.Context(), "")
	if err != nil {
		p.t.Fatal(err)
	}
	r := ApplyRequest{Document: []byte(strings.NewReplacer(replace...).Replace(shown.Text)), Author: "alice", Yes: true}
	if a, err := p.nodes[name].node.ConfigApply(p.t.Context(), r); err != nil || !a.Changed {
		p.t.Fatalf("%s: %v %+v", name, err, a)
	}
}

func (p *runningPair) drift(name binding.Member) *DriftReport {
	p.t.Helper()
	r, err := p.nodes[name].node.Drift(p.t.Context(), "", func(done, total int) {
		if done > total {
			p.t.Errorf("%d of %d", done, total)
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// Two members are compared by what clients would get: by the layers of the two where the heads are one, and by the heads where
// they are two.
func TestDrift(t *testing.T) {
	p := newRunningPair(t)
	p.doc = strings.Replace(p.doc, "networks:\n", "servers: {west: {options: {log-servers: [10.0.0.5]}}, east: {options: {log-servers: [10.0.0.6]}}}\nclasses: {all: {kind: hardware, match: 'hardware.startsWith(\"02\")'}}\nnetworks:\n", 1)
	p.together()
	for n := uint32(1); n <= 3; n++ {
		if _, err := newRelay(t, p.nodes["west"].port).lease(n); err != nil {
			t.Fatal(err)
		}
	}
	p.eventually("both know the leases", func() bool { return p.drift("east").Total == 3 })
	for _, name := range []binding.Member{"west", "east"} {
		r := p.drift(name)
		if !r.SameHead || r.OurHead != r.TheirHead || r.Clients != 0 || r.NewClients != 3 || len(r.Groups) != 1 || len(r.CannotKnow) != 0 || r.Protocol != "lessor" {
			t.Fatalf("%s: %+v", name, r)
		}
		g := r.Groups[0]
		if g.Name != "log-servers" || g.Class != "all" || g.Because != "servers: layers differ" || g.Clients != 3 || len(g.Examples) != 3 || len(r.Because) != 1 {
			t.Errorf("%s: %+v", name, g)
		}
		own := map[binding.Member]string{"west": "10.0.0.5", "east": "10.0.0.6"}
		if d := g.Examples[0].Differs[0]; d.HasText != own[name] || d.WouldText != own[r.With] || r.With == name {
			t.Errorf("%s: %+v", name, d)
		}
	}

	// A conflict: two heads.
	p.stop("east")
	p.until("west", "COMMUNICATIONS-INTERRUPTED")
	p.apply("west", "1h", "3h")
	p.stop("west")
	p.start("east")
	p.until("east", "COMMUNICATIONS-INTERRUPTED")
	p.apply("east", "1h", "4h")
	p.start("west")
	p.until("west", "NORMAL")
	p.eventually("a conflict", func() bool { return p.config("west").Conflict != nil && p.config("east").Conflict != nil })
	r := p.drift("west")
	if r.SameHead || r.Clients != 3 || r.NewClients != 3 || len(r.Groups) != 2 || r.Remedy == "" || len(r.Because) < 3 {
		t.Fatalf("%+v", r)
	}
	g := r.Groups[0]
	if g.Name != "lifetime" || g.Because != "heads differ" || g.Clients != 3 || g.Examples[0].Differs[0].HasText != "3h" || g.Examples[0].Differs[0].WouldText != "4h" {
		t.Errorf("%+v", g)
	}
	west := p.nodes["west"].node
	west.noteDrift(r)
	s, err := west.Status(t.Context())
	if a := alarmOf(s.Alarms, "drift"); err != nil || a == nil || !strings.Contains(a.Text, "3 clients would get something else from east") || a.Remedy == "" {
		t.Errorf("%v %+v", err, s.Alarms)
	}
	if _, err := west.ConfigResolve(t.Context(), "east", ApplyRequest{Author: "bob"}); err != nil {
		t.Fatal(err)
	}
	p.eventually("one head", p.sameHead(""))
	if s, err := west.Status(t.Context()); err != nil || alarmOf(s.Alarms, "drift") != nil {
		t.Errorf("%v %+v", err, s.Alarms)
	}
	if r := p.drift("west"); !r.SameHead || r.Clients != 0 {
		t.Errorf("%+v", r)
	}

	for _, with := range []binding.Member{"west", "south"} {
		var refused *RefusedError
		if _, err := west.Drift(t.Context(), with, nil); !errors.As(err, &refused) || refused.Remedy == "" {
			t.Errorf("with %s: %v", with, err)
		}
	}
	// Homes are changed at either, and that is durable.
	a := r.Groups[0].Examples[0].Address
	if err := west.Rehome(t.Context(), a, "east"); err != nil {
		t.Fatal(err)
	}
	p.eventually("east knows", func() bool {
		d, _, err := p.nodes["east"].node.Lease(t.Context(), a)
		return err == nil && d.Home == "east"
	})
}

// A server that is alone has nobody to be compared with.
func TestDriftAlone(t *testing.T) {
	r := run(t, memfs.New(0))
	defer r.stop()
	var refused *RefusedError
	if _, err := r.node.Drift(t.Context(), "", nil); !errors.As(err, &refused) {
		t.Error(err)
	}
	a, err := newRelay(t, r.port).lease(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.node.Rehome(t.Context(), a, "west"); err != nil {
		t.Error("it is its home already:", err)
	}
	if err := r.node.Rehome(t.Context(), a, "east"); !errors.As(err, &refused) {
		t.Error(err)
	}
}

// Of another vendor's server it is said what cannot be known.
func TestDriftWithAnISCServer(t *testing.T) {
	document := fmt.Sprintf(`server: {name: west, data: /nowhere}
group: {name: campus, members: {west: {peer: "127.0.0.1:%d"}, b: {peer: "127.0.0.9:%d", protocol: isc-dhcpd}}}
networks:
  all: {lease: {default: 1h}, subnets: {10.0.0.0/16: {relays: [127.0.0.1], pools: [{range: 10.0.1.0-10.0.8.255}]}}}
`, freeTCPPort(t, "127.0.0.1"), freeTCPPort(t, "127.0.0.1"))
	r, err := runAt(t, memfs.New(0), false, document, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	for _, with := range []binding.Member{"", "b"} {
		d, err := r.node.Drift(t.Context(), with, nil)
		if err != nil || d.With != "b" || d.Protocol != "isc-dhcpd" || d.TheirHead != "" || d.SameHead || d.Clients+d.NewClients != 0 || len(d.CannotKnow) != 1 {
			t.Errorf("%v %+v", err, d)
		}
	}
	// A lease of which the ISC server told is counted, and nothing is said of it.
	err = r.node.do(t.Context(), func(*Effects) {
		b := binding.Binding{
			Prefix: netip.MustParsePrefix("10.0.1.7/32"), State: binding.Active, Cause: binding.ToldByPartner, Home: "b",
			Client: binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 7})}, Expires: epoch.AddDate(50, 0, 0),
		}
		r.node.core.apply(&responder.Change{Binding: b}, &r.node.current.effects)
		r.node.core.rejudge(epoch, &b)
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.node.Drift(t.Context(), "", nil)
	if err != nil || d.Total != 1 || d.Unknown != 1 || len(d.CannotKnow) != 2 {
		t.Errorf("%v %+v", err, d)
	}
	s, err := r.node.Status(t.Context())
	if err != nil || s.Stale.Unknown != 1 || s.Stale.Clients != 0 {
		t.Errorf("%v %+v", err, s.Stale)
	}
	doc := func(replace ...string) *config.Document {
		d, problems := config.Parse("isc.yaml", []byte(strings.NewReplacer(replace...).Replace(document)))
		if d == nil {
			t.Fatal(problems)
		}
		return d
	}
	w, err := r.node.WhatIf(t.Context(), doc("1h", "2h"), nil)
	if err != nil || w.Unknown != 1 || w.Changed != 0 || w.Lost != 0 || len(w.Notes) != 1 {
		t.Errorf("%v %+v", err, w)
	}
	if w, err = r.node.WhatIf(t.Context(), doc("10.0.1.0-", "10.0.2.0-"), nil); err != nil || w.Lost != 1 || w.LostBy[0].Why != "no pool has it" {
		t.Errorf("its address alone is looked at: %v %+v", err, w)
	}
	audit(t, r)
}
