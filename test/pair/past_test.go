package pair

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// archive is a pair whose past is asked for.
type archive struct{ *council }

func newArchive(t *testing.T, s world.PairSetup) *archive {
	t.Helper()
	x := &archive{&council{office: &office{t: t}}}
	if s.MCLT == 0 {
		s.MCLT, s.Guard, s.Lease = 10*time.Second, time.Second, time.Minute
	}
	x.Pair = world.New(t).Pair(s)
	return x
}

// What a server's API says, as far as these tests look.
type (
	leaseHistory struct {
		Changes []leaseChange
		Gaps    []struct{ From, To, Why string }
	}
	leaseChange struct {
		Happened, By, Client string
		Operator             bool
	}
	timeLine struct {
		Transitions []struct {
			Time          time.Time
			Member, State string
		}
	}
	subnetMap struct {
		Addresses []addressCell
		Counts    map[string]int
	}
	addressCell struct{ Address, State, Owner, Hardware, Hostname, Host string }
	stated      struct{ State string }
	hostRow     struct{ Address string }
)

// request asks a server's API over its socket.
func request(m *world.Member, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://lessor/api/v1/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", m.Socket())
	}
	c := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s", resp.Status, said)
	}
	if err == nil && into != nil {
		err = json.Unmarshal(said, into)
	}
	return err
}

// ask asks a server until what it says holds.
func ask[T any](x *archive, m *world.Member, path string, holds func(T) bool) (said T) {
	x.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var now T
		err := request(m, http.MethodGet, path, nil, &now)
		if err == nil && holds(now) {
			return now
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("on %s: %s: %+v, %v", m.Host.Role, path, now, err)
		}
	}
}

func (x *archive) history(m *world.Member, a netip.Addr, holds func(leaseHistory) bool) leaseHistory {
	x.t.Helper()
	return ask(x, m, "leases/"+a.String()+"/history?limit=1000", holds)
}

// is waits until the binding of an address is in one of these states.
func (x *archive) is(m *world.Member, a netip.Addr, states ...string) {
	x.t.Helper()
	ask(x, m, "leases/"+a.String(), func(s stated) bool { return slices.Contains(states, s.State) })
}

// happened are the changes as words, the earliest first.
func happened(h leaseHistory) string {
	var words []string
	for _, c := range slices.Backward(h.Changes) {
		words = append(words, c.Happened)
	}
	return strings.Join(words, " ")
}

// takenBack has a client send its RELEASE.
func takenBack(c *world.Scripted, ack world.Packet) {
	c.Send(c.Message(dhcpv4.MessageTypeRelease, dhcpv4.WithClientIP(ack.Message.YourIPAddr),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(ack.Message.ServerIdentifier()))))
}

// renew asks a server for more time, as a client does that has an address.
func renew(c *world.Scripted, ack world.Packet) world.Packet {
	return c.Ask(c.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(ack.Message.YourIPAddr)))
}

// What an operator gives up on one server in a client's place, the other one knows, both tell who had it done, and the address comes back to
// be given to somebody else. It stays so over a restart.
func TestAnAddressThatIsGivenUpOnOneServerComesBackOnBoth(t *testing.T) {
	t.Parallel()
	x := newArchive(t, world.PairSetup{Pool: "10.1.16.0-10.1.16.1"})
	gone := x.client(x.West)
	ack := gone.Acquire()
	a := ack.Address()
	for _, m := range x.Both() {
		x.is(m, a, "active")
	}
	if err := request(x.East, http.MethodPost, "leases/"+a.String()+"/release", map[string]string{"reason": "the laptop was sold"}, nil); err != nil {
		t.Fatal(err)
	}
	for _, m := range x.Both() {
		x.is(m, a, "released", "free")
	}
	h := x.history(x.East, a, func(h leaseHistory) bool { return strings.Contains(happened(h), "released") })
	if i := slices.IndexFunc(h.Changes, func(c leaseChange) bool { return c.Happened == "released" }); !h.Changes[i].Operator || h.Changes[i].By != "east" {
		t.Errorf("it was done by %+v", h.Changes[i])
	}
	h = x.history(x.West, a, func(h leaseHistory) bool {
		return slices.ContainsFunc(h.Changes, func(c leaseChange) bool { return c.By == "east" })
	})
	if len(h.Gaps) > 0 || !strings.HasPrefix(happened(h), "granted ") && !strings.Contains(happened(h), "told-by-partner") {
		t.Errorf("west says %s, %+v", happened(h), h.Gaps)
	}

	next := x.client(x.West) // the other address of the pool is east's
	var again world.Packet
	x.Eventually(20*time.Second, "somebody else is given the address", func() bool {
		offer := next.Message(dhcpv4.MessageTypeDiscover)
		next.Send(offer)
		p, ok := next.Hear(offer, time.Second)
		if !ok || p.Address() != a {
			return false
		}
		request := next.Select(p)
		next.Send(request)
		again, ok = next.Hear(request, 2*time.Second)
		return ok && again.Is(dhcpv4.MessageTypeAck)
	})
	if owners := distinct(x.history(x.West, a, func(h leaseHistory) bool { return len(distinct(h)) == 2 })); len(owners) != 2 {
		t.Errorf("owners %v", owners)
	}
	x.West.Stop(10 * time.Second)
	x.West.Begin(false)
	again2 := x.history(x.West, a, func(h leaseHistory) bool { return len(distinct(h)) == 2 })
	if len(again2.Gaps) > 0 {
		t.Errorf("stopped and begun anew west says %+v", again2.Gaps)
	}
}

