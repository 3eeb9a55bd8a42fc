package ledger

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
	"unsafe"
)

// The ledger agrees with a map under random histories.
func TestTheLedgerAgreesWithAMap(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	l, model := NewLedger(), map[netip.Prefix]Entry{}
	prefixes := []netip.Prefix{netip.MustParsePrefix("2001:db8::/56"), netip.MustParsePrefix("2001:db8::/64"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("0.0.0.0/32")}
	for n := range 300 {
		prefixes = append(prefixes, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 32))
	}
	for step := range 20000 {
		p := prefixes[r.IntN(len(prefixes))]
		if r.IntN(3) == 0 {
			l.Forget(p)
			delete(model, p)
		} else {
			e := Entry{Prefix: p, Cause: Cause(r.IntN(int(causes))), Since: time.Unix(r.Int64N(50), 0).UTC()}
			l.Note(p, e.Since, e.Cause)
			if was, ok := model[p]; ok && (was.Cause != 0) == (e.Cause != 0) {
				e.Since = was.Since
			}
			model[p] = e
		}
		if step%97 == 0 {
			agree(t, l, model)
		}
		if t.Failed() {
			t.Fatalf("seed %d, step %d", seed, step)
		}
	}
	for _, p := range prefixes {
		l.Forget(p)
	}
	agree(t, l, map[netip.Prefix]Entry{})
}

func agree(t *testing.T, l *Ledger, model map[netip.Prefix]Entry) {
	t.Helper()
	var counts [causes]int
	var oldest time.Time
	for p, want := range model {
		if got, ok := l.Get(p); !ok || got != want {
			t.Errorf("%v is %+v, want %+v", p, got, want)
		}
		counts[want.Cause]++
		if want.Cause != 0 && (oldest.IsZero() || want.Since.Before(oldest)) {
			oldest = want.Since
		}
	}
	if l.Unknown() != counts[0] || l.Stale() != len(model)-counts[0] {
		t.Errorf("%d stale, %d unknown of %d", l.Stale(), l.Unknown(), len(model))
	}
	for _, c := range Causes() {
		if l.Of(c) != counts[c] {
			t.Errorf("%d for %v, want %d", l.Of(c), c, counts[c])
		}
	}
	if got, ok := l.Oldest(); ok == oldest.IsZero() || !got.Equal(oldest) {
		t.Errorf("since %v, want %v", got, oldest)
	}
	seen := map[netip.Prefix]bool{}
	for next, done := uint64(0), false; !done; {
		next, done = l.Scan(next, 7, func(e Entry) {
			if seen[e.Prefix] || model[e.Prefix] != e {
				t.Errorf("%+v twice, or wrong", e)
			}
			seen[e.Prefix] = true
		})
	}
	if len(seen) != l.Stale() {
		t.Errorf("%d were shown, of %d", len(seen), l.Stale())
	}
}

func TestAnEntryTakesFortyOctets(t *testing.T) {
	if n := unsafe.Sizeof(entry{}); n > 40 {
		t.Errorf("%d octets", n)
	}
}

func TestCausesAreKnownByTheirNames(t *testing.T) {
	for _, c := range Causes() {
		if got, ok := CauseNamed(c.String()); !ok || got != c || c.String() == "" {
			t.Errorf("%d is %q, which is %d", c, c, got)
		}
	}
	if _, ok := CauseNamed(""); ok || Cause(99).String() != "unknown" {
		t.Error("a cause without a name")
	}
}
