package node

import (
	"fmt"
	"strings"
	"testing"
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
