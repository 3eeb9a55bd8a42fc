package node

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

const twoFloors = `
networks:
  lan:
    conflict-probe: 0s
    lease: {default: 1h}
    subnets: {10.0.0.0/24: {options: {routers: [10.0.0.1]}, pools: [{range: 10.0.0.10-10.0.0.12}]}}
  far:
    subnets: {10.2.0.0/24: {relays: [10.9.0.2], pools: [{range: 10.2.0.10-10.2.0.20}]}}
classes:
  phones: {kind: vendor, match: 'vendor_class.startsWith("Phone")', options: {tftp-server-name: 10.9.0.69}}
hosts:
  printer: {hardware: 02:00:00:00:00:09, address: 10.0.0.9}
`

// stageOf returns a stage with a document and one interface on 10.0.0.0/24.
func stageOf(t *testing.T, document string) *stage {
	t.Helper()
	s := &stage{now: epoch}
	if got := s.play("config\n" + document); strings.Contains(got, "error") {
		t.Fatal(got)
	}
	s.play("links eth0=10.0.0.1/24")
	return s
}

func machine(n byte) binding.Hardware { return binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, n}) }

// explained asks, and fails the test if asking changes anything.
func (s *stage) explained(t *testing.T, r ExplainRequest) policy.Explanation {
	t.Helper()
	before := s.everything()
	x, err := explain(&r, s.look)
	if err != nil {
		t.Fatal(err)
	}
	if after := s.everything(); after != before {
		t.Errorf("asking changed something:\n%s\nbefore:\n%s", after, before)
	}
	return x
}

// look lets f look at the core.
func (s *stage) look(f func(*Core, time.Time)) error {
	f(s.core, s.now)
	return nil
}

// everything is what can be seen of a core.
func (s *stage) everything() string {
	at, waits := s.core.Wake()
	return fmt.Sprint(s.leases(), s.poolCounts(), s.core.counts, s.core.commit, at, waits, len(s.core.failing), s.core.states, len(s.core.probes.queue))
}

func addressOf(x policy.Explanation) string {
	if x.Address == nil {
		return "none"
	}
	return x.Address.String()
}

func noted(x policy.Explanation, part string) bool {
	return slices.ContainsFunc(x.Notes, func(n string) bool { return strings.Contains(n, part) })
}

func TestTheAddressExplainedIsTheOneThatTheClientHasOrWouldGet(t *testing.T) {
	s := stageOf(t, twoFloors)
	if x := s.explained(t, ExplainRequest{Hardware: machine(1)}); addressOf(x) != "10.0.0.10" || x.Pool != "10.0.0.10-10.0.0.12" || x.Server != "west" {
		t.Errorf("a new client: got %s in %s by %s", addressOf(x), x.Pool, x.Server)
	}
	s.play("request hw=02:00:00:00:00:01 req=10.0.0.11 sid=10.0.0.1")
	if x := s.explained(t, ExplainRequest{Hardware: machine(1)}); addressOf(x) != "10.0.0.11" || !noted(x, "taken to be on network lan") {
		t.Errorf("a client with a lease: got %s, %q", addressOf(x), x.Notes)
	}
	s.play("discover hw=02:00:00:00:00:02")
	if x := s.explained(t, ExplainRequest{Hardware: machine(2)}); addressOf(x) != "10.0.0.10" {
		t.Errorf("a client with an offer: got %s", addressOf(x))
	}
	if x := s.explained(t, ExplainRequest{Hardware: machine(3)}); addressOf(x) != "10.0.0.12" {
		t.Errorf("another client: got %s", addressOf(x))
	}
	if x := s.explained(t, ExplainRequest{Hardware: machine(9)}); addressOf(x) != "10.0.0.9" || x.Host != "printer" {
		t.Errorf("a reservation: got %s for %q", addressOf(x), x.Host)
	}
	if x := s.explained(t, ExplainRequest{Hardware: machine(1), Relay: netip.MustParseAddr("10.9.0.2")}); addressOf(x) != "10.2.0.10" || x.Network != "far" {
		t.Errorf("the same behind a relay: got %s on %s", addressOf(x), x.Network)
	}
	if x := s.explained(t, ExplainRequest{Hardware: machine(1), Network: "far"}); addressOf(x) != "10.2.0.10" || x.Network != "far" {
		t.Errorf("the same on another network: got %s on %s", addressOf(x), x.Network)
	}
	if x := s.explained(t, ExplainRequest{Hardware: machine(1), Address: netip.MustParseAddr("10.2.0.15"), Network: "far"}); addressOf(x) != "10.2.0.15" {
		t.Errorf("for an address: got %s", addressOf(x))
	}
}

