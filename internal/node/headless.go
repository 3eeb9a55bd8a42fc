package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// A server is headless as long as the group has no configuration that it knows of: one of two that has met nobody yet, and
// was not founded. It answers nobody.

// waiting says what not all clients are answered for; empty if they are.
func (n *Node) waiting() string {
	if !n.core.headless {
		return n.core.waiting()
	}
	s := n.keeper.published.Load()
	partner := n.partner.name
	switch {
	case s == nil || s.Trouble == "":
		return fmt.Sprintf("waiting for %s: no contact yet, so new and lost disk look alike; start it, or run: lessor partner-down %s --never-served", partner, partner)
	case len(s.Differs) > 0:
		return fmt.Sprintf("waiting for %s: %s: %s; %s", partner, s.Trouble, keysOf(s.Differs), troubleRemedy(s))
	}
	return fmt.Sprintf("waiting for %s: %s; %s", partner, s.Trouble, troubleRemedy(s))
}

// headlessStatus is how the two servers stand before they have a configuration.
func (n *Node) headlessStatus(now time.Time) PartnerStatus {
	p := n.partner
	r := &relation{config: p.config, record: n.relationshipRecord(now)}
	r.endpoint = failover.New(p.config, r.record, shared{n.core}, now)
	ps := relationshipStatus(&p.config, r, now)
	ps.State, ps.Waiting = failover.Recover.String(), n.waiting() // as which it will begin
	if s := n.keeper.published.Load(); s != nil {
		for _, c := range s.Differs {
			ps.Differs = append(ps.Differs, strings.TrimSpace(c.String()))
		}
		ps.Disagree = len(s.Differs) > 0
	}
	return ps
}

// foundAlone has a headless server begin the group by its own file, since its operator says that the other never served.
func (n *Node) foundAlone(ctx context.Context) error {
	k := n.keeper
	_, err := k.make(ctx, nil, func() (group.Output, error) {
		if !k.machine.State.Head.IsZero() {
			return group.Output{}, errors.New("there is a configuration already")
		}
		out, err := k.machine.Found()
		if err == nil && k.machine.State.Head == (version.ID{}) {
			err = errors.New("it was not adopted")
		}
		return out, err
	})
	return err
}

// isHeadless asks the decider.
func (n *Node) isHeadless(ctx context.Context) (headless bool) {
	_ = n.do(ctx, func(*Effects) { headless = n.core.headless })
	return headless
}
