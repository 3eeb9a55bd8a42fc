package main

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

func originOf(layer, object string, line int, rule string) policy.Origin {
	return policy.Origin{Layer: layer, Object: object, Line: line, Rule: rule}
}

// explained is what a server says of a client in several layers.
func explained() policy.Explanation {
	a := addr("198.51.100.9")
	e := policy.Explanation{
		Server: "west", Version: "0123456789abcdef0123456789abcdef", Source: policy.Source{Version: "0123456789abcdef0123456789abcdef"}, Address: &a, Network: "floor1", Subnet: "198.51.100.0/24",
		Pool: "198.51.100.1-198.51.100.240", Host: "printer1", Domain: "corp.example", Classes: []string{"phones", "lab-kit"},
		Lease: policy.ExplainedLease{Lifetime: "30m", Default: "30m", Min: "5m", Max: "24h", Seconds: 1800, Origin: originOf("hardware class", "lab-kit", 40, "set"),
			Losers: []policy.ExplainedValue{{Origin: originOf("enterprise", "", 3, ""), Value: "4h", Text: "4h"}}},
		Options: []policy.ExplainedOption{
			{Name: "subnet-mask", Code: 1, Value: "255.255.255.0", Text: "255.255.255.0", Origin: originOf("subnet", "198.51.100.0/24", 0, "derived")},
			{Name: "domain-name-servers", Code: 6, Value: []any{"10.9.0.53", "10.9.1.53", "10.9.2.53"}, Text: "10.9.0.53, 10.9.1.53, 10.9.2.53",
				Origin: originOf("hardware class", "lab-kit", 41, "append"), Parts: []policy.ExplainedValue{
					{Origin: originOf("hardware class", "lab-kit", 41, "append"), Value: []any{"10.9.2.53"}},
					{Origin: originOf("enterprise", "", 4, "set"), Value: []any{"10.9.0.53", "10.9.1.53"}},
				}},
			{Name: "tftp-server-name", Code: 66, Value: "10.9.0.69", Text: "10.9.0.69", Origin: originOf("vendor class", "phones", 38, "force"), Forced: true, Takeover: "local",
				Losers: []policy.ExplainedValue{
					{Origin: originOf("pool", "198.51.100.1-198.51.100.240", 22, ""), Value: "boot.corp.example", Text: "boot.corp.example"},
					{Origin: originOf("server", "west", 15, ""), Value: "west.corp.example", Text: "a-very-long-name-indeed.west.corp.example"},
				}},
			{Name: "option-224", Code: 224, Value: map[string]any{"hex": strings.Repeat("0a", 200)}, Text: strings.Repeat("0a", 200), Origin: originOf("host", "printer1", 50, "set")},
		},
		Unset:      []policy.ExplainedOption{{Name: "ntp-servers", Code: 42, Origin: originOf("host", "printer1", 51, "unset"), Losers: []policy.ExplainedValue{{Origin: originOf("intranet", "lab", 9, ""), Text: "10.9.0.123"}}}},
		Parameters: []policy.ExplainedParameter{{Name: "next-server", Value: "10.9.0.1", Origin: originOf("server", "west", 15, "set")}},
		Pools: []policy.ExplainedPool{
			{Range: "198.51.100.1-198.51.100.240", Subnet: "198.51.100.0/24"},
			{Range: "198.51.100.241-198.51.100.250", Subnet: "198.51.100.0/24", Refused: "it is for the class kiosk alone, in which the client is not"},
		},
		Failed: []policy.FailedClass{{Class: "pxe", Line: 60, Error: "option client-system (93) of this client: 3 octets"}},
		Notes:  []string{"without a relay and a network: taken to be on floor1, the first network that the client may use; --network says otherwise"},
		Result: "beef",
	}
	e.InFile("/etc/lessor/lessor.yaml", func(line int) int { return line })
	return e
}

