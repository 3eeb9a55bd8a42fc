package failover

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// saying returns a part that says so much.
func saying(name, says string, vital bool) Part {
	return Part{Name: name, Digest: binding.DigestOf([]byte(name + "=" + says)), Vital: vital, Says: says}
}

func TestWhatDiffersIsNamed(t *testing.T) {
	mclt := func(s string) Part { return saying("group.failover.mclt", s, true) }
	host := func(n int, says string) Part { return saying(fmt.Sprintf("hosts.h%d.address", n), says, true) }
	enterprise := Part{Name: "enterprise", Digest: binding.DigestOf([]byte("enterprise"))}
	renamed := host(1, "10.0.0.9")
	renamed.Name = "hosts.printer.address"
	for _, c := range []struct {
		name              string
		here, there       []Part
		vital, others     string // as here sees it
		vitalBack, orBack string // as there sees it
	}{
		{name: "nothing at all"},
		{name: "equal", here: []Part{mclt("1h"), enterprise}, there: []Part{enterprise, mclt("1h")}},
		{name: "another value", here: []Part{mclt("1h")}, there: []Part{mclt("30m")},
			vital: "group.failover.mclt (1h here, 30m there)", vitalBack: "group.failover.mclt (30m here, 1h there)"},
		{name: "only one has it", here: []Part{host(1, "10.0.0.9"), mclt("1h")}, there: []Part{mclt("1h")},
			vital: "hosts.h1.address (only here: 10.0.0.9)", vitalBack: "hosts.h1.address (only there: 10.0.0.9)"},
		{name: "what is not vital", here: []Part{enterprise}, others: "enterprise (only here)", orBack: "enterprise (only there)"},
		{name: "a name is only a name", here: []Part{host(1, "10.0.0.9")}, there: []Part{renamed}},
		{name: "both kinds, in the order of names", here: []Part{mclt("1h"), host(2, "a"), enterprise}, there: []Part{mclt("2h"), host(1, "a")},
			vital:     "group.failover.mclt (1h here, 2h there), hosts.h1.address (only there: a), hosts.h2.address (only here: a)",
			vitalBack: "group.failover.mclt (2h here, 1h there), hosts.h1.address (only here: a), hosts.h2.address (only there: a)",
			others:    "enterprise (only here)", orBack: "enterprise (only there)"},
		{name: "one says that safety stands on it", here: []Part{{Name: "a", Vital: true}}, there: []Part{{Name: "a"}},
			vital: "a (only here)", vitalBack: "a (only there)", others: "a (only there)", orBack: "a (only here)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			here, there := PartsOf(c.here), PartsOf(c.there)
			told, back := here.Told(), there.Told()
			vital, others := here.Compare(&back)
			if vital.Words() != c.vital || others.Words() != c.others || vital.None() != (c.vital == "") {
				t.Errorf("here: %q, %q", vital.Words(), others.Words())
			}
			vital, others = there.Compare(&told)
			if vital.Words() != c.vitalBack || others.Words() != c.orBack {
				t.Errorf("there: %q, %q", vital.Words(), others.Words())
			}
		})
	}
}

// manyParts are as many parts as a site with so many hosts has.
func manyParts(n int) []Part {
	all := make([]Part, n)
	for i := range all {
		all[i] = saying(fmt.Sprintf("hosts.printer-%d.address", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), i%2 == 0)
	}
	return all
}

// However large a configuration is, what it tells is small, and a few parts that differ are found one by one.
func TestAFewOfVeryManyPartsAreFound(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{100, 300, 1_000, 20_000} {
		for range 6 {
			all := manyParts(n)
			other := slices.Clone(all)
			want := map[string]Where{}
			unnamed := 0
			for range r.IntN(60) {
				i := r.IntN(len(other))
				p := &other[i]
				if _, ok := want[p.Name]; ok || p.Name == "" {
					continue
				}
				if r.IntN(2) == 0 {
					*p = saying(p.Name, "another address", p.Vital)
					want[p.Name] = Both
				} else {
					want[p.Name] = OnlyHere
					*p = Part{}
				}
			}
			other = slices.DeleteFunc(other, func(p Part) bool { return p.Name == "" })
			for i := range r.IntN(20) {
				other = append(other, saying(fmt.Sprintf("hosts.new%d", i), "a", i%2 == 0))
				unnamed++
			}
			here, there := PartsOf(all), PartsOf(other)
			if told := there.Told(); told.size() > 50<<10 {
				t.Fatalf("%d parts are told in %d octets", n, told.size())
			}
			told := there.Told()
			vital, others := here.Compare(&told)
			if vital.More || others.More {
				t.Fatalf("%d of %d parts: more than can be told", len(want)+unnamed, n)
			}
			found := vital.Unnamed + others.Unnamed
			for _, x := range slices.Concat(vital.Parts, others.Parts) {
				if x.Where == OnlyThere {
					found++
				} else if want[x.Name] != x.Where {
					t.Errorf("%v is not %v", x, want[x.Name])
				}
				delete(want, x.Name)
			}
			if len(want) > 0 || found != unnamed {
				t.Errorf("%d parts: not found: %v, and %d of %d that are only there", n, want, found, unnamed)
			}
		}
	}
}

