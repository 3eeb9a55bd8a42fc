package node

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// A partner that is away for a night is a line in the log, not one every five seconds.
func TestAConnectionThatFailsAgainIsSaidOnce(t *testing.T) {
	p := &partnership{}
	closed := func(cause string) *failover.Note { return &failover.Note{Kind: failover.LinkClosed, Cause: cause} }
	for i, c := range []struct {
		note    *failover.Note
		repeats bool
	}{
		{closed("the partner closed the connection"), false},
		{closed("the partner closed the connection"), true},
		{closed("nothing listens there"), false},
		{&failover.Note{Kind: failover.StateChanged, Cause: "nothing listens there"}, false},
		{closed("nothing listens there"), true},
		{&failover.Note{Kind: failover.LinkOpened}, false},
		{closed("nothing listens there"), false},
	} {
		if got := p.repeats(c.note); got != c.repeats {
			t.Errorf("%d: %v", i, got)
		}
		p.remember(time.Unix(0, 0), c.note)
	}
}
