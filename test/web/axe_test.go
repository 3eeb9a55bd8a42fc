package web

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeFile is where scripts/install-test-packages puts axe-core.
const axeFile = "../../build/axe-core/axe.min.js"

// finding is something that axe-core says of a page.
type finding struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML           string `json:"html"`
		FailureSummary string `json:"failureSummary"`
	} `json:"nodes"`
}

func axeSource(t *testing.T) string {
	t.Helper()
	name := axeFile
	if p := os.Getenv("LESSOR_AXE"); p != "" {
		name = p
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("axe-core is not there: run scripts/install-test-packages (%v)", err)
	}
	return string(b)
}

// accessible has axe-core look at what is shown, which must have nothing serious or critical.
func (b *browser) accessible(axe, where string) {
	b.t.Helper()
	b.do("axe-core", chromedp.Evaluate[chromedp.Void](axe))
	text := ask[string](b, `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`)
	var all []finding
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		b.t.Fatal(err)
	}
	for _, f := range all {
		var nodes []string
		for _, n := range f.Nodes {
			nodes = append(nodes, n.HTML+"\n\t"+strings.ReplaceAll(n.FailureSummary, "\n", "\n\t"))
		}
		said := fmt.Sprintf("%s: %s (%s): %s\n%s", where, f.ID, f.Impact, f.Help, strings.Join(nodes, "\n"))
		if f.Impact == "serious" || f.Impact == "critical" {
			b.t.Error(said)
		} else {
			b.t.Log(said)
		}
	}
}
