package node

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// drainingDocument is one of many, with these pools.
func drainingDocument(r *rand.Rand, pools string) string {
	var b strings.Builder
	pick := func(all ...string) { b.WriteString(all[r.IntN(len(all))]) }
	b.WriteString("server: {name: west, data: /nowhere}\nenterprise: {lease: {default: ")
	pick("1h", "2h", "4h")
	b.WriteString("}, options: {domain-name: ")
	pick("corp.example", "new.example")
	pick("", ", ntp-servers: [10.0.0.7]", ", ntp-servers: {append: [10.0.0.7]}", ", time-servers: {force: [10.0.0.8]}")
	b.WriteString("}}\nservers: {west: {options: {log-servers: [10.0.0.")
	pick("1", "2")
	b.WriteString("]}}}\nclasses:\n  odd: {kind: hardware, match: 'hardware.endsWith(\"1\") || hardware.endsWith(\"")
	pick("3", "5")
	b.WriteString("\")', options: {tftp-server-name: ")
	pick("a.example", "b.example")
	b.WriteString("}")
	pick("", ", next-server: 10.0.0.3", ", boot-file-name: pxe")
	b.WriteString("}\nhosts: {one: {hardware: 02:0c:00:00:00:01, options: {host-name: ")
	pick("one", "uno")
	b.WriteString("}}}\nnetworks:\n  all: {subnets: {10.0.0.0/8: {options: {routers: [10.0.0.")
	pick("1", "9")
	b.WriteString("]}, pools: [" + pools + "]}}}\n")
	return b.String()
}

