package node

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// When packets come faster than they are answered, the kernel drops whichever comes next. Before it does, some are left unanswered here,
// which costs next to nothing: new clients before those that have an address, and what its client has given up on.
const (
	// pressedAt is how full the room for packets is, from 0 to 1, when who has nothing here to lose is left unanswered, and easedAt when
	// that is over. What 20,000 new clients a second say while a disk stands still for a third of a second does not get there.
	pressedAt = 5. / 8
	easedAt   = 3. / 8
	// fullAt is when clients are left unanswered, too, that took an offer or come back: all but those that extend a lease.
	fullAt = 7. / 8
	// oneOf of them is answered even then.
	oneOf = 16
	// givenUp is after how long a client asks again (RFC 2131 §4.1), with another message, and renewalGivenUp after how long at the
	// earliest one does that has an address and asks for more time (§4.4.5).
	givenUp        = 4 * time.Second
	renewalGivenUp = time.Minute
)

// pressure says how far packets are behind. The zero value is not at all.
type pressure struct {
	on    bool
	full  bool // it is on, and was not enough
	asked int  // how many asked while it was on who may be left unanswered
}

// backlog is how full the room for packets is, from 0 to 1.
type backlog interface{ Backlog() float64 }

// look looks how many packets wait, of which so many were just read, and returns the machine's time. It asks only where there may be many.
func (p *pressure) look(s backlog, read int) time.Time {
	switch {
	case read >= readSlots/2:
		taken := s.Backlog()
		p.on = taken >= pressedAt || p.on && taken >= easedAt
		p.full = taken >= fullAt || p.full && taken >= pressedAt
	case p.on:
		taken := s.Backlog()
		p.on, p.full = taken >= easedAt, p.full && taken >= pressedAt
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
	if at != 0 && now.UnixNano()-at > int64(p.patience(m)) {
		return responder.GivenUp
	}
	if p.on && p.waits(m) {
		if p.asked++; p.asked%oneOf != 0 {
			return responder.TooBusy
		}
	}
	return 0
}

// waits reports whether m comes after those that are in want of an answer now: it is not of a client that extends its lease.
func (p *pressure) waits(m *dhcpv4.Message) bool {
	if m.Type() == dhcpv4.Request {
		return p.full && m.CIAddr.IsUnspecified()
	}
	return true
}

// patience returns for how long the client of m waits for its answer. Where there is hardly any room left all are taken for hasty: most
// clients ask for more time sooner than they should.
func (p *pressure) patience(m *dhcpv4.Message) time.Duration {
	if renews := m.Type() == dhcpv4.Request && !m.CIAddr.IsUnspecified(); renews && !p.on { // table 4 has no others with ciaddr
		return renewalGivenUp
	}
	return givenUp
}
