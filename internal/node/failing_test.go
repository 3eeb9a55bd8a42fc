package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const failingClasses = `
networks: {lan: {conflict-probe: 0s, subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.99}]}}}}
classes:
  pxe: {kind: vendor, match: 'option[93] == 7', options: {tftp-server-name: 10.0.0.2}}
  efi: {kind: vendor, match: 'option[93] == 9 && vendor_class != ""', options: {tftp-server-name: 10.0.0.3}}
`

// told returns how often an event tells of a class.
func told(s *stage, class string) (n int) {
	for _, e := range s.out.Events {
		if e.Kind == ClassFailed && e.Class == class {
			n++
		}
	}
	return n
}

func TestAClassThatFailsIsCountedAndToldOfButNeverADrop(t *testing.T) {
	s := stageOf(t, failingClasses)
	bad := "discover hw=02:00:00:00:00:%02x 93=000007"
	s.play(fmt.Sprintf(bad, 1))
	if len(s.out.Replies) != 1 || told(s, "pxe") != 1 {
		t.Fatalf("%d replies, %d events: %v", len(s.out.Replies), told(s, "pxe"), s.out.Events)
	}
	e := s.out.Events[slices.IndexFunc(s.out.Events, func(e Event) bool { return e.Kind == ClassFailed })]
	if e.Hardware != "02:00:00:00:00:01" || e.Network != "lan" || !strings.Contains(e.Reason, "93") {
		t.Errorf("got %+v", e)
	}
	events := 0
	for i := range 200 { // 100 s
		s.now = s.now.Add(500 * time.Millisecond)
		s.play(fmt.Sprintf(bad, 2+i%50))
		events += told(s, "pxe")
	}
	if events != 1 {
		t.Errorf("%d events in 100 s, want 1 after the first", events)
	}
	var st Status
	s.core.status(s.now, &st)
	if len(st.ClassesFailed) != 1 { // efi is false whatever option 93 is, since there is no vendor class
		t.Fatalf("got %+v", st.ClassesFailed)
	}
	f := st.ClassesFailed[0]
	if f.Class != "pxe" || f.Count != 201 || !f.Last.Equal(s.now) || f.Error == "" || f.Line == 0 {
		t.Errorf("got %+v", f)
	}
	if a := alarmOf(st.Alarms, "class-failed"); a == nil || !a.Since.Equal(epoch) || !strings.Contains(a.Text, fmt.Sprintf("pxe (test.yaml:%d)", f.Line)) {
		t.Errorf("got %+v", st.Alarms)
	}
	if d := s.core.counts.DropsByName(); slices.Max(slices.Collect(values(d))) != 0 {
		t.Errorf("a failing class dropped messages: %v", d)
	}
}

func values(m map[string]uint64) func(func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for _, n := range m {
			if !yield(n) {
				return
			}
		}
	}
}

func alarmOf(as []Alarm, code string) *Alarm {
	for i := range as {
		if as[i].Code == code {
			return &as[i]
		}
	}
	return nil
}

func TestAFailingClassIsForgottenWithTheClassAndItsAlarmWithTime(t *testing.T) {
	s := stageOf(t, failingClasses)
	s.play("discover hw=02:00:00:00:00:01 93=000007")
	s.now = s.now.Add(failingAlarm + time.Second)
	var st Status
	if s.core.status(s.now, &st); len(st.ClassesFailed) == 0 || alarmOf(st.Alarms, "class-failed") != nil {
		t.Errorf("an hour later: got %+v, %+v", st.ClassesFailed, st.Alarms)
	}
	s.play("config\n" + strings.ReplaceAll(failingClasses, "pxe:", "bios:"))
	st = Status{}
	if s.core.status(s.now, &st); slices.ContainsFunc(st.ClassesFailed, func(f ClassFailure) bool { return f.Class == "pxe" }) {
		t.Errorf("a class that is gone: got %+v", st.ClassesFailed)
	}
}

func TestAFailureIsCountedOnceThoughTheClientIsProbedFor(t *testing.T) {
	s := stageOf(t, strings.Replace(failingClasses, "conflict-probe: 0s", "conflict-probe: 300ms", 1))
	s.play("discover hw=02:00:00:00:00:01 93=000007")
	s.play("advance 1s")
	if len(s.out.Replies) != 1 || s.core.failing["pxe"] == nil || s.core.failing["pxe"].count != 1 {
		t.Errorf("%d replies, %+v", len(s.out.Replies), s.core.failing["pxe"])
	}
}
