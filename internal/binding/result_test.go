package binding

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func encodeResult(r *Result) []byte {
	b := AppendResultHeader(nil, r.Lifetime, r.NextServer, []byte(r.ServerName), []byte(r.BootFile))
	for _, o := range r.Options {
		b = AppendTLV(b, o.Code, o.Value)
	}
	return b
}

func sameResult(a, b *Result) bool {
	return a.Lifetime == b.Lifetime && a.NextServer == b.NextServer && a.ServerName == b.ServerName && a.BootFile == b.BootFile && sameOptions(a.Options, b.Options)
}

func TestResultsSurviveStorage(t *testing.T) {
	r := newRandom(t)
	lifetimes := []time.Duration{0, time.Hour, Infinite, 0xfffffffe * time.Second}
	servers := []netip.Addr{{}, netip.MustParseAddr("10.0.0.1")}
	for range 500 {
		want := Result{
			Lifetime: lifetimes[r.IntN(len(lifetimes))], NextServer: servers[r.IntN(2)],
			ServerName: strings.Repeat("s", r.IntN(256)), BootFile: strings.Repeat("f", r.IntN(256)), Options: randomOptions(r),
		}
		got, ok := DecodeResult(encodeResult(&want))
		if !ok || !sameResult(&got, &want) {
			t.Fatalf("%+v became %+v, %v", want, got, ok)
		}
		for _, o := range want.Options {
			if v, ok := got.Option(o.Code); !ok || !bytes.Equal(v, o.Value) {
				t.Fatalf("option %d is %x, %v", o.Code, v, ok)
			}
		}
	}
}

func TestResultsAtTheLimitsAreKeptWithin(t *testing.T) {
	long := []byte(strings.Repeat("x", 300))
	for _, c := range []struct{ in, want time.Duration }{
		{-time.Hour, 0}, {1500 * time.Millisecond, time.Second}, {Infinite - 1, 0xfffffffe * time.Second}, {Infinite, Infinite},
	} {
		got, ok := DecodeResult(AppendResultHeader(nil, c.in, netip.Addr{}, long, long))
		if !ok || got.Lifetime != c.want || got.ServerName != string(long[:255]) || got.BootFile != string(long[:255]) {
			t.Errorf("%v: %+v, %v", c.in, got, ok)
		}
	}
}

func TestResultsCutShortAreNotRead(t *testing.T) {
	r := Result{Lifetime: time.Hour, ServerName: "tftp", BootFile: "x", Options: []Fact{{1, []byte{255, 0, 0, 0}}}}
	b := encodeResult(&r)
	for n := range b {
		if _, ok := DecodeResult(b[:n]); ok != (n == len(b)-8) { // between header and option
			t.Errorf("cut at %d of %d: read %v", n, len(b), ok)
		}
	}
	b[0]++
	if _, ok := DecodeResult(b); ok {
		t.Error("a newer format was read")
	}
}

func FuzzDecodeResult(f *testing.F) {
	f.Add(encodeResult(&Result{Lifetime: Infinite, NextServer: netip.MustParseAddr("10.0.0.1"), BootFile: "x", Options: []Fact{{1, []byte{1}}, {121, nil}}}))
	f.Add(append([]byte{1, 0, 0, 0, 9, 0, 0, 0, 0, 255}, make([]byte, 256)...)) // a length whose sum with one has no octet
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := DecodeResult(b)
		if !ok {
			return
		}
		again, ok := DecodeResult(encodeResult(&got))
		if !ok || !sameResult(&again, &got) {
			t.Fatalf("%+v became %+v, %v", got, again, ok)
		}
	})
}

func TestReasonsSurviveStorage(t *testing.T) {
	want := []Reason{
		{Code: 3, Layer: "subnet", Object: "10.0.0.0/24", Line: 12, Rule: "set"},
		{Code: ReasonLifetime, Layer: strings.Repeat("l", 255), Object: strings.Repeat("o", 255), Rule: strings.Repeat("r", 255), Line: 1<<32 - 1},
		{},
	}
	var b []byte
	for _, r := range want {
		b = AppendReason(b, r)
	}
	got, ok := DecodeReasons(b)
	if !ok || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := DecodeReasons(b[:len(b)-1]); ok {
		t.Error("reasons cut short were read")
	}
	rest := b
	for _, w := range want {
		var r EncodedReason
		if r, rest, ok = CutReason(rest); !ok || r.Code != w.Code || string(r.Layer) != w.Layer || string(r.Rule) != w.Rule || !bytes.Equal(r.Whole, AppendReason(nil, w)) {
			t.Errorf("%+v was split off as %+v, %v", w, r, ok)
		}
	}
	for n := range len(b) - len(rest) {
		if r, _, ok := CutReason(b[:n]); ok != (len(r.Whole) > 0) || len(r.Whole) > n {
			t.Errorf("cut at %d: %+v, %v", n, r, ok)
		}
	}
	if _, _, ok := CutReason(rest); ok || len(rest) > 0 {
		t.Errorf("%x is left", rest)
	}
	cut, ok := DecodeReasons(AppendReason(nil, Reason{Layer: strings.Repeat("l", 300)}))
	if !ok || len(cut) != 1 || len(cut[0].Layer) != 255 {
		t.Errorf("a long layer: %v", ok)
	}
}

func FuzzDecodeReasons(f *testing.F) {
	f.Add(AppendReason(nil, Reason{Code: 3, Layer: "subnet", Object: "10.0.0.0/24", Line: 12, Rule: "set"}))
	f.Add(append([]byte{0, 1, 0, 0, 0, 1, 255}, make([]byte, 300)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := DecodeReasons(b)
		if !ok {
			return
		}
		var again []byte
		for _, r := range got {
			again = AppendReason(again, r)
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}
