package failover

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func newRandom(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// The capture: MCLT 60 s, wanted 600 s. The first lease is 60 s, the partner is told +630 s; once it has acknowledged, a
// renewal is whole, and the partner is told +900 s.
func TestLeaseTimesAreThoseOfTheCapture(t *testing.T) {
	const mclt, want = 60 * time.Second, 600 * time.Second
	first := ClientExpiry(noon, noon.Add(want), time.Time{}, mclt)
	if got := first.Sub(noon); got != mclt {
		t.Errorf("the first lease is of %v", got)
	}
	acked := PotentialExpiry(noon, want, first.Sub(noon))
	if got := acked.Sub(noon); got != 630*time.Second {
		t.Errorf("the partner is told +%v", got)
	}
	renewed := noon.Add(30 * time.Second)
	second := ClientExpiry(renewed, renewed.Add(want), acked, mclt)
	if got := second.Sub(renewed); got != want {
		t.Errorf("the renewal is of %v", got)
	}
	if got := PotentialExpiry(renewed, want, second.Sub(renewed)).Sub(renewed); got != 900*time.Second {
		t.Errorf("then the partner is told +%v", got)
	}
}

func TestClientExpiry(t *testing.T) {
	at := func(d time.Duration) time.Time { return noon.Add(d) }
	for _, c := range []struct {
		name              string
		want, acked, mclt time.Time
		expect            time.Time
	}{
		{"less than the MCLT is whole", at(time.Minute), time.Time{}, noon, at(time.Minute)},
		{"never acknowledged", at(4 * time.Hour), time.Time{}, noon, at(time.Hour)},
		{"acknowledged in the past", at(4 * time.Hour), at(-time.Hour), noon, at(time.Hour)},
		{"acknowledged in part", at(4 * time.Hour), at(2 * time.Hour), noon, at(3 * time.Hour)},
		{"acknowledged far ahead", at(4 * time.Hour), at(6 * time.Hour), noon, at(4 * time.Hour)},
		{"for ever, not acknowledged", binding.Forever, time.Time{}, noon, at(time.Hour)},
		{"for ever, acknowledged", binding.Forever, binding.Forever, noon, binding.Forever},
	} {
		if got := ClientExpiry(noon, c.want, c.acked, time.Hour); !got.Equal(c.expect) {
			t.Errorf("%s: %v, expected %v", c.name, got, c.expect)
		}
	}
}

// Each of the four times counts, alone and whichever is the latest.
func TestFreeAtIsTheLatestOfAll(t *testing.T) {
	r := newRandom(t)
	for range 1000 {
		times := [4]time.Time{}
		for i := range times {
			if r.IntN(5) > 0 {
				times[i] = noon.Add(time.Duration(r.IntN(1e6)) * time.Second)
			}
		}
		b := binding.Binding{Expires: times[0], Sync: binding.Sync{Potential: times[1], Acked: times[2]}}
		latest := slices.MaxFunc(times[:], time.Time.Compare)
		if got, want := FreeAt(&b, times[3], time.Hour, time.Minute), latest.Add(time.Hour+time.Minute); !got.Equal(want) {
			t.Fatalf("%v: %v, not %v", times, got, want)
		}
	}
	b := binding.Binding{Expires: binding.Forever}
	if got := FreeAt(&b, noon, time.Hour, time.Minute); !got.Equal(binding.Forever) {
		t.Errorf("a lease without end is free at %v", got)
	}
}

// The specification's vectors, confirmed by who answered in the lab.
func TestHashVectors(t *testing.T) {
	octets := func(from, to byte) (b []byte) {
		for c := from; c <= to; c++ {
			b = append(b, c)
		}
		return b
	}
	for _, c := range []struct {
		client binding.Client
		want   uint8
	}{
		{binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 1})}, 133},
		{binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 2})}, 45},
		{binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 3})}, 182},
		{binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 4})}, 150},
		{binding.Client{ID: []byte{1, 2, 0, 0, 0, 0, 0xa}, Hardware: binding.HardwareOf(1, []byte{9})}, 221},
		{binding.Client{ID: octets(1, 20)}, 59},
		{binding.Client{ID: octets(1, 16)}, 48},
	} {
		if got := HashOf(&c.client); got != c.want {
			t.Errorf("%v: %d, not %d", c.client, got, c.want)
		}
	}
	var seen [256]bool
	for _, v := range mix {
		seen[v] = true
	}
	if slices.Contains(seen[:], false) {
		t.Error("the table is no permutation")
	}
}