func (t *Told) size() (n int) {
	return size(t.Vital.Parts, true) + len(t.Vital.Sketch) + size(t.Other.Parts, true) + len(t.Other.Sketch)
}

// How many parts may differ in a sketch until not all are found: the figure of docs/protocol.md.
func TestASketchTellsFiveHundredParts(t *testing.T) {
	all := manyParts(4000)
	for seed := range 200 {
		one, other := sketchOf(all[:2000]), sketchOf(all[500:2000])
		here, there, whole := one.less(other)
		if !whole || len(here) != 500 || len(there) != 0 {
			t.Errorf("seed %d: %d and %d of 500, whole %v", seed, len(here), len(there), whole)
		}
		rand.New(rand.NewPCG(uint64(seed), 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
}

// Two servers that are quite different say so, and that there is more than they can say; and who tells nonsense is not
// taken for equal.
func TestWhatCannotBeToldApartDiffers(t *testing.T) {
	all := manyParts(20_000)
	here := PartsOf(all[:10_000])
	nothing := PartsOf(nil).Told()
	for name, told := range map[string]Told{
		"quite different": PartsOf(all[10_000:]).Told(),
		"fewer than said": {Vital: Summary{Count: 2, Digest: binding.Digest{1}, Parts: all[:1]}, Other: Summary{Count: 1, Digest: binding.Digest{1}}},
		"the same list under another name": {
			Vital: Summary{Count: 5000, Digest: binding.Digest{1}, Sketch: here.Told().Vital.Sketch}, Other: Summary{Count: 5000, Digest: binding.Digest{1}, Sketch: here.Told().Other.Sketch},
		},
		"an endless sketch": {
			Vital: Summary{Count: 1, Sketch: slices.Repeat([]byte{0, 0, 0, 1}, SketchSize/4)}, Other: Summary{Count: 1, Sketch: make([]byte, SketchSize)},
		},
	} {
		vital, others := here.Compare(&told)
		if !vital.More || !others.More || vital.None() {
			t.Errorf("%s: %v, %v", name, vital.Words(), others.Words())
		}
		if len(vital.Words()) > 12*2*MaxPartText || len(vital.Lines(256)) > 257 {
			t.Errorf("%s: it says too much", name)
		}
	}
	if vital, others := here.Compare(&nothing); vital.None() || others.None() {
		t.Error("nothing is equal to something")
	}
	if vital, others := (*Parts)(nil).Compare(&nothing); !vital.None() || !others.None() {
		t.Errorf("nothing differs from nothing: %v, %v", vital, others)
	}
}

// Each of two servers learns every key, whoever greets and whoever refuses.
func TestBothServersLearnWhatDiffers(t *testing.T) {
	here := PartsOf([]Part{saying("group.failover.mclt", "1h", true), saying("hosts.a.address", "10.0.0.9", true)})
	there := PartsOf([]Part{saying("group.failover.mclt", "2h", true), saying("hosts.b.address", "10.0.0.9", true)})
	want := []string{"group.failover.mclt (1h here, 2h there)", "hosts.a.address (only here: 10.0.0.9)", "hosts.b.address (only there: 10.0.0.9)"}
	for _, role := range []Role{Primary, Secondary} {
		x := newTalk(t, role, Lessor, func(cfg *Config, r *Record) {
			cfg.Parts, cfg.Store = here, [16]byte{7}
			r.State, r.Lost = CommunicationsInterrupted, false
		})
		x.step(LinkUp{})
		h := lessorHello(x.n)
		h.Parts = there.Told()
		if role == Primary {
			x.answers(0, ConnectAck{Hello: h, Reason: Miscellaneous, Text: "cut off aft"})
		} else {
			x.hears(Connect{h})
		}
		st := x.n.ep.Status(x.now)
		if !slices.Equal(st.Differs, want) || st.Connected || !st.Disagree || !strings.Contains(x.shut, strings.Join(want, ", ")) || strings.Contains(x.shut, "cut off") {
			t.Errorf("%v: %q, closed: %s", role, st.Differs, x.shut)
		}
	}
}

// Where each takes the other one for the primary nobody would greet, and nobody would know why; where each takes itself
// for it, both greet.
func TestServersThatDoNotAgreeWhoIsPrimarySaySo(t *testing.T) {
	for i, role := range []Role{Primary, Secondary, Secondary} {
		timer := []time.Duration{30 * time.Second, 30 * time.Second, 3 * time.Second}[i]
		x := newTalk(t, role, Lessor, func(cfg *Config, r *Record) {
			cfg.Parts, cfg.Store = PartsOf([]Part{saying("group.failover.primary", "west", true)}), [16]byte{7}
			cfg.ReceiveTimer = timer
			r.State, r.Lost = CommunicationsInterrupted, false
		})
		x.after(6 * time.Second)
		x.step(LinkUp{})
		h := lessorHello(x.n)
		h.Parts = PartsOf([]Part{saying("group.failover.primary", "east", true)}).Told()
		x.after(min(5*time.Second, timer/2))
		if said := x.says(); !strings.Contains(said, "CONNECT") {
			t.Errorf("%v says %q", role, said)
		}
		if role == Primary {
			x.hears(Connect{h})
		} else {
			x.answers(0, ConnectAck{Hello: h, Reason: Miscellaneous, Text: "no"})
		}
		if !strings.Contains(x.shut, "group.failover.primary (west here, east there)") {
			t.Errorf("%v closed: %q", role, x.shut)
		}
		x.mustBe(CommunicationsInterrupted)
	}
}

// A secondary's word out of turn changes nothing where the two agree.
func TestAGreetingOutOfTurnIsIgnored(t *testing.T) {
	x := newTalk(t, Primary, Lessor, func(cfg *Config, r *Record) { cfg.Store = [16]byte{7} })
	x.step(LinkUp{})
	h := lessorHello(x.n)
	x.hears(Connect{h})
	if x.shut != "" || x.n.ep.Status(x.now).Connected {
		t.Errorf("closed: %q", x.shut)
	}
	x.answers(0, ConnectAck{Hello: h})
	if !x.n.ep.Status(x.now).Connected {
		t.Errorf("the answer is not taken: %q", x.shut)
	}
}

// Two configurations that differ are compared once, not at each of the greetings that follow.
func BenchmarkCompareVeryManyParts(b *testing.B) {
	all := manyParts(200_000)
	other := slices.Clone(all)
	other[7] = saying(other[7].Name, "x", other[7].Vital)
	here, told := PartsOf(all), PartsOf(other).Told()
	b.ReportAllocs()
	for b.Loop() {
		if _, others := here.Compare(&told); len(others.Parts) != 1 {
			b.Fatal(others)
		}
	}
}

// FuzzCompare: whatever a partner tells, the comparison ends, says something wherever the sums differ, and says it in bounds.
func FuzzCompare(f *testing.F) {
	few, many := PartsOf(manyParts(40)), PartsOf(manyParts(2000))
	f.Add(many.Told().Vital.Sketch, uint32(1000), byte(1))
	f.Add([]byte{1, 2, 3}, uint32(2), byte(0))
	f.Fuzz(func(t *testing.T, b []byte, count uint32, first byte) {
		told := Told{Vital: Summary{Count: int(count), Digest: binding.Digest{first}, Sketch: b}}
		for i := range min(len(b)/2, 100) {
			told.Other.Parts = append(told.Other.Parts, Part{Name: string(b[i : 2*i]), Digest: binding.Digest{b[i], b[2*i]}, Says: string(b[:i])})
		}
		told.Other.Count = len(told.Other.Parts) - int(first&1)
		for _, p := range []*Parts{nil, few, many} {
			vital, others := p.Compare(&told)
			if vital.None() != (p.Told().Vital.Count == told.Vital.Count && p.Told().Vital.Digest == told.Vital.Digest) {
				t.Error("nothing differs, though the sums do")
			}
			for _, d := range []Difference{vital, others} {
				if n := len(d.Lines(8)); n > 9 || d.Unnamed < 0 || len(d.Parts) > 2000+len(b)+rows*width {
					t.Errorf("%d lines, %d parts, %d unnamed", n, len(d.Parts), d.Unnamed)
				}
			}
		}
	})
}
