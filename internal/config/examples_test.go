package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestExamplesHaveNoProblems(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		d, problems := Parse(filepath.Base(file), read(t, file))
		isc := filepath.Base(file) == "isc-partner.yaml" // of which check always says what it cannot see
		if d == nil || len(problems) > 0 != isc {
			t.Errorf("%s:\n%v", file, problems)
		}
		if d != nil && d.As("west").Serves() != nil {
			t.Errorf("%s: %v", file, d.As("west").Serves())
		}
	}
}

func TestTheExampleOfTheLayersHasThemAll(t *testing.T) {
	d := parsed(t, string(read(t, "../../examples/layers.yaml")))
	for l := EnterpriseLayer; l <= ClientLayer; l++ {
		if !d.uses(l) {
			t.Errorf("nothing stands in the layer %v", l)
		}
	}
}

// TestTheExampleOfAnISCPartnerFits compares the two files, since nothing else does.
func TestTheExampleOfAnISCPartnerFits(t *testing.T) {
	d, problems := Parse("isc-partner.yaml", read(t, "../../examples/isc-partner.yaml"))
	if d == nil {
		t.Fatal(problems)
	}
	for _, p := range problems {
		if !strings.Contains(p.Message, "without TLS") && !strings.Contains(p.Message, "not compared") {
			t.Errorf("a doubt that the example could spare: %v", p)
		}
	}
	g := &d.Group
	s := &d.Networks[0].Subnets[0]
	h := &d.Hosts[0]
	conf := string(read(t, "../../examples/isc-partner.dhcpd.conf"))
	for _, want := range []string{
		fmt.Sprintf("failover peer %q {\n  secondary;\n  address %v;\n  port %d;\n  peer address %v;\n  peer port %d;", g.Name,
			g.Members[1].Peer.Addr(), g.Members[1].Peer.Port(), g.Members[0].Peer.Addr(), g.Members[0].Peer.Port()),
		fmt.Sprintf("mclt %d; split %d;", int(g.Failover.MCLT.Seconds()), g.Failover.Split),
		fmt.Sprintf("load balance max seconds %d;", g.Failover.LoadBalanceSecs),
		fmt.Sprintf("subnet %v netmask 255.255.255.0", s.Prefix.Addr()),
		fmt.Sprintf("    failover peer %q;\n", g.Name),
		fmt.Sprintf("    range %v %v;\n", s.Pools[0].First, s.Pools[0].Last),
		fmt.Sprintf("hardware ethernet %v;\n  fixed-address %v;", h.Hardware, h.Address),
		fmt.Sprintf("default-lease-time %d;", int(d.Enterprise.Lease.Default.Seconds())),
	} {
		if !strings.Contains(conf, want) {
			t.Errorf("dhcpd's file has no %q", want)
		}
	}
}
