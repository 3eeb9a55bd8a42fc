package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// randomHosts writes hosts that ask for random combinations of few values, so that many match one client, and options of
// ever other codes, so that there are more combinations than are told apart.
func randomHosts(r *rand.Rand, n int) string {
	var b strings.Builder
	b.WriteString("networks: {lan: {subnets: {10.0.0.0/16: }}}\nhosts:\n")
	seen := map[string]bool{}
	for i := range n {
		var ids []string
		add := func(format string, args ...any) {
			if r.IntN(3) == 0 {
				ids = append(ids, fmt.Sprintf(format, args...))
			}
		}
		add("hardware: 02:00:00:00:00:0%d", 1+r.IntN(2))
		add("client-id: 01:0%d", 1+r.IntN(2))
		add("circuit-id: port%d", r.IntN(2))
		add("remote-id: switch%d", r.IntN(2))
		add("subscriber-id: line%d", r.IntN(2))
		var options []string
		for code := 224 + r.IntN(16); code < 240 && len(options) < r.IntN(3); code += 1 + r.IntN(8) {
			options = append(options, fmt.Sprintf("option-%d: {hex: \"0%d\"}", code, r.IntN(2)))
		}
		if len(options) > 0 {
			ids = append(ids, "match-options: {"+strings.Join(options, ", ")+"}")
		}
		if text := strings.Join(ids, ", "); len(ids) > 0 && !seen[text] {
			seen[text] = true
			fmt.Fprintf(&b, "  h%d: {%s}\n", i, text)
		}
	}
	return b.String()
}

func TestHostsAreFoundAsIfEachWasLookedAt(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 30 {
		text := randomHosts(r, 20+r.IntN(400))
		p := compiled(t, text)
		for range 200 {
			c := binding.Client{Hardware: mac(byte(r.IntN(3)))}
			if r.IntN(2) == 0 {
				c.ID = []byte{1, byte(r.IntN(3))}
			}
			options := said{}
			for code := range uint16(16) {
				if r.IntN(3) > 0 {
					options[224+code] = string([]byte{byte(r.IntN(2))})
				}
			}
			var relay string
			for code, text := range map[byte]string{1: "port", 2: "switch", 6: "line"} {
				if r.IntN(3) > 0 {
					v := fmt.Sprint(text, r.IntN(2))
					relay += string([]byte{code, byte(len(v))}) + v
				}
			}
			options[82] = relay
			f := p.on("10.0.0.0", c, options)
			var d Decision
			p.Place("west", f, &d)
			var want *Host
			for _, h := range p.hosts.all {
				if h.matches(f) && h.beats(want, f.Link.Network) {
					want = h
				}
			}
			if d.Host != want {
				t.Fatalf("seed %d: %v with %v: host %v, want %v\n%s", seed, c, options, d.Host, want, text)
			}
		}
	}
}

func TestCombinationsOfIdentifiersAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("networks: {lan: {subnets: {10.0.0.0/16: }}}\nhosts:\n")
	n := 0
	for x := 224; x < 249; x++ {
		for y := x + 1; y < 249; y++ {
			fmt.Fprintf(&b, "  h%d: {match-options: {option-%d: {hex: \"01\"}, option-%d: {hex: \"01\"}}}\n", n, x, y)
			n++
		}
	}
	p := compiled(t, b.String())
	if most := manyGroups + 32 + 254; len(p.hosts.groups) > most {
		t.Errorf("%d groups for %d combinations, want at most %d", len(p.hosts.groups), n, most)
	}
	var d Decision
	p.Place("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, said{247: "\x01", 248: "\x01"}), &d)
	if d.Host == nil || d.Host.Name != fmt.Sprint("h", n-1) {
		t.Errorf("host %v, want h%d", d.Host, n-1)
	}
}

// BenchmarkHostByPort finds a host among those of many switches whose ports have the same names.
func BenchmarkHostByPort(b *testing.B) {
	for _, switches := range []int{10, 2000} {
		var text strings.Builder
		text.WriteString("networks: {lan: {subnets: {10.0.0.0/8: }}}\nhosts:\n")
		for i := range switches * 48 {
			fmt.Fprintf(&text, "  h%d: {circuit-id: port%d, remote-id: switch%d}\n", i, i%48, i/48)
		}
		p := compiled(b, text.String())
		b.Run(fmt.Sprintf("hosts=%d", switches*48), func(b *testing.B) {
			f := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, said{82: circuit("port7", fmt.Sprint("switch", switches/2))})
			var d Decision
			b.ReportAllocs()
			for b.Loop() {
				p.Place("west", f, &d)
			}
			if d.Host == nil {
				b.Fatal("no host")
			}
		})
	}
}
