package metrics

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const rulesFile = "../../contrib/prometheus/lessor.rules.yml"

func TestEveryAlarmHasAnAlert(t *testing.T) {
	rules := read(t, rulesFile)
	files, err := filepath.Glob("../node/*.go")
	if err != nil {
		t.Fatal(err)
	}
	code, found := regexp.MustCompile(`\b(?:Code:\s*|raise\()"([a-z-]+)"`), 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(read(t, f), -1) {
			found++
			if !strings.Contains(rules, `lessor_alarm{code="`+m[1]+`"}`) {
				t.Errorf("no alert is about the alarm %s", m[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d alarms were found", found)
	}
}

// What rules and dashboard ask for exists, or they stay silent for ever.
func TestRulesAndDashboardAskForMetricsThatExist(t *testing.T) {
	known := []string{"lessor_api_requests_total", "lessor_api_requests_in_flight"}
	for _, f := range families {
		known = append(known, f.name)
		if f.kind == "histogram" {
			known = append(known, f.name+"_bucket", f.name+"_sum", f.name+"_count")
		}
	}
	for _, name := range []string{rulesFile, "../../contrib/grafana/lessor.json"} {
		asked := named.FindAllString(read(t, name), -1)
		for _, m := range asked {
			if m != "lessor_test" && !slices.Contains(known, m) {
				t.Errorf("%s asks for %s, which is none", name, m)
			}
		}
		if len(asked) < 20 {
			t.Errorf("%s asks for %d metrics only", name, len(asked))
		}
	}
}

// anchors are the headings of a document as links name them.
func anchors(doc string) (out []string) {
	odd := regexp.MustCompile(`[^a-z0-9 _-]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(doc, -1) {
		out = append(out, strings.ReplaceAll(odd.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return out
}

func TestEveryAlertHasARunbookThatExists(t *testing.T) {
	rules, there := read(t, rulesFile), anchors(read(t, "../../docs/operating.md"))
	alerts := strings.Split(rules, "- alert: ")[1:]
	for _, a := range alerts {
		name, _, _ := strings.Cut(a, "\n")
		_, anchor, _ := strings.Cut(a, "docs/operating.md#")
		anchor, _, _ = strings.Cut(anchor, "\n")
		if !slices.Contains(there, anchor) {
			t.Errorf("the runbook of %s is #%s of docs/operating.md, which is not there", name, anchor)
		}
		for _, want := range []string{"severity: ", "summary: ", "description: "} {
			if !strings.Contains(a, want) {
				t.Errorf("%s has no %s", name, want)
			}
		}
	}
	if len(alerts) < 30 {
		t.Errorf("only %d alerts were found", len(alerts))
	}
}

// An alert that no example fires may never fire.
func TestEveryAlertHasAnExample(t *testing.T) {
	examples := strings.Split(read(t, "../../contrib/prometheus/lessor_test.yml"), "- alertname: ")
	for _, a := range strings.Split(read(t, rulesFile), "- alert: ")[1:] {
		name, _, _ := strings.Cut(a, "\n")
		if !slices.ContainsFunc(examples, func(e string) bool { return strings.HasPrefix(e, name+"\n") && strings.Contains(e, "exp_alerts:") }) {
			t.Errorf("no example of lessor_test.yml fires %s", name)
		}
		if !slices.ContainsFunc(examples, func(e string) bool { return strings.HasPrefix(e, name+"\n") && !strings.Contains(e, "exp_alerts:") }) {
			t.Errorf("no example of lessor_test.yml leaves %s silent", name)
		}
	}
}
