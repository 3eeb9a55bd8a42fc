package node

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// Where two servers differ in what safety stands on, their operator hears that they refuse each other; of other differences, that
// there are some; of very many, the first.
func TestTheAlarmSaysWhereTwoServersDiffer(t *testing.T) {
	many := make([]string, 30)
	for i := range many {
		many[i] = fmt.Sprintf("hosts.h%d (only here)", i)
	}
	for _, c := range []struct {
		status   PartnerStatus
		severity Severity
		says     []string
	}{
		{PartnerStatus{}, "", nil},
		{PartnerStatus{Differs: many[:2]}, Warning, []string{"hosts.h0 (only here), hosts.h1 (only here)"}},
		{PartnerStatus{Differs: many, Disagree: true}, Critical, []string{"both must agree on: hosts.h0 ", "hosts.h11 (only here) and 18 more"}},
	} {
		var found []Alarm
		for _, a := range partnerAlarms(&c.status) {
			if a.Code == "config-differs" {
				found = append(found, a)
			}
		}
		if c.severity == "" {
			if len(found) > 0 {
				t.Errorf("nothing differs: %+v", found)
			}
			continue
		}
		if len(found) != 1 || found[0].Severity != c.severity {
			t.Errorf("%+v", found)
			continue
		}
		for _, want := range c.says {
			if !strings.Contains(found[0].Text, want) {
				t.Errorf("no %q in %q", want, found[0].Text)
			}
		}
	}
}

// A partner that dials and says nothing is told of by its silence, and not by the connections that take each other's place.
func TestWhyThereIsNoConnectionIsNotThatThereIsANewerOne(t *testing.T) {
	var p partnership
	closed := func(cause string) bool {
		n := failover.Note{Kind: failover.LinkClosed, Cause: cause}
		again := p.repeats(&n)
		p.remember(time.Time{}, &n)
		return again
	}
	const silence = "nothing heard for 10s"
	if closed(silence) || !closed(errNewerLink.Error()) || !closed(silence) || p.closed != silence {
		t.Errorf("there is no connection because of %q", p.closed)
	}
	p.remember(time.Time{}, &failover.Note{Kind: failover.LinkOpened})
	if closed(errNewerLink.Error()) || p.closed != errNewerLink.Error() {
		t.Errorf("of two that worked one made room, and it is said %q", p.closed)
	}
}
