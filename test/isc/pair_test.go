package isc

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// The terms on which a cell runs, unless it says otherwise. The MCLT is what most waits come from.
const (
	mclt  = 12 * time.Second
	whole = time.Hour // the lease that clients are to get in the end
	guard = 2 * time.Second
	size  = 20
	first = 50 // the last octet of the pool's first address
)

// settle is how long the two may take to come to NORMAL and to agree, on a busy machine; it holds dhcpd's own waits: 15 s
// of startup, 5 s to connect again.
const settle = 60 * time.Second

// pair is Lessor at west and dhcpd at east, which share a pool.
type pair struct {
	*floor
	t       *testing.T
	primary bool // whether Lessor is
	lessor  *world.Lessor
	isc     *world.Dhcpd
	setup   world.DhcpdPeer
	born    clients
	ask     http.Client
	// before is how many messages between the servers were none of Lessor's concern.
	before int
	// withheld says that a server lost its database.
	withheld bool
	// expected are lines of dhcpd's log that this cell provokes, and that elsewhere would be wrong.
	expected []string
}

// document is Lessor's configuration.
func document(primary bool) string {
	first := "east"
	if primary {
		first = "west"
	}
	return fmt.Sprintf(`
group:
  name: %s
  members:
    west: {peer: %v}
    east: {peer: %v, protocol: isc-dhcpd}
  failover: {primary: %s, mclt: %v, split: 128, receive-timer: 4s, reconnect: 1s, startup: 2s, guard: %v, max-unacked: 10}
enterprise: {lease: {default: %v, min: 5s, max: %v}, authoritative: true, conflict-probe: 0s}
networks: {floor1: {subnets: {%v: {pools: [{range: %s}]}}}}
`, relationship, westPeer, eastPeer, first, mclt, guard, whole, whole, link, pool())
}

func pool() string { return fmt.Sprintf("%v-%v", nth(0), nth(size-1)) }

// nth is the n-th address of the pool.
func nth(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 1, 0, byte(first + n)}) }

func inPool(a netip.Addr) bool { return nth(0).Compare(a) <= 0 && a.Compare(nth(size-1)) <= 0 }

// newPair starts both servers, with nothing on either disk. They need not have met yet.
func newPair(t *testing.T, primary, calm bool) *pair {
	t.Helper()
	p := &pair{floor: newFloor(t), t: t, primary: primary}
	p.setup = dhcpdAt(!primary, eastPeer, westPeer)
	doc := document(primary)
	if calm {
		p.setup.Receive = world.Calm
		doc = strings.Replace(doc, "receive-timer: 4s", fmt.Sprintf("receive-timer: %v", world.Calm), 1)
	}
	p.isc = p.east.Peer("eth0", &p.setup)
	p.lessorBy(doc)
	p.did("both started")
	return p
}

// dhcpdAt is the set-up of a dhcpd.
func dhcpdAt(primary bool, own, partner netip.AddrPort) world.DhcpdPeer {
	return world.DhcpdPeer{Primary: primary, Relationship: relationship, Address: own, Partner: partner, MCLT: mclt, Split: 128,
		Receive: 5 * time.Second, Lease: whole, Link: link, Ranges: []string{pool()}}
}

// lessorAt starts Lessor at west.
func (p *pair) lessorAt() { p.t.Helper(); p.lessorBy(document(p.primary)) }

// lessorBy is lessorAt with another document.
func (p *pair) lessorBy(doc string) {
	p.t.Helper()
	p.lessor = p.west.Serve(world.Setup{Document: doc, Interfaces: []string{"eth0"}})
	p.ask.Transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", p.lessor.Socket())
		},
		DisableKeepAlives: true,
	}
	p.ask.Timeout = 5 * time.Second
}

// partnerStatus is what `lessor status` says of dhcpd.
type partnerStatus struct {
	Role, State, Cause string
	PartnerState       string `json:"partner_state"`
	MCLT               int
	Unacked            int
	Connected          bool
	Conflicts          []json.RawMessage
}

type poolStatus struct {
	Size, Active, Offered, Grace, Abandoned, Free float64
	PartnerFree                                   float64 `json:"partner_free"`
}

type status struct {
	Waiting  string
	Partners []partnerStatus
	Pools    []poolStatus
}

