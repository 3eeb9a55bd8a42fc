package failover

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// iscServer is an ISC dhcpd as its partner sees it: the states and what follows on what, as they were read and probed
// (specification of ISC's behaviour §9), with all that ends it or stops it for good. Of bindings it only knows that they
// are acknowledged.
type iscServer struct {
	role     Role
	up       bool
	starting bool
	startEnd time.Time
	state    State // while starting, the saved one
	since    time.Time
	partner  State
	linked   bool
	greeted  bool
	stopped  string // why it serves no more, or has ended
	say      func(uint32, Message)
	next     uint32
	asked    uint32 // the UPDREQ that is being answered
	answers  bool
	unacked  map[uint32]bool
	leases   int
	now      func() time.Time
}

const iscMCLT = simMCLT

func (i *iscServer) start(wiped bool) {
	i.up, i.starting, i.startEnd = true, true, i.now().Add(15*time.Second)
	if wiped {
		i.state, i.since, i.partner, i.leases = Recover, i.now(), 0, 0
	}
}

func (i *iscServer) send(m Message) uint32 {
	i.next++
	i.say(i.next, m)
	return i.next
}

func (i *iscServer) sayState() {
	if i.linked && i.greeted {
		i.send(Report{State: i.state, Starting: i.starting, Since: i.since})
	}
}

func (i *iscServer) greetedNow() {
	i.greeted = true
	i.sayState()
}

func (i *iscServer) linkUp() {
	i.linked, i.greeted, i.next, i.answers, i.unacked = true, false, 0, false, map[uint32]bool{}
	if i.role == Primary {
		i.say(0, Connect{Hello{Relationship: "campus", MaxUnacked: 10, ReceiveTimer: 20 * time.Minute, MCLT: iscMCLT, Buckets: Split(128)}})
	}
}

func (i *iscServer) linkDown() {
	if !i.linked {
		return
	}
	i.linked, i.greeted = false, false
	if i.starting {
		i.starting = false
	}
	switch i.state {
	case Normal:
		i.become(CommunicationsInterrupted)
	case PotentialConflict, 0:
		i.become(ResolutionInterrupted)
	}
}

// become enters a state.
func (i *iscServer) become(to State) {
	was := i.state
	i.state, i.starting = to, false
	if to != RecoverWait && to != was {
		i.since = i.now()
	}
	if to == Shutdown {
		i.stopped = fmt.Sprintf("it stops for good in %v, its partner in %v", was, i.partner)
	}
	i.sayState()
	if !i.linked || !i.greeted {
		return
	}
	switch {
	case to == PotentialConflict && i.role == Primary:
		i.send(UpdateRequest{})
	case to == Recover:
		i.send(UpdateRequest{All: true})
	}
}

// tick lets time pass.
func (i *iscServer) tick() {
	if i.starting && !i.now().Before(i.startEnd) {
		i.starting = false
		switch i.state {
		case Normal:
			i.become(CommunicationsInterrupted)
		case PotentialConflict:
			i.become(ResolutionInterrupted)
		default:
			i.sayState()
		}
	}
	if i.state == RecoverWait && !i.starting && !i.now().Before(i.since.Add(iscMCLT)) {
		i.become(RecoverDone)
	}
}

func (i *iscServer) hears(id uint32, m Message) {
	switch m := m.(type) {
	case Connect:
		i.say(id, ConnectAck{Hello: Hello{Relationship: "campus", MaxUnacked: 10, ReceiveTimer: 20 * time.Minute}})
		i.greetedNow()
	case ConnectAck:
		i.greetedNow()
	case Report:
		i.hearsState(m)
	case UpdateRequest:
		i.asked, i.answers = id, true
		i.dump(m.All)
	case BindingUpdate:
		i.leases++
		i.say(id, BindingAck{[]Ack{{Prefix: m.Updates[0].Binding.Prefix}}})
	case BindingAck:
		delete(i.unacked, id)
		i.dumped()
	case UpdateDone:
		i.updateDone()
	case PoolRequest:
		i.say(id, PoolResponse{})
	case Disconnect:
		i.linkDown()
	}
}

