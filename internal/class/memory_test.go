package class

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"
)

// octetsOf returns how much memory m has taken beside its fixed part.
func octetsOf(m *Memory) int {
	n := cap(m.recent.octets) + cap(m.frequent.octets) + cap(m.key) + cap(m.value)
	n += (cap(m.recent.slots) + cap(m.frequent.slots)) * int(unsafe.Sizeof(slot{}))
	for _, r := range m.reasons {
		n += len(r)
	}
	return n
}

// A flood of strangers neither makes the memory grow nor pushes out those who come often.
func TestAFloodOfStrangersIsBounded(t *testing.T) {
	texts := append(classes(12, "cel"), `hardware.matches("7$")`, `circuit_id.size() > 3 && option[93][1] == 5`)
	set := setOf(t, texts)
	m := &Memory{}
	known := phone()
	want, _ := set.Members(known, m, nil)
	var dst []uint32
	for range frequentUses {
		set.Members(known, m, nil)
	}
	other := phone()
	for i := range uint64(40_000) {
		stranger(other, i)
		set.Members(other, m, nil)
		if i%4000 == 0 {
			if allocs := testing.AllocsPerRun(1, func() { dst, _ = set.Members(known, m, dst[:0]) }); allocs > 0 {
				t.Fatalf("after %d strangers a known client costs %v allocations", i, allocs)
			}
			if fmt.Sprint(dst) != fmt.Sprint(want) {
				t.Fatalf("%v and not %v", dst, want)
			}
		}
	}
	if n := octetsOf(m); n > 4<<20 || n < recentOctets {
		t.Errorf("the memory takes %d octets", n)
	}
	if m.recent.head < 2*recentOctets {
		t.Errorf("only %d octets were written: the flood is too small", m.recent.head)
	}
}

func TestMembersDoNotAllocate(t *testing.T) {
	for _, x := range []struct {
		what  string
		texts []string
		cold  float64 // allocations an expression for a client that was never seen
	}{
		{"simple", classes(20, "simple"), 0},
		{"many simple", classes(500, "simple"), 0},
		{"folded", []string{`vendor_class.lowerAscii().startsWith("phone")`, `host_name.upperAscii() == "X"`}, 0},
		{"cel", classes(20, "cel"), 2},
		{"many cel", classes(500, "cel"), 2},
		{"mixed", []string{`vendor_class.startsWith("Fax") && user_classes.exists(c, c == "x")`, `known || option[93].exists(a, a == 7)`}, 2},
		{"malformed", []string{`option[93] == 7`, `option[26] == 5`, `fqdn == "x"`, `option[93].exists(a, a == 1)`}, 16},
	} {
		set := setOf(t, x.texts)
		m := &Memory{}
		c := phone()
		if x.what == "malformed" {
			for _, code := range []uint16{93, 26, 81} {
				c.Options.(sent)[code] = []byte{1, 2, 3}[:3-code%2]
			}
			c.Options.(sent)[93] = []byte{1, 2, 3}
		}
		dst := make([]uint32, 0, 500)
		members := func() { dst, _ = set.Members(c, m, dst[:0]) }
		members()
		if n := testing.AllocsPerRun(100, members); n > 0 {
			t.Errorf("%s: %v allocations for a client that is remembered", x.what, n)
		}
		strangers := make([]*Client, 101)
		for i := range strangers {
			strangers[i] = phone()
			stranger(strangers[i], uint64(i))
		}
		i := 0
		n := testing.AllocsPerRun(100, func() { // the memory grows now and then, which is not the expressions'
			c = strangers[i]
			i++
			members()
		})
		if n > x.cold*float64(len(x.texts))+1 {
			t.Errorf("%s: %v allocations for a client that is not", x.what, n)
		}
	}
}

// A match of several expressions is remembered as they are.
func TestJoinedExpressionsAreRemembered(t *testing.T) {
	set := NewSet([]*Match{All(compile(t, `vendor_class.size() > 3`), compile(t, `user_classes.exists(c, c == "lab")`)), All(compile(t, `option[93][7] == 1`))})
	m := &Memory{}
	var dst []uint32
	var failed []Failure
	members := func() { dst, failed = set.Members(phoneOnce, m, dst[:0]) }
	members()
	if n := testing.AllocsPerRun(100, members); n > 0 || len(dst) != 1 || len(failed) != 1 || failed[0].Err == "" {
		t.Errorf("%v allocations, %v, %v", n, dst, failed)
	}
}

var phoneOnce = phone()