func TestALineOfAVersionIsNamedWithTheVersion(t *testing.T) {
	e := explained()
	e.InFile("", func(int) int { return 0 })
	socket, _ := answering(t, &fake{explanation: e})
	got := lessor(t, "explain", "--socket", socket, "--hardware", "02:00:00:00:00:07")
	for _, want := range []string{"30m from hardware class lab-kit (version 0123456789ab:40); at", "  version 0123456789ab:4\n", "pxe (version 0123456789ab:60): option"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("%q is not in\n%s", want, got.out)
		}
	}
	if strings.Contains(got.out, "yaml") {
		t.Errorf("a file is named that does not say it:\n%s", got.out)
	}
}

func TestAnExplanationReadsWell(t *testing.T) {
	f := &fake{explanation: explained()}
	socket, _ := answering(t, f)
	ask := []string{"explain", "--socket", socket, "--hardware", "02:00:00:00:00:07"}
	got := lessor(t, ask...)
	golden(t, "explain.txt", got.out)
	for line := range strings.Lines(got.out) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > pageWidth {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	golden(t, "explain.json", lessor(t, append(ask, "--json")...).out)
	colour := lessorWith(t, &console{colour: true}, ask...)
	golden(t, "explain-colour.txt", strings.ReplaceAll(colour.out, "\x1b", `\e`))
}

func TestAnExplanationOfNothingReadsWell(t *testing.T) {
	f := &fake{explanation: policy.Explanation{Server: "west", Network: "floor1", Lease: policy.ExplainedLease{Lifetime: "4h", Origin: originOf("host requirements", "", 0, "default"), Min: "5m", Max: "24h"}}}
	socket, _ := answering(t, f)
	golden(t, "explain-bare.txt", lessor(t, "explain", "--socket", socket, "--client-id", "01:02", "--relay", "10.20.0.1").out)
}

func TestWhatIsSaidOfAClientReachesTheServer(t *testing.T) {
	f := &fake{}
	socket, _ := answering(t, f)
	got := lessor(t, "explain", "--socket", socket, "--json", "--hardware", "6/02-00-00-00-00-07", "--client-id", "0102ff", "--option", "93=7",
		"--option", "dhcp-parameter-request-list=[1,3, 6]", "--option", `option-224={hex: "0a0b"}`, "--relay", "10.20.0.1", "--circuit-id", "ge-0/0/1 & more",
		"--remote-id", `{hex: "00ff"}`, "--subscriber-id", "joe", "--as", "east", "--network", "floor 1", "--address", "10.20.0.9")
	if got.code != exitDone {
		t.Fatalf("got %+v", got)
	}
	hw, _ := node.ParseHardware("6/02:00:00:00:00:07")
	want := node.ExplainRequest{As: "east", Hardware: hw, ClientID: []byte{1, 2, 255}, Options: []string{"93=7", "dhcp-parameter-request-list=[1,3, 6]", `option-224={hex: "0a0b"}`},
		Relay: netip.MustParseAddr("10.20.0.1"), CircuitID: "ge-0/0/1 & more", RemoteID: `{hex: "00ff"}`, SubscriberID: "joe", Network: "floor 1", Address: netip.MustParseAddr("10.20.0.9")}
	if !reflect.DeepEqual(f.question, want) {
		t.Errorf("got %+v\nwant %+v", f.question, want)
	}
}

func TestTheSocketOfAnExplanationMayBeInTheEnvironment(t *testing.T) {
	f := &fake{}
	socket, _ := answering(t, f)
	t.Setenv("LESSOR_SOCKET", socket)
	if got := lessor(t, "explain", "--hardware", "02:00:00:00:00:07", "--json"); got.code != exitDone || f.question.Hardware.IsZero() {
		t.Errorf("got %+v", got)
	}
}

func TestAQuestionThatTheServerRefuses(t *testing.T) {
	f := &fake{refuses: &node.RequestError{Text: "there is no network \"attic\""}}
	socket, _ := answering(t, f)
	got := lessor(t, "explain", "--socket", socket, "--hardware", "02:00:00:00:00:07", "--network", "attic")
	if got.code != exitNo || !strings.Contains(got.err, `there is no network "attic"`) || got.out != "" {
		t.Errorf("got %+v", got)
	}
}

const smallDocument = `server: {name: west}
enterprise:
  lease: {default: 2h}
  options: {domain-name: corp.example, domain-name-servers: [10.9.0.53]}
networks:
  floor1:
    subnets:
      198.51.100.0/24:
        options: {routers: [198.51.100.1]}
        pools: [{range: 198.51.100.50-198.51.100.240}]
hosts:
  printer1: {hardware: 02:00:00:00:00:07, address: 198.51.100.9, options: {domain-name: printers.example}}
`

func TestAFileIsExplainedWithoutAServer(t *testing.T) {
	file := write(t, t.TempDir(), "lessor.yaml", smallDocument)
	got := lessor(t, "explain", "--config", file, "--hardware", "02:00:00:00:00:07")
	golden(t, "explain-file.txt", got.out)
	asJSON := lessor(t, "explain", "--config", file, "--hardware", "02:00:00:00:00:07", "--json").out
	golden(t, "explain-file.json", strings.ReplaceAll(asJSON, file, "lessor.yaml"))
	stranger := lessor(t, "explain", "--config", file, "--hardware", "02:00:00:00:00:08", "--json", "--option", "dhcp-parameter-request-list=1,3")
	for _, want := range []string{`"address":null`, `"network":"floor1"`, `"pool":"198.51.100.50-198.51.100.240"`, `"code":3`} {
		if stranger.code != exitDone || !strings.Contains(stranger.out, want) {
			t.Errorf("no %s in %s%s", want, stranger.out, stranger.err)
		}
	}
	if strings.Contains(stranger.out, `"code":6,`) {
		t.Errorf("an option that was not asked for: %s", stranger.out)
	}
}

func TestAFileWithErrorsIsNotExplained(t *testing.T) {
	file := write(t, t.TempDir(), "bad.yaml", "sever: {}\n")
	got := lessor(t, "explain", "--config", file, "--hardware", "02:00:00:00:00:07")
	if got.code != exitNo || got.out != "" || !strings.Contains(got.err, "bad.yaml:1:1: error: ") || !strings.Contains(got.err, "1 error") {
		t.Errorf("got %+v", got)
	}
}

func TestWhatCannotBeAskedIsRefusedInWords(t *testing.T) {
	file := write(t, t.TempDir(), "lessor.yaml", smallDocument)
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"":                             {exitUsage, "which client?"},
		"--hardware nobody":            {exitUsage, "write it as in 02:00:00:00:00:07"},
		"--hardware 00:00:00:00:00:00": {exitUsage, "nobody's"},
		"--hardware 02:00:00:00:00":    {exitUsage, "an Ethernet address has 6"},
		"--hardware 300/02:00":         {exitUsage, "hardware type"},
		"--client-id xyz":              {exitUsage, "01:02:00:00:00:00:07"},
		"--client-id " + strings.Repeat("ff", 256):                 {exitUsage, "at most 255"},
		"--hardware 02:00:00:00:00:07 --relay here":                {exitUsage, "--relay"},
		"--hardware 02:00:00:00:00:07 --address ::1":               {exitUsage, "--address"},
		"--hardware 02:00:00:00:00:07 --socket x":                  {exitUsage, "give one of them"},
		"--hardware 02:00:00:00:00:07 --relay 224.0.0.1":           {exitNo, "IPv4 address of a relay"},
		"--hardware 02:00:00:00:00:07 --option 93":                 {exitNo, "NAME=VALUE"},
		"--hardware 02:00:00:00:00:07 --option vendor=7":           {exitNo, "there is no option"},
		"--hardware 02:00:00:00:00:07 --option 255=7":              {exitNo, "there is no option"},
		"--hardware 02:00:00:00:00:07 --option 53=1":               {exitNo, "belongs to one packet"},
		"--hardware 02:00:00:00:00:07 --option 61=1":               {exitNo, "--client-id"},
		"--hardware 02:00:00:00:00:07 --option 60=a --option 60=b": {exitNo, "given twice"},
		"--hardware 02:00:00:00:00:07 --option 55=[1":              {exitNo, "not closed"},
		"--hardware 02:00:00:00:00:07 --option 55=one":             {exitNo, "55"},
		"--hardware 02:00:00:00:00:07 --circuit-id {hex:zz}":       {exitNo, "not hexadecimal"},
		"--hardware 02:00:00:00:00:07 --circuit-id {foo:zz}":       {exitNo, "write a text"},
		"--hardware 02:00:00:00:00:07 --network attic":             {exitNo, "attic"},
		"--hardware 02:00:00:00:00:07 --relay 192.0.2.1":           {exitNo, "192.0.2.1"},
		"--hardware 02:00:00:00:00:07 --as nobody":                 {exitNo, "nobody"},
	} {
		a := append([]string{"explain", "--config", file}, strings.Fields(args)...)
		if got := lessor(t, a...); got.code != want.code || !strings.Contains(got.err, want.says) || got.out != "" {
			t.Errorf("%s: got %d %s%s\nwant %d and %q", args, got.code, got.out, got.err, want.code, want.says)
		}
	}
}