func TestSplit(t *testing.T) {
	for n, want := range map[int]int{-1: 0, 0: 0, 1: 1, 128: 128, 256: 256, 300: 256} {
		b, primary := Split(n), 0
		for h := range 256 {
			if b.Primary(uint8(h)) {
				primary++
				if h >= n {
					t.Errorf("split %d: bucket %d is the primary's", n, h)
				}
			}
		}
		if primary != want {
			t.Errorf("split %d: %d buckets", n, primary)
		}
	}
	if b := Split(128); b[0] != 0xff || b[15] != 0xff || b[16] != 0 {
		t.Errorf("split 128 is %x", b)
	}
}

func TestRunsAgreeWithASet(t *testing.T) {
	r := newRandom(t)
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }
	for range 300 {
		var s runs
		model := [64]bool{}
		for range 20 {
			a, b := r.IntN(64), r.IntN(64)
			a, b = min(a, b), max(a, b)
			add := r.IntN(2) == 0
			for i := a; i <= b; i++ {
				model[i] = add
			}
			if run := (Run{addr(a), addr(b)}); add {
				s = s.with(run)
			} else {
				s = s.without(run)
			}
		}
		for i, want := range model {
			if s.has(addr(i)) != want {
				t.Fatalf("%v: %v is in it: %v", s, addr(i), !want)
			}
		}
		for i := 1; i < len(s); i++ {
			if s[i].First.Compare(s[i-1].Last.Next()) <= 0 {
				t.Fatalf("%v: two touch", s)
			}
		}
		lo := r.IntN(60)
		at := lo
		s.each(Run{addr(lo), addr(63)}, func(part Run, in bool) bool {
			if part.First != addr(at) {
				t.Fatalf("%v from %d: %v begins wrongly", s, lo, part)
			}
			for ; at < 64 && !part.Last.Less(addr(at)); at++ {
				if model[at] != in {
					t.Fatalf("%v: part %v is in it: %v", s, part, in)
				}
			}
			return true
		})
		if at != 64 {
			t.Fatalf("%v from %d: ended at %d", s, lo, at)
		}
	}
}

func randomRecord(r *rand.Rand) Record {
	moment := func() time.Time {
		if r.IntN(3) == 0 {
			return time.Time{}
		}
		return noon.Add(time.Duration(r.Int64N(1e15)))
	}
	rec := Record{
		State: State(1 + r.IntN(int(states)-1)), Since: moment(), Cause: "the operator's word", Partner: State(r.IntN(int(states))),
		PartnerSince: moment(), PartnerLearnt: moment(), MCLT: time.Hour, Largest: 2 * time.Hour, LargestUntil: moment(),
		Forgotten: moment(), WaitUntil: moment(), OwnShareFrom: moment(), Founder: r.IntN(2) == 0, Met: r.IntN(2) == 0, Lost: r.IntN(2) == 0,
		NeverServed: r.IntN(2) == 0, Roused: r.IntN(2) == 0, PartnerStore: [16]byte{byte(r.IntN(3))}, Buckets: Split(r.IntN(257)),
		Last: binding.Sequence(r.Uint64()), SharesSeen: binding.Sequence(r.Uint64()),
	}
	rec.Lifetime, rec.Longest, rec.LongestUntil = time.Hour, 9*time.Hour, moment()
	rec.Opening, rec.PartnerOpening = Opening{r.Uint64(), r.Uint64()}, Opening{1, r.Uint64()}
	for i := range r.IntN(maxOpenings) {
		rec.Openings = append(rec.Openings, opened{Opening{uint64(i), r.Uint64()}, r.Uint64()})
	}
	for i := range r.IntN(4) {
		since := noon.Add(time.Duration(r.IntN(1e6)) * time.Second)
		rec.Conflicts = append(rec.Conflicts, Note{
			Kind: ConflictFound, Prefix: single(netip.AddrFrom4([4]byte{10, 0, 9, byte(i)})), Kept: client(1), Lost: binding.Client{ID: []byte("somebody")},
			Since: since, Until: since.Add(time.Hour), LostUntil: since.Add(2 * time.Hour), Others: i%2 == 0, Found: noon, Cause: "both servers gave the address away",
		})
	}
	for i := range r.IntN(5) {
		run := Run{netip.AddrFrom4([4]byte{10, 0, byte(i), 1}), netip.AddrFrom4([4]byte{10, 0, byte(i), 9})}
		rec.Shares = append(rec.Shares, run)
		rec.Gifts = append(rec.Gifts, Gift{run, "east", binding.Sequence(i)})
	}
	return rec
}

