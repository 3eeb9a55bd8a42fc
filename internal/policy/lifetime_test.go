package policy

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// asks is option 51 of a client that asks for d; 0 asks for nothing.
func asks(d time.Duration) said {
	secs := uint32(0xffffffff)
	if d == 0 {
		return nil
	}
	if d != binding.Infinite {
		secs = uint32(d / time.Second)
	}
	return said{51: string(binary.BigEndian.AppendUint32(nil, secs))}
}

func TestLifetimes(t *testing.T) {
	const h = time.Hour
	for _, c := range []struct {
		name, lease, accept string
		asked, want         time.Duration
		layer               string
	}{
		{"built in", "", "", 0, 4 * h, "host requirements"},
		{"built in, shorter", "", "", h, h, "client"},
		{"built in, too short", "", "", time.Second, 5 * time.Minute, "client"},
		{"built in, longer is not accepted", "", "", 5 * h, 4 * h, "host requirements"},
		{"built in, for ever", "", "", binding.Infinite, 4 * h, "host requirements"},
		{"a default below the built-in minimum moves it", "default: 20s", "", 0, 20 * time.Second, "enterprise"},
		{"and who asks for less gets it", "default: 20s", "", time.Second, 20 * time.Second, "enterprise"},
		{"a default beyond the built-in maximum moves it", "default: 48h", "max: 72h", 60 * h, 48 * h, "enterprise"},
		{"a maximum below the built-in default", "max: 1h", "", 0, h, "host requirements"},
		{"a minimum above it", "min: 6h", "", 0, 6 * h, "host requirements"},
		{"shorter, down to the minimum", "default: 4h, min: 2h", "", h, 2 * h, "client"},
		{"longer, where that is accepted", "default: 1h", "max: 2h", 90 * time.Minute, 90 * time.Minute, "client"},
		{"no longer than accepted", "default: 1h", "max: 2h", 9 * h, 2 * h, "client"},
		{"no longer than the maximum", "default: 1h, max: 90m", "max: 2h", 9 * h, 90 * time.Minute, "client"},
		{"accepted is less than the default: never less than for nothing", "default: 4h", "max: 2h", 9 * h, 4 * h, "enterprise"},
		{"but shorter still goes", "default: 4h", "max: 2h", 3 * h, 3 * h, "client"},
		{"a minimum of what is accepted", "default: 4h", "min: 3h", h, 3 * h, "client"},
		{"for ever, asked for and accepted", "max: infinite", "max: infinite", binding.Infinite, binding.Infinite, "client"},
		{"for ever by default", "default: infinite", "", 0, binding.Infinite, "enterprise"},
		{"for ever by default, less asked for", "default: infinite", "", h, h, "client"},
		{"exactly the default", "default: 1h", "", h, h, "enterprise"},
	} {
		text := "networks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.20}]}}}}\n"
		if c.lease != "" {
			text += "enterprise: {lease: {" + c.lease + "}}\n"
		}
		if c.accept != "" {
			text += "accept: {lease-time: {" + c.accept + "}}\n"
		}
		p := compiled(t, text)
		var d Decision
		p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, asks(c.asked)), &d)
		rs, ok := binding.DecodeReasons(d.LifetimeReason)
		if !ok || len(rs) != 1 || rs[0].Code != binding.ReasonLifetime || d.Lifetime != c.want || rs[0].Layer != c.layer {
			t.Errorf("%s: %v by %v, want %v by %s", c.name, d.Lifetime, rs, c.want, c.layer)
		}
	}
}

func TestARequestedLifetimeOfAnotherLengthIsNone(t *testing.T) {
	p := compiled(t, "networks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.20}]}}}}\n")
	for _, v := range []string{"", "\x00\x0e", "\x00\x00\x0e\x10\x00"} {
		var d Decision
		p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, said{51: v}), &d)
		if d.Lifetime != DefaultLifetime {
			t.Errorf("option 51 = %x: %v", v, d.Lifetime)
		}
	}
}

func TestLongestLifetime(t *testing.T) {
	for lease, want := range map[string]time.Duration{
		"{default: 1h}": MaxLifetime, "{default: 72h}": 72 * time.Hour, "{default: 1h, max: 48h}": 48 * time.Hour,
		"{default: infinite}": MaxLifetime, "{default: 72h, max: infinite}": 72 * time.Hour, // one without end is never over
	} {
		p := compiled(t, "networks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.20, lease: "+lease+"}]}}}}\n")
		if got := p.LongestLifetime(); got != want {
			t.Errorf("%s: %v, want %v", lease, got, want)
		}
	}
}