// get asks Lessor over its socket; false where it does not answer.
func (p *pair) get(path string, each func(*json.Decoder) error) bool {
	resp, err := p.ask.Get("http://lessor" + path)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && each(json.NewDecoder(bufio.NewReader(resp.Body))) == nil
}

// status is what Lessor says of itself; the zero value where it does not answer.
func (p *pair) status() (s status) {
	p.get("/api/v1/status", func(d *json.Decoder) error { return d.Decode(&s) })
	if len(s.Partners) == 0 {
		s.Partners = make([]partnerStatus, 1)
	}
	if len(s.Pools) == 0 {
		s.Pools = make([]poolStatus, 1)
	}
	return s
}

// rows are Lessor's bindings by address.
func (p *pair) rows() map[netip.Addr]world.Row {
	rows := map[netip.Addr]world.Row{}
	p.get("/api/v1/leases", func(d *json.Decoder) error {
		for d.More() {
			var r world.Row
			if err := d.Decode(&r); err != nil {
				return err
			}
			rows[r.Address] = r
		}
		return nil
	})
	return rows
}

// both waits until Lessor is in the one state and dhcpd in the other; "" is any. Lessor's are spelt as in RFCs, dhcpd's as
// in its file.
func (p *pair) both(lessor, isc string) {
	p.t.Helper()
	var mine, theirs string
	for deadline := time.Now().Add(settle); ; time.Sleep(200 * time.Millisecond) {
		mine = ""
		if lessor != "" {
			mine = p.status().Partners[0].State
		}
		_, db := p.isc.Database()
		theirs = db.Mine
		if (lessor == "" || strings.EqualFold(mine, lessor)) && (isc == "" || theirs == isc) {
			break
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("Lessor is in %s and dhcpd in %s; wanted are %s and %s", mine, theirs, lessor, isc)
		}
	}
	p.did("Lessor is in %s, dhcpd in %s", mine, theirs)
}

// normal waits until both are in NORMAL and each knows that of the other.
func (p *pair) normal() {
	p.t.Helper()
	p.both("NORMAL", "normal")
	p.eventually(settle, "each knows that the other is in NORMAL", func() bool {
		_, db := p.isc.Database()
		return db.Partner == "normal" && p.status().Partners[0].PartnerState == "NORMAL"
	})
}

// differences names what the two do not know alike. A lease that has just changed may be on its way.
func (p *pair) differences() (differ []string) {
	theirs, _ := p.isc.Database()
	mine, s := p.rows(), p.status().Pools[0]
	counts := map[string]float64{}
	for i := range size {
		a := nth(i)
		t, m := theirs[a], mine[a]
		if t.State == "" { // nobody ever used it, so it is not in the file: the primary's
			t.State = "free"
		}
		counts[t.State]++
		if t.State == "active" && time.Since(t.Ends) > 2*time.Second && m.State == "expired" {
			continue // dhcpd as the primary now and then looks at a lease's end only when something else happens in its pool
		}
		if (t.State == "active") != (m.State == "active") || t.State == "active" && t.Hardware != m.Hardware {
			differ = append(differ, fmt.Sprintf("%v is %s of %s at Lessor, %s of %s at dhcpd", a, m.State, m.Hardware, t.State, t.Hardware))
		}
		if (t.State == "abandoned") != (m.State == "abandoned") {
			differ = append(differ, fmt.Sprintf("%v is %s at Lessor, %s at dhcpd", a, m.State, t.State))
		}
	}
	own, others := counts["free"], counts["backup"]
	if !p.primary {
		own, others = others, own
	}
	// What is on offer is Lessor's own, and still free in dhcpd's file. What a server that lost its database may have promised
	// stays withheld here for as long as that promise may last; there it is free.
	missing, most := own-s.Free+others-s.PartnerFree, s.Offered
	if p.withheld {
		most += s.Grace
	}
	if missing > most || own < s.Free || others < s.PartnerFree {
		differ = append(differ, fmt.Sprintf("Lessor counts %v free of its own and %v of dhcpd's, and %v in grace, dhcpd's file has %v and %v", s.Free, s.PartnerFree, s.Grace, own, others))
	}
	return differ
}

