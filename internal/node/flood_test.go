package node

import (
	"testing"
	"time"
)

// Of many refused updates some are told, and that there are more; everything else is told always.
func TestRefusedUpdatesDoNotDrownOtherEvents(t *testing.T) {
	var f flood
	at := time.Unix(1_795_305_600, 0)
	for second := range 3 {
		told, said := 0, ""
		for i := range 10_000 {
			e := Event{Time: At(at.Add(time.Duration(second)*time.Second + time.Duration(i)*time.Microsecond)), Kind: UpdateRefused, Message: "one"}
			if f.lets(&e) {
				told, said = told+1, e.Message
			}
			other := Event{Time: e.Time, Kind: FailoverState}
			if !f.lets(&other) {
				t.Fatal("a change of state was not told")
			}
		}
		if told != mostRefused+1 || said == "one" {
			t.Errorf("%d events were told in a second, the last one as %q", told, said)
		}
	}
	back := Event{Time: At(at.Add(-time.Hour)), Kind: UpdateRefused}
	if !f.lets(&back) {
		t.Error("after the clock went back nothing is told")
	}
}