// TestParametersOfEveryLayer: what is no option is laid like one.
func TestParametersOfEveryLayer(t *testing.T) {
	p := compiled(t, `enterprise: {authoritative: true, rapid-commit: false, conflict-probe: 1s}
networks:
  lan:
    conflict-probe: 2s
    subnets:
      10.0.0.0/24: {rapid-commit: true, pools: [{range: 10.0.0.10-10.0.0.19, authoritative: false}, {range: 10.0.0.20-10.0.0.29}]}
      10.0.1.0/24: {conflict-probe: 0s}
hosts: {pc: {hardware: 02:00:00:00:00:01, conflict-probe: 3s, rapid-commit: false}}
`)
	for _, c := range []struct {
		client               byte
		address              string
		authoritative, rapid bool
		probe                time.Duration
	}{
		{9, "10.0.0.10", false, true, 2 * time.Second},
		{9, "10.0.0.20", true, true, 2 * time.Second},
		{9, "10.0.1.1", true, false, 0},
		{1, "10.0.0.10", false, false, 3 * time.Second},
	} {
		var d Decision
		f := p.on("10.0.0.0", binding.Client{Hardware: mac(c.client)}, nil)
		p.Place("west", f, &d)
		p.Settle("west", f, ip(c.address), &d)
		if d.Authoritative() != c.authoritative || d.RapidCommit() != c.rapid || d.Probe() != c.probe {
			t.Errorf("%d at %s: %v %v %v", c.client, c.address, d.Authoritative(), d.RapidCommit(), d.Probe())
		}
	}
	var d Decision
	p = compiled(t, "networks: {lan: {subnets: {10.0.0.0/24: {}}}}\n")
	p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, nil), &d)
	if d.Authoritative() != config.DefaultAuthoritative || d.RapidCommit() != config.DefaultRapidCommit || d.Probe() != config.DefaultConflictProbe {
		t.Errorf("by default %v %v %v", d.Authoritative(), d.RapidCommit(), d.Probe())
	}
}

// spoken is a client's options without a map, which would cost an allocation of its own.
type spoken struct{ relay, lifetime, name []byte }

func (o *spoken) Option(code uint16) ([]byte, bool) {
	switch code {
	case 82:
		return o.relay, true
	case 51:
		return o.lifetime, true
	case 12:
		return o.name, true
	}
	return nil, false
}

func TestResolvingAllocatesNothing(t *testing.T) {
	p := compiled(t, layered)
	o := &spoken{relay: []byte(circuit("port7", "switch1")), lifetime: []byte{0, 0, 1, 0}, name: []byte("laptop")}
	f := p.on("10.0.0.0", binding.Client{Hardware: mac(1), ID: []byte("id")}, nil)
	f.Options = o
	var d Decision
	reasons := make([]byte, 0, 4096)
	a := ip("10.0.0.12")
	each := func() {
		p.Place("west", f, &d)
		p.Settle("west", f, a, &d)
		p.SettleNowhere("west", f, &d)
		p.Resolve("west", f, &d)
		reasons = d.AppendParameterReasons(reasons[:0], a)
		for i := range d.Values() {
			reasons = d.Values()[i].AppendReason(reasons)
		}
		_ = p.May(&d, a)
	}
	each()
	if n := testing.AllocsPerRun(100, each); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestALongerLifetimeIsTheClientsLayerToGive(t *testing.T) {
	const text = `accept: {lease-time: {max: 12h}}
enterprise: {lease: {default: 2h}}
networks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.20}]}}}}
hosts: {h: {hardware: 02:00:00:00:00:01, lease: {default: 1h}}}
`
	for _, c := range []struct {
		precedence  string
		last        byte
		asked, want time.Duration
	}{
		{"native", 1, 10 * time.Hour, 10 * time.Hour},
		{"[host, client, enterprise]", 1, 10 * time.Hour, time.Hour},
		{"[host, client, enterprise]", 1, 30 * time.Minute, 30 * time.Minute},
		{"[host, client, enterprise]", 2, 10 * time.Hour, 10 * time.Hour},
		{"[host, enterprise, client]", 2, 10 * time.Hour, 2 * time.Hour},
		{"{options: [host, client]}", 1, 10 * time.Hour, 10 * time.Hour},
		{"{parameters: [host]}", 1, 10 * time.Hour, time.Hour},
		{"{parameters: [host]}", 2, 10 * time.Hour, 10 * time.Hour},
	} {
		p := compiled(t, "precedence: "+c.precedence+"\n"+text)
		var d Decision
		p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(c.last)}, asks(c.asked)), &d)
		if d.Lifetime != c.want {
			t.Errorf("%s, asked for %v: %v, want %v", c.precedence, c.asked, d.Lifetime, c.want)
		}
	}
}