func TestAClientThatWouldGetNoAddressIsToldWhy(t *testing.T) {
	s := stageOf(t, twoFloors)
	for i := range 3 {
		s.play(fmt.Sprintf("request hw=02:00:00:00:00:0%d req=10.0.0.1%d sid=10.0.0.1", i+1, i))
	}
	if x := s.explained(t, ExplainRequest{Hardware: machine(8), Network: "lan"}); addressOf(x) != "none" || !noted(x, "no-free-address") {
		t.Errorf("a full pool: got %s, %q", addressOf(x), x.Notes)
	}
	s.play("disk full")
	if x := s.explained(t, ExplainRequest{Hardware: machine(2)}); addressOf(x) != "10.0.0.11" || !noted(x, "store-full") {
		t.Errorf("a full disk: got %s, %q", addressOf(x), x.Notes)
	}
	if x := s.explained(t, ExplainRequest{Hardware: machine(9)}); addressOf(x) != "none" {
		t.Errorf("a full disk and a reservation: got %s, %q", addressOf(x), x.Notes)
	}
}

func TestAReservationThatSomebodyElseHasIsNamed(t *testing.T) {
	s := stageOf(t, strings.Replace(twoFloors, "address: 10.0.0.9", "", 1))
	s.play("request hw=02:00:00:00:00:01 req=10.0.0.10 sid=10.0.0.1")
	s.play("config\n" + strings.Replace(twoFloors, "address: 10.0.0.9", "address: 10.0.0.10", 1))
	x := s.explained(t, ExplainRequest{Hardware: machine(9)})
	if addressOf(x) != "10.0.0.11" || !noted(x, "10.0.0.10, which is reserved for it, is not free") {
		t.Errorf("got %s, %q", addressOf(x), x.Notes)
	}
}

func TestWhatTheClientSaidBesideIsNoted(t *testing.T) {
	s := stageOf(t, twoFloors)
	s.play("request hw=02:00:00:00:00:01 req=10.0.0.10 sid=10.0.0.1 60=Phone7 prl=1,3")
	x := s.explained(t, ExplainRequest{Hardware: machine(1)})
	if !noted(x, "also said dhcp-parameter-request-list, vendor-class-identifier: lessor lease 10.0.0.10") {
		t.Errorf("got %q", x.Notes)
	}
	if x := s.explained(t, ExplainRequest{Hardware: machine(1), Options: []string{"60=Phone7", "55=1,3"}}); noted(x, "also said") {
		t.Errorf("all was given: got %q", x.Notes)
	}
}

func TestAQuestionThatCannotBeAnsweredIsRefused(t *testing.T) {
	s := stageOf(t, twoFloors)
	for _, r := range []ExplainRequest{
		{}, {Hardware: machine(1), Network: "attic"}, {Hardware: machine(1), Relay: netip.MustParseAddr("192.0.2.9")}, {Hardware: machine(1), As: "nobody"},
		{Hardware: machine(1), Relay: netip.MustParseAddr("10.9.0.2"), Network: "lan"}, ask("93"),
	} {
		_, err := explain(&r, s.look)
		if _, ok := err.(*RequestError); !ok {
			t.Errorf("%+v: got %v", r, err)
		}
	}
}

func TestAQuestionIsAnsweredByOneVersion(t *testing.T) {
	s := stageOf(t, twoFloors)
	looks := 0
	change := func(f func(*Core, time.Time)) error {
		if looks++; looks == 2 {
			s.play("config\n" + strings.Replace(twoFloors, "10.0.0.10-10.0.0.12", "10.0.0.20-10.0.0.22", 1))
		}
		return s.look(f)
	}
	x, err := explain(&ExplainRequest{Hardware: machine(1)}, change)
	if err != nil || addressOf(x) != "10.0.0.20" || x.Version != s.core.policy.Version.String() {
		t.Errorf("got %s of %s by %s, %v", addressOf(x), x.Pool, x.Version, err)
	}
	never := func(f func(*Core, time.Time)) error {
		looks++
		s.play(fmt.Sprintf("config\n%s\nenterprise: {lease: {default: %dm}}", twoFloors, 10+looks))
		return s.look(f)
	}
	if _, err := explain(&ExplainRequest{Hardware: machine(1)}, never); err == nil {
		t.Error("a configuration that changes all the time was explained")
	}
}