// distinct are the clients that had an address.
func distinct(h leaseHistory) (all []string) {
	for _, c := range h.Changes {
		if c.Client != "" && !slices.Contains(all, c.Client) {
			all = append(all, c.Client)
		}
	}
	return all
}

// What one server gave a client and the other renewed when that one was dead, the survivor tells whole, and so does the dead one, once it is back
// and was told: with the gap in which it was dead.
func TestWhatBecameOfALeaseIsToldByBothAfterATakeover(t *testing.T) {
	t.Parallel()
	x := newArchive(t, world.PairSetup{})
	c := x.client(x.West)
	x.takes(c, x.West)
	ack := c.Ask(c.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(x.onlyLease(x.West).AsSlice()))))
	a := ack.Address()
	x.is(x.East, a, "active")
	before := x.history(x.West, a, func(h leaseHistory) bool { return len(h.Changes) > 0 })
	time.Sleep(time.Second) // what happens in one second is written in one
	x.West.Pull()
	x.East.Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
	if p := renew(c, ack); p.Address() != a {
		t.Fatalf("east gives %v", p.Address())
	}
	x.history(x.East, a, func(h leaseHistory) bool {
		return len(h.Changes) > 0 && h.Changes[0].By == "east" && h.Changes[0].Happened == "renewed" &&
			slices.ContainsFunc(h.Changes, func(c leaseChange) bool { return c.By == "west" })
	})
	x.West.Rejoin()
	x.West.Begin(false)
	x.Normal(30 * time.Second)
	after := x.history(x.West, a, func(h leaseHistory) bool { return len(h.Changes) > 0 && h.Changes[0].By == "east" })
	if len(after.Changes) <= len(before.Changes) || len(after.Gaps) != 1 {
		t.Errorf("west knew %d changes before it was killed, and knows %d now, with the gaps %+v", len(before.Changes), len(after.Changes), after.Gaps)
	}
	if out, code := x.West.Command("history", a.String()); code != 0 || !strings.Contains(out, "granted") || !strings.Contains(strings.Join(strings.Fields(out), " "), "ended here without notice") {
		t.Errorf("%d: %s", code, out)
	}
}

// onlyLease is the address of the one lease that a server has.
func (x *archive) onlyLease(m *world.Member) (a netip.Addr) {
	x.t.Helper()
	x.Eventually(10*time.Second, "there is a lease", func() bool {
		rows := m.Leases()
		if len(rows) == 1 {
			a = rows[0].Address
		}
		return len(rows) == 1
	})
	return a
}

