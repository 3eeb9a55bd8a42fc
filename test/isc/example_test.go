package isc

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// The two files of examples/ belong together: the servers come to NORMAL, share the pool, and tell clients the same.
func TestTheExamplesAreAPair(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	west, b, people := w.Host("west"), w.Host("b"), w.Host("people")
	lan, line := w.Segment(), w.Segment()
	lan.Attach(west, "eth0", "10.20.0.2/24")
	lan.Attach(b, "eth0", "10.20.0.3/24")
	lan.Attach(people, "eth0", "10.20.0.9/24")
	line.Attach(west, "fo0", "10.9.0.1/24")
	line.Attach(b, "fo0", "10.9.0.2/24")

	// dhcpd as it is installed: all its interfaces, and its own places for files.
	isc := b.Start("dhcpd", "dhcpd", "-4", "-f", "-d", "--no-pid", "-cf", w.Write("dhcpd.conf", example(t, "isc-partner.dhcpd.conf")), "-lf", w.Write("leases", ""))
	isc.Says(10*time.Second, `Server starting service`)
	doc := regexp.MustCompile(`(?m)^server:\n(  .*\n)*`).ReplaceAllString(example(t, "isc-partner.yaml"), "")
	lessor := west.Serve(world.Setup{Document: doc})
	isc.Says(60*time.Second, `I move from recover-done to normal`)
	isc.Says(60*time.Second, `Both servers normal`)

	told := map[string]map[string]string{}
	for n := 1; len(told) < 2 && n < 40; n++ {
		ack := acquire(t, people.Scripted("eth0", world.MAC(n)))
		of := map[string]string{}
		for _, code := range []dhcpv4.OptionCode{dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionDomainName} {
			of[code.String()] = string(ack.Message.Options.Get(code))
		}
		told[server(ack).String()] = of
		if got := ack.Message.IPAddressLeaseTime(0); got != 30*time.Minute {
			t.Errorf("the first lease of %v is %v long", server(ack), got)
		}
	}
	mine, theirs := told["10.20.0.2"], told["10.20.0.3"]
	if len(mine) == 0 || len(theirs) == 0 {
		t.Fatalf("clients were told %v", told)
	}
	for option, value := range mine {
		if theirs[option] != value {
			t.Errorf("%s is %q of Lessor and %q of dhcpd", option, value, theirs[option])
		}
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(250 * time.Millisecond) {
		pools := lessor.Status().Pools
		if len(pools) == 1 && pools[0].Free > 75 && pools[0].Free < 115 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the pool is %+v", pools)
		}
	}
	if said := isc.Log(); strings.Contains(said, "rejected") || strings.Contains(said, "invalid") {
		t.Errorf("dhcpd says %s", said)
	}
}

func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
