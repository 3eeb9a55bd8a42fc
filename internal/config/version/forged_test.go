package version

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// forest is a random history: a root, children, and merges, encoded in the order in which they were made.
func forest(t testing.TB, r *rand.Rand, n int) (records [][]byte, ids []ID) {
	t.Helper()
	texts := []string{campus, strings.Replace(campus, "00:07", "00:0c", 1), "# a comment\n" + campus}
	of := make([]*Version, len(texts))
	for i, s := range texts {
		of[i] = root(t, s)
	}
	for i := range n {
		v := *of[r.IntN(len(of))]
		if i > 0 {
			v.Parents = []ID{ids[r.IntN(i)]}
			if p := ids[r.IntN(i)]; r.IntN(4) == 0 && p != v.Parents[0] {
				v.Parents = append(v.Parents, p)
				slices.SortFunc(v.Parents, ID.Compare)
			}
			v.By = By{Author: fmt.Sprint("author ", i), Member: "west", Comment: "change", Time: at(int64(i))}
		}
		records, ids = append(records, v.Append(nil)), append(ids, v.ID())
	}
	return records, ids
}

// forgeries are ways to make another history of one; each returns what it did.
var forgeries = []func(r *rand.Rand, records [][]byte) ([][]byte, string){
	func(r *rand.Rand, all [][]byte) ([][]byte, string) {
		i := r.IntN(len(all))
		b := bytes.Clone(all[i])
		if len(b) == 0 { // cut to nothing before
			return all, "nothing"
		}
		k := r.IntN(len(b))
		b[k] ^= byte(1 + r.IntN(255))
		all[i] = b
		return all, fmt.Sprintf("octet %d of record %d changed", k, i)
	},
	func(r *rand.Rand, all [][]byte) ([][]byte, string) {
		i := r.IntN(len(all))
		return slices.Delete(all, i, i+1), fmt.Sprintf("record %d left out", i)
	},
	func(r *rand.Rand, all [][]byte) ([][]byte, string) {
		i, k := r.IntN(len(all)), r.IntN(len(all))
		all[i], all[k] = all[k], all[i]
		return all, fmt.Sprintf("records %d and %d changed places", i, k)
	},
	func(r *rand.Rand, all [][]byte) ([][]byte, string) {
		i := r.IntN(len(all))
		n := r.IntN(len(all[i]) + 1)
		all[i] = all[i][:n]
		return all, fmt.Sprintf("record %d cut to %d octets", i, n)
	},
	func(r *rand.Rand, all [][]byte) ([][]byte, string) {
		i := r.IntN(len(all))
		return slices.Insert(all, r.IntN(len(all)+1), all[i]), fmt.Sprintf("record %d said twice", i)
	},
	func(r *rand.Rand, all [][]byte) ([][]byte, string) {
		n := r.IntN(len(all))
		return all[:n], fmt.Sprintf("only %d records", n)
	},
	func(r *rand.Rand, all [][]byte) ([][]byte, string) {
		i, k := r.IntN(len(all)), r.IntN(len(all))
		a, _ := Decode(all[i])
		b, _ := Decode(all[k])
		if a == nil || b == nil {
			return all, "nothing"
		}
		a.Document, a.Source = b.Document, b.Source
		all[i] = a.Append(nil)
		return all, fmt.Sprintf("record %d with the document of %d", i, k)
	},
	func(r *rand.Rand, all [][]byte) ([][]byte, string) {
		i := r.IntN(len(all))
		v, _ := Decode(all[i])
		if v == nil || v.IsRoot() {
			return all, "nothing"
		}
		switch r.IntN(4) {
		case 0:
			v.Author = "mallory"
		case 1:
			v.Parents[r.IntN(len(v.Parents))][r.IntN(16)]++
		case 2:
			v.Time = v.Time.Add(time.Second)
		case 3:
			v.Format++
		}
		all[i] = v.Append(nil)
		return all, fmt.Sprintf("record %d says something else", i)
	},
}

// holds reports whether a history that was loaded is all of what the head comes from, as it was.
func holds(h *History, head ID, of *History) error {
	for _, id := range of.Log(head, MaxVersions) {
		was, is := of.Get(id), h.Get(id)
		switch {
		case is == nil:
			return fmt.Errorf("version %v is missing", id.Short())
		case is.ID() != id:
			return fmt.Errorf("version %v has the name %v", id.Short(), is.ID().Short())
		case is.Document == nil || !bytes.Equal(is.Document, was.Document):
			return fmt.Errorf("version %v has another document", id.Short())
		case !bytes.Equal(is.Written(), was.Written()) && read("", is.Written(), is.Meaning) == nil:
			return fmt.Errorf("version %v is shown as something else", id.Short())
		}
	}
	return nil
}