// However often the configuration changes, who has renewed under the head is not stale, who has not is stale exactly if what it was
// told is not what the head gives, and when all have renewed the ledger is empty.
func TestTheLedgerDrainsAsClientsRenew(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 7))
	x := newTraffic(t)
	x.core.Handle(x.now, Adopt{Policy: compiled(t, drainingDocument(r, onePool))}, &x.out)
	const clients = 60
	var addrs [clients]netip.Addr
	told := map[netip.Addr]string{}
	note := func(n int) {
		var m dhcpv4.Message
		if err := m.Parse(x.out.Octets(&x.out.Replies[0])); err != nil {
			t.Fatal(err)
		}
		told[addrs[n]] = heardBy(&m)
	}
	for n := range addrs {
		addrs[n] = x.lease(uint32(n))
		note(n)
	}
	met := 0
	for round := range 60 {
		p := compiled(t, drainingDocument(r, onePool))
		x.now = x.now.Add(time.Minute)
		x.core.Handle(x.now, Adopt{Policy: p}, &x.out)
		for x.core.Sweeping() {
			if n := r.IntN(clients); r.IntN(2) == 0 { // in the middle of the sweep
				x.say(dhcpv4.Request, uint32(n), addrs[n], true)
				note(n)
			}
			x.core.Handle(x.now, Sweep{Most: 1 + r.IntN(20)}, &x.out)
		}
		for range r.IntN(clients) {
			n := r.IntN(clients)
			x.say(dhcpv4.Request, uint32(n), addrs[n], true)
			note(n)
		}
		// What each would hear now it is told by a server that is not asked again afterwards.
		other := newTraffic(t)
		other.core.Handle(other.now, Adopt{Policy: p}, &other.out)
		for n := range addrs {
			b, _ := x.core.table.Get(host(addrs[n]))
			_, stale := x.core.ledger.book.Get(b.Prefix)
			if want := would(t, other, uint32(n), addrs[n]) != told[addrs[n]]; stale != want {
				t.Fatalf("seed %d, round %d: client %d is listed %v, and has\n%s", seed, round, n, stale, told[addrs[n]])
			}
			if stale {
				met++
			}
		}
		if err := x.core.Audit(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	for n := range addrs {
		x.say(dhcpv4.Request, uint32(n), addrs[n], true)
	}
	if s := x.core.ledger.summary(0); s.Clients != 0 || s.Unknown != 0 || met < 100 {
		t.Errorf("seed %d: all have renewed, and %+v; %d were stale before", seed, s, met)
	}
}

const onePool = "{range: 10.16.0.0-10.16.0.255}"

// What a proposed configuration would do is what it does: who then is stale, who is refused when it renews, and who is told what.
func TestWhatIfSaysWhatThenHappens(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 8))
	pools := []string{onePool, onePool, "{range: 10.16.0.0-10.16.0.29}", "{range: 10.16.0.0-10.16.0.20}, {range: 10.16.0.30-10.16.0.255, deny: [odd]}", "{range: 10.17.0.0-10.17.0.255}"}
	hosts := []string{"", "{hardware: 02:0c:00:00:00:05, address: 10.16.0.7}", "{hardware: 02:ff:00:00:00:01, address: 10.16.0.3}"}
	lost := 0
	for round := range 40 {
		x := newTraffic(t)
		now := compiled(t, drainingDocument(r, onePool))
		x.core.Handle(x.now, Adopt{Policy: now}, &x.out)
		const clients = 40
		var addrs [clients]netip.Addr
		for n := range addrs {
			addrs[n] = x.lease(uint32(n))
		}
		text := drainingDocument(r, pools[r.IntN(len(pools))])
		if h := hosts[r.IntN(len(hosts))]; h != "" {
			text = strings.Replace(text, "hosts: {", "hosts: {kept: "+h+", ", 1)
		}
		then := compiled(t, text)
		w := ledger.NewWhatIf("west", now, nil, then)
		x.core.table.Scan(0, 1<<20, func(b *binding.Binding) bool { w.Add(b); return true })
		x.core.Handle(x.now, Adopt{Policy: then}, &x.out)
		for x.core.Sweeping() {
			x.core.Handle(x.now, Sweep{}, &x.out)
		}
		if got := x.core.ledger.book.Stale(); got != w.Changed+w.Lost() || w.Total != clients || w.ByChange != got || w.StaleNow != 0 {
			t.Errorf("seed %d, round %d: %d are stale, and said were %d and %d lost, of %d; %d by the change", seed, round, got, w.Changed, w.Lost(), w.Total, w.ByChange)
		}
		refused := 0
		for n := range addrs {
			x.say(dhcpv4.Request, uint32(n), addrs[n], true)
			if x.out.Replies[0].Type == dhcpv4.Nak {
				refused++
			}
		}
		if refused < w.Lost() || refused > w.Lost()+w.Moved { // the address to which a client is to move may be taken still
			t.Errorf("seed %d, round %d: %d are refused, and said were %d that lose their address and %d that move", seed, round, refused, w.Lost(), w.Moved)
		}
		if left := x.core.ledger.book.Stale(); left > w.Lost()+w.Moved {
			t.Errorf("seed %d, round %d: %d are stale when all have asked", seed, round, left)
		}
		lost += refused
	}
	if lost < 100 {
		t.Errorf("seed %d: only %d were refused", seed, lost)
	}
}

func compiled(t *testing.T, text string) *policy.Policy {
	t.Helper()
	doc, problems := config.Parse("drains.yaml", []byte(text))
	if doc == nil {
		t.Fatal(problems)
	}
	return policy.Compile(doc)
}

// would returns what a client would be told that has a.
func would(t *testing.T, x *traffic, n uint32, a netip.Addr) string {
	t.Helper()
	b := binding.Binding{
		Prefix: host(a), State: binding.Active, Home: "west", Client: binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 12, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})},
		Starts: x.now, CLTT: x.now, Changed: x.now, Expires: x.now.Add(time.Hour), Cause: binding.Granted,
	}
	x.core.table.Put(b, b.Expires)
	x.core.pools.Changed(a, 0, binding.Active)
	x.say(dhcpv4.Request, n, a, true)
	var m dhcpv4.Message
	if len(x.out.Replies) != 1 || m.Parse(x.out.Octets(&x.out.Replies[0])) != nil {
		t.Fatalf("no answer: %v", x.core.answer.Drop)
	}
	return heardBy(&m)
}

// heardBy is all of a message that counts: without what belongs to one moment.
func heardBy(m *dhcpv4.Message) string {
	s := fmt.Sprint(m.SIAddr, string(m.BootFile()), string(m.ServerName()))
	for _, c := range m.Codes() {
		if !policy.NotInResult(c) || c == option.CodeLeaseTime {
			v, _ := m.Option(uint16(c))
			s += fmt.Sprintf("\n%d %x", c, v)
		}
	}
	return s
}
