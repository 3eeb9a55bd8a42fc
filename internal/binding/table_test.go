package binding

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// newRandom returns a source of random numbers, and says with which seed if the test fails.
func newRandom(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// tableModel is a Table as anybody would write it.
type tableModel struct {
	bindings map[netip.Prefix]Binding
	due      map[netip.Prefix]time.Time
}

func cloneBinding(b Binding) Binding {
	b.Client.ID, b.Facts.Own, b.Past = slices.Clone(b.Client.ID), slices.Clone(b.Facts.Own), slices.Clone(b.Past)
	return b
}

func sameBlob(a, b *Blob) bool {
	return (a == nil) == (b == nil) && (a == nil || string(a.Bytes) == string(b.Bytes))
}

// diff says in what a and b differ, empty for nothing.
func diff(a, b *Binding) string {
	switch {
	case a.Prefix != b.Prefix:
		return "prefix"
	case a.State != b.State || a.Cause != b.Cause:
		return "state"
	case string(a.Client.ID) != string(b.Client.ID) || a.Client.Hardware != b.Client.Hardware:
		return "client"
	case !a.Starts.Equal(b.Starts) || !a.Expires.Equal(b.Expires) || !a.CLTT.Equal(b.CLTT) || !a.Changed.Equal(b.Changed):
		return "times"
	case !a.Sync.Potential.Equal(b.Sync.Potential) || !a.Sync.Acked.Equal(b.Sync.Acked) || a.Sync.Ours != b.Sync.Ours ||
		a.Sync.Theirs != b.Sync.Theirs || a.Sync.Marks != b.Sync.Marks:
		return "sync"
	case a.Owner != b.Owner || a.Home != b.Home || a.Version != b.Version:
		return "origin"
	case string(a.Facts.Own) != string(b.Facts.Own):
		return "own facts"
	case string(a.Past) != string(b.Past):
		return "past"
	case !sameBlob(a.Facts.Shared, b.Facts.Shared) || !sameBlob(a.Result, b.Result) || !sameBlob(a.Reasons, b.Reasons):
		return "blobs"
	}
	return ""
}

func randomPrefix(r *rand.Rand) netip.Prefix {
	switch r.IntN(8) {
	case 0:
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(r.IntN(20))}), 128)
	case 1:
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 6: byte(r.IntN(20))}), 56).Masked()
	case 2: // the same octets as an IPv4 address
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: 10, 15: byte(r.IntN(20))}), 128)
	case 3:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(3)), 0}), 24+r.IntN(8)).Masked()
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(2)), byte(r.IntN(30))}), 32)
}

func randomClient(r *rand.Rand) Client {
	var c Client
	n := byte(r.IntN(12))
	if r.IntN(10) > 0 {
		c.Hardware = HardwareOf(uint8(1+r.IntN(2)), []byte{2, 0, 0, 0, 0, n}[r.IntN(2):])
	}
	switch r.IntN(4) {
	case 0:
		c.ID = []byte{1, 2, n}
	case 1:
		c.ID = append(make([]byte, 254), n)
	}
	return c
}

func randomBlob(r *rand.Rand, t *Table) *Blob {
	content := fmt.Appendf(nil, "blob %d", r.IntN(20))
	switch r.IntN(4) {
	case 0:
		return nil
	case 1:
		return NewBlob(content)
	}
	return t.Intern(content)
}

var epoch = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func randomTime(r *rand.Rand) time.Time {
	switch r.IntN(6) {
	case 0:
		return time.Time{}
	case 1:
		return Forever
	case 2:
		return time.Date(2200, 1, 1, 0, 0, r.IntN(5), 0, time.UTC)
	}
	return epoch.Add(time.Duration(r.IntN(40)) * time.Second)
}

func randomBinding(r *rand.Rand, t *Table) Binding {
	b := Binding{
		Prefix: randomPrefix(r), State: State(1 + r.IntN(5)), Cause: Cause(r.IntN(12)), Client: randomClient(r),
		Starts: randomTime(r), Expires: randomTime(r), CLTT: randomTime(r), Changed: randomTime(r),
		Owner: Member([]string{"", "a", "b"}[r.IntN(3)]), Home: Member([]string{"", "a", "b"}[r.IntN(3)]),
		Version: Digest{byte(r.IntN(4))},
		Sync:    Sync{Potential: randomTime(r), Acked: randomTime(r), Ours: Sequence(r.Uint64()), Theirs: Sequence(r.Uint64()), Marks: Marks(r.IntN(16))},
		Result:  randomBlob(r, t), Reasons: randomBlob(r, t),
	}
	b.Facts.Shared = randomBlob(r, t)
	if n := []int{0, 10, 40, 300, MaxFacts}[r.IntN(5)]; n > 0 {
		b.Facts.Own = make([]byte, n)
		for i := range b.Facts.Own {
			b.Facts.Own[i] = byte(r.Uint32())
		}
	}
	if r.IntN(4) == 0 {
		b.Past = slices.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN(MaxPast))
	}
	return b
}

