package isc

import (
	"encoding/json"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// A pair of dhcpd becomes a pair of Lessors, one machine after the other, as docs/isc-partner.md says. Clients are served all the
// time, and every lease stays.
func TestAPairOfDhcpdBecomesAPairOfLessors(t *testing.T) {
	t.Parallel()
	for name, primary := range map[string]bool{"the secondary first": false, "the primary first": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			migrate(t, primary)
		})
	}
}

// migrate replaces west first, which is the primary or the secondary.
func migrate(t *testing.T, primary bool) {
	p := &pair{floor: newFloor(t), t: t, primary: primary, withheld: true}
	p.setup = dhcpdAt(!primary, eastPeer, westPeer)
	there := dhcpdAt(primary, westPeer, eastPeer)
	p.isc = p.east.Peer("eth0", &p.setup)
	old := p.west.Peer("eth0", &there)
	p.eventually(settle, "the two dhcpds are in normal", func() bool {
		_, a := old.Database()
		_, b := p.isc.Database()
		return a.Mine == "normal" && b.Mine == "normal" && a.Partner == "normal" && b.Partner == "normal"
	})
	all := residentsAt(p)

	// The first machine.
	old.Stop(10 * time.Second)
	dhcpd{}.is(p, interrupted)
	for i, r := range all {
		all[i].ack = p.rebind(r.c, r.address(), eastLan)
	}
	p.before = len(p.tap.messages())
	p.lessorAt()
	p.normal()
	for _, r := range all {
		p.known(r.c, r.ack)
	}
	p.known(all[0].c, p.renewAt(all[0].c, all[0].address(), westLan))
	p.agree()
	p.finish()

	// The second.
	p.isc.Stop(10 * time.Second)
	lessor{}.is(p, interrupted)
	for i, r := range all {
		all[i].ack = p.rebind(r.c, r.address(), westLan)
	}
	east := p.second()
	p.eventually(settle, "two Lessors are in NORMAL", func() bool {
		s := p.status().Partners[0]
		return strings.EqualFold(s.State, "NORMAL") && strings.EqualFold(s.PartnerState, "NORMAL")
	})
	p.did("two Lessors are in NORMAL")
	for i, r := range all {
		east.HasActive(r.address(), r.c.MAC)
		at := []netip.Addr{eastLan, westLan}[i%2]
		p.renewAt(r.c, r.address(), at)
	}
	for _, wrong := range ledger(p.wire.Packets()) {
		t.Error(wrong)
	}
}

// second makes east a Lessor, whose keys it gets from west.
func (p *pair) second() *world.Lessor {
	p.t.Helper()
	doc := strings.Replace(document(p.primary), ", protocol: isc-dhcpd", "", 1)
	p.lessor.Configure(world.Setup{Document: doc, Interfaces: []string{"eth0"}})
	out, err := exec.Command(world.Binary, "group", "init", "--keys-only", "--json", "--config", p.lessor.Config()).Output()
	var made struct {
		Tokens []struct{ Member, Token string }
	}
	if jsonErr := json.Unmarshal(out, &made); err != nil || jsonErr != nil || len(made.Tokens) != 1 {
		p.t.Fatalf("group init --keys-only: %v: %v: %s", err, jsonErr, out)
	}
	p.lessor.Stop(15 * time.Second)
	p.lessor.Begin(true)
	east := p.east.Serve(world.Setup{Document: doc, Interfaces: []string{"eth0"}, Quiet: true}) // ends, since it has no keys yet
	east.Wait(10 * time.Second)
	token := p.Write("token", made.Tokens[0].Token+"\n")
	p.eventually(20*time.Second, "east joins", func() bool {
		out, err := p.east.Try(world.Binary, "group", "join", "--token-file", token, "--config", east.Config())
		p.did("group join: %v %s", err, strings.TrimSpace(out))
		return err == nil
	})
	east.Begin(true)
	return east
}

// residentsAt are one client of either server's, before there is a Lessor that could be asked.
func residentsAt(p *pair) []resident {
	p.t.Helper()
	var all []resident
	for _, at := range []netip.Addr{westLan, eastLan} {
		c := p.people.Scripted("eth0", p.born.of((at == westLan) == p.primary))
		ack := p.acquire(c, at)
		p.eventually(20*time.Second, "the next lease is whole", func() bool {
			ack = p.renewAt(c, ack.Address(), at)
			return ack.Message.IPAddressLeaseTime(0) > whole-time.Minute
		})
		all = append(all, resident{c, ack})
	}
	return all
}