// databases tells what the two have of each address.
func (p *pair) databases() string {
	theirs, _ := p.isc.Database()
	mine := p.rows()
	var all []string
	for i := range size {
		t, m := theirs[nth(i)], mine[nth(i)]
		all = append(all, fmt.Sprintf("%v Lessor: %s %s until %v; dhcpd: %s %s until %v", nth(i), m.State, m.Hardware,
			m.Expires.Format(time.TimeOnly), t.State, t.Hardware, t.Ends.Format(time.TimeOnly)))
	}
	for i := range size { // what the command line says of those that are neither free nor leased
		if m := mine[nth(i)]; m.State != "" && m.State != "free" && m.State != "active" {
			out, _ := p.lessor.Command("lease", nth(i).String(), "--json")
			all = append(all, out)
		}
	}
	return lines(all)
}

// agree waits until both know the same of every address.
func (p *pair) agree() {
	p.t.Helper()
	var differ []string
	for deadline := time.Now().Add(settle); ; time.Sleep(250 * time.Millisecond) {
		if differ = p.differences(); len(differ) == 0 {
			p.did("both know the same")
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("they do not agree:\n%s\n%s", lines(differ), p.databases())
		}
	}
}

// mine and theirs are new clients whose hash gives them to Lessor, or to dhcpd.
func (p *pair) mine() *world.Scripted   { return p.people.Scripted("eth0", p.born.of(p.primary)) }
func (p *pair) theirs() *world.Scripted { return p.people.Scripted("eth0", p.born.of(!p.primary)) }

// server is the address by which a server signs.
func server(ack world.Packet) netip.Addr {
	a, _ := netip.AddrFromSlice(ack.Message.ServerIdentifier().To4())
	return a
}

// acquire has a client get an address, and fails the test if it is not from that server.
func (p *pair) acquire(c *world.Scripted, from netip.Addr, more ...dhcpv4.Modifier) world.Packet {
	p.t.Helper()
	ack := acquire(p.t, c, more...)
	p.did("%v was given %v for %v by %v", c.MAC, ack.Address(), ack.Message.IPAddressLeaseTime(0), server(ack))
	if server(ack) != from {
		p.t.Errorf("%v was served by %v, not by %v", c.MAC, server(ack), from)
	}
	return ack
}

// acquire goes through DISCOVER, OFFER, REQUEST and ACK.
func acquire(t testing.TB, c *world.Scripted, more ...dhcpv4.Modifier) world.Packet {
	t.Helper()
	offer := hears(t, c, c.Message(dhcpv4.MessageTypeDiscover, more...), dhcpv4.MessageTypeOffer)
	return hears(t, c, c.Select(offer, more...), dhcpv4.MessageTypeAck)
}

// hears sends a message, again each second, until an answer of that type comes. On a busy machine an offer may still come when
// the client has chosen another one, in the same transaction.
func hears(t testing.TB, c *world.Scripted, m *dhcpv4.DHCPv4, want dhcpv4.MessageType) world.Packet {
	t.Helper()
	for range 20 {
		c.Send(m)
		for until := time.Now().Add(time.Second); time.Now().Before(until); {
			answer, ok := c.Hear(m, time.Until(until))
			if ok && answer.Is(want) {
				return answer
			}
			if ok && answer.Is(dhcpv4.MessageTypeNak) {
				t.Fatalf("%v of %v was answered with %v", m.MessageType(), c.MAC, answer)
			}
		}
	}
	t.Fatalf("no %v to the %v of %v", want, m.MessageType(), c.MAC)
	return world.Packet{}
}

// acquireAny is acquire from whoever answers, in the haste of a client that asks until it is answered.
func (p *pair) acquireAny(c *world.Scripted) world.Packet {
	p.t.Helper()
	for deadline := time.Now().Add(settle); time.Now().Before(deadline); {
		m := c.Message(dhcpv4.MessageTypeDiscover)
		for range 4 {
			c.Send(m)
			offer, ok := c.Hear(m, time.Second)
			if !ok || !offer.Is(dhcpv4.MessageTypeOffer) {
				continue
			}
			ack := hears(p.t, c, c.Select(offer), dhcpv4.MessageTypeAck)
			p.did("%v was given %v for %v by %v", c.MAC, ack.Address(), ack.Message.IPAddressLeaseTime(0), server(ack))
			return ack
		}
	}
	p.t.Fatalf("%v got no address", c.MAC)
	return world.Packet{}
}

