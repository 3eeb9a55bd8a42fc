package metrics

import (
	"encoding/json"
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

// ofRequests are the metrics that Requests has.
var ofRequests = []string{"lessor_api_requests_total", "lessor_api_requests_in_flight", "lessor_api_connections", "lessor_api_connections_shed_total"}

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
	known := slices.Clone(ofRequests)
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

// chosen, label and summed are the labels by which a text chooses among the series of a metric, and by which its sums are made.
var (
	chosen = regexp.MustCompile(`\b(lessor_[a-z_]+)\{([^{}]*)\}`)
	label  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
	summed = regexp.MustCompile(`\b(?:by|without|on|ignoring) \(([^)]*)\)`)
)

// A label that no series has chooses nothing, which looks like peace.
func TestRulesAndDashboardChooseByLabelsThatExist(t *testing.T) {
	of := map[string][]string{"lessor_api_requests_total": {"route", "method", "code"}, "lessor_api_connections_shed_total": {"of"}}
	every := []string{"instance", "job", "le"}
	for _, f := range families {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			of[f.name+suffix] = f.labels
		}
		every = append(every, f.labels...)
	}
	every = append(every, of["lessor_api_requests_total"]...)
	for _, name := range []string{rulesFile, "../../contrib/grafana/lessor.json", "../../docs/metrics.md"} {
		text, n := strings.ReplaceAll(read(t, name), `\"`, `"`), 0
		for _, m := range chosen.FindAllStringSubmatch(text, -1) {
			for _, l := range label.FindAllStringSubmatch(m[2], -1) {
				n++
				if labels, ok := of[m[1]]; !ok || !slices.Contains(labels, l[1]) && !slices.Contains(every[:3], l[1]) {
					t.Errorf("%s: %s has no label %s", name, m[1], l[1])
				}
			}
		}
		for _, m := range summed.FindAllStringSubmatch(text, -1) {
			for l := range strings.SplitSeq(m[1], ",") {
				if l = strings.TrimSpace(l); l != "" && !slices.Contains(every, l) {
					t.Errorf("%s: sums are made by the label %s, which is none", name, l)
				}
			}
		}
		if n < 2 {
			t.Errorf("%s chooses by %d labels only", name, n)
		}
	}
}

// The panels of the dashboard ask something each, and Grafana can read it.
func TestEachPanelOfTheDashboardAsks(t *testing.T) {
	type panel struct {
		Title, Type string
		Targets     []struct{ Expr string }
		Panels      []json.RawMessage
	}
	var dashboard struct{ Panels []json.RawMessage }
	if err := json.Unmarshal([]byte(read(t, "../../contrib/grafana/lessor.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	n := 0
	for todo := dashboard.Panels; len(todo) > 0; {
		var p panel
		if err := json.Unmarshal(todo[0], &p); err != nil {
			t.Fatal(err)
		}
		todo = append(todo[1:], p.Panels...)
		if p.Type == "row" || p.Type == "text" {
			continue
		}
		n++
		if len(p.Targets) == 0 {
			t.Errorf("%q asks nothing", p.Title)
		}
		for _, q := range p.Targets {
			if !named.MatchString(q.Expr) && !strings.Contains(q.Expr, "up{") && !strings.Contains(q.Expr, "process_") {
				t.Errorf("%q asks %q, which is about no server", p.Title, q.Expr)
			}
		}
	}
	if n < 10 {
		t.Errorf("%d panels", n)
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
	examples := strings.Split(read(t, "../../contrib/prometheus/lessor_test.yml")+read(t, "../../contrib/prometheus/days_test.yml"), "- alertname: ")
	for _, a := range strings.Split(read(t, rulesFile), "- alert: ")[1:] {
		name, _, _ := strings.Cut(a, "\n")
		if !slices.ContainsFunc(examples, func(e string) bool { return strings.HasPrefix(e, name+"\n") && strings.Contains(e, "exp_alerts:") }) {
			t.Errorf("no example fires %s", name)
		}
		if !slices.ContainsFunc(examples, func(e string) bool { return strings.HasPrefix(e, name+"\n") && !strings.Contains(e, "exp_alerts:") }) {
			t.Errorf("no example leaves %s silent", name)
		}
	}
}