func TestNothingInAnExplanationSteersATerminal(t *testing.T) {
	e := explained()
	for _, s := range hostile() {
		l := policy.ExplainedValue{Origin: originOf(s, s, 0, s), Value: s, Text: s}
		e.Options = append(e.Options, policy.ExplainedOption{Name: s, Value: s, Origin: originOf(s, s, 7, s), Losers: []policy.ExplainedValue{l}},
			policy.ExplainedOption{Name: s, Text: s, Value: []any{s}, Parts: []policy.ExplainedValue{{Origin: originOf(s, s, 0, s), Value: s}, {}}})
		e.Unset = append(e.Unset, policy.ExplainedOption{Name: s, Origin: originOf(s, s, 1, s)})
		e.Parameters = append(e.Parameters, policy.ExplainedParameter{Name: s, Value: s, Origin: originOf(s, s, 1, s)})
		e.Failed = append(e.Failed, policy.FailedClass{Class: s, Error: s})
		e.Notes, e.Classes = append(e.Notes, s), append(e.Classes, s)
	}
	e.Host, e.Domain, e.Network, e.Pool, e.Server = hostile()[0], hostile()[1], hostile()[2], hostile()[3], hostile()[4]
	e.Pools = append(e.Pools, policy.ExplainedPool{Range: hostile()[5], Subnet: hostile()[0], Refused: hostile()[1]})
	socket, _ := answering(t, &fake{explanation: e})
	for _, format := range []string{"", "--json"} {
		got := lessor(t, strings.Fields("explain --hardware 02:00:00:00:00:07 --socket "+socket+" "+format)...)
		if got.code != exitDone {
			t.Fatal(got.err)
		}
		for line := range strings.Lines(got.out) {
			for _, r := range strings.TrimSuffix(line, "\n") {
				if api.Steers(r) {
					t.Errorf("%U in %q", r, line)
				}
			}
		}
	}
}

func TestTextsAreWrapped(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 5, ""}, {"one", 5, "one"}, {"one two three", 7, "one two|three"}, {"abcdefghij", 4, "abcd|efgh|ij"},
		{"a bcdefghijkl", 6, "a bcde|fghijk|l"}, {"äöü äöü", 3, "äöü|äöü"},
	} {
		if got := strings.Join(wrapped(c.text, c.width), "|"); got != c.want {
			t.Errorf("%q in %d: got %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestATableFitsAPage(t *testing.T) {
	for n := range 60 {
		tab := table{head: []string{"A", "LONG", "LONGER"}}
		tab.addText("fixed", strings.Repeat("x y", n), strings.Repeat("word ", 3*n))
		tab.fit(&console{}, 80, 1, 2)
		var b strings.Builder
		if err := tab.write(&console{}, &b, ""); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if len(line) > 81 {
				t.Errorf("%d: a line of %d characters", n, len(line)-1)
			}
		}
		if got := strings.Join(strings.Fields(b.String()), ""); strings.Count(got, "word") != 3*n && n < 4 {
			t.Errorf("%d: words are missing: %s", n, b.String())
		}
	}
}