// renewing is the REQUEST of a client in RENEWING or REBINDING.
func renewing(c *world.Scripted, a netip.Addr) *dhcpv4.DHCPv4 {
	return c.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(world.IP4(a)))
}

// unicast sends a message from the client's address to one server.
func (p *pair) unicast(c *world.Scripted, from netip.Addr, to netip.Addr, m *dhcpv4.DHCPv4) {
	host := p.west
	if to == eastLan {
		host = p.east
	}
	c.SendFrame(world.Frame(c.MAC, host.Hardware("eth0"), netip.AddrPortFrom(from, 68), netip.AddrPortFrom(to, 67), m.ToBytes()))
}

// reachable tells both servers which hardware address the client of an address has: it answers no ARP, and dhcpd unicasts
// through the kernel.
func (p *pair) reachable(c *world.Scripted, a netip.Addr) {
	p.t.Helper()
	for _, h := range []*world.Namespace{p.west, p.east} {
		h.IP("neigh", "replace", a.String(), "lladdr", c.MAC.String(), "dev", "eth0", "nud", "permanent")
	}
}

// renewAt renews by unicast at one server, and fails the test unless the address is kept. It returns the ACK.
func (p *pair) renewAt(c *world.Scripted, a, at netip.Addr) world.Packet {
	p.t.Helper()
	p.reachable(c, a)
	for range 20 {
		m := renewing(c, a)
		p.unicast(c, a, at, m)
		// A bridge that has not learnt where a server is floods, and dhcpd listens to all frames: both may answer.
		for until := time.Now().Add(time.Second); time.Now().Before(until); {
			if ack, ok := c.Hear(m, time.Until(until)); ok && server(ack) == at {
				return p.kept(c, ack, a, at)
			}
		}
	}
	p.t.Fatalf("%v got no answer to its renewal of %v at %v", c.MAC, a, at)
	return world.Packet{}
}

// rebind asks everybody, as in REBINDING, and fails the test unless the address is kept.
func (p *pair) rebind(c *world.Scripted, a, by netip.Addr) world.Packet {
	p.t.Helper()
	p.reachable(c, a)
	return p.kept(c, hears(p.t, c, renewing(c, a), dhcpv4.MessageTypeAck), a, by)
}

func (p *pair) kept(c *world.Scripted, ack world.Packet, a, by netip.Addr) world.Packet {
	p.t.Helper()
	p.did("%v renewed %v: %v for %v by %v", c.MAC, a, ack.Message.MessageType(), ack.Message.IPAddressLeaseTime(0), server(ack))
	if !ack.Is(dhcpv4.MessageTypeAck) || ack.Address() != a || by.IsValid() && server(ack) != by {
		p.t.Fatalf("%v renewed %v at %v and heard %v", c.MAC, a, by, ack)
	}
	return ack
}

// release gives an address back to the server that the client had it from.
func (p *pair) release(c *world.Scripted, ack world.Packet) {
	p.did("%v releases %v", c.MAC, ack.Address())
	m := c.Message(dhcpv4.MessageTypeRelease, dhcpv4.WithClientIP(world.IP4(ack.Address())),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(ack.Message.ServerIdentifier())))
	p.unicast(c, ack.Address(), server(ack), m)
}

// decline says that somebody else has the address.
func (p *pair) decline(c *world.Scripted, ack world.Packet) {
	p.did("%v declines %v", c.MAC, ack.Address())
	c.Send(c.Message(dhcpv4.MessageTypeDecline, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(world.IP4(ack.Address()))),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(ack.Message.ServerIdentifier()))))
}

// known waits until both servers have a lease for the client of an ACK, to an end that is no earlier than the client's.
func (p *pair) known(c *world.Scripted, ack world.Packet) {
	p.t.Helper()
	p.knownTo(c, ack, true, true)
}

