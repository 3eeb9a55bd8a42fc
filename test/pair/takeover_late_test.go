package pair

import (
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// Two servers stand still together, as on a host that does, and one of them goes on a moment before the other. By its clock that has said
// nothing for longer than the receive timer, but what it says next is there at once: neither ends a connection.
func TestServersThatWereLateKeepTheirConnections(t *testing.T) {
	t.Parallel()
	// They stand still for a little longer than the receive timer. One whose next look was due within that little begins anew, and one on
	// a machine that is robbed of its processors may hear the other too late; but neither happens each time.
	const (
		receive  = 10 * time.Second
		attempts = 6
	)
	p := world.New(t).Pair(world.PairSetup{Receive: receive})
	for _, first := range []*world.Member{p.West, p.East} {
		second := p.Other(first)
		for attempt := 1; ; attempt++ {
			from := map[*world.Member]int{first: len(first.Log()), second: len(second.Log())}
			first.Freeze()
			second.Freeze()
			time.Sleep(receive + 100*time.Millisecond)
			first.Thaw()
			time.Sleep(50 * time.Millisecond)
			second.Thaw()
			time.Sleep(2 * time.Second)
			p.Normal(10 * time.Second)
			ended := endings(t, first, from[first]) + endings(t, second, from[second])
			if ended == 0 {
				break
			}
			if attempt == attempts {
				t.Fatalf("%s goes on first: connections ended in each of %d attempts", first.Host.Role, attempts)
			}
			time.Sleep(time.Duration(attempt) * time.Second)
		}
	}
}

// endings counts the lines of a server's log behind from that say that a connection to the other one ended.
func endings(t *testing.T, m *world.Member, from int) (n int) {
	for line := range strings.Lines(m.Log()[from:]) {
		if strings.Contains(line, "COMMUNICATIONS-INTERRUPTED") || strings.Contains(line, unheard) || strings.Contains(line, "nothing was heard") {
			n++
			t.Logf("%s: %s", m.Host.Role, strings.TrimSpace(line))
		}
	}
	return n
}
