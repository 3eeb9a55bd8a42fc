package node

import (
	"encoding/json"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func TestClientPatternsMatchWhatAnOperatorWrites(t *testing.T) {
	c := binding.Client{ID: []byte{1, 2, 0, 0, 0, 0, 8}, Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 7})}
	const host = "Ab-cd"
	for pattern, want := range map[string]bool{
		"":                     true,
		"02:00:00:00:00:07":    true,
		"02-00-00-00-00-07":    true,
		"0200.0000.0007":       true,
		" 1/02:00:00:00:00:07": true,
		"02:00:00:00:00:08":    false,
		"01:02:00:00:00:00:08": true,
		"ab-cd":                true, // octets and a host name at once
		"AB-CD":                true,
		"ab:cd":                false,
		"02:00:00:00:00":       false,
		"02":                   false,
		":":                    false,
	} {
		p := ParseClient(pattern)
		if got := p.Matches(&c, []byte(host)); got != want {
			t.Errorf("%q: Matches says %v, want %v", pattern, got, want)
		}
		if got := p.matchesText(c.Hardware.String(), binding.FormatClientID(c.ID), host); got != want {
			t.Errorf("%q: matchesText says %v, want %v", pattern, got, want)
		}
		if again := ParseClient(p.String()); again.String() != p.String() {
			t.Errorf("%q: became %q", p, again)
		}
	}
}

func TestMatchingAClientDoesNotAllocate(t *testing.T) {
	c := binding.Client{ID: make([]byte, 200), Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 7})}
	host, p := []byte("phone-17"), ParseClient("02:00:00:00:00:09")
	if n := testing.AllocsPerRun(100, func() { p.Matches(&c, host) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestFiltersOfEvents(t *testing.T) {
	granted := Event{Kind: LeaseGranted, Level: slog.LevelInfo, Hardware: "6/02:00:00:00:00:07", Address: netip.MustParseAddr("10.0.0.1"), Network: "lan"}
	packet := Event{Kind: PacketIn, Level: slog.LevelDebug, Hardware: "02:00:00:00:00:07"}
	lost := Event{Kind: EventsLost, Lost: 3}
	for _, test := range []struct {
		name                  string
		filter                EventFilter
		granted, packet, lost bool
	}{
		{"everything but packets", EventFilter{}, true, false, true},
		{"packets too", EventFilter{Packets: true}, true, true, true},
		{"a client", EventFilter{Packets: true, Client: ParseClient("02:00:00:00:00:07")}, true, true, true},
		{"another client", EventFilter{Packets: true, Client: ParseClient("02:00:00:00:00:08")}, false, false, true},
		{"a kind", EventFilter{Kinds: []EventKind{LeaseRefused}}, false, false, true},
		{"a level", EventFilter{Level: slog.LevelWarn}, false, false, true},
		{"an address", EventFilter{Address: netip.MustParseAddr("10.0.0.2")}, false, false, true},
		{"a network", EventFilter{Network: "lan", Packets: true}, true, false, true},
	} {
		for _, e := range []struct {
			event *Event
			want  bool
		}{{&granted, test.granted}, {&packet, test.packet}, {&lost, test.lost}} {
			if got := test.filter.Matches(e.event); got != e.want {
				t.Errorf("%s: %v: got %v, want %v", test.name, e.event.Kind, got, e.want)
			}
		}
	}
}

func TestEveryKindOfEventHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for k := LeaseGranted; k <= EventsLost; k++ {
		b, err := json.Marshal(k)
		if err != nil || seen[string(b)] || k.String() == "invalid" {
			t.Errorf("kind %d: %s, %v", k, b, err)
		}
		seen[string(b)] = true
		var back EventKind
		if err := json.Unmarshal(b, &back); err != nil || back != k {
			t.Errorf("%s became %v, %v", b, back, err)
		}
	}
	var k EventKind
	for _, bad := range []string{`""`, `"invalid"`, `"party"`} {
		if err := json.Unmarshal([]byte(bad), &k); err == nil {
			t.Errorf("%s was read as %v", bad, k)
		}
	}
}
