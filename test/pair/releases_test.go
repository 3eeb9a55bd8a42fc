package pair

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// theLaterWord is what only the newer of two releases can read: an option's definition of that name.
const theLaterWord = "acme-later"

// newReleases is a pair of which west is a release newer than east.
func newReleases(t *testing.T) (c *council, newer string) {
	w := world.New(t)
	newer = w.Build("newer", "-X github.com/lessor-dhcp/lessor/internal/config/version.later="+theLaterWord)
	c = &council{office: &office{t: t}}
	c.Pair = w.Pair(world.PairSetup{MCLT: 20 * time.Second, Guard: 2 * time.Second, Lease: time.Minute, Alone: true})
	c.West.Program = newer
	for _, m := range c.Both() {
		m.Begin(true)
	}
	c.Normal(30 * time.Second)
	return c, newer
}

// two are two members of which one's release cannot read the other's latest version.
type two struct {
	*council
	old string // the version that both can read
}

// A version is made that one member's release cannot read. While the two are connected nobody serves by it, and the operator is told which
// member needs another release. Made while they are apart it is a branch: either serves by its own, the older one tells what clients were told,
// and says which release it needs. When it has that, the two are one again.
func TestAVersionThatOneReleaseCannotRead(t *testing.T) {
	t.Parallel()
	c, newer := newReleases(t)
	x := &two{council: c, old: c.agree(10 * time.Second)}
	x.linked()
	first := x.client(x.West)
	address := first.Acquire().Message.YourIPAddr
	x.branch(first, address)
	x.upgrade(newer, first, address)
}

// linked: no member serves by it.
func (x *two) linked() {
	x.t.Helper()
	paper := x.draft(x.West, "enterprise:", "option-definitions: {"+theLaterWord+": {code: 225, type: string}}\nenterprise:", theRouter, router(9))
	x.says(x.West, []string{"east", "format"}, "config", "apply", paper, "--yes")
	for _, m := range x.Both() {
		x.Eventually(5*time.Second, m.Host.Role+" says what cannot be read", func() bool {
			out, _ := m.Command("status")
			return strings.Contains(out, "the release on east cannot read the latest version") && strings.Contains(out, "format 2")
		})
		if s := x.standing(m); s.Head != x.old {
			x.t.Errorf("%s serves by %s, which east cannot read", m.Host.Role, s.Head)
		}
	}
	if got := x.client(x.East).Acquire().Message.Router(); len(got) != 1 || !got[0].Equal(net.IPv4(10, 1, 0, 1)) {
		x.t.Errorf("a client was told the routers %v", got)
	}
	x.says(x.West, []string{"served by from now on"}, "config", "rollback", x.old[:8], "--yes")
	x.old = x.agree(5 * time.Second)
}

// branch: made while they are apart, it is served by where it was made, and its clients are told the same by the other one.
func (x *two) branch(client *world.Scripted, address net.IP) {
	x.t.Helper()
	x.Link.Cut()
	for _, m := range x.Both() {
		m.Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
	}
	paper := x.draft(x.West, "enterprise:", "option-definitions: {"+theLaterWord+": {code: 225, type: string}}\nenterprise:", theRouter, router(31))
	x.says(x.West, []string{"served by from now on"}, "config", "apply", paper, "--yes")
	x.says(x.East, []string{"served by from now on"}, "config", "apply", x.draft(x.East, "max: 24h", "max: 23h"), "--yes")
	x.told(client, address, x.West, 31)
	x.Link.Heal()
	x.Normal(30 * time.Second)
	x.told(client, address, x.East, 31) // what west told it, which east's own version does not say
	for _, m := range x.Both() {
		x.Eventually(5*time.Second, m.Host.Role+" says which release is needed", func() bool {
			status, _ := m.Command("status")
			return strings.Contains(status, "the release on east cannot read the latest version") && strings.Contains(status, "format 2")
		})
	}
	if out, _ := x.East.Command("drift"); !strings.Contains(out, "format is 2") {
		x.t.Errorf("drift at east does not say which release is needed: %s", out)
	}
	if out, _ := x.West.Command("drift"); !strings.Contains(out, "format 2") {
		x.t.Errorf("drift at west does not say which release is needed: %s", out)
	}
	w, e := x.standing(x.West), x.standing(x.East)
	if w.Head == e.Head || e.Conflict != nil {
		x.t.Errorf("west %+v, east %+v", w, e)
	}
	for i, m := range x.Both() { // neither stops serving
		got := x.client(m).Acquire().Message
		if want := []string{"10.1.0.1", "10.1.0.2"}; got.ServerIPAddr == nil || !strings.Contains(strings.Join(want, " "), got.ServerIdentifier().String()) {
			x.t.Errorf("client %d is answered by %v", i, got.ServerIdentifier())
		}
	}
}

// told has a client that starts again ask for its address, and looks at the router that one server says.
func (x *two) told(client *world.Scripted, address net.IP, by *world.Member, n byte) {
	x.t.Helper()
	for range 5 {
		m := client.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(address)))
		client.Send(m)
		for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); {
			p, ok := client.Hear(m, time.Until(deadline))
			if !ok || !p.Message.ServerIdentifier().Equal(by.Address.AsSlice()) {
				continue
			}
			if r := p.Message.Router(); !p.Is(dhcpv4.MessageTypeAck) || len(r) != 1 || !r[0].Equal(net.IPv4(10, 1, 0, n)) {
				x.t.Fatalf("%s tells %v", by.Host.Role, p.Message.Summary())
			}
			return
		}
	}
	x.t.Fatalf("%s does not answer a client that it knows", by.Host.Role)
}

// upgrade: the older member gets the newer release, and the two branches are merged.
func (x *two) upgrade(newer string, client *world.Scripted, address net.IP) {
	x.t.Helper()
	x.East.Stop(10 * time.Second)
	x.East.Program = newer
	x.East.Begin(false)
	x.Normal(30 * time.Second)
	x.agree(10 * time.Second)
	text, _ := x.East.Command("config", "show")
	for _, want := range []string{theLaterWord, "10.1.0.31", "23h"} {
		if !strings.Contains(text, want) {
			x.t.Errorf("the merge does not say %s:\n%s", want, text)
		}
	}
	x.told(client, address, x.East, 31)
	for _, m := range x.Both() {
		out, _ := m.Command("status", "--json")
		var s struct{ Alarms []struct{ Code string } }
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			x.t.Fatal(err)
		}
		for _, a := range s.Alarms {
			if strings.HasPrefix(a.Code, "config-newer") {
				x.t.Errorf("%s still says that a release is needed", m.Host.Role)
			}
		}
	}
}