// What is explained is what is then sent: each option of the OFFER, octet for octet as its text has it.
func TestWhatIsExplainedIsWhatIsOffered(t *testing.T) {
	document := `
enterprise: {options: {domain-name: corp.example, domain-name-servers: [10.9.0.53], ntp-servers: [10.9.0.1]}, lease: {default: 2h}}
networks:
  lan:
    conflict-probe: 0s
    options: {domain-name-servers: {append: [10.9.1.53]}}
    subnets: {10.0.0.0/24: {options: {routers: [10.0.0.1]}, pools: [{range: 10.0.0.10-10.0.0.99, options: {domain-name: pool.example}}]}}
classes:
  phones: {kind: vendor, match: 'vendor_class.startsWith("Phone")', options: {tftp-server-name: {force: 10.9.0.69}, ntp-servers: {unset: true}}, lease: {default: 30m}}
  kiosk: {kind: user, match: 'user_class == "kiosk"', options: {domain-name-servers: {prepend: [10.9.2.53]}}}
domains:
  guests.example: {options: {domain-search: [guests.example]}}
hosts:
  known: {hardware: 02:00:00:00:00:05, options: {domain-name: host.example}}
accept: {host-name: true}
`
	s := stageOf(t, document)
	for i, c := range []struct {
		said   []string
		packet string
	}{
		{nil, ""},
		{[]string{"60=Phone 7"}, "60=" + "50686f6e652037"},
		{[]string{"60=Phone7", "55=3,6,15,42"}, "60=Phone7 prl=3,6,15,42"},
		{[]string{"user-class=kiosk", "12=a.guests.example"}, "77=056b696f736b 12=a.guests.example"},
		{[]string{"12=b.guests.example", "55=[12, 15, 119, 6]"}, "12=b.guests.example prl=12,15,119,6"},
		{[]string{"51=600"}, "51=00000258"},
		{[]string{"60=Phone", "77=kiosk", "55=6,66"}, "60=Phone 77=056b696f736b prl=6,66"},
	} {
		for _, hw := range []byte{5, byte(0x20 + i)} {
			x := s.explained(t, ExplainRequest{Hardware: machine(hw), Options: c.said})
			s.play(fmt.Sprintf("discover hw=%v %s", machine(hw), c.packet))
			if len(s.out.Replies) != 1 {
				t.Fatalf("%q: no offer", c.said)
			}
			var m dhcpv4.Message
			if err := m.Parse(s.out.Octets(&s.out.Replies[0])); err != nil {
				t.Fatal(err)
			}
			sameAsOffered(t, fmt.Sprint(c.said, " of ", machine(hw)), s.core.policy.Registry(), &x, &m)
		}
	}
}

func sameAsOffered(t *testing.T, who string, reg *option.Registry, x *policy.Explanation, m *dhcpv4.Message) {
	t.Helper()
	if addressOf(*x) != m.YIAddr.String() {
		t.Errorf("%s: explained for %s, offered %v", who, addressOf(*x), m.YIAddr)
	}
	if v, _ := m.Option(option.CodeLeaseTime); fmt.Sprintf("%08x", x.Lease.Seconds) != fmt.Sprintf("%x", v) {
		t.Errorf("%s: explained %d s, offered %x", who, x.Lease.Seconds, v)
	}
	want := map[uint16]string{}
	for _, c := range m.Codes() {
		if !policy.NotInResult(c) {
			v, _ := m.Option(uint16(c))
			want[uint16(c)] = reg.ByCode(option.DHCPv4, option.Code(c)).Text(v)
		}
	}
	got := map[uint16]string{}
	_, listed := m.Option(option.CodeParameterRequestList)
	for _, o := range x.Options {
		if o.Layer == "host requirements" && !listed && want[o.Code] == "" { // who has no request list gets no defaults unasked
			continue
		}
		got[o.Code] = o.Text
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\nexplained %v\noffered   %v", who, got, want)
	}
}

