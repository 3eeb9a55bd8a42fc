package disk

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// shedding are the reasons by which a server that is behind leaves clients unanswered.
var shedding = []string{"too-busy-for-new-clients", "client-asked-again", "socket-overflow", "too-many-offers"}

// A disk that stands still for a moment, again and again, delays answers and loses none; nothing is answered before it is on the disk.
func TestStallsOfAThirdOfASecondLoseNoAnswer(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.settle(1000, 4*time.Second)
	stalls := 0
	r := l.under(300, 6*time.Second, 10*time.Second, func(end time.Time) {
		for ; time.Until(end) > time.Second; stalls++ {
			l.stands(l.disk.Stand, func() { time.Sleep(350 * time.Millisecond) })
			time.Sleep(150 * time.Millisecond)
		}
	})
	l.answeredAll(r)
	if stalls < 3 {
		t.Errorf("the disk stood still %d times only", stalls)
	}
	s := l.status()
	for _, reason := range shedding {
		if s.Drops[reason] > 0 {
			t.Errorf("%v clients were left unanswered: %s", s.Drops[reason], reason)
		}
	}
	t.Logf("%d promises compared", l.remembered())
}

// seen is what somebody who looks at the server sees while its disk stands still.
func (l *lab) seen() {
	l.t.Helper()
	var s status
	l.Eventually(20*time.Second, "the server says that its disk stands still", func() bool { s = l.status(); return s.alarmed("disk-stalled") })
	if s.Store.State != "stalled" {
		l.t.Errorf("the store is %q", s.Store.State)
	}
	if code, body := l.get("/readyz"); code != 503 || !strings.Contains(body, "failing") {
		l.t.Errorf("/readyz says %d: %s", code, body)
	}
	if code, body := l.get("/healthz"); code != 200 {
		l.t.Errorf("/healthz says %d: %s", code, body)
	}
	_, body := l.get("/metrics")
	for _, want := range []string{`lessor_store_state{state="stalled"} 1`, `lessor_alarm{code="disk-stalled",severity="critical"} 1`} {
		if !strings.Contains(body, want) {
			l.t.Errorf("/metrics does not say %s", want)
		}
	}
	l.lessor.Says(10*time.Second, "the disk stands still")
}

// over waits until nobody who looks at the server sees anything of it any more, but that it was.
func (l *lab) over() {
	l.t.Helper()
	var s status
	l.Eventually(20*time.Second, "the server says no more that its disk stands still", func() bool { s = l.status(); return s.Store.State == "open" })
	if s.alarmed("disk-stalled") || s.alarmed("disk-full") || s.alarmed("store-failed") {
		l.t.Errorf("when it is over there are the alarms %+v", s.Alarms)
	}
	if code, body := l.get("/readyz"); code != 200 {
		l.t.Errorf("when it is over /readyz says %d: %s", code, body)
	}
	l.lessor.Says(10*time.Second, "the disk goes on")
}

// While a disk stands still for some seconds clients wait, and whoever looks is told why. All are answered then.
func TestADiskThatStandsStillForThreeSeconds(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.settle(1000, 4*time.Second)
	r := l.under(300, 8*time.Second, 20*time.Second, func(time.Time) {
		l.stands(l.disk.Freeze, func() {
			stood := time.Now()
			l.seen()
			time.Sleep(time.Until(stood.Add(3 * time.Second)))
		})
	})
	l.answeredAll(r)
	l.over()
	t.Logf("%d promises compared", l.remembered())
}

// A disk that stands still for half a minute costs no client its lease: what one has given up on is left unanswered and counted, what one
// still waits for is answered, and in the end all are. The server takes no more memory, and its watchdog lets it live.
func TestADiskThatStandsStillForHalfAMinute(t *testing.T) {
	t.Parallel()
	dog := listenAsSystemd(t)
	l := newLab(t, "env", "NOTIFY_SOCKET="+dog.path, "WATCHDOG_USEC=6000000")
	l.settle(1000, 2*time.Second)
	before := l.memory()
	r := l.under(150, 33*time.Second, 40*time.Second, func(time.Time) {
		l.stands(l.disk.Freeze, func() {
			stood, heard := time.Now(), dog.heard()
			l.seen()
			time.Sleep(time.Until(stood.Add(15 * time.Second)))
			half := dog.heard()
			time.Sleep(time.Until(stood.Add(30 * time.Second)))
			if end := dog.heard(); half == heard || end == half {
				t.Errorf("the watchdog was told %d, then %d and then %d times that the server lives", heard, half, end)
			}
			if now := l.memory(); now > before+64 {
				t.Errorf("the server took %d MiB before and %d at the end of it", before, now)
			}
		})
	})
	l.answeredAll(r)
	l.over()
	s := l.status()
	if s.Drops["client-asked-again"] == 0 {
		t.Errorf("left unanswered were %v", s.Drops)
	}
	t.Logf("%d promises compared; left unanswered: %v; memory %d MiB before, %d after", l.remembered(), counted(s.Drops), before, l.memory())
}

// A sync that fails costs a moment: what was to be on the disk by it is told to nobody, and the server goes on with what is.
func TestASyncThatFails(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.settle(500, time.Second)
	failed := 0
	r := l.under(200, 6*time.Second, 20*time.Second, func(end time.Time) {
		for ; time.Until(end) > 2*time.Second; failed++ {
			l.disk.Fail(1)
			time.Sleep(1500 * time.Millisecond)
		}
	})
	l.answeredAll(r)
	l.lessor.Says(time.Second, "the store was read anew")
	t.Logf("%d promises compared after %d failures", l.remembered(), failed)
}

// A server whose disk fails and then stands still, so that its store cannot even be opened anew, says that to whoever looks. Nobody is
// answered meanwhile, all are when the disk goes on, and nothing is forgotten.
func TestADiskThatFailsAndThenStandsStill(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.settle(1000, 4*time.Second)
	r := l.under(200, 8*time.Second, 20*time.Second, func(time.Time) {
		l.stands(l.disk.Stand, func() {
			l.disk.Freeze()
			l.disk.Fail(1)
			l.failed()
		})
	})
	l.answeredAll(r)
	l.lessor.Says(10*time.Second, "the store was read anew")
	l.Eventually(20*time.Second, "the server says that its store is open", func() bool { return l.status().Store.State == "open" })
	t.Logf("%d promises compared", l.remembered())
}

// failed is what somebody who looks at the server sees while its store cannot be opened anew.
func (l *lab) failed() {
	l.t.Helper()
	l.Eventually(20*time.Second, "the server says that opening its store takes long", func() bool {
		s := l.status()
		return s.Store.State == "failed" && slices.ContainsFunc(s.Alarms, func(a world.Alarm) bool {
			return a.Code == "store-failed" && strings.Contains(a.Text, "stands still")
		})
	})
	if code, body := l.get("/readyz"); code != 503 || !strings.Contains(body, "failing") {
		l.t.Errorf("/readyz says %d: %s", code, body)
	}
	if code, body := l.get("/healthz"); code != 200 {
		l.t.Errorf("/healthz says %d: %s", code, body)
	}
	if _, body := l.get("/metrics"); !strings.Contains(body, `lessor_store_state{state="failed"} 1`) {
		l.t.Error("/metrics does not say that the store failed")
	}
	l.lessor.Says(10*time.Second, "a commit failed")
	l.lessor.Says(10*time.Second, "still being opened anew")
}