func (p *pair) knownTo(c *world.Scripted, ack world.Packet, lessor, isc bool) {
	p.t.Helper()
	a := ack.Address()
	// The ACK was seen a moment after it was decided on, and dhcpd's file is in whole seconds.
	ends := ack.At.Add(ack.Message.IPAddressLeaseTime(0)).Add(-2 * time.Second)
	var m world.Row
	var t world.DhcpdLease
	for deadline := time.Now().Add(settle); ; time.Sleep(200 * time.Millisecond) {
		m = p.rows()[a]
		db, _ := p.isc.Database()
		t = db[a]
		here := m.State == "active" && m.Hardware == c.MAC.String() && !m.Expires.Before(ends)
		there := t.State == "active" && t.Hardware == c.MAC.String() && !t.Ends.Before(ends)
		if (here || !lessor) && (there || !isc) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%v has %v until %v; Lessor has it as %s of %s until %v, dhcpd as %s of %s until %v",
				c.MAC, a, ends, m.State, m.Hardware, m.Expires, t.State, t.Hardware, t.Ends)
		}
	}
}

// ends waits until a server has an address in a state.
func (p *pair) ends(a netip.Addr, lessor []string, isc []string) {
	p.t.Helper()
	var m, t string
	for deadline := time.Now().Add(settle); ; time.Sleep(200 * time.Millisecond) {
		m = p.rows()[a].State
		db, _ := p.isc.Database()
		t = db[a].State
		if slices.Contains(lessor, m) && slices.Contains(isc, t) {
			p.did("%v is %s at Lessor, %s at dhcpd", a, m, t)
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%v is %s at Lessor and %s at dhcpd; wanted are %v and %v", a, m, t, lessor, isc)
		}
	}
}

// command runs Lessor's command line, which must succeed.
func (p *pair) command(args ...string) string {
	p.t.Helper()
	out, code := p.lessor.Command(args...)
	p.did("lessor %s: %d", strings.Join(args, " "), code)
	if code != 0 {
		p.t.Fatalf("lessor %s: exit code %d: %s", strings.Join(args, " "), code, out)
	}
	return out
}

// amiss are words of dhcpd's log that say that something went wrong between the two.
var amiss = []string{
	"Impossible", "exiting", "invalid state transition", "peer holds all", "shutdown", "panic", "message overflow", "overrun",
	"option size", "duplicate option", "unknown failover", "missing", "invalid", "illegal", "Lease conflict",
	"protocol error", "failed to",
}

// finish says what must hold after every cell: dhcpd runs, and heard nothing that it does not bear; every octet of ours is
// in order, also for another reader; and no address was held by two.
func (p *pair) finish() {
	p.t.Helper()
	if p.isc.Ended() {
		p.t.Error("dhcpd does not run any more")
	}
	if p.lessor.Ended() {
		p.t.Error("Lessor does not run any more")
	}
	for line := range strings.Lines(p.isc.Logs()) {
		for _, word := range amiss {
			if strings.Contains(line, word) && !slices.ContainsFunc(p.expected, func(e string) bool { return strings.Contains(line, e) }) {
				p.t.Errorf("dhcpd says: %s", line)
				break
			}
		}
	}
	check := checklist{us: westPeer.Addr(), primary: p.primary, pool: inPool}
	for _, wrong := range check.check(p.tap.messages()[p.before:], time.Now()) {
		p.t.Error(wrong)
	}
	for _, wrong := range ledger(p.wire.Packets()) {
		p.t.Error(wrong)
	}
	p.decoded()
}

// decoded has tshark read all that went between the two.
func (f *floor) decoded() {
	f.T().Helper()
	file := f.Path("failover.pcap")
	f.tap.write(f.T(), file)
	out, err := exec.Command("tshark", "-r", file, "-d", "tcp.port==647,dhcpfo", "-Y", "dhcpfo && ip.src=="+westPeer.Addr().String(),
		"-T", "fields", "-e", "frame.number", "-e", "_ws.malformed", "-e", "_ws.expert.message", "-e", "_ws.col.Info").Output()
	if err != nil {
		f.T().Fatalf("tshark: %v", err)
	}
	read := 0
	for line := range strings.Lines(string(out)) {
		read++
		if strings.Contains(strings.ToLower(line), "malformed") || strings.Contains(line, "bytes long") {
			f.T().Errorf("tshark cannot read: %s", line)
		}
	}
	if read < 4 {
		f.T().Errorf("tshark found %d frames with messages of ours", read)
	}
}
