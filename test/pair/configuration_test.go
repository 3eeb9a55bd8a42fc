package pair

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// council is two servers that serve together, and the operators who change their configuration.
type council struct {
	*office
	papers int
}

func newCouncil(t *testing.T) *council {
	w := world.New(t)
	c := &council{office: &office{t: t}}
	c.Pair = w.Pair(world.PairSetup{MCLT: time.Hour, Guard: 2 * time.Second, Lease: time.Hour})
	c.Normal(30 * time.Second)
	return c
}

// draft writes what config show prints at a member into a file, with some things said otherwise: pairs of old and new.
func (c *council) draft(m *world.Member, edits ...string) string {
	c.t.Helper()
	text, code := m.Command("config", "show", "tip")
	if code != 0 || !strings.HasPrefix(text, "version: ") {
		c.t.Fatalf("config show: exit code %d: %s", code, text)
	}
	changed := strings.NewReplacer(edits...).Replace(text)
	if changed == text {
		c.t.Fatalf("nothing of %q is in\n%s", edits, text)
	}
	return c.paper(changed)
}

func (c *council) paper(text string) string {
	c.papers++
	return c.Write(fmt.Sprintf("paper-%d.yaml", c.papers), text)
}

// versions is what `lessor config status` says of a member, as far as the council looks.
type versions struct {
	Head, Tip, Agreed string
	PartnerHead       string `json:"partner_head"`
	Settling          *struct{ Count int }
	Conflict          *struct{ Conflicts []struct{ Key string } }
}

func (c *council) standing(m *world.Member) (s versions) {
	c.t.Helper()
	out, code := m.Command("config", "status", "--json")
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != 0 {
		c.t.Fatalf("config status at %s: %d, %v: %s", m.Host.Role, code, err, out)
	}
	return s
}

// agree waits until both members serve by one version.
func (c *council) agree(d time.Duration) (head string) {
	c.t.Helper()
	c.Eventually(d, "both members serve by one version", func() bool {
		w, e := c.standing(c.West), c.standing(c.East)
		head = w.Head
		return w.Conflict == nil && e.Conflict == nil && w.Head == e.Head && w.Head == w.Tip && e.Head == e.Tip && w.PartnerHead == e.Head && e.PartnerHead == w.Head
	})
	return head
}

const theRouter = "routers: [10.1.0.1]"

func router(n int) string { return fmt.Sprintf("routers: [10.1.0.%d]", n) }

// The configuration is changed by commands, at either member and while they are apart, and is one again.
func TestTheConfigurationIsChangedByCommands(t *testing.T) {
	t.Parallel()
	c := newCouncil(t)
	c.together()
	address := c.client(c.West).Acquire().Message.YourIPAddr.String()
	c.apart(address)
	c.concerned(address)
	c.survives()
}

func (c *council) together() {
	c.t.Helper()
	first := c.agree(10 * time.Second)
	old := c.draft(c.West, theRouter, router(3))
	paper := c.draft(c.East, theRouter, router(2))
	c.says(c.East, []string{"+ " + strings.TrimPrefix(router(2), "routers: ")}, "config", "diff", "head", paper)
	c.says(c.East, []string{"is stored and adopted", "options.routers"}, "config", "apply", paper, "--comment", "another router")
	second := c.agree(2 * time.Second)
	for _, m := range c.Both() {
		c.says(m, []string{"another router", "root"}, "config", "history")
		c.says(m, []string{router(2), "version: " + second}, "config", "show")
	}
	c.says(c.West, []string{"Nothing changes"}, "config", "apply", paper)

	// Written against the version before, and about the same: refused, with both sides.
	c.refuses(c.West, []string{"THEIRS", "YOURS", "[10.1.0.3]", "[10.1.0.2]", "nothing was changed"}, "config", "apply", old)
	// Against none, and as it was before: what it undoes is told, and needs a yes.
	without := c.paper(strings.ReplaceAll(c.show(c.West, first), "version: ", "# "))
	c.refuses(c.West, []string{"needs a yes", "undo", "[10.1.0.1]"}, "config", "apply", without)
	c.says(c.West, []string{"served by from now on"}, "config", "apply", without, "--yes")
	third := c.agree(2 * time.Second)
	c.says(c.East, []string{"served by from now on"}, "config", "rollback", second[:8])
	c.agree(2 * time.Second)
	if out, _ := c.West.Command("config", "diff", "head", second); !strings.Contains(out, "no difference") || c.standing(c.West).Head == third {
		c.t.Errorf("after going back: %s", out)
	}

	// The subnet that the operator sits on.
	gone := c.draft(c.West, "10.1.", "10.2.")
	out, err := c.West.Host.Try(world.Binary, "config", "apply", gone, "--socket", c.West.Socket())
	if err == nil || !strings.Contains(out, "in which you sit") {
		c.t.Errorf("a change that drops the subnet of its author: %v: %s", err, out)
	}
	wrong := c.paper("networks: {a: {subnets: {10.9.0.0/24: {optoins: {}}}}}\nhosts: 7\n")
	c.refuses(c.East, []string{wrong + ":1:", "did you mean options?", wrong + ":2:", "2 errors: nothing was changed"}, "config", "apply", wrong)
}

