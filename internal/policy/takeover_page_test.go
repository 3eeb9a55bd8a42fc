package policy

import (
	"os"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// The example of docs/takeover.md does what its table says.
func TestThePageOfTakeoverIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/takeover.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	text, table, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("there is no example")
	}
	doc, problems := config.Parse("docs/takeover.md", []byte("server: {name: east, data: /nowhere}\n"+text))
	if doc == nil {
		t.Fatal(problems)
	}
	p := Compile(doc)
	f := p.on("198.51.100.1", binding.Client{Hardware: mac(1)}, said{55: "\x01\x04\x07\x0f\x2a\x42"})
	tell := func(home, self binding.Member) *Decision {
		d := new(Decision)
		b := &binding.Binding{Client: f.Client, Home: home}
		b.Prefix, _ = ip("198.51.100.77").Prefix(32)
		p.Place(self, f, d)
		p.SettleHeld(self, f, b, d)
		return d
	}
	columns := []*Decision{tell("west", "west"), tell("east", "east"), tell("west", "east")}
	rows := 0
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		name := strings.Trim(cells[0], "`")
		def, known := p.Registry().ByName(option.DHCPv4, name)
		if len(cells) != 4 || !known && name != "next-server" {
			continue
		}
		rows++
		for i, d := range columns {
			got := "–"
			if next, _, _ := d.Boot(); name == "next-server" {
				got = next.String()
			} else if v := d.Option(uint8(def.Code)); v != nil {
				got = def.Text(v.Bytes)
			}
			if got != cells[i+1] {
				t.Errorf("%s, column %d: %s, and the page says %s", name, i+1, got, cells[i+1])
			}
		}
	}
	if rows != 6 {
		t.Errorf("the table has %d rows", rows)
	}
}