// Both servers draw the same map, once they have told each other all.
func TestBothServersDrawTheSameMap(t *testing.T) {
	t.Parallel()
	x := newArchive(t, world.PairSetup{MCLT: time.Minute, Lease: 2 * time.Minute, Pool: "10.1.16.0-10.1.16.127", More: "hosts: {printer: {hardware: 02:00:00:5e:00:63, address: 10.1.16.200}}"})
	for i := range 6 {
		c := x.client(x.Both()[i%2])
		ack := c.Acquire(dhcpv4.WithOption(dhcpv4.OptHostName(fmt.Sprintf("desk-%d\x1b[2J<b>", i))))
		if i == 3 {
			takenBack(c, ack)
		}
	}
	var drawing [2]subnetMap
	drawn := func() (differ string) {
		for i, m := range x.Both() {
			drawing[i] = ask(x, m, "map?prefix=10.1.16.0/24", func(m subnetMap) bool { return len(m.Addresses) == 256 })
		}
		for i, w := range drawing[0].Addresses {
			e := drawing[1].Addresses[i]
			if w != e {
				return fmt.Sprintf("%+v\n%+v", w, e)
			}
		}
		return ""
	}
	differ := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if differ = drawn(); differ == "" && mirrored(drawing[0].Counts, drawing[1].Counts) {
			break
		}
	}
	if differ != "" || !mirrored(drawing[0].Counts, drawing[1].Counts) {
		t.Fatalf("%s\n%+v\n%+v", differ, drawing[0].Counts, drawing[1].Counts)
	}
	if n := slices.IndexFunc(drawing[0].Addresses, func(c addressCell) bool { return c.Host == "printer" && c.State == "reserved" }); n != 200 {
		t.Errorf("the printer's address is at %d", n)
	}
}

// mirrored reports whether two servers count the same: what is free for one to give is free on the other's side of the other's count.
func mirrored(a, b map[string]int) bool {
	b = maps.Clone(b)
	b["free"], b["partner_free"] = b["partner_free"], b["free"]
	return maps.Equal(a, b) && a["active"] == 5
}

// The time line of each server has the states of both: over a partition, in which each speaks for itself, and over the death of one, who says
// when it did not run.
func TestTheTimeLineOutlivesAPartitionAndADeath(t *testing.T) {
	t.Parallel()
	x := newArchive(t, world.PairSetup{})
	x.Link.Cut()
	for _, m := range x.Both() {
		m.Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
	}
	x.Link.Heal()
	x.Normal(30 * time.Second)
	time.Sleep(time.Second) // what a server did in its last tenth of a second is not written
	x.West.Kill()
	x.East.Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
	x.West.Begin(false)
	x.Normal(30 * time.Second)
	const apart = "COMMUNICATIONS-INTERRUPTED"
	line := func(m *world.Member, of string, want ...string) {
		t.Helper()
		ask(x, m, "timeline", func(l timeLine) bool {
			at, last := 0, time.Time{}
			for _, s := range l.Transitions {
				if at < len(want) && s.Member == of && s.State == want[at] {
					at++
				}
				if s.Time.Before(last) {
					return false
				}
				last = s.Time
			}
			return at == len(want)
		})
	}
	line(x.West, "west", "NORMAL", apart, "NORMAL", "not running", "STARTUP", "NORMAL")
	line(x.West, "east", "NORMAL", "unknown", "NORMAL")
	line(x.East, "east", "NORMAL", apart, "NORMAL", apart, "NORMAL")
	line(x.East, "west", "NORMAL", "NORMAL")
}

// An address that one server is told to keep for a machine is kept by the other one.
func TestAReservationMadeOnOneServerHoldsOnTheOther(t *testing.T) {
	t.Parallel()
	x := newArchive(t, world.PairSetup{})
	x.agree(10 * time.Second)
	c := x.client(x.East)
	entry := map[string]string{"hardware": "02:00:00:5e:00:01", "address": "10.1.16.77"}
	if err := request(x.West, http.MethodPut, "hosts/camera?yes=true&comment=the+camera+has+a+place", entry, nil); err != nil {
		t.Fatal(err)
	}
	x.agree(10 * time.Second)
	for _, m := range x.Both() {
		ask(x, m, "hosts/camera", func(r hostRow) bool { return r.Address == "10.1.16.77" })
	}
	x.Trunk.Cut()
	if a := c.Acquire().Address(); a != netip.MustParseAddr("10.1.16.77") {
		t.Errorf("east gives the camera %v", a)
	}
	other := x.Host("other")
	x.East.Segment.Attach(other, "eth0")
	o := other.Scripted("eth0", net.HardwareAddr{2, 0, 0, 0x5e, 1, 1})
	m := o.Message(dhcpv4.MessageTypeDiscover, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(10, 1, 16, 77))))
	if a := o.Ask(m).Address(); a == netip.MustParseAddr("10.1.16.77") {
		t.Error("east offers another the camera's address")
	}
}
