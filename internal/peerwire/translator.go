package peerwire

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// Setup is what is known of a connection before its first message.
type Setup struct {
	Dialect Dialect
	// Role is ours: it says whose a FREE address is.
	Role          failover.Role
	Self, Partner binding.Member
	// Software is what we say of ourselves (vendor-class-identifier).
	Software string
	// Room is what we take in one message, between Lessors; zero is all that there can be.
	Room Room
}

// Translator says what failover says in the octets of one connection, and the other way round. Besides the
// messages that it translates it has some of its own, which Pending appends: answers to bindings that cannot be read, and
// what is to be said again or bit by bit. One goroutine owns it, and a new connection has a new one.
//
// Of what was said before on the connection it keeps at most 1024 records in each direction, and as many updates that
// are not answered.
type Translator struct {
	setup              Setup
	primary, secondary binding.Member
	theirs             Room // what the partner takes in one message
	window             int  // updates that the partner takes unacknowledged

	said, heard records
	flights     flights
	runs        []run
	answers     []answer
	unsaid      []unsaid
	refused     []failover.Ack

	out     several // that is being written
	message Message // that is being read
	update  Update  // that is being written
	arena   []byte  // octets of what is being read or written
	updates []failover.Update
	acks    []failover.Ack
	names   map[string]binding.Member
}

// NewTranslator returns the translator of a new connection.
func NewTranslator(s Setup) *Translator {
	if s.Room.Octets == 0 {
		s.Room.Octets = 1<<16 - 1
	}
	if s.Room.Bindings == 0 {
		s.Room.Bindings = MaxBindings
	}
	t := &Translator{
		setup: s, primary: s.Self, secondary: s.Partner, theirs: Room{1<<16 - 1, MaxBindings}, window: 1,
		names: map[string]binding.Member{string(s.Self): s.Self, string(s.Partner): s.Partner},
	}
	if s.Role == failover.Secondary {
		t.primary, t.secondary = s.Partner, s.Self
	}
	t.said.init()
	t.heard.init()
	t.flights.init()
	return t
}

// Interner keeps one blob for equal octets; binding.Table is one.
type Interner interface {
	Intern(b []byte) *binding.Blob
}

// member returns the member with that name. The names of a group are few, so that they are kept; more are not.
func (t *Translator) member(name []byte) binding.Member {
	m, ok := t.names[string(name)]
	if !ok {
		m = binding.Member(name)
		if len(t.names) < maxNames {
			t.names[string(m)] = m
		}
	}
	return m
}

const (
	maxNames = 64
	// maxName is the longest name of a member that is read.
	maxName = 255
	// maxRecord is the longest record that goes with a binding, in octets. The largest messages of DHCP have less.
	maxRecord = 16 << 10
)

// unsaid is an update that could not be said.
type unsaid struct {
	id  uint32
	ack failover.Ack
}

// Unsaid makes out what a partner would say that refused the updates of one message that could not be said to it, so
// that failover knows; false if there are none (any more).
func (t *Translator) Unsaid(out *failover.Received) bool {
	if len(t.unsaid) == 0 {
		return false
	}
	id, n := t.unsaid[0].id, 0
	var acks []failover.Ack
	for n < len(t.unsaid) && t.unsaid[n].id == id {
		acks = append(acks, t.unsaid[n].ack)
		n++
	}
	t.unsaid = append(t.unsaid[:0], t.unsaid[n:]...)
	*out = failover.Received{Envelope: failover.Envelope{ID: id, Message: failover.BindingAck{Acks: acks}}}
	return true
}

// maxUnsaid bounds what nobody asks for.
const maxUnsaid = 4096

// leave notes that an update could not be said.
func (t *Translator) leave(id uint32, u *failover.Update, why string) {
	if len(t.unsaid) < maxUnsaid {
		ack := failover.Ack{Prefix: u.Binding.Prefix, Ours: u.Binding.Sync.Ours, Reason: failover.Miscellaneous, Text: why}
		t.unsaid = append(t.unsaid, unsaid{id, ack})
	}
}
