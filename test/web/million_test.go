package web

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/test/world"
)

// crowded is a document with room for four million clients.
const crowded = `
enterprise: {lease: {default: 24h}}
networks: {campus: {subnets: {10.64.0.0/10: {options: {routers: [10.64.0.1]}, pools: [{range: 10.64.1.0-10.127.255.0}]}}}}
`

// fill puts leases into the empty store of a server, as if it had granted them: each client has a name, a kind, and a port of a switch.
func fill(t testing.TB, dir string, member binding.Member, n int) {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir, Member: member, SegmentSize: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Load(binding.NewTable(), func(*binding.Binding) time.Time { return time.Time{} }); err != nil {
		t.Fatal(err)
	}
	now, shared := time.Now(), make([]*binding.Blob, 7)
	for i := range shared {
		f := binding.Facts{Link: "10.64.0.0/10", Options: []binding.Fact{{Code: option.CodeVendorClass, Value: fmt.Appendf(nil, "Phone %d.0", i)}}}
		shared[i] = binding.NewBlob(f.AppendShared(nil, ownFact))
	}
	batch := s.Begin()
	for i := range n {
		b := someLease(i, now)
		b.Facts.Shared, b.Owner, b.Home = shared[i%len(shared)], member, member
		batch.Put(uint64(i/4096+1), &b)
		if i%4096 == 4095 || i == n-1 {
			if err := s.Commit(batch); err != nil {
				t.Fatal(err)
			}
			batch = s.Begin()
		}
	}
}

// ownFact says which facts belong to one client alone.
func ownFact(code uint16) bool { return code != option.CodeVendorClass }

// someLease is the lease of client i, whose name, hardware and circuit have its number in them.
func someLease(i int, now time.Time) binding.Binding {
	a := binary.BigEndian.AppendUint32(nil, uint32(10<<24|64<<16|1<<8)+uint32(i))
	addr, _ := netip.AddrFromSlice(a)
	mac := []byte{2, 0, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
	b := binding.Binding{Prefix: netip.PrefixFrom(addr, 32), State: binding.Active, Starts: now.Add(-time.Hour), CLTT: now.Add(-time.Duration(i%3600) * time.Second), Changed: now.Add(-time.Hour), Expires: now.Add(23 * time.Hour)}
	b.Client = binding.Client{Hardware: binding.HardwareOf(1, mac), ID: append([]byte{1}, mac...)}
	circuit := fmt.Appendf(nil, "ge-%d/%d:%d", i/10000, i/100%100, i%100)
	f := binding.Facts{Link: "10.64.0.0/10", Options: []binding.Fact{
		{Code: option.CodeHostName, Value: fmt.Appendf(nil, "desk-%07d", i)},
		{Code: option.CodeRelayInformation, Value: append([]byte{1, byte(len(circuit))}, circuit...)},
	}}
	b.Facts.Own = f.AppendOwn(nil, ownFact)
	return b
}

// BenchmarkPagesAtAMillion has a real Chromium look at a server with so many leases, LESSOR_LEASES or a million, and says how long each page
// takes until it is there: from the click or key to the page that can be read.
func BenchmarkPagesAtAMillion(b *testing.B) {
	n := 1_000_000
	if v, err := strconv.Atoi(os.Getenv("LESSOR_LEASES")); err == nil && v > 0 {
		n = v
	}
	w := world.New(b)
	h := w.Host("west")
	w.Segment().Attach(h, "eth0", "10.64.0.2/10")
	data := w.Path("million.data")
	begun := time.Now()
	fill(b, data, "west", n)
	filled := time.Since(begun)
	begun = time.Now()
	l := h.Serve(world.Setup{Interfaces: []string{"eth0"}, Data: data, Quiet: true, Document: "  api: {listen: 127.0.0.1:8067}\n" + crowded})
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if out, code := l.Command("status"); code == 0 && strings.Contains(out, "10.64.1.0") {
			break
		} else if time.Now().After(deadline) {
			b.Fatalf("the server does not begin: %s", out)
		}
	}
	ready := time.Since(begun)
	x := browse(b, door(b, h))
	x.signIn(tokenOf(b, l.Socket(), "viewer"))

	middle := fmt.Sprintf("%07d", n*7/10)
	at := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(10<<24|64<<16|1<<8)+uint32(n*7/10)))).String()
	hard := fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", n*7/10>>24, n*7/10>>16&255, n*7/10>>8&255, n*7/10&255)
	circuit := fmt.Sprintf("ge-%d/%d:%d", n*7/10/10000, n*7/10/100%100, n*7/10%100)
	opens := func(path, selector, text string) func() time.Duration {
		return func() time.Duration {
			begun := time.Now()
			x.open(path)
			x.sees(selector, text, patience)
			return time.Since(begun)
		}
	}
	finds := func(what, shows string) func() time.Duration {
		return func() time.Duration {
			x.open("/leases")
			took := ask[float64](x, fmt.Sprintf(typed, what))
			x.sees("#found", shows, patience)
			return time.Duration(took * float64(time.Millisecond))
		}
	}
	rows := []struct {
		what string
		do   func() time.Duration
	}{
		{"overview", opens("/", "#verdict", "leases have")},
		{"leases, the first page", opens("/leases", "#found", "50 leases")},
		{"leases, the next page, in the middle", opens("/leases?list=yes&after="+at, "#found", "50 leases")},
		{"a lease", opens("/leases/"+at, "main", "What it was told")},
		{"search: an address", finds(at, at)},
		{"search: a hardware address, whole", finds(hard, hard)},
		{"search: a part of a hardware address", finds(hard[6:], hard)},
		{"search: a name, whole", finds("desk-"+middle, "desk-"+middle)},
		{"search: a part of a name, many have it", finds("sk-"+middle[:4], "desk-"+middle[:4])},
		{"search: a circuit", finds(circuit, at)},
		{"search: what nobody has", finds("no such client", "Nothing was found")},
		{"network, a /10", opens("/network", "#map", "A square is")},
		{"network, a /16 of it", opens("/network?prefix=10.70.0.0/16", "#map", "A square is a /24")},
		{"network, a /24 of it", opens("/network?prefix=10.70.7.0/24", "#map", "A square is an address")},
	}
	rows[0].do = opens("/", "#verdict", "have a lease")
	var table strings.Builder
	for _, r := range rows {
		var all []time.Duration
		for range 5 {
			all = append(all, r.do())
		}
		slices.Sort(all)
		fmt.Fprintf(&table, "| %s | %d ms | %d ms |\n", r.what, all[2].Milliseconds(), all[4].Milliseconds())
	}
	fmt.Printf("\n%d leases: written in %v, read and ready in %v\n\n| page | median of 5 | slowest |\n|---|---|---|\n%s", n, filled.Round(time.Millisecond), ready.Round(time.Millisecond), table.String())
	x.calm("a million leases")
}

// typed types a text into the search and returns how many milliseconds pass until what was found is shown: the fifth of a second that the
// page waits for further keys is among them.
const typed = `new Promise(done => {
	const begun = performance.now(), field = document.getElementById("search");
	document.addEventListener("htmx:afterSettle", () => done(performance.now() - begun), {once: true});
	field.value = %q;
	field.dispatchEvent(new Event("input", {bubbles: true}));
})`
