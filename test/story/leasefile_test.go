package story

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// told is one entry of a client's lease file: what it was told once.
type told struct {
	address netip.Addr
	// options are by dhclient's names, with the values as it writes them.
	options map[string]string
	expire  time.Time
}

// lifetime is how long the lease was good for.
func (l told) lifetime() time.Duration {
	d, _ := time.ParseDuration(l.options["dhcp-lease-time"] + "s")
	return d
}

// at is when the client was told, to a second.
func (l told) at() time.Time { return l.expire.Add(-l.lifetime()) }

// by is the server that told it.
func (l told) by() side {
	if a, err := netip.ParseAddr(l.options["dhcp-server-identifier"]); err == nil && a.As4()[3] == 2 {
		return west
	}
	return east
}

// String tells what can differ.
func (l told) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(l.options)) {
		switch name {
		case "dhcp-message-type", "subnet-mask", "broadcast-address", "dhcp-renewal-time", "dhcp-rebinding-time", "dhcp-server-identifier", "dhcp-lease-time":
		default:
			parts = append(parts, name+" "+l.options[name])
		}
	}
	return fmt.Sprintf("%v by %v at %s for %v: %s", l.address, l.by(), l.at().Format(time.TimeOnly), l.lifetime(), strings.Join(parts, ", "))
}

// last is what the client was told last, by its lease file; false if it was told nothing.
func last(t testing.TB, c client) (told, bool) {
	t.Helper()
	all := history(t, c)
	if len(all) == 0 {
		return told{}, false
	}
	return all[len(all)-1], true
}

// history is all that the client was told, by its lease file.
func history(t testing.TB, c client) []told {
	t.Helper()
	text, err := os.ReadFile(c.File())
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	before, err := os.ReadFile(c.File() + ".before")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return parseLeases(string(before) + string(text))
}

// parseLeases reads what dhclient writes. An entry without an end is one that is just being written, and does not count.
func parseLeases(text string) (all []told) {
	var l *told
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "lease {":
			l = &told{options: map[string]string{}}
		case line == "}" && l != nil:
			all = append(all, *l)
			l = nil
		case l != nil:
			word, rest, _ := strings.Cut(strings.TrimSuffix(line, ";"), " ")
			switch word {
			case "fixed-address":
				l.address, _ = netip.ParseAddr(rest)
			case "option":
				name, value, _ := strings.Cut(rest, " ")
				l.options[name] = value
			case "expire":
				l.expire = leaseTime(rest)
			}
		}
	}
	return all
}

// leaseTime reads `WEEKDAY YEAR/MONTH/DAY HOUR:MINUTE:SECOND`, in UTC.
func leaseTime(s string) time.Time {
	_, s, _ = strings.Cut(s, " ")
	t, _ := time.ParseInLocation("2006/01/02 15:04:05", s, time.UTC)
	return t
}

func TestLeaseFilesAreRead(t *testing.T) {
	all := parseLeases(`lease {
  interface "eth0";
  fixed-address 198.51.100.50;
  option subnet-mask 255.255.255.0;
  option dhcp-lease-time 60;
  option routers 198.51.100.1;
  option vendor-encapsulated-options 1:4:a:9:0:3;
  option dhcp-server-identifier 198.51.100.3;
  renew 0 2026/11/22 10:00:30;
  expire 0 2026/11/22 10:01:00;
}
lease {
  fixed-address 198.51.100.51;
`)
	want := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	if len(all) != 1 || all[0].by() != east || !all[0].at().Equal(want) || all[0].options["vendor-encapsulated-options"] != "1:4:a:9:0:3" {
		t.Errorf("read %v", all)
	}
}
