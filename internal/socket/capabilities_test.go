package socket

import "testing"

func TestPrivilegesAreReadFromTheKernelsText(t *testing.T) {
	p, err := parsePrivileges("Name:\tlessor\nCapInh:\t0000000000000000\nCapPrm:\t0000000000002400\nCapEff:\t0000000000002400\n" +
		"CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000002000\nNoNewPrivs:\t1\n")
	want := setOf([]Capability{NetBindService, NetRaw})
	if err != nil || p.permitted != want || p.effective != want || p.bounding != 1<<41-1 || p.ambient != 1<<NetRaw {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []string{"", "CapPrm:\t00\n", "CapInh: x\nCapPrm: 0\nCapEff: 0\nCapBnd: 0\nCapAmb: 0\n"} {
		if p, err := parsePrivileges(bad); err == nil {
			t.Errorf("%q read as %+v", bad, p)
		}
	}
}
