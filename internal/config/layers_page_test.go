package config

import (
	"os"
	"strings"
	"testing"
)

// Where the orders of all profiles end, which the page says once.
const endOfOrders = ", server, server class, intranet, enterprise, host requirements"

func inWords(o Order) string {
	var places []string
	for _, layers := range o {
		var names []string
		for _, l := range layers {
			names = append(names, l.String())
		}
		s := strings.Join(names, ", ")
		if len(names) > 1 {
			s = "[" + s + "]"
		}
		places = append(places, s)
	}
	return strings.Join(places, ", ")
}

func TestThePageHasTheOrdersOfAllProfiles(t *testing.T) {
	page, err := os.ReadFile("../../docs/layers.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range profiles {
		options, ok := strings.CutSuffix(inWords(x.Options), endOfOrders)
		parameters, ok2 := strings.CutSuffix(inWords(x.Parameters), endOfOrders)
		if !ok || !ok2 {
			t.Errorf("%s does not end as the page says: %s", name, inWords(x.Options))
		}
		if parameters == options {
			parameters = "the same"
		}
		if row := "| `" + name + "` | " + options + " | " + parameters + " |"; !strings.Contains(string(page), row) {
			t.Errorf("docs/layers.md has not:\n%s", row)
		}
	}
}
