package isc

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// checklist reads what one server said to an ISC dhcpd, and names everything that such a server does not bear, or that the
// protocol forbids. It knows nothing of the program that said it.
type checklist struct {
	us      netip.Addr
	primary bool // whether we are
	pool    func(netip.Addr) bool
	wrong   []string
	links   map[int]*spoken
}

// spoken is what was said on one connection.
type spoken struct {
	ours, theirs byte // the last states
	timer        time.Duration
	unacked      int
	last, heard  time.Time // of ours, of theirs
	next         uint32    // the xid that our next request may not be below
	requests     map[uint32]byte
	updates      map[update]time.Time // of theirs, not answered yet
	mine         map[netip.Addr]uint32
	connectXID   uint32
	greeted      bool
}

type update struct {
	address netip.Addr
	xid     uint32
}

// promptness is within how long every update of theirs must be answered, while the connection lives.
const promptness = 8 * time.Second

// check returns what is wrong with all that was said.
func (c *checklist) check(all []message, until time.Time) []string {
	c.links = map[int]*spoken{}
	for i := range all {
		m := &all[i]
		s := c.links[m.link]
		if s == nil {
			s = &spoken{requests: map[uint32]byte{}, updates: map[update]time.Time{}, mine: map[netip.Addr]uint32{}}
			c.links[m.link] = s
		}
		if m.from == c.us {
			c.said(s, m)
		} else {
			c.heard(s, m)
		}
	}
	c.unanswered(all, until)
	return c.wrong
}

func (c *checklist) fail(m *message, format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...)+": "+m.String())
}

// heard keeps what the ISC server said, as far as what we may say depends on it.
func (c *checklist) heard(s *spoken, m *message) {
	s.heard = m.at
	switch m.kind {
	case kindState:
		s.theirs = m.u8(optState)
	case kindConnect, kindConnectAck:
		s.timer = time.Duration(m.u32(optTimer)) * time.Second
		s.unacked = int(m.u32(optMaxUnacked))
		s.connectXID = m.xid
	case kindUpdate:
		s.updates[update{m.address(), m.xid}] = m.at
	case kindAck:
		if x, ok := s.mine[m.address()]; ok && x == m.xid {
			delete(s.mine, m.address())
		}
	case kindRequest, kindRequestAll, kindPoolReq:
		s.requests[m.xid] = m.kind
	}
}

// said checks a message of ours.
func (c *checklist) said(s *spoken, m *message) {
	for _, p := range m.problems {
		c.fail(m, "%s", p)
	}
	if m.size > 2048 || m.offset != 12 || kinds[m.kind] == "" {
		c.fail(m, "length %d, payload at %d, type %d", m.size, m.offset, m.kind)
		return
	}
	if off := m.at.Unix() - int64(m.time); off < -60 || off > 60 {
		c.fail(m, "it says it was sent %d s ago", off)
	}
	c.layout(m)
	// While the link is cut nothing new leaves the machine; where theirs arrives, ours could have left.
	if s.timer > 0 && !s.last.IsZero() && m.at.Sub(s.last) > s.timer && s.heard.Sub(s.last) > s.timer/2 {
		c.fail(m, "nothing was said for %v, and the other closes after %v", m.at.Sub(s.last), s.timer)
	}
	s.last = m.at
	switch m.kind {
	case kindConnect:
		c.connect(s, m)
	case kindConnectAck:
		if c.primary {
			c.fail(m, "a primary answers no CONNECT")
		}
		if m.xid != s.connectXID {
			c.fail(m, "it answers %d", s.connectXID)
		}
		s.greeted = true
		return
	case kindAck:
		c.ack(s, m)
		return
	case kindDone, kindPoolResp:
		c.answer(s, m)
		return
	case kindState:
		c.state(s, m)
	case kindUpdate:
		c.update(s, m)
	}
	if !s.greeted && m.kind != kindConnect && m.kind != kindDisconnect {
		c.fail(m, "before the greeting")
	}
	if m.xid < s.next {
		c.fail(m, "the numbers go back from %d", s.next)
	}
	s.next = m.xid
	if m.kind != kindUpdate { // runs of updates may have one number
		s.next++
	}
}

// layout checks which options are there, in which order, and how long they are.
func (c *checklist) layout(m *message) {
	want := allowed[m.kind]
	var fit []uint16
	for _, code := range want.order {
		if m.has(code) {
			fit = append(fit, code)
		} else if !slices.Contains(want.may, code) {
			c.fail(m, "option %d is missing", code)
		}
	}
	if !slices.Equal(fit, m.codes) {
		c.fail(m, "it has the options %v, not %v", m.codes, fit)
	}
	for _, code := range m.codes {
		if n, ok := fixed[code]; ok && len(m.options[code]) != n {
			c.fail(m, "option %d has %d octets", code, len(m.options[code]))
		}
	}
}