func TestRecordsSurviveStorage(t *testing.T) {
	r := newRandom(t)
	for range 500 {
		want := randomRecord(r)
		b := want.Append(nil)
		got, err := DecodeRecord(b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v became %+v, %v", want, got, err)
		}
		for n := range b {
			if _, err := DecodeRecord(b[:n]); !errors.Is(err, ErrRecord) {
				t.Fatalf("cut at %d of %d: %v", n, len(b), err)
			}
		}
	}
}

// The store takes records of at most 64 KiB.
func TestTheLargestRecordIsSmallEnough(t *testing.T) {
	rec := randomRecord(newRandom(t))
	rec.Shares, rec.Gifts, rec.Openings, rec.Conflicts, rec.Cause = nil, nil, nil, nil, strings.Repeat("x", 1000)
	address := func(i int) netip.Addr { return netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)}) }
	for i := range maxRuns {
		rec.Shares = append(rec.Shares, Run{address(4 * i), address(4*i + 1)})
	}
	for range maxGifts {
		rec.Gifts = append(rec.Gifts, Gift{rec.Shares[0], binding.Member(strings.Repeat("m", 255)), 1})
	}
	for range maxOpenings {
		rec.Openings = append(rec.Openings, opened{})
	}
	someone := binding.Client{ID: make([]byte, binding.MaxClientID), Hardware: binding.HardwareOf(32, make([]byte, binding.MaxHardware))}
	for range maxConflicts {
		rec.Conflicts = append(rec.Conflicts, Note{Kind: ConflictFound, Prefix: single(address(1)), Kept: someone, Lost: someone, Since: noon, Until: noon, Found: noon, Cause: rec.Cause})
	}
	b := rec.Append(nil)
	if _, err := DecodeRecord(b); err != nil || len(b) > 64<<10-64 {
		t.Errorf("%d octets, %v", len(b), err)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		rec := randomRecord(r)
		f.Add(rec.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := DecodeRecord(b)
		if err != nil {
			return
		}
		again, err := DecodeRecord(rec.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), rec.Append(nil)) {
			t.Fatalf("%+v became %+v, %v", rec, again, err)
		}
	})
}

// RELIABILITY's table: who is answered in which state.
func TestWhoIsAnsweredInWhichState(t *testing.T) {
	for state, want := range map[State]answers{
		Startup: {}, Recover: {}, RecoverWait: {}, PotentialConflict: {}, Paused: {}, Shutdown: {},
		RecoverDone:               {known: true},
		Normal:                    {known: true, fresh: true, hash: true},
		CommunicationsInterrupted: {known: true, fresh: true},
		ResolutionInterrupted:     {known: true, fresh: true},
		ConflictDone:              {known: true, fresh: true},
		PartnerDown:               {known: true, fresh: true},
	} {
		if served[state] != want {
			t.Errorf("%v: %+v", state, served[state])
		}
	}
}