func TestALeaseIsShownBesideToday(t *testing.T) {
	document := `
networks:
  lan:
    conflict-probe: 0s
    lease: {default: 1h}
    next-server: 10.0.0.2
    options: {domain-name-servers: [10.9.0.53]}
    subnets: {10.0.0.0/24: {options: {routers: [10.0.0.1], ntp-servers: [10.0.0.3]}, pools: [{range: 10.0.0.10-10.0.0.12}]}}
classes:
  phones: {kind: vendor, match: 'vendor_class.startsWith("Phone")', options: {domain-name-servers: {append: [10.9.1.53]}}}
`
	s := stageOf(t, document)
	s.play("request hw=02:00:00:00:00:01 req=10.0.0.10 sid=10.0.0.1 60=Phone7")
	lease := func() LeaseDetail {
		b, _ := s.core.table.Get(host(netip.MustParseAddr("10.0.0.10")))
		return s.core.detail(&b)
	}
	d := lease()
	if d.Today == nil || d.Today.NotKnown != "" || d.Today.Differs || len(d.Today.New) != 0 || d.Today.Lifetime != 3600 || d.Today.NextServer != "10.0.0.2" || d.Today.Result != d.Result {
		t.Errorf("nothing has changed: got %+v", d.Today)
	}
	dns := optionOf(t, d.Options, 6)
	if len(dns.Parts) != 2 || dns.Parts[0].Layer != "vendor class" || dns.Parts[1].Layer != "shared network" || dns.Today == nil || len(dns.Today.Parts) != 2 || dns.Differs {
		t.Errorf("an option of two layers: got %+v, today %+v", dns, dns.Today)
	}

	changed := strings.NewReplacer("10.9.0.53", "10.9.0.54", "default: 1h", "default: 2h", ", ntp-servers: [10.0.0.3]", ", domain-name: new.example", "next-server: 10.0.0.2", "").Replace(document)
	s.play("config\n" + changed)
	d = lease()
	if !d.Today.Differs || d.Today.Lifetime != 7200 || d.Lifetime != 3600 || d.NextServer != "10.0.0.2" || d.Today.NextServer != "" || d.Today.ConfigVersion == d.ConfigVersion || d.Today.Result == d.Result {
		t.Errorf("much has changed: got %+v", d.Today)
	}
	if o := optionOf(t, d.Options, 6); !o.Differs || o.Today == nil || o.Today.Text != "10.9.0.54, 10.9.1.53" {
		t.Errorf("domain-name-servers: got %+v", o)
	}
	if o := optionOf(t, d.Options, 42); !o.Differs || o.Today != nil {
		t.Errorf("ntp-servers: got %+v", o)
	}
	if o := optionOf(t, d.Options, 3); o.Differs || o.Today == nil {
		t.Errorf("routers: got %+v", o)
	}
	if o := optionOf(t, d.Today.New, 15); !o.Differs || o.Today == nil || o.Today.Text != "new.example" || o.Today.Layer != "subnet" {
		t.Errorf("domain-name: got %+v", o)
	}

	s.play("config\nnetworks: {other: {subnets: {10.7.0.0/24: {pools: [{range: 10.7.0.10-10.7.0.20}]}}}}")
	if d = lease(); d.Today == nil || d.Today.NotKnown == "" || d.Today.Differs {
		t.Errorf("its network is gone: got %+v", d.Today)
	}
	s.play("config\n" + document)
	s.play("release hw=02:00:00:00:00:01 ci=10.0.0.10 from=10.0.0.10:68 to=10.0.0.1 sid=10.0.0.1")
	s.now = s.now.Add(time.Hour)
	if d = lease(); d.Today != nil {
		t.Errorf("nobody holds it: got %+v", d.Today)
	}
}

func optionOf(t *testing.T, os []ToldOption, code uint16) ToldOption {
	t.Helper()
	for _, o := range os {
		if o.Code == code {
			return o
		}
	}
	t.Errorf("no option %d in %+v", code, os)
	return ToldOption{}
}

// hold has a running node know a lease.
func (r *running) hold(t *testing.T, a string, c binding.Client) {
	t.Helper()
	b := binding.Binding{Prefix: host(netip.MustParseAddr(a)), State: binding.Active, Client: c, CLTT: epoch, Expires: binding.Forever, Home: "west"}
	if err := r.node.do(t.Context(), func(*Effects) { r.node.core.table.Put(b, time.Time{}) }); err != nil {
		t.Fatal(err)
	}
}

func TestAMachineIsWhoeverHasItsLease(t *testing.T) {
	r := run(t, memfs.New(0))
	defer r.stop()
	id := []byte{1, 2, 0, 0, 0, 0, 7}
	r.hold(t, "10.0.1.7", binding.Client{ID: id, Hardware: machine(7)})
	r.hold(t, "10.0.1.8", binding.Client{Hardware: machine(8)})
	r.hold(t, "10.0.1.9", binding.Client{ID: []byte{9}, Hardware: machine(8)})
	r.hold(t, "10.0.1.10", binding.Client{ID: []byte{1}, Hardware: machine(9)})
	r.hold(t, "10.0.1.11", binding.Client{ID: []byte{2}, Hardware: machine(9)})
	for _, c := range []struct {
		hardware byte
		id       []byte
		address  string
		note     string
	}{
		{7, nil, "10.0.1.7", "has its lease by the client identifier 01:02:00:00:00:00:07"},
		{7, id, "10.0.1.7", ""},
		{8, nil, "10.0.1.8", ""},
		{9, nil, "", "by several client identifiers"},
		{9, []byte{2}, "10.0.1.11", ""},
		{6, nil, "", ""},
	} {
		x, err := r.node.Explain(t.Context(), ExplainRequest{Hardware: machine(c.hardware), ClientID: c.id})
		if err != nil {
			t.Fatal(err)
		}
		if c.address != "" && addressOf(x) != c.address || c.note != "" && !noted(x, c.note) || c.note == "" && noted(x, "identifier") {
			t.Errorf("%d by %x: got %s, %q", c.hardware, c.id, addressOf(x), x.Notes)
		}
	}
}
