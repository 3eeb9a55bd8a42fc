package binding

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestASkimShowsWhatAScanShows(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	table := NewTable()
	for range 2000 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(4)), byte(r.IntN(256))}), 32)
		if r.IntN(10) == 0 {
			p = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(1 + r.IntN(9)), 0, 0}), 16)
		}
		if r.IntN(4) == 0 {
			table.Delete(p)
			continue
		}
		b := Binding{Prefix: p, State: State(1 + r.IntN(5))}
		b.Client = Client{Hardware: HardwareOf(1, []byte{2, 0, 0, 0, 0, byte(r.IntN(200))}), ID: []byte{1, byte(r.IntN(9))}[:r.IntN(3)]}
		b.Facts.Own, b.Past = []byte("own facts")[:r.IntN(9)], []byte("the past")[:r.IntN(8)]
		if r.IntN(2) == 0 {
			b.Facts.Shared = table.Intern([]byte{byte(r.IntN(20))})
		}
		table.Put(b, time.Time{})
	}
	type seen struct {
		addr          uint32
		state         State
		octets, blobs string
	}
	var want, got []seen
	var whole []netip.Prefix
	table.Scan(0, 1<<20, func(b *Binding) bool {
		if a, ok := shortKeyOf(b.Prefix); ok {
			s := seen{addr: a, state: b.State, octets: string(b.Client.Hardware.Bytes()) + string(b.Client.ID) + string(b.Facts.Own)}
			if b.Facts.Shared != nil {
				s.blobs = string(b.Facts.Shared.Bytes)
			}
			want = append(want, s)
		}
		return true
	})
	numbers := map[uint32]*Blob{}
	for next, done := uint64(0), false; !done; {
		next, done = table.Skim(next, 1+r.IntN(50), func(s *Sketch) bool {
			x := seen{addr: s.Addr, state: s.State, octets: string(s.Octets)}
			if s.Shared != nil {
				x.blobs = string(s.Shared.Bytes)
			}
			if known, ok := numbers[s.SharedNumber]; ok && known != s.Shared {
				t.Errorf("seed %d: number %d is of two", seed, s.SharedNumber)
			}
			numbers[s.SharedNumber] = s.Shared
			got = append(got, x)
			return s.Addr&1 == 0
		}, func(b *Binding) { whole = append(whole, b.Prefix) })
	}
	if !slices.Equal(got, want) {
		t.Errorf("seed %d: %d, want %d", seed, len(got), len(want))
	}
	even := 0
	for _, s := range want {
		if s.addr&1 == 0 {
			even++
		}
	}
	if len(whole) != even || even == 0 || even == len(want) {
		t.Errorf("seed %d: %d of %d were read whole, want %d", seed, len(whole), len(want), even)
	}
}
