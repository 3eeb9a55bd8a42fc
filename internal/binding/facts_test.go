package binding

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// ownBelow100 says that the options below 100 are a client's own.
func ownBelow100(code uint16) bool { return code < 100 }

func store(f *Facts) StoredFacts {
	return StoredFacts{Shared: NewBlob(f.AppendShared(nil, ownBelow100)), Own: f.AppendOwn(nil, ownBelow100)}
}

func sameFacts(a, b *Facts) bool {
	return a.Link == b.Link && a.GIAddr == b.GIAddr && a.Truncated == b.Truncated && sameOptions(a.Options, b.Options)
}

func sameOptions(a, b []Fact) bool {
	return slices.EqualFunc(a, b, func(a, b Fact) bool { return a.Code == b.Code && bytes.Equal(a.Value, b.Value) })
}

func randomOptions(r *rand.Rand) (all []Fact) {
	for code := uint16(1); code < 250; code += uint16(1 + r.IntN(90)) {
		v := make([]byte, r.IntN(300))
		for i := range v {
			v[i] = byte(r.Uint32())
		}
		all = append(all, Fact{code, v})
	}
	return all
}

func TestFactsSurviveStorage(t *testing.T) {
	r := newRandom(t)
	giaddrs := []netip.Addr{{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("0.0.0.0")}
	for range 500 {
		want := Facts{
			Link: strings.Repeat("x", r.IntN(256)), GIAddr: giaddrs[r.IntN(len(giaddrs))],
			Options: randomOptions(r), Truncated: r.IntN(2) == 0,
		}
		s := store(&want)
		got, ok := s.Decode()
		if !ok || !sameFacts(&got, &want) {
			t.Fatalf("%+v became %+v, %v", want, got, ok)
		}
		for _, o := range want.Options {
			if v, ok := got.Option(o.Code); !ok || !bytes.Equal(v, o.Value) {
				t.Fatalf("option %d is %x, %v", o.Code, v, ok)
			}
			if v, ok := s.Option(o.Code); !ok || !bytes.Equal(v, o.Value) {
				t.Fatalf("as it is stored option %d is %x, %v", o.Code, v, ok)
			}
		}
		for _, options := range []OptionView{&got, &s} {
			if _, ok := options.Option(251); ok {
				t.Fatal("an option from nowhere")
			}
		}
	}
}

func TestUnknownFactsAreReadable(t *testing.T) {
	if f, ok := (StoredFacts{}).Decode(); !ok || len(f.Options) != 0 || f.GIAddr.IsValid() {
		t.Errorf("%+v, %v", f, ok)
	}
}

func TestFactsCutShortAreNotRead(t *testing.T) {
	f := Facts{Link: "home", GIAddr: netip.MustParseAddr("10.0.0.1"), Options: []Fact{{12, []byte("pc")}, {60, []byte("PXE")}, {150, []byte{1}}, {160, []byte{2}}}}
	whole := store(&f)
	whole.Own, whole.Shared = nil, NewBlob(f.AppendShared(nil, func(uint16) bool { return false }))
	// A cut between two options leaves facts that can be read, but not all.
	ends := map[int]bool{}
	for n, i := len(whole.Shared.Bytes), len(f.Options)-1; i >= 0; i-- {
		n -= 4 + len(f.Options[i].Value)
		ends[n] = true
	}
	for n := range whole.Shared.Bytes {
		s := StoredFacts{Shared: NewBlob(whole.Shared.Bytes[:n])}
		if v, ok := s.Option(160); ok && n < len(whole.Shared.Bytes) {
			t.Errorf("cut at %d there is still %x", n, v)
		}
		if _, ok := s.Decode(); ok != ends[n] {
			t.Errorf("cut at %d of %d: read %v", n, len(whole.Shared.Bytes), ok)
		}
	}
	if _, ok := (StoredFacts{Own: []byte{0, 12, 0, 5, 'x'}}).Decode(); ok {
		t.Error("own facts cut short were read")
	}
	newer := append([]byte{factsFormat + 1}, whole.Shared.Bytes[1:]...)
	if _, ok := (StoredFacts{Shared: NewBlob(newer)}).Decode(); ok {
		t.Error("a newer format was read")
	}
	odd := []byte{factsFormat, 0, 0, 3, 1, 2, 3}
	if _, ok := (StoredFacts{Shared: NewBlob(odd)}).Decode(); ok {
		t.Error("a relay's address of three octets was read")
	}
}

func TestALongLinkNameIsCut(t *testing.T) {
	f := Facts{Link: strings.Repeat("x", 300)}
	got, ok := store(&f).Decode()
	if !ok || got.Link != f.Link[:255] {
		t.Errorf("%d octets, %v", len(got.Link), ok)
	}
}

func FuzzDecodeFacts(f *testing.F) {
	whole := Facts{Link: "home", GIAddr: netip.MustParseAddr("10.0.0.1"), Options: []Fact{{12, []byte("pc")}, {160, nil}}, Truncated: true}
	s := store(&whole)
	f.Add(s.Shared.Bytes, s.Own)
	f.Add([]byte{1, 0, 255}, []byte{})
	f.Add([]byte{1, 0, 0, 16}, []byte{0, 1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, shared, own []byte) {
		got, ok := StoredFacts{Shared: NewBlob(shared), Own: own}.Decode()
		if !ok {
			return
		}
		if !slices.IsSortedFunc(got.Options, func(a, b Fact) int { return int(a.Code) - int(b.Code) }) {
			t.Fatal("not in order")
		}
		again, ok := store(&got).Decode()
		if !ok || !sameFacts(&again, &got) {
			t.Fatalf("%+v became %+v, %v", got, again, ok)
		}
	})
}
