package node

import (
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// The order of the members means nothing once the primary is named, and a merge has them in another than the file.
func TestMembersInAnotherOrderAreTheSame(t *testing.T) {
	parse := func(members, primary string) *config.Document {
		d, problems := config.Parse("x", []byte("server: {name: west}\ngroup: {name: campus, members: {"+members+"}, failover: {primary: "+primary+"}}\n"))
		if d == nil {
			t.Fatal(problems)
		}
		return d
	}
	west, east := `west: {peer: "10.9.0.1:647"}`, `east: {peer: "10.9.0.2:647"}`
	start := parse(west+", "+east, "west")
	for _, c := range []struct{ members, primary, waits string }{
		{east + ", " + west, "west", ""},
		{west + ", " + east, "east", "group.failover.primary"},
		{east + ", " + strings.Replace(west, ".1:", ".3:", 1), "west", "group.members"},
		{strings.Replace(east, "east", "north", 1) + ", " + west, "west", "group.members"},
	} {
		if _, waits := sinceStart(start, parse(c.members, c.primary)); strings.Join(waits, " ") != c.waits {
			t.Errorf("%s, %s: %v wait", c.members, c.primary, waits)
		}
	}
}