func TestTableAgreesWithAMapUnderRandomHistories(t *testing.T) {
	r := newRandom(t)
	table := NewTable()
	model := tableModel{map[netip.Prefix]Binding{}, map[netip.Prefix]time.Time{}}
	for step := range 30000 {
		switch r.IntN(12) {
		case 0, 1:
			p := randomPrefix(r)
			table.Delete(p)
			delete(model.bindings, p)
			delete(model.due, p)
		case 2:
			table.Sweep(r.IntN(10))
		case 3, 4: // a change of what the table itself returned
			b, ok := table.Get(randomPrefix(r))
			if !ok {
				continue
			}
			b.CLTT = randomTime(r)
			switch r.IntN(3) {
			case 0:
				b.Client.ID = b.Facts.Own[:min(len(b.Facts.Own), MaxClientID)]
			case 1:
				b.Facts.Own = b.Client.ID
			}
			kept := cloneBinding(b)
			due := randomTime(r)
			table.Put(b, due)
			model.bindings[b.Prefix], model.due[b.Prefix] = kept, due
		default:
			b, due := randomBinding(r, table), randomTime(r)
			table.Put(b, due)
			model.bindings[b.Prefix], model.due[b.Prefix] = cloneBinding(b), due
		}
		if step%16 == 0 {
			compare(t, r, table, &model)
		}
		if t.Failed() {
			t.Fatalf("step %d", step)
		}
	}
}

func compare(t *testing.T, r *rand.Rand, table *Table, model *tableModel) {
	t.Helper()
	if table.Len() != len(model.bindings) {
		t.Errorf("Len %d, want %d", table.Len(), len(model.bindings))
	}
	for p, want := range model.bindings {
		got, ok := table.Get(p)
		if d := diff(&got, &want); !ok || d != "" {
			t.Errorf("Get(%v): found %v; differs in: %s\n got %+v\nwant %+v", p, ok, d, got, want)
		}
		if state, since := table.State(p); state != want.State || !since.Equal(want.Changed) {
			t.Errorf("State(%v) = %v, %v", p, state, since)
		}
	}
	if p := randomPrefix(r); model.bindings[p].State == 0 {
		if _, ok := table.Get(p); ok {
			t.Errorf("Get(%v) found what is not there", p)
		}
	}
	compareClient(t, table, model, randomClient(r))
	compareDue(t, table, model)
	compareScan(t, r, table, model)
	compareOrder(t, r, table, model)
	compareBlobs(t, table, model)
}

func compareClient(t *testing.T, table *Table, model *tableModel, c Client) {
	t.Helper()
	want := 0
	for _, b := range model.bindings {
		if b.Client.Is(&c) {
			want++
		}
	}
	seen := map[netip.Prefix]bool{}
	for cur := table.ByClient(&c); ; {
		b, ok := table.Next(&cur)
		if !ok {
			break
		}
		if !b.Client.Is(&c) || seen[b.Prefix] {
			t.Errorf("ByClient(%v) has %v of %v, seen %v", &c, b.Prefix, &b.Client, seen[b.Prefix])
		}
		seen[b.Prefix] = true
	}
	if len(seen) != want {
		t.Errorf("ByClient(%v) has %d bindings, want %d", &c, len(seen), want)
	}
}

