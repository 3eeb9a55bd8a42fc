package load

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestQuantilesAreWithinThreePercent(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	var h Histogram
	all := make([]time.Duration, 10000)
	for i := range all {
		all[i] = time.Duration(rnd.ExpFloat64() * float64(3*time.Millisecond))
		h.Add(all[i])
	}
	slices.Sort(all)
	for _, q := range []float64{0, .5, .9, .99, .999, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		got := h.Quantile(q)
		if got < want || float64(got) > 1.04*float64(want)+float64(time.Microsecond) {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	n := uint64(0)
	for _, b := range h.Bars() {
		n += b.Count
	}
	if n != h.Count() || len(h.Bars()) > 20 {
		t.Errorf("bars hold %d of %d: %v", n, h.Count(), h.Bars())
	}
}

func TestEveryDurationHasABucket(t *testing.T) {
	last := 0
	for v := time.Duration(0); v < 1<<61; v += v/8 + 1 {
		i := bucket(v)
		if i < last || top(i) <= v-time.Microsecond || i >= len(Histogram{}.buckets) {
			t.Fatalf("%v is in bucket %d, which ends at %v", v, i, top(i))
		}
		last = i
	}
	var h Histogram
	h.Add(-1)
	if h.Quantile(.5) > time.Microsecond || len((&Histogram{}).Bars()) != 0 || (&Histogram{}).Quantile(.5) != 0 {
		t.Error("a duration below zero, or none")
	}
}

func TestQuestionsAreWrittenAsTheRFCHasThem(t *testing.T) {
	q := question{kind: request, xid: 0x01020304, secs: 5, client: 0x0a0b0c0d, relay: 0xc0000201, wanted: 0xc000024d,
		server: 0xc0000202, portOfRelay: true}
	b := q.append(nil)
	want := "01010601" + "01020304" + "00050000" + strings.Repeat("00", 12) + "c0000201" + "024c0a0b0c0d" +
		strings.Repeat("00", 10+64+128) + "63825363" + "350103" + "3204c000024d" + "3604c0000202" + "370701030" + "60f1c0c02" +
		"52021300" + "ff"
	want += strings.Repeat("00", smallest-len(want)/2)
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if len(b) > largest {
		t.Errorf("%d octets", len(b))
	}
}

func TestWritingAndReadingDoNotAllocate(t *testing.T) {
	buffer := make([]byte, 0, largest)
	a := writeAnswer(asked{xid: 7}, answer{kind: ack, addr: 1, lease: 2})
	got := testing.AllocsPerRun(100, func() {
		q := question{kind: discover, client: 1}
		q.append(buffer)
		readAnswer(a)
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(writeAnswer(asked{xid: 7}, answer{kind: ack, addr: 1, lease: 2}))
	f.Add(append(writeAnswer(asked{}, answer{kind: offer})[:fixed], 53, 255, 2))
	f.Add(append(writeAnswer(asked{}, answer{kind: offer})[:fixed], 53))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		if a, ok := readAnswer(b); ok && (a.kind == 0 || len(b) < fixed+3) {
			t.Errorf("read %+v", a)
		}
		if !bytes.Equal(before, b) {
			t.Error("changed what it read")
		}
	})
}

// The memory of a run does not grow with how long it lasts.
func TestTheOldestExchangeMakesRoom(t *testing.T) {
	x := exchanges{base: 5, next: 1}
	x.fit(1e12, 1e6, time.Hour)
	if len(x.ring) != maxOpen {
		t.Fatalf("room for %d", len(x.ring))
	}
	x = exchanges{base: 1<<32 - 3, next: 1}
	x.fit(10, 10, time.Minute)
	for range 3 * len(x.ring) {
		e := x.add()
		e.stage = selecting
		if x.find(x.xid(e)) != e {
			t.Fatalf("exchange %d is not found", e.number)
		}
	}
	if x.find(x.base+1) != nil {
		t.Error("what made room is still found")
	}
	last := x.xid(x.at(x.next - 1))
	if x.fit(10, 10, time.Minute); x.find(last) != nil {
		t.Error("what was forgotten is still found")
	}
}

func TestDelaysAreThoseOfTheRFC(t *testing.T) {
	for try, want := range []time.Duration{4, 8, 16, 32, 64} {
		for _, chance := range []float64{0, .5, 1} {
			got := delay(firstDelay, uint8(try), chance)
			if d := got - want*time.Second; d != time.Duration((2*chance-1)*1e9) {
				t.Errorf("try %d, chance %v: %v", try, chance, got)
			}
		}
	}
}

func TestTheWheelGivesEachInItsTime(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	const first = 40 * time.Millisecond
	w := newWheel(first)
	w.clear(time.Second)
	waiting := map[uint64]time.Duration{}
	now, number := time.Second, uint64(0)
	for range 20000 {
		now += time.Duration(rnd.Int64N(int64(time.Millisecond)))
		w.due(now, func(p pending) {
			at, ok := waiting[p.number]
			if !ok || at != p.at || p.at > now {
				t.Fatalf("%d, armed for %v (%v), is due at %v", p.number, at, ok, now)
			}
			delete(waiting, p.number)
		})
		for n, at := range waiting {
			if at < now-2*w.slot {
				t.Fatalf("%d should have come at %v, it is %v", n, at, now)
			}
			break // any one will do
		}
		number++
		e := exchange{number: number, tries: uint8(rnd.IntN(lastTry + 1))}
		w.arm(&e, now, first)
		waiting[number] = e.resend
	}
	w.due(now+giveUp(first), func(p pending) { delete(waiting, p.number) })
	if len(waiting) > 0 {
		t.Errorf("%d never came", len(waiting))
	}
}

func TestSilenceIsTheLongestTimeWithoutAnAnswer(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	var x tally
	for _, at := range []int{1010, 1020, 1320, 1330} {
		x.finish(ms(at-5), ms(at), ms(1000))
	}
	x.quiet(ms(1400), ms(1000))
	if got := x.close(); got.Silence != ms(300) || got.SilenceAt != ms(20) || got.Done != 4 || got.Max != ms(5) {
		t.Errorf("%+v", got)
	}
	x = tally{}
	if x.quiet(ms(1400), ms(1000)); x.Silence != ms(400) || x.SilenceAt != 0 {
		t.Errorf("without any answer: %+v", x.Tally)
	}
}

func TestAReportShowsWhatHappened(t *testing.T) {
	r := Report{Mode: New, Rate: 1000, Achieved: 990, Begun: 100, Done: 98, Lost: 2, Doubled: 3, P50: 1234567, P99: 2e6, Elapsed: 1e8,
		Histogram: []Bar{{UpTo: time.Millisecond, Count: 1}, {UpTo: 2 * time.Millisecond, Count: 97}}}
	var b strings.Builder
	r.Write(&b)
	for _, want := range []string{"mode new: 1000/s asked for, 990/s done in 100ms", "unanswered 2 (2.00 %)",
		"3 addresses given to a client while another client had them", "p50 1.23ms, p99 2ms", "█", "≤ 2ms"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "could not send") {
		t.Errorf("says what did not happen:\n%s", b.String())
	}
}
