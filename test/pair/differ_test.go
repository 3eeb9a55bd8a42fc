package pair

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// edit changes a server's file. The server reads it when it begins.
func edit(t *testing.T, m *world.Member, old, new string) {
	t.Helper()
	b, err := os.ReadFile(m.Config())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), old, new, 1)
	if text == string(b) {
		t.Fatalf("%q is not in\n%s", old, text)
	}
	if err := os.WriteFile(m.Config(), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const reservation = "hosts: {printer: {hardware: \"02:00:00:00:0a:01\", address: 10.1.0.77}}"

// differing are changes of one member's file, and the key by which each is told.
var differing = []struct {
	name     string
	old, new string // in east's file
	more     string // in both
	says     string
}{
	{"mclt", "mclt: 30s", "mclt: 45s", "", "group.failover.mclt"},
	{"a longer range", "10.1.16.0-10.1.23.255", "10.1.16.0-10.1.24.255", "", "networks.plant.subnets.10.1.0.0/16.pools"},
	{"another range", "range: 10.1.16.0-10.1.23.255}", "range: 10.1.16.0-10.1.23.255}, {range: 10.1.40.0-10.1.40.9}", "", "networks.plant.subnets.10.1.0.0/16.pools"},
	{"the name of the relationship", "mclt: 30s", "mclt: 30s, relationship: other", "", "group.failover.relationship"},
	{"who is the primary", "mclt: 30s", "mclt: 30s, primary: east", "", "group.failover.primary"},
	{"a reservation", reservation, "", reservation, "hosts.printer"},
	{"whose an address is", "02:00:00:00:0a:01", "02:00:00:00:0a:02", reservation, "hosts.printer.hardware"},
	{"a router", "routers: [10.1.0.1]", "routers: [10.1.0.9]", "", "networks.plant.subnets.10.1.0.0/16.options.routers"},
}

// Two servers without a history whose files differ serve nobody. Both say what differs, by its key; when it is made the same
// they go on.
func TestServersThatDifferDoNotServeTogether(t *testing.T) {
	t.Parallel()
	for _, c := range differing {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := world.New(t)
			p := w.Pair(world.PairSetup{Alone: true, More: c.more, Pool: "10.1.16.0-10.1.23.255"})
			right, err := os.ReadFile(p.East.Config())
			if err != nil {
				t.Fatal(err)
			}
			edit(t, p.East, c.old, c.new)
			p.West.Begin(true)
			p.East.Begin(true)
			for _, m := range p.Both() {
				p.Eventually(20*time.Second, m.Host.Role+" says what differs: "+c.says, func() bool {
					s, err := m.Relation()
					return err == nil && strings.Contains(s.Waiting, c.says)
				})
			}
			// Nor ever: the two try again and again.
			for until := time.Now().Add(4 * time.Second); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
				for _, m := range p.Both() {
					if s := m.Standing(); s.State != "RECOVER" || s.Connected {
						t.Fatalf("%s: %+v", m.Host.Role, s)
					}
				}
			}
			if err := os.WriteFile(p.East.Config(), right, 0o644); err != nil {
				t.Fatal(err)
			}
			p.East.Reload()
			p.Normal(60 * time.Second)
		})
	}
}

// A member without a history adopts the group's configuration whole, whatever its own file says, which is an alarm with the
// keys, and is never applied by itself.
func TestAMemberAdoptsTheGroupsConfiguration(t *testing.T) {
	t.Parallel()
	for _, c := range differing {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := world.New(t)
			p := w.Pair(world.PairSetup{Alone: true, More: c.more, Pool: "10.1.16.0-10.1.23.255"})
			edit(t, p.East, c.old, c.new)
			p.West.Begin(true)
			p.Eventually(20*time.Second, "west founds the group", func() bool {
				_, code := p.West.Command("partner-down", "east", "--never-served")
				return code == 0
			})
			p.East.Begin(true)
			p.Normal(60 * time.Second)
			west, east := p.West.Status(), p.East.Status()
			if west.Config.Head != east.Config.Head || west.Config.Head == "" {
				t.Errorf("the heads are %q and %q", west.Config.Head, east.Config.Head)
			}
			told := ""
			for _, a := range east.Alarms {
				if a.Code == "config-file" {
					told = a.Text
				}
			}
			if !strings.Contains(told, c.says) {
				t.Errorf("east says of its file: %q", told)
			}
			p.East.Kill()
			p.East.Begin(true)
			p.Normal(20 * time.Second)
			if again := p.East.Status().Config.Head; again != east.Config.Head {
				t.Errorf("a restart made it %q of %q", again, east.Config.Head)
			}
		})
	}
}

// A change that one member's file brings by a reload is the other's too, at once, and no client notices: also one of what safety
// stands on.
func TestAReloadIsTheGroups(t *testing.T) {
	t.Parallel()
	seeded(t)
	w := world.New(t)
	p := w.Pair(world.PairSetup{Pool: "10.1.16.0-10.1.23.255"})
	host := w.Host("client")
	p.West.Segment.Attach(host, "eth0")
	c := host.Scripted("eth0", nil)
	addr := c.Acquire().Address()
	for i, change := range [][2]string{{"mclt: 30s", "mclt: 45s"}, {"10.1.16.0-10.1.23.255", "10.1.16.0-10.1.24.255"}, {"routers: [10.1.0.1]", "routers: [10.1.0.9]"}} {
		before := p.West.Status().Config.Head
		m := p.Both()[i%2]
		edit(t, p.West, change[0], change[1]) // in both, as an operator does who keeps his files alike
		edit(t, p.East, change[0], change[1])
		m.Reload()
		p.Eventually(2*time.Second, "one new head", func() bool {
			west, east := p.West.Status().Config.Head, p.East.Status().Config.Head
			return west == east && west != before
		})
		p.Normal(20 * time.Second)
		reboot := c.Ask(c.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(world.IP4(addr)))))
		if !reboot.Is(ack) || reboot.Address() != addr {
			t.Errorf("the client had %v and is told %v", addr, reboot)
		}
	}
}
