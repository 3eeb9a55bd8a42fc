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

// Two servers that differ in what safety stands on never serve together. Both say what differs, by the names that it has in their
// files; when it is made the same they go on.
func TestServersThatDifferDoNotServeTogether(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		old, new string // in east's file
		more     string // in both
		says     string // in the words of both
	}{
		{"mclt", "mclt: 30s", "mclt: 45s", "", "mclt"},
		{"a longer range", "10.1.16.0-10.1.23.255", "10.1.16.0-10.1.24.255", "", "10.1.0.0/16"},
		{"a shorter range", "10.1.16.0-10.1.23.255", "10.1.17.0-10.1.23.255", "", "10.1.0.0/16"},
		{"another range", "range: 10.1.16.0-10.1.23.255}", "range: 10.1.16.0-10.1.23.255}, {range: 10.1.40.0-10.1.40.9}", "", "10.1.0.0/16"},
		{"the name of the relationship", "mclt: 30s", "mclt: 30s, relationship: other", "", "relationship"},
		{"who is the primary", "mclt: 30s", "mclt: 30s, primary: east", "", "primary"},
		{"a reservation", reservation, "", reservation, "printer"},
		{"whose an address is", "02:00:00:00:0a:01", "02:00:00:00:0a:02", reservation, "printer"},
	} {
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
				p.Eventually(20*time.Second, m.Host.Role+" answers", func() bool { _, err := m.Relation(); return err == nil })
			}
			for _, m := range p.Both() {
				var s world.Standing
				p.Eventually(20*time.Second, m.Host.Role+" says what differs: "+c.says, func() bool {
					s = m.Standing()
					return strings.Contains(s.Trouble, c.says) && s.Count("disagrees")+s.Count("refused-by-partner") > 0
				})
				t.Logf("%s: %s", m.Host.Role, s.Trouble)
			}
			// Nor ever: the two try again and again.
			for until := time.Now().Add(4 * time.Second); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
				for _, m := range p.Both() {
					if s := m.Standing(); s.State == "NORMAL" || s.PartnerState == "NORMAL" {
						t.Fatalf("%s: %+v", m.Host.Role, s)
					}
				}
			}
			p.East.Kill()
			if err := os.WriteFile(p.East.Config(), right, 0o644); err != nil {
				t.Fatal(err)
			}
			p.East.Begin(true)
			p.Normal(60 * time.Second)
		})
	}
}

// A pair that serves, and of which one gets another MCLT or range by a reload: the two stop serving together, both say why, known
// clients are answered on both sides, and when the other one is reloaded too they go on.
func TestAReloadThatDiffers(t *testing.T) {
	t.Parallel()
	seeded(t)
	w := world.New(t)
	p := w.Pair(world.PairSetup{Pool: "10.1.16.0-10.1.23.255"})
	host := w.Host("client")
	p.West.Segment.Attach(host, "eth0")
	c := host.Scripted("eth0", nil)
	addr := c.Acquire().Address()
	for _, change := range [][2]string{{"mclt: 30s", "mclt: 45s"}, {"10.1.16.0-10.1.23.255", "10.1.16.0-10.1.24.255"}} {
		edit(t, p.East, change[0], change[1])
		p.East.Reload()
		for _, m := range p.Both() {
			s := m.Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
			p.Eventually(10*time.Second, m.Host.Role+" says why", func() bool { s, _ = m.Relation(); return s.Trouble != "" })
			t.Logf("%s: %s", m.Host.Role, s.Trouble)
		}
		reboot := c.Ask(c.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(world.IP4(addr)))))
		if !reboot.Is(ack) || reboot.Address() != addr {
			t.Errorf("the client had %v and is told %v", addr, reboot)
		}
		edit(t, p.West, change[0], change[1])
		p.West.Reload()
		p.Normal(30 * time.Second)
	}
}

// Where nothing of safety differs the two serve together, and both name what does.
func TestOtherDifferencesAreAWarning(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	p := w.Pair(world.PairSetup{Alone: true})
	edit(t, p.East, "routers: [10.1.0.1]", "routers: [10.1.0.9]")
	p.West.Begin(true)
	p.East.Begin(true)
	p.Normal(20 * time.Second)
	for _, m := range p.Both() {
		var s world.Standing
		p.Eventually(5*time.Second, m.Host.Role+" says what differs", func() bool { s = m.Standing(); return len(s.Differs) > 0 })
		t.Logf("%s: %s", m.Host.Role, s.Differs)
		if d := strings.Join(s.Differs, "\n"); !strings.Contains(d, "networks.plant.subnets.10.1.0.0/16.options.routers (") || len(s.Differs) != 1 {
			t.Errorf("%s: the difference is named %q", m.Host.Role, s.Differs)
		}
		found := false
		for _, a := range m.Status().Alarms {
			found = found || a.Code == "config-differs"
		}
		if !found {
			t.Errorf("%s raises no alarm: %+v", m.Host.Role, m.Status().Alarms)
		}
	}
}