func compareDue(t *testing.T, table *Table, model *tableModel) {
	t.Helper()
	var first time.Time
	for _, at := range model.due {
		if !at.IsZero() && at.Before(Forever) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	next, ok := table.NextDue()
	if ok == first.IsZero() || ok && !next.Equal(first) {
		t.Errorf("NextDue %v, %v; want %v", next, ok, first)
	}
	if first.IsZero() {
		return
	}
	if b, ok := table.Due(first.Add(-time.Second)); ok {
		t.Errorf("Due before its time: %v", b.Prefix)
	}
	if b, ok := table.Due(first.Add(999 * time.Millisecond)); !ok || !model.due[b.Prefix].Equal(first) {
		t.Errorf("Due(%v): %v, due %v", first, ok, model.due[b.Prefix])
	}
}

func compareScan(t *testing.T, r *rand.Rand, table *Table, model *tableModel) {
	t.Helper()
	seen := map[netip.Prefix]bool{}
	for from, done := uint64(0), false; !done; {
		from, done = table.Scan(from, 1+r.IntN(50), func(b *Binding) bool {
			want := model.bindings[b.Prefix]
			if d := diff(b, &want); d != "" || seen[b.Prefix] {
				t.Errorf("Scan: %v differs in %q, seen %v", b.Prefix, d, seen[b.Prefix])
			}
			seen[b.Prefix] = true
			return r.IntN(20) > 0
		})
	}
	if len(seen) != len(model.bindings) {
		t.Errorf("Scan visited %d of %d", len(seen), len(model.bindings))
	}
}

func compareBlobs(t *testing.T, table *Table, model *tableModel) {
	t.Helper()
	used := map[string]bool{}
	for _, b := range model.bindings {
		for _, x := range []*Blob{b.Facts.Shared, b.Result, b.Reasons} {
			if x != nil {
				used[string(x.Bytes)] = true
			}
		}
	}
	if known, idle := table.Blobs(); known-idle != len(used) {
		t.Errorf("%d blobs are referred to, want %d", known-idle, len(used))
	}
}

func TestClientsBindingHeardLastComesFirst(t *testing.T) {
	table := NewTable()
	c := Client{Hardware: HardwareOf(1, []byte{2, 0, 0, 0, 0, 1})}
	at := func(n byte) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 32) }
	for n := range byte(3) {
		table.Put(Binding{Prefix: at(n), State: Active, Client: c, CLTT: epoch.Add(time.Duration(n) * time.Second)}, time.Time{})
	}
	table.Put(Binding{Prefix: at(1), State: Active, Client: c, CLTT: epoch.Add(time.Minute)}, time.Time{})
	table.Put(Binding{Prefix: at(0), State: Expired, Client: c, CLTT: epoch}, time.Time{}) // not heard of
	var got []netip.Prefix
	for cur := table.ByClient(&c); ; {
		b, ok := table.Next(&cur)
		if !ok {
			break
		}
		got = append(got, b.Prefix)
		table.Delete(b.Prefix) // allowed: the cursor has moved on
	}
	if want := []netip.Prefix{at(1), at(2), at(0)}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if table.Len() != 0 {
		t.Errorf("%d bindings left", table.Len())
	}
}

func TestWhatIsTooLongIsNotKept(t *testing.T) {
	table := NewTable()
	long := Client{ID: make([]byte, MaxClientID+1), Hardware: HardwareOf(1, []byte{1, 2, 3, 4, 5, 6})}
	p := netip.MustParsePrefix("10.0.0.1/32")
	table.Put(Binding{Prefix: p, State: Active, Client: long, Facts: StoredFacts{Own: make([]byte, MaxFacts+1)}}, time.Time{})
	b, _ := table.Get(p)
	if b.Client.ID != nil || b.Client.Hardware != long.Hardware || b.Facts.Own != nil || b.Holds(&long) {
		t.Errorf("kept %+v", b)
	}
	if cur := table.ByClient(&long); cur != (Cursor{}) {
		t.Error("found by an identifier that cannot be kept")
	}
}

func TestTimesSurviveUntilForever(t *testing.T) {
	for _, c := range []struct{ in, want time.Time }{
		{time.Time{}, time.Time{}},
		{Forever, Forever},
		{Forever.Add(time.Hour), Forever},
		{time.Unix(0, 0), time.Unix(0, 0)},
		{time.Unix(-5, 0), time.Unix(0, 0)},
		{time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC), time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC)},
		{epoch.Add(1500 * time.Millisecond), epoch.Add(time.Second)},
	} {
		if got := stampOf(c.in).time(); !got.Equal(c.want) || got.IsZero() != c.want.IsZero() {
			t.Errorf("%v became %v, want %v", c.in, got, c.want)
		}
	}
	if got := stampOf(Forever).time(); got != Forever {
		t.Errorf("Forever is not comparable: %#v", got)
	}
	if got := dueStamp(epoch.Add(time.Millisecond)).time(); !got.Equal(epoch.Add(time.Second)) {
		t.Errorf("due early, at %v", got)
	}
}

func TestMillionsDueAtOnceComeInOrder(t *testing.T) {
	table := NewTable()
	const n = 100000
	for i := range n {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		table.Put(Binding{Prefix: netip.PrefixFrom(a, 32), State: Active}, epoch.Add(time.Duration(i*7919%1000)*time.Second))
	}
	last, now := time.Time{}, epoch.Add(time.Hour)
	for count := 0; ; count++ {
		next, _ := table.NextDue()
		b, ok := table.Due(now)
		if !ok {
			if count != n {
				t.Fatalf("%d were due", count)
			}
			return
		}
		if next.Before(last) {
			t.Fatalf("%v after %v", next, last)
		}
		last = next
		b.State = Expired
		table.Put(b, time.Time{})
	}
}