func (c *council) show(m *world.Member, version string) string {
	c.t.Helper()
	out, code := m.Command("config", "show", version)
	if code != 0 {
		c.t.Fatalf("config show %s: %s", version, out)
	}
	return out
}

func (c *council) apart(address string) {
	c.t.Helper()
	c.Link.Cut()
	for _, m := range c.Both() {
		m.Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
	}
	c.says(c.West, []string{"served by from now on"}, "config", "apply", c.draft(c.West, router(2), router(21), "mclt: 1h", "mclt: 2h"), "-m", "west's", "--yes")
	c.says(c.West, []string{"group.failover.mclt", "wait until both members have them"}, "config", "status")
	c.says(c.East, []string{"served by from now on"}, "config", "apply", c.draft(c.East, router(2), router(22)), "-m", "east's", "--yes")
	c.Link.Heal()
	c.Eventually(30*time.Second, "both members show the conflict", func() bool {
		w, e := c.standing(c.West), c.standing(c.East)
		return w.Conflict != nil && e.Conflict != nil && len(w.Conflict.Conflicts) == 1 && len(e.Conflict.Conflicts) == 1
	})
	for _, m := range c.Both() {
		c.says(m, []string{"in conflict in 1 place", "west's", "east's", "[10.1.0.21]", "[10.1.0.22]", "[10.1.0.2]", "--take west", "--take east"}, "config", "resolve")
		c.says(m, []string{"config-conflict", "in conflict with the version of"}, "status")
	}
	c.Eventually(10*time.Second, "the conflict says whom it concerns", func() bool {
		out, _ := c.East.Command("config", "resolve")
		return strings.Contains(out, "1 client with a lease") && strings.Contains(out, address)
	})
	for _, m := range c.Both() {
		c.says(m, []string{"1 client would get something else from the one than from the other", "heads differ", "routers", address, "10.1.0.21", "10.1.0.22"}, "drift")
	}
	c.refuses(c.West, []string{"north"}, "config", "resolve", "--take", "north")
	c.says(c.East, []string{"the conflict is over"}, "config", "resolve", "--take", "west", "-m", "as agreed")
	head := c.agree(5 * time.Second)
	for _, m := range c.Both() {
		text := c.show(m, head)
		if !strings.Contains(text, "10.1.0.21") || strings.Contains(text, "10.1.0.22") || !strings.Contains(text, "mclt: 2h") {
			c.t.Errorf("%s took something else:\n%s", m.Host.Role, text)
		}
		c.says(m, []string{"as agreed", "(merge of"}, "config", "history")
		if out, code := m.Command("config", "resolve"); code != 0 || !strings.Contains(out, "no conflict is open") {
			c.t.Errorf("%s, after the conflict: %d %s", m.Host.Role, code, out)
		}
	}
}

// concerned has a change looked at by the client that it concerns: before, and after.
func (c *council) concerned(address string) {
	c.t.Helper()
	paper := c.draft(c.East, "10.1.0.21", "10.1.0.31")
	before := c.standing(c.East).Tip
	c.says(c.East, []string{"1 client would be told something else", "routers", address, "10.1.0.31", "nobody loses an address"}, "config", "apply", paper, "--what-if")
	if now := c.standing(c.East).Tip; now != before {
		c.t.Errorf("a trial changed the configuration from %s to %s", before, now)
	}
	c.says(c.East, []string{"is stored and adopted"}, "config", "apply", paper)
	c.agree(2 * time.Second)
	for _, m := range c.Both() {
		c.Eventually(5*time.Second, m.Host.Role+" knows who has not heard of it", func() bool {
			out, code := m.Command("stale")
			return code == 0 && strings.Contains(out, address) && strings.Contains(out, "1 client holds something else than it would get: 1 ")
		})
	}
	c.says(c.West, []string{"both serve by", "nobody would get anything else"}, "drift", "--with", "east")
	c.refuses(c.West, []string{"→"}, "drift", "--with", "north")
	c.says(c.East, []string{"The home of " + address, "is east"}, "rehome", address, "east")
	c.refuses(c.East, nil, "rehome", address, "north")
	c.refuses(c.East, nil, "rehome", "10.1.31.255", "east")
	// No lease may go unasked.
	gone := c.draft(c.East, "10.1.16.0-10.1.31.255", "10.1.200.0-10.1.200.9")
	c.refuses(c.East, []string{"needs a yes", "1 client would lose its address"}, "config", "apply", gone)
}

// survives has both begin anew, with the files that they began with at first: they serve by what was decided since.
func (c *council) survives() {
	c.t.Helper()
	head := c.agree(5 * time.Second)
	for _, m := range c.Both() {
		m.Kill()
		m.Begin(true)
	}
	c.Normal(60 * time.Second)
	if again := c.agree(10 * time.Second); again != head {
		c.t.Errorf("the head was %s, and is %s after a restart", head, again)
	}
}