// A client cannot get what is remembered of another, however alike they are made.
func TestKeysAreToldApart(t *testing.T) {
	texts := []string{`vendor_class.matches("^a") && user_class.matches("^b")`, `relay[1].matches("x") || relay[2].matches("y")`, `hardware.matches("^02:00") && client_id.matches("02$")`}
	set := setOf(t, texts)
	m := &Memory{}
	pairs := [][2]string{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a\x00\x01b", ""}, {"a\x00", "\x01b"}, {"b", "a"}, {"a", ""}, {"a\x01\x00\x01b", "b"}}
	for range 3 {
		for _, p := range pairs {
			for _, q := range pairs {
				c := &Client{Options: sent{60: []byte(p[0]), 77: []byte(p[1])}}
				c.Relay = append(append([]byte{1, byte(len(q[0]))}, q[0]...), append([]byte{2, byte(len(q[1]))}, q[1]...)...)
				got, failed := set.Members(c, m, nil)
				var fresh Memory
				want, broken := set.Members(c, &fresh, nil)
				if fmt.Sprint(got, failed) != fmt.Sprint(want, broken) {
					t.Fatalf("%q %q: %v %v, and not %v %v", p, q, got, failed, want, broken)
				}
			}
		}
	}
}

// An option that is absent is told from an empty one.
func TestAbsentIsNotEmpty(t *testing.T) {
	set := setOf(t, []string{`option[77] == null || [option[93]].size() > 1`})
	m := &Memory{}
	for range 2 {
		for want, c := range []*Client{{Options: sent{77: {}}}, {Options: sent{}}} {
			if got, _ := set.Members(c, m, nil); len(got) != want {
				t.Errorf("%v", got)
			}
		}
	}
}

func TestAMemoryIsOfOneSet(t *testing.T) {
	a, b := setOf(t, []string{`vendor_class.size() > 3`}), setOf(t, []string{`vendor_class.size() > 30`, `known`})
	m := &Memory{}
	for range 3 {
		if got, _ := a.Members(phone(), m, nil); len(got) != 1 {
			t.Errorf("%v", got)
		}
		if got, _ := b.Members(phone(), m, nil); len(got) != 0 {
			t.Errorf("%v", got)
		}
	}
}

// What is too long for a key is evaluated each time, and right.
func TestLongValuesAreNotRemembered(t *testing.T) {
	set := setOf(t, []string{`vendor_class.endsWith("!") && vendor_class.size() > 600`, `size(option) > 0 && vendor_class.endsWith("?")`})
	m := &Memory{}
	for _, end := range []string{"!", "?", "!", "?"} {
		c := &Client{Options: sent{60: []byte(strings.Repeat("a", 700) + end)}}
		if got, _ := set.Members(c, m, nil); len(got) != 1 || (got[0] == 0) != (end == "!") {
			t.Errorf("%s: %v", end, got)
		}
	}
	if m.recent.head != 0 {
		t.Error("a key of 700 octets is remembered")
	}
}

// There is room for so many reasons only; then failures are still told, and in the same words twice.
func TestReasonsAreBounded(t *testing.T) {
	set := setOf(t, []string{`{"a": 1}[vendor_class] == 1`})
	m := &Memory{}
	for i := range 3 * maxReasons {
		c := &Client{Options: sent{60: fmt.Appendf(nil, "x%d", i)}}
		_, failed := set.Members(c, m, nil)
		if len(failed) != 1 || failed[0].Err == "" {
			t.Fatalf("%v", failed)
		}
		first := failed[0]
		if _, again := set.Members(c, m, nil); len(again) != 1 || again[0] != first {
			t.Errorf("%v, then %v", first, again)
		}
	}
	if len(m.reasons) != maxReasons {
		t.Errorf("%d reasons", len(m.reasons))
	}
}

// The ring finds what it holds, and nothing else, however often it went round.
func TestTheRingFindsWhatItHolds(t *testing.T) {
	r := seeded(t)
	g := ring{most: 64 << 10}
	type kept struct{ key, value string }
	var order []kept
	for i := range 20_000 {
		k := kept{fmt.Sprintf("key %d %s", i, strings.Repeat("k", r.IntN(40))), strings.Repeat(fmt.Sprint(i%10), r.IntN(60))}
		hash := r.Uint64N(512)<<32 | uint64(i%3) // many alike
		if e := g.put(hash, []byte(k.key), []byte(k.value)); string(e.key()) != k.key || string(e.value()) != k.value {
			t.Fatalf("%q %q", e.key(), e.value())
		}
		order = append(order, k)
		if e, _, ok := g.find(hash, []byte(k.key)); !ok || string(e.value()) != k.value {
			t.Fatalf("entry %d is not found", i)
		}
		for _, s := range g.set(hash) { // every name that is held leads to what was put
			if !g.holds(s) {
				continue
			}
			e := g.at(s.position - 1)
			var n int
			fmt.Sscanf(string(e.key()), "key %d", &n)
			if order[n].key != string(e.key()) || order[n].value != string(e.value()) {
				t.Fatalf("%q leads to %q", e.key(), e.value())
			}
		}
	}
	if len(g.octets) != 64<<10 || g.head < 10*64<<10 {
		t.Errorf("%d octets, head %d", len(g.octets), g.head)
	}
}