func (i *iscServer) dump(all bool) {
	n := 1
	if all {
		n = 3
	}
	for k := range n {
		b := binding.Binding{Prefix: single(netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + k)})), State: binding.Free, Owner: "west"}
		if i.leases > 0 {
			b.Client = client(9)
		}
		i.unacked[i.send(BindingUpdate{[]Update{{Binding: b}}})] = true
	}
	i.dumped()
}

func (i *iscServer) dumped() {
	if i.answers && len(i.unacked) == 0 {
		i.answers = false
		i.say(i.asked, UpdateDone{})
	}
}

func (i *iscServer) updateDone() {
	switch {
	case i.state == Recover && i.since.Add(iscMCLT).After(i.now()) && i.partner != Recover && i.partner != RecoverDone:
		i.become(RecoverWait)
	case i.state == Recover:
		i.become(RecoverDone)
	case i.state == PotentialConflict && i.role == Primary && i.partner != ConflictDone:
		i.become(ConflictDone)
	case i.state == PotentialConflict && i.role == Secondary && i.partner == ConflictDone:
		i.become(Normal)
	case i.state == PotentialConflict && i.role == Primary:
		i.become(Shutdown)
	}
}

// hearsState is the table of received states.
func (i *iscServer) hearsState(r Report) {
	p, was := r.State, i.partner
	i.partner = p
	starting := i.starting
	i.starting = false
	if starting && p == was {
		to := i.state
		if to == ResolutionInterrupted {
			to = PotentialConflict
		}
		i.become(to)
		return
	}
	if p == was && !starting {
		switch i.state {
		case Normal, PotentialConflict, RecoverDone, RecoverWait, Shutdown, Paused:
			return
		}
	}
	to := i.follow(p, was, starting, r.Starting)
	if to != i.state || starting {
		i.become(to)
	}
}

func (i *iscServer) follow(p, was State, starting, theirsStarting bool) State {
	me := i.state
	conflict := p == PotentialConflict || p == ResolutionInterrupted || p == ConflictDone
	switch me {
	case Normal:
		switch {
		case p == PartnerDown && starting:
			return Recover
		case p == PartnerDown:
			return PotentialConflict
		case conflict:
			return Shutdown
		case p == Recover, p == Shutdown:
			return PartnerDown
		case p == Paused:
			return CommunicationsInterrupted
		}
	case CommunicationsInterrupted:
		switch {
		case p == Normal, p == CommunicationsInterrupted, p == RecoverDone, p == RecoverWait:
			return Normal
		case p == PartnerDown, conflict:
			return PotentialConflict
		case p == Recover, p == Shutdown:
			return PartnerDown
		}
	case PartnerDown:
		switch {
		case theirsStarting:
		case p == Normal, p == CommunicationsInterrupted, p == PartnerDown, conflict:
			return PotentialConflict
		case p == RecoverDone:
			return Normal
		}
	case Recover:
		switch {
		case p == Normal, conflict:
			return PotentialConflict
		case p == CommunicationsInterrupted, p == PartnerDown, p == Recover:
			i.send(UpdateRequest{All: true})
		case p == Shutdown:
			return PartnerDown
		}
	case RecoverDone:
		switch p {
		case Normal, RecoverDone:
			return Normal
		case Shutdown:
			return PartnerDown
		}
	case PotentialConflict:
		switch p {
		case Normal:
			return Shutdown
		case Recover:
			return Recover
		case Shutdown:
			return PartnerDown
		case ConflictDone:
			if was == PotentialConflict {
				i.send(UpdateRequest{})
			}
		}
	case ResolutionInterrupted:
		switch p {
		case Paused:
		case Shutdown:
			return PartnerDown
		default:
			return PotentialConflict
		}
	case ConflictDone:
		switch p {
		case Normal:
			return Normal
		case PotentialConflict, ResolutionInterrupted:
		case Shutdown:
			return Shutdown
		default:
			i.stopped = fmt.Sprintf("its process ends in CONFLICT-DONE on hearing %v", p)
		}
	}
	return me
}
