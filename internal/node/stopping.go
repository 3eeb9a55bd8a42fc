package node

import (
	"context"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// stopFor is how long a server that ends goes on at most, so that its partner hears all that it knows: the endpoint takes five
// seconds for that, and the last octets leave behind it.
const stopFor = 7 * time.Second

// stopping is the end of a server, which takes some time where it is one of two. The zero value: it goes on.
type stopping struct {
	begun bool
	timer <-chan time.Time
}

// unless returns what says that the end is to begin; nil when it has.
func (s *stopping) unless(ctx context.Context) <-chan struct{} {
	if s.begun {
		return nil
	}
	return ctx.Done()
}

// late returns what says that the end has taken long enough.
func (s *stopping) late() <-chan time.Time { return s.timer }

// begin has clients answered no more, and the partner told what it does not know yet.
func (s *stopping) begin(n *Node) {
	s.begun = true
	if n.core.joined() {
		s.timer = time.After(stopFor)
		n.handle(&Partner{failover.Maintain{On: true}})
	}
}

// done reports whether there is nothing left to wait for.
func (s *stopping) done(n *Node) bool {
	p := n.partner
	return s.begun && !n.busy && n.current.empty() && (p == nil || !n.core.joined() || !p.wanted && p.link == nil && p.ending == nil)
}
