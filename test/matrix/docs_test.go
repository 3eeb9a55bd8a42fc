package matrix

import (
	"os"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/test/world"
)

func page(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/layers.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestThePageNamesTheVersionsThatWereCompared(t *testing.T) {
	w := world.New(t)
	text := page(t)
	dhcpd := strings.TrimPrefix(w.VersionOf("dhcpd", "--version"), "isc-dhcpd-")
	kea := w.VersionOf("kea-dhcp4", "-v")
	t.Logf("ISC dhcpd %s, Kea %s", dhcpd, kea)
	for _, row := range []string{"| ISC dhcpd " + dhcpd + " |", "| Kea " + kea + " |"} {
		if !strings.Contains(text, row) {
			t.Errorf("docs/layers.md has not %q", row)
		}
	}
}
