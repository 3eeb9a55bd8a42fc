package version

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
)

func at(seconds int64) time.Time { return time.Unix(1_795_000_000+seconds, 0).UTC() }

func root(t testing.TB, src string) *Version {
	t.Helper()
	v, err := Root(parsed(t, src))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func child(t testing.TB, src string, seconds int64, parents ...ID) *Version {
	t.Helper()
	v, err := Child(parsed(t, src), By{Author: "ann", Member: "west", Comment: "a change", Time: at(seconds)}, parents...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEqualFilesGiveEqualRoots(t *testing.T) {
	a := root(t, campus)
	b := root(t, strings.Replace(campus, "name: west}", "name: east, data: /tmp}", 1)+"# a comment\n")
	if a.ID() != b.ID() {
		t.Errorf("roots %v and %v", a.ID(), b.ID())
	}
	if other := root(t, strings.Replace(campus, "00:07", "00:0c", 1)); other.ID() == a.ID() {
		t.Error("another document gives the same root")
	}
}

// TestNamesDoNotChangeBetweenReleases holds the layout still that names are made of.
func TestNamesDoNotChangeBetweenReleases(t *testing.T) {
	r := root(t, campus)
	c := child(t, strings.Replace(campus, "00:07", "00:0c", 1), 1, r.ID())
	const want = "9be6812bb11cf15ffe9c7f46dadcfeb6 00a45c0f150c04e89fe5dbb95ea67b7b"
	if got := r.ID().String() + " " + c.ID().String(); got != want {
		t.Errorf("names %s, want %s", got, want)
	}
}

func TestEverythingIsInTheName(t *testing.T) {
	r := root(t, campus)
	seen := map[ID]string{}
	for name, change := range map[string]func(*Version){
		"nothing": func(*Version) {}, "author": func(v *Version) { v.Author = "bob" }, "member": func(v *Version) { v.Member = "east" },
		"comment": func(v *Version) { v.Comment = "" }, "time": func(v *Version) { v.Time = at(9) }, "parent": func(v *Version) { v.Parents = []ID{{1}} },
		"parents": func(v *Version) { v.Parents = append(v.Parents, ID{0xff}) }, "format": func(v *Version) { v.Format = 2 },
		"meaning": func(v *Version) { v.Meaning[0]++ }, "content": func(v *Version) { v.Content[31]++ },
		"author and member": func(v *Version) { v.Author, v.Member = "annwe", "st" },
	} {
		v := child(t, campus, 1, r.ID())
		change(v)
		if other, ok := seen[v.ID()]; ok {
			t.Errorf("%s and %s have one name", name, other)
		}
		seen[v.ID()] = name
	}
	with, without := child(t, campus, 1, r.ID()), child(t, campus, 1, r.ID())
	without.Source = nil
	if with.Source == nil || with.ID() != without.ID() {
		t.Error("the source is in the name, or is not kept")
	}
}

func TestDecodeGivesBackWhatWasAppended(t *testing.T) {
	r := root(t, campus)
	c := child(t, strings.Replace(campus, "00:07", "00:0c", 1), 1, r.ID())
	header := *c
	header.Document, header.Source = nil, nil
	for _, v := range []*Version{r, c, child(t, campus, 2, c.ID(), r.ID()), &header} {
		got, err := Decode(v.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Append(nil), v.Append(nil)) || fmt.Sprint(got.By, got.Parents) != fmt.Sprint(v.By, v.Parents) || got.ID() != v.ID() {
			t.Errorf("got %+v, want %+v", got, v)
		}
		if d, err := got.Open(); (err == nil) != (v.Document != nil) || err == nil && d.Digest != v.Meaning {
			t.Errorf("opened: %v", err)
		}
	}
}

func TestWhatIsNoVersionIsRefused(t *testing.T) {
	r := root(t, campus)
	c := child(t, strings.Replace(campus, "00:07", "00:0c", 1), 1, r.ID())
	for _, x := range []struct {
		why    string
		change func(v *Version) []byte
		want   string
	}{
		{"cut short", func(v *Version) []byte { b := v.Append(nil); return b[:len(b)-1] }, "cut short"},
		{"empty", func(v *Version) []byte { return nil }, "cut short"},
		{"something follows", func(v *Version) []byte { return append(v.Append(nil), 0) }, "follow"},
		{"another document", func(v *Version) []byte { v.Document = r.Document; return v.Append(nil) }, "damaged or forged"},
		{"a later encoding", func(v *Version) []byte { b := v.Append(nil); b[0] = 2; return b }, "later release"},
		{"three parents", func(v *Version) []byte { v.Parents = []ID{{1}, {2}, {3}}; return v.Append(nil) }, "parents"},
		{"equal parents", func(v *Version) []byte { v.Parents = []ID{{1}, {1}}; return v.Append(nil) }, "ascending"},
		{"a parent without a name", func(v *Version) []byte { v.Parents = []ID{{}}; return v.Append(nil) }, "no name"},
		{"a root with an author", func(v *Version) []byte { v.Parents = nil; return v.Append(nil) }, "root"},
		{"a terminal's escape", func(v *Version) []byte { v.Comment = "\x1b[2J"; return v.Append(nil) }, "printed"},
		{"a long comment", func(v *Version) []byte { v.Comment = strings.Repeat("x", MaxComment+1); return v.Append(nil) }, "at most"},
		{"a far time", func(v *Version) []byte { v.Time = time.Unix(1<<38-1, 0); return v.Append(nil) }, "time"},
		{"format 0", func(v *Version) []byte { v.Format = 0; return v.Append(nil) }, "format"},
	} {
		v := *c
		if _, err := Decode(x.change(&v)); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: error %v", x.why, err)
		}
	}
}

func TestAVersionThatALaterReleaseMadeIsKeptAndNotRead(t *testing.T) {
	v := child(t, campus, 1, ID{1})
	v.Format = Format + 1
	got, err := Decode(v.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := got.Open(); !errors.Is(err, ErrNewer) {
		t.Errorf("error %v", err)
	}
}

func TestAVersionThatSaysSomethingElseThanItsDocumentIsNotRead(t *testing.T) {
	v := child(t, campus, 1, ID{1})
	v.Meaning = binding.Digest{1}
	if _, err := v.Open(); err == nil || !strings.Contains(err.Error(), "digest") {
		t.Errorf("error %v", err)
	}
}

func TestCommentsAreKept(t *testing.T) {
	const src = "# the campus\n\nserver:\n  name: west # this one\n  # here\n\n# the networks\nnetworks: {n: {subnets: {10.0.0.0/24: }}} # one\n"
	v := root(t, src)
	if got, want := string(v.Written()), "# the campus\n\n\n# the networks\nnetworks: {n: {subnets: {10.0.0.0/24: }}} # one\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	v.Source = []byte("networks: {m: {subnets: {10.0.0.0/24: }}}\n")
	if !bytes.Equal(v.Written(), v.Document) {
		t.Error("a source that says something else is shown")
	}
	flow := root(t, "{server: {name: west}, networks: {n: {subnets: {10.0.0.0/24: }}}}")
	if strings.Contains(string(flow.Written()), "west") {
		t.Errorf("the machine's own part is in\n%s", flow.Written())
	}
}

// graph builds a history of versions by the numbers of their parents.
func graph(t *testing.T, parents ...[]int) (*History, []ID) {
	t.Helper()
	h := &History{}
	var ids []ID
	for i, ps := range parents {
		v := root(t, campus)
		if len(ps) > 0 {
			of := make([]ID, len(ps))
			for j, p := range ps {
				of[j] = ids[p]
			}
			slices.SortFunc(of, ID.Compare)
			c := *v
			c.Parents, c.By = of, By{Author: fmt.Sprint(i), Time: at(int64(i))}
			v = &c
		}
		id, err := h.Add(v)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return h, ids
}

func TestQuestionsOfRandomHistories(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	crossed := 0
	for range 60 {
		parents := [][]int{nil}
		n := 4 + r.IntN(14)
		for i := 1; i < n; i++ {
			p := []int{r.IntN(i)}
			if q := r.IntN(i); q != p[0] && r.IntN(2) == 0 {
				p = append(p, q)
			}
			parents = append(parents, p)
		}
		h, ids := graph(t, parents...)
		// above[i] are i and all that it comes from.
		above := make([]map[int]bool, len(ids))
		for i, ps := range parents {
			above[i] = map[int]bool{i: true}
			for _, p := range ps {
				for a := range above[p] {
					above[i][a] = true
				}
			}
		}
		for i := range ids {
			for j := range ids {
				if got := h.Descends(ids[i], ids[j]); got != above[i][j] {
					t.Fatalf("%v: does %d descend from %d: %v", parents, i, j, got)
				}
				var want []ID
				for c := range ids {
					best := above[i][c] && above[j][c]
					for d := range ids {
						best = best && (d == c || !above[i][d] || !above[j][d] || !above[d][c])
					}
					if best {
						want = append(want, ids[c])
					}
				}
				slices.SortFunc(want, ID.Compare)
				if got := h.Bases(ids[i], ids[j]); !slices.Equal(got, want) {
					t.Fatalf("%v: bases of %d and %d: %v, want %v", parents, i, j, got, want)
				}
				if len(want) > 1 {
					crossed++
				}
				missing := h.Missing(ids[i], ids[j])
				for n, id := range missing {
					k := slices.Index(ids, id)
					if above[i][k] || !above[j][k] {
						t.Fatalf("%v: %d is missing from %d for %d", parents, k, i, j)
					}
					for _, p := range parents[k] {
						if !above[i][p] && !slices.Contains(missing[:n], ids[p]) {
							t.Fatalf("%v: %d stands before its parent %d", parents, k, p)
						}
					}
				}
			}
			log := h.Log(ids[i], 1000)
			if len(log) != len(above[i]) || log[0] != ids[i] {
				t.Fatalf("%v: the log of %d has %d of %d versions", parents, i, len(log), len(above[i]))
			}
		}
	}
	if crossed == 0 {
		t.Error("no branches were merged crosswise")
	}
}

func TestAnIncompleteOrForgedHistoryIsRefused(t *testing.T) {
	r := root(t, campus)
	c := child(t, campus, 1, r.ID())
	d := child(t, campus, 2, c.ID())
	other := root(t, strings.Replace(campus, "00:07", "00:0c", 1))
	encode := func(all ...*Version) (records [][]byte) {
		for _, v := range all {
			records = append(records, v.Append(nil))
		}
		return records
	}
	forged := encode(r, c, d)
	forged[1][len(forged[1])/2]++
	for _, x := range []struct {
		why     string
		records [][]byte
		want    string
	}{
		{"a parent is missing", encode(r, d), "not in the history"},
		{"no root", encode(d), "not in the history"},
		{"no head", encode(r, c), "the head"},
		{"two roots", encode(r, other, c, d), "second root"},
		{"a changed octet", forged, "version 2 of 3"},
		{"a cut record", [][]byte{r.Append(nil)[:40]}, "cut short"},
	} {
		if _, err := Load(x.records, d.ID()); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: error %v", x.why, err)
		}
	}
	h, err := Load(encode(r, c, d, d), d.ID())
	if err != nil || h.Len() != 3 || h.Root() != r.ID() || len(h.Of(c.Meaning)) != 3 {
		t.Errorf("a history of %d: %v", h.Len(), err)
	}
	if h.Release(c.ID()); h.Get(c.ID()).Document != nil || h.Get(c.ID()).ID() != c.ID() || c.Document == nil {
		t.Error("not released, or another")
	}
	if h.Add(c); h.Get(c.ID()).Document == nil {
		t.Error("a document does not come back")
	}
	h.Drop(c.ID()) // d comes from it
	if h.Drop(d.ID()); h.Get(c.ID()) == nil || h.Get(d.ID()) != nil || len(h.Of(c.Meaning)) != 2 {
		t.Error("not dropped, or more than that")
	}
	if _, err := h.Add(other); !errors.Is(err, ErrUnrelated) {
		t.Errorf("error %v", err)
	}
}

// opener opens the documents of a history.
func opener(h *History) func(ID) (*config.Document, error) {
	return func(id ID) (*config.Document, error) { return h.Get(id).Open() }
}

func TestBothSidesComputeTheSameMerge(t *testing.T) {
	r := root(t, campus)
	a := child(t, strings.Replace(campus, "[198.51.100.1]", "[198.51.100.2]", 1), 1, r.ID())
	b := child(t, strings.Replace(campus, "corp.example", "lab.example", 1), 2, r.ID())
	b.Author = "bob"
	var names []ID
	for _, order := range [][]*Version{{r, a, b}, {r, b, a}} {
		h := &History{}
		for _, v := range order {
			if _, err := h.Add(v); err != nil {
				t.Fatal(err)
			}
		}
		for _, heads := range [][2]ID{{a.ID(), b.ID()}, {b.ID(), a.ID()}} {
			j, err := h.Join(heads[0], heads[1], opener(h))
			if err != nil || j.Merge == nil || !j.Merge.IsMerge() {
				t.Fatalf("%+v: %v", j, err)
			}
			names = append(names, j.Head)
			if j.Merge.Author != "ann and bob" || !j.Merge.Time.Equal(at(2)) {
				t.Errorf("made by %+v", j.Merge.By)
			}
		}
		j, _ := h.Join(a.ID(), b.ID(), opener(h))
		if _, err := h.Add(j.Merge); err != nil {
			t.Fatal(err)
		}
		for _, head := range []ID{a.ID(), b.ID(), r.ID(), j.Head} {
			if again, err := h.Join(head, j.Head, opener(h)); err != nil || again.Head != j.Head || again.Merge != nil {
				t.Errorf("joined again: %+v: %v", again, err)
			}
		}
	}
	if len(slices.Compact(names)) != 1 {
		t.Errorf("merges %v", names)
	}
}

func TestWhatWasMergedCrosswiseIsNotUndoneSilently(t *testing.T) {
	one := strings.Replace(campus, "[198.51.100.1]", "[198.51.100.2]", 1)
	two := strings.Replace(campus, "corp.example", "lab.example", 1)
	bothOf := strings.Replace(one, "corp.example", "lab.example", 1)
	r := root(t, campus)
	a, b := child(t, one, 1, r.ID()), child(t, two, 2, r.ID())
	// Each side merges by hand, and one of them takes the router back.
	x, y := child(t, bothOf, 3, a.ID(), b.ID()), child(t, two, 4, a.ID(), b.ID())
	h := &History{}
	for _, v := range []*Version{r, a, b, x, y} {
		if _, err := h.Add(v); err != nil {
			t.Fatal(err)
		}
	}
	if bases := h.Bases(x.ID(), y.ID()); len(bases) != 2 {
		t.Fatalf("bases %v", bases)
	}
	j, err := h.Join(x.ID(), y.ID(), opener(h))
	if err != nil || len(j.Conflicts) != 1 || j.Conflicts[0].Reason != Crossed || j.Conflicts[0].Key != "networks.floor1.subnets.198.51.100.0/24.options.routers" {
		t.Errorf("%+v: %v", j.Conflicts, err)
	}
}

func TestBranchesThatAreTooEntangledNeedAPerson(t *testing.T) {
	parents := [][]int{nil, {0}, {0}, {0}, {0}, {0}} // five branches, of which each of two makes one
	for range 2 {
		last := 1
		for branch := 2; branch <= 5; branch++ {
			parents = append(parents, []int{last, branch})
			last = len(parents) - 1
		}
	}
	h, ids := graph(t, parents...)
	x, y := ids[9], ids[13]
	if bases := h.Bases(x, y); len(bases) != 5 {
		t.Fatalf("%d bases", len(bases))
	}
	if j, err := h.Join(x, y, opener(h)); err != nil || len(j.Conflicts) != 1 || j.Conflicts[0].Reason != Crossed || !j.Head.IsZero() {
		t.Errorf("%+v: %v", j, err)
	}
	if j, err := h.Join(ids[8], ids[12], opener(h)); err != nil || j.Merge == nil {
		t.Errorf("four: %+v: %v", j, err)
	}
}

func FuzzDecode(f *testing.F) {
	r := root(f, campus)
	f.Add(r.Append(nil))
	f.Add(child(f, campus, 1, r.ID()).Append(nil))
	f.Add(child(f, campus, 1, r.ID(), ID{0xff}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Decode(b)
		if err != nil {
			return
		}
		if again := v.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x is read as %x", b, again)
		}
		if _, err := v.Open(); err == nil && v.Document == nil {
			t.Fatal("opened without a document")
		}
		h := &History{}
		if _, err := h.Add(v); (err == nil) != v.IsRoot() {
			t.Fatalf("added to an empty history: %v", err)
		}
	})
}