func (c *checklist) connect(s *spoken, m *message) {
	if !c.primary {
		c.fail(m, "a secondary says no CONNECT")
	}
	if m.u32(optMaxUnacked) == 0 || m.u32(optTimer) < 3 || m.u32(optMCLT) == 0 {
		c.fail(m, "max-unacked %d, timer %d, MCLT %d", m.u32(optMaxUnacked), m.u32(optTimer), m.u32(optMCLT))
	}
	s.greeted = true
}

// ack checks that a BNDACK answers an update of theirs, once, and says no more than it may.
func (c *checklist) ack(s *spoken, m *message) {
	if m.has(optText) != m.has(optReason) {
		c.fail(m, "a reason goes with a text")
	}
	u := update{m.address(), m.xid}
	if _, open := s.updates[u]; !open {
		c.fail(m, "it answers nothing that was said on this connection")
		return
	}
	delete(s.updates, u)
}

// answer checks that UPDDONE and POOLRESP echo the number of a request.
func (c *checklist) answer(s *spoken, m *message) {
	kind, asked := s.requests[m.xid]
	if !asked || (m.kind == kindPoolResp) != (kind == kindPoolReq) {
		c.fail(m, "it answers no request")
	}
	delete(s.requests, m.xid)
}

// fatal are the states that an ISC server in a state must not hear: it ends, or stops for good.
var fatal = map[byte][]byte{
	stateNormal:       {stateConflict, stateResolution, stateConflictDone},
	stateConflict:     {stateNormal},
	stateConflictDone: {stateInterrupted, statePartnerDown, stateRecover, statePaused, stateRecoverDone, stateConflictDone, stateRecoverWait},
}

func (c *checklist) state(s *spoken, m *message) {
	state := m.u8(optState)
	if states[state] == "" || state == stateShutdown {
		c.fail(m, "state %d", state)
	}
	if s.theirs == 0 {
		c.fail(m, "before theirs is known")
	}
	if state == statePaused && s.theirs != stateNormal && s.theirs != stateInterrupted {
		c.fail(m, "to a server in %s", states[s.theirs])
	}
	if slices.Contains(fatal[s.theirs], state) {
		c.fail(m, "a server in %s does not bear that", states[s.theirs])
	}
	if m.u8(optFlags) > 1 || m.u32(optSince) == 0 {
		c.fail(m, "flags or time")
	}
	s.ours = state
}

func (c *checklist) update(s *spoken, m *message) {
	status, address := m.u8(optStatus), m.address()
	if statuses[status] == "" || m.xid == 0 || !c.pool(address) {
		c.fail(m, "status %d, number %d, address %v", status, m.xid, address)
	}
	if (status == statusActive || status == statusExpired || status == statusReleased) && !m.has(optHardware) {
		c.fail(m, "without a hardware address")
	}
	if status == statusAbandoned && (m.has(optHardware) || m.has(optClientID)) {
		c.fail(m, "with a client")
	}
	if n := len(m.options[optHardware]); m.has(optHardware) && (n < 1 || n > 21) {
		c.fail(m, "a hardware address of %d octets", n)
	}
	if status == statusActive && (m.u32(optExpiry) == 0 || m.u32(optPotential) < m.u32(optExpiry)) {
		c.fail(m, "ends %d, potential %d", m.u32(optExpiry), m.u32(optPotential))
	}
	if status == statusExpired && !c.primary && s.ours == stateNormal && s.theirs == stateNormal {
		c.fail(m, "in NORMAL only the primary says that a lease ended")
	}
	s.mine[address] = m.xid
	if s.unacked > 0 && len(s.mine) > s.unacked {
		c.fail(m, "%d updates are on their way, and the other has room for %d", len(s.mine), s.unacked)
	}
}

// unanswered names updates and requests of theirs that got no answer although there was time.
func (c *checklist) unanswered(all []message, until time.Time) {
	ends := map[int]time.Time{}
	for i := range all {
		if e := all[i].ended; !e.IsZero() {
			ends[all[i].link] = e
		}
	}
	for link, s := range c.links {
		end, closed := ends[link]
		if !closed {
			end = until
		}
		for u, at := range s.updates {
			if end.Sub(at) > promptness && s.last.Sub(at) > promptness {
				c.wrong = append(c.wrong, fmt.Sprintf("connection %d: an update of %v, number %d, was not answered within %v", link, u.address, u.xid, end.Sub(at)))
			}
		}
	}
}
