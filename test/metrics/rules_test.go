// Package metrics holds the alerts and the scrape to Prometheus's own tools.
package metrics

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// promtool runs it in contrib/prometheus.
func promtool(t *testing.T, in string, args ...string) {
	t.Helper()
	cmd := exec.Command("promtool", args...)
	cmd.Dir = "../../contrib/prometheus"
	if in != "" {
		b, err := os.ReadFile(in)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin = bytes.NewReader(b)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

func TestTheRulesAreGood(t *testing.T) { promtool(t, "", "check", "rules", "lessor.rules.yml") }

func TestEveryAlertFiresWhenItShould(t *testing.T) {
	promtool(t, "", "test", "rules", "lessor_test.yml", "days_test.yml")
}

func TestAScrapeKeepsToTheConventions(t *testing.T) {
	promtool(t, "../../internal/metrics/testdata/busy.txt", "check", "metrics")
}