// Whatever is done to a history, it is refused with what is wrong, or it is all there that the head comes from: what is in it is in its
// names.
func TestAForgedHistoryIsRefusedOrNotForged(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	refused, stood := map[string]int{}, 0
	for range 60 {
		records, ids := forest(t, r, 2+r.IntN(12))
		head := ids[len(ids)-1]
		whole, err := Load(records, head)
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			forged, did := slices.Clone(records), ""
			for range 1 + r.IntN(2) {
				if len(forged) > 0 {
					var what string
					forged, what = forgeries[r.IntN(len(forgeries))](r, forged)
					did += what + "; "
				}
			}
			h, err := Load(forged, head)
			if err != nil {
				why := err.Error()
				if i := strings.LastIndex(why, ": "); i >= 0 {
					why = why[i+2:]
				}
				refused[strings.TrimLeft(why, "0123456789 ")]++
				if len(err.Error()) < 20 || len(err.Error()) > 300 {
					t.Errorf("%s: this does not say what is wrong: %v", did, err)
				}
				continue
			}
			stood++
			if err := holds(h, head, whole); err != nil {
				t.Fatalf("%s: %v", did, err)
			}
		}
	}
	t.Logf("%d forged histories stood, being whole for the head; others were refused for %d reasons", stood, len(refused))
	if stood == 0 || len(refused) < 5 {
		t.Errorf("%d stood, refused: %v", stood, refused)
	}
}

// No octet of a version can be another one without its name, or what it says, being known to be wrong, but for those of the author's file,
// which is then not shown.
func TestEveryOctetOfAVersionCounts(t *testing.T) {
	r := root(t, campus)
	c := child(t, strings.Replace(campus, "00:07", "00:0c", 1)+"# a comment\n", 1, r.ID())
	if c.Source == nil {
		t.Fatal("the version has no source")
	}
	b := c.Append(nil)
	file := len(b) - len(c.Source)
	inFile := 0
	for at := range b {
		for _, change := range []byte{1, 0x20, 0x80, 0xff} {
			b[at] ^= change
			v, err := Decode(b)
			b[at] ^= change
			switch {
			case err != nil && at < file, v != nil && v.ID() != c.ID():
			case err != nil:
				t.Fatalf("octet %d, of the author's file, changed by %#x: %v", at, change, err)
			case at < file:
				t.Fatalf("octet %d changed by %#x: nobody sees", at, change)
			case read("", v.Written(), v.Meaning) == nil:
				t.Fatalf("octet %d changed by %#x: shown as\n%s", at, change, v.Written())
			default:
				inFile++
			}
		}
	}
	if inFile != 4*len(c.Source) {
		t.Errorf("%d changes of %d octets of the author's file", inFile, len(c.Source))
	}
}

// The head of a version gives it its name, is never longer than it is said to be, and is read whatever follows.
func TestTheHeadOfAVersionIsReadAlone(t *testing.T) {
	r := root(t, campus)
	long := child(t, campus, 1, r.ID(), ID{0xff})
	long.Author, long.Member, long.Comment = strings.Repeat("a", MaxAuthor), "west", strings.Repeat("c", MaxComment)
	widest := *long
	widest.Member = binding.Member(strings.Repeat("m", MaxMember))
	for _, v := range []*Version{r, child(t, campus, 1, r.ID()), long, &widest} {
		b := v.Append(nil)
		head := len(v.appendHeader(nil))
		if head > MaxHead || v == &widest && head != MaxHead {
			t.Errorf("a head of %d octets, and MaxHead is %d", head, MaxHead)
		}
		for _, n := range []int{head, head + 1, min(len(b), MaxHead), len(b)} {
			got, err := DecodeHead(b[:n])
			if err != nil || got.ID() != v.ID() || got.Document != nil || got.By != v.By {
				t.Fatalf("%d of %d octets: %+v, %v", n, len(b), got, err)
			}
		}
		for n := range head {
			if _, err := DecodeHead(b[:n]); err == nil {
				t.Fatalf("a head of %d octets is read of %d", head, n)
			}
		}
	}
	h := &History{}
	for _, v := range []*Version{r, child(t, campus, 1, r.ID())} {
		got, err := DecodeHead(v.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Add(got); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Get(v.ID()).Open(); err == nil || !strings.Contains(err.Error(), "not at hand") {
			t.Errorf("opened without a document: %v", err)
		}
		if h.Add(v); h.Get(v.ID()).Document == nil {
			t.Error("a document does not come back")
		}
	}
}

// FuzzHistory does anything to a history.
func FuzzHistory(f *testing.F) {
	records, ids := forest(f, rand.New(rand.NewPCG(1, 1)), 8)
	whole, err := Load(records, ids[7])
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7}, uint16(0), byte(0))
	f.Add([]byte{0, 2, 1}, uint16(3), byte(1))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 7}, uint16(700), byte(0x80))
	f.Fuzz(func(t *testing.T, order []byte, at uint16, change byte) {
		var forged [][]byte
		for i, o := range order {
			b := records[int(o)%len(records)]
			if i == int(at)%(len(order)) && change != 0 {
				b = bytes.Clone(b)
				b[int(at)%len(b)] ^= change
			}
			forged = append(forged, b)
		}
		h, err := Load(forged, ids[7])
		if err != nil {
			return
		}
		if err := holds(h, ids[7], whole); err != nil {
			t.Fatal(err)
		}
	})
}
