package node

import (
	"slices"
	"testing"
	"time"
)

// What an operator should act on is an alarm, by its code, and nothing is one that is well.
func TestWhatIsWrongBetweenTwoServersIsAnAlarm(t *testing.T) {
	for name, c := range map[string]struct {
		ps    PartnerStatus
		codes []string
	}{
		"well":                        {PartnerStatus{State: "NORMAL", Connected: true}, nil},
		"not heard":                   {PartnerStatus{State: "COMMUNICATIONS-INTERRUPTED"}, []string{"partner-unreachable"}},
		"declared down":               {PartnerStatus{State: "PARTNER-DOWN"}, []string{"partner-down"}},
		"recovering":                  {PartnerStatus{State: "RECOVER-WAIT", Waiting: "waiting until noon"}, []string{"not-serving"}},
		"recovered, and left alone":   {PartnerStatus{State: "RECOVER-DONE", Waiting: "new clients wait"}, []string{"not-serving"}},
		"recovered just now":          {PartnerStatus{State: "RECOVER-DONE", Connected: true}, nil},
		"left in the middle":          {PartnerStatus{State: "CONFLICT-DONE", Cause: "told"}, []string{"partner-unreachable"}},
		"paused":                      {PartnerStatus{State: "PAUSED"}, []string{"paused"}},
		"with clocks apart":           {PartnerStatus{State: "NORMAL", Skewed: true}, []string{"clock-skew"}},
		"silent, with a conflict":     {PartnerStatus{State: "NORMAL", PartnerSilent: true, Conflicts: make([]BindingConflictStatus, 1)}, []string{"partner-silent", "address-conflict"}},
		"with different files":        {PartnerStatus{State: "NORMAL", Differs: []string{"enterprise"}}, []string{"config-differs"}},
		"refused for different files": {PartnerStatus{State: "COMMUNICATIONS-INTERRUPTED", Differs: []string{"group.failover.mclt"}, Disagree: true}, []string{"partner-unreachable", "config-differs"}},
		"with an old certificate":     {PartnerStatus{State: "NORMAL", KeysWarning: "ends"}, []string{"keys"}},
	} {
		var codes []string
		for _, a := range partnerAlarms(&c.ps) {
			codes = append(codes, a.Code)
			if a.Title == "" || a.Text == "" || a.Remedy == "" || a.Severity == "" {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if !slices.Equal(codes, c.codes) {
			t.Errorf("%s: alarms %v, want %v", name, codes, c.codes)
		}
	}
}

func TestClocksAreApartInEitherDirection(t *testing.T) {
	const most = 30 * time.Second
	for skew, want := range map[time.Duration]bool{0: false, most: false, -most: false, most + 1: true, -most - 1: true} {
		if apart(skew, most) != want || apart(skew, 0) {
			t.Errorf("%v: %v", skew, !want)
		}
	}
}