// What a server does when it hears the state of its partner.
func TestNextStates(t *testing.T) {
	const (
		no = Normal
		ci = CommunicationsInterrupted
		pd = PartnerDown
		pc = PotentialConflict
		re = Recover
		rw = RecoverWait
		rd = RecoverDone
		ri = ResolutionInterrupted
		cd = ConflictDone
	)
	partner := []State{no, ci, pd, pc, re, Paused, Shutdown, rd, ri, cd, rw}
	for me, row := range map[State][]State{
		no: {no, no, pc, pc, pd, ci, pd, no, pc, pc, pd},
		ci: {no, no, pc, pc, pd, ci, pd, pd, pc, pc, pd},
		pd: {pc, pc, pc, pc, pd, pd, pd, pd, pc, pc, pd},
		re: {re, re, re, re, re, re, re, re, re, re, re},
		rw: {rw, rw, rw, rw, rw, rw, rw, rw, rw, rw, rw},
		rd: {no, rd, rd, pc, rd, rd, pd, no, pc, pc, pd},
		pc: {pc, pc, pc, pc, pd, pc, pd, pc, pc, pc, pd},
		ri: {pc, pc, pc, pc, pd, ri, pd, pc, pc, pc, pd},
		cd: {no, pc, pc, cd, pd, cd, pd, pc, cd, pc, pd},
	} {
		for i, p := range partner {
			if got := next(me, false, p); got != row[i] {
				t.Errorf("%v hears %v: %v, not %v", me, p, got, row[i])
			}
		}
	}
	for _, me := range []State{no, ci, pd, re, rw, rd, ri, cd, pc} {
		if got := next(me, true, pd); got != re {
			t.Errorf("a start that was in %v hears PARTNER-DOWN: %v", me, got)
		}
	}
	for me, want := range map[State]State{no: ci, pc: ri, ci: ci, pd: pd, re: re, rw: rw, rd: rd, ri: ri, cd: cd} {
		if got := nextAlone(me); got != want {
			t.Errorf("%v loses its partner: %v", me, got)
		}
	}
}

// An ISC server is never told what ends it or stops it for good.
func TestWhatISCIsTold(t *testing.T) {
	for p := State(1); p < states; p++ {
		for me := State(1); me < states; me++ {
			said, ok := spokenToISC(me, p)
			if !ok {
				continue
			}
			bad := said == Startup || said == Shutdown ||
				p == ConflictDone && said != PotentialConflict && said != ResolutionInterrupted && said != Normal ||
				p == Normal && (said == PotentialConflict || said == ResolutionInterrupted || said == ConflictDone) ||
				p == PotentialConflict && said == Normal ||
				said == Paused && p != Normal && p != CommunicationsInterrupted
			if bad {
				t.Errorf("in %v it is told %v, when we are in %v", p, said, me)
			}
		}
	}
}

func TestTheSkewIsTheLeastDifference(t *testing.T) {
	var k skew
	if _, _, ok := k.estimate(noon); ok {
		t.Error("an estimate of nothing")
	}
	for i, late := range []time.Duration{5, 2, 9, 30, 3} {
		k.add(noon.Add(time.Duration(i)*time.Second+late*time.Second), noon.Add(time.Duration(i)*time.Second-7*time.Second))
	}
	offset, spread, ok := k.estimate(noon.Add(time.Minute))
	if !ok || offset != 9*time.Second || spread != 28*time.Second {
		t.Errorf("%v ± %v, %v", offset, spread, ok)
	}
	if _, _, ok := k.estimate(noon.Add(time.Hour)); ok {
		t.Error("what was heard an hour ago counts")
	}
	for i := range 100 {
		k.add(noon.Add(time.Duration(i)*time.Second), noon.Add(time.Duration(i)*time.Second))
	}
	if offset, spread, _ = k.estimate(noon.Add(100 * time.Second)); offset != 0 || spread != 0 {
		t.Errorf("%v ± %v", offset, spread)
	}
}
