package node

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// When packets come faster than they are answered, the kernel drops whichever comes next. Before it does, some are left unanswered here,
// which costs next to nothing: new clients before those that have an address, and what its client has given up on.
const (
	// pressedAt is how full the room for packets is, from 0 to 1, when new clients are left unanswered, and easedAt when they no longer
	// are. What 20,000 new clients a second say while a disk stands still for a third of a second does not get there.
	pressedAt = 5. / 8
	easedAt   = 3. / 8
	// oneOf new clients is answered even then.
	oneOf = 16
	// givenUp is after how long a client asks again (RFC 2131 §4.1), with another message.
	givenUp = 4 * time.Second
)

// pressure says how far packets are behind. The zero value is not at all.
type pressure struct {
	on    bool
	asked int // how many new clients asked while it was on
}

// backlog is how full the room for packets is, from 0 to 1.
type backlog interface{ Backlog() float64 }

// look looks how many packets wait, of which so many were just read, and returns the machine's time. It asks only where there may be many.
func (p *pressure) look(s backlog, read int) time.Time {
	switch {
	case read >= readSlots/2:
		full := s.Backlog()
		p.on = full >= pressedAt || p.on && full >= easedAt
	case p.on:
		p.on = s.Backlog() >= easedAt
	}
	return time.Now()
}

// shed returns why m, which came at that time in nanoseconds since 1970, is left unanswered now; 0: it is not. What a client says once
// is always heard.
func (p *pressure) shed(m *dhcpv4.Message, now time.Time, at int64) responder.Reason {
	switch m.Type() {
	case dhcpv4.Release, dhcpv4.Decline:
		return 0
	}
	if at != 0 && now.UnixNano()-at > int64(givenUp) {
		return responder.GivenUp
	}
	if p.on && m.Type() == dhcpv4.Discover {
		if p.asked++; p.asked%oneOf != 0 {
			return responder.TooBusy
		}
	}
	return 0
}
