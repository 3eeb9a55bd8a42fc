package config

import (
	"fmt"
	"slices"
	"testing"
)

func precedenceOf(t *testing.T, written string) Precedence {
	t.Helper()
	return parsed(t, "precedence: "+written+"\nnetworks: {lan: {subnets: {10.0.0.0/24: }}}\n").Precedence
}

func TestProfilesHaveEveryLayerOnce(t *testing.T) {
	for name, x := range profiles {
		for _, o := range []Order{x.Options, x.Parameters} {
			all := slices.Sorted(slices.Values(slices.Concat(o...)))
			for i, l := range all {
				if int(l) != i+1 {
					t.Fatalf("%s: %v", name, all)
				}
			}
			if len(all) != Layers || x.Profile != name {
				t.Errorf("%s is called %s and has %d layers", name, x.Profile, len(all))
			}
		}
	}
}

func TestPrecedenceIsReadAsItIsWritten(t *testing.T) {
	native := "[[client] [host] [domain] [hardware class] [vendor class] [user class] [pool] [subnet] [shared network] [server] [server class] [intranet] [enterprise] [host requirements]]"
	for _, c := range []struct {
		written, profile, options, parameters string
		derivedLast                           bool
	}{
		{"native", "native", native, native, false},
		{"", "native", native, native, false},
		{"{}", "", native, native, false},
		{"{parameters: native}", "", native, native, false},
		{"[enterprise]", "", "[[enterprise] [client] [host] [domain] [hardware class] [vendor class] [user class] [pool] [subnet] [shared network] [server] [server class] [intranet] [host requirements]]", "", false},
		{"[[user class, hardware-class], shared-network]", "", "[[hardware class user class] [shared network] [client] [host] [domain] [vendor class] [pool] [subnet] [server] [server class] [intranet] [enterprise] [host requirements]]", "", false},
		{"[[host]]", "", "[[host] [client] [domain] [hardware class] [vendor class] [user class] [pool] [subnet] [shared network] [server] [server class] [intranet] [enterprise] [host requirements]]", "", false},
		{"{options: kea, parameters: native}", "", fmt.Sprint(profiles["kea"].Options), native, true},
		{"{options: native, parameters: kea}", "", native, fmt.Sprint(profiles["kea"].Parameters), false},
		{"kea", "kea", fmt.Sprint(profiles["kea"].Options), fmt.Sprint(profiles["kea"].Parameters), true},
	} {
		x := precedenceOf(t, c.written)
		if c.parameters == "" {
			c.parameters = c.options
		}
		if x.Profile != c.profile || fmt.Sprint(x.Options) != c.options || fmt.Sprint(x.Parameters) != c.parameters || x.DerivedLast != c.derivedLast {
			t.Errorf("%s: %+v", c.written, x)
		}
	}
}

func TestLayersInAnotherOrderAreNotComparedWithEachOther(t *testing.T) {
	const leases = "enterprise: {lease: {max: 1h}}\nnetworks: {lan: {lease: {default: 2h}, subnets: {10.0.0.0/24: }}}\n"
	if _, problems := Parse("native", []byte(leases)); !problems.Errors() {
		t.Error("a default beyond the wider maximum is taken")
	}
	parsed(t, "precedence: [host, pool, enterprise, subnet, shared-network]\n"+leases)
	if _, problems := Parse("intranet", []byte("intranets: {lab: {networks: [lan], lease: {max: 1h}}}\nnetworks: {lan: {lease: {default: 2h}, subnets: {10.0.0.0/24: }}}\n")); !problems.Errors() {
		t.Error("a default beyond the intranet's maximum is taken")
	}
}
